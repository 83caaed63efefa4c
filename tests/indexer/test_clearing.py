"""No index keeps in its files whoever has become protected."""

from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from indexer import clearing
from indexer.cli_rebuild import rebuild as rebuild_command
from indexer.rebuild import rebuild
from registry.records import search_indices
from registry.records import tables as t
from registry.records.index_tables import search_index
from registry.search import IndexEngine
from registry.search.document import document_key
from tests.indexer.disturbed import KilledError, Steps, stopping
from tests.support.engines import index_of
from tests.support.publishing import publish_all, quiet
from tests.support.scheduled import FEEDS, TIMING, scheduled
from tests.support.world import World, licence, make_settings, person

NOW = datetime.now(UTC)
LATER = NOW + timedelta(days=2)
# A word of which no part stands in a form that indices share with other words.
FAMILY = "Zyxwovikqu"


def load(world: World, *, hidden: bool, others: int = 0) -> None:
    world.load(
        {
            "a": person("Lindqvist", "Siv", licences=[licence("7")]),
            # Enough that an engine does not drop a whole part of the index with the one who is hidden.
            **{f"c{n}": person("Ek", f"Liv{n}", licences=[licence(f"c{n}")]) for n in range(others)},
            "b": person(FAMILY, "Osqarina", licences=[licence("8")], protected=hidden),
        }
    )


def is_due(world: World, now: datetime = LATER, every_hours: float = 24.0) -> bool:
    with world.engine.connect() as connection:
        return clearing.is_due(connection, now, every_hours)


def count(index: IndexEngine) -> int:
    index.refresh()
    return index.count()


def holding(folder: Path) -> list[Path]:
    """Return the files in which the word stands as it is indexed."""
    word = FAMILY.lower().encode()
    return [file for file in folder.rglob("*") if file.is_file() and word in file.read_bytes()]


@pytest.fixture
def marked(house: World, index: IndexEngine) -> World:
    """A registry with somebody who has become protected since they were indexed."""
    load(house, hidden=False)
    publish_all(house, index)
    assert not is_due(house)
    load(house, hidden=True)
    publish_all(house, index)
    return house


def test_an_index_is_built_without_whoever_is_hidden_and_no_other_is_kept(
    marked: World, index: IndexEngine
) -> None:
    before = index.current_index()
    assert count(index) == 1
    assert is_due(marked)

    made = clearing.clear(marked.engine, index, marked.settings, quiet)

    assert made == index.current_index() != before
    assert index.indices() == [made]
    assert count(index) == 1
    with marked.engine.connect() as connection:
        assert list(search_indices.known(connection)) == [made]
        licences = list(connection.scalars(sa.text("SELECT id FROM licence")))
    assert len(index.stored([document_key(f"l{each}") for each in licences])) == 1
    assert not is_due(marked)
    assert clearing.clear(marked.engine, index, marked.settings, quiet) is None
    assert index.current_index() == made


def test_it_is_due_once_in_so_many_hours_and_never_if_so_is_said(marked: World) -> None:
    assert not is_due(marked, now=NOW + timedelta(hours=23))
    assert is_due(marked, now=NOW + timedelta(hours=25))
    assert not is_due(marked, every_hours=0)


def test_nothing_is_built_where_nobody_is_hidden(house: World, index: IndexEngine) -> None:
    load(house, hidden=False)
    publish_all(house, index)
    before = index.current_index()
    with house.engine.begin() as connection:
        # As an index that stood before it was noted what indices were begun from.
        connection.execute(sa.update(search_index).values(first_mark=0))
    assert not is_due(house)
    assert clearing.clear(house.engine, index, house.settings, quiet) is None
    assert index.current_index() == before


def test_an_index_from_before_it_was_noted_is_cleared(marked: World, index: IndexEngine) -> None:
    clearing.clear(marked.engine, index, marked.settings, quiet)
    with marked.engine.begin() as connection:
        connection.execute(sa.update(search_index).values(first_mark=0))
    assert is_due(marked)
    assert clearing.clear(marked.engine, index, marked.settings, quiet)
    assert not is_due(marked)


