"""The outbox: changes that the search index has not confirmed yet."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from registry.records import bulk
from registry.records import tables as t
from registry.records.read import as_utc


@dataclass(frozen=True, slots=True)
class Waiting:
    """How much waits: live rows, the age of the oldest in seconds, and dead letters."""

    count: int
    oldest_s: float | None
    dead: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One change: its row, whom it is about and how often it was tried."""

    id: int
    practitioner_id: int
    attempts: int


def waiting(connection: sa.Connection, now: datetime) -> Waiting:
    """Tell how far the index lags behind."""
    table = t.outbox
    row = connection.execute(
        sa.select(sa.func.count(), sa.func.min(table.c.created_at)).where(~table.c.dead)
    ).one()
    dead = connection.scalar(sa.select(sa.func.count()).select_from(table).where(table.c.dead)) or 0
    oldest = (now - as_utc(row[1])).total_seconds() if row[1] else None
    return Waiting(row[0], oldest, dead)


def claim(connection: sa.Connection, limit: int, now: datetime) -> list[Entry]:
    """Take the oldest changes that are due; on PostgreSQL no other publisher gets them until the transaction ends.

    Taken by state, never by a high-water mark of ids: a transaction that commits late is not skipped (failure F3).
    """
    table = t.outbox
    due = ~table.c.dead & (table.c.not_before.is_(None) | (table.c.not_before <= now))
    rows = connection.execute(
        sa.select(table.c.id, table.c.practitioner_id, table.c.attempts)
        .where(due)
        .order_by(table.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [Entry(row.id, row.practitioner_id, row.attempts) for row in rows]


def done(connection: sa.Connection, ids: list[int]) -> None:
    """Remove changes that the engine has confirmed."""
    if ids:
        connection.execute(sa.delete(t.outbox).where(t.outbox.c.id.in_(bulk.ids(connection, ids))))


def failed(connection: sa.Connection, entry: Entry, error: str, *, retry_at: datetime | None) -> None:
    """Note a failure: to be tried again at `retry_at`, or a dead letter when that is None."""
    connection.execute(
        sa.update(t.outbox)
        .where(t.outbox.c.id == entry.id)
        .values(attempts=entry.attempts + 1, error=error[:500], not_before=retry_at, dead=retry_at is None)
    )
