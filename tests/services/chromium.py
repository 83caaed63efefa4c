"""The browser for page tests: the system's Chromium, driven by Playwright, with background networking off."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tests.services.missing import ServiceMissingError

if TYPE_CHECKING:
    from playwright.sync_api import Browser

_PROGRAMS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
_QUIET = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-dev-shm-usage",  # containers often have a tiny /dev/shm
)


def find_chromium() -> Path:
    """Return the browser program: `REGISTRY_TEST_CHROMIUM`, else the first one found on the path.

    Raises `ServiceMissingError` if there is none.
    """
    named = os.environ.get("REGISTRY_TEST_CHROMIUM")
    for name in (named,) if named else _PROGRAMS:
        if program := shutil.which(name):
            return Path(program)
    raise ServiceMissingError(
        "Chromium",
        reason=f"no program {named or ' or '.join(_PROGRAMS)} found",
        remedy="install it (Debian: `apt-get install chromium`) or name one in REGISTRY_TEST_CHROMIUM",
    )


def chromium_arguments() -> list[str]:
    """Return the command line switches: quiet on the network, and without its sandbox only as root."""
    return [*_QUIET, *(["--no-sandbox"] if os.geteuid() == 0 else [])]


@contextlib.contextmanager
def open_browser() -> Iterator["Browser"]:
    """Start a headless Chromium with a fresh profile and close it at the end.

    Raises `ServiceMissingError` if there is no Chromium.
    """
    from playwright.sync_api import sync_playwright

    program = find_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=chromium_arguments())
        try:
            yield browser
        finally:
            browser.close()
