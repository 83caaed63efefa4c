"""People who log in and out at a real Keycloak, two realms as two providers: the Swedish OIDC profile, roles and organisations, and
logout from either side.
"""

import html
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from registry.access.tables import web_session
from registry.sealing import new_key
from registry.settings import load_settings
from tests.registry.access.harness import NURSE_NUMBER, App, Switch, make_app, running
from tests.services.keycloak import Keycloak
from tests.support.waiting import until

TABLES = """\
[providers.staff]
issuer = "{staff}"
login = true
private_key_file = "{staff_key}"
algorithms = ["RS256"]
hsa_id_claim = "employeeHsaId"
userinfo_signed = true
roles = ["employer", "staff", "administrator"]

[providers.partner]
issuer = "{partner}"
login = true
private_key_file = "{partner_key}"
algorithms = ["ES256"]
roles_claim = "groups"
organisation_claim = "organization_number"
hsa_id_claim = "hsa_id"
userinfo_signed = true
organisations = ["2120000258"]

[access.scope_acr]
"registry:admin" = ["http://id.elegnamnden.se/loa/1.0/loa3"]
"""


@dataclass
class Site:
    """An app, and the Keycloak whose two realms log people in there."""

    url: str
    app: App
    keycloak: Keycloak

    def browser(self) -> httpx.Client:
        browser = httpx.Client(follow_redirects=True, trust_env=False)

        def as_browsers_do(_response: httpx.Response) -> None:
            """Browsers send Secure cookies to 127.0.0.1 without TLS, too."""
            for cookie in browser.cookies.jar:
                cookie.secure = False

        browser.event_hooks = {"response": [as_browsers_do]}
        return browser

    def log_in(
        self, browser: httpx.Client, realm: str, name: str, path: str = "/pages/who", **more: str
    ) -> httpx.Response:
        """Log in with name and password, unless Keycloak knows the browser still; return where that leads."""
        page = browser.get(f"{self.url}/login", params={"provider": realm, "next": path, **more})
        if page.url.host == "127.0.0.1" and str(page.url).startswith(self.url):
            return page
        form = re.findall(r'<form[^>]+action="([^"]+)"', page.text)
        assert form, page.text
        sent = {"username": name, "password": self.keycloak.password(realm, name), "credentialId": ""}
        return browser.post(html.unescape(form[0]), data=sent)

    def sessions(self) -> int:
        with self.app.engine.connect() as connection:
            return int(connection.execute(sa.select(sa.func.count()).select_from(web_session)).scalar_one())


@pytest.fixture(params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest, keycloak: Keycloak, tmp_path: Path) -> Iterator[Site]:
    database = f"sqlite:///{tmp_path / 'access.db'}"
    if request.param == "postgresql":
        fresh: Callable[[], str] = request.getfixturevalue("fresh_postgres_database")
        database = fresh()
    keys = {}
    for realm in ("staff", "partner"):
        keys[f"{realm}_key"] = str(tmp_path / f"{realm}.pem")
        Path(keys[f"{realm}_key"]).write_text(keycloak.private_key(realm, "registry"))
    issuers = {realm: keycloak.issuer(realm) for realm in ("staff", "partner")}
    file = tmp_path / "registry.toml"
    file.write_text(TABLES.format(**issuers, **keys))
    switch = Switch()
    with running(switch) as url:
        environ = {
            "REGISTRY_CONFIG_FILE": str(file),
            "REGISTRY_SERVICE__SANDBOX": "true",
            "REGISTRY_SERVICE__BASE_URL": url,
            "REGISTRY_DATABASE__URL": database,
            "REGISTRY_DATABASE__ACCESS_URL": database,
            "REGISTRY_PRIVACY__DIGEST_KEY": new_key(),
            "REGISTRY_PRIVACY__SEALING_KEY": new_key(),
        }
        app = make_app(load_settings(environ))
        switch.app = app.flask.wsgi_app
        yield Site(url, app, keycloak)
        app.engine.dispose()


