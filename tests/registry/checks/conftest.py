"""A desk over each database with people loaded; tests take an organisation of their own, so they do not meet."""

from collections.abc import Callable, Iterator
from itertools import count

import pytest

from registry.access.caller import Caller
from registry.checks.desk import Desk, open_desk
from registry.settings import Settings
from tests.registry.web.people import everyone
from tests.support.world import World, make_settings

_NUMBERS = count(1)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def known(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A registry that knows everyone, on each database, for a whole module."""
    url = None
    if request.param == "postgresql":
        fresh: Callable[[], str] = request.getfixturevalue("kept_postgres_database")
        url = fresh()
    world = World(make_settings(tmp_path_factory.mktemp("checks"), url))
    world.load(everyone())
    yield world
    world.close()


@pytest.fixture(scope="module")
def desk(known: World) -> Iterator[Desk]:
    """A desk with the settings as they are."""
    made = open_desk(known.settings)
    yield made
    made.close()


@pytest.fixture
def open_another(known: World) -> Iterator[Callable[[Settings], Desk]]:
    """Opens further desks over the same databases: other settings, or as another process would."""
    made: list[Desk] = []

    def open_one(settings: Settings) -> Desk:
        made.append(open_desk(settings))
        return made[-1]

    yield open_one
    for each in made:
        each.close()


@pytest.fixture
def caller() -> Caller:
    """Someone of an organisation that has asked nothing yet."""
    number = next(_NUMBERS)
    return Caller(
        "https://issuer.example",
        f"recruiter-{number}",
        client_id="hr",
        organisation=f"212000{number:04}",
        scopes=frozenset({"registry:verify"}),
    )
