"""Logout tokens (OpenID Connect Back-Channel Logout 1.0): good ones end sessions, all others change nothing and are answered 400."""

import secrets
import time
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from registry.access.sessions import SessionsUnavailableError
from tests.registry.access.browsing import sessions
from tests.registry.access.conftest import Site
from tests.registry.access.harness import running_idp, sign_in

EVENT = "http://schemas.openid.net/event/backchannel-logout"


def claims(site: Site, **changes: object) -> dict[str, Any]:
    """Return the claims of a good logout token of nurse-1, changed; a value of None takes a claim away."""
    now = int(time.time())
    told: dict[str, object] = {
        "iss": site.idp.issuer,
        "aud": "registry",
        "iat": now,
        "exp": now + 120,
        "jti": secrets.token_hex(8),
        "events": {EVENT: {}},
        "sub": "nurse-1",
        **changes,
    }
    return {name: value for name, value in told.items() if value is not None}


def send(site: Site, token: str) -> httpx.Response:
    return httpx.post(f"{site.url}/logout/backchannel", data={"logout_token": token})


def signed(site: Site, kind: str = "logout+jwt", **changes: object) -> str:
    return site.idp.keys.sign(claims(site, **changes), kind=kind)


def test_a_good_one_ends_all_sessions_of_the_person_and_no_others(site: Site) -> None:
    with site.browser() as phone, site.browser() as desk, site.browser() as other:
        for browser in (phone, desk):
            sign_in(browser, f"{site.url}/pages/who", "nurse-1")
        sign_in(other, f"{site.url}/pages/who", "employer-1")
        answer = send(site, signed(site))
        assert (answer.status_code, answer.content) == (200, b"")
        assert answer.headers["Cache-Control"] == "no-store"
        for browser in (phone, desk):
            assert browser.get(f"{site.url}/").text == "Hello stranger"
        assert other.get(f"{site.url}/").text == "Hello Ebba Exempel"
    assert sessions(site) == 1


@pytest.mark.parametrize("kind", ["JWT", "logout+jwt"])
def test_the_type_of_its_own_is_not_needed(site: Site, kind: str) -> None:
    """Section 2.4 recommends `logout+jwt`; what tells it from an ID token are `events` and the missing nonce."""
    assert send(site, signed(site, kind)).status_code == 200


def test_a_session_there_that_is_not_ours_ends_nothing(site: Site) -> None:
    with site.browser() as browser:
        sign_in(browser, f"{site.url}/pages/who", "nurse-1")
        assert send(site, signed(site, sid="of-somewhere-else")).status_code == 200
        assert browser.get(f"{site.url}/").text == "Hello Nils Påhitt"


def test_one_counts_once(site: Site) -> None:
    token = signed(site)
    assert send(site, token).status_code == 200
    with site.browser() as browser:
        sign_in(browser, f"{site.url}/pages/who", "nurse-1")
        assert send(site, token).status_code == 400
        assert browser.get(f"{site.url}/").text == "Hello Nils Påhitt"


WRONG: dict[str, dict[str, object]] = {
    "with a nonce, as an ID token has": {"nonce": "n"},
    "without the event": {"events": {}},
    "with another event": {"events": {"http://schemas.openid.net/event/other": {}}},
    "with events that are no object": {"events": [EVENT]},
    "with an event that is no object": {"events": {EVENT: True}},
    "about nobody": {"sub": None},
    "about something that is no text": {"sub": 7},
    "for another client": {"aud": "another"},
    "without jti": {"jti": None},
    "without end": {"exp": None},
    "that has ended": {"exp": 1_000_000},
    "that holds too long": {"exp": int(time.time()) + 86_400},
    "that holds for ever": {"exp": 10**400},
    "made tomorrow": {"iat": int(time.time()) + 86_400, "exp": int(time.time()) + 86_460},
    "with a time that is no number": {"iat": "now"},
    "with characters that no text has": {"sid": "a\x00b"},
}


@pytest.mark.parametrize("case", WRONG)
def test_any_other_is_refused_and_ends_nothing(case: str, site: Site) -> None:
    with site.browser() as browser:
        sign_in(browser, f"{site.url}/pages/who", "nurse-1")
        answer = send(site, site.idp.keys.sign(claims(site, **WRONG[case]), kind="logout+jwt"))
        assert (answer.status_code, answer.json()["type"]) == (400, "bad-request")
        assert browser.get(f"{site.url}/").text == "Hello Nils Påhitt"


@pytest.mark.parametrize("token", ["", "a.b.c", "x" * 40_000, "{}", "eyJhbGciOiJub25lIn0.e30."])
def test_what_is_no_token_is_refused(token: str, site: Site) -> None:
    assert send(site, token).status_code == 400


def test_an_access_token_does_not_pass(site: Site) -> None:
    assert send(site, signed(site, "at+jwt")).status_code == 400


def test_a_strangers_word_counts_for_nothing(site: Site) -> None:
    with running_idp() as stranger:
        own = stranger.keys.sign(claims(site, iss=stranger.issuer), kind="logout+jwt")
        posed = stranger.keys.sign(claims(site), kind="logout+jwt")
        assert [send(site, token).status_code for token in (own, posed)] == [400, 400]


def test_without_the_database_the_provider_is_told_to_try_again(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = signed(site)
    with monkeypatch.context() as broken:
        broken.setattr(site.app.access.sessions, "_engine", sa.create_engine("sqlite:////nowhere/at/all.db"))
        answer = send(site, token)
    assert (answer.status_code, answer.json()["type"]) == (503, SessionsUnavailableError.slug)
    assert send(site, token).status_code == 200, "what could not be followed may come again"
