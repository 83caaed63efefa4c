"""Cells that a spreadsheet has changed: understood where that is certain, an error of the row everywhere else."""

from datetime import date

import pytest

from registry.checks.lists.values import CellError, birth_date, licence_number, personal_number
from registry.identifiers import check_digit
from registry.spreadsheet_cells import Number, Spoilt

TODAY = date(2026, 11, 22)
NUMBER = "198005039808"
# Born in 2004, so that ten digits begin with a zero: YYMMDD 040503.
YOUNG = f"200405039{80}{check_digit('040503980')}"


def test_the_young_number_begins_with_a_zero() -> None:
    assert YOUNG[2] == "0"
    assert len(YOUNG) == 12


@pytest.mark.parametrize(
    ("cell", "digits"),
    [
        ("19800503-9808", NUMBER),
        ("800503-9808", NUMBER),
        ("8005039808", NUMBER),
        ("198005039808", NUMBER),
        ("19800503 9808", NUMBER),
        ("19800503–9808", NUMBER),
        ("'198005039808", NUMBER),
        (Number("198005039808"), NUMBER),
        (Number("8005039808"), NUMBER),
        ("198005039808.0", NUMBER),
        ("198005039808,00", NUMBER),
        ("1.98005039808E+11", NUMBER),
        ("1,98005039808E+11", NUMBER),
        (Number(YOUNG[3:]), YOUNG),
        (YOUNG[3:], YOUNG),
        (YOUNG[2:], YOUNG),
    ],
)
def test_a_personal_number_is_understood_however_it_is_written(cell: str, digits: str) -> None:
    assert personal_number(cell, TODAY) == digits


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("19800503-9809", "personal-number"),
        ("Anna", "personal-number"),
        ("1.98005E+11", "digits-lost"),
        ("1,98E+11", "digits-lost"),
        ("1.980050398080000E+16", "digits-lost"),
        (Number("80050398"), "digits-lost"),
        ("205005039800", "personal-number"),
        (Spoilt("an error value of Excel"), "spoilt-cell"),
    ],
)
def test_a_personal_number_that_is_not_certain_is_an_error_that_repeats_nothing(cell: str, code: str) -> None:
    with pytest.raises(CellError) as raised:
        personal_number(cell, TODAY)
    assert raised.value.code == code
    assert str(cell)[:8] not in raised.value.detail or isinstance(cell, Spoilt)


@pytest.mark.parametrize(
    ("cell", "born"),
    [
        ("1980-05-03", "1980-05-03"),
        ("19800503", "1980-05-03"),
        (Number("19800503"), "1980-05-03"),
        ("1980/05/03", "1980-05-03"),
        ("1980.5.3", "1980-05-03"),
        ("1980-05-03 00:00:00", "1980-05-03"),
        ("1980-05-03T00:00:00", "1980-05-03"),
        ("3.5.1980", "1980-05-03"),
        ("03.05.1980", "1980-05-03"),
        ("23/5/1980", "1980-05-23"),
        ("5/23/1980", "1980-05-23"),
        ("05/05/1980", "1980-05-05"),
        ("5/05/1980", "1980-05-05"),
        ("29344", "1980-05-03"),
        (Number("29344"), "1980-05-03"),
        ("800503", "1980-05-03"),
        ("050503", "2005-05-03"),
        ("1980", "1980"),
        ("1980-05", "1980-05"),
        ("1.9800503E+7", "1980-05-03"),
    ],
)
def test_a_birth_date_is_understood_however_it_is_written(cell: str, born: str) -> None:
    assert birth_date(cell, TODAY) == born


@pytest.mark.parametrize(
    "cell",
    [
        "03/05/1980",
        "5-3-1980",
        "150503",
        "260503",
        "1980-13-01",
        "31.2.1980",
        "2027-01-01",
        "123",
        "60001",
        "3 maj 1980",
        "19800503-9808",
        "8005039808",
        Spoilt("a formula without a stored value"),
        "-5",
        "ÅÅÅÅ-MM-DD",
    ],
)
def test_a_birth_date_that_may_be_two_or_none_is_an_error(cell: str) -> None:
    with pytest.raises(CellError) as raised:
        birth_date(cell, TODAY)
    assert "9808" not in raised.value.detail


@pytest.mark.parametrize(
    ("cell", "number", "zeros_lost"),
    [
        ("RN-100.1", "RN-100.1", False),
        ("0123", "0123", False),
        (Number("123"), "123", True),
        ("123.0", "123", True),
        ("1.23456789E+8", "123456789", True),
        ("1E5", "1E5", False),
    ],
)
def test_a_licence_number_keeps_every_sign(cell: str, number: str, zeros_lost: bool) -> None:
    assert licence_number(cell) == (number, zeros_lost)


@pytest.mark.parametrize(
    "cell", [Number("12.5"), "1.2E+11", Spoilt("a number of more digits than Excel keeps")]
)
def test_a_licence_number_that_is_spoilt_is_an_error(cell: str) -> None:
    with pytest.raises(CellError):
        licence_number(cell)
