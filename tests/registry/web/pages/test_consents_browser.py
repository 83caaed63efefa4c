"""The whole way of a consent code in a real browser: made on a phone, typed by the employer (whose browser runs no script), listed as used."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.registry.web.pages.browsing import accessible, fits, follow, log_in, nothing_from_elsewhere
from tests.registry.web.pages.house import EMPLOYER, HIDDEN, PROTECTED, House

if TYPE_CHECKING:
    from playwright.sync_api import Page


@pytest.mark.parametrize("language", ["sv-SE", "en-GB"])
def test_a_person_lets_an_employer_check_them(
    own_house: House, open_page: Callable[..., "Page"], language: str
) -> None:
    person, employer = open_page(script=True, language=language), open_page(language=language)
    with nothing_from_elsewhere(person, own_house), nothing_from_elsewhere(employer, own_house):
        log_in(person, own_house, HIDDEN)
        person.goto(f"{own_house.url}/me")
        follow(person, 'main a[href="/me/consents"]')
        accessible(person, language)
        person.fill("#organisation", "212000-0142")
        follow(person, 'form[action="/me/consents"] button')
        code = person.inner_text("#code")
        accessible(person, language)
        fits(person)

        log_in(employer, own_house, EMPLOYER)
        employer.check("#way-personal-number")
        employer.fill("#personal-number", PROTECTED)
        employer.select_option("#purpose", "recruitment")
        employer.fill("#consent-code", code.replace("-", " ").lower())
        follow(employer, 'form[action="/check"] button')
        employer.wait_for_url(f"{own_house.url}/check")
        assert employer.locator(".verdict.yes").count() == 1
        fits(employer)

        person.goto(f"{own_house.url}/me/consents")
        accessible(person, language)
        fits(person)
        assert person.locator("table tbody tr").count() == 1
        assert person.locator('form[action$="/withdrawal"]').count() == 0
