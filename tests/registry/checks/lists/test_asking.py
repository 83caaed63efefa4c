"""Rows as questions, or what is wrong with them, by row and column."""

from datetime import date
from typing import Any

import pytest

from registry.checks.lists.asking import AskedRow, Frame, ask
from registry.checks.lists.fields import FIELDS
from registry.spreadsheet_cells import Number, Spoilt
from registry.vocabulary import load_vocabulary

VOCABULARY = load_vocabulary()
TODAY = date(2026, 11, 22)
HEADERS = tuple(f"H {field}" for field in FIELDS)


def asked(usual: tuple[str, str] = ("", ""), /, **cells: str) -> AskedRow:
    frame = Frame(
        columns={field: place for place, field in enumerate(FIELDS)},
        headers=HEADERS,
        vocabulary=VOCABULARY,
        authorities={"socialstyrelsen": "socialstyrelsen", "the board": "socialstyrelsen"},
        today=TODAY,
        on_date=date(2026, 1, 1),
        profession=usual[0],
        authority=usual[1],
    )
    return ask(7, [cells.get(field, "") for field in FIELDS], frame)


@pytest.mark.parametrize(
    ("cells", "question"),
    [
        ({"licenceNumber": "RN-1"}, {"licence_number": "RN-1"}),
        ({"personalIdentityNumber": "800503-9808"}, {"personal_number": "198005039808"}),
        ({"name": "Anna Berg", "birthDate": "800503"}, {"name": "Anna Berg", "birth_date": "1980-05-03"}),
        ({"name": "Berg, Anna", "birthDate": "1980"}, {"name": "Anna Berg", "birth_date": "1980"}),
        (
            {"givenName": "Anna", "familyName": "Berg", "birthDate": "1980-05-03"},
            {"name": "Anna Berg", "birth_date": "1980-05-03"},
        ),
        (
            {"familyName": "Berg", "name": "Other", "birthDate": "1980"},
            {"name": "Berg", "birth_date": "1980"},
        ),
        ({"licenceNumber": "RN-1", "name": "Anna"}, {"licence_number": "RN-1", "name": "Anna"}),
        (
            {"licenceNumber": "RN-1", "profession": "Läkare"},
            {"licence_number": "RN-1", "profession": "physician"},
        ),
        (
            {"licenceNumber": "RN-1", "authority": "The Board"},
            {"licence_number": "RN-1", "authority": "socialstyrelsen"},
        ),
    ],
)
def test_a_row_becomes_a_question(cells: dict[str, str], question: dict[str, str]) -> None:
    row = asked(**cells)
    assert row.errors == []
    assert row.question is not None
    given: dict[str, Any] = {
        name: getattr(row.question, name)
        for name in ("licence_number", "personal_number", "name", "birth_date")
    }
    given |= {"profession": row.question.profession, "authority": row.question.authority}
    assert {name: value for name, value in given.items() if value} == question
    assert row.question.on_date == date(2026, 1, 1)


def test_a_personal_number_says_who_and_the_licence_number_is_compared() -> None:
    row = asked(personalIdentityNumber="19800503-9808", licenceNumber="RN-1")
    assert row.question is not None
    assert (row.question.personal_number, row.question.licence_number) == ("198005039808", None)
    assert row.licence_number == "RN-1"


def test_the_lists_own_profession_and_authority_hold_where_the_row_is_silent() -> None:
    row = asked(("physician", "socialstyrelsen"), licenceNumber="1")
    other = asked(("physician", "socialstyrelsen"), licenceNumber="1", profession="midwife")
    assert row.question is not None
    assert other.question is not None
    assert (row.question.profession, row.question.authority) == ("physician", "socialstyrelsen")
    assert other.question.profession == "midwife"


@pytest.mark.parametrize(
    ("cells", "errors"),
    [
        ({}, [("", "missing")]),
        ({"name": "Anna"}, [("H birthDate", "missing")]),
        ({"birthDate": "1980"}, [("H name", "missing")]),
        ({"licenceNumber": "-"}, [("H licenceNumber", "licence-number")]),
        ({"licenceNumber": "1" * 200}, [("H licenceNumber", "licence-number")]),
        ({"licenceNumber": Spoilt("an error value of Excel")}, [("H licenceNumber", "spoilt-cell")]),
        ({"licenceNumber": "1", "profession": "trollkarl"}, [("H profession", "unknown-profession")]),
        ({"licenceNumber": "1", "authority": "nobody"}, [("H authority", "unknown-authority")]),
        ({"licenceNumber": "1", "birthDate": "soon"}, [("H birthDate", "birth-date")]),
        ({"licenceNumber": "1", "name": "x" * 300}, [("H name", "too-long")]),
        ({"licenceNumber": "1", "familyName": "800503-9808"}, [("H familyName", "personal-number-in-name")]),
        (
            {"personalIdentityNumber": "x", "birthDate": "03/05/1980"},
            [("H personalIdentityNumber", "personal-number"), ("H birthDate", "birth-date")],
        ),
    ],
)
def test_what_is_wrong_is_told_by_column(cells: dict[str, str], errors: list[tuple[str, str]]) -> None:
    row = asked(**cells)
    assert row.question is None
    assert [(each.column, each.code) for each in row.errors] == errors
    assert "9808" not in str(row.errors)


def test_a_reference_that_can_not_be_read_costs_nobody_an_answer() -> None:
    assert asked(licenceNumber="1", reference=Spoilt("x")).question is not None
    assert asked(licenceNumber="1", reference="19800503-9808").reference == "[personal number]"
    assert len(asked(licenceNumber="1", reference="r" * 500).reference) == 200


def test_a_number_that_lost_its_zeros_is_known() -> None:
    assert asked(licenceNumber=Number("123")).zeros_lost
    assert not asked(licenceNumber="0123").zeros_lost
    assert "Anna" not in repr(asked(name="Anna", birthDate="1980"))
