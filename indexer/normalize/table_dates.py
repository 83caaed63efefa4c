"""Dates of lists, read in the one form that the list's feed file names. ISO is always read too: it can't be mistaken."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache

from indexer.feeds.tabular_options import DateForm
from registry.dates import parse_compact, parse_iso, parse_us
from registry.spreadsheet_cells import excel_date

# The last day of the year 9999 in each form that does not begin with the year: it stands for no end.
NO_END = frozenset({"31129999", "31/12/9999", "31.12.9999", "31-12-9999", "12/31/9999", "2958465"})
_REMEMBERED_DATES = 65_536
_DMY_DIGITS = re.compile(r"([0-9]{1,2})([0-9]{2})([0-9]{4})\Z")
_DMY = re.compile(r"([0-9]{1,2})[./-]([0-9]{1,2})[./-]([0-9]{4})(?:[ T].*)?\Z")
_COMPACT = re.compile(r"[0-9]{8}\Z")
_SERIAL = re.compile(r"[0-9]{1,7}(?:\.[0-9]+)?\Z")


def dmy_digits(text: str) -> str:
    """Read day, month and year without separators and without a leading zero, as the GMC writes: `5071978`.

    Raises:
        ValueError: the text is no such date.
    """
    match = _DMY_DIGITS.match(text)
    return _day_first(match) if match else parse_iso(text)


def dmy(text: str) -> str:
    """Read day, month and year with slashes, dots or hyphens: `5/7/1978`, `05.07.1978`.

    Raises:
        ValueError: the text is no such date.
    """
    match = _DMY.match(text)
    return _day_first(match) if match else parse_iso(text)


def compact(text: str) -> str:
    """Read YYYYMMDD; a shorter one lacks digits and is none.

    Raises:
        ValueError: the text is no such date.
    """
    return parse_compact(text) if _COMPACT.match(text) else parse_iso(text)


def excel(text: str) -> str:
    """Read Excel's serial number of a day, counted from 1900.

    Raises:
        ValueError: the text is no such date.
    """
    if not _SERIAL.match(text):
        return parse_iso(text)
    if found := excel_date(Decimal(text)):
        return parse_iso(found)
    raise ValueError("expected a date as Excel counts them")


def _day_first(match: re.Match[str]) -> str:
    day, month, year = match.groups()
    return parse_iso(f"{year}-{month.zfill(2)}-{day.zfill(2)}")


_PARSERS: Mapping[DateForm, Callable[[str], str]] = {
    "iso": parse_iso,
    "compact": compact,
    "swedish": compact,
    "dmy-digits": dmy_digits,
    "dmy": dmy,
    "us": parse_us,
    "excel": excel,
}
# A register of millions repeats some ten thousand dates.
READERS: Mapping[DateForm, Callable[[str], str]] = {
    form: lru_cache(_REMEMBERED_DATES)(parse) for form, parse in _PARSERS.items()
}
