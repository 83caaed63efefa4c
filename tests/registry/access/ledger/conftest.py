"""A migrated access log on each database."""

import pytest

from tests.registry.access.ledger.house import Log
from tests.support.world import World


@pytest.fixture
def log(world: World) -> Log:
    return Log(world.access_engine)


@pytest.fixture
def small_log(small_world: World) -> Log:
    return Log(small_world.access_engine)
