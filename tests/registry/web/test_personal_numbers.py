"""No personal identity number in a URL."""

import pytest

from registry.web.personal_numbers import is_personal_number_inside
from tests.registry.web.people import ANNA_NPI, ANNA_NUMBER
from tests.registry.web.service import Service


@pytest.mark.parametrize(
    "url",
    [
        "/v1/practitioners?name=19800503-9808",
        "/v1/practitioners?name=anna+198005039808",
        "/v1/practitioners?name=800503%2D9808",
        "/v1/practitioners?name=800503%2B9808",
        "/v1/practitioners?givenName=800503-9809",
        "/v1/practitioners?licenceNumber=19800503-9808",
        "/v1/practitioners?licenceNumber=8005039808",
        "/v1/practitioners?licenceNumber=SE+800503+9808",
        "/v1/practitioners?unknown=8005039808",
        "/v1/practitioners?19800503-9808",
        "/v1/practitioners?licenceNumber=x&licenceNumber=8005039808",
        "/v1/practitioners/198005039808",
        "/v1/feeds?q=800563-9808",
        "/nowhere/800503-9808",
        "/livez?x=800503-9808",
    ],
)
def test_is_refused_wherever_it_stands(full: Service, url: str) -> None:
    before = len(full.events())
    answer = full.get(url)
    assert answer.status_code == 400
    assert answer.get_json()["type"].endswith("/problems/personal-number-in-url")
    # The request's id is random: by chance it holds any four digits.
    assert "9808" not in answer.get_data(as_text=True).replace(answer.headers["X-Request-Id"], "")
    assert len(full.events()) == before


@pytest.mark.parametrize(
    "number", [ANNA_NPI, "4301081344", "0101017616", "MD2001008551", "200403252", "12345678901234"]
)
def test_licence_numbers_that_only_look_like_dates_may_be_asked_for(full: Service, number: str) -> None:
    assert not is_personal_number_inside(number)
    assert full.get(f"/v1/practitioners?licenceNumber={number}").status_code == 200


@pytest.mark.parametrize(
    "url", [f"/login/callback?code={ANNA_NUMBER}&state=x", "/assets/registry.css?v=a8005039808b"]
)
def test_what_machines_put_into_addresses_is_let_through(full: Service, url: str) -> None:
    answer = full.ask("GET", url, scopes=None)
    assert "personal-number-in-url" not in answer.get_data(as_text=True)


def test_a_number_in_the_body_is_welcome(full: Service) -> None:
    assert full.verify(personalIdentityNumber=ANNA_NUMBER).status_code == 200
