"""How the index stands, as SQL tells it: the queue, which index is in use, what is being built, the last comparison."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from registry.database import writing
from registry.records import comparisons, expected, search_indices
from registry.records import tables as t
from registry.records.index_state import Comparison, IndexState, oldest_pending_at, read_state
from registry.records.index_tables import search_index
from tests.support.world import World, licence, person

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def write(world: World, *statements: sa.Executable) -> None:
    with writing(world.engine).begin() as connection:
        for statement in statements:
            connection.execute(statement)


def state(world: World, *, now: datetime = NOW, index: str | None = None) -> IndexState:
    with world.engine.connect() as connection:
        return read_state(connection, now, index=index)


def compared(world: World, name: str, at: datetime, **found: int) -> None:
    row: dict[str, object] = {"index_name": name, "started_at": at - timedelta(seconds=9), "finished_at": at}
    with writing(world.engine).begin() as connection:
        comparisons.record(connection, row | {"expected": 10, **found}, keep=200)


def in_use(world: World, names: Iterable[str]) -> None:
    """Put indices in use one after another, an hour between."""
    for hours, name in enumerate(names):
        with writing(world.engine).begin() as connection:
            search_indices.begun(connection, name, 1, NOW - timedelta(days=1))
            search_indices.note(connection, name, documents=7)
            search_indices.put_in_use(connection, name, NOW + hours * HOUR)


def test_a_new_house_has_nothing_to_tell(world: World) -> None:
    found = state(world)
    assert (found.waiting.count, found.waiting.oldest_s, found.waiting.dead) == (0, None, 0)
    assert (found.in_use, found.previous, found.building, found.comparison) == (None, None, None, None)


def test_what_waits_is_told_with_its_age_and_what_was_given_up(world: World) -> None:
    row = {"practitioner_id": 1, "created_at": NOW}
    write(
        world,
        sa.insert(t.outbox).values(row | {"created_at": NOW - 2 * HOUR, "dead": True}),
        sa.insert(t.outbox).values(row | {"created_at": NOW - HOUR}),
        sa.insert(t.outbox).values(row),
    )
    waiting = state(world).waiting
    assert (waiting.count, waiting.oldest_s, waiting.dead) == (2, 3600, 1)
    with world.engine.connect() as connection:
        assert oldest_pending_at(connection) == NOW - HOUR
    write(world, sa.delete(t.outbox).where(~t.outbox.c.dead))
    with world.engine.connect() as connection:
        assert oldest_pending_at(connection) is None


def test_the_index_in_use_is_told_since_when_and_the_one_before_it(world: World) -> None:
    in_use(world, ("first", "second", "third"))
    found = state(world)
    assert found.in_use is not None
    assert (found.in_use.name, found.in_use.since, found.in_use.documents) == ("third", NOW + 2 * HOUR, 7)
    assert found.previous == "second"


def test_writing_on_the_index_in_use_does_not_make_it_newer(world: World) -> None:
    in_use(world, ("one",))
    with writing(world.engine).begin() as connection:
        search_indices.note(connection, "one", mark=5, filled_to=9)
    found = state(world)
    assert found.in_use is not None
    assert found.in_use.since == NOW


def test_a_build_tells_how_far_it_has_come_and_when_it_last_got_on(world: World) -> None:
    world.load({str(number): person("Ek", f"Liv{number}") for number in range(10)})
    with world.engine.connect() as connection:
        ids = list(connection.scalars(sa.select(t.practitioner.c.id).order_by(t.practitioner.c.id)))
    with writing(world.engine).begin() as connection:
        search_indices.begun(connection, "new", 1, NOW - HOUR)
    begun = state(world).building
    assert begun is not None
    assert (begun.name, begun.since, begun.progress_at, begun.share) == ("new", NOW - HOUR, NOW - HOUR, 0)
    before = datetime.now(UTC)
    shares = []
    for person_id in (ids[0], ids[4], ids[9]):
        with writing(world.engine).begin() as connection:
            search_indices.note(connection, "new", filled_to=person_id)
        building = state(world).building
        assert building is not None
        assert building.since == NOW - HOUR
        assert building.progress_at >= before
        shares.append(building.share)
    assert 0 < shares[0] < shares[1] < shares[2] == 1


def test_a_build_of_nobody_is_complete(world: World) -> None:
    with writing(world.engine).begin() as connection:
        search_indices.begun(connection, "new", 1, NOW)
    building = state(world).building
    assert building is not None
    assert building.share == 1


def test_the_last_comparison_of_the_index_in_use_is_told(world: World) -> None:
    in_use(world, ("old", "new"))
    compared(world, "old", NOW, missing=9)
    assert state(world).comparison is None
    compared(world, "new", NOW, missing=1)
    compared(world, "new", NOW + HOUR, missing=1, extra=2, stale=3, repaired=2)
    compared(world, "old", NOW + 2 * HOUR)
    found = state(world).comparison
    assert found == Comparison(NOW + HOUR, 9, expected=10, missing=1, extra=2, stale=3, repaired=2)
    assert found.open == 4
    # The engine's word on which index is in use goes before SQL's.
    told = state(world, index="old").comparison
    assert told is not None
    assert (told.at, told.open) == (NOW + 2 * HOUR, 0)


@pytest.mark.parametrize(
    ("protected", "gone", "count"),
    [(False, False, 4), (True, False, 2), (False, True, 3), (True, True, 2)],
)
def test_the_documents_that_there_should_be_are_counted(
    world: World, protected: bool, gone: bool, count: int
) -> None:
    """A document for each licence that stands, or one for a person without; none of who is hidden."""
    two = [licence("1"), licence("2")]
    world.load({"a": person("Ek", "Liv", licences=two), "b": person("Alm", "Bo"), "c": person("Ros", "My")})
    changed = person("Ek", "Liv", licences=two[:1] if gone else two, protected=protected)
    world.load({"a": changed}, snapshot=False)
    with world.engine.connect() as connection:
        assert expected.count(connection) == count
    assert world.count(search_index) == 0
