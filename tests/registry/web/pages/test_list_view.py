"""Rows of a staff list in words, and which columns tell what."""

from typing import Any

import pytest

from registry.checks.lists.results import RESULTS
from registry.web.pages.language import language
from registry.web.pages.list_columns import chosen_columns, column_views, read_chosen
from registry.web.pages.list_view import MARKS, RowErrorView, RowView, row_view

FRAME: dict[str, Any] = {
    "headers": ["Nr", "Namn", "Född"],
    "recognised": {"name": 1},
    "unknown": ["Nr"],
    "twice": {"birthDate": [0, 2]},
    "problem": "Several columns seem to be birthDate.",
}


def shown(**rest: Any) -> RowView:  # noqa: ANN401 - fields of any kind
    """Write a row as `registry.checks.lists.results` describes it."""
    row = {
        "row": 7,
        "reference": "a",
        "result": "couldNotCheck",
        "verdict": None,
        "outcome": None,
        "reasons": [],
        "practitioner": None,
        "licences": [],
        "match": None,
        "onDate": "2026-11-22",
        "ruleVersion": "2026-11-22",
        "errors": [],
        **rest,
    }
    return row_view(row, "employment", language("sv"), linked=False)


def error(column: str, code: str) -> dict[str, str]:
    return {"column": column, "code": code, "detail": "Do this."}


def test_every_result_has_a_mark_of_its_own() -> None:
    assert len({MARKS[each] for each in RESULTS}) == len(RESULTS)


def test_an_error_names_its_column_and_says_what_to_do() -> None:
    view = shown(errors=[error("Personnr", "personal-number"), error("licenceNumber", "new-code")])
    assert (view.number, view.mark, view.reference, view.name) == ("7", "warning", "a", "")
    assert view.errors == (
        RowErrorView("Personnr", language("sv").text("row-error.personal-number"), foreign=False),
        # A column without a header has our word; what has no text of ours is told in the words of the check.
        RowErrorView("Legitimationsnummer", "Do this.", foreign=True),
    )


def test_a_person_without_a_name_is_said_to_be_so() -> None:
    found = {"result": "found", "verdict": "yes", "practitioner": {"id": "x", "name": "", "birthYear": None}}
    view = shown(**found)
    assert (view.mark, view.name, view.birth_year, view.url) == ("yes", "Namn saknas i källan", "", "")


def test_a_reason_is_said_once() -> None:
    told = {"text": {"sv": "Därför.", "en": "Because."}}
    assert shown(result="ambiguous", verdict="ask", reasons=[told, told]).reasons == ("Därför.",)


def test_columns_are_shown_also_without_headers() -> None:
    sample = [(2, ["1", "Ada", "1980", "extra"]), (3, ["2", "", "x" * 100])]
    views = column_views(FRAME, sample)
    assert [(each.number, each.header, each.field) for each in views] == [
        (1, "Nr", ""),
        (2, "Namn", "name"),
        (3, "Född", ""),
        (4, "", ""),
    ]
    assert [each.values for each in views] == [("1", "2"), ("Ada",), ("1980", "x" * 60), ("extra",)]
    assert [each.field for each in column_views(FRAME, [], {0: "reference"})] == ["reference", "", ""]


@pytest.mark.parametrize(
    ("fields", "chosen"),
    [
        ({"column-1": "name", "column-12": "birthDate"}, {0: "name", 11: "birthDate"}),
        ({"column-1": "", "column-2": "nonsense", "column-": "name", "column-x": "name"}, {}),
        ({"column-99999": "name", "column-²": "name", "csrf_token": "name"}, {}),
    ],
)
def test_only_fields_that_there_are_can_be_chosen(fields: dict[str, str], chosen: dict[int, str]) -> None:
    assert read_chosen(fields) == chosen


def test_what_was_recognised_does_not_count_against_what_is_chosen() -> None:
    columns, errors = chosen_columns(FRAME, {1: "name", 2: "birthDate"})
    assert (columns, errors) == ({"name": 1, "birthDate": 2}, ())
    # The reader takes the name away, and says nothing else of who is meant.
    columns, (wrong,) = chosen_columns(FRAME, {2: "birthDate"})
    assert (columns, wrong.field, wrong.key) == (None, "columns", "wrong.columns")


def test_a_column_beyond_the_headers_is_one_as_far_as_the_rows_have_it() -> None:
    assert chosen_columns(FRAME, {3: "licenceNumber"}, 4)[0] == {"licenceNumber": 3}
    _, (wrong,) = chosen_columns(FRAME, {3: "licenceNumber"})
    assert wrong.key == "wrong.columns"


def test_a_field_in_two_columns_is_said_at_the_second() -> None:
    columns, (wrong,) = chosen_columns(FRAME, {0: "birthDate", 1: "name", 2: "birthDate"})
    assert (columns, wrong.field, wrong.key) == (None, "column-3", "wrong.column-twice")
