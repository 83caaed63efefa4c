"""Small readers that all formats share.

Bad news is never held back by a bad date: where a record says that a licence does not hold, or that a person is
protected, a date that can't be read is left out instead of sending the whole record to quarantine, where the older
and better news would go on standing.
"""

import re
from collections.abc import Callable
from functools import lru_cache

from indexer.normalize.errors import BadRecordError
from indexer.normalize.garbled import garbled
from registry.dates import parse_compact, parse_iso
from registry.identifiers import check_digit, starts_with_date
from registry.records.facts import Status

# Statuses under which nobody may practise: from here on a date can only tell since when.
GRAVE: frozenset[Status] = frozenset({"suspended", "revoked", "lapsed", "surrendered", "deceased"})
_ALIVE: frozenset[Status] = frozenset({"active", "restricted"})
# Systems that need a date in every row write this year for "no end".
_NO_END = "9999"
_REMEMBERED_DATES = 65_536
_PERSONAL_DIGITS = 12
# Hyphen, plus and the dashes that word processors and spreadsheets make of it.
_SWEDISH = re.compile("(1[89]|20)?([0-9]{6})([-+\u2010-\u2015\u2212]?)([0-9]{4})\\Z")

iso = lru_cache(_REMEMBERED_DATES)(parse_iso)
compact = lru_cache(_REMEMBERED_DATES)(parse_compact)


def read_date(field: str, text: str | None, parse: Callable[[str], str], *, lenient: bool) -> str | None:
    """Read a date; None for an empty one.

    Raises:
        BadRecordError: it is none, and the record must not be read without it (`lenient` is False).
    """
    if not text:
        return None
    try:
        return parse(text)
    except ValueError as error:
        if lenient:
            return None
        raise BadRecordError(field, str(error)) from error


def read_end_date(field: str, text: str | None, parse: Callable[[str], str], *, lenient: bool) -> str | None:
    """Read the last day of something; None also for the year 9999, which stands for no end."""
    if text and text.startswith(_NO_END):
        return None
    return read_date(field, text, parse, lenient=lenient)


def check_text(field: str, *texts: str, lenient: bool) -> None:
    """Refuse text whose letters were lost or garbled on the way: nobody would find the person under such a name.

    What gives it away: see `indexer.normalize.garbled`.

    Raises:
        BadRecordError: the text is spoilt, and the record must not be read so (`lenient` is False).
    """
    if lenient:
        return
    for text in texts:
        if problem := garbled(text):
            raise BadRecordError(field, problem)


def twelve_digits(text: str, born_from: int = 0) -> str:
    """Write a Swedish personal identity or coordination number as twelve digits. Pure: no clock decides the century.

    Args:
        text: twelve or ten digits, with or without `-` or `+` (which is written from the year a person turns 100).
        born_from: the first birth year that ten digits without `+` can mean; with `+`, one of the hundred years before
            it. 0: ten digits are refused, for they leave the century open.

    Raises:
        ValueError: no such number; the message says what was expected, without repeating it.
    """
    match = _SWEDISH.match("".join(text.split()))
    if match is None:
        raise ValueError("expected YYYYMMDD-NNNN")
    century, six, sign, last = match.groups()
    if century:
        return f"{century}{six}{last}"
    if not born_from:
        raise ValueError("ten digits leave the century open (options.ten_digits_from)")
    year = born_from + (int(six[:2]) - born_from) % 100 - (100 if sign == "+" else 0)
    return f"{year}{six[2:]}{last}"


def personal_number(field: str, digits: str, *, lenient: bool) -> str | None:
    """Check a personal identity or coordination number of twelve digits; None for one to leave out.

    A wrong number is worse than none: records are joined on it, so it would give one person's licence to another.

    Raises:
        BadRecordError: it is no such number, and the record must not be read without it (`lenient` is False).
    """
    if len(digits) != _PERSONAL_DIGITS or not (digits.isascii() and digits.isdigit()):
        problem = "expected twelve digits"
    elif not starts_with_date(digits):
        problem = "the number does not start with a date"
    elif check_digit(digits[2:11]) != int(digits[11]):
        problem = "the check digit is wrong"
    else:
        return digits
    if lenient:
        return None
    raise BadRecordError(field, problem)


def status_of_deceased(status: Status) -> Status:
    """Return the status of a licence whose holder has died: nobody practises on it any more."""
    return "deceased" if status in _ALIVE else status
