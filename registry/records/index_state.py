"""How the search index stands against SQL truth, as far as SQL can tell: the one reader for operators, probes and metrics.

Everything here costs milliseconds, whatever the size of the register; only the outbox is counted, which is long
right after a large load. What costs more is in `registry.records.expected`. What the engine has to say of itself is
put beside it in `registry.search.freshness`.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.dialects.sqlite.base import SQLiteDialect

from registry.database import fetch
from registry.records import outbox
from registry.records import tables as t
from registry.records.index_tables import index_comparison, search_index
from registry.records.outbox import Waiting
from registry.records.read import as_utc


@dataclass(frozen=True, slots=True)
class InUse:
    """The index in use, as SQL recorded it. Times are UTC.

    Attributes:
        documents: how many it held when it was found whole; None: it never was, and may lack anything.
    """

    name: str
    since: datetime
    documents: int | None


@dataclass(frozen=True, slots=True)
class Build:
    """An index that is being built, or that a rebuild which died left unfinished.

    Attributes:
        progress_at: when its rebuild last recorded that it had got on.
        share: how much of it is filled, 0 to 1, by the ids of the people: an estimate.
    """

    name: str
    since: datetime
    progress_at: datetime
    share: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """How the last comparison of the index in use with SQL ended.

    Attributes:
        at: when it ended.
        expected: documents that there should have been.
        missing, extra, stale: documents that differed.
        repaired: how many of them were put in the outbox, to be published again.
    """

    at: datetime
    duration_s: float
    expected: int
    missing: int
    extra: int
    stale: int
    repaired: int

    @property
    def open(self) -> int:
        """How many differences were found and not repaired."""
        return max(0, self.missing + self.extra + self.stale - self.repaired)


@dataclass(frozen=True, slots=True)
class IndexState:
    """What SQL knows of the search index at one moment.

    Attributes:
        in_use: None: no index has been recorded yet.
        previous: the index to which `indexer rebuild --back` would go back.
        comparison: None: the index in use has not been compared yet.
    """

    waiting: Waiting
    in_use: InUse | None
    previous: str | None
    building: Build | None
    comparison: Comparison | None


def read_state(connection: sa.Connection, now: datetime, *, index: str | None = None) -> IndexState:
    """Read how the index stands.

    Args:
        now: to tell ages by.
        index: the one in use by the engine's word, of which the last comparison is told; None: by SQL's own.
    """
    rows = {row.state: row for row in connection.execute(_NEWEST)}
    in_use = _in_use(rows["current"]) if "current" in rows else None
    compared = index or (in_use.name if in_use else None)
    return IndexState(
        waiting=outbox.waiting(connection, now),
        in_use=in_use,
        previous=rows["previous"].name if "previous" in rows else None,
        building=_build(connection, rows["building"]) if "building" in rows else None,
        comparison=_comparison(connection, compared) if compared else None,
    )


# Rows of one state replace each other in the dictionary above: the last to come into it stays.
_NEWEST = sa.select(search_index).order_by(search_index.c.created_at, search_index.c.name)


def _in_use(row: sa.Row[Any]) -> InUse:
    return InUse(row.name, as_utc(row.changed_at), row.documents)


def _build(connection: sa.Connection, row: sa.Row[Any]) -> Build:
    person = t.practitioner.c.id
    lowest, highest = (sa.select(extreme(person)).scalar_subquery() for extreme in (sa.func.min, sa.func.max))
    first, last = connection.execute(sa.select(lowest, highest)).one()
    share = 1.0 if first is None else (row.filled_to - first + 1) / (last - first + 1)
    return Build(row.name, as_utc(row.created_at), as_utc(row.changed_at), min(1.0, max(0.0, share)))


def _comparison(connection: sa.Connection, name: str) -> Comparison | None:
    table = index_comparison
    newest = sa.select(table).where(table.c.index_name == name).order_by(table.c.id.desc()).limit(1)
    row = connection.execute(newest).first()
    if row is None:
        return None
    began, ended = as_utc(row.started_at), as_utc(row.finished_at)
    return Comparison(
        at=ended,
        duration_s=(ended - began).total_seconds(),
        expected=row.expected,
        missing=row.missing,
        extra=row.extra,
        stale=row.stale,
        repaired=row.repaired,
    )


def oldest_pending_at(connection: sa.Connection) -> datetime | None:
    """Return when the oldest change that is not in the index yet was made (UTC); None = nothing waits.

    Cheap enough to tell with every answer: rows are made in the order of their ids, so the first that waits is the
    oldest; unlike a count, finding it does not read the whole outbox after a large load.
    """
    found = fetch(connection, _oldest(connection.dialect.name), ())
    if not found:
        return None
    oldest = found[0][0]
    # SQLite's own form of a time is text.
    return as_utc(datetime.fromisoformat(oldest) if isinstance(oldest, str) else oldest)


@cache
def _oldest(dialect: str) -> str:
    """Return the statement, which is asked with every list."""
    oldest = sa.select(t.outbox.c.created_at).where(~t.outbox.c.dead).order_by(t.outbox.c.id).limit(1)
    made: sa.Dialect = PGDialect() if dialect == "postgresql" else SQLiteDialect()  # type: ignore[no-untyped-call]  # SQLAlchemy's
    return str(oldest.compile(dialect=made, compile_kwargs={"literal_binds": True}))
