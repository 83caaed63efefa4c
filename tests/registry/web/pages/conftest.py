"""One house for all page tests; tests that break something make their own."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.registry.web.pages.browsing import DESKTOP, PHONE
from tests.registry.web.pages.house import EMPLOYER, House, running_house

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A running registry; tests add access events, checks and staff lists to it and nothing else."""
    with running_house(tmp_path_factory.mktemp("house")) as house:
        yield house


@pytest.fixture(scope="session")
def employer(house: House) -> Iterator[httpx.Client]:
    """A browser in which an employer is logged in, in Swedish."""
    with house.browser(EMPLOYER) as browser:
        yield browser


@pytest.fixture(scope="module")
def lists_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A registry for staff lists: a worker answers whatever list waits in it."""
    with running_house(tmp_path_factory.mktemp("lists")) as house:
        yield house


@pytest.fixture(scope="module")
def sender(lists_house: House) -> Iterator[httpx.Client]:
    """A browser in which an employer is logged in at the house for staff lists, in Swedish."""
    with lists_house.browser(EMPLOYER) as browser:
        yield browser


@pytest.fixture
def own_house(tmp_path: Path) -> Iterator[House]:
    """A registry that the test may break."""
    with running_house(tmp_path) as house:
        yield house


@pytest.fixture
def open_page(chromium_browser: "Browser") -> Iterator[Callable[..., "Page"]]:
    """Opens a page in a fresh profile: a phone without script unless told otherwise."""
    contexts = []

    def open_(*, script: bool = False, wide: bool = False, language: str = "sv-SE") -> "Page":
        context = chromium_browser.new_context(
            viewport=DESKTOP if wide else PHONE,  # type: ignore[arg-type]
            java_script_enabled=script,
            locale=language,
        )
        context.set_default_timeout(10_000)
        contexts.append(context)
        return context.new_page()

    yield open_
    for context in contexts:
        context.close()
