"""Cells as what they mean, where a spreadsheet has changed how they look.

Understood is only what can't mean anything else; all other cells are errors that say what to do, never guesses. No message
repeats a cell: it may hold a personal identity number.
"""

import re
from datetime import date
from decimal import Decimal

from registry.dates import parse_compact
from registry.identifiers import holds_personal_number, parse_personal_number
from registry.spreadsheet_cells import EXCEL_DIGITS, Number, Spoilt, excel_date

# 1.98507099805E+11, with a decimal point or comma, as Excel shows a long number and then saves it in CSV.
_SCIENTIFIC = re.compile(r"(\d)[.,](\d+)[eE]\+?(\d{1,2})\Z", re.ASCII)
_WHOLE = re.compile(r"\d+\Z", re.ASCII)
_TRAILING_ZERO = re.compile(r"(\d+)[.,]0+\Z", re.ASCII)
_DOTS = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})\Z", re.ASCII)
_SLASHES = re.compile(r"(\d{1,2})[/-](\d{1,2})[/-](\d{4})\Z", re.ASCII)
_YEAR_FIRST = re.compile(r"(\d{4})[./](\d{1,2})[./](\d{1,2})\Z", re.ASCII)
_TIME = re.compile(r"[T ]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?\Z", re.ASCII)
# Ten digits less at most three leading zeros (2000-2009, January to September, is 00MM...).
_TEN, _FEWEST = 10, 7
# Serial numbers of days that are birth dates of people at work: 1910 to 2036.
_SERIALS = range(3654, 50_000)
# Nobody younger is on a staff list: decides what two digits of a year mean.
_YOUNGEST = 15
_MONTHS = 12


class CellError(Exception):
    """A cell that can't be understood. `code` is stable; the text says what to do and repeats nothing of the cell."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


def unspoilt(cell: str) -> str:
    """Return a cell's text.

    Raises:
        CellError: the spreadsheet has lost its value.
    """
    if isinstance(cell, Spoilt):
        raise CellError(
            "spoilt-cell",
            f"The spreadsheet holds {cell}. Type the value as text (format the column as Text first).",
        )
    return cell


def digits_of(text: str) -> str:
    """Return a number that Excel has written in another way as its digits; other text as it is.

    Raises:
        CellError: digits are lost.
    """
    if match := _TRAILING_ZERO.match(text):
        text = match[1]
    match = _SCIENTIFIC.match(text)
    if match is None:
        return text
    digits, length = match[1] + match[2], int(match[3]) + 1
    if len(digits) != length or length > EXCEL_DIGITS:
        raise CellError(
            "digits-lost",
            "The spreadsheet has rounded the number. Format the column as Text, type the number again, and save.",
        )
    return digits


def licence_number(cell: str) -> tuple[str, bool]:
    """Return a licence number, and whether the spreadsheet held it as a number, so that it may have lost leading zeros.

    Raises:
        CellError: it can't be one.
    """
    text = digits_of(unspoilt(cell))
    if isinstance(cell, Number) and not _WHOLE.match(text):
        raise CellError(
            "not-a-number", "The number has decimals. Format the column as Text and type it again."
        )
    return text, isinstance(cell, Number) or text != cell


def personal_number(cell: str, today: date) -> str:
    """Return a personal identity number as 12 digits.

    Raises:
        CellError: it is none, or the spreadsheet has spoilt it.
    """
    text = digits_of(unspoilt(cell)).lstrip("'")
    lost = bool(_WHOLE.match(text)) and _FEWEST <= len(text) < _TEN
    try:
        # Leading zeros that a spreadsheet has dropped; the check digit and the date say whether that is so.
        return parse_personal_number(text.zfill(_TEN) if lost else text, today=today)
    except ValueError as error:
        if lost:
            raise CellError(
                "digits-lost", "The personal identity number has too few digits. Write it as YYYYMMDD-NNNN."
            ) from error
        said = str(error)
        raise CellError("personal-number", f"{said[:1].upper()}{said[1:]}.") from error


def birth_date(cell: str, today: date) -> str:
    """Return a birth date as ISO, also partial (`1985`, `1985-07`).

    Raises:
        CellError: it is none, or may be two.
    """
    text = _TIME.sub("", digits_of(unspoilt(cell)))
    if holds_personal_number(text):
        raise CellError(
            "personal-number-as-date",
            "The birth date holds what may be a personal identity number. Put that in a column of its own.",
        )
    try:
        found = _birth_date(text, today)
    except ValueError as error:
        raise CellError(
            "birth-date", f"The birth date can't be read: {error}. Write it as YYYY-MM-DD."
        ) from error
    if found > today.isoformat():
        raise CellError("birth-date", "The birth date has not come. Write it as YYYY-MM-DD.")
    return found


def _birth_date(text: str, today: date) -> str:
    if match := _YEAR_FIRST.match(text):
        return _iso(*match.groups())
    if match := _DOTS.match(text):
        # With points the day comes first wherever it is written so.
        return _iso(*reversed(match.groups()))
    if match := _SLASHES.match(text):
        return _of_slashes(*match.groups())
    if _WHOLE.match(text):
        if len(text) == 6:  # noqa: PLR2004 - YYMMDD
            return _of_two_digits(text, today)
        if len(text) == 5 and int(text) in _SERIALS:  # noqa: PLR2004 - a day's serial number
            return excel_date(Decimal(text))
    return parse_compact(text)


def _of_slashes(first: str, second: str, year: str) -> str:
    if int(first) > _MONTHS or int(first) == int(second):
        return _iso(year, second, first)
    if int(second) > _MONTHS:
        return _iso(year, first, second)
    raise ValueError("day and month can't be told apart")


def _iso(year: str, month: str, day: str) -> str:
    return parse_compact(f"{year}-{month.zfill(2)}-{day.zfill(2)}")


def _of_two_digits(six: str, today: date) -> str:
    """Read YYMMDD where the century is certain: of those who work, nobody is fifteen, and nobody a hundred and fifteen."""
    year = today.year - (today.year - int(six[:2])) % 100
    if today.year - year <= _YOUNGEST:
        raise ValueError("the century can't be told")
    return parse_compact(f"{year}{six[2:]}")
