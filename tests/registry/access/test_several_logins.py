"""People who log in at one of several providers, each trusted for what its table says."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from registry.access.caller import Caller
from registry.access.signed_in import SELF
from registry.sandbox.config import ORGANISATION_CLAIM
from registry.sealing import new_key
from registry.settings import load_settings
from registry.web import create_app
from tests.registry.access.browsing import answer_of, begin
from tests.registry.access.harness import (
    AUDIENCE,
    NURSE,
    App,
    Idp,
    Switch,
    make_app,
    running,
    running_idp,
    sign_in,
)

LABELS = {"label_sv": "Regionens inloggning", "label_en": "Log in with the region"}


@dataclass
class Several:
    """An app that two providers may log people in at."""

    url: str
    folder: Path
    switch: Switch
    one: Idp
    other: Idp
    keys: dict[str, str]
    apps: list[App] = field(default_factory=list)

    def tables(self, **more: dict[str, Any]) -> str:
        """Return the tables of both, with more lines each."""
        return "\n".join(
            f"[providers.{name}]\n"
            + "".join(
                f"{key} = {json.dumps(value)}\n"
                for key, value in {
                    "issuer": idp.issuer,
                    "login": True,
                    "client_secret": idp.client("registry").secret.reveal(),
                    **more.get(name, {}),
                }.items()
            )
            for name, idp in (("one", self.one), ("other", self.other))
        )

    def settings(self, tables: str, **environ: str) -> dict[str, str]:
        file = self.folder / "registry.toml"
        file.write_text(tables, encoding="utf-8")
        database = f"sqlite:///{self.folder / 'access.db'}"
        return {
            "REGISTRY_CONFIG_FILE": str(file),
            "REGISTRY_SERVICE__SANDBOX": "true",
            "REGISTRY_SERVICE__BASE_URL": self.url,
            "REGISTRY_DATABASE__URL": database,
            "REGISTRY_DATABASE__ACCESS_URL": database,
            "REGISTRY_TOKENS__AUDIENCE": AUDIENCE,
            **self.keys,
            **environ,
        }

    def start(self, tables: str = "", **environ: str) -> App:
        """Begin with these tables, or begin anew; sessions stay."""
        app = make_app(load_settings(self.settings(tables or self.tables(), **environ)))
        self.apps.append(app)
        self.switch.app = app.flask.wsgi_app
        return app

    def who(self, name: str, subject: str, browser: httpx.Client) -> dict[str, Any]:
        """Log in at a provider and tell who one is."""
        sign_in(browser, f"{self.url}/login?provider={name}&next=/pages/who", subject)
        told: dict[str, Any] = browser.get(f"{self.url}/pages/who").json()
        return told


@pytest.fixture
def several(tmp_path: Path) -> Iterator[Several]:
    switch = Switch()
    keys = {name: new_key() for name in ("REGISTRY_PRIVACY__DIGEST_KEY", "REGISTRY_PRIVACY__SEALING_KEY")}
    with running(switch) as url, running_idp(url) as one, running_idp(url) as other:
        several = Several(url, tmp_path, switch, one, other, keys)
        yield several
        for app in several.apps:
            app.engine.dispose()


@pytest.fixture
def browser() -> Iterator[httpx.Client]:
    with httpx.Client(follow_redirects=True) as browser:
        yield browser


def test_people_log_in_at_either_provider(several: Several, browser: httpx.Client) -> None:
    several.start()
    for name in ("one", "other"):
        told = several.who(name, "employer-1", browser)
        assert (told["subject"], told["organisation"]) == ("employer-1", "2120000142")


def test_logins_at_both_at_once_end_where_they_began(several: Several, browser: httpx.Client) -> None:
    several.start()
    first = begin(browser, f"{several.url}/login?provider=one&next=/pages/who?tab=1")
    second = begin(browser, f"{several.url}/login?provider=other&next=/pages/who?tab=2")
    for tab, url in ((2, second), (1, first)):
        assert str(browser.get(answer_of(browser, url, "employer-1")).url).endswith(f"/pages/who?tab={tab}")


def test_one_providers_answer_does_not_end_a_login_at_the_other(
    several: Several, browser: httpx.Client
) -> None:
    """Mix-up (RFC 9700 section 4.4): the answer must come from where the login began."""
    several.start()
    begun = begin(browser, f"{several.url}/login?provider=one&next=/pages/who")
    good = httpx.URL(answer_of(browser, begun, "employer-1"))
    mixed = good.copy_merge_params({"iss": several.other.issuer})
    refused = browser.get(mixed)
    assert (refused.status_code, refused.json()["type"]) == (400, "login-failed")
    assert browser.get(f"{several.url}/").text == "Hello stranger"


def test_a_login_at_a_provider_that_has_been_taken_away_fails(
    several: Several, browser: httpx.Client
) -> None:
    several.start()
    begun = begin(browser, f"{several.url}/login?provider=other&next=/pages/who")
    answer = answer_of(browser, begun, "employer-1")
    several.start(several.tables(other={"login": False}))
    refused = browser.get(answer)
    assert refused.status_code == 400
    assert "not trusted any more" in refused.json()["detail"]


def test_a_provider_that_has_been_taken_away_vouches_for_nobody(
    several: Several, browser: httpx.Client
) -> None:
    several.start()
    several.who("other", "employer-1", browser)
    several.start(several.tables(other={"login": False}))
    assert browser.get(f"{several.url}/").text == "Hello stranger"


@pytest.mark.parametrize(
    ("table", "roles", "scopes"),
    [
        ({}, ["unheard-of"], []),
        ({"roles": ["administrator"]}, ["administrator"], ["registry:admin"]),
        ({"roles": ["*"]}, ["administrator", "unheard-of"], ["registry:admin"]),
        ({"roles": ["employer"]}, [], []),
    ],
)
def test_a_provider_gives_the_roles_that_its_table_lets_it(
    table: dict[str, Any], roles: list[str], scopes: list[str], several: Several, browser: httpx.Client
) -> None:
    several.start(several.tables(one=table))
    told = several.who("one", "admin-1", browser)
    assert (told["roles"], told["scopes"]) == (roles, scopes)


def test_what_a_provider_may_say_counts_at_once(several: Several, browser: httpx.Client) -> None:
    several.start(several.tables(one={"roles": ["administrator"]}))
    assert several.who("one", "admin-1", browser)["scopes"] == ["registry:admin"]
    several.start()
    assert browser.get(f"{several.url}/pages/who").json()["scopes"] == []


def test_a_provider_of_some_organisations_speaks_for_no_other(
    several: Several, browser: httpx.Client
) -> None:
    several.start(several.tables(one={"organisations": ["2120000258"]}))
    failed = sign_in(browser, f"{several.url}/login?provider=one&next=/pages/who", "employer-1")
    assert (failed.status_code, failed.json()["type"]) == (400, "login-failed")
    assert several.who("other", "employer-1", browser)["organisation"] == "2120000142"


def test_whoever_acts_for_none_of_its_organisations_acts_for_themselves(
    several: Several, browser: httpx.Client
) -> None:
    several.start(
        several.tables(one={"organisations": ["2120000258"]}),
        REGISTRY_ACCESS__ROLE_SCOPES='{staff = ["registry:self", "registry:search"]}',
    )
    assert several.who("one", "nurse-1", browser)["scopes"] == [SELF]
    assert several.who("other", "nurse-1", browser)["scopes"] == ["registry:search", SELF]


def test_claims_are_mapped_by_provider(several: Several, browser: httpx.Client) -> None:
    several.start(several.tables(one={"roles_claim": ORGANISATION_CLAIM, "name_claim": "sub"}))
    told = several.who("one", "employer-1", browser)
    assert (told["roles"], told["name"]) == (["2120000142"], "employer-1")
    assert several.who("other", "employer-1", browser)["roles"] == ["employer"]


def test_an_id_token_that_holds_too_long_is_refused(several: Several, browser: httpx.Client) -> None:
    several.start(REGISTRY_LOGIN__ID_TOKEN_MAX_S="299")
    failed = sign_in(browser, f"{several.url}/login?provider=one", "employer-1")
    assert (failed.status_code, failed.json()["type"]) == (400, "login-failed")


def test_unsigned_userinfo_is_refused_where_a_signed_one_is_asked_for(
    several: Several, browser: httpx.Client
) -> None:
    several.start(several.tables(one={"userinfo_signed": True}))
    failed = sign_in(browser, f"{several.url}/login?provider=one", "nurse-1")
    assert (failed.status_code, failed.json()["type"]) == (400, "login-failed")


@pytest.mark.parametrize("name", ["", "nobody", "one/../other", "%00"])
def test_a_name_that_is_none_leads_nowhere(several: Several, browser: httpx.Client, name: str) -> None:
    several.start()
    assert browser.get(f"{several.url}/login?provider={name}").status_code == 404


def test_without_a_page_to_choose_on_a_provider_must_be_named(
    several: Several, browser: httpx.Client
) -> None:
    several.start()
    assert browser.get(f"{several.url}/login").status_code == 404


def test_logins_begun_at_once_never_fill_the_headers(several: Several) -> None:
    """Tabs that a browser opens together begin before any cookie is there; however many, few cookies stay."""
    app = several.start()
    with httpx.Client(follow_redirects=False) as browser:
        for number in range(60):
            with httpx.Client(follow_redirects=False) as tab:
                path = f"/pages/who?{number}{'x' * 480}"
                begun = tab.get(f"{several.url}/login", params={"provider": "one", "next": path})
                for name, value in begun.cookies.items():
                    browser.cookies.set(name, value)
        held = {cookie.name: cookie.value or "" for cookie in browser.cookies.jar}
        assert len(held) == app.settings.login.max_flows
        assert sum(len(name) + len(value) + 4 for name, value in held.items()) < 6_000
        assert browser.get(f"{several.url}/").status_code == 200


def test_the_session_of_a_provider_that_is_gone_is_ended_here(several: Several) -> None:
    app = several.start()
    with app.flask.test_request_context():
        assert app.access.login.logout_origin(Caller("https://gone.example", "somebody")) == ""


def test_levels_of_assurance_are_asked_for(several: Several, browser: httpx.Client) -> None:
    several.start(
        several.tables(one={"acr_values": ["loa3", "loa2"]}),
        REGISTRY_ACCESS__SCOPE_ACR='{"registry:search" = ["loa4"]}',
    )
    usual = begin(browser, f"{several.url}/login?provider=one")
    assert (usual.params["acr_values"], "prompt" in usual.params) == ("loa3 loa2", False)
    more = begin(browser, f"{several.url}/login?provider=one&for=registry:search")
    assert (more.params["acr_values"], more.params["prompt"]) == ("loa4", "login")
    other = begin(browser, f"{several.url}/login?provider=other&for=unheard-of")
    assert "acr_values" not in other.params


def test_a_scope_that_takes_more_assurance_is_withheld_and_said_so(
    several: Several, browser: httpx.Client
) -> None:
    several.start(REGISTRY_ACCESS__SCOPE_ACR='{"registry:search" = ["loa4"]}')
    told = several.who("one", "employer-1", browser)
    assert told["scopes"] == ["registry:read", "registry:verify"]
    refused = browser.get(f"{several.url}/pages/search")
    assert (refused.status_code, refused.json()["type"]) == (403, "stronger-login-needed")


@pytest.fixture
def pages(several: Several) -> Callable[[str], httpx.Client]:
    """The whole service with its pages, and a browser in a language."""
    tables = several.tables(one=LABELS | {"roles": ["*"]})
    app = create_app(
        load_settings(several.settings(tables, REGISTRY_ACCESS__SCOPE_ACR='{"registry:self" = ["loa3"]}'))
    )
    several.start(tables)  # makes the tables of the access database
    several.switch.app = app.wsgi_app

    def browser(language: str) -> httpx.Client:
        return httpx.Client(
            follow_redirects=True,
            headers={"Accept": "text/html", "Accept-Language": language},
            base_url=several.url,
        )

    return browser


def test_a_page_lets_people_choose(several: Several, pages: Callable[[str], httpx.Client]) -> None:
    with pages("sv") as browser:
        page = browser.get("/login", params={"next": "/me?lang=sv"})
        assert page.status_code == 200
        assert "<h1>Logga in</h1>" in page.text
        assert "Regionens inloggning" in page.text
        assert ">other</a>" in page.text, "a provider without a name in any language has its short one"
        assert 'href="/login?provider=one&amp;next=/me?lang%3Dsv"' in page.text
        assert page.headers["Cache-Control"] == "no-store"
    with pages("en") as browser:
        assert "Log in with the region" in browser.get("/login").text
        sign_in(browser, f"{several.url}/login?provider=one&next=/about", "employer-1")
        start = browser.get("/about")
        assert f"form-action 'self' {several.one.issuer};" in start.headers["Content-Security-Policy"]


def test_a_failed_login_has_a_page_that_leads_on(pages: Callable[[str], httpx.Client]) -> None:
    with pages("sv") as browser:
        failed = browser.get("/login/callback?state=unknown&code=x")
    assert failed.status_code == 400
    assert "<h1>Inloggningen lyckades inte</h1>" in failed.text
    assert 'class="button" href="/login?next=/"' in failed.text
    assert failed.headers["X-Request-Id"] in failed.text, "the reference that the log has, too"


def test_a_page_that_takes_more_assurance_says_so_and_leads_to_it(
    several: Several, pages: Callable[[str], httpx.Client]
) -> None:
    with pages("sv") as browser:
        sign_in(browser, f"{several.url}/login?provider=one&next=/about", NURSE.subject)
        page = browser.get("/me")
        assert page.status_code == 403
        assert "Här behövs en säkrare inloggning" in page.text
        assert 'href="/login?next=%2Fme&amp;provider=one&amp;for=registry%3Aself"' in page.text
        assert 'href="/me"' in page.text, "the menu offers it still"
