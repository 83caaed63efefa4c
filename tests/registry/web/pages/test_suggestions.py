"""Suggestions while typing, in a real browser: by keyboard and by touch, and silent when they fail."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.registry.web.pages.browsing import accessible, fits, follow, log_in, nothing_from_elsewhere
from tests.registry.web.pages.house import EMPLOYER, NURSE, House

if TYPE_CHECKING:
    from playwright.sync_api import Page, Request, Response, Route


def search_page(page: "Page", base: str) -> None:
    page.goto(f"{base}/search")


def type_slowly(page: "Page", text: str) -> None:
    page.locator("#q").press_sequentially(text, delay=20)


def test_names_are_suggested_while_typing_and_chosen_by_keyboard(
    house: House, open_page: Callable[..., "Page"]
) -> None:
    page = open_page(script=True)
    with nothing_from_elsewhere(page, house):
        log_in(page, house, EMPLOYER)
        search_page(page, house.url)
        box = page.locator("#q")
        assert box.get_attribute("role") == "combobox"
        assert box.get_attribute("aria-expanded") == "false"
        type_slowly(page, "ander")
        option = page.locator("#q-suggestions [role=option]")
        option.first.wait_for()
        assert option.all_inner_texts() == ["Andersson"]
        assert box.get_attribute("aria-expanded") == "true"
        assert page.locator("[role=status]").inner_text() == "1 förslag. Välj med piltangenterna."
        page.keyboard.press("ArrowDown")
        assert box.get_attribute("aria-activedescendant") == option.first.get_attribute("id")
        assert option.first.get_attribute("aria-selected") == "true"
        page.keyboard.press("Enter")
        assert box.input_value() == "Andersson"
        assert not page.is_visible("#q-suggestions")
        # Choosing a name asks nothing yet; the form is sent as without script.
        assert page.url == f"{house.url}/search"
        page.select_option("#search-purpose", "recruitment")
        follow(page, "main form button")
        assert "25 personer hittades" in page.inner_text("main")


def test_suggestions_go_away_by_escape_and_are_chosen_by_touch(
    house: House, open_page: Callable[..., "Page"]
) -> None:
    page = open_page(script=True)
    log_in(page, house, EMPLOYER)
    search_page(page, house.url)
    type_slowly(page, "ander")
    page.locator("#q-suggestions [role=option]").first.wait_for()
    page.keyboard.press("Escape")
    assert not page.is_visible("#q-suggestions")
    assert page.locator("#q").input_value() == "ander"
    type_slowly(page, "s")
    page.locator("#q-suggestions [role=option]").first.click()
    assert page.locator("#q").input_value() == "Andersson"
    assert page.evaluate("document.activeElement.id") == "q"


def test_a_number_that_is_typed_is_never_sent_before_the_form_is(
    house: House, open_page: Callable[..., "Page"]
) -> None:
    page = open_page(script=True)
    log_in(page, house, EMPLOYER)
    search_page(page, house.url)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if about_suggestions(request) else None)
    type_slowly(page, NURSE)
    page.fill("#q", "")
    # Whatever was waiting to be asked before this has been asked when this is answered.
    with page.expect_event("response", about_suggestions):
        type_slowly(page, "ander")
    assert {url.partition("?")[2] for url in asked} <= {"q=an", "q=and", "q=ande", "q=ander"}


def about_suggestions(event: "Request | Response") -> bool:
    """Tell whether a request or a response is one of the script's."""
    return "/search/suggestions" in event.url


def answering(status: int, body: str) -> Callable[["Route"], None]:
    """Answers a request so; not at all with status 0."""

    def answer(route: "Route") -> None:
        if status:
            route.fulfill(status=status, body=body)
        else:
            route.abort()

    return answer


def test_where_suggestions_fail_the_box_is_as_before(house: House, open_page: Callable[..., "Page"]) -> None:
    page = open_page(script=True)
    log_in(page, house, EMPLOYER)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    search_page(page, house.url)
    suggestions = "**/search/suggestions*"
    for status, body in ((503, "{}"), (200, "no JSON"), (200, '{"items": 1}'), (0, "")):
        page.route(suggestions, answering(status, body))
        page.fill("#q", "")
        with page.expect_event("response" if status else "requestfailed", about_suggestions):
            type_slowly(page, "ander")
        page.unroute(suggestions)
        assert not page.is_visible("#q-suggestions")
    assert complaints == []
    page.select_option("#search-purpose", "recruitment")
    page.fill("#q", "andersson")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?q=andersson*")
    assert "25 personer hittades" in page.inner_text("main")


@pytest.mark.parametrize("language", ["sv-SE", "en-GB"])
def test_suggestions_are_accessible_and_fit_a_phone(
    house: House, open_page: Callable[..., "Page"], language: str
) -> None:
    page = open_page(script=True, language=language)
    log_in(page, house, EMPLOYER)
    search_page(page, house.url)
    type_slowly(page, "ander")
    page.locator("#q-suggestions [role=option]").first.wait_for()
    page.keyboard.press("ArrowDown")
    accessible(page, language)
    assert page.is_visible("#q-suggestions")
    fits(page)
