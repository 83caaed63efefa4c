"""What the index should hold, told by SQL alone: the other side of every count and comparison."""

from collections.abc import Iterator

import sqlalchemy as sa

from registry.records import tables as t

_STREAMED = 10_000


def _keys() -> sa.CompoundSelect[tuple[int, int]]:
    """Select key and version of every document (see `registry.search.document`): licences that stand, and people without."""
    person, licence = t.practitioner, t.licence
    # A person who was merged into another has nothing left to be found by.
    shown = ~person.c.protected & person.c.merged_into_id.is_(None)
    licences = (
        sa.select((licence.c.id * 2).label("key"), person.c.version)
        .join(person, person.c.id == licence.c.practitioner_id)
        .where(shown & licence.c.gone_run_id.is_(None))
    )
    standing = sa.exists().where((licence.c.practitioner_id == person.c.id) & licence.c.gone_run_id.is_(None))
    alone = sa.select((person.c.id * 2 + 1).label("key"), person.c.version).where(shown & ~standing)
    return licences.union_all(alone)


def expected_count(connection: sa.Connection) -> int:
    """Return how many documents the index should hold."""
    return connection.scalar(sa.select(sa.func.count()).select_from(_keys().subquery())) or 0


def expected(connection: sa.Connection) -> Iterator[tuple[int, int]]:
    """Yield (key, version) of every document the index should hold, by key, in flat memory."""
    keys = _keys().subquery()
    statement = sa.select(keys.c.key, keys.c.version).order_by(keys.c.key)
    for row in connection.execution_options(yield_per=_STREAMED).execute(statement):
        yield row.key, row.version
