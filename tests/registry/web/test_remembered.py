"""Feeds are read anew when they have grown old, or when one is missing."""

from registry.web.remembered import FeedsCache
from tests.support.world import World


def test_feeds_are_believed_for_a_while_and_read_at_once_when_one_is_missing(small_world: World) -> None:
    now = [0.0]
    cache = FeedsCache(1.0, lambda: now[0])
    small_world.describe_feed("one")
    with small_world.engine.connect() as connection:
        assert cache.get(connection).keys() == {"one"}
    small_world.describe_feed("two")
    with small_world.engine.connect() as connection:
        assert cache.get(connection, ["one"]).keys() == {"one"}
        assert cache.get(connection, ["two"]).keys() == {"one", "two"}
    small_world.describe_feed("three")
    with small_world.engine.connect() as connection:
        assert cache.get(connection).keys() == {"one", "two"}
        now[0] = 1.0
        assert cache.get(connection).keys() == {"one", "two", "three"}
