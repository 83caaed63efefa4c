"""Refusals kept as counts: by day and caller, bounded, written seldom, and never lost to a database that is down for a while."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest
import sqlalchemy as sa

from registry.access.caller import Caller
from registry.access.refusals import OTHERS, Refusals, refused_between
from registry.access.tables import access_refusal, metadata
from registry.database import open_database
from registry.settings import ROOT, Oversight, load_settings
from tests.support.waiting import until

DAY = date(2026, 10, 1)
ALL = (date.min, date.max)


@pytest.fixture
def engine(each_database: str) -> Iterator[sa.Engine]:
    made = open_database(each_database, load_settings({}).database, service=True)
    metadata.create_all(made)
    yield made
    made.dispose()


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 10, 1, 23, 59, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


def settings(**other: float) -> Oversight:
    """The shipped ones, written only when told."""
    shipped = load_settings({}).checks.oversight
    return msgspec.structs.replace(shipped, **{"refusals_every_s": 3600.0, **other})


def caller(n: int = 1, organisation: str = "2120000142") -> Caller:
    return Caller("https://idp.example", f"sub-{n}", client_id=f"client-{n}", organisation=organisation)


def kept(engine: sa.Engine) -> list[tuple[date, str, str, str, int]]:
    with engine.connect() as connection:
        return [
            (one.day, one.kind, one.organisation, one.client_id, one.count)
            for one in refused_between(connection, *ALL)
        ]


def test_refusals_are_counted_by_day_and_by_who(engine: sa.Engine) -> None:
    clock = Clock()
    first, second = Refusals(engine, settings(), clock), Refusals(engine, settings(), clock)
    for each in (first, first, second):
        each.add("insufficient-scope", caller())
    first.add("invalid-token", issuer="https://idp.example")
    assert kept(engine) == [], "nothing is written at the request"
    clock.now += timedelta(minutes=2)
    first.add("insufficient-scope", caller())
    for each in (first, second, first):
        each.write()
    assert kept(engine) == [
        (DAY, "insufficient-scope", "2120000142", "client-1", 3),
        (DAY, "invalid-token", "", "", 1),
        (DAY + timedelta(days=1), "insufficient-scope", "2120000142", "client-1", 1),
    ]
    with engine.connect() as connection:
        assert len(refused_between(connection, DAY, DAY)) == 2
        (other,) = (one for one in refused_between(connection, DAY, DAY) if not one.organisation)
    assert other.issuer == "https://idp.example"


def test_what_is_kept_for_a_day_is_bounded_whoever_comes(engine: sa.Engine) -> None:
    """In memory and in the table, by several processes together; everyone is counted, by kind at least."""
    bounded = settings(refusal_rows_per_day=5)
    several = [Refusals(engine, bounded, Clock()) for _ in range(3)]
    for place, one in enumerate(several):
        for n in range(20):
            one.add("not-shown" if n % 2 else "forbidden", caller(100 * place + n))
    for one in several:
        one.write()
    rows = kept(engine)
    apart = [row for row in rows if row[2] != OTHERS]
    assert len(apart) == 5
    assert {row[1] for row in rows if row[2] == OTHERS} == {"forbidden", "not-shown"}
    assert sum(row[-1] for row in rows) == 60
    # Whoever has a row goes on being counted there.
    known = int(apart[0][3].removeprefix("client-"))
    several[0].add(apart[0][1], caller(known))
    several[0].write()
    assert sum(row[-1] for row in kept(engine) if row[3] == apart[0][3]) == apart[0][-1] + 1


def test_processes_that_write_at_once_lose_nothing_and_keep_the_bound(engine: sa.Engine) -> None:
    several = [Refusals(engine, settings(refusal_rows_per_day=6), Clock()) for _ in range(4)]
    for place, one in enumerate(several):
        for n in range(4):
            one.add("forbidden", caller(n))
            one.add("forbidden", caller(10 * (place + 1) + n))
    start = threading.Barrier(4)

    def write(one: Refusals) -> None:
        start.wait()
        one.write()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, several))
    rows = kept(engine)
    assert sum(row[-1] for row in rows) == 32
    assert len([row for row in rows if row[2] != OTHERS]) == 6


def test_it_is_written_by_itself(engine: sa.Engine) -> None:
    Refusals(engine, settings(refusals_every_s=0.01), Clock()).add("forbidden", caller())
    until(lambda: len(kept(engine)) == 1)


_COUNTS_AND_ENDS = """
import sys
from registry.access.refusals import Refusals
from registry.database import open_database
from registry.settings import load_settings
shipped = load_settings({})
refusals = Refusals(open_database(sys.argv[1], shipped.database, service=True), shipped.checks.oversight)
for _ in range(3):
    refusals.add("forbidden")
"""


def test_a_process_that_ends_writes_what_it_has_and_waits_for_nothing(
    engine: sa.Engine, each_database: str
) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _COUNTS_AND_ENDS, each_database], check=True, cwd=ROOT, capture_output=True
    )
    assert (ended.stdout, ended.stderr) == (b"", b"")
    assert [row[1:] for row in kept(engine)] == [("forbidden", "", "", 3)]


def test_what_could_not_be_written_is_written_later(engine: sa.Engine) -> None:
    refusals = Refusals(engine, settings(), Clock())
    refusals.add("forbidden", caller())
    access_refusal.drop(engine)
    refusals.write()
    access_refusal.create(engine)
    refusals.add("forbidden", caller())
    refusals.write()
    assert [row[-1] for row in kept(engine)] == [2]


def test_a_child_does_not_write_what_its_parent_counted(engine: sa.Engine) -> None:
    refusals = Refusals(engine, settings(), Clock())
    refusals.add("forbidden", caller())
    refusals.after_fork()
    refusals.write()
    assert kept(engine) == []


def test_nothing_that_may_be_a_personal_number_is_kept(engine: sa.Engine) -> None:
    refusals = Refusals(engine, settings(), Clock())
    refusals.add("forbidden", Caller("i", "198507099805", client_id="x 19850709-9805"))
    refusals.add("forbidden", Caller("i", "s", client_id="y" * 5000))
    refusals.write()
    told = repr(kept(engine))
    assert "9805" not in told
    assert len(told) < 700
