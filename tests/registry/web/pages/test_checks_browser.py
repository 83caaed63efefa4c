"""One check in a real browser: its reference copied, its page printed on one sheet, asked again."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.registry.web.pages.browsing import accessible, fits, follow, log_in, nothing_from_elsewhere, until
from tests.registry.web.pages.house import EMPLOYER, House

if TYPE_CHECKING:
    from playwright.sync_api import Page


def check(page: "Page", house: House, licence_number: str = "SJ-100") -> None:
    page.goto(f"{house.url}/")
    page.check("#way-licence-number")
    page.fill("#licence-number", licence_number)
    page.fill("#reference", "ärende 7")
    page.select_option("#purpose", "recruitment")
    page.click('form[action="/check"] button')
    page.wait_for_url(f"{house.url}/check")


def test_the_reference_is_copied_by_a_button(house: House, open_page: Callable[..., "Page"]) -> None:
    page = open_page(script=True)
    log_in(page, house, EMPLOYER)
    check(page, house)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.click("[data-copy] button")
    until(page, "document.querySelector('[data-copy] [role=status]').textContent === 'Kopierad.'")
    assert page.evaluate("navigator.clipboard.readText()") == page.inner_text("#copied")


def test_where_copying_is_refused_the_reference_is_selected(
    house: House, open_page: Callable[..., "Page"]
) -> None:
    page = open_page(script=True)
    page.add_init_script("navigator.clipboard.writeText = () => Promise.reject(new Error('no'))")
    log_in(page, house, EMPLOYER)
    check(page, house)
    page.click("[data-copy] button")
    until(page, "getSelection().toString().includes('Legitimationskontroll ver_')")
    assert page.inner_text("[data-copy] [role=status]") == ""


def test_without_script_the_reference_is_text_and_there_is_no_button(
    house: House, open_page: Callable[..., "Page"]
) -> None:
    page = open_page()
    with nothing_from_elsewhere(page, house):
        log_in(page, house, EMPLOYER)
        check(page, house)
        assert page.inner_text("#copied").startswith("Legitimationskontroll ver_")
        assert page.locator("[data-copy] button").count() == 0
        follow(page, 'main a[href^="/checks/"]')
        follow(page, 'form[action$="/again"] button')
        assert "Inget har ändrats." in page.inner_text("main")


@pytest.mark.parametrize("licence_number", ["SJ-100", "LK-200", "PS-300", "XX-999"])
def test_a_check_is_printed_on_one_sheet(
    house: House, open_page: Callable[..., "Page"], licence_number: str
) -> None:
    page = open_page(wide=True)
    log_in(page, house, EMPLOYER)
    check(page, house, licence_number)
    page.emulate_media(media="print")
    for shown in (".verdict h1", "#reasons-title", "#next-title", "#evidence-title"):
        assert page.is_visible(shown), shown
    printed = page.inner_text("#evidence-title >> xpath=..")
    for told in ("ver_", "Kontrollerat", "Inför anställning", "2120000142", "ärende 7"):
        assert told in printed, told
    for hidden in (".top", ".who", ".foot", "main .button >> nth=0", "#copied"):
        assert not page.is_visible(hidden), hidden
    assert len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4", prefer_css_page_size=True))) == 1


@pytest.mark.parametrize("language", ["sv-SE", "en-GB"])
def test_checks_are_accessible_and_fit_a_phone(
    house: House, open_page: Callable[..., "Page"], language: str
) -> None:
    page = open_page(script=True, language=language)
    log_in(page, house, EMPLOYER)
    check(page, house, "PS-300")
    accessible(page, language)
    fits(page)
    follow(page, 'main a[href^="/checks/"]')
    follow(page, 'form[action$="/again"] button')
    page.wait_for_selector("#changes-title")
    accessible(page, language)
    fits(page)
    page.goto(f"{house.url}/checks?reference=ärende 7")
    accessible(page, language)
    fits(page)
