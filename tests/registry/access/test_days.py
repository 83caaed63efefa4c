"""Days of the log that are over, as counts: the same answer as from the events, whatever was counted when and by whom; on each database."""

import itertools
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from threading import Barrier, Event
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.access import days
from registry.access.days import count_days
from registry.access.patterns import TooManyEventsError, patterns
from registry.access.tables import access_day, access_day_use, access_event, metadata
from registry.database import open_database
from registry.settings import load_settings
from tests.registry.access.test_patterns import FIRST, ONE, OTHER, event, write

LAST = FIRST + timedelta(days=9)
TABLES = (access_day_use, access_day)


@pytest.fixture
def engine(each_database: str) -> Iterator[sa.Engine]:
    made = open_database(each_database, load_settings({}).database, service=False)
    metadata.create_all(made)
    yield made
    made.dispose()


def morning(day: date, hour: int = 3) -> datetime:
    """A time of the day after, at which the day is over."""
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC) + timedelta(days=1)


def counted(engine: sa.Engine) -> list[date]:
    with engine.connect() as connection:
        return sorted(connection.scalars(sa.select(access_day.c.day)))


def rows(engine: sa.Engine) -> list[list[tuple[Any, ...]]]:
    with engine.connect() as connection:
        return [sorted(map(tuple, connection.execute(sa.select(table)))) for table in TABLES]


def alike(engine: sa.Engine, begin: date = FIRST, end: date = LAST) -> None:
    assert patterns(engine, begin, end, least=2, from_counts=True) == patterns(engine, begin, end, least=2)


_EVENTS = st.lists(
    st.builds(
        event,
        st.integers(0, 9).map(lambda n: FIRST + timedelta(days=n)),
        st.sampled_from(["", ONE, OTHER]),
        st.integers(0, 23),
        subject=st.sampled_from("abc"),
        client_id=st.sampled_from(["", "system"]),
        purpose=st.sampled_from(["employment", "recruitment"]),
        action=st.sampled_from(["verify", "search"]),
        answer=st.sampled_from(["yes", "no", "17", "18", "", "not found"]),
    ),
    max_size=40,
)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    events=_EVENTS,
    looked=st.lists(st.tuples(st.integers(-1, 10), st.integers(1, 4)), max_size=4),
    cut=st.data(),
)
def test_counts_and_the_events_of_other_days_tell_what_the_events_tell(
    engine: sa.Engine, events: list[dict[str, object]], looked: list[tuple[int, int]], cut: st.DataObject
) -> None:
    with engine.begin() as connection:
        for table in (*TABLES, access_event):
            connection.execute(table.delete())
    # As a log grows, but for what a busy machine commits a little out of order.
    events = sorted(events, key=lambda one: str(one["at"]))
    if events:
        write(engine, events)
    for back, most in looked:
        count_days(engine, morning(FIRST + timedelta(days=back)), Event(), most=most)
        alike(engine)
    begin, end = sorted(cut.draw(st.tuples(st.integers(-2, 11), st.integers(-2, 11))))
    alike(engine, FIRST + timedelta(days=begin), FIRST + timedelta(days=end))


def test_days_are_counted_when_nothing_of_them_is_on_its_way_the_newest_first(engine: sa.Engine) -> None:
    assert count_days(engine, morning(LAST), Event(), most=99) == 0
    write(engine, [event(FIRST), event(FIRST + timedelta(days=3), hour=23)])
    third = FIRST + timedelta(days=3)
    assert count_days(engine, morning(third, hour=1), Event(), most=1) == 1
    assert counted(engine) == [FIRST + timedelta(days=2)]
    assert count_days(engine, morning(third, hour=2), Event(), most=2) == 2
    assert counted(engine) == [FIRST + timedelta(days=n) for n in (1, 2, 3)]
    assert count_days(engine, morning(third), Event(), most=99) == 1
    assert count_days(engine, morning(third), Event(), most=99) == 0
    assert counted(engine) == [FIRST + timedelta(days=n) for n in range(4)]
    alike(engine)


def test_whoever_is_told_to_stop_ends_after_a_day(engine: sa.Engine) -> None:
    write(engine, [event(FIRST)])
    stop = Event()
    stop.set()
    assert count_days(engine, morning(LAST), stop, most=99) == 0
    assert counted(engine) == []


def test_a_day_that_was_being_counted_as_a_process_died_is_counted_anew(
    engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(engine, [event(FIRST, organisation=f"21200000{n:02}", subject=str(n)) for n in range(7)])
    monkeypatch.setattr(days, "_ROWS", 2)

    class KilledError(BaseException):
        """As nothing that could be handled."""

    for step in itertools.count(1):
        told = itertools.count(1)

        def die(*told_of: object, step: int = step, told: Iterator[int] = told) -> None:
            # Reading changes nothing.
            if not any(str(one).startswith("SELECT") for one in told_of) and next(told) == step:
                raise KilledError

        for moment in ("before_cursor_execute", "commit"):
            sa.event.listen(engine, moment, die)
        try:
            done = count_days(engine, morning(FIRST), Event(), most=1)
        except KilledError:
            done = 0
        finally:
            for moment in ("before_cursor_execute", "commit"):
                sa.event.remove(engine, moment, die)
        if done:
            break
        assert rows(engine) == [[], []]
        alike(engine)
    assert step > 4
    assert counted(engine) == [FIRST]
    assert len(patterns(engine, FIRST, FIRST, from_counts=True).uses) == 7
    alike(engine)


def test_several_who_count_the_same_days_count_each_once(engine: sa.Engine) -> None:
    write(engine, [event(FIRST + timedelta(days=n // 20), subject=f"s{n}") for n in range(200)])
    together = Barrier(4)

    def count() -> int:
        together.wait()
        return count_days(engine, morning(LAST), Event(), most=99)

    with ThreadPoolExecutor(4) as pool:
        done = [one.result() for one in [pool.submit(count) for _ in range(4)]]
    assert sum(done) == 10
    alike(engine)


def test_days_that_are_counted_cost_none_of_what_may_be_read(engine: sa.Engine) -> None:
    write(engine, [event(FIRST) for _ in range(20)] + [event(LAST)])
    with pytest.raises(TooManyEventsError, match="no worker has counted"):
        patterns(engine, FIRST, LAST, most=10, from_counts=True)
    count_days(engine, morning(FIRST), Event(), most=1)
    assert patterns(engine, FIRST, LAST, most=10, from_counts=True).events == 21
    with pytest.raises(TooManyEventsError):
        patterns(engine, FIRST, LAST, most=10)


def test_nobody_is_asked_for_twice_nor_named_who_was_looked_up(engine: sa.Engine) -> None:
    write(engine, [event(FIRST, question='{"licenceNumber":"JAKT-1"}') for _ in range(3)])
    count_days(engine, morning(FIRST), Event(), most=1)
    [[(on, organisation, text)], _] = rows(engine)
    used = msgspec.json.decode(text)
    callers = used.pop("callers")
    assert (on, organisation, used) == (
        FIRST,
        ONE,
        {"purposes": {"employment": 3}, "actions": {"verify": 3}, "answers": {"yes": 3}},
    )
    assert len(callers) == 1
    assert re.fullmatch("[0-9a-f]{16}", callers[0])
