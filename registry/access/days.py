"""Days of the access log that are over, as counts: read in place of their events, so that a month of a large register is told at once.

A day is counted once, when no event of it can still be committed, in one transaction with the word that it has been; so whoever is
killed counts nothing twice and leaves nothing out. The counts say nothing that the log does not say, and are proven by nothing: whoever
doubts them counts the events (`registry log patterns`).
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from hashlib import blake2b
from itertools import islice
from threading import Event
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Engine

from registry.access.log import TURN
from registry.access.tables import access_day, access_day_use, access_event
from registry.database import writing
from registry.records.read import as_utc

# Events that commit late stand behind younger ones by so much at most; more only makes the stretch that is read longer.
LATE = timedelta(hours=1)
# Answers that are told apart; all others are numbers of hits.
COUNTED_ANSWERS = ("yes", "no", "ask", "not found", "consent code refused")
_E = access_event.c
_DAY = timedelta(days=1)
_PART = 10_000
_ROWS = 1000


class Used(msgspec.Struct, frozen=True):
    """What one organisation asked on one day, as it is kept.

    Attributes:
        purposes, actions, answers: events by each ("": an answer that is none of `COUNTED_ANSWERS`).
        callers: who asked, each once, as `_caller` makes it.
    """

    purposes: dict[str, int]
    actions: dict[str, int]
    answers: dict[str, int]
    callers: list[str]


@dataclass(slots=True)
class Uses:
    """What one organisation asked on some days: as `Used`, and events by day (UTC)."""

    purposes: Counter[str] = field(default_factory=Counter)
    actions: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    callers: set[str] = field(default_factory=set)
    days: Counter[date] = field(default_factory=Counter)


_USED = msgspec.json.Decoder(Used)
Counts = defaultdict[str, Uses]
"""By organisation."""


def no_counts() -> Counts:
    """Return the counts of no day."""
    return defaultdict(Uses)


def first_id(connection: sa.Connection, moment: datetime) -> int:
    """Return the first id at or after a moment, by halving: ids rise with time, and no index on the time is needed."""
    low, high = 0, int(connection.scalar(sa.select(sa.func.max(_E.id))) or 0) + 1
    while low < high:
        middle = (low + high) // 2
        row = connection.execute(
            sa.select(_E.id, _E.at).where(_E.id >= middle, _E.id < high).order_by(_E.id).limit(1)
        ).one_or_none()
        if row is None or as_utc(row.at) >= moment:
            high = middle
        else:
            low = int(row.id) + 1
    return low


@dataclass(frozen=True, slots=True)
class Stretch:
    """Days whose events are read one by one, and the ids among which all of them stand."""

    begin: date
    end: date
    first: int
    last: int


def stretches(connection: sa.Connection, begin: date, end: date, counted: Collection[date]) -> list[Stretch]:
    """Return the days from `begin` to `end`, both included, that are not `counted`."""
    found: list[tuple[date, date]] = []
    for day in (begin + n * _DAY for n in range((end - begin).days + 1)):
        if day in counted:
            continue
        if found and found[-1][1] == day - _DAY:
            found[-1] = (found[-1][0], day)
        else:
            found.append((day, day))
    return [
        Stretch(
            low,
            high,
            first_id(connection, _midnight(low) - LATE),
            first_id(connection, _midnight(high + _DAY) + LATE),
        )
        for low, high in found
    ]


def add_events(connection: sa.Connection, stretch: Stretch, counts: Counts) -> None:
    """Add the events of a stretch.

    Counted here, row by row as they stand: a database that sorts a million rows to group them takes ten times as long.
    """
    day = (
        sa.func.substr(sa.cast(_E.at, sa.Text), 1, 10)
        if connection.dialect.name == "sqlite"
        else sa.func.to_char(sa.func.timezone("UTC", _E.at), "YYYY-MM-DD")
    )
    asked = sa.select(
        day, _E.organisation, _E.purpose, _E.action, _E.answer, _E.issuer, _E.subject, _E.client_id
    ).where(
        _E.id >= stretch.first,
        _E.id < stretch.last,
        _E.at >= _midnight(stretch.begin),
        _E.at < _midnight(stretch.end + _DAY),
    )
    # As they stand first: a sum for each of a million events would take as long as reading them.
    told: Counter[tuple[str, ...]] = Counter()
    callers: dict[str, set[tuple[str, ...]]] = defaultdict(set)
    for part in connection.execution_options(yield_per=_PART).execute(asked).partitions():
        for on, organisation, purpose, action, answer, *caller in part:
            told[on, organisation, purpose, action, answer if answer in COUNTED_ANSWERS else ""] += 1
            callers[organisation].add(tuple(caller))
    for (on, organisation, purpose, action, answer), number in told.items():
        uses = counts[organisation]
        uses.days[date.fromisoformat(on)] += number
        uses.purposes[purpose] += number
        uses.actions[action] += number
        uses.answers[answer] += number
    for organisation, several in callers.items():
        counts[organisation].callers.update(map(_caller, several))


def _caller(who: tuple[str, ...]) -> str:
    """Return a short digest of issuer, subject and client: they are counted, and nobody reads who they are."""
    return blake2b(msgspec.json.encode(who), digest_size=8).hexdigest()


def counted_days(connection: sa.Connection, begin: date, end: date) -> set[date]:
    """Return which days from `begin` to `end`, both included, have been counted."""
    return set(connection.scalars(sa.select(access_day.c.day).where(access_day.c.day.between(begin, end))))


def add_days(connection: sa.Connection, days: Collection[date], counts: Counts) -> None:
    """Add days that have been counted."""
    row = access_day_use.c
    asked = sa.select(row.day, row.organisation, row.used).where(row.day.in_(days))
    for day, organisation, text in connection.execute(asked):
        used, uses = _USED.decode(text), counts[organisation]
        uses.days[day] += sum(used.actions.values())
        for kind, more in (
            (uses.purposes, used.purposes),
            (uses.actions, used.actions),
            (uses.answers, used.answers),
        ):
            for name, number in more.items():
                kind[name] += number
        uses.callers.update(used.callers)


def count_days(engine: Engine, now: datetime, stop: Event, *, most: int) -> int:
    """Count days that are over and have not been, the newest first; return how many were.

    Args:
        engine: the access database, without the service's statement timeout.
        now: this moment, UTC.
        stop: ends it after the day under way.
        most: days to count at most.
    """
    done = 0
    with engine.connect() as connection:
        days = list(islice(_uncounted(connection, now), most))
    for day in days:
        if stop.is_set():
            break
        done += _count_day(engine, day)
    return done


def _uncounted(connection: sa.Connection, now: datetime) -> Iterator[date]:
    oldest = connection.execute(sa.select(_E.at).order_by(_E.id).limit(1)).scalar()
    if oldest is None:
        return
    # Twice the time in which events are committed: then none of the day is on its way, whatever the clocks of machines say.
    last = (now - 2 * LATE).date() - _DAY
    first = as_utc(oldest).date()
    counted = counted_days(connection, first, last)
    for back in range((last - first).days + 1):
        if (day := last - back * _DAY) not in counted:
            yield day


def _count_day(engine: Engine, day: date) -> bool:
    """Count a day; tell whether nobody else has meanwhile."""
    counts = no_counts()
    with engine.connect() as connection:
        (stretch,) = stretches(connection, day, day, ())
        add_events(connection, stretch, counts)
    rows = [
        {"day": day, "organisation": organisation, "used": _kept(uses)}
        for organisation, uses in counts.items()
    ]
    with TURN, writing(engine).begin() as connection:
        insert: Any = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
        mine = insert(access_day).values(day=day).on_conflict_do_nothing().returning(access_day.c.day)
        if connection.scalar(mine) is None:
            return False
        for start in range(0, len(rows), _ROWS):
            connection.execute(access_day_use.insert(), rows[start : start + _ROWS])
    return True


def _kept(uses: Uses) -> str:
    used = Used(dict(uses.purposes), dict(uses.actions), dict(uses.answers), sorted(uses.callers))
    return msgspec.json.encode(used).decode()


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
