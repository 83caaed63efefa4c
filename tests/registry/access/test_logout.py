"""Logout, and forms that must be our own."""

from urllib.parse import parse_qs, urlsplit

from registry.access.caller import Caller
from tests.registry.access.browsing import discovery, form_token, sessions
from tests.registry.access.conftest import Site
from tests.registry.access.harness import (
    make_app,
    sign_in,
)


def test_logout_ends_the_session_here_and_at_the_provider(site: Site) -> None:
    with site.browser() as browser, site.browser() as thief:
        sign_in(browser, f"{site.url}/pages/who", "nurse-1")
        thief.cookies.set("registry-session", browser.cookies["registry-session"])
        token = form_token(browser, site)
        answer = browser.post(f"{site.url}/logout", data={"csrf_token": token}, follow_redirects=False)
        assert answer.status_code == 303
        target = urlsplit(answer.headers["Location"])
        assert f"{target.scheme}://{target.netloc}{target.path}" == f"{site.idp.issuer}/end-session"
        assert set(parse_qs(target.query)) == {"client_id", "post_logout_redirect_uri"}, (
            "no ID token in a URL"
        )
        home = browser.get(answer.headers["Location"])
        assert (str(home.url), home.text) == (f"{site.url}/", "Hello stranger")
        assert "registry-session" not in browser.cookies
        assert thief.get(f"{site.url}/").text == "Hello stranger"
    assert sessions(site) == 0


def test_logout_needs_proof_that_the_form_is_ours(site: Site) -> None:
    with site.browser() as browser:
        sign_in(browser, f"{site.url}/pages/who", "nurse-1")
        for data in ({}, {"csrf_token": ""}, {"csrf_token": "x"}, {"csrf_token": "A" * 88}):
            answer = browser.post(f"{site.url}/logout", data=data)
            assert (answer.status_code, answer.json()["type"]) == (403, "stale-form")
        assert browser.get(f"{site.url}/logout").status_code == 405
        assert browser.get(f"{site.url}/").text == "Hello Nils Påhitt"


def test_logging_out_twice_leads_home(site: Site) -> None:
    with site.browser() as browser:
        assert str(browser.post(f"{site.url}/logout").url) == f"{site.url}/"


def test_logout_works_while_the_provider_is_down(site: Site) -> None:
    with site.browser() as browser:
        sign_in(browser, f"{site.url}/pages/who", "nurse-1")
        token = form_token(browser, site)
        site.idp.switch.down = True
        restarted = make_app(site.app.settings)
        site.switch.app = restarted.flask.wsgi_app
        home = browser.post(f"{site.url}/logout", data={"csrf_token": token})
        assert (str(home.url), home.text) == (f"{site.url}/", "Hello stranger")
        refused = browser.get(f"{site.url}/login")
        assert (refused.status_code, refused.json()["type"]) == (503, "identity-provider-unavailable")
        restarted.engine.dispose()


def test_a_provider_that_offers_no_logout_is_left_alone(site: Site) -> None:
    discovery(site, end_session_endpoint="")
    with site.browser() as browser:
        sign_in(browser, f"{site.url}/pages/who", "nurse-1")
        home = browser.post(f"{site.url}/logout", data={"csrf_token": form_token(browser, site)})
        assert (str(home.url), home.text) == (f"{site.url}/", "Hello stranger")
    with site.app.flask.test_request_context():
        assert site.app.access.login.logout_origin(Caller(site.idp.issuer, "nurse-1")) == ""


def test_a_logout_address_with_a_query_keeps_it(site: Site) -> None:
    discovery(site, end_session_endpoint=f"{site.idp.issuer}/end-session?tenant=a")
    with site.browser() as browser:
        sign_in(browser, f"{site.url}/pages/who", "nurse-1")
        token = form_token(browser, site)
        answer = browser.post(f"{site.url}/logout", data={"csrf_token": token}, follow_redirects=False)
        assert "/end-session?tenant=a&client_id=registry&" in answer.headers["Location"]


def test_forms_under_a_login_are_taken_with_their_proof_only(site: Site) -> None:
    with site.browser() as browser, site.browser() as other:
        sign_in(browser, f"{site.url}/pages/who", "nurse-1")
        sign_in(other, f"{site.url}/pages/who", "employer-1")
        token, foreign = form_token(browser, site), form_token(other, site)
        assert token != form_token(browser, site), "each page carries another text"
        url = f"{site.url}/pages/form"
        assert browser.post(url, data={"csrf_token": token}).status_code == 200
        assert browser.post(url, headers={"X-CSRF-Token": token}).status_code == 200
        assert browser.post(url, data={"csrf_token": foreign}).status_code == 403
        assert browser.post(url).status_code == 403


def test_pages_opened_at_the_same_time_after_a_login_share_one_proof(site: Site) -> None:
    with site.browser() as browser, site.browser() as tab:
        sign_in(browser, f"{site.url}/pages/who", "nurse-1")
        tab.cookies = browser.cookies
        first, second = form_token(browser, site), form_token(tab, site)
        for token in (first, second):
            assert browser.post(f"{site.url}/pages/form", data={"csrf_token": token}).status_code == 200
