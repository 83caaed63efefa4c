"""Lists that have ended: every row has a result, of a day that is told, and what is kept follows who may be told of."""

import sqlite3
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime
from threading import Event

import pytest
import sqlalchemy as sa
from sqlalchemy import exc

from registry.access.tables import access_event
from registry.checks.desk import Desk
from registry.checks.lists import answers, forgetting, handling, queue
from registry.checks.lists.down import is_down
from registry.checks.lists.errors import ListStateError
from registry.checks.lists.tables import staff_list, staff_list_part, staff_list_row
from registry.checks.lists.work import Run
from registry.checks.lists.worker import Worker
from registry.database import writing
from registry.errors import BadRequestError, SearchUnavailableError
from registry.records import tables as t
from registry.verification.verify import Verifier
from tests.registry.checks.lists.conftest import Lists
from tests.registry.checks.lists.test_worker import HEADER, ROWS
from tests.support.waiting import until

NAMED = ["Ref", "Leg nr", "Namn", "Född"]
BY_NAME = [["1", "RN-100.1", "", ""], ["2", "", "Anna Lindqvist", "1980-05-03"], ["3", "LK-7", "", ""]]
Make = Callable[..., Lists]


def down(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let questions by name fail; return how many questions each try asks."""
    real, asked = Verifier.verify_many, []

    def verify_many(self: Verifier, questions: object, connection: sa.Connection, now: datetime) -> object:
        given = list(questions)  # type: ignore[call-overload]
        answered = real(self, given, connection, now)
        named = [i for i, each in enumerate(given) if each.name]
        if named:
            asked.append(len(named))
        for i in named:
            answered[i] = SearchUnavailableError()
        return answered

    monkeypatch.setattr(Verifier, "verify_many", verify_many)
    return asked


def protect(lists: Lists, key: str) -> None:
    with writing(lists.world.engine).begin() as connection:
        chosen = t.practitioner.c.id == lists.internal_id(key)
        connection.execute(sa.update(t.practitioner).where(chosen).values(protected=True))


def test_a_list_that_was_given_up_and_is_resumed_has_all_its_rows(
    small_lists: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    lists = small_lists(REGISTRY_CHECKS__LISTS__PART_ROWS="2", REGISTRY_CHECKS__LISTS__SEARCH_WAIT_S="0")
    rows = [*BY_NAME[:2], *BY_NAME]
    sent = lists.send(NAMED, *rows)
    mine = queue.claim(lists.desk.access, "me", 60)
    assert mine is not None
    part = queue.next_part(lists.desk.access, mine)
    assert part is not None
    with monkeypatch.context() as patch:
        down(patch)
        Run(lists.desk, mine, Event()).part(part)
    queue.fail(lists.desk.access, lists.desk.sealer, mine, "It failed.", 30)
    failed = lists.read(sent.id)
    assert (failed.state, failed.done, failed.retryable) == ("failed", 5, 1)
    assert failed.counts == {"foundYes": 1, "couldNotCheck": 4}
    again = handling.resume(lists.desk, lists.caller, sent.id)
    assert (again.state, again.done) == ("accepted", 4)
    lists.work()
    done = lists.read(sent.id)
    assert (done.state, done.done, done.counts) == ("done", 5, {"foundYes": 2, "couldNotCheck": 3})
    assert [each["row"] for each in lists.results(sent.id)] == [2, 3, 4, 5, 6]


def test_a_list_that_is_resumed_and_cancelled_keeps_a_result_for_every_row(
    small_lists: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    lists = small_lists(REGISTRY_CHECKS__LISTS__SEARCH_WAIT_S="0")
    sent = lists.send(NAMED, *BY_NAME)
    with monkeypatch.context() as patch:
        down(patch)
        lists.work()
    handling.resume(lists.desk, lists.caller, sent.id)
    cancelled = handling.cancel(lists.desk, lists.caller, sent.id)
    assert (cancelled.done, cancelled.counts) == (3, {"foundYes": 1, "foundNo": 1, "couldNotCheck": 1})
    assert [each["result"] for each in lists.results(sent.id)] == ["found", "couldNotCheck", "found"]
    assert lists.results(sent.id)[1]["reference"] == "2"


def test_a_list_with_rows_missing_is_never_done(small_lists: Make) -> None:
    lists = small_lists(REGISTRY_CHECKS__LISTS__PART_ROWS="2")
    sent = lists.send(HEADER, *ROWS)
    with writing(lists.desk.access).begin() as connection:
        connection.execute(sa.delete(staff_list_part).where(staff_list_part.c.number == 1))
    lists.work()
    assert (lists.read(sent.id).state, lists.read(sent.id).done) == ("failed", len(ROWS) - 2)
    assert "Send the list again" in lists.read(sent.id).error


def test_all_rows_are_of_the_day_the_list_was_sent(
    small_lists: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    lists = small_lists(REGISTRY_CHECKS__LISTS__SEARCH_WAIT_S="0")
    with monkeypatch.context() as patch:
        patch.setattr(Desk, "today", lambda _: date(2026, 2, 1))
        sent = lists.send(NAMED, *BY_NAME)
    assert sent.frame["day"] == "2026-02-01"
    with monkeypatch.context() as patch:
        down(patch)
        lists.work()
    with monkeypatch.context() as patch:
        patch.setattr(Desk, "today", lambda _: date(2026, 2, 21))
        handling.resume(lists.desk, lists.caller, sent.id)
    lists.work()
    assert [each["onDate"] for each in lists.results(sent.id)] == ["2026-02-01", "2026-02-21", "2026-02-01"]
    assert all(each["ruleVersion"] for each in lists.results(sent.id))
    assert b";2026-02-21;" in lists.file(sent.id)


def test_results_are_readable_when_their_purpose_is_gone(small_lists: Make) -> None:
    lists = small_lists()
    sent = lists.send(HEADER, *ROWS[:2])
    lists.work()
    with writing(lists.desk.access).begin() as connection:
        connection.execute(sa.update(staff_list).values(purpose="renamed"))
    assert [each["result"] for each in lists.results(sent.id)] == ["found", "found"]
    assert lists.events("evidence")[-1].purpose != "renamed"


def test_who_is_missing_from_the_register_is_not_forgotten(small_lists: Make) -> None:
    lists = small_lists()
    sent = lists.send(HEADER, *ROWS[:1], ROWS[3])
    lists.work()
    anna = lists.internal_id("anna")

    def tells_of(before: int, after: int) -> None:
        """Let what tells of one person tell of another: one whom an older copy of the register does not have."""
        person = staff_list_row.c.practitioner_id
        with writing(lists.desk.access).begin() as connection:
            connection.execute(
                sa.update(staff_list_row).where(person == before).values(practitioner_id=after)
            )

    tells_of(anna, 999_999)
    missing, other = lists.results(sent.id)
    assert (missing["result"], missing["errors"][0]["code"]) == ("couldNotCheck", "person-missing")
    assert (missing["practitioner"], other["result"]) == (None, "found")
    assert answers.current(lists.desk, lists.caller, sent.id).counts == {"foundYes": 1, "foundNo": 1}
    tells_of(999_999, anna)
    assert [each["result"] for each in lists.results(sent.id)] == ["found", "found"]


@pytest.mark.parametrize("few", [1000, 0])
def test_the_protected_are_forgotten_in_small_and_large_lists(
    lists: Lists, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(forgetting, "_FEW", few)
    sent = lists.send(HEADER, *ROWS[:4])
    lists.work()
    protect(lists, "anna")
    assert answers.current(lists.desk, lists.caller, sent.id).counts == {"foundNo": 1, "notFound": 3}
    (listed,) = answers.currently(lists.desk, lists.caller, [lists.read(sent.id)])
    assert listed.counts == {"foundNo": 1, "notFound": 3}


def kept_rows(lists: Lists, list_id: str) -> list[tuple[str, int | None]]:
    """What the table holds of a list's rows, as whoever reads it without the service sees it."""
    row = staff_list_row.c
    query = sa.select(row.result, row.practitioner_id).where(row.list_id == list_id).order_by(row.row)
    with lists.desk.access.connect() as connection:
        return [(result, person) for result, person in connection.execute(query)]


def test_a_worker_lets_lists_forget_the_protected_that_nobody_opens(lists: Lists) -> None:
    sent = lists.send(HEADER, *ROWS[:4])
    lists.work()
    assert kept_rows(lists, sent.id)[0][1] == lists.internal_id("anna")
    protect(lists, "anna")
    worker = Worker(lists.new_desk())
    thread = threading.Thread(target=worker.run)
    thread.start()
    until(lambda: kept_rows(lists, sent.id)[0] == ("notFound", None))
    worker.stop.set()
    thread.join(timeout=60)
    assert not thread.is_alive()


def test_a_sweep_looks_at_each_list_once_and_again_when_others_are_protected(lists: Lists) -> None:
    sent = lists.send(HEADER, *ROWS[:4])
    lists.work()
    waiting = lists.send(HEADER, *ROWS[:1])
    sweep, go_on = forgetting.Sweep(lists.desk), Event()
    sweep.run(go_on)
    protect(lists, "anna")
    before = kept_rows(lists, sent.id)
    ended = Event()
    ended.set()
    assert sweep.run(ended) == 0, "told to stop"
    assert kept_rows(lists, sent.id) == before
    assert sweep.run(go_on) >= 1
    assert kept_rows(lists, sent.id)[0] == ("notFound", None)
    assert sweep.run(go_on) == 0
    assert forgetting.Sweep(lists.desk).run(go_on) == 0, "another process finds nothing to do"
    assert lists.read(waiting.id).state == "accepted"


def test_of_several_only_the_protected_are_dropped() -> None:
    kept = {"reference": "1", "onDate": "2026-11-22", "outcome": "ambiguous", "reasons": [], "ids": [1, 2, 3]}
    values, detail = forgetting._forgotten(kept, {2})
    assert (values, detail["ids"]) == ({"practitioner_id": None}, [1, 3])
    values, detail = forgetting._forgotten(detail, {1})
    assert (values, detail["ids"]) == ({"practitioner_id": 3}, [3])
    values, detail = forgetting._forgotten(detail, {3})
    assert values == {"result": "notFound", "practitioner_id": None}
    assert detail == {"reference": "1", "onDate": "2026-11-22"}


def test_a_list_too_many_costs_nothing_of_the_quota(small_lists: Make) -> None:
    lists = small_lists(REGISTRY_CHECKS__LISTS__MAX_WAITING="1")
    first = lists.send(HEADER, ROWS[0])
    taken: list[int] = []
    sent = handling.Sent(
        purpose="employment", headers=["Leg nr"], columns={"licenceNumber": 0}, rows=[(2, ["a"])]
    )
    with pytest.raises(ListStateError):
        handling.send(lists.desk, lists.caller, sent, "r", allow=taken.append)
    assert taken == []
    # Neither one that nobody confirmed nor one that has expired keeps others from being sent.
    for values in ({"state": "mapping"}, {"expires_at": datetime(2020, 1, 1, tzinfo=UTC)}):
        with writing(lists.desk.access).begin() as connection:
            connection.execute(sa.update(staff_list).where(staff_list.c.id == first.id).values(values))
        second = handling.send(lists.desk, lists.caller, sent, "r", allow=taken.append)
        handling.cancel(lists.desk, lists.caller, second.id)
    assert taken == [1, 1]


class _FaultError(Exception):
    def __init__(self, sqlstate: str | None) -> None:
        self.sqlstate = sqlstate


def _sqlite(code: int) -> sqlite3.Error:
    error = sqlite3.OperationalError("said")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("cause", "blameless"),
    [
        (_FaultError("57014"), False),
        (_FaultError("42P01"), False),
        (_FaultError("57P01"), True),
        (_FaultError("53300"), True),
        (_FaultError("08006"), True),
        (_FaultError(None), True),
        (_sqlite(sqlite3.SQLITE_BUSY), True),
        (_sqlite(sqlite3.SQLITE_LOCKED), True),
        (_sqlite(sqlite3.SQLITE_ERROR), False),
        (_sqlite(sqlite3.SQLITE_CORRUPT), False),
    ],
)
def test_only_a_database_that_is_down_or_busy_is_no_fault_of_the_list(
    cause: Exception, *, blameless: bool
) -> None:
    assert is_down(exc.OperationalError("select", {}, cause)) is blameless


