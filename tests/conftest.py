"""Fixtures that every room uses.

Strategy: a test builds the smallest registry that shows its point, with people made in the test itself, loaded by the
real loader. Where both sizes of the house must behave alike, the test asks for `world` and runs on each database.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.world import World, make_settings

pytest_plugins = ["tests.services.plugin"]


@pytest.fixture
def small_world(tmp_path: Path) -> Iterator[World]:
    """A registry on SQLite."""
    world = World(make_settings(tmp_path))
    yield world
    world.close()


FRESH = {"postgresql": "fresh_postgres_database", "postgresql-15": "fresh_debian_postgres_database"}


@pytest.fixture(params=["sqlite", *FRESH])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """A registry on each database; 15 is the oldest PostgreSQL that is supported."""
    url = None
    if request.param in FRESH:
        fresh: Callable[[], str] = request.getfixturevalue(FRESH[request.param])
        url = fresh()
    world = World(make_settings(tmp_path, url))
    yield world
    world.close()
