"""What the index should hold, told by SQL alone: the other side of every count and comparison.

The sums of ranges are made by the database, with the arithmetic of `registry.search.checksum` and only operations that
SQLite and PostgreSQL do alike; nothing but a row for each range leaves it.
"""

import heapq
from collections.abc import Collection, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from registry.records import bulk
from registry.records import tables as t
from registry.records.expected import SHOWN, THEIRS
from registry.search.checksum import FACTOR, PRIME
from registry.search.port import Bucket

_STREAMED = 10_000
_PERSON, _LICENCE = t.practitioner.c, t.licence.c
_STANDING = sa.exists().where(THEIRS)
# Keys as `registry.search.document` makes them.
_LICENCE_KEY, _PERSON_KEY = _LICENCE.id * 2, _PERSON.id * 2 + 1

Keys = sa.Select[int, int]


@dataclass(frozen=True, slots=True)
class State:
    """What SQL says about one document.

    Attributes:
        practitioner_id: whose it is or was; None if SQL knows neither such a licence nor such a person.
        version: the one it should have, 0 if SQL knows nothing of it.
        wanted: whether the index should hold it.
        waiting: a change of it is in the outbox and not given up.
    """

    practitioner_id: int | None
    version: int
    wanted: bool
    waiting: bool


@contextmanager
def snapshot(engine: Engine) -> Iterator[sa.Connection]:
    """Open SQL truth so that all that is read from it is as of one moment."""
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        yield connection


def _documents() -> tuple[Keys, Keys]:
    """Select key and version of every document: licences that stand, and people without any."""
    licences = (
        sa.select(_LICENCE_KEY.label("key"), _PERSON.version)
        .join_from(t.licence, t.practitioner, _PERSON.id == _LICENCE.practitioner_id)
        .where(SHOWN & _LICENCE.gone_run_id.is_(None))
    )
    return licences, sa.select(_PERSON_KEY.label("key"), _PERSON.version).where(SHOWN & ~_STANDING)


def expected(
    connection: sa.Connection, low: int | None = None, high: int | None = None
) -> Generator[tuple[int, int], None, None]:
    """Yield (key, version) of every document that the index should hold, by key, in flat memory.

    Args:
        connection: see `snapshot`; close the iterator before it.
        low: smallest key.
        high: largest key.
    """
    licences, people = _documents()
    ids = (_LICENCE.id, _PERSON.id)
    streams = []
    for statement, column, odd in zip((licences, people), ids, (0, 1), strict=True):
        bounded = statement
        # Bounds on the id, which has an index, not on the key that is made of it.
        if low is not None:
            bounded = bounded.where(column >= -((odd - low) // 2))
        if high is not None:
            bounded = bounded.where(column <= (high - odd) // 2)
        streams.append(_stream(connection, bounded.order_by(column)))
    # Merged here: sorted there, a large register would go through the database's memory or disk.
    with closing(streams[0]), closing(streams[1]):
        yield from heapq.merge(*streams)


def _stream(connection: sa.Connection, statement: Keys) -> Generator[tuple[int, int], None, None]:
    with connection.execute(statement, execution_options={"yield_per": _STREAMED}) as rows:
        for key, version in rows:  # noqa: UP028 - plain tuples: rows are slow to compare
            yield key, version


def last_key(connection: sa.Connection) -> int:
    """Return a key that no document has a larger one than."""
    licence, person = (sa.select(sa.func.max(each)).scalar_subquery() for each in (_LICENCE.id, _PERSON.id))
    row = connection.execute(sa.select(licence, person)).one()
    return max((row[0] or 0) * 2, (row[1] or 0) * 2 + 1)


def sums(connection: sa.Connection, width: int) -> dict[int, Bucket]:
    """Add up what the index should hold in ranges of `width` keys, as `IndexEngine.buckets` does what it holds."""
    # Two aggregations and no union under one: the database may share each out to several processes.
    both = sa.union_all(*(_summed(each, width) for each in _documents()))
    found: dict[int, Bucket] = {}
    for number, count, checks, versions in connection.execute(both):
        known = found.get(number, Bucket(0, 0, 0))
        # PostgreSQL adds large numbers up to a decimal.
        found[number] = Bucket(
            known.count + count, known.checks + int(checks), known.versions + int(versions)
        )
    return found


def _summed(documents: Keys, width: int) -> sa.Select[int, int, int, int]:
    keyed = documents.subquery().c
    mixed = sa.select(
        (keyed.key // width).label("number"),
        keyed.version,
        ((keyed.key % PRIME * FACTOR + keyed.version % PRIME) % PRIME).label("mixed"),
    ).subquery()
    one = mixed.c
    return sa.select(
        one.number,
        sa.func.count(),
        sa.func.sum(one.mixed * one.mixed % PRIME),
        sa.func.sum(one.version),
    ).group_by(one.number)


def states(connection: sa.Connection, keys: Collection[int]) -> dict[int, State]:
    """Return what SQL says about documents, by key; in a `snapshot`, all of it as of one moment."""
    found = {}
    for statement in (_licence_states(connection, keys), _person_states(connection, keys)):
        for row in connection.execute(statement):
            found[row.key] = State(row.practitioner_id, row.version, bool(row.wanted), bool(row.waiting))
    unknown = [key for key in keys if key not in found]
    if unknown:
        outbox = t.outbox.c
        queued = sa.select(outbox.document_key).where(
            (outbox.practitioner_id == 0)
            & ~outbox.dead
            & outbox.document_key.in_(bulk.ids(connection, unknown))
        )
        waiting = set(connection.scalars(queued))
        found.update({key: State(None, 0, wanted=False, waiting=key in waiting) for key in unknown})
    return found


def _licence_states(connection: sa.Connection, keys: Collection[int]) -> sa.Select[int, int, int, bool, bool]:
    return (
        _state(_LICENCE_KEY, SHOWN & _LICENCE.gone_run_id.is_(None))
        .join_from(t.licence, t.practitioner, _PERSON.id == _LICENCE.practitioner_id)
        .where(_LICENCE.id.in_(bulk.ids(connection, [key // 2 for key in keys if key % 2 == 0])))
    )


def _person_states(connection: sa.Connection, keys: Collection[int]) -> sa.Select[int, int, int, bool, bool]:
    return _state(_PERSON_KEY, SHOWN & ~_STANDING).where(
        _PERSON.id.in_(bulk.ids(connection, [key // 2 for key in keys if key % 2]))
    )


def _state(
    key: sa.ColumnElement[int], is_wanted: sa.ColumnElement[bool]
) -> sa.Select[int, int, int, bool, bool]:
    waiting = sa.exists().where((t.outbox.c.practitioner_id == _PERSON.id) & ~t.outbox.c.dead)
    return sa.select(
        key.label("key"),
        _PERSON.id.label("practitioner_id"),
        _PERSON.version,
        is_wanted.label("wanted"),
        waiting.label("waiting"),
    )
