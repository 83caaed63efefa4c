"""Receipts: what each run did, and every row that it could not take in. By run, never by a window of time.

Nothing here says a personal identity number: the loader keeps none in these tables, and all that came from a feed is masked
once more on its way out.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from registry.identifiers import mask_personal_numbers
from registry.records import tables as t
from registry.records.read import as_utc

# Reasons told in a receipt, the commonest first; the rest are in the rows.
MAX_REASONS = 50
# Ids are drawn from a 64-bit counter; a larger number is none, and no value for a database.
MAX_RUN = 2**63 - 1
# Rows fetched at a time; a run may have put a million aside.
_STREAMED = 1000
# What a keyed digest looks like: the key of a record whose feed has no other than a personal identity number.
_DIGEST = re.compile(r"[0-9a-f]{64}\Z")
_RUN, _ROW, _HELD = t.feed_run, t.quarantined_record, t.held_change


@dataclass(frozen=True, slots=True)
class RunCounts:
    """What a run did, in source records.

    Attributes:
        read: rows read; quarantined: of these, put aside as unreadable or contradicting.
        removals_withheld, changes_withheld: put aside because the run was held.
        test_people: refused because nobody real is meant.
        skipped: could not be approved or undone, because the record has changed since.
    """

    read: int
    added: int
    changed: int
    unchanged: int
    removed: int
    removals_withheld: int
    changes_withheld: int
    quarantined: int
    duplicates: int
    test_people: int
    skipped: int


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a feed. Times are UTC.

    Attributes:
        kind: pull, approve, rollback, renormalize, unjoin or rejoin.
        state: running, succeeded, unchanged, held, failed or abandoned.
        stamp: the feed's own "as of".
        digest: of the content that was read, in the transport's own form; "" where nothing was.
        complete: the whole register was read, so that absence meant something; None = not known.
        notes: what the transport had to say beside, e.g. that a file came too late.
        of_run: the run that this one approves or takes back.
        undone_by: the run that took this one back.
    """

    id: int
    feed_id: str
    kind: str
    state: str
    started_at: datetime
    finished_at: datetime | None
    stamp: str | None
    source_name: str
    digest: str
    complete: bool | None
    error: str
    held_reason: str
    notes: tuple[str, ...]
    of_run: int | None
    undone_by: int | None
    counts: RunCounts

    @property
    def duration_s(self) -> float | None:
        """Seconds from beginning to end; None while it runs."""
        return (self.finished_at - self.started_at).total_seconds() if self.finished_at else None


@dataclass(frozen=True, slots=True)
class Quarantined:
    """How many rows were put aside for one reason."""

    kind: str
    field: str
    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """A run with what it could not take in.

    Attributes:
        quarantined: rows by reason, the commonest first, at most MAX_REASONS.
        waiting: changes that this run put aside and nobody has decided on, by kind (removal, change, conflict, unreadable).
    """

    run: Run
    quarantined: tuple[Quarantined, ...]
    waiting: dict[str, int]


@dataclass(frozen=True, slots=True)
class RowError:
    """One row that a run did not take in.

    Attributes:
        row: which record of the feed, from 1; 0 = not of a row.
        key: the record's key; "" where there is none or it may not be shown.
        kind: unreadable, conflict or test-person.
        echo: enough of the row to find it.
    """

    row: int
    key: str
    field: str
    kind: str
    reason: str
    echo: str


def runs(
    connection: sa.Connection,
    feed_id: str | None = None,
    *,
    limit: int = 20,
    before: int | None = None,
    offset: int = 0,
) -> list[Run]:
    """Read runs, the newest first.

    Args:
        connection: to SQL truth.
        feed_id: of one feed only.
        limit: the most to give.
        before: only runs older than this one.
        offset: runs to leave out at the start.
    """
    query = sa.select(_RUN).where(*_of(feed_id)).order_by(_RUN.c.id.desc()).limit(limit).offset(offset)
    if before is not None:
        query = query.where(_RUN.c.id < before)
    return [_run(row) for row in connection.execute(query)]


def count_runs(connection: sa.Connection, feed_id: str | None = None) -> int:
    """Return how many runs there are, of one feed or of all."""
    return connection.scalar(sa.select(sa.func.count()).select_from(_RUN).where(*_of(feed_id))) or 0


def receipt(connection: sa.Connection, run_id: int) -> Receipt | None:
    """Read the receipt of a run; None when there is no such run."""
    row = connection.execute(sa.select(_RUN).where(_RUN.c.id == run_id)).first()
    if row is None:
        return None
    return Receipt(_run(row), tuple(_reasons(connection, run_id)), _waiting(connection, run_id))


def errors(connection: sa.Connection, run_id: int, *, limit: int | None = None) -> Iterator[RowError]:
    """Give every row that a run did not take in, in the order in which they were met, in flat memory."""
    query = sa.select(_ROW).where(_ROW.c.run_id == run_id).order_by(_ROW.c.id).limit(limit)
    for row in connection.execute(query.execution_options(yield_per=_STREAMED)):
        yield RowError(
            row=row.row_number,
            key=_key(row.key),
            field=mask_personal_numbers(row.field),
            kind=row.kind,
            reason=mask_personal_numbers(row.reason),
            echo=mask_personal_numbers(row.echo),
        )


def _of(feed_id: str | None) -> Sequence[sa.ColumnElement[bool]]:
    return () if feed_id is None else (_RUN.c.feed_id == feed_id,)


def _key(key: str) -> str:
    return "" if _DIGEST.match(key) else mask_personal_numbers(key)


def _reasons(connection: sa.Connection, run_id: int) -> Iterator[Quarantined]:
    number = sa.func.count().label("number")
    grouped = (_ROW.c.kind, _ROW.c.field, _ROW.c.reason)
    rows = connection.execute(
        sa.select(*grouped, number)
        .where(_ROW.c.run_id == run_id)
        .group_by(*grouped)
        .order_by(number.desc(), *grouped)
        .limit(MAX_REASONS)
    )
    for row in rows:
        yield Quarantined(
            row.kind, mask_personal_numbers(row.field), mask_personal_numbers(row.reason), row.number
        )


def _waiting(connection: sa.Connection, run_id: int) -> dict[str, int]:
    rows = connection.execute(
        sa.select(_HELD.c.kind, sa.func.count().label("number"))
        .where(_HELD.c.run_id == run_id)
        .group_by(_HELD.c.kind)
        .order_by(_HELD.c.kind)
    )
    return {row.kind: row.number for row in rows}


def _run(row: sa.Row[Any]) -> Run:
    return Run(
        id=row.id,
        feed_id=row.feed_id,
        kind=row.kind,
        state=row.state,
        started_at=as_utc(row.started_at),
        finished_at=as_utc(row.finished_at) if row.finished_at else None,
        stamp=row.stamp,
        source_name=mask_personal_numbers(row.source_name),
        digest=row.content_digest,
        complete=row.complete,
        error=mask_personal_numbers(row.error),
        held_reason=row.held_reason,
        notes=tuple(mask_personal_numbers(row.notes).splitlines()),
        of_run=row.of_run_id,
        undone_by=row.undone_run_id,
        counts=RunCounts(
            read=row.records_read,
            added=row.records_added,
            changed=row.records_changed,
            unchanged=row.records_unchanged,
            removed=row.records_removed,
            removals_withheld=row.removals_withheld,
            changes_withheld=row.changes_withheld,
            quarantined=row.records_quarantined,
            duplicates=row.duplicates,
            test_people=row.test_people,
            skipped=row.skipped,
        ),
    )
