"""Days of the access log that are over, as counts: read in place of their events, so that a month of a large register is told at once.

A day is counted once, when no event of it can still be committed, in one transaction with the word that it has been; so whoever is
killed counts nothing twice and leaves nothing out. The counts say nothing that the log does not say, and are proven by nothing: whoever
doubts them counts the events (`registry log patterns`).
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from threading import Event
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Engine

from registry.access.log import TURN
from registry.access.tables import access_day, access_day_caller, access_day_count, access_event
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
Caller = tuple[str, str, str]


@dataclass
class Counts:
    """Events of some days.

    Attributes:
        events: by day (UTC), organisation, purpose, action and answer ("": none of `COUNTED_ANSWERS`).
        callers: by organisation, who asked: issuer, subject and client.
    """

    events: Counter[tuple[date, str, str, str, str]] = field(default_factory=Counter)
    callers: dict[str, set[Caller]] = field(default_factory=lambda: defaultdict(set))


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
    # By the text of a day first: making a date of each of a million takes as long as reading them.
    told: Counter[tuple[str, ...]] = Counter()
    for part in connection.execution_options(yield_per=_PART).execute(asked).partitions():
        for on, organisation, purpose, action, answer, *caller in part:
            told[on, organisation, purpose, action, answer if answer in COUNTED_ANSWERS else ""] += 1
            counts.callers[organisation].add(tuple(caller))
    for (on, organisation, purpose, action, answer), number in told.items():
        counts.events[date.fromisoformat(on), organisation, purpose, action, answer] += number


def counted_days(connection: sa.Connection, begin: date, end: date) -> set[date]:
    """Return which days from `begin` to `end`, both included, have been counted."""
    return set(connection.scalars(sa.select(access_day.c.day).where(access_day.c.day.between(begin, end))))


def add_days(connection: sa.Connection, days: Collection[date], counts: Counts) -> None:
    """Add days that have been counted."""
    row = access_day_count.c
    names = (row.day, row.organisation, row.purpose, row.action, row.answer)
    for day, organisation, purpose, action, answer, number in connection.execute(
        sa.select(*names, row.events).where(row.day.in_(days))
    ):
        counts.events[day, organisation, purpose, action, answer] += number
    who = access_day_caller.c
    several = sa.select(who.organisation, who.issuer, who.subject, who.client_id).distinct()
    for organisation, issuer, subject, client_id in connection.execute(several.where(who.day.in_(days))):
        counts.callers[organisation].add((issuer, subject, client_id))


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
    counts = Counts()
    with engine.connect() as connection:
        (stretch,) = stretches(connection, day, day, ())
        add_events(connection, stretch, counts)
    callers = [
        (day, organisation, *who) for organisation, several in counts.callers.items() for who in several
    ]
    with TURN, writing(engine).begin() as connection:
        insert: Any = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
        mine = insert(access_day).values(day=day).on_conflict_do_nothing().returning(access_day.c.day)
        if connection.scalar(mine) is None:
            return False
        for table, rows in (
            (access_day_count, [(*key, number) for key, number in counts.events.items()]),
            (access_day_caller, callers),
        ):
            names = table.columns.keys()
            for start in range(0, len(rows), _ROWS):
                some = [dict(zip(names, row, strict=True)) for row in rows[start : start + _ROWS]]
                connection.execute(table.insert(), some)
    return True


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
