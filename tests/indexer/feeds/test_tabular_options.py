from typing import Any

import msgspec
import pytest

from indexer.feeds.tabular_options import TabularOptions
from registry.identifiers import PERSONAL_IDENTITY_NUMBER
from tests.indexer.feeds.lists import OPTIONS, options


def problem(**changes: Any) -> str:  # noqa: ANN401 - values as a TOML file may hold them
    columns = {**OPTIONS["columns"], **changes.pop("columns", {})}
    return msgspec.convert({**OPTIONS, **changes, "columns": columns}, TabularOptions).problem()


def test_the_list_of_these_tests_is_sound() -> None:
    assert problem() == ""


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"vocabulary": ""}, "vocabulary is empty"),
        ({"key": []}, "key is empty"),
        ({"key": [""]}, 'key holds ""'),
        ({"columns": {"family": ""}}, "columns.name and columns.family are empty"),
        ({"columns": {"name": "Namn"}}, "either the whole name or its parts"),
        ({"columns": {"profession": ""}}, "profession is needed once"),
        ({"profession": "Lärare"}, "profession is needed once"),
        ({"columns": {"status": ""}}, "status is needed once"),
        ({"status": "Giltig"}, "status is needed once"),
        ({"may_lack": ["Ort"]}, "'Ort' is no column"),
        ({"also_called": {"Ort": ["Stad"]}}, "'Ort' is no column"),
        ({"widths": {"Ort": 3}}, "'Ort' is no column"),
        ({"leave_out": ["Till"]}, "leave_out names a column"),
        ({"may_lack": ["Nummer"]}, "may_lack names a column that decides"),
        ({"may_lack": ["Status"]}, "may_lack names a column that decides"),
        ({"may_lack": ["Till"]}, "may_lack names a column that decides"),
        (
            {"may_lack": ["Varning"], "restrictions": [{"column": "Varning"}]},
            "may_lack names a column that decides",
        ),
        (
            {"may_lack": ["Skyddad"], "columns": {"protected": "Skyddad"}},
            "may_lack names a column that decides",
        ),
        ({"specialties": [{"code": "x"}]}, "specialties: an entry needs"),
        ({"identifiers": {PERSONAL_IDENTITY_NUMBER: "Pnr"}}, "use columns.personal_number"),
        ({"quotechar": '""'}, "quotechar is one character"),
        ({"header_within": 0}, "header_within is at least 1"),
        ({"widths": {"Nummer": 0}}, "widths are at least 1"),
        ({"ten_digits_from": 30}, "ten_digits_from is a year"),
        ({"sheet": "Lista"}, "sheet is of form"),
    ],
)
def test_what_can_not_be_right_is_told_with_the_fix(changes: dict[str, Any], words: str) -> None:
    assert words in problem(**changes)


@pytest.mark.parametrize(
    ("columns", "key", "personal"),
    [
        ({}, ["Nummer"], False),
        ({"personal_number": "Pnr"}, ["Nummer"], False),
        ({"personal_number": "Pnr"}, ["Pnr"], True),
        ({"personal_number": "Pnr"}, ["Pnr", "Titel"], True),
        ({"former_personal_number": "Förra"}, ["Förra"], True),
    ],
)
def test_keys_that_hold_personal_numbers_are_known(
    columns: dict[str, str],
    key: list[str],
    personal: bool,
) -> None:
    assert options(columns, key=key).personal_keys is personal


def test_every_column_that_something_is_read_from_is_named_once() -> None:
    named = options(
        {"personal_number": "Pnr"},
        specialties=[{"column": "Ämne", "date": "Sedan"}],
        restrictions=[{"column": "Beslut", "valid_from": "Från", "valid_to": "Slut"}],
        identifiers={"urn:oid:1.2.3": "Id"},
    ).named()
    assert len(named) == len(set(named))
    assert {"Pnr", "Ämne", "Sedan", "Beslut", "Slut", "Id", "Nummer"} <= set(named)
