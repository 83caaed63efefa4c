"""A running service for each test."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.registry.access.harness import AUDIENCE, Idp, running_idp
from tests.registry.web.people import everyone
from tests.registry.web.service import Service
from tests.support.engines import large_house, small_house
from tests.support.world import World, make_settings


@pytest.fixture(scope="session")
def web_idp() -> Iterator[Idp]:
    """The development identity provider; tests leave it as it is."""
    with running_idp() as idp:
        yield idp


def _make(folder: Path, idp: Idp, **environ: str) -> Service:
    trusted = {"REGISTRY_TOKENS__ISSUER": idp.issuer, "REGISTRY_TOKENS__AUDIENCE": AUDIENCE}
    return Service(World(make_settings(folder, **{**trusted, **environ})), idp)


@pytest.fixture
def make_service(tmp_path: Path, web_idp: Idp) -> Iterator[Callable[..., Service]]:
    """Makes a service on SQLite and Tantivy; further settings by their variable names."""
    made: list[Service] = []

    def make(**environ: str) -> Service:
        made.append(_make(tmp_path, web_idp, **environ))
        return made[-1]

    yield make
    for service in made:
        service.close()


@pytest.fixture
def service(make_service: Callable[..., Service]) -> Service:
    """A service that knows nobody yet, of the test's own."""
    return make_service()


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory, web_idp: Idp) -> Iterator[Service]:
    """A service that knows everyone, for a whole module; tests change nothing about the people."""
    service = _make(tmp_path_factory.mktemp("full"), web_idp)
    service.load(everyone())
    yield service
    service.close()


@pytest.fixture
def world_service(world: World, web_idp: Idp) -> Iterator[Service]:
    """A service that knows nobody yet, on each database."""
    trusted = {"REGISTRY_TOKENS__ISSUER": web_idp.issuer, "REGISTRY_TOKENS__AUDIENCE": AUDIENCE}
    folder = Path(world.settings.search.tantivy.path).parent
    settings = make_settings(folder, world.settings.database.url, **trusted)
    service = Service(World(settings), web_idp)
    yield service
    service.close()


@pytest.fixture(params=["small", "large"])
def make_sized(
    request: pytest.FixtureRequest, tmp_path: Path, web_idp: Idp
) -> Iterator[Callable[..., Service]]:
    """Makes a service on either size: SQLite and Tantivy, PostgreSQL and OpenSearch; further settings by their variable names."""
    made: list[Service] = []

    def make(**environ: str) -> Service:
        trusted = {
            "REGISTRY_TOKENS__ISSUER": web_idp.issuer,
            "REGISTRY_TOKENS__AUDIENCE": AUDIENCE,
            **environ,
        }
        if request.param == "small":
            world = small_house(tmp_path, **trusted)
        else:
            database = request.getfixturevalue("fresh_postgres_database")
            url = request.getfixturevalue("opensearch_url")
            prefix = request.getfixturevalue("opensearch_prefix")
            world = large_house(tmp_path, database, url, prefix, **trusted)
        made.append(Service(world, web_idp))
        return made[-1]

    yield make
    for service in made:
        service.close()


@pytest.fixture
def sized(make_sized: Callable[..., Service]) -> Service:
    """A service that knows nobody yet, on either size."""
    return make_sized()
