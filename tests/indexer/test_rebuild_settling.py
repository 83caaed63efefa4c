"""Which index is in use is the engine's to say; what SQL does when it learns that it is another one than it believed."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from indexer.builds import ensure_index, settle
from indexer.publish import publish
from indexer.rebuild import back, rebuild
from registry.database import writing
from registry.errors import SearchUnavailableError
from registry.records import search_indices
from registry.records import tables as t
from registry.records.allocate import allocate, current
from registry.records.index_tables import search_index
from registry.search import IndexEngine
from tests.indexer.disturbed import compared, disturbed, indices, people, states
from tests.indexer.other_versions import other_version
from tests.support.engines import index_of
from tests.support.publishing import found, quiet
from tests.support.world import World, make_settings


@pytest.fixture
def mixed_house(tmp_path: Path, fresh_postgres_database: Callable[[], str]) -> Iterator[World]:
    """PostgreSQL, which has several writers, beside the small engine."""
    world = World(make_settings(tmp_path, fresh_postgres_database()))
    yield world
    world.close()


def test_nothing_is_in_use_in_a_new_house(house: World, index: IndexEngine) -> None:
    assert settle(house.engine, index) is None
    assert states(house) == {}


def test_an_alias_that_was_moved_by_hand_is_recorded_and_what_the_index_lacks_is_queued(
    house: World, index: IndexEngine
) -> None:
    house.load(people(3))
    first = rebuild(house.engine, index, house.settings, quiet).index
    second = rebuild(house.engine, index, house.settings, quiet).index
    house.load({**people(3), "1": people(3, "Lind")["1"]})
    publish(house.engine, index, house.settings, quiet)
    index.swap(first, replacing=second)
    assert found(index, "Gustav Lind") == 0

    assert settle(house.engine, index) == first

    assert states(house) == {first: "current", second: "previous"}
    assert house.count(t.outbox) == 1
    publish(house.engine, index, house.settings, quiet)
    assert found(index, "Gustav Lind") == 1
    assert back(house.engine, index, house.settings, quiet).index == second


def test_an_index_that_sql_knows_nothing_of_is_used_with_a_warning(
    house: World, index: IndexEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    house.load(people(3))
    name = rebuild(house.engine, index, house.settings, quiet).index
    with house.engine.begin() as connection:
        connection.execute(sa.delete(search_index))

    assert settle(house.engine, index) == name

    assert "indexer compare --repair" in "".join(capsys.readouterr())
    known = indices(house)[name]
    assert (known.state, known.mark, known.whole) == ("current", 0, False)
    # Asked again it is known.
    assert settle(house.engine, index) == name
    assert "compare --repair" not in "".join(capsys.readouterr())


def test_going_back_to_an_index_of_which_nothing_was_known_tells_it_everything(
    house: World, index: IndexEngine
) -> None:
    house.load(people(3))
    unknown = index.create_index()
    index.finish_index(unknown)
    index.swap(unknown, replacing=None)
    rebuild(house.engine, index, house.settings, quiet)
    assert states(house)[unknown] == "previous"

    assert back(house.engine, index, house.settings, quiet).documents == 3

    assert index.current_index() == unknown
    assert not compared(house, index).differs


def test_an_unfinished_index_that_was_put_in_use_by_hand_is_not_taken_for_a_whole_one(
    house: World, index: IndexEngine
) -> None:
    house.load(people(3))

    def fail(*_: object) -> None:
        raise SearchUnavailableError("gone")

    with pytest.raises(SearchUnavailableError):
        rebuild(house.engine, disturbed(index, finish_index=fail), house.settings, quiet)
    (left,) = states(house)
    index.swap(left, replacing=None)

    settle(house.engine, index)

    assert not indices(house)[left].whole
    assert indices(house)[left].mark == 0


def test_an_index_of_another_version_is_not_written_to(house: World, index: IndexEngine) -> None:
    house.load(people(2))
    with other_version(house, more={"shoe_size": {"type": "integer"}}) as later:
        rebuild(house.engine, later, house.settings, quiet)

    with pytest.raises(SearchUnavailableError) as raised:
        ensure_index(house.engine, index, house.settings)

    assert "indexer rebuild" in raised.value.detail


def test_a_belief_from_before_a_swap_never_replaces_one_from_after_it(
    house: World, index: IndexEngine
) -> None:
    house.load(people(3))
    first = rebuild(house.engine, index, house.settings, quiet).index
    with house.engine.begin() as connection:
        # So that there is something to note, and the slow one comes as far as the lock.
        connection.execute(sa.delete(search_index))
    asked, go_on = threading.Event(), threading.Event()

    def slow() -> str | None:
        name = index.current_index()
        if not asked.is_set():
            asked.set()
            assert go_on.wait(60)
        return name

    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(settle, house.engine, disturbed(index, current_index=slow))
        assert asked.wait(60)
        second = rebuild(house.engine, index, house.settings, quiet).index
        go_on.set()
        assert late.result(60) == second

    assert states(house) == {second: "current", first: "previous"}


def test_many_who_settle_at_once_queue_what_is_missing_once(house: World, index: IndexEngine) -> None:
    house.load(people(4))
    first = rebuild(house.engine, index, house.settings, quiet).index
    second = rebuild(house.engine, index, house.settings, quiet).index
    house.load(people(4, "Lind"))
    publish(house.engine, index, house.settings, quiet)
    index.swap(first, replacing=second)

    with ThreadPoolExecutor(4) as pool:
        settled = list(pool.map(lambda _: settle(house.engine, index), range(4)))

    assert settled == [first] * 4
    assert house.count(t.outbox) == 4


def test_what_another_index_needs_that_came_into_use_right_after_the_swap_is_not_forgotten(
    house: World, index: IndexEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.load(people(3))
    first = rebuild(house.engine, index, house.settings, quiet).index
    house.load(people(3, "Lind"))
    windows = search_indices.windows

    def move_back(connection: sa.Connection) -> Iterator[tuple[int, int]]:
        index.swap(first, replacing=index.current_index())
        settle(house.engine, index)
        return windows(connection)

    monkeypatch.setattr(search_indices, "windows", move_back)
    rebuild(house.engine, index, house.settings, quiet)

    assert index.current_index() == first
    publish(house.engine, index, house.settings, quiet)
    assert found(index, "Berta Lind") == 1
    assert not compared(house, index).differs


def test_the_index_in_use_is_credited_with_all_but_what_waits(house: World, index: IndexEngine) -> None:
    house.load(people(2))
    rebuild(house.engine, index, house.settings, quiet)
    with house.engine.connect() as connection:
        before = search_indices.confirmed_below(connection)
        assert before == current(connection)
    house.load(people(2, "Lind"))
    with house.engine.connect() as connection:
        lowest = connection.scalar(sa.select(sa.func.min(t.practitioner.c.version)))
        assert search_indices.confirmed_below(connection) == lowest >= before
    publish(house.engine, index, house.settings, quiet)
    with house.engine.connect() as connection:
        assert search_indices.confirmed_below(connection) == current(connection) > before


def test_a_change_whose_transaction_is_open_during_all_of_a_rebuild_is_not_lost(
    mixed_house: World,
) -> None:
    house, index = mixed_house, index_of(mixed_house)
    house.load(people(3))
    person = t.practitioner
    with house.engine.begin() as late:
        (version,) = allocate(late, 1)
        number = late.scalar(sa.select(sa.func.min(person.c.id)))
        late.execute(sa.update(person).where(person.c.id == number).values(version=version, protected=True))
        late.execute(sa.insert(t.outbox).values(practitioner_id=number, created_at=datetime.now(UTC)))
        result = rebuild(house.engine, index, house.settings, quiet)

    assert result.documents == 3
    assert house.count(t.outbox) == 1
    publish(house.engine, index, house.settings, quiet)
    assert index.count() == 2
    assert not compared(house, index).differs
    index.close()


def test_only_one_index_is_current_whatever_is_recorded(house: World) -> None:
    for number in range(3):
        with writing(house.engine).begin() as connection:
            search_indices.put_in_use(connection, f"index-{number}", datetime.now(UTC))

    assert sorted(states(house).items()) == [
        ("index-0", "previous"),
        ("index-1", "previous"),
        ("index-2", "current"),
    ]
    with house.engine.connect() as connection:
        assert search_indices.in_use(connection) == "index-2"
        # The last to have changed its state comes first: that is the one to go back to.
        assert list(search_indices.known(connection))[-1] == "index-0"
