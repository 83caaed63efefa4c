"""The outbox as a queue: ids that tell one change from every other, and claims by state."""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from registry import migrate
from registry.database import writing
from registry.records import outbox
from registry.records import tables as t
from tests.support.world import World

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


def put(world: World, *rows: dict[str, object]) -> None:
    with writing(world.engine).begin() as connection:
        for row in rows:
            connection.execute(sa.insert(t.outbox).values(created_at=NOW, **row))


def ids(world: World) -> list[int]:
    with world.engine.connect() as connection:
        return list(connection.scalars(sa.select(t.outbox.c.id).order_by(t.outbox.c.id)))


def test_an_id_is_never_used_twice(world: World) -> None:
    """Or a publisher would take out of the queue what came in while it was sending something else."""
    seen: list[int] = []
    for _ in range(3):
        put(world, {"practitioner_id": 1})
        seen += ids(world)
        with writing(world.engine).begin() as connection:
            outbox.done(connection, ids(world))
    assert len(set(seen)) == 3
    assert seen == sorted(seen)


def test_an_id_is_not_used_twice_either_after_the_schema_went_back_and_forth(small_world: World) -> None:
    small_world.engine.dispose()
    migrate.downgrade(small_world.settings, "0001")
    migrate.upgrade(small_world.settings)
    test_an_id_is_never_used_twice(small_world)


def test_claims_are_of_what_is_due_in_the_order_of_ids(world: World) -> None:
    put(
        world,
        {"practitioner_id": 1, "not_before": NOW + timedelta(seconds=1)},
        {"practitioner_id": 2, "dead": True},
        {"practitioner_id": 3, "not_before": NOW, "attempts": 2},
        {"practitioner_id": 4, "fresh": True},
        {"practitioner_id": 0, "document_key": 8},
    )
    numbers = ids(world)
    with world.engine.begin() as connection:
        found = outbox.claim(connection, 10, NOW)
        assert found == [
            outbox.Entry(numbers[2], 3, 2),
            outbox.Entry(numbers[3], 4, 0, fresh=True),
            outbox.Entry(numbers[4], 0, 0, document_key=8),
        ]
        assert outbox.claim(connection, 1, NOW) == found[:1]
        assert outbox.claim(connection, 10, NOW, after=numbers[2]) == found[1:]
        assert outbox.is_due(connection, NOW)


def test_what_was_removed_meanwhile_is_put_back_and_nothing_else(world: World) -> None:
    put(world, {"practitioner_id": 1}, {"practitioner_id": 2}, {"practitioner_id": 0, "document_key": 8})
    with world.engine.begin() as connection:
        entries = outbox.claim(connection, 10, NOW)
    with writing(world.engine).begin() as connection:
        outbox.done(connection, [entries[1].id, entries[2].id])
        outbox.put_back(connection, entries, NOW)
    with world.engine.connect() as connection:
        rows = connection.execute(
            sa.select(t.outbox.c.practitioner_id, t.outbox.c.document_key).order_by(t.outbox.c.id)
        )
        assert [tuple(row) for row in rows] == [(1, None), (2, None), (0, 8)]


def test_how_far_the_index_lags_behind_is_told(world: World) -> None:
    put(world, {"practitioner_id": 1}, {"practitioner_id": 2, "dead": True})
    with world.engine.connect() as connection:
        told = outbox.waiting(connection, NOW + timedelta(seconds=90))
    assert told == outbox.Waiting(1, 90.0, 1)
