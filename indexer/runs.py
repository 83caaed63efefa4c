"""Runs: what was done with a feed, when, and how it ended. Every row of the truth names the run it came from."""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from indexer.feeds import Previous
from indexer.load import Counts
from registry.database import writing
from registry.errors import NotFoundError
from registry.records import tables as t
from registry.records.allocate import allocate

_RUN = t.feed_run
GOOD = ("succeeded", "unchanged", "held")
# What a pull may count on later: not what has been rolled back.
_STANDS = _RUN.c.state.in_(GOOD) & (_RUN.c.kind == "pull") & _RUN.c.undone_run_id.is_(None)


def start(connection: sa.Connection, feed_id: str, kind: str = "pull", *, of: int | None = None) -> int:
    """Open a run. Whoever left one of this kind open is dead: the lock of the feed is ours."""
    open_ones = (_RUN.c.feed_id == feed_id) & (_RUN.c.state == "running") & (_RUN.c.kind == kind)
    connection.execute(
        sa.update(_RUN)
        .where(open_ones)
        .values(state="abandoned", error="the process ended before the run did; nothing of it was kept")
    )
    run_id = allocate(connection, 1)[0]
    connection.execute(
        sa.insert(_RUN).values(
            id=run_id, feed_id=feed_id, kind=kind, of_run_id=of, started_at=datetime.now(UTC), state="running"
        )
    )
    return run_id


def close(connection: sa.Connection, run_id: int, state: str, counts: Counts, **rest: object) -> None:
    """Write how a run ended, in the transaction of what it did; one that somebody has given up as dead stays so."""
    values = {
        "state": state,
        "finished_at": datetime.now(UTC),
        "records_read": counts.read,
        "records_added": counts.added,
        "records_changed": counts.changed + counts.reread,
        "records_unchanged": counts.unchanged + counts.immaterial,
        "records_removed": counts.removed,
        "removals_withheld": counts.withheld,
        "changes_withheld": counts.changes_withheld,
        "records_quarantined": counts.quarantined,
        "duplicates": counts.duplicates,
        "test_people": counts.test_people,
        "skipped": counts.skipped,
    }
    still = (_RUN.c.id == run_id) & (_RUN.c.state == "running")
    connection.execute(sa.update(_RUN).where(still).values(values | rest))


def fail(engine: Engine, run_id: int, error: str, counts: Counts | None = None) -> None:
    """Write that a run failed: nothing of it was kept."""
    with writing(engine).begin() as connection:
        close(connection, run_id, "failed", counts or Counts(), error=error)


def get(connection: sa.Connection, run_id: int) -> Any:  # noqa: ANN401 - a row of feed_run
    """Read a run.

    Raises:
        NotFoundError: no such run.
    """
    row = connection.execute(sa.select(_RUN).where(_RUN.c.id == run_id)).first()
    if row is None:
        raise NotFoundError(f"There is no run {run_id}. `indexer runs` lists them.")
    return row


def previous(connection: sa.Connection, feed_id: str) -> Previous | None:
    """Return what the last good pull received, for the transport to ask what is new since."""
    row = connection.execute(
        sa.select(_RUN)
        .where((_RUN.c.feed_id == feed_id) & _RUN.c.state.in_(GOOD) & (_RUN.c.kind == "pull"))
        .order_by(_RUN.c.id.desc())
        .limit(1)
    ).first()
    if row is None:
        return None
    stamp = last_stamp(connection, feed_id)
    # A rollback leaves records that the feed has to tell of again, whatever it says has changed.
    undone = row.undone_run_id is not None or bool(
        connection.scalar(
            sa.select(sa.func.count()).where(
                (_RUN.c.feed_id == feed_id) & (_RUN.c.kind == "rollback") & (_RUN.c.id > row.id)
            )
        )
    )
    return Previous(row.etag, "" if undone else row.content_digest, stamp, row.source_name, undone)


def last_stamp(connection: sa.Connection, feed_id: str) -> str | None:
    """Return the feed's own stamp of the newest good pull that had one."""
    stamp: str | None = connection.scalar(
        sa.select(_RUN.c.stamp)
        .where((_RUN.c.feed_id == feed_id) & _STANDS & _RUN.c.stamp.is_not(None))
        .order_by(_RUN.c.id.desc())
        .limit(1)
    )
    return stamp


def rolled_back(connection: sa.Connection, feed_id: str, content_digest: str) -> int | None:
    """Return the run that brought exactly these bytes and was rolled back, if any."""
    run: int | None = connection.scalar(
        sa.select(sa.func.max(_RUN.c.id)).where(
            (_RUN.c.feed_id == feed_id)
            & (_RUN.c.content_digest == content_digest)
            & _RUN.c.undone_run_id.is_not(None)
        )
    )
    return run


def waiting(connection: sa.Connection, feed_id: str) -> str:
    """Return why changes of a feed wait for approval, or "" when none do."""
    held = t.held_change
    reason: str | None = connection.scalar(
        sa.select(_RUN.c.held_reason)
        .join(held, held.c.run_id == _RUN.c.id)
        .where((held.c.feed_id == feed_id) & held.c.kind.in_(("removal", "change")))
        .order_by(_RUN.c.id.desc())
        .limit(1)
    )
    return reason or ""


def decided(connection: sa.Connection, feed_id: str) -> None:
    """Note that nothing of a feed's held runs waits any more."""
    if not waiting(connection, feed_id):
        connection.execute(
            sa.update(_RUN)
            .where((_RUN.c.feed_id == feed_id) & (_RUN.c.state == "held"))
            .values(state="succeeded")
        )
