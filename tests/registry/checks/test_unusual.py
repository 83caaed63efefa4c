"""Unusual callers: noticed, slowed, reported and listed; honest use is not."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from registry.access.caller import Caller
from registry.checks import quota, unusual
from registry.checks.desk import Desk
from registry.checks.ids import new_id
from registry.checks.numbers import Numbers
from registry.checks.owner import owner_of
from registry.checks.tables import check_evidence, check_unusual
from registry.checks.unusual import ListFigures
from registry.settings import Unusual
from tests.registry.checks.asking import ask


@pytest.fixture(autouse=True)
def _looks_at_once(monkeypatch: pytest.MonkeyPatch, desk: Desk) -> Iterator[None]:
    """Every check is looked at, and other processes are believed at once."""
    monkeypatch.setattr(unusual, "LOOK_EVERY", 1)
    monkeypatch.setattr(unusual, "LOOK_EVERY_S", 0.0)
    yield
    with desk.access.execution_options(registry_write=True).begin() as connection:
        connection.execute(check_unusual.delete())


def _asked(
    desk: Desk,
    caller: Caller,
    rows: Sequence[dict[str, Any]],
    *,
    minutes_ago: float = 5,
) -> None:
    """Put evidence of checks into the table, as it stands after them."""
    if not rows:
        return
    at = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    with desk.access.execution_options(registry_write=True).begin() as connection:
        last = connection.scalar(sa.select(sa.func.max(check_evidence.c.event_id))) or 0
        plain = {
            "owner": owner_of(caller),
            "organisation": caller.organisation,
            "issuer": caller.issuer,
            "subject": caller.subject,
            "client_id": caller.client_id,
            "created_at": at,
            "purpose": "recruitment",
            "reference": "",
            "verdict": "ask",
            "outcome": "found",
            "rule_version": "x",
            "practitioner_id": None,
            "asked_number": None,
            "answer": b"",
            "question": b"",
        }
        connection.execute(
            check_evidence.insert(),
            [
                {**plain, **row, "event_id": last + 1_000_000 + place, "id": new_id("ver")}
                for place, row in enumerate(rows)
            ],
        )


def _notice(desk: Desk, caller: Caller, settings: Unusual | None = None) -> list[str]:
    return list(unusual.notice(desk.access, settings or desk.settings.checks.unusual, caller, time.time()))


MISSES = [{"outcome": "notFound"}] * 100
PEOPLE = [{"practitioner_id": number} for number in range(3000)]
IN_A_ROW = [{"asked_number": 500_000 + number * 7 % 31} for number in range(31)]


@pytest.mark.parametrize(
    ("rows", "kinds"),
    [
        (MISSES, ["not-found"]),
        (PEOPLE, ["people"]),
        (IN_A_ROW, ["consecutive"]),
        ([{"outcome": "mismatch"}] * 50 + [{"outcome": "ambiguous"}] * 50, ["not-found"]),
        ([{"outcome": "mismatch", "practitioner_id": 7}] * 5, ["guesses"]),
        ([{"outcome": "mismatch", "practitioner_id": one} for one in (1, 2, 3, 4, 1, 2, 3, 4)], []),
        ([*MISSES, *IN_A_ROW], ["not-found", "consecutive"]),
        # Honest: a mistyped list has some misses, numbers of a class have gaps, the same people are asked about again.
        (MISSES[:99], []),
        ([*MISSES, *[{"practitioner_id": number} for number in range(101)]], []),
        (PEOPLE[:-1], []),
        ([{"practitioner_id": number % 900} for number in range(4000)], []),
        (IN_A_ROW[:-5], []),
        ([{"asked_number": number * 2} for number in range(500)], []),
        ([{"asked_number": 7}] * 60, []),
        ([], []),
    ],
)
def test_what_is_unusual(desk: Desk, caller: Caller, rows: list[dict[str, Any]], kinds: list[str]) -> None:
    _asked(desk, caller, rows)
    assert _notice(desk, caller) == kinds


@pytest.mark.parametrize(
    ("figures", "kinds"),
    [
        (ListFigures(rows=900, missed=500, in_a_row=3, guesses=0), ["list-not-found"]),
        (ListFigures(rows=1001, missed=500, in_a_row=99, guesses=4), []),
        (ListFigures(rows=499, missed=499, in_a_row=1, guesses=0), []),
        (ListFigures(rows=5000, missed=10, in_a_row=100, guesses=5), ["list-consecutive", "list-guesses"]),
    ],
)
def test_what_is_unusual_of_a_staff_list(
    desk: Desk, caller: Caller, figures: ListFigures, kinds: list[str]
) -> None:
    settings = desk.settings.checks.unusual
    assert list(unusual.notice_list(desk.access, settings, caller, figures, time.time())) == kinds
    # It is told once.
    assert not unusual.notice_list(desk.access, settings, caller, figures, time.time())


def test_a_caller_who_is_slowed_has_a_tenth_of_the_rows_of_lists_too(desk: Desk, caller: Caller) -> None:
    checks, figures = desk.settings.checks, ListFigures(rows=900, missed=900, in_a_row=0, guesses=0)
    before = {one.name: one.limit for one in quota.take(desk.access, checks, caller, "list-rows", 0)}
    unusual.notice_list(desk.access, checks.unusual, caller, figures, time.time())
    slowed = [one.limit for one in quota.take(desk.access, checks, caller, "list-rows", 0)]
    assert slowed == [before["list-rows-per-day"] // 10, before["list-rows-per-day"]]


def test_numbers_that_follow_each_other_are_counted_in_any_order_once() -> None:
    seen = Numbers()
    for one in ("A-12", "RN 10", "11", "11", "900101-9810", None, "x", "30", "31"):
        seen.add(one)
    assert seen.longest == 3
    assert Numbers().longest == 0


def test_what_was_asked_before_the_window_or_by_others_does_not_count(desk: Desk, caller: Caller) -> None:
    _asked(desk, caller, MISSES, minutes_ago=61)
    _asked(desk, replace(caller, subject="colleague"), MISSES)
    assert _notice(desk, caller) == []


def test_a_bound_can_be_switched_off(desk: Desk, caller: Caller) -> None:
    _asked(desk, caller, [*MISSES, *IN_A_ROW])
    off = msgspec.structs.replace(desk.settings.checks.unusual, not_found=0, people=0, consecutive=0)
    assert _notice(desk, caller, off) == []
    assert unusual.slowed_until(desk.access, off, caller, time.time()) == 0


def test_it_is_logged_and_listed_once_and_the_caller_is_slowed(desk: Desk, caller: Caller) -> None:
    _asked(desk, caller, MISSES)
    settings, now = desk.settings.checks.unusual, time.time()
    assert unusual.slowed_until(desk.access, settings, caller, now) <= now
    with capture_logs() as logs:
        assert _notice(desk, caller) == ["not-found"]
        assert _notice(desk, caller) == []
    (line,) = logs
    assert (line["event"], line["kind"], line["seen"], line["bound"]) == (
        "unusual_checks",
        "not-found",
        100,
        100,
    )
    assert line["organisation"] == caller.organisation
    until = unusual.slowed_until(desk.access, settings, caller, now)
    assert until == pytest.approx(now + settings.slow_minutes * 60, abs=30)
    with desk.access.connect() as connection:
        (row,) = unusual.listed(connection)
        assert unusual.standing(connection, datetime.now(UTC)) == {"not-found": 1}
    assert (row.kind, row.subject, row.closed_at) == ("not-found", caller.subject, None)


def test_an_officer_who_finds_it_honest_ends_it_and_it_is_not_noticed_again_meanwhile(
    desk: Desk, caller: Caller
) -> None:
    _asked(desk, caller, MISSES)
    _notice(desk, caller)
    with desk.access.execution_options(registry_write=True).begin() as connection:
        (row,) = unusual.listed(connection)
        assert unusual.close(connection, row.id, datetime.now(UTC)) is True
        assert unusual.close(connection, row.id, datetime.now(UTC)) is False
    now = time.time()
    assert unusual.slowed_until(desk.access, desk.settings.checks.unusual, caller, now) <= now
    assert _notice(desk, caller) == []
    with desk.access.connect() as connection:
        assert unusual.standing(connection, datetime.now(UTC)) == {}
        assert unusual.listed(connection)[0].closed_at is not None


def test_checks_are_watched_as_they_are_made(
    desk: Desk, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    low = msgspec.structs.replace(desk.settings.checks.unusual, consecutive=4)
    monkeypatch.setattr(
        desk,
        "settings",
        msgspec.structs.replace(
            desk.settings, checks=msgspec.structs.replace(desk.settings.checks, unusual=low)
        ),
    )
    for number in ("RN-5003", "RN-5001", "RN-5002"):
        ask(desk, caller, number)
    with desk.access.connect() as connection:
        assert unusual.listed(connection) == []
    ask(desk, caller, "RN-5004")
    with desk.access.connect() as connection:
        (row,) = unusual.listed(connection)
    assert (row.kind, row.seen, row.bound) == ("consecutive", 4, 4)


def test_a_process_does_not_look_at_every_check(
    desk: Desk, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unusual, "LOOK_EVERY", 3)
    _asked(desk, caller, MISSES)
    settings, now = desk.settings.checks.unusual, time.time()
    found = [list(unusual.watch(desk.access, settings, caller, now)) for _ in range(4)]
    assert found == [[], [], ["not-found"], []]