def test_other_faults_are_the_lists_own() -> None:
    assert not is_down(exc.ArgumentError("x"))
    assert is_down(exc.TimeoutError())
    assert is_down(exc.DBAPIError("select", {}, _FaultError("42P01"), connection_invalidated=True))


def test_a_fault_while_a_list_is_given_up_does_not_end_the_worker(
    small_lists: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    lists = small_lists(REGISTRY_CHECKS__LISTS__MAX_TAKEOVERS="1")
    sent = lists.send(HEADER, *ROWS)
    with writing(lists.desk.access).begin() as connection:
        connection.execute(sa.update(staff_list).values(takeovers=5))
    real, faults = queue.fail, [exc.OperationalError("x", {}, _FaultError("57P01"))]

    def fail(*given: object) -> None:
        if faults:
            raise faults.pop()
        real(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(queue, "fail", fail)
    worker = Worker(lists.desk)
    worker._pause_s = 0.01
    worker.run(once=True)
    assert (faults, lists.read(sent.id).state) == ([], "failed")


def test_a_row_that_nobody_can_answer_does_not_cost_the_others(
    small_lists: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    lists = small_lists(REGISTRY_CHECKS__LISTS__MAX_TAKEOVERS="2")
    sent = lists.send(HEADER, *ROWS)
    real = Run._result

    def result(self: Run, row: object, *rest: object) -> object:
        if row.number == 4:  # type: ignore[attr-defined]
            raise ZeroDivisionError
        return real(self, row, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(Run, "_result", result)
    worker = Worker(lists.desk)
    worker._pause_s = 0.01
    worker.run(once=True)
    assert (lists.read(sent.id).state, lists.read(sent.id).done) == ("done", len(ROWS))
    results = lists.results(sent.id)
    assert (results[2]["result"], results[2]["errors"][0]["code"]) == ("couldNotCheck", "internal")
    assert [each["reference"] for each in results[:3]] == ["1", "2", "3"]
    assert results[3]["result"] == "found"


def test_one_row_is_asked_whether_the_engine_is_back(
    small_lists: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    lists = small_lists(REGISTRY_CHECKS__LISTS__SEARCH_WAIT_S="0.5")
    asked = down(monkeypatch)
    lists.checked(NAMED, *[BY_NAME[1]] * 4)
    assert asked[0] == 4
    assert set(asked[1:]) == {1}


def test_a_moment_that_the_verifier_refuses_costs_the_rows_and_not_the_list(
    small_lists: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def verify_many(*_: object) -> None:
        raise BadRequestError("The moment is refused.")

    monkeypatch.setattr(Verifier, "verify_many", verify_many)
    lists = small_lists()
    results = lists.checked(NAMED, *BY_NAME)
    assert [each["errors"][0]["detail"] for each in results] == ["The moment is refused."] * 3


def test_a_file_is_given_only_of_a_list_that_has_ended(small_lists: Make) -> None:
    lists = small_lists()
    sent = lists.send(HEADER, *ROWS)
    with pytest.raises(ListStateError, match="not ended"):
        lists.file(sent.id)
    shown = answers.page(lists.desk, lists.caller, sent.id, results=None, limit=9, offset=0, request_id="r")
    assert shown.rows == []


def test_who_decides_about_a_list_is_logged(small_lists: Make) -> None:
    lists = small_lists()
    sent = lists.send(HEADER, *ROWS)
    with writing(lists.desk.access).begin() as connection:
        connection.execute(sa.update(staff_list).values(state="mapping"))
    handling.confirm(lists.desk, lists.caller, sent.id, {"licenceNumber": 1}, request_id="one")
    handling.cancel(lists.desk, lists.caller, sent.id, request_id="two")
    handling.delete(lists.desk, lists.caller, sent.id, request_id="three")
    with lists.desk.access.connect() as connection:
        told = connection.execute(sa.select(access_event).order_by(access_event.c.id)).all()
    assert [(each.question, each.request_id, each.subject) for each in told] == [
        (f'{{"did":"{did}","list":"{sent.id}"}}', request, "somebody")
        for did, request in (("confirm", "one"), ("cancel", "two"), ("delete", "three"))
    ]
