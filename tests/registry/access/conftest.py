"""A running provider, and an app that trusts it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.registry.access.harness import App, Idp, Switch, make_app, running, running_idp, settings_for


@pytest.fixture
def idp() -> Iterator[Idp]:
    """A provider of the test's own."""
    with running_idp() as idp:
        yield idp


@pytest.fixture(scope="module")
def shared_idp() -> Iterator[Idp]:
    """A provider that a whole module shares; tests leave it as it is."""
    with running_idp() as idp:
        yield idp


@pytest.fixture
def database(tmp_path: Path) -> str:
    """The address of an empty database."""
    return f"sqlite:///{tmp_path / 'access.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def each_database(request: pytest.FixtureRequest, database: str) -> str:
    """The address of an empty database of each kind."""
    if request.param == "sqlite":
        return database
    fresh: Callable[[], str] = request.getfixturevalue("fresh_postgres_database")
    return fresh()


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def pass_(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock()


@dataclass
class Site:
    """An app and its provider, both running."""

    url: str
    app: App
    idp: Idp
    switch: Switch

    def browser(self) -> httpx.Client:
        return httpx.Client(follow_redirects=True)


@pytest.fixture
def site(database: str) -> Iterator[Site]:
    """The app served over HTTP, trusting a provider served over HTTP."""
    switch = Switch()
    with running(switch) as url, running_idp(url) as idp:
        app = make_app(settings_for(idp, database, REGISTRY_SERVICE__BASE_URL=url))
        switch.app = app.flask.wsgi_app
        yield Site(url, app, idp, switch)
        app.engine.dispose()
