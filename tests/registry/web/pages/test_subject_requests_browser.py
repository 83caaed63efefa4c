"""The whole way of a report in a real browser: reported on a phone, answered by the privacy officer, read by the person."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.registry.web.pages.browsing import accessible, fits, follow, log_in, nothing_from_elsewhere
from tests.registry.web.pages.house import ADMIN, EMPLOYER, NURSE, OFFICER, STAFF, House, send

if TYPE_CHECKING:
    from playwright.sync_api import Page


@pytest.mark.parametrize("language", ["sv-SE", "en-GB"])
def test_a_look_up_is_reported_and_answered(
    own_house: House, open_page: Callable[..., "Page"], language: str
) -> None:
    with own_house.browser(EMPLOYER) as employer:
        send(employer, "/check", way="personal-number", personal_number=NURSE, purpose="recruitment")
    # The pages have no script; what looks at them has.
    person, officer = (open_page(script=True, language=language) for _ in range(2))
    with nothing_from_elsewhere(person, own_house), nothing_from_elsewhere(officer, own_house):
        log_in(person, own_house, STAFF)
        person.goto(f"{own_house.url}/me")
        follow(person, 'main a[href$="/report"]')
        accessible(person, language)
        fits(person)
        person.fill("#words", "Who was that?\nI never applied.")
        follow(person, 'form[action$="/report"] button')
        assert person.locator("section[id^=req_]").count() == 1
        accessible(person, language)
        fits(person)

        log_in(officer, own_house, OFFICER)
        officer.goto(f"{own_house.url}/reports")
        accessible(officer, language)
        fits(officer)
        follow(officer, "table a")
        officer.select_option("#state", "explained")
        follow(officer, 'form[action$="/steps"] button')
        assert officer.locator("#words[aria-invalid=true]").count() == 1
        accessible(officer, language)
        fits(officer)
        officer.fill("#words", "They checked your licence before hiring.")
        follow(officer, 'form[action$="/steps"] button')
        assert officer.locator("#state").count() == 0

        person.reload()
        assert "They checked your licence before hiring." in person.inner_text("main")


def test_a_correction_is_asked_for_and_answered(own_house: House, open_page: Callable[..., "Page"]) -> None:
    person, admin = (open_page(script=True) for _ in range(2))
    log_in(person, own_house, STAFF)
    person.goto(f"{own_house.url}/me")
    follow(person, 'main a[href="/me/corrections/new"]')
    accessible(person, "sv-SE")
    fits(person)
    follow(person, 'form[action="/me/corrections"] button')
    assert person.locator("[aria-invalid=true]").count() == 1
    accessible(person, "sv-SE")
    person.select_option("#fact", index=1)
    person.fill("#words", "Fel efternamn.")
    follow(person, 'form[action="/me/corrections"] button')
    assert person.locator("section[id^=req_]").count() == 1
    log_in(admin, own_house, ADMIN)
    admin.goto(f"{own_house.url}/corrections")
    accessible(admin, "sv-SE")
    fits(admin)
    follow(admin, "table a")
    admin.select_option("#state", "forwarded")
    follow(admin, 'form[action$="/steps"] button')
    accessible(admin, "sv-SE")
    person.reload()
    assert "Lämnad till myndigheten" in person.inner_text("main")
