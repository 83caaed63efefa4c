"""What a browser does in these tests, and what a provider says when it is made to."""

import json

import httpx
import sqlalchemy as sa

from registry.access.tables import web_session
from tests.registry.access.conftest import Site


def begin(browser: httpx.Client, url: str) -> httpx.URL:
    """Go to a page that needs a login; return the address of the provider's page."""
    choice = browser.get(url)
    assert "not for real use" in choice.text
    return choice.url


def answer_of(browser: httpx.Client, url: httpx.URL | str, subject: str) -> str:
    """Choose a person; return the address that the provider sends the browser to, without going there."""
    answer = browser.post(url, data={"login": subject}, follow_redirects=False)
    assert answer.status_code == 302
    return answer.headers["Location"]


def sessions(site: Site) -> int:
    """Return how many sessions there are."""
    with site.app.engine.connect() as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(web_session)).scalar_one())


def form_token(browser: httpx.Client, site: Site) -> str:
    """Return the proof that the form of a page carries."""
    return browser.get(f"{site.url}/pages/form").text


def discovery(site: Site, **changes: str) -> None:
    """Make the provider tell other addresses than it has."""
    document = httpx.get(f"{site.idp.issuer}/.well-known/openid-configuration").json() | changes
    body = json.dumps(document).encode()
    site.idp.switch.instead["/.well-known/openid-configuration"] = ("200 OK", "application/json", body)
