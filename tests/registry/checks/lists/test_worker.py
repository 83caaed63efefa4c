"""A list from sending to results: on both databases and both engines."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from registry.checks.lists import answers, handling, queue, sealed, unconfirmed
from registry.checks.lists.errors import ListStateError
from registry.checks.lists.tables import staff_list, staff_list_part, staff_list_row
from registry.checks.lists.work import Run
from registry.database import writing
from registry.errors import NotFoundError
from registry.records import tables as t
from tests.registry.checks.lists.conftest import OTHER, Lists
from tests.registry.web.people import ANNA_NPI, ANNA_NUMBER, HIDDEN_NUMBER

HEADER = ["Anst nr", "Leg nr", "Personnummer", "Namn", "Född", "Yrke"]
ROWS = [
    ["1", "RN-100.1", "", "", "", ""],
    ["2", "", ANNA_NUMBER, "", "", "sjuksköterska"],
    ["3", "", "", "Anna Lindqvist", "1980-05-03", ""],
    ["4", "LK-7", "", "", "", "läkare"],
    ["5", "RN-2", "", "", "", ""],
    ["6", "RN-100.1", "", "", "", "läkare"],
    ["7", "nosuch", "", "", "", ""],
    ["8", "", HIDDEN_NUMBER, "", "", ""],
    ["9", "", "", "Hanna Skyddad", "1990-01-01", ""],
    ["10", "RN-66", "", "", "", ""],
    ["11", "", "", "Anna Lindqvist", "1980-05", ""],
    ["12", "RN-100.1", "", "Karl Lindqvist", "", ""],
    ["13", "RN-2", ANNA_NUMBER, "", "", ""],
    ["14", ANNA_NPI, ANNA_NUMBER, "", "", ""],
    ["15", "", "19800503-9809", "", "", ""],
    ["16", "", "", "Anna Lindqvist", "", ""],
    ["17", "RN-100.1", "", "", "", "trollkarl"],
    ["18", "", "", "", "", "läkare"],
    ["800503-9808", "RN-100.1", "", "", "", ""],
]
EXPECTED = [
    ("found", "yes", "found"),
    ("found", "yes", "found"),
    ("found", "yes", "found"),
    ("found", "no", "found"),
    ("found", "no", "found"),
    ("found", "ask", "found"),
    ("notFound", "ask", "notFound"),
    ("notFound", "ask", "notFound"),
    ("notFound", "ask", "notFound"),
    ("notFound", "ask", "notFound"),
    ("ambiguous", "ask", "ambiguous"),
    ("ambiguous", "ask", "mismatch"),
    ("ambiguous", "ask", "mismatch"),
    ("found", "yes", "found"),
    ("couldNotCheck", None, None),
    ("couldNotCheck", None, None),
    ("couldNotCheck", None, None),
    ("couldNotCheck", None, None),
    ("found", "yes", "found"),
]


def test_every_row_has_its_result_and_one_access_event(lists: Lists) -> None:
    sent = lists.send(HEADER, *ROWS, reference="Avdelning 4", file_name="personal 19800503-9808.csv")
    assert (sent.state, sent.rows, sent.done, sent.counts) == ("accepted", 19, 0, {})
    assert "9808" not in sent.frame["fileName"]
    assert lists.work() == 19
    done = lists.read(sent.id)
    assert (done.state, done.done, done.retryable, done.ended) == ("done", 19, 0, True)
    assert done.counts == {
        "foundYes": 5,
        "foundNo": 2,
        "foundAsk": 1,
        "notFound": 4,
        "ambiguous": 3,
        "couldNotCheck": 4,
    }
    results = lists.results(sent.id)
    assert [(each["result"], each["verdict"], each["outcome"]) for each in results] == EXPECTED
    assert [each["row"] for each in results] == list(range(2, 21))
    assert [each["reference"] for each in results[:2]] == ["1", "2"]
    assert results[-1]["reference"] == "[personal number]"

    events = lists.events()
    assert len(events) == 15
    assert {each.organisation for each in events} == {"5560000001"}
    assert {(each.purpose, each.subject, each.client_id, each.request_id) for each in events} == {
        ("employment", "somebody", "staffing", "request-1")
    }
    assert all(f'"list":"{sent.id}"' in each.question for each in events)
    assert [each.answer for each in events] == [v for r, v, _ in EXPECTED if r != "couldNotCheck"]
    text = " ".join(each.question for each in events)
    assert ANNA_NUMBER not in text
    assert "19800503" not in text
    # Also of who is protected: they may see that someone asked, by whatever they were asked for.
    hidden = lists.internal_id("hanna")
    assert [lists.subjects(each.id) for each in events[7:10]] == [{hidden}] * 3
    assert lists.subjects(events[0].id) == {lists.internal_id("anna")}


def test_row_errors_name_row_and_column_and_repeat_nothing(lists: Lists) -> None:
    results = lists.checked(HEADER, *ROWS)
    errors = [
        (each["row"], [(e["column"], e["code"]) for e in each["errors"]])
        for each in results
        if each["errors"]
    ]
    assert errors == [
        (16, [("Personnummer", "personal-number")]),
        (17, [("Född", "missing")]),
        (18, [("Yrke", "unknown-profession")]),
        (19, [("", "missing")]),
    ]
    assert "9809" not in str(results[14])


def test_a_protected_person_reads_like_nobody(lists: Lists) -> None:
    nobody, by_number, by_name, by_licence = lists.checked(HEADER, *ROWS[6:10])
    for each in (by_number, by_name, by_licence):
        assert {**each, "row": 0, "reference": ""} == {**nobody, "row": 0, "reference": ""}
    assert nobody["reasons"][0]["code"] == "not-found"


def test_who_becomes_protected_later_is_not_found_any_more(lists: Lists) -> None:
    sent = lists.send(HEADER, *ROWS[:2], ROWS[6], ROWS[11])
    lists.work()
    before = lists.results(sent.id)
    assert [each["result"] for each in before] == ["found", "found", "notFound", "ambiguous"]
    with writing(lists.world.engine).begin() as connection:
        chosen = t.practitioner.c.id == lists.internal_id("anna")
        connection.execute(sa.update(t.practitioner).where(chosen).values(protected=True))
    assert answers.current(lists.desk, lists.caller, sent.id).counts == {"notFound": 4}
    after = lists.results(sent.id)
    assert [each["result"] for each in after] == ["notFound"] * 4
    assert [{**each, "row": 0, "reference": ""} for each in after] == [
        {**before[2], "row": 0, "reference": ""}
    ] * 4
    with lists.desk.access.connect() as connection:
        assert set(connection.scalars(sa.select(staff_list_row.c.practitioner_id))) == {None}
        kept = [
            sealed.open_detail(lists.desk.sealer, sent.id, each)
            for each in connection.scalars(sa.select(staff_list_row.c.detail))
        ]
    assert "Lindqvist" not in str(kept)


def test_nothing_of_a_list_stands_plain_and_the_upload_goes_with_the_run(lists: Lists) -> None:
    sent = lists.send(HEADER, *ROWS)
    with lists.desk.access.connect() as connection:
        parts = list(connection.scalars(sa.select(staff_list_part.c.rows)))
        assert len(parts) == 1
        assert b"Lindqvist" not in parts[0]
        assert sealed.open_rows(lists.desk.sealer, sent.id, parts[0])[1][1][2] == ANNA_NUMBER
        with pytest.raises(ValueError, match="does not open"):
            sealed.open_rows(lists.desk.sealer, "lst_another", parts[0])
    lists.work()
    with lists.desk.access.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(staff_list_part)) == 0
        for row in connection.execute(sa.select(staff_list_row)):
            assert b"Lindqvist" not in row.detail
            assert ANNA_NUMBER.encode() not in row.detail
            assert ANNA_NUMBER not in str(sealed.open_detail(lists.desk.sealer, sent.id, row.detail))


def test_only_the_same_organisation_sees_a_list(lists: Lists) -> None:
    sent = lists.send(HEADER, *ROWS)
    for refused in (
        lambda: handling.read(lists.desk, OTHER, sent.id),
        lambda: handling.cancel(lists.desk, OTHER, sent.id),
        lambda: handling.resume(lists.desk, OTHER, sent.id),
        lambda: handling.delete(lists.desk, OTHER, sent.id),
        lambda: unconfirmed.sample(lists.desk, OTHER, sent.id, 3),
        lambda: answers.current(lists.desk, OTHER, sent.id),
        lambda: answers.everything(lists.desk, OTHER, sent.id, request_id=""),
        lambda: handling.read(lists.desk, lists.caller, "lst_nosuch"),
    ):
        with pytest.raises(NotFoundError):
            refused()
    assert handling.page(lists.desk, OTHER, limit=10, offset=0) == ([], 0)
    assert [each.id for each in handling.page(lists.desk, lists.caller, limit=10, offset=0)[0]] == [sent.id]


def test_reading_results_is_logged_with_who_was_shown(lists: Lists) -> None:
    sent = lists.send(HEADER, *ROWS[:4])
    lists.work()
    page = answers.page(
        lists.desk, lists.caller, sent.id, results=["foundNo"], limit=10, offset=0, request_id="look"
    )
    assert (page.total, [each["row"] for each in page.rows]) == (1, [5])
    (event,) = lists.events("evidence")
    assert (event.answer, event.request_id, event.purpose) == ("1 rows", "look", "employment")
    assert lists.subjects(event.id) == {lists.internal_id("bo")}


def test_cancelling_deletes_what_is_left(small_lists: Callable[..., Lists]) -> None:
    lists = small_lists(REGISTRY_CHECKS__LISTS__PART_ROWS="5")
    sent = lists.send(HEADER, *ROWS)
    mine = queue.claim(lists.desk.access, "me", 60)
    assert mine is not None
    part = queue.next_part(lists.desk.access, mine)
    assert part is not None
    run = Run(lists.desk, mine, threading.Event())
    assert run.part(part) == 5
    second = queue.next_part(lists.desk.access, mine)
    assert second is not None
    cancelled = handling.cancel(lists.desk, lists.caller, sent.id)
    assert (cancelled.state, cancelled.done, cancelled.ended) == ("cancelled", len(ROWS), True)
    # The part that was under way is not kept, nor logged: nobody was told anything.
    with pytest.raises(queue.LostListError):
        run.part(second)
    results = lists.results(sent.id)
    assert (len(results), len(lists.events())) == (len(ROWS), 5)
    assert {each["errors"][0]["code"] for each in results[5:]} == {"cancelled"}
    assert [each["reference"] for each in results[5:7]] == ["6", "7"]
    assert not queue.beat(lists.desk.access, mine, 60)
    assert lists.work() == 0
    assert handling.cancel(lists.desk, lists.caller, sent.id).state == "cancelled"
    with lists.desk.access.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(staff_list_part)) == 0
    with pytest.raises(ListStateError, match="cancelled"):
        handling.resume(lists.desk, lists.caller, sent.id)


def test_a_list_that_is_done_can_be_deleted_and_not_cancelled(lists: Lists) -> None:
    sent = lists.send(HEADER, *ROWS)
    lists.work()
    with pytest.raises(ListStateError):
        handling.cancel(lists.desk, lists.caller, sent.id)
    with pytest.raises(ListStateError, match="No row"):
        handling.resume(lists.desk, lists.caller, sent.id)
    handling.delete(lists.desk, lists.caller, sent.id)
    with lists.desk.access.connect() as connection:
        for table in (staff_list, staff_list_part, staff_list_row):
            assert connection.scalar(sa.select(sa.func.count()).select_from(table)) == 0
    assert len(lists.events()) == 15


def test_lists_expire(lists: Lists) -> None:
    sent = lists.send(HEADER, *ROWS)
    assert queue.purge(lists.desk.access, datetime.now(UTC) + timedelta(days=29)) == 0
    past = datetime.now(UTC) - timedelta(seconds=1)
    with writing(lists.desk.access).begin() as connection:
        connection.execute(sa.update(staff_list).values(expires_at=past))
    with pytest.raises(NotFoundError):
        lists.read(sent.id)
    assert queue.purge(lists.desk.access, datetime.now(UTC)) == 1


def test_columns_wait_to_be_confirmed(lists: Lists) -> None:
    sent = lists.send(HEADER, *ROWS)
    with writing(lists.desk.access).begin() as connection:
        connection.execute(sa.update(staff_list).values(state="mapping"))
    assert lists.work() == 0
    sample = unconfirmed.sample(lists.desk, lists.caller, sent.id, 2)
    assert sample[1] == (3, ["2", "", "[personal number]", "", "", "sjuksköterska"])
    confirmed = handling.confirm(lists.desk, lists.caller, sent.id, {"licenceNumber": 1})
    assert (confirmed.state, confirmed.frame["columns"]) == ("accepted", {"licenceNumber": 1})
    with pytest.raises(ListStateError):
        handling.confirm(lists.desk, lists.caller, sent.id, {"licenceNumber": 1})
    lists.work()
    assert lists.read(sent.id).counts["couldNotCheck"] > 5


def test_a_list_of_json_rows_keeps_its_defaults(lists: Lists) -> None:
    results = lists.checked(
        ["Leg nr", "Yrke"], ["RN-100.1", ""], ["RN-100.1", "sjuksköterska"], profession="physician"
    )
    assert [each["verdict"] for each in results] == ["ask", "yes"]