@pytest.mark.parametrize(
    ("realm", "name", "told"),
    [
        (
            "staff",
            "employer-1",
            {
                "name": "Ebba Exempel",
                "organisation": "2120000142",
                "roles": ["employer"],
                "scopes": ["registry:read", "registry:search", "registry:self", "registry:verify"],
            },
        ),
        ("staff", "nurse-1", {"organisation": "", "number": NURSE_NUMBER, "scopes": ["registry:self"]}),
        (
            "partner",
            "partner-1",
            {"name": "Per Prövare", "organisation": "2120000258", "roles": ["employer"]},
        ),
    ],
)
def test_people_log_in_with_their_roles_and_organisation(
    site: Site, realm: str, name: str, told: dict[str, object]
) -> None:
    with site.browser() as browser:
        page = site.log_in(browser, realm, name)
        assert str(page.url) == f"{site.url}/pages/who", page.text
        assert told.items() <= page.json().items()


def test_administration_takes_a_login_of_this_moment(site: Site) -> None:
    """Keycloak tells the level for whoever has just given a password, and none for whom it only remembers."""
    with site.browser() as browser:
        assert site.log_in(browser, "staff", "admin-1").json()["scopes"] == [
            "registry:admin",
            "registry:self",
        ]
        browser.cookies.delete("registry-session")
        remembered = site.log_in(browser, "staff", "admin-1")
        assert remembered.json()["scopes"] == ["registry:self"]
        # Asked for what it takes, Keycloak wants the password again.
        again = site.log_in(browser, "staff", "admin-1", **{"for": "registry:admin"})
        assert "registry:admin" in again.json()["scopes"]


def test_logout_here_ends_the_session_there(site: Site) -> None:
    with site.browser() as browser:
        site.log_in(browser, "partner", "partner-1")
        token = browser.get(f"{site.url}/pages/form").text
        asked = browser.post(f"{site.url}/logout", data={"csrf_token": token})
        assert browser.get(f"{site.url}/").text == "Hello stranger"
        assert asked.url.path.endswith("/protocol/openid-connect/logout")
        # Without the ID token in the address (it may hold a personal identity number) Keycloak asks whether one means it.
        form = html.unescape(re.findall(r'<form[^>]+action="([^"]+)"', asked.text)[0])
        code = re.findall(r'name="session_code" value="([^"]+)"', asked.text)[0]
        home = browser.post(str(asked.url.join(form)), data={"session_code": code, "confirmLogout": "Logout"})
        assert (str(home.url), home.text) == (f"{site.url}/", "Hello stranger")
        page = browser.get(f"{site.url}/login", params={"provider": "partner"})
        assert "<form" in page.text, "Keycloak wants the password again"


def test_logout_there_ends_the_session_here(site: Site, request: pytest.FixtureRequest) -> None:
    """Back-channel: the session opened by that login ends, another person's does not."""
    address = {"backchannel.logout.url": f"{site.url}/logout/backchannel"}
    before = site.keycloak.change_client("staff", "registry", attributes=address)
    request.addfinalizer(
        lambda: site.keycloak.change_client("staff", "registry", attributes=before["attributes"])
    )
    with site.browser() as browser, site.browser() as other:
        site.log_in(browser, "staff", "nurse-1")
        site.log_in(other, "staff", "employer-1")
        assert site.sessions() == 2
        with site.keycloak.admin("staff") as admin:
            (user,) = admin.get("/users", params={"username": "nurse-1", "exact": "true"}).json()
            newest = max(admin.get(f"/users/{user['id']}/sessions").json(), key=lambda each: each["start"])
            assert admin.delete(f"/sessions/{newest['id']}").status_code == 204
        until(lambda: site.sessions() == 1)
        assert browser.get(f"{site.url}/").text == "Hello stranger"
        assert other.get(f"{site.url}/").text == "Hello Ebba Exempel"
