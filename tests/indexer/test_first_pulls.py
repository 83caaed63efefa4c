"""Two feeds pulled for the first time at the same moment, on two machines, make the same rows: neither may fail for it."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from indexer.feeds.descriptor import FeedDescriptor
from indexer.feeds.folder import FeedFolder
from indexer.pull import describe
from registry.database import writing
from registry.records import tables as t
from registry.records.allocate import allocate, current
from registry.settings import CONFIG
from tests.support.waiting import until
from tests.support.world import World, make_settings


@pytest.fixture
def large(tmp_path: Path, fresh_postgres_database: Callable[[], str]) -> Iterator[World]:
    world = World(make_settings(tmp_path, fresh_postgres_database()))
    yield world
    world.close()


@pytest.fixture
def feed() -> FeedDescriptor:
    return FeedFolder(CONFIG / "feeds").feeds["hosp"]


def waiting_for_a_lock(world: World) -> int:
    with world.engine.connect() as connection:
        return connection.scalar(sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted")) or 0


def beside(
    world: World, first: Callable[[sa.Connection], object], second: Callable[[sa.Connection], object]
) -> None:
    """Do `second` while the transaction of `first` is open, and commit `first` when `second` waits for it."""
    failures: list[BaseException] = []

    def other() -> None:
        try:
            with writing(world.engine).begin() as connection:
                second(connection)
        except sa.exc.SQLAlchemyError as error:
            failures.append(error)

    thread = threading.Thread(target=other)
    with writing(world.engine).begin() as connection:
        first(connection)
        thread.start()
        until(lambda: waiting_for_a_lock(world))
    thread.join(30)
    assert not thread.is_alive()
    assert failures == []


def test_the_counter_is_made_once_and_gives_no_number_twice(large: World) -> None:
    drawn: list[range] = []
    beside(large, lambda one: drawn.append(allocate(one, 3)), lambda other: drawn.append(allocate(other, 2)))

    assert drawn == [range(1, 4), range(4, 6)]
    with large.engine.connect() as connection:
        assert current(connection) == 6


def test_an_authority_may_be_described_by_two_of_its_feeds_at_once(
    large: World, feed: FeedDescriptor
) -> None:
    renamed = msgspec.structs.replace(feed.authority, name_en="As the second one says")
    second = msgspec.structs.replace(feed, id="second", authority=renamed)
    beside(large, lambda one: describe(one, feed), lambda other: describe(other, second))

    with large.engine.connect() as connection:
        assert connection.scalars(sa.select(t.authority.c.name_en)).all() == ["As the second one says"]
        assert connection.scalars(sa.select(t.feed.c.id).order_by(t.feed.c.id)).all() == [feed.id, "second"]
