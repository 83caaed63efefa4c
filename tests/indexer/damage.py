"""Damage to an index, done behind the back of SQL truth, and what is right, for tests of comparisons."""

from collections.abc import Iterable

import msgspec
import sqlalchemy as sa

from indexer.compare import Compared, compare
from indexer.projection import operations_of
from indexer.publish import publish
from registry.database import writing
from registry.records import tables as t
from registry.records.allocate import allocate
from registry.records.facts import PersonFacts
from registry.records.index_tables import index_comparison
from registry.search import IndexEngine
from registry.search.document import Operation, licence_key
from registry.settings import Settings
from tests.support.publishing import quiet
from tests.support.world import World

BODY = {"practitioner_id": 10**9, "siblings": False, "name_order": "x"}
# A licence that no register has.
ALIEN = licence_key(10**9)


def hasty(world: World, **values: int) -> Settings:
    """Settings with short pauses between two looks, and other values of section `[index]`."""
    short = msgspec.structs.replace(world.settings.index, compare_pause_s=0.05, **values)
    return msgspec.structs.replace(world.settings, index=short)


def filled(world: World, engine: IndexEngine, people: dict[str, PersonFacts]) -> dict[int, Operation]:
    """Load and publish people; return what is right."""
    world.load(people)
    publish(world.engine, engine, world.settings, quiet)
    return truth(world)


def truth(world: World) -> dict[int, Operation]:
    """What the index should hold, made from SQL by the publisher's own way."""
    with world.engine.connect() as connection:
        ids = list(connection.scalars(sa.select(t.practitioner.c.id)))
        found = operations_of(connection, ids)
    return {one.key: one for operations in found.values() for one in operations if one.body is not None}


def in_index(engine: IndexEngine) -> dict[int, tuple[int, object]]:
    """What the index holds: version and content by key."""
    engine.refresh()
    keys = [int(identity[1:]) * 2 + (identity[0] == "p") for identity, _ in engine.scan()]
    return {key: (body["version"], body) for key, body in engine.stored(keys).items()}


def is_right(world: World, engine: IndexEngine) -> bool:
    """Tell whether the index holds exactly what SQL says, found out without any comparing of the indexer's own."""
    wanted = {key: (one.version, one.stored) for key, one in truth(world).items()}
    return in_index(engine) == wanted


def look(
    world: World,
    engine: IndexEngine,
    *,
    repair: bool = False,
    full: bool = False,
    settings: Settings | None = None,
) -> Compared:
    """Compare with short pauses."""
    chosen = settings or hasty(world)
    return compare(world.engine, engine, chosen, quiet, repair=repair, full=full)


def counts(found: Compared) -> tuple[int, int, int]:
    """Missing, extra and stale."""
    return found.missing, found.extra, found.stale


def mended(world: World, engine: IndexEngine) -> Compared:
    """Repair, publish and compare again: return what is left."""
    look(world, engine, repair=True)
    publish(world.engine, engine, world.settings, quiet)
    return look(world, engine, full=True)


def lose(engine: IndexEngine, *documents: Operation, ahead: int = 0) -> None:
    """Make the index lose documents; a deletion with that much of a higher version stands in their place."""
    engine.bulk([Operation(one.key, one.version + ahead, None) for one in documents])


def invent(engine: IndexEngine, *keys: int, version: int = 1) -> None:
    """Put documents in the index that nobody has made."""
    engine.bulk([Operation(key, version, BODY) for key in keys])


def move_on(world: World, ids: Iterable[int]) -> None:
    """Give people new versions without a word to the outbox."""
    people = sorted(set(ids))
    with writing(world.engine).begin() as connection:
        for person, version in zip(people, allocate(connection, len(people)), strict=True):
            connection.execute(
                sa.update(t.practitioner).where(t.practitioner.c.id == person).values(version=version)
            )


def owner(world: World, key: int) -> int:
    """The practitioner whose licence's document this is."""
    with world.engine.connect() as connection:
        found = connection.scalar(sa.select(t.licence.c.practitioner_id).where(t.licence.c.id == key // 2))
    assert found is not None
    return int(found)


def recorded(world: World) -> list[tuple[int, int, int, int, int]]:
    """The comparisons on record, the oldest first: expected, missing, extra, stale, repaired."""
    row = index_comparison.c
    with world.engine.connect() as connection:
        rows = connection.execute(
            sa.select(row.expected, row.missing, row.extra, row.stale, row.repaired).order_by(row.id)
        )
        return [tuple(one) for one in rows]
