"""Jobs about the access log, each in a process of its own: filling it, sealing, verifying, proving, and writing to it."""

import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from registry import migrate
from registry.access.caller import Caller
from registry.access.ledger.keys import KeyRing, ring_of, signing_key
from registry.access.ledger.prove import prove_consistency, prove_event
from registry.access.ledger.seal import seal
from registry.access.ledger.verify import verify
from registry.access.log import record_access
from registry.access.log_many import Event, record_many
from registry.access.tables import access_event, access_event_subject, access_ledger_head
from registry.database import open_database, writing
from registry.roles import APPEND_ONLY
from registry.settings import Settings, load_settings
from tests.bench.machine import memory_mb
from tests.bench.processes import BenchError

_CALLER = Caller("https://issuer.example", "bench", client_id="bench", organisation="5560000001")
_PURPOSE = "recruitment"
_PART = 5000
# Of ten events, so many show so many people: checks that found somebody or nobody, and a search.
_SHOWN = (1, 1, 1, 1, 1, 1, 1, 0, 0, 20)


class Filled(msgspec.Struct, frozen=True, kw_only=True):
    """A log that was filled: events, and the people in them."""

    events: int
    people: int


class Sealed(msgspec.Struct, frozen=True, kw_only=True):
    """All of it sealed, in heads of some size."""

    events: int
    heads: int
    seconds: float
    memory_mb: float


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """All of it verified.

    Attributes:
        read_s: seconds to read the same rows and do nothing with them.
        found: what was named: kind and event.
    """

    seconds: float
    read_s: float
    memory_mb: float
    memory_before_mb: float
    found: list[tuple[str, int | None]]


