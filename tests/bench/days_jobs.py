"""A job about what a privacy officer reads of a large access log: from its events, and from its days as counts."""

import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from threading import Event

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from registry import migrate
from registry.access.days import count_days
from registry.access.patterns import patterns
from registry.access.tables import access_day_use, access_event
from registry.database import open_database, writing
from registry.settings import load_settings
from tests.bench.processes import BenchError

DAYS, ORGANISATIONS = 28, 2000
_FIRST = datetime(2026, 10, 1, tzinfo=UTC)
_PART = 20_000


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """Patterns of all days of a log.

    Attributes:
        pass_s: seconds to count the events.
        counting_s: seconds in which a worker counts all days once.
        counts_s: seconds to tell the same from the counts.
        rows: of counts.
    """

    events: int
    pass_s: float
    counting_s: float
    counts_s: float
    rows: int


def read_days(events: int) -> Read:
    """Write a log of four weeks and read it both ways.

    Raises:
        BenchError: the two ways tell different things.
    """
    settings = load_settings()
    engine = open_database(settings.access_database_url, settings.database, service=False)
    try:
        migrate.upgrade(settings)
        for part in _parts(events):
            with writing(engine).begin() as connection:
                connection.execute(access_event.insert(), part)
        return _read(engine, events)
    finally:
        engine.dispose()


def _read(engine: Engine, events: int) -> Read:
    begin, end = _FIRST.date(), (_FIRST + timedelta(days=DAYS - 1)).date()
    started = time.perf_counter()
    passed = patterns(engine, begin, end)
    pass_s = time.perf_counter() - started
    started = time.perf_counter()
    count_days(engine, _FIRST + timedelta(days=DAYS + 1), Event(), most=DAYS)
    counting_s = time.perf_counter() - started
    started = time.perf_counter()
    counted = patterns(engine, begin, end, most=0, from_counts=True)
    counts_s = time.perf_counter() - started
    if counted != passed or passed.events != events:
        raise BenchError("Counts and events do not tell the same.")
    with engine.connect() as connection:
        rows = connection.scalar(sa.select(sa.func.count()).select_from(access_day_use)) or 0
    return Read(events=events, pass_s=pass_s, counting_s=counting_s, counts_s=counts_s, rows=rows)


def _parts(events: int) -> Iterator[list[dict[str, object]]]:
    chance = random.Random(20261123)
    for first in range(0, events, _PART):
        yield [_event(number, events, chance) for number in range(first, min(first + _PART, events))]


def _event(number: int, events: int, chance: random.Random) -> dict[str, object]:
    # Few organisations ask much, most a little.
    organisation = int(chance.random() ** 3 * ORGANISATIONS)
    return {
        "at": _FIRST + timedelta(days=DAYS * number / events),
        "issuer": "https://issuer.example",
        "subject": f"{organisation}-{chance.randrange(10)}",
        "client_id": "",
        "organisation": f"21{organisation:08}",
        "purpose": chance.choice(("employment", "recruitment", "duty")),
        "action": chance.choice(("verify", "search")),
        "question": "{}",
        "answer": chance.choice(("yes", "no", "ask", "not found", "12")),
        "request_id": "bench",
    }
