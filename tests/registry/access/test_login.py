"""Logins over HTTP against the real development provider: one browser, an app, a provider."""

from urllib.parse import parse_qs

import httpx
import pytest

from registry.access.caller import Caller
from registry.access.login import safe_next
from tests.registry.access.browsing import answer_of, begin, sessions
from tests.registry.access.conftest import Site
from tests.registry.access.harness import (
    LOGIN_SCOPES,
    NURSE,
    NURSE_NUMBER,
    Switch,
    make_app,
    running,
    running_idp,
    settings_for,
    sign_in,
)


def test_an_employer_logs_in_and_comes_back_to_the_page(site: Site) -> None:
    with site.browser() as browser:
        page = sign_in(browser, f"{site.url}/pages/who?a=b", "employer-1")
        assert str(page.url) == f"{site.url}/pages/who?a=b"
        assert page.json() == {
            "subject": "employer-1",
            "name": "Ebba Exempel",
            "organisation": "2120000142",
            "roles": ["employer"],
            "scopes": ["registry:read", "registry:search", "registry:verify"],
            "number": "",
        }
        assert browser.get(f"{site.url}/").text == "Hello Ebba Exempel"
        assert browser.get(f"{site.url}/pages/search").text == "found"


def test_a_nurse_brings_her_own_number_and_may_not_search(site: Site) -> None:
    with site.browser() as browser:
        who = sign_in(browser, f"{site.url}/pages/who", "nurse-1").json()
        assert (who["number"], who["scopes"]) == (NURSE_NUMBER, ["registry:self"])
        assert browser.get(f"{site.url}/pages/search").status_code == 403


def test_a_role_that_is_not_in_the_settings_gives_nothing(site: Site) -> None:
    with site.browser() as browser:
        who = sign_in(browser, f"{site.url}/pages/who", "admin-1").json()
        assert who["roles"] == ["administrator", "unheard-of"]
        assert who["scopes"] == ["registry:admin"]


def test_the_request_to_the_provider_uses_pkce_state_and_nonce(site: Site) -> None:
    with site.browser() as browser:
        one, other = (parse_qs(begin(browser, f"{site.url}/pages/who").query.decode()) for _ in range(2))
    assert one["response_type"] == ["code"]
    assert one["code_challenge_method"] == ["S256"]
    assert one["scope"] == [" ".join(LOGIN_SCOPES)]
    assert one["redirect_uri"] == [f"{site.url}/login/callback"]
    for name in ("state", "nonce", "code_challenge"):
        assert len(one[name][0]) >= 43
        assert one[name] != other[name]


def test_a_started_login_writes_nothing_to_the_database(site: Site) -> None:
    with site.browser() as browser:
        begin(browser, f"{site.url}/pages/who")
    assert sessions(site) == 0


def test_logins_begun_in_two_tabs_both_succeed(site: Site) -> None:
    with site.browser() as browser:
        first = begin(browser, f"{site.url}/pages/who?tab=1")
        second = begin(browser, f"{site.url}/pages/who?tab=2")
        answers = [answer_of(browser, second, "employer-1"), answer_of(browser, first, "employer-1")]
        assert [str(browser.get(answer).url) for answer in answers] == [
            f"{site.url}/pages/who?tab=2",
            f"{site.url}/pages/who?tab=1",
        ]
    assert sessions(site) == 1


def test_the_oldest_started_logins_give_way(site: Site) -> None:
    with site.browser() as browser:
        begun = [begin(browser, f"{site.url}/pages/who?tab={n}") for n in range(8)]
        held = [cookie.name for cookie in browser.cookies.jar if cookie.name.startswith("registry-login-")]
        assert len(held) == site.app.settings.login.max_flows == 5
        assert browser.get(answer_of(browser, begun[0], "employer-1")).status_code == 400
        assert browser.get(answer_of(browser, begun[7], "employer-1")).status_code == 200


def test_a_session_from_before_the_login_is_worth_nothing_after_it(site: Site) -> None:
    """Session fixation: the id is a new one, and the old one opens nothing."""
    with site.browser() as browser, site.browser() as attacker:
        sign_in(browser, f"{site.url}/pages/who", "nurse-1")
        planted = browser.cookies["registry-session"]
        sign_in(browser, f"{site.url}/login?next=/pages/who", "employer-1")
        assert browser.cookies["registry-session"] != planted
        attacker.cookies.set("registry-session", planted)
        assert attacker.get(f"{site.url}/").text == "Hello stranger"
    assert sessions(site) == 1


