"""What a privacy officer sees: counts by organisation, and days that stand out; on each database."""

import json
import statistics
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from registry.access.patterns import MAX_DAYS, TooManyEventsError, bound_of, patterns
from registry.access.refusals import OTHERS
from registry.access.tables import access_event, access_refusal, metadata
from registry.cli import main
from registry.database import open_database
from registry.errors import BadRequestError
from registry.settings import load_settings

FIRST = date(2026, 10, 1)
ONE, OTHER = "2120000142", "2321000131"


@pytest.fixture
def engine(each_database: str) -> Iterator[sa.Engine]:
    made = open_database(each_database, load_settings({}).database, service=False)
    metadata.create_all(made)
    yield made
    made.dispose()


def event(day: date, organisation: str = ONE, hour: int = 12, **rest: object) -> dict[str, object]:
    return {
        "at": datetime(day.year, day.month, day.day, hour, tzinfo=UTC),
        "issuer": "https://idp.example",
        "subject": "a",
        "client_id": "",
        "organisation": organisation,
        "purpose": "employment",
        "action": "verify",
        "question": "{}",
        "answer": "yes",
        "request_id": "r",
        **rest,
    }


def write(engine: sa.Engine, events: list[dict[str, object]]) -> None:
    with engine.begin() as connection:
        connection.execute(access_event.insert(), events)


def month(**peaks: int) -> list[dict[str, object]]:
    """Thirty days of some 40 events of one organisation, with peaks (`d12=500`)."""
    days = [FIRST + timedelta(days=n) for n in range(30)]
    return [
        event(day, subject=f"s{n % 3}")
        for place, day in enumerate(days)
        for n in range(peaks.get(f"d{place}", 36 + place % 9))
    ]


def test_what_organisations_asked_is_counted(engine: sa.Engine) -> None:
    write(
        engine,
        [
            event(FIRST),
            event(FIRST, subject="b", answer="no"),
            event(FIRST, client_id="system", purpose="recruitment", action="search", answer="17"),
            event(FIRST, OTHER, answer="consent code refused"),
            event(FIRST, "", action="read", answer="not found"),
        ],
    )
    found = patterns(engine, FIRST, FIRST)
    assert found.events == 5
    first, *others = found.uses
    assert (first.organisation, first.events, first.callers) == (ONE, 3, 3)
    assert first.by_purpose == {"employment": 2, "recruitment": 1}
    assert first.by_action == {"verify": 2, "search": 1}
    assert first.by_answer == {"no": 1, "yes": 1}
    assert [(one.organisation, one.by_answer) for one in others] == [
        ("", {"not found": 1}),
        (OTHER, {"consent code refused": 1}),
    ]
    assert found.outliers == []


def test_only_the_days_asked_for_count(engine: sa.Engine) -> None:
    """To the second at both ends, also where events were committed late and stand out of order."""
    edges = [
        event(FIRST - timedelta(days=1), hour=23),
        event(FIRST, hour=0),
        event(FIRST + timedelta(days=1), hour=23),
        event(FIRST + timedelta(days=2), hour=0),
        event(FIRST + timedelta(days=1), hour=23),
        event(FIRST + timedelta(days=3), hour=1),
    ]
    write(engine, edges)
    assert patterns(engine, FIRST, FIRST + timedelta(days=1)).events == 3
    assert patterns(engine, FIRST - timedelta(days=1), FIRST + timedelta(days=3)).events == 6
    assert patterns(engine, FIRST - timedelta(days=30), FIRST - timedelta(days=2)).events == 0


def test_an_empty_log_has_no_patterns(engine: sa.Engine) -> None:
    found = patterns(engine, FIRST, FIRST)
    assert (found.events, found.uses, found.outliers) == (0, [], [])


def test_a_day_that_stands_out_is_named_and_ordinary_ones_are_not(engine: sa.Engine) -> None:
    write(engine, [*month(d12=500), *(event(FIRST + timedelta(days=3), OTHER) for _ in range(49))])
    found = patterns(engine, FIRST, FIRST + timedelta(days=29))
    (one,) = found.outliers
    assert (one.organisation, one.day, one.events) == (ONE, FIRST + timedelta(days=12), 500)
    assert 36 <= one.usual <= 44
    assert one.usual < one.bound < 120


def test_whoever_never_asks_and_asks_much_on_one_day_stands_out(engine: sa.Engine) -> None:
    write(engine, [event(FIRST + timedelta(days=3), OTHER) for _ in range(60)])
    (one,) = patterns(engine, FIRST, FIRST + timedelta(days=29)).outliers
    assert (one.organisation, one.usual) == (OTHER, 0)


def refuse(engine: sa.Engine, *rows: tuple[date, str, str, str, int]) -> None:
    """Rows of (day, kind, organisation, client, count)."""
    names = ("day", "kind", "organisation", "client_id", "count")
    with engine.begin() as connection:
        made = [{**dict(zip(names, row, strict=True)), "issuer": "https://idp.example"} for row in rows]
        connection.execute(access_refusal.insert(), made)


