"""What tests in a real browser share: windows, logging in, and what every page must keep."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from axe_playwright_python.sync_playwright import Axe

from registry.sandbox.config import SandboxUser
from tests.registry.web.pages.house import House

if TYPE_CHECKING:
    from playwright.sync_api import Page

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}


def log_in(page: "Page", house: House, user: SandboxUser) -> None:
    page.goto(f"{house.url}/login")
    page.click(f'button[value="{user.subject}"]')
    page.wait_for_url(f"{house.url}/")


def follow(page: "Page", selector: str) -> None:
    """Click what leads to another page, and wait until that one stands: on a busy machine the old one is seen for a while."""
    with page.expect_navigation():
        page.click(selector)


def until(page: "Page", expression: str) -> None:
    """Wait until an expression is true; the pages' own policy forbids the browser to wait for one (it would evaluate a text)."""
    for _ in range(200):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"never true: {expression}")


@contextmanager
def nothing_from_elsewhere(page: "Page", house: House) -> Iterator[None]:
    """Note every request to another host than ours and the provider's."""
    foreign: list[str] = []
    ours = (house.url, house.idp.issuer)
    page.on("request", lambda request: None if request.url.startswith(ours) else foreign.append(request.url))
    yield
    assert foreign == []


def accessible(page: "Page", language: str) -> None:
    """No violation of any rule of axe-core, WCAG or good practice; in one of the languages at both widths."""
    page.wait_for_load_state()
    for size in (DESKTOP, PHONE) if language == "sv-SE" else (PHONE,):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        found = Axe().run(page).response["violations"]
        assert [(each["id"], each["help"], each["nodes"][0]["html"]) for each in found] == []


def fits(page: "Page") -> None:
    """Nothing is wider than the window, also where a panel would hide it."""
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= PHONE["width"]
    too_wide = page.evaluate(
        "[...document.querySelectorAll('main *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1"
        " && getComputedStyle(e).position !== 'absolute').map(e => e.outerHTML.slice(0, 80))"
    )
    assert too_wide == []