def test_scopes_follow_the_settings_and_a_change_of_provider_ends_trust(site: Site) -> None:
    with site.browser() as browser:
        sign_in(browser, f"{site.url}/pages/who", "employer-1")
        keys = {
            "REGISTRY_SERVICE__BASE_URL": site.url,
            "REGISTRY_PRIVACY__SEALING_KEY": site.app.settings.privacy.sealing_key.reveal(),
        }
        database = site.app.settings.database.url
        fewer = make_app(
            settings_for(
                site.idp, database, **keys, REGISTRY_ACCESS__ROLE_SCOPES='{employer = ["registry:read"]}'
            )
        )
        site.switch.app = fewer.flask.wsgi_app
        assert browser.get(f"{site.url}/pages/who").json()["scopes"] == ["registry:read"]
        other = make_app(
            settings_for(site.idp, database, **keys, REGISTRY_LOGIN__ISSUER="http://127.0.0.1:2")
        )
        site.switch.app = other.flask.wsgi_app
        assert browser.get(f"{site.url}/").text == "Hello stranger"
        fewer.engine.dispose()
        other.engine.dispose()


def test_without_a_provider_there_is_no_login(database: str) -> None:
    app = make_app(settings_for(None, database))
    client = app.flask.test_client()
    assert client.get("/login").status_code == 404
    assert client.get("/login/callback?state=a&code=b").status_code == 404
    assert client.get("/pages/who").status_code == 401
    assert app.access.login.logout_origin(Caller("https://issuer.example", "somebody")) == ""
    app.engine.dispose()


def test_the_origin_for_form_action_is_the_providers(site: Site) -> None:
    assert site.app.access.login.logout_origin(Caller(site.idp.issuer, "nurse-1")) == site.idp.issuer
    assert site.app.access.login.logout_origin(Caller("http://127.0.0.1:2", "nurse-1")) == ""


def test_claims_told_at_the_userinfo_endpoint_count_too(database: str) -> None:
    switch = Switch()
    with (
        running(switch) as url,
        running_idp(url, userinfo_only=True) as idp,
        httpx.Client(follow_redirects=True) as b,
    ):
        app = make_app(settings_for(idp, database, REGISTRY_SERVICE__BASE_URL=url))
        switch.app = app.flask.wsgi_app
        who = sign_in(b, f"{url}/pages/who", "nurse-1").json()
        assert (who["number"], who["roles"], who["name"]) == (NURSE_NUMBER, ["staff"], NURSE.name)
        assert idp.switch.asked["/userinfo"] == 1
        app.engine.dispose()


PATHS: list[tuple[str | None, str]] = [
    ("/pages/who?q=a&page=2", "/pages/who?q=a&page=2"),
    ("/sök?namn=Åsa", "/sök?namn=Åsa"),
    (None, "/"),
    ("", "/"),
    ("https://attacker.example/", "/"),
    ("//attacker.example/", "/"),
    ("/\\attacker.example", "/"),
    ("\\\\attacker.example", "/"),
    ("/\t/attacker.example", "/"),
    ("/\n/attacker.example", "/"),
    (" //attacker.example", "/"),
    ("javascript:alert(1)", "/"),
    ("pages/who", "/"),
    ("/login?next=/x", "/"),
    ("/logout", "/"),
    ("/" + "x" * 500, "/"),
    ("/person?n=19850709-9805", "/"),
    ("/person?n=850709-9805", "/"),
]


@pytest.mark.parametrize(("path", "expected"), PATHS)
def test_a_login_leads_to_our_own_pages_only(path: str | None, expected: str) -> None:
    assert safe_next(path) == expected


def test_an_address_elsewhere_leads_home_after_the_login(site: Site) -> None:
    with site.browser() as browser:
        page = sign_in(browser, f"{site.url}/login?next=https://attacker.example/", "nurse-1")
        assert str(page.url) == f"{site.url}/"
