"""`indexer run`: every feed pulled when it is due, every change published, on as many machines as wanted."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import wait
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy.engine import Engine

from indexer import clearing, index_work, jobs, lease, work
from indexer.due import Chance, Past, Salted, next_due, past_of
from indexer.feeds.descriptor import FeedDescriptor
from indexer.feeds.folder import FeedFolder
from indexer.jobs import Job, Outcome
from indexer.judging import Compared
from indexer.lease import kind
from indexer.publish import Published
from indexer.signals import StopSignals
from registry.records import outbox, read
from registry.settings import Settings

log = structlog.get_logger()
# A feed that another process was found to pull is not tried again for so long.
_BUSY_PAUSE = timedelta(minutes=1)
# The feeds' promises are compared with the clock this often; they are given in hours.
_FRESHNESS_EVERY = timedelta(minutes=1)
# A comparison or clearing that failed, or that another process was found to make, is not tried again for so long.
_COMPARE_PAUSE = timedelta(minutes=5)
# A publisher that dies again and again is started again after pauses up to this, in seconds.
_LONGEST_RESTART_S = 300.0
_PUBLISH, _COMPARE, _CLEAR = "publish", "compare", "clear"
# Work on the index: it goes on beside the pulls.
_INDEX_JOBS = frozenset({_PUBLISH, _COMPARE, _CLEAR})


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass
class _HeldOff:
    """Something not to be tried before `until`, for a reason that is not in the database; `times` in a row."""

    until: datetime
    times: int = 0


@dataclass
class Scheduler:
    """Starts what is due, as processes (see `indexer.jobs`), and tells what became of it.

    Attributes:
        engine: to look with; the work has connections of its own.
        chance: draws the jitter.
        clock: gives the time, UTC.
    """

    settings: Settings
    engine: Engine
    folder: FeedFolder
    chance: Chance = field(default_factory=Salted)
    clock: Callable[[], datetime] = _utc_now
    _jobs: dict[str, Job] = field(default_factory=dict)
    _held_off: dict[str, _HeldOff] = field(default_factory=dict)
    _publish_now: bool = True
    _publisher_began: datetime | None = None
    _freshness_at: datetime | None = None
    _reminded: dict[str, datetime] = field(default_factory=dict)
    _all_well: bool = True
    _stopping: bool = False

    def run(self, *, once: bool = False) -> bool:
        """Work until SIGTERM or SIGINT, or with `once` until nothing is due any more.

        A publisher is at work all the time; with `once` only before the pulls and after each that changed something.

        A first signal lets pulls under way finish, for `stop_grace_s`; a second one does not. What is not finished
        then is rolled back and recorded as abandoned. What is not published waits in the outbox.

        Returns:
            Whether everything that was tried went well.
        """
        log.info("indexer runs", feeds=list(self.folder.feeds), once=once)
        with StopSignals() as signals:
            while not signals.count:
                self._tick(once=once)
                if once and not self._jobs:
                    break
                self._wait(signals, self.settings.schedule.look_every_s)
            self._stop(signals)
        log.info("indexer stopped")
        return self._all_well

    def _tick(self, *, once: bool) -> None:
        self._reap()
        self.folder.refresh()
        now = self.clock()
        if not once:
            self._keep_publishing(now)
        try:
            with self.engine.connect() as connection:
                due = self._due(connection, now)
                publish = once and self._is_publishing_due(connection, now)
                last = index_work.last_comparison(connection)
                compare = self._is_comparing_due(connection, last, now)
                clear = self._is_clearing_due(connection, now)
                self._remind(connection, now)
        except sa.exc.SQLAlchemyError as error:
            self._all_well = False
            log.error("the database can't be asked", error=kind(error))  # noqa: TRY400 - its text may hold values
            return
        if publish:
            self._publish_now = False
            self._start(_PUBLISH, index_work.publish, self.settings)
        room = self._room()
        for feed, past in due[: max(room, 0)]:
            if pid := self._start(work.pull_lock(feed.id), work.pull, self.settings, feed, past.last_run):
                log.info("pull begins", feed=feed.id, pid=pid)
        # Once: last of all, so that it finds what the pulls have changed.
        if compare and not (once and self._jobs):
            self._start(_COMPARE, index_work.compare, self.settings, last.id if last else None)
        if clear and not (once and self._jobs):
            self._start(_CLEAR, index_work.clear, self.settings)

    def _keep_publishing(self, now: datetime) -> None:
        """Start the publisher that stays, unless it is at work or has just died."""
        held_off = self._held_off.get(_PUBLISH)
        if _PUBLISH not in self._jobs and not (held_off and held_off.until > now):
            self._publisher_began = now
            if pid := self._start(_PUBLISH, index_work.publish_forever, self.settings):
                log.info("publisher begins", pid=pid)

    def _room(self) -> int:
        """Return how many more pulls may be started. On SQLite a load holds the only write lock: one at a time."""
        most = self.settings.schedule.max_parallel if self.engine.dialect.name == "postgresql" else 1
        return most - len(self._jobs.keys() - _INDEX_JOBS)

    def _due(self, connection: sa.Connection, now: datetime) -> list[tuple[FeedDescriptor, Past]]:
        """Return the feeds to pull now, the longest due first."""
        found = []
        elsewhere = (
            lease.alive(connection, self.settings.indexer.lease_timeout_s)
            if self.engine.dialect.name == "postgresql"
            else set()
        )
        for feed in self.folder.feeds.values():
            locks = {work.pull_lock(feed.id), work.due_lock(feed.id)}
            held_off = self._held_off.get(feed.id)
            if locks & (elsewhere | self._jobs.keys()) or (held_off and held_off.until > now):
                continue
            past = past_of(work.read_runs(connection, feed.id))
            due = next_due(
                feed.id,
                feed.schedule,
                past,
                now=now,
                zone=self.settings.zone,
                settings=self.settings.schedule,
                chance=self.chance,
            )
            if due is not None and due <= now:
                found.append((due, feed, past))
        return [(feed, past) for _, feed, past in sorted(found, key=lambda one: one[0])]

    def _is_publishing_due(self, connection: sa.Connection, now: datetime) -> bool:
        return self._publish_now and _PUBLISH not in self._jobs and outbox.is_due(connection, now)

    def _is_comparing_due(
        self, connection: sa.Connection, last: index_work.Comparison | None, now: datetime
    ) -> bool:
        held_off = self._held_off.get(_COMPARE)
        if _COMPARE in self._jobs or (held_off and held_off.until > now):
            return False
        every_hours = self.settings.index.compare_every_hours
        return index_work.is_comparison_due(connection, last, now, every_hours)

    def _is_clearing_due(self, connection: sa.Connection, now: datetime) -> bool:
        held_off = self._held_off.get(_CLEAR)
        if _CLEAR in self._jobs or (held_off and held_off.until > now):
            return False
        return clearing.is_due(connection, now, self.settings.index.clear_every_hours)

    def _remind(self, connection: sa.Connection, now: datetime) -> None:
        """Log feeds that are older than their promise, again and again until they are not."""
        if self._freshness_at and now - self._freshness_at < _FRESHNESS_EVERY:
            return
        self._freshness_at = now
        pause = timedelta(minutes=self.settings.schedule.remind_minutes)
        for feed in read.feeds(connection).values():
            if feed.id not in self.folder.feeds or feed.fresh(now):
                self._reminded.pop(feed.id, None)
            elif feed.id not in self._reminded or now - self._reminded[feed.id] >= pause:
                self._reminded[feed.id] = now
                log.error(
                    "feed is older than its promise: every yes that rests on it is answered with ask",
                    feed=feed.id,
                    last_success=feed.last_success_at,
                    max_age_hours=feed.max_age_hours,
                )

    def _start(self, name: str, function: Callable[..., Any], *arguments: object) -> int | None:
        """Start a job and return the id of its process; None if it has ended already, having found no room."""
        try:
            self._jobs[name] = jobs.start(name, function, *arguments)
        except OSError as error:
            self._ended(name, Outcome(error=f"no process could be started: {error.strerror}"))
            return None
        return self._jobs[name].process.pid

    def _reap(self) -> None:
        for name, job in list(self._jobs.items()):
            if job.ended:
                del self._jobs[name]
                self._ended(name, job.collect())

    def _ended(self, name: str, outcome: Outcome) -> None:
        if self._stopping and outcome.error == jobs.STOPPED:
            log.info("stopped", job=name)
        elif name == _PUBLISH:
            self._publish_ended(outcome)
        elif name == _COMPARE:
            self._compare_ended(outcome)
        elif name == _CLEAR:
            self._clear_ended(outcome)
        else:
            self._pull_ended(name.removeprefix(work.pull_lock("")), outcome)

    def _publish_ended(self, outcome: Outcome) -> None:
        if outcome.error:
            self._all_well = False
            log.error("publishing failed", error=outcome.error, where=outcome.where)
            self._hold_off_publisher()
            return
        result: Published = outcome.value
        self._all_well &= not result.failed
        log.info("published", **result.as_dict())

    def _hold_off_publisher(self) -> None:
        """Leave a publisher that died alone for a while, the longer the oftener it has died at once."""
        now, first = self.clock(), self.settings.schedule.publish_restart_s
        lived = (now - self._publisher_began).total_seconds() if self._publisher_began else 0.0
        before = self._held_off.get(_PUBLISH)
        times = before.times + 1 if before and lived < _LONGEST_RESTART_S else 0
        pause = min(first * 2.0 ** min(times, 32), _LONGEST_RESTART_S)
        self._held_off[_PUBLISH] = _HeldOff(now + timedelta(seconds=pause), times)

    def _compare_ended(self, outcome: Outcome) -> None:
        self._held_off[_COMPARE] = _HeldOff(self.clock() + _COMPARE_PAUSE)
        if outcome.error:
            self._all_well = False
            log.error("comparing failed", error=outcome.error, where=outcome.where)
            return
        result: Compared | None = outcome.value
        if result and result.differs:
            self._all_well = False
            log.error(
                "index and SQL truth differ; look with `indexer compare`, mend with `indexer compare --repair`",
                index=result.index,
                missing=result.missing,
                extra=result.extra,
                stale=result.stale,
            )

    def _clear_ended(self, outcome: Outcome) -> None:
        self._held_off[_CLEAR] = _HeldOff(self.clock() + _COMPARE_PAUSE)
        if outcome.error:
            self._all_well = False
            log.error("clearing the index failed", error=outcome.error, where=outcome.where)
        elif outcome.value:
            log.info("no index holds anybody who is protected now", index=outcome.value)

    def _pull_ended(self, feed: str, outcome: Outcome) -> None:
        if outcome.error:
            self._all_well = False
            times = self._held_off[feed].times + 1 if feed in self._held_off else 1
            schedule = self.settings.schedule
            pause = min(schedule.retry_first_minutes * 2.0 ** min(times - 1, 32), schedule.retry_max_minutes)
            self._held_off[feed] = _HeldOff(self.clock() + timedelta(minutes=pause), times)
            log.error("pull failed", feed=feed, error=outcome.error, where=outcome.where)
            return
        pulled: work.Pulled = outcome.value
        self._held_off.pop(feed, None)
        if pulled.state == "busy":
            self._held_off[feed] = _HeldOff(self.clock() + _BUSY_PAUSE)
        self._all_well &= pulled.state != "failed"
        self._publish_now |= pulled.changed
        tell = log.error if pulled.state == "failed" else log.info
        tell(
            "pull ended", feed=feed, state=pulled.state, run=pulled.run, reason=pulled.reason, **pulled.counts
        )

    def _wait(self, signals: StopSignals, seconds: float) -> None:
        """Wait until a job ends, a signal comes or the time is up."""
        wait([signals.fileno(), *(job.sentinel for job in self._jobs.values())], timeout=max(seconds, 0))

    def _stop(self, signals: StopSignals) -> None:
        """Let the jobs end, or end them."""
        if self._jobs:
            log.info("stopping", running=list(self._jobs))
        self._stopping = True
        # It never ends by itself. What it has not sent, or not written down as sent, is sent again at the next start.
        if publisher := self._jobs.get(_PUBLISH):
            publisher.stop()
        self._wait_for_all(signals, self.settings.schedule.stop_grace_s, until_signals=2)
        for job in self._jobs.values():
            job.stop()
        self._wait_for_all(signals, self.settings.schedule.stop_kill_s, until_signals=3)
        for job in self._jobs.values():
            log.error("does not stop; killed", job=job.name)
            job.kill()
        while self._jobs:
            self._wait(signals, 1)
            self._reap()

    def _wait_for_all(self, signals: StopSignals, seconds: float, *, until_signals: int) -> None:
        deadline = time.monotonic() + seconds
        self._reap()
        while self._jobs and signals.count < until_signals and (left := deadline - time.monotonic()) > 0:
            self._wait(signals, left)
            self._reap()
