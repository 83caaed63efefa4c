"""The outbox: changes that the search index has not confirmed yet.

Rows are taken by their state, never by a high-water mark of ids: a transaction that commits late has low ids, and is not
skipped (failure F3 of queues). Rows hold ids only; what is sent is read from SQL truth when it is sent.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from registry.records import bulk
from registry.records import tables as t
from registry.records.read import as_utc

_TABLE, _ROW = t.outbox, t.outbox.c
_LONGEST_ERROR = 500
# Between the document's id and the reason in the column `error`.
_PARTED = ": "


@dataclass(frozen=True, slots=True)
class Waiting:
    """How much waits: live rows, the age of the oldest in seconds, and dead letters."""

    count: int
    oldest_s: float | None
    dead: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One change: its row, whom it is about and how often it was tried.

    Attributes:
        fresh: the change made the person; see the table.
        document_key: a document that SQL knew nothing of, to be deleted; practitioner_id is 0 then.
    """

    id: int
    practitioner_id: int
    attempts: int = 0
    fresh: bool = False
    document_key: int | None = None


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A change that was given up: the engine refused a document again and again.

    Attributes:
        practitioner_id: whom it is about; None for a stray document, which is about nobody that SQL knows.
        document: id of the document that was refused, e.g. `l123`.
        reason: why, in the engine's words; never a value of the document.
        tries: how often it was sent.
        since: when the change was made (UTC).
    """

    id: int
    practitioner_id: int | None
    document: str
    reason: str
    tries: int
    since: datetime


def waiting(connection: sa.Connection, now: datetime) -> Waiting:
    """Tell how far the index lags behind."""
    row = connection.execute(sa.select(sa.func.count(), sa.func.min(_ROW.created_at)).where(~_ROW.dead)).one()
    dead = connection.scalar(sa.select(sa.func.count()).select_from(_TABLE).where(_ROW.dead)) or 0
    oldest = (now - as_utc(row[1])).total_seconds() if row[1] else None
    return Waiting(row[0], oldest, dead)


def _is_due(now: datetime) -> sa.ColumnElement[bool]:
    return ~_ROW.dead & (_ROW.not_before.is_(None) | (_ROW.not_before <= now))


def is_due(connection: sa.Connection, now: datetime) -> bool:
    """Tell whether a change waits whose time has come."""
    return connection.scalar(sa.select(_ROW.id).where(_is_due(now)).limit(1)) is not None


def claim(connection: sa.Connection, limit: int, now: datetime, *, after: int = 0) -> list[Entry]:
    """Take the oldest changes that are due; on PostgreSQL no other publisher gets them until the transaction ends.

    Args:
        after: leave out ids up to this one, which the caller has just dealt with: rows that are deleted but not yet
            cleared away by the database need not be walked through once a batch. Begin again from 0 until nothing is found.
    """
    rows = connection.execute(
        sa.select(_ROW.id, _ROW.practitioner_id, _ROW.attempts, _ROW.fresh, _ROW.document_key)
        .where((_ROW.id > after) & _is_due(now))
        .order_by(_ROW.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [Entry(*row) for row in rows]


def done(connection: sa.Connection, ids: Sequence[int]) -> None:
    """Remove changes that the engine has confirmed."""
    if ids:
        connection.execute(sa.delete(_TABLE).where(_ROW.id.in_(bulk.ids(connection, ids))))


def put_back(connection: sa.Connection, entries: Sequence[Entry], now: datetime) -> None:
    """Put changes in again that somebody else has removed from the outbox."""
    there = set(
        connection.scalars(
            sa.select(_ROW.id).where(_ROW.id.in_(bulk.ids(connection, [entry.id for entry in entries])))
        )
    )
    bulk.insert_rows(
        connection,
        _TABLE,
        ("practitioner_id", "created_at", "document_key"),
        [(entry.practitioner_id, now, entry.document_key) for entry in entries if entry.id not in there],
    )


def failed(
    connection: sa.Connection,
    row: int,
    *,
    attempts: int,
    document: str,
    reason: str,
    retry_at: datetime | None,
) -> None:
    """Note a refusal: to be tried again at `retry_at`, or a dead letter when that is None."""
    error = f"{document}{_PARTED}{reason}"[:_LONGEST_ERROR]
    connection.execute(
        sa.update(_TABLE)
        .where(_ROW.id == row)
        .values(attempts=attempts, error=error, not_before=retry_at, dead=retry_at is None)
    )


def dead_letters_of(connection: sa.Connection, people: Collection[int]) -> dict[int, list[int]]:
    """Return the rows of people's dead letters, by practitioner id."""
    found: dict[int, list[int]] = {}
    if people:
        theirs = _ROW.practitioner_id.in_(bulk.ids(connection, people))
        for row in connection.execute(sa.select(_ROW.id, _ROW.practitioner_id).where(_ROW.dead & theirs)):
            found.setdefault(row.practitioner_id, []).append(row.id)
    return found


def dead_letters(connection: sa.Connection, limit: int) -> list[DeadLetter]:
    """Return changes that were given up, the oldest first."""
    rows = connection.execute(sa.select(_TABLE).where(_ROW.dead).order_by(_ROW.id).limit(limit))
    found = []
    for row in rows:
        document, _, reason = row.error.partition(_PARTED)
        person = row.practitioner_id or None
        found.append(DeadLetter(row.id, person, document, reason, row.attempts, as_utc(row.created_at)))
    return found


def revive(connection: sa.Connection, ids: Collection[int] | None = None) -> list[int]:
    """Make dead letters changes that wait, tried as often as new ones; return which.

    Args:
        ids: only these; None: all.
    """
    chosen = _ROW.dead if ids is None else _ROW.dead & _ROW.id.in_(bulk.ids(connection, ids))
    revived = connection.scalars(
        sa.update(_TABLE)
        .where(chosen)
        # Not fresh any more: an earlier try may have brought documents to the index.
        .values(dead=False, attempts=0, not_before=None, fresh=False)
        .returning(_ROW.id)
    )
    return sorted(revived)
