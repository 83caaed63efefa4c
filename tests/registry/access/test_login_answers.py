"""Answers of a provider that are wrong, late, forged, or meant for another: nobody is logged in."""

import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from joserfc.jwk import RSAKey

from registry.sandbox.config import NUMBER_CLAIM, ORGANISATION_CLAIM
from tests.registry.access.browsing import answer_of, begin, discovery, sessions
from tests.registry.access.conftest import Clock, Site
from tests.registry.access.harness import (
    NURSE_NUMBER,
    Switch,
    make_app,
    running,
    running_idp,
    settings_for,
    sign_in,
)


def _changed(url: str, **changes: str | None) -> str:
    parts = httpx.URL(url)
    query = dict(parts.params) | changes
    return str(parts.copy_with(params={name: value for name, value in query.items() if value is not None}))


WRONG_ANSWERS: dict[str, Callable[[str], str]] = {
    "another state": lambda url: _changed(url, state="x" * 43),
    "no state": lambda url: _changed(url, state=None),
    "empty state": lambda url: _changed(url, state=""),
    "no code": lambda url: _changed(url, code=None),
    "another code": lambda url: _changed(url, code="x"),
    "another issuer": lambda url: _changed(url, iss="https://attacker.example"),
    "no issuer though promised": lambda url: _changed(url, iss=None),
}


@pytest.mark.parametrize("case", WRONG_ANSWERS)
def test_an_answer_that_is_not_the_providers_logs_nobody_in(case: str, site: Site) -> None:
    with site.browser() as browser:
        good = answer_of(browser, begin(browser, f"{site.url}/pages/who"), "employer-1")
        answer = browser.get(WRONG_ANSWERS[case](good))
        assert answer.status_code == 400
        assert answer.json()["type"] == "login-failed"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert browser.get(f"{site.url}/").text == "Hello stranger"
    assert sessions(site) == 0


def test_an_answer_is_taken_only_from_the_browser_that_asked(site: Site) -> None:
    """Login CSRF: a person must not end up logged in as the attacker."""
    with site.browser() as attacker, site.browser() as victim:
        answer = answer_of(attacker, begin(attacker, f"{site.url}/pages/who"), "employer-1")
        begin(victim, f"{site.url}/pages/who")
        assert victim.get(answer).status_code == 400
        assert victim.get(f"{site.url}/").text == "Hello stranger"


def test_an_answer_is_taken_once(site: Site) -> None:
    with site.browser() as browser, site.browser() as other:
        answer = answer_of(browser, begin(browser, f"{site.url}/pages/who"), "employer-1")
        kept = dict(browser.cookies)
        assert browser.get(answer).status_code == 200
        again = browser.get(answer)
        assert str(again.url) == f"{site.url}/", "the button pressed twice leads home"
        for name, value in kept.items():
            other.cookies.set(name, value)
        assert other.get(answer).status_code == 400, "the provider takes the code once"


def test_a_failed_answer_uses_its_login_up(site: Site) -> None:
    with site.browser() as browser:
        good = answer_of(browser, begin(browser, f"{site.url}/pages/who"), "employer-1")
        browser.get(_changed(good, iss="https://attacker.example"))
        assert browser.get(good).status_code == 400


def test_a_login_that_takes_too_long_is_forgotten(database: str) -> None:
    clock = Clock(time.time())
    switch = Switch()
    with running(switch) as url, running_idp(url) as idp, httpx.Client(follow_redirects=True) as browser:
        app = make_app(settings_for(idp, database, REGISTRY_SERVICE__BASE_URL=url), clock)
        switch.app = app.flask.wsgi_app
        answer = answer_of(browser, begin(browser, f"{url}/pages/who"), "employer-1")
        clock.pass_(601)
        refused = browser.get(answer)
        assert refused.status_code == 400
        assert "took too long" in refused.json()["detail"]
        app.engine.dispose()


@pytest.mark.parametrize(
    ("error", "told"),
    [("access_denied", "cancelled"), ("temporarily_unavailable", "busy"), ("<script>", "refused the login")],
)
def test_a_refusal_is_told_in_our_own_words(error: str, told: str, site: Site) -> None:
    with site.browser() as browser:
        good = answer_of(browser, begin(browser, f"{site.url}/pages/who"), "employer-1")
        refused = browser.get(_changed(good, error=error, error_description="Call +46 900 now!"))
        assert refused.status_code == 400
        assert told in refused.json()["detail"]
        assert "Call" not in refused.text
        assert "script" not in refused.text


