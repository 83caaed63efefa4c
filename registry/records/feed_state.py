"""How every feed stands: its promise, its last pull, and what of it waits for a person. For operators and metrics."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from registry.records import tables as t
from registry.records.read import Feed, as_utc, feeds

_RUN, _ROW = t.feed_run.c, t.quarantined_record.c
_PULLS = _RUN.kind == "pull"
_HELD = _PULLS & (_RUN.state == "held") & _RUN.undone_run_id.is_(None)


@dataclass(frozen=True, slots=True)
class Pull:
    """A pull that has ended. Times are UTC.

    Attributes:
        state: succeeded, unchanged, held, failed or abandoned.
        ended_at: None: its process died.
    """

    run: int
    state: str
    ended_at: datetime | None
    error: str

    @property
    def went_wrong(self) -> bool:
        """Whether it failed, or its process died; one that was stopped by the operator did not."""
        return self.state == "failed" or (self.state == "abandoned" and self.ended_at is None)


@dataclass(frozen=True, slots=True)
class HeldRun:
    """A run whose changes wait for a person's decision."""

    run: int
    reason: str


@dataclass(frozen=True, slots=True)
class FeedState:
    """One feed.

    Attributes:
        last_pull: the last that has ended.
        last_read: the last run that read the feed's records, whose quarantine counts.
        quarantined: rows that it could not take in.
        held: runs that wait, the newest first.
    """

    feed: Feed
    last_pull: Pull | None
    last_read: int | None
    quarantined: int
    held: tuple[HeldRun, ...]


def feed_states(connection: sa.Connection) -> list[FeedState]:
    """Read how every feed stands, by their ids."""
    ended = {row.feed_id: _pull(row) for row in connection.execute(_LAST_ENDED)}
    read = {row.feed_id: row for row in connection.execute(_LAST_READ)}
    held: dict[str, list[HeldRun]] = {}
    for row in connection.execute(_HELD_RUNS):
        held.setdefault(row.feed_id, []).append(HeldRun(row.id, row.held_reason))
    return [
        FeedState(
            feed=feed,
            last_pull=ended.get(feed.id),
            last_read=read[feed.id].run_id if feed.id in read else None,
            quarantined=read[feed.id].quarantined if feed.id in read else 0,
            held=tuple(held.get(feed.id, ())),
        )
        for feed in feeds(connection).values()
    ]


def _newest(where: sa.ColumnElement[bool]) -> sa.Select[Any]:
    return sa.select(_RUN.feed_id, sa.func.max(_RUN.id).label("run_id")).where(where).group_by(_RUN.feed_id)


_LAST = _newest(_PULLS & (_RUN.state != "running")).subquery()
_LAST_ENDED = sa.select(t.feed_run).join(_LAST, _LAST.c.run_id == _RUN.id)
_READ = _newest(_RUN.state != "unchanged").subquery()
_LAST_READ = (
    sa.select(_READ.c.feed_id, _READ.c.run_id, sa.func.count(_ROW.id).label("quarantined"))
    .outerjoin_from(_READ, t.quarantined_record, _ROW.run_id == _READ.c.run_id)
    .group_by(_READ.c.feed_id, _READ.c.run_id)
)
_HELD_RUNS = sa.select(_RUN.id, _RUN.feed_id, _RUN.held_reason).where(_HELD).order_by(_RUN.id.desc())


def _pull(row: sa.Row[Any]) -> Pull:
    return Pull(row.id, row.state, as_utc(row.finished_at) if row.finished_at else None, row.error)
