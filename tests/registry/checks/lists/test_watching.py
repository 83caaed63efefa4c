"""Trying numbers or birth dates in a staff list is noticed, told and slowed; a list with some mistakes is not."""

from collections.abc import Callable

import pytest

from registry.checks import quota, unusual
from tests.registry.checks.lists.conftest import Lists

HEADER = ["Leg nr", "Namn", "Född"]
QUICK = {
    "REGISTRY_CHECKS__LISTS__PART_ROWS": "10",
    "REGISTRY_CHECKS__UNUSUAL__LIST_NOT_FOUND": "30",
    "REGISTRY_CHECKS__UNUSUAL__LIST_CONSECUTIVE": "40",
}


def noticed(lists: Lists) -> list[str]:
    with lists.desk.access.connect() as connection:
        return [one.kind for one in unusual.listed(connection)]


@pytest.mark.parametrize(
    ("rows", "kinds"),
    [
        ([[f"X-{i * 3}", "", ""] for i in range(30)], ["list-not-found"]),
        ([[f"X-{(i * 7) % 41}", "", ""] for i in range(41)], ["list-not-found", "list-consecutive"]),
        ([["RN-100.1", "Anna Svensson", f"1980-05-{day:02}"] for day in range(10, 20)], ["list-guesses"]),
        # A mistyped number here and there, and one birth date that was tried again.
        (
            [
                *[["RN-100.1", "", ""] for _ in range(40)],
                *[[f"X-{i * 3}", "", ""] for i in range(30)],
                *[["RN-100.1", "Anna Svensson", f"1980-05-{day}"] for day in (10, 11)],
            ],
            [],
        ),
    ],
)
def test_what_is_tried_in_a_list_is_noticed_once(
    small_lists: Callable[..., Lists], rows: list[list[str]], kinds: list[str]
) -> None:
    lists = small_lists(**QUICK)
    found = lists.send(HEADER, *rows)
    lists.work()
    assert lists.read(found.id).state == "done"
    assert sorted(noticed(lists)) == sorted(kinds)


def test_the_sender_of_an_unusual_list_has_a_tenth_of_the_rows_left(
    small_lists: Callable[..., Lists],
) -> None:
    lists = small_lists(**QUICK)
    lists.send(HEADER, *[[f"X-{i * 3}", "", ""] for i in range(30)])
    lists.work()
    limits = [
        each.limit
        for each in quota.take(lists.desk.access, lists.desk.settings.checks, lists.caller, "list-rows", 0)
    ]
    assert limits == [20_000, 200_000]