def test_cancelling_at_the_provider_leads_back_with_a_friendly_word(site: Site) -> None:
    with site.browser() as browser:
        page = browser.post(begin(browser, f"{site.url}/pages/who"), data={"login": ""})
        assert page.status_code == 400
        assert page.json()["detail"].startswith("The login was cancelled")


def test_a_flow_cookie_that_was_changed_is_none(site: Site) -> None:
    with site.browser() as browser:
        good = answer_of(browser, begin(browser, f"{site.url}/pages/who"), "employer-1")
        for cookie in browser.cookies.jar:
            assert cookie.value is not None
            cookie.value = cookie.value[:-4] + "AAAA"
        assert browser.get(good).status_code == 400


# The UserInfo endpoint does not know tokens of our making, so nothing may be left to ask there.
NOTHING_TO_ASK = {"roles": [], ORGANISATION_CLAIM: "", NUMBER_CLAIM: ""}


def _sign_in_with(
    browser: httpx.Client, site: Site, changes: dict[str, Any], kind: str = "JWT"
) -> httpx.Response:
    """Log in while the provider hands out an ID token of our making; its times are given in seconds from now."""
    choice = begin(browser, f"{site.url}/pages/who")
    now = int(time.time())
    times = {name: now + changes[name] for name in ("iat", "exp") if isinstance(changes.get(name), int)}
    claims = {
        "iss": site.idp.issuer,
        "aud": "registry",
        "sub": "employer-1",
        "nonce": choice.params["nonce"],
        "iat": now,
        "exp": now + 300,
        **changes,
        **times,
    }
    known = {name: value for name, value in claims.items() if value is not None}
    tokens = {"id_token": site.idp.keys.sign(known, kind=kind), "access_token": "x", "token_type": "Bearer"}
    site.idp.switch.instead["/token"] = ("200 OK", "application/json", json.dumps(tokens).encode())
    return browser.post(choice, data={"login": "employer-1"})


ID_TOKENS: dict[str, tuple[dict[str, Any], bool]] = {
    "right": ({}, True),
    "our client among others, and named (azp)": ({"aud": ["registry", "other"], "azp": "registry"}, True),
    "expired within the leeway": ({"exp": -30}, True),
    "another nonce": ({"nonce": "x" * 43}, False),
    "no nonce": ({"nonce": None}, False),
    "another client": ({"aud": "other"}, False),
    "our client among others, unnamed": ({"aud": ["registry", "other"]}, False),
    "another client named (azp)": ({"azp": "other"}, False),
    "another issuer": ({"iss": "https://attacker.example"}, False),
    "expired": ({"exp": -90}, False),
    "issued in the future": ({"iat": 3600}, False),
    "no expiry": ({"exp": None}, False),
    "no issue time": ({"iat": None}, False),
    "no subject": ({"sub": None}, False),
    "the hash of its access token": ({"at_hash": "LXEWQrcmsEQBYnyp-6wy9Q"}, True),
    "the hash of another access token": ({"at_hash": "LXEWQrcmsEQBYnyp-6wy9A"}, False),
    "the whole hash of its access token": ({"at_hash": "LXEWQrcmsEQBYnyp-6wy9Y4DLmzV4h2w"}, False),
    "a hash that is a number": ({"at_hash": 7}, False),
}


@pytest.mark.parametrize("case", ID_TOKENS)
def test_id_tokens_are_checked_claim_by_claim(case: str, site: Site) -> None:
    changes, good = ID_TOKENS[case]
    with site.browser() as browser:
        page = _sign_in_with(browser, site, NOTHING_TO_ASK | changes)
        assert page.status_code == (200 if good else 400)
        assert good or page.json()["type"] == "login-failed"
    assert sessions(site) == int(good)


def test_an_access_token_does_not_pass_as_an_id_token(site: Site) -> None:
    with site.browser() as browser:
        assert _sign_in_with(browser, site, NOTHING_TO_ASK, kind="at+jwt").status_code == 400


