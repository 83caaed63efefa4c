"""The first row of a list without headers: kept as a row where it is one, and gone with the upload where it is not."""

from collections.abc import Callable

import pytest

from registry.checks.lists import handling, unconfirmed
from registry.checks.lists.handling import Sent, StaffList
from registry.spreadsheet_cells import Number
from tests.registry.checks.lists.conftest import Lists


@pytest.fixture
def house(small_lists: Callable[..., Lists]) -> Lists:
    return small_lists()


def waiting(house: Lists) -> StaffList:
    sent = Sent(
        purpose="employment",
        headers=["4711", "Anna"],
        columns=None,
        first=(1, [Number("4711"), "Anna"]),
        rows=[(2, ["RN-2", "Karl"])],
    )
    return handling.send(house.desk, house.caller, sent, "request-1")


def test_a_first_row_that_is_kept_is_checked_like_the_others(house: Lists) -> None:
    sent = waiting(house)
    assert unconfirmed.keep_first(house.desk, house.caller, sent.id)
    # Once only, and of its own no header is told any more.
    assert not unconfirmed.keep_first(house.desk, house.caller, sent.id)
    found = handling.confirm(house.desk, house.caller, sent.id, {"licenceNumber": 0})
    assert (found.rows, found.frame["headers"], found.frame["first"]) == (2, ["", ""], None)
    house.work()
    rows = house.results(sent.id)
    assert [(row["row"], row["result"]) for row in rows] == [(1, "notFound"), (2, "found")]
    # It is still known that the cell held a number.
    assert [error["code"] for error in rows[0]["errors"]] == ["leading-zeros"]


@pytest.mark.parametrize("ended", [True, False])
def test_a_first_row_that_is_no_person_does_not_stay(house: Lists, *, ended: bool) -> None:
    sent = waiting(house)
    if ended:
        found = handling.cancel(house.desk, house.caller, sent.id)
    else:
        found = handling.confirm(house.desk, house.caller, sent.id, {"licenceNumber": 0})
    assert (found.frame["first"], found.rows) == (None, 1)
    assert not unconfirmed.keep_first(house.desk, house.caller, sent.id)
