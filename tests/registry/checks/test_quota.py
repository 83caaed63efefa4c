"""Quotas: never more than the limit across threads, processes and machines; clear refusals; slowed callers."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import msgspec
import pytest
import sqlalchemy as sa

from registry.access.caller import Caller
from registry.checks import unusual
from registry.checks.desk import Desk
from registry.checks.errors import QuotaExceededError
from registry.checks.owner import owner_of
from registry.checks.quota import QuotaState, limits_of, take
from registry.checks.tables import check_quota
from registry.errors import BadRequestError
from registry.settings import Checks, OwnQuotas, Quotas, Settings, Unusual
from registry.verification.question import Question
from tests.registry.checks.asking import ask, events, with_checks

NOON = 22_000 * 86_400 + 43_200.0  # a full minute, and noon in UTC, of a day to come


def _checks(desk: Desk, *, minute: int = 5, day: int = 1000, rows: int = 100) -> Checks:
    quotas = Quotas(checks_per_minute=minute, checks_per_day=day, list_rows_per_day=rows)
    return with_checks(desk.settings, quotas=quotas).checks


def _spend(desk: Desk, checks: Checks, caller: Caller, tries: int, at: float = NOON) -> int:
    """Take until refused or `tries` are through; return how many were given."""
    given = 0
    for _ in range(tries):
        try:
            take(desk.access, checks, caller, "checks", clock=lambda: at)
        except QuotaExceededError:
            continue
        given += 1
    return given


def test_what_is_left_is_told(desk: Desk, caller: Caller) -> None:
    minute, day = take(desk.access, _checks(desk), caller, "checks", clock=lambda: NOON + 18)
    assert minute == QuotaState("checks-per-minute", 5, 60, 4, 42, owner_of(caller), int(NOON))
    assert (day.name, day.limit, day.window_s, day.reset_s) == ("checks-per-day", 1000, 86_400, 43_182)
    assert day.remaining == 999


def test_a_used_up_quota_says_which_when_and_what_is_left(desk: Desk, caller: Caller) -> None:
    checks = _checks(desk)
    assert _spend(desk, checks, caller, 5) == 5
    with pytest.raises(QuotaExceededError) as refused:
        take(desk.access, checks, caller, "checks", clock=lambda: NOON + 50)
    assert refused.value.extra == {
        "quota": "checks-per-minute",
        "limit": 5,
        "remaining": 0,
        "retryAfter": 10,
    }
    assert _spend(desk, checks, caller, 9, NOON + 60) == 5, "the next minute has its own"


def test_the_day_has_a_quota_of_its_own(desk: Desk, caller: Caller) -> None:
    checks = _checks(desk, minute=5, day=7)
    given = [_spend(desk, checks, caller, 9, NOON + 60 * minute) for minute in range(3)]
    assert given == [5, 2, 0]
    assert _spend(desk, checks, caller, 9, NOON + 86_400) == 5


def test_organisations_have_their_own_and_colleagues_share(desk: Desk, caller: Caller) -> None:
    checks = _checks(desk)
    assert _spend(desk, checks, caller, 3) == 3
    assert _spend(desk, checks, replace(caller, subject="colleague"), 9) == 2
    assert _spend(desk, checks, replace(caller, organisation="5560000009"), 9) == 5
    assert _spend(desk, checks, replace(caller, organisation=""), 9) == 5


def test_an_organisation_may_have_other_limits(desk: Desk, caller: Caller) -> None:
    checks = with_checks(
        desk.settings, quotas_of={caller.organisation: OwnQuotas(checks_per_minute=2)}
    ).checks
    assert limits_of(checks, caller.organisation) == Quotas(
        checks_per_minute=2,
        checks_per_day=desk.settings.checks.quotas.checks_per_day,
        list_rows_per_day=desk.settings.checks.quotas.list_rows_per_day,
    )
    assert limits_of(checks, "other") == desk.settings.checks.quotas
    assert _spend(desk, checks, caller, 9) == 2


def test_rows_of_lists_are_taken_all_or_none(desk: Desk, caller: Caller) -> None:
    checks = _checks(desk, rows=100)
    for amount, left in ((60, 40), (30, 10)):
        (state,) = take(desk.access, checks, caller, "list-rows", amount, clock=lambda: NOON)
        assert (state.name, state.remaining) == ("list-rows-per-day", left)
    with pytest.raises(QuotaExceededError) as refused:
        take(desk.access, checks, caller, "list-rows", 11, clock=lambda: NOON)
    assert (refused.value.limit, refused.value.remaining) == (100, 10)
    take(desk.access, checks, caller, "list-rows", 10, clock=lambda: NOON)
    with pytest.raises(QuotaExceededError):
        take(desk.access, checks, caller, "list-rows", 1, clock=lambda: NOON)
    with pytest.raises(QuotaExceededError):
        take(desk.access, checks, replace(caller, organisation="x"), "list-rows", 101, clock=lambda: NOON)


def test_a_limit_of_nothing_refuses_everything(desk: Desk, caller: Caller) -> None:
    assert _spend(desk, _checks(desk, minute=0), caller, 3) == 0


@pytest.mark.parametrize("limit", [40, 1500])
def test_no_more_than_the_limit_is_given_to_many_workers_at_once(
    desk: Desk, caller: Caller, open_another: Callable[[Settings], Desk], limit: int
) -> None:
    # Four desks are four processes as far as quotas know: each has its own engine and its own leases.
    desks = [open_another(desk.settings) for _ in range(4)]
    checks = _checks(desk, minute=limit, day=10 * limit)
    with ThreadPoolExecutor(8) as threads:
        given = sum(threads.map(lambda place: _spend(desks[place % 4], checks, caller, limit // 4), range(8)))
    assert given <= limit
    # Below a hundred nothing is taken beforehand, so nothing is lost.
    assert given == limit if limit < 100 else given >= 0.9 * limit
    with desk.access.connect() as connection:
        used = connection.scalar(
            sa.select(check_quota.c.used).where(
                check_quota.c.owner == f"organisation {caller.organisation}",
                check_quota.c.kind == "checks-per-minute",
            )
        )
    assert used == limit


def test_a_clock_that_is_behind_opens_no_second_window(
    desk: Desk, caller: Caller, open_another: Callable[[Settings], Desk]
) -> None:
    checks = _checks(desk)
    assert _spend(desk, checks, caller, 9, NOON + 60) == 5
    assert _spend(open_another(desk.settings), checks, caller, 9, NOON) == 0


def test_a_refusal_is_remembered_and_costs_the_database_nothing(desk: Desk, caller: Caller) -> None:
    checks = _checks(desk)
    assert _spend(desk, checks, caller, 6) == 5
    asked: list[str] = []
    sa.event.listen(desk.access, "before_cursor_execute", lambda *args: asked.append(args[2]))
    try:
        assert _spend(desk, checks, caller, 20) == 0
    finally:
        desk.access.dispatch._clear()
    assert not [each for each in asked if "check_quota" in each]


def test_a_slowed_caller_has_a_share_and_the_colleagues_theirs(desk: Desk, caller: Caller) -> None:
    checks = _checks(desk, minute=50)
    settings = desk.settings.checks.unusual
    for _ in range(4):
        ask(desk, caller, "no-such")
    low = unusual.notice(desk.access, _low(settings), caller, NOON)
    assert low == ["not-found"]
    assert _spend(desk, checks, caller, 20, NOON + 60) == 5
    assert _spend(desk, checks, replace(caller, subject="colleague"), 60, NOON + 60) == 45


def _low(settings: Unusual) -> Unusual:
    return msgspec.structs.replace(settings, not_found=4, window_minutes=1e7)


def test_a_refused_check_asks_nothing_and_leaves_nothing(
    desk: Desk, caller: Caller, open_another: Callable[[Settings], Desk]
) -> None:
    quotas = Quotas(checks_per_minute=2, checks_per_day=2, list_rows_per_day=0)
    tight = open_another(with_checks(desk.settings, quotas=quotas))
    ask(tight, caller)
    ask(tight, caller)
    with pytest.raises(QuotaExceededError):
        ask(tight, caller)
    assert len(events(desk, caller)) == 2


def test_a_question_that_cant_be_answered_takes_nothing(desk: Desk, caller: Caller) -> None:
    def left() -> list[int]:
        return [one.remaining for one in take(desk.access, desk.settings.checks, caller, "checks", 0)]

    ask(desk, caller)
    before = left()
    for _ in range(3):
        with pytest.raises(BadRequestError):
            ask(desk, caller, question=Question(licence_number="RN-100.1", profession="no such"))
    assert left() == before
    ask(desk, caller)
    assert left() == [each - 1 for each in before]
