"""The pages in a real browser: without script, on a phone, by keyboard, and held against the rules of axe-core."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from registry.sandbox.config import SandboxUser
from tests.registry.web.pages.browsing import (
    DESKTOP,
    PHONE,
    accessible,
    fits,
    follow,
    log_in,
    nothing_from_elsewhere,
)
from tests.registry.web.pages.house import (
    ADMIN,
    EMPLOYER,
    HIDDEN,
    NAMELESS,
    NOBODY,
    NURSE,
    OFFICER,
    PROBATION,
    REVOKED,
    STAFF,
    UNNAMED,
    House,
)

if TYPE_CHECKING:
    from playwright.sync_api import Page

Visit = Callable[["Page", str], None]


def check(page: "Page", house: House, way: str, **fields: str) -> None:
    page.goto(f"{house.url}/")
    page.check(f"#way-{way}")
    for name, value in fields.items():
        page.fill(f"#{name.replace('_', '-')}", value)
    page.select_option("#purpose", "recruitment")
    page.click('form[action="/check"] button')
    page.wait_for_url(f"{house.url}/check")


def test_an_employer_logs_in_checks_and_logs_out_without_script(
    house: House, open_page: Callable[..., "Page"]
) -> None:
    page = open_page()
    with nothing_from_elsewhere(page, house):
        page.goto(f"{house.url}/")
        follow(page, "main a.button")
        page.click(f'button[value="{EMPLOYER.subject}"]')
        page.wait_for_url(f"{house.url}/")
        for way, fields, answer in (
            ("personal-number", {"personal_number": NURSE}, "Ja, gällande legitimation som sjuksköterska"),
            ("licence-number", {"licence_number": "LK-200"}, "Nej, ingen gällande legitimation som läkare"),
            (
                "name",
                {"given": "Per", "family": "Prövo", "birth_date": "1966-12-31"},
                "Fråga myndigheten",
            ),
        ):
            check(page, house, way, **fields)
            assert page.inner_text("h1") == answer
        page.click(".who button")
        page.wait_for_url(f"{house.url}/")
        assert page.locator(".who").count() == 0


def test_only_the_fields_of_the_chosen_way_are_seen(house: House, open_page: Callable[..., "Page"]) -> None:
    page = open_page()
    log_in(page, house, EMPLOYER)
    seen = {}
    for way in ("personal-number", "licence-number", "name"):
        page.check(f"#way-{way}")
        names = ("personal-number", "licence-number", "given", "family", "birth-date")
        seen[way] = [name for name in names if page.is_visible(f"#{name}")]
    assert seen == {
        "personal-number": ["personal-number"],
        "licence-number": ["licence-number"],
        "name": ["given", "family", "birth-date"],
    }


def test_a_search_is_narrowed_and_a_person_opened_without_script(
    house: House, open_page: Callable[..., "Page"]
) -> None:
    page = open_page()
    log_in(page, house, EMPLOYER)
    page.goto(f"{house.url}/search")
    page.fill("#q", "andersson")
    page.select_option("#search-purpose", "employment")
    follow(page, "main form button")
    assert "25 personer hittades" in page.inner_text("main")
    page.click("summary")
    follow(page, '.facets a:has-text("Dietist")')
    assert "9 personer hittades" in page.inner_text("main")
    assert "profession=dietitian" in page.url
    follow(page, "ol.people a >> nth=0")
    assert "Andersson" in page.inner_text("h1")
    assert "purpose=employment" in page.url


def test_on_a_wide_window_filters_stand_open(house: House, open_page: Callable[..., "Page"]) -> None:
    page = open_page(wide=True)
    log_in(page, house, EMPLOYER)
    page.goto(f"{house.url}/search?q=andersson&purpose=employment")
    assert page.is_visible('.facets a:has-text("Dietist")')
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    assert not page.is_visible('.facets a:has-text("Dietist")')


def test_a_nurse_sees_their_own_record_without_script(house: House, open_page: Callable[..., "Page"]) -> None:
    page = open_page()
    log_in(page, house, STAFF)
    follow(page, "main a.button")
    page.wait_for_url(f"{house.url}/me")
    assert "19850709-9805" in page.inner_text("main")
    assert "Vem har tagit del av mina uppgifter?" in page.inner_text("main")


def test_rows_of_a_receipt_are_a_table_where_there_is_room_and_blocks_where_not(
    house: House, open_page: Callable[..., "Page"]
) -> None:
    page = open_page(wide=True)
    log_in(page, house, ADMIN)
    receipt_page(page, house.url)
    assert page.is_visible("main thead th >> nth=0")
    for size, kind in ((DESKTOP, "table-row"), (PHONE, "block")):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        shown = page.evaluate("getComputedStyle(document.querySelector('.rows tbody tr')).display")
        assert shown == kind
    with page.expect_download() as download:
        page.click("main a.button >> nth=0")
    assert download.value.suggested_filename.endswith("-errors.csv")


def test_the_keyboard_reaches_the_content_first(house: House, open_page: Callable[..., "Page"]) -> None:
    page = open_page(script=True)
    page.emulate_media(reduced_motion="reduce")  # else it slides in
    page.goto(f"{house.url}/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.locator(".skip").bounding_box()["y"] >= 0  # type: ignore[index]
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"


def test_what_is_wrong_gets_the_focus(house: House, open_page: Callable[..., "Page"]) -> None:
    page = open_page(script=True)
    log_in(page, house, EMPLOYER)
    page.click('form[action="/check"] button')
    page.wait_for_selector('[role="alert"]')
    assert page.evaluate("document.activeElement.getAttribute('role')") == "alert"
    page.click('[role="alert"] a >> nth=0')
    assert page.evaluate("document.activeElement.id") == "personal-number"


def test_on_paper_stands_the_answer_and_nothing_to_click(
    house: House, open_page: Callable[..., "Page"]
) -> None:
    page = open_page()
    log_in(page, house, EMPLOYER)
    check(page, house, "personal-number", personal_number=NURSE)
    page.emulate_media(media="print")
    for shown in (".verdict h1", "#reasons-title", "#evidence-title", ".paper-only"):
        assert page.is_visible(shown), shown
    for hidden in (".top", ".who", ".foot", "main .button"):
        assert not page.is_visible(hidden), hidden


def go(path: str) -> Visit:
    def visit(page: "Page", base: str) -> None:
        page.goto(f"{base}{path}")

    return visit


def person_page(page: "Page", base: str) -> None:
    page.goto(f"{base}/search?q=lindstrom&purpose=supervision")
    follow(page, "ol.people a")


def nameless_page(page: "Page", base: str) -> None:
    page.check("#way-personal-number")
    page.fill("#personal-number", NAMELESS)
    page.select_option("#purpose", "recruitment")
    page.click('form[action="/check"] button')
    page.wait_for_url(f"{base}/check")
    follow(page, 'main a[href*="/practitioners/"]')


def receipt_page(page: "Page", base: str) -> None:
    page.goto(f"{base}/feeds/hosp")
    follow(page, "table.rows a")


PAGES: dict[str, tuple[SandboxUser | None, Visit]] = {
    "start for strangers": (None, go("/")),
    "about": (None, go("/about")),
    "an error": (None, go("/nowhere")),
    "start": (EMPLOYER, go("/")),
    "search": (EMPLOYER, go("/search?q=andersson&purpose=supervision&profession=dietitian")),
    "an empty search page": (EMPLOYER, go("/search")),
    "why they were found": (EMPLOYER, go("/search?q=anna+ohman+1970-01-02&purpose=supervision")),
    "something else was meant": (EMPLOYER, go("/search?q=andersosn&purpose=supervision&sort=name")),
    "nobody found": (EMPLOYER, go("/search?q=xyzzy&purpose=supervision")),
    "a bad search": (EMPLOYER, go("/search?q=andersson")),
    "a person": (EMPLOYER, person_page),
    "a person without a name": (EMPLOYER, nameless_page),
    "own record without a name": (UNNAMED, go("/me")),
    "why": (EMPLOYER, go("/practitioners/AAAAAAAA")),
    "no access": (EMPLOYER, go("/me")),
    "own record": (STAFF, go("/me")),
    "logins": (EMPLOYER, go("/sessions")),
    "protected own record": (HIDDEN, go("/me")),
    "start for administrators": (ADMIN, go("/")),
    "feeds": (ADMIN, go("/feeds")),
    "runs of a feed": (ADMIN, go("/feeds/hosp")),
    "a receipt": (ADMIN, receipt_page),
    "use and refusals": (OFFICER, go("/privacy")),
    "wrong days": (OFFICER, go("/privacy?from=2026-13-01")),
}


@pytest.mark.parametrize("language", ["sv-SE", "en-GB"])
@pytest.mark.parametrize("name", PAGES)
def test_pages_are_accessible_and_fit_a_phone(
    house: House, open_page: Callable[..., "Page"], name: str, language: str
) -> None:
    user, visit = PAGES[name]
    page = open_page(script=True, language=language)
    if user:
        log_in(page, house, user)
    visit(page, house.url)
    accessible(page, language)
    fits(page)


@pytest.mark.parametrize("language", ["sv-SE", "en-GB"])
def test_answers_are_accessible_and_fit_a_phone(
    house: House, open_page: Callable[..., "Page"], language: str
) -> None:
    page = open_page(script=True, language=language)
    log_in(page, house, EMPLOYER)
    for digits in (NURSE, REVOKED, PROBATION, NOBODY, "19"):
        check(page, house, "personal-number", personal_number=digits)
        accessible(page, language)
        fits(page)
    check(page, house, "licence-number", licence_number="TL-500")
    accessible(page, language)
    fits(page)
