"""A licence number that a spreadsheet has held as a number may be somebody else's than the one it looks like."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from registry.records import tables as t
from tests.registry.checks.lists.conftest import Lists
from tests.support.world import licence, person

HEADER = ["Legitimationsnummer", "Namn", "Födelsedatum", "Personnummer"]
PEOPLE = {
    "short": person("Berg", "Eva", birth_date="1970-01-02", licences=[licence("123")]),
    "long": person("Ek", "Bo", birth_date="1980-03-04", licences=[licence("00123")]),
    "alone": person("Al", "Ida", birth_date="1981-03-04", licences=[licence("456")]),
    "shown": person("Lind", "Per", birth_date="1982-03-04", licences=[licence("789")]),
    "hidden": person("Skyddad", "Åke", birth_date="1983-03-04", protected=True, licences=[licence("0789")]),
}


@pytest.fixture
def numbers(small_lists: Callable[..., Lists]) -> Lists:
    lists = small_lists()
    lists.load(PEOPLE)
    return lists


def told(lists: Lists, *cells: str) -> tuple[str, str | None, list[str], list[str]]:
    (row,) = lists.checked(HEADER, list(cells))
    return (
        row["result"],
        row["practitioner"] and row["practitioner"]["name"],
        [reason["code"] for reason in row["reasons"]][:1],
        [error["code"] for error in row["errors"]],
    )


def test_a_number_that_is_another_persons_with_zeros_names_nobody(numbers: Lists) -> None:
    # A spreadsheet's own decimals: the cell held a number.
    assert told(numbers, "123.0") == ("ambiguous", None, ["leading-zeros"], ["leading-zeros"])


def test_a_number_typed_as_text_is_taken_as_it_stands(numbers: Lists) -> None:
    result, name, _, errors = told(numbers, "123")
    assert (result, name, errors) == ("found", "Eva Berg", [])


@pytest.mark.parametrize(
    "beside",
    [pytest.param(("Eva Berg", "", ""), id="name"), pytest.param(("", "1970-01-02", ""), id="birth date")],
)
def test_what_else_the_row_says_confirms_the_person(numbers: Lists, beside: tuple[str, ...]) -> None:
    result, name, _, errors = told(numbers, "123.0", *beside)
    assert (result, name, errors) == ("found", "Eva Berg", ["leading-zeros"])


@pytest.mark.parametrize(("number", "name"), [("456.0", "Ida Al"), ("789.0", "Per Lind")])
def test_where_nobody_else_can_be_told_of_the_person_is_found_with_a_remark(
    numbers: Lists, number: str, name: str
) -> None:
    # For 789 with a zero there is only a protected person, who is not there for anybody.
    result, found, _, errors = told(numbers, number)
    assert (result, found, errors) == ("found", name, ["leading-zeros"])


def test_when_they_become_protected_the_row_tells_of_nobody(numbers: Lists) -> None:
    sent = numbers.send(HEADER, ["123.0", "", "", ""])
    numbers.work()
    for key, result in (("long", "ambiguous"), ("short", "notFound")):
        with numbers.world.engine.begin() as connection:
            chosen = t.practitioner.c.id == numbers.internal_id(key)
            connection.execute(sa.update(t.practitioner).where(chosen).values(protected=True))
        (row,) = numbers.results(sent.id)
        assert (row["result"], row["practitioner"]) == (result, None)
