from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from indexer.statistics import keep_statistics, refresh_statistics
from tests.support.facts_feed import FactsFeed
from tests.support.world import World, licence, person


def rows_planned_with(world: World) -> float:
    with world.engine.connect() as connection:
        found: float = connection.scalar(
            sa.text("SELECT reltuples FROM pg_class WHERE oid = 'source_record'::regclass")
        )
    return found


def test_a_large_first_load_tells_the_planner_what_it_has_written(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.statistics._MUCH", 10)
    feed = FactsFeed(world, tmp_path)
    feed.write({str(n): person("Ek", f"Liv{n}", licences=[licence(str(n))]) for n in range(30)})
    small = msgspec.structs.replace(world.settings.indexer, batch_rows=10)
    report = replace(feed.puller(), settings=small).pull(feed.descriptor)

    assert report.counts.added == 30
    if world.engine.dialect.name == "postgresql":
        assert rows_planned_with(world) >= 10


def test_statistics_are_refreshed_when_much_has_grown_and_not_before(world: World) -> None:
    refreshed = world.engine.dialect.name == "postgresql"
    with world.engine.begin() as connection:
        assert keep_statistics(connection, 19_999, 0) == 0
        assert keep_statistics(connection, 20_000, 0) == (20_000 if refreshed else 0)
        assert keep_statistics(connection, 79_999, 20_000) == 20_000
        assert keep_statistics(connection, 80_000, 20_000) == (80_000 if refreshed else 20_000)
    if refreshed:
        refresh_statistics(world.engine, 4_999, 5_000)
        refresh_statistics(world.engine, 5_000, 5_000)
        assert rows_planned_with(world) == 0


def test_a_run_that_changed_a_small_part_leaves_the_statistics_to_the_database(
    world: World, tmp_path: Path
) -> None:
    feed = FactsFeed(world, tmp_path)
    everyone = {str(n): person("Ek", f"Liv{n}", licences=[licence(str(n))]) for n in range(34)}
    feed.write(dict(list(everyone.items())[:30]))
    feed.puller().pull(feed.descriptor)
    refresh_statistics(world.engine, 30, 1)
    feed.write(everyone)
    report = feed.puller().pull(feed.descriptor)

    assert report.counts.added == 4
    if world.engine.dialect.name == "postgresql":
        refresh_statistics(world.engine, 2, 1)
        assert rows_planned_with(world) == 30
        refresh_statistics(world.engine, 3, 1)
        assert rows_planned_with(world) == 34
