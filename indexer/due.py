"""When a feed is due: its schedule and what its past pulls say, and nothing else. Pure, so that a table can test it.

The past comes from `feed_run`. So a restart loses nothing, another machine knows as much as this one, and a pull made by
hand counts.
"""

import random
import secrets
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from indexer.feeds.descriptor import Schedule
from indexer.runs import GOOD
from registry.settings import Scheduling

# Earlier than everything: due, and before all that became due at a known time.
AT_ONCE = datetime.min.replace(tzinfo=UTC)
_DAY_MINUTES = 24 * 60
# A run that began so much in the future was made by a machine with a wrong clock: it says nothing about when to pull.
_SKEW = timedelta(minutes=5)
# A number from 0 to below 1, always the same for one key.
Chance = Callable[[str], float]


@dataclass(frozen=True)
class Run:
    """One pull as `feed_run` tells it. Times are UTC."""

    id: int
    state: str
    started_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True)
class Past:
    """What past pulls of a feed mean for the next.

    Attributes:
        last_run: the newest pull, whatever became of it; None before the first.
        good_at: when the last good pull began.
        failures: pulls since then that failed or died. One that was stopped by the operator is none: it is
            as if it had not been.
        failed_at: when the last of them ended, or began if it died.
    """

    last_run: int | None = None
    good_at: datetime | None = None
    failures: int = 0
    failed_at: datetime | None = None


def past_of(newest_first: Iterable[Run]) -> Past:
    """Fold a feed's pulls, the newest first, back to the last good one."""
    last: int | None = None
    failures, failed_at = 0, None
    for run in newest_first:
        last = run.id if last is None else last
        if run.state in GOOD:
            return Past(last, run.started_at, failures, failed_at)
        if (
            run.state == "abandoned" and run.finished_at is not None
        ):  # stopped in good order, see `indexer.work`
            continue
        failures += 1
        failed_at = failed_at or run.finished_at or run.started_at
    return Past(last, None, failures, failed_at)


@dataclass(frozen=True)
class Salted:
    """Chance by a salt of its own, so that two registries do not ask an authority at the same second."""

    salt: str = field(default_factory=lambda: secrets.token_hex(8))

    def __call__(self, key: str) -> float:
        """Return a number from 0 to below 1."""
        return random.Random(f"{self.salt}:{key}").random()  # noqa: S311 - spreads load, guards nothing


def next_due(
    feed: str,
    schedule: Schedule,
    past: Past,
    *,
    now: datetime,
    zone: ZoneInfo,
    settings: Scheduling,
    chance: Chance,
) -> datetime | None:
    """Return when a feed is to be pulled next, in UTC; None = never by itself.

    - A feed that was never pulled is due at once.
    - After a failure: `retry_first_minutes` later, doubled for each further failure up to `retry_max_minutes`, and not
      before, whatever the schedule says.
    - Else at the schedule's first time after the last good pull began, and up to `jitter_minutes` (at most half the
      interval) later, by chance. Times that passed while nothing ran are made good by one pull, at once.
    """
    if not schedule.every_minutes:
        return None
    latest = past.failed_at or past.good_at
    if latest is None or latest > now + _SKEW:
        return AT_ONCE
    if past.failed_at is not None:
        pauses = 2.0 ** min(past.failures - 1, 32)
        return past.failed_at + timedelta(
            minutes=min(settings.retry_first_minutes * pauses, settings.retry_max_minutes)
        )
    slot = _slot_after(schedule, latest, zone)
    jitter = min(schedule.jitter_minutes, schedule.every_minutes / 2) * chance(f"{feed} {slot.isoformat()}")
    return slot + timedelta(minutes=jitter)


def _slot_after(schedule: Schedule, last: datetime, zone: ZoneInfo) -> datetime:
    """Return the schedule's first time after `last`."""
    if not schedule.at:
        return last + timedelta(minutes=schedule.every_minutes)
    at = time.fromisoformat(schedule.at)
    local = last.astimezone(zone).date()
    began = max(day for day in (local, local - timedelta(days=1)) if _moment(day, at, zone) <= last)
    if schedule.every_minutes > _DAY_MINUTES:
        days = -(-schedule.every_minutes // _DAY_MINUTES)
        return _moment(began + timedelta(days=days), at, zone)
    return next(slot for slot in _slots(began, at, schedule.every_minutes, zone) if slot > last)


def _slots(day: date, at: time, every_minutes: int, zone: ZoneInfo) -> Iterator[datetime]:
    """Give the times from `at` on one day up to and with `at` on the next.

    Counted in time that passes, so that an hour is an hour on the days when clocks change. A time that would come less
    than half an interval before the next day's first is left out: a daily pull happens once on a day of 25 hours too.
    """
    interval = timedelta(minutes=every_minutes)
    following = _moment(day + timedelta(days=1), at, zone)
    slot = _moment(day, at, zone)
    while slot <= following - interval / 2:
        yield slot
        slot += interval
    yield following


def _moment(day: date, at: time, zone: ZoneInfo) -> datetime:
    """Return a wall-clock time in UTC.

    One that comes twice (autumn) is its first; one that never comes (spring) is an hour later: 02:30 is 03:30 then.
    """
    return datetime.combine(day, at, tzinfo=zone).astimezone(UTC)