def test_who_was_refused_is_told_and_a_day_of_refusals_that_stands_out(engine: sa.Engine) -> None:
    days = [FIRST + timedelta(days=n) for n in range(30)]
    refuse(
        engine,
        *((day, "insufficient-scope", ONE, "ward", 3 + n % 2) for n, day in enumerate(days)),
        (days[12], "too-many-requests", ONE, "ward", 400),
        (days[12], "not-shown", ONE, "other", 1),
        (days[3], "invalid-token", "", "", 49),
        (FIRST - timedelta(days=1), "forbidden", OTHER, "late", 7),
        (FIRST + timedelta(days=30), "forbidden", OTHER, "early", 7),
    )
    found = patterns(engine, FIRST, days[-1])
    assert (found.events, found.outliers) == (0, [])
    assert found.refused == 105 + 400 + 1 + 49
    assert [(one.organisation, one.client_id, one.refused) for one in found.attempts] == [
        (ONE, "ward", 505),
        ("", "", 49),
        (ONE, "other", 1),
    ]
    assert found.attempts[0].by_kind == {"too-many-requests": 400, "insufficient-scope": 105}
    (one,) = found.refused_outliers
    assert (one.organisation, one.day, one.events) == (ONE, days[12], 404)
    assert 3 <= one.usual <= 4


def test_more_events_than_may_be_read_are_refused_before_one_is(engine: sa.Engine) -> None:
    write(engine, [event(FIRST) for _ in range(20)])
    write(engine, [event(FIRST + timedelta(days=5)) for _ in range(20)])
    with pytest.raises(TooManyEventsError, match="Give fewer days"):
        patterns(engine, FIRST, FIRST + timedelta(days=5), most=38)
    assert patterns(engine, FIRST, FIRST + timedelta(days=5), most=41).events == 40
    assert patterns(engine, FIRST, FIRST, most=21).events == 20


@pytest.mark.parametrize("days", [0, -1, MAX_DAYS + 1])
def test_a_stretch_that_is_none_or_too_long_is_refused(engine: sa.Engine, days: int) -> None:
    with pytest.raises(BadRequestError, match="from 1 to 92 days"):
        patterns(engine, FIRST, FIRST + timedelta(days=days - 1))


@pytest.mark.parametrize("day", [date.min, date.max])
def test_days_in_which_nobody_can_have_asked_are_refused(engine: sa.Engine, day: date) -> None:
    with pytest.raises(BadRequestError, match="from the year 2000"):
        patterns(engine, day, day)


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=90), st.floats(1, 20))
def test_a_day_like_the_others_never_stands_out(others: list[int], deviations: float) -> None:
    usual, bound = bound_of(others, deviations)
    assert usual == statistics.median(others)
    assert bound > usual
    assert bound_of([one + 1 for one in others], deviations)[1] > bound
    assert bound_of(others, deviations + 1)[1] > bound


def test_beside_no_other_day_nothing_stands_out() -> None:
    assert bound_of([], 6.0)[1] == float("inf")


def test_the_command_tells_it_to_people_and_programs(
    engine: sa.Engine, each_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(engine, month(d12=500))
    refuse(engine, (FIRST, "not-shown", ONE, "ward", 60), (FIRST, "forbidden", OTHERS, OTHERS, 2))
    monkeypatch.setenv("REGISTRY_SERVICE__SANDBOX", "true")
    monkeypatch.setenv("REGISTRY_DATABASE__ACCESS_URL", each_database)
    words = ["log", "patterns", "--from", "2026-10-01", "--to", "2026-10-30"]
    told = CliRunner().invoke(main, words)
    assert told.exit_code == 0, told.output
    assert "STANDS OUT: 2120000142 on 2026-10-13: 500 events" in told.output
    assert "by 3 callers; employment" in told.output
    assert "62 refused attempts." in told.output
    assert "client ward, issuer https://idp.example: refused 60 times; not-shown 60" in told.output
    assert "others, not counted apart" in told.output
    assert "STANDS OUT: 2120000142 was refused 60 times on 2026-10-01" in told.output
    found = json.loads(CliRunner().invoke(main, [*words, "--json"]).stdout)
    assert found["outliers"][0]["day"] == "2026-10-13"
    assert found["attempts"][0]["by_kind"] == {"not-shown": 60}
    quiet = CliRunner().invoke(main, ["log", "patterns", "--from", "2026-09-01"])
    assert "No day stands out." in quiet.output
    wrong = CliRunner().invoke(main, ["log", "patterns", "--from", "2026-10-02", "--to", "2026-10-01"])
    assert (wrong.exit_code, "the first day first" in wrong.output) == (1, True)