class Proven(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds for one proof of an event, and for one between the first head and the last."""

    event_s: float
    consistency_s: float


class Inserted(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds to write one event with a person: without triggers, with them, and with a seal at work all the time."""

    plain_ms: float
    guarded_ms: float
    sealing_ms: float


@contextmanager
def _opened() -> Iterator[tuple[Settings, Engine, KeyRing]]:
    settings = load_settings()
    engine = open_database(settings.access_database_url, settings.database, service=False)
    try:
        yield settings, engine, ring_of(settings.ledger)
    finally:
        engine.dispose()


def fill(events: int) -> Filled:
    """Migrate and write so many events."""
    people = 0
    with _opened() as (settings, engine, _):
        migrate.upgrade(settings)
        for first in range(0, events, _PART):
            part = [_event(number) for number in range(first, min(first + _PART, events))]
            people += sum(len(one.practitioner_ids) for one in part)
            with writing(engine).begin() as connection:
                record_many(
                    connection, _CALLER, part, purpose=_PURPOSE, action="verify", request_id=f"bench-{first}"
                )
    return Filled(events=events, people=people)


def _event(number: int) -> Event:
    shown = _SHOWN[number % len(_SHOWN)]
    people = [(number * 7919 + step * 104_729) % 900_000 + 1 for step in range(shown)]
    question = f'{{"licenceNumber":"LK-{number % 1000}","profession":"registered-nurse"}}'
    return Event(question, "yes" if shown else "notFound", people)


def seal_all(batch_events: int) -> Sealed:
    """Seal everything, at most so many events under a head."""
    with _opened() as (settings, engine, ring):
        began = time.perf_counter()
        key = signing_key(settings.ledger.signing_key)
        events = seal(engine, key, ring, batch_events=batch_events)
        seconds = time.perf_counter() - began
        with engine.connect() as connection:
            heads = connection.scalar(sa.select(sa.func.count()).select_from(access_ledger_head)) or 0
    return Sealed(events=events, heads=heads, seconds=seconds, memory_mb=memory_mb(peak=True))


def verify_all() -> Verified:
    """Verify everything; and read the same rows, beside."""
    with _opened() as (_, engine, ring):
        before = memory_mb(peak=True)
        began = time.perf_counter()
        report = verify(engine, ring, overdue_s=1e9)
        seconds, peak = time.perf_counter() - began, memory_mb(peak=True)
        began = time.perf_counter()
        _read(engine)
        read_s = time.perf_counter() - began
    return Verified(
        seconds=seconds,
        read_s=read_s,
        memory_mb=peak,
        memory_before_mb=before,
        found=[(one.kind, one.event_id) for one in report.findings],
    )


def _read(engine: Engine) -> None:
    with engine.connect() as connection:
        last = connection.scalar(sa.select(sa.func.max(access_event.c.id))) or 0
        for first in range(0, last, _PART):
            for table, key in ((access_event, "id"), (access_event_subject, "event_id")):
                within = (table.c[key] > first) & (table.c[key] <= first + _PART)
                for _ in connection.execute(sa.select(table).where(within).order_by(table.c[key])).all():
                    pass


def damage(changed: int, removed: int, hidden: int) -> Filled:
    """Change a byte of one event, remove another, and take the people from a third, as the database's owner could."""
    with _opened() as (_, engine, _ring), _unguarded(engine), writing(engine).begin() as connection:
        event, shown = access_event.c, access_event_subject.c
        done = (
            connection.execute(sa.update(access_event).where(event.id == changed).values(answer="yet")),
            connection.execute(sa.delete(access_event_subject).where(shown.event_id.in_([removed, hidden]))),
            connection.execute(sa.delete(access_event).where(event.id == removed)),
        )
        if not all(one.rowcount for one in done):
            raise BenchError("There was nothing to change.")
    return Filled(events=2, people=1)


def prove(event: int) -> Proven:
    """Prove one event, and that the last head continues the first."""
    with _opened() as (_, engine, ring):
        began = time.perf_counter()
        prove_event(engine, ring, event)
        event_s = time.perf_counter() - began
        began = time.perf_counter()
        prove_consistency(engine, ring, 1)
        return Proven(event_s=event_s, consistency_s=time.perf_counter() - began)


def insert(rounds: int, each: int) -> Inserted:
    """Write events as answers do, in turns without triggers, with them, and with a seal beside; the median of the rounds."""
    plain, guarded, sealing = [], [], []
    with _opened() as (settings, engine, ring):
        _timed(settings, engine, each)
        for _ in range(rounds):
            with _unguarded(engine):
                plain.append(_timed(settings, engine, each))
            guarded.append(_timed(settings, engine, each))
            with _sealing(settings, engine, ring):
                sealing.append(_timed(settings, engine, each))
    middle = statistics.median
    return Inserted(plain_ms=middle(plain), guarded_ms=middle(guarded), sealing_ms=middle(sealing))


def _timed(settings: Settings, engine: Engine, each: int) -> float:
    began = time.perf_counter()
    for number in range(each):
        record_access(
            engine,
            settings.access,
            _CALLER,
            purpose=_PURPOSE,
            action="verify",
            question={"licenceNumber": "LK-123"},
            answer="yes",
            practitioner_ids=[number + 1],
            request_id="bench",
        )
    return (time.perf_counter() - began) / each * 1000


@contextmanager
def _sealing(settings: Settings, engine: Engine, ring: KeyRing) -> Iterator[None]:
    """Seal every tenth of a second: six hundred times as often as in use."""
    ended, key = threading.Event(), signing_key(settings.ledger.signing_key)

    def work() -> None:
        while not ended.wait(0.1):
            seal(engine, key, ring, batch_events=settings.ledger.batch_events)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@contextmanager
def _unguarded(engine: Engine) -> Iterator[None]:
    """Take the triggers away until the block ends."""
    if engine.dialect.name == "postgresql":
        put_aside = [f"ALTER TABLE {table} DISABLE TRIGGER USER" for table in sorted(APPEND_ONLY)]
        put_back = [f"ALTER TABLE {table} ENABLE TRIGGER USER" for table in sorted(APPEND_ONLY)]
    else:
        with engine.connect() as connection:
            found = connection.exec_driver_sql(
                "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
            ).all()
        put_aside = [f"DROP TRIGGER {name}" for name, _ in found]
        put_back = [text for _, text in found]
    _all(engine, put_aside)
    try:
        yield
    finally:
        _all(engine, put_back)


def _all(engine: Engine, statements: list[str]) -> None:
    with writing(engine).begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