def test_an_id_token_signed_with_another_key_is_refused(site: Site) -> None:
    with site.browser() as browser:
        sign_in(browser, f"{site.url}/login", "employer-1")
        browser.cookies.clear()
        known = str(site.idp.keys.current.kid)
        site.idp.keys._keys[-1] = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256", "kid": known})
        assert sign_in(browser, f"{site.url}/login", "employer-1").status_code == 400


TOKEN_ANSWERS: dict[str, tuple[tuple[str, str, bytes], int]] = {
    "refusal": (("400 Bad Request", "application/json", b'{"error": "invalid_grant"}'), 400),
    "we are not known": (("401 Unauthorized", "application/json", b'{"error": "invalid_client"}'), 400),
    "no ID token": (("200 OK", "application/json", b'{"access_token": "x"}'), 400),
    "ID token that is no text": (("200 OK", "application/json", b'{"id_token": 7}'), 400),
    "not JSON": (("200 OK", "text/html", b"<p>hello"), 503),
    "broken": (("502 Bad Gateway", "text/html", b"<p>oh"), 503),
}


@pytest.mark.parametrize("case", TOKEN_ANSWERS)
def test_what_goes_wrong_at_the_token_endpoint_is_told(case: str, site: Site) -> None:
    answer, status = TOKEN_ANSWERS[case]
    site.idp.switch.instead["/token"] = answer
    with site.browser() as browser:
        page = sign_in(browser, f"{site.url}/pages/who", "employer-1")
        assert page.status_code == status
        assert "hello" not in page.text


def _userinfo(**claims: object) -> bytes:
    return json.dumps(
        {"sub": "employer-1", "roles": ["employer"], NUMBER_CLAIM: NURSE_NUMBER} | claims
    ).encode()


def _signed_userinfo(site: Site, **claims: object) -> tuple[str, str, bytes]:
    told = {"iss": site.idp.issuer, "aud": ["registry"]} | json.loads(_userinfo(**claims))
    return "200 OK", "application/jwt; charset=utf-8", site.idp.keys.sign(told, kind="JWT").encode()


USERINFO: dict[str, tuple[Callable[[Site], tuple[str, str, bytes]], int]] = {
    "plain": (lambda _: ("200 OK", "application/json", _userinfo()), 200),
    "signed": (_signed_userinfo, 200),
    "about another person": (lambda _: ("200 OK", "application/json", _userinfo(sub="nurse-1")), 400),
    "about nobody": (lambda _: ("200 OK", "application/json", b"{}"), 400),
    "signed, about another person": (lambda site: _signed_userinfo(site, sub="nurse-1"), 400),
    "signed for another client": (lambda site: _signed_userinfo(site, aud="other"), 400),
    "signed by another issuer": (lambda site: _signed_userinfo(site, iss="https://attacker.example"), 400),
    "said to be signed": (lambda _: ("200 OK", "application/jwt", _userinfo()), 400),
    "broken": (lambda _: ("500 Internal Server Error", "text/plain", b"oh"), 503),
}


@pytest.mark.parametrize("case", USERINFO)
def test_what_the_userinfo_endpoint_tells_counts_only_about_the_same_person(case: str, site: Site) -> None:
    answer, status = USERINFO[case]
    site.idp.switch.instead["/userinfo"] = answer(site)
    with site.browser() as browser:
        page = _sign_in_with(browser, site, {})
        assert page.status_code == status
        assert status != 200 or page.json()["number"] == NURSE_NUMBER


def test_an_id_token_is_believed_before_the_userinfo_endpoint(site: Site) -> None:
    site.idp.switch.instead["/userinfo"] = ("200 OK", "application/json", _userinfo(roles=["administrator"]))
    with site.browser() as browser:
        page = _sign_in_with(browser, site, {"roles": ["staff"]})
        assert page.json()["roles"] == ["staff"]


@pytest.mark.parametrize("endpoint", ["", "http://127.0.0.1:1/token"])
def test_a_token_endpoint_that_is_not_there_is_an_unavailable_provider(endpoint: str, site: Site) -> None:
    discovery(site, token_endpoint=endpoint)
    with site.browser() as browser:
        page = sign_in(browser, f"{site.url}/pages/who", "nurse-1")
        assert (page.status_code, page.json()["type"]) == (503, "identity-provider-unavailable")
