"""What the scheduler's processes do for feeds: one pull of one feed. For the index: `indexer.index_work`."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from indexer.due import Run
from indexer.feeds.descriptor import FeedDescriptor
from indexer.jobs import StoppedError
from indexer.lock import BusyError, only_one
from indexer.pull import Puller
from registry.database import open_database, writing
from registry.records.read import as_utc
from registry.records.tables import feed_run
from registry.sealing import Sealer
from registry.settings import Settings
from registry.vocabulary import load_vocabulary

# More failures than make the pauses grow to their longest.
_RUNS = 50
_STOPPED = "the indexer was told to stop before the run ended; nothing of it was kept"


@dataclass(frozen=True)
class Pulled:
    """What became of a pull.

    Attributes:
        state: that of the last run; or `busy` (another process pulls the feed), `not-due` (another process just has),
            `stopped` (recorded as abandoned).
        run: its id; None if there was none.
        reason: why it failed or is held, or who is busy.
        changed: whether there is something to publish.
        counts: what the runs did, by name; one run for each file that waited.
    """

    state: str
    run: int | None = None
    reason: str = ""
    changed: bool = False
    counts: Mapping[str, int] = field(default_factory=dict)


def due_lock(feed: str) -> str:
    """Return the lock under which a scheduler decides that a feed is due, and pulls it."""
    return f"due:{feed}"


def pull_lock(feed: str) -> str:
    """Return the lock under which a feed is pulled (`indexer.pull`)."""
    return f"pull:{feed}"


def pull(settings: Settings, feed: FeedDescriptor, last_run: int | None) -> Pulled:
    """Pull a feed, unless another pull has been made since `last_run` was seen as the newest."""
    puller = Puller(_open(settings), Sealer(settings.privacy), load_vocabulary(), settings.indexer)
    engine = puller.engine
    try:
        # Two machines may find the feed due at the same moment. Whoever comes second finds the other at work, or done.
        with only_one(engine, due_lock(feed.id), settings.indexer):
            newest = next(iter(runs(engine, feed.id, 1)), None)
            if (newest.id if newest else None) != last_run:
                return Pulled("not-due")
            try:
                reports = puller.pull_all(feed)
            except StoppedError:
                engine.dispose()
                _abandon(engine, feed.id, settings)
                return Pulled("stopped")
    except BusyError as error:
        return Pulled("busy", reason=error.detail)
    finally:
        engine.dispose()
    last = reports[-1]
    counts: Counter[str] = Counter()
    for report in reports:
        counts.update(vars(report.counts))
    changed = any(report.state in {"succeeded", "held"} for report in reports)
    return Pulled(last.state, last.run, last.error or last.held, changed, +counts)


def _open(settings: Settings) -> Engine:
    return open_database(settings.database.url, settings.database, service=False)


def runs(engine: Engine, feed: str, limit: int = _RUNS) -> list[Run]:
    """Return a feed's last pulls, the newest first."""
    with engine.connect() as connection:
        return read_runs(connection, feed, limit)


def read_runs(connection: sa.Connection, feed: str, limit: int = _RUNS) -> list[Run]:
    """Return a feed's last pulls, the newest first."""
    run = feed_run.c
    rows = connection.execute(
        sa.select(run.id, run.state, run.started_at, run.finished_at)
        .where((run.feed_id == feed) & (run.kind == "pull"))
        .order_by(run.id.desc())
        .limit(limit)
    )
    return [
        Run(r.id, r.state, as_utc(r.started_at), as_utc(r.finished_at) if r.finished_at else None)
        for r in rows
    ]


def _abandon(engine: Engine, feed: str, settings: Settings) -> None:
    """Record that the run was stopped: with its time, which tells it from one whose process died (`indexer.due`)."""
    with only_one(engine, pull_lock(feed), settings.indexer), writing(engine).begin() as connection:
        connection.execute(
            sa.update(feed_run)
            .where(
                (feed_run.c.feed_id == feed) & (feed_run.c.state == "running") & (feed_run.c.kind == "pull")
            )
            .values(state="abandoned", finished_at=datetime.now(UTC), error=_STOPPED)
        )