def test_where_only_the_index_kept_for_going_back_holds_them_it_is_dropped_alone(
    marked: World, index: IndexEngine
) -> None:
    rebuilt = rebuild(marked.engine, index, marked.settings, quiet)
    assert rebuilt.before in index.indices()
    assert is_due(marked)

    assert clearing.clear(marked.engine, index, marked.settings, quiet) == rebuilt.index
    assert index.indices() == [rebuilt.index]
    assert not is_due(marked)


def test_an_unfinished_index_that_may_hold_them_is_not_continued(house: World, index: IndexEngine) -> None:
    load(house, hidden=False)
    publish_all(house, index)
    left = index.create_index()
    with house.engine.begin() as connection:
        search_indices.begun(connection, left, search_indices.confirmed_below(connection), NOW)
    load(house, hidden=True)

    made = clearing.clear(house.engine, index, house.settings, quiet)

    assert made != left
    assert index.indices() == [made]
    assert count(index) == 1


def test_a_kill_between_any_two_steps_from_the_mark_to_the_files_is_healed(
    house: World, index: IndexEngine
) -> None:
    """Nothing but a start of the indexer is needed, and no change comes that would remind it."""
    load(house, hidden=False)
    publish_all(house, index)
    at, stride = 0, {"sqlite": 2, "postgresql": 5}[house.engine.dialect.name]
    while True:
        load(house, hidden=True)
        steps = Steps(stop_at=at)
        engine = stopping(index, steps)
        try:
            with steps.watching(house.engine):
                publish_all(house, engine)
                clearing.clear(house.engine, engine, house.settings, quiet)
        except KilledError:
            pass
        else:
            break
        assert house.count(t.outbox) or is_due(house) or index.indices() == [index.current_index()]
        publish_all(house, index)
        clearing.clear(house.engine, index, house.settings, quiet)
        assert index.indices() == [index.current_index()]
        assert count(index) == 1
        assert not is_due(house)
        load(house, hidden=False)
        publish_all(house, index)
        assert count(index) == 2
        at += stride

    assert len(steps.taken) >= 20
    assert {"commit", "bulk", "create_index", "swap", "drop"} <= set(steps.taken)


def test_the_files_of_tantivy_hold_them_until_then_and_no_longer(small_world: World) -> None:
    with closing(index_of(small_world)) as engine:
        load(small_world, hidden=False, others=40)
        publish_all(small_world, engine)
        load(small_world, hidden=True, others=40)
        publish_all(small_world, engine)
        folder = Path(small_world.settings.search.tantivy.path)
        assert holding(folder)
        clearing.clear(small_world.engine, engine, small_world.settings, quiet)
        assert not holding(folder)


def test_the_scheduler_clears_when_it_is_time(tmp_path: Path) -> None:
    world = World(make_settings(tmp_path, **TIMING))
    with closing(world), scheduled(world, tmp_path) as found, closing(index_of(world)) as engine:
        for feed in FEEDS:
            found.schedule(feed, every_minutes=0)
        load(world, hidden=False)
        publish_all(world, engine)
        before = engine.current_index()
        load(world, hidden=True)
        assert found.once() == 0
        assert engine.indices() == [before]
        assert found.once(REGISTRY_INDEX__CLEAR_EVERY_HOURS="0.000001") == 0
        (made,) = engine.indices()
        assert made != before
        told = [line for line in found.log if line["event"] == "no index holds anybody who is protected now"]
        assert [line["index"] for line in told] == [made]


def test_a_rebuild_that_keeps_nothing_beside_says_what_does_not_go_with_it() -> None:
    told = CliRunner().invoke(rebuild_command, ["--alone", "--back"])
    assert told.exit_code == 2
    assert "--alone" in told.output
