"""Small readers that all formats share.

Bad news is never held back by a bad date: where a record says that a licence does not hold, or that a person is
protected, a date that can't be read is left out instead of sending the whole record to quarantine, where the older
and better news would go on standing.
"""

from collections.abc import Callable
from functools import lru_cache

from indexer.normalize.errors import BadRecordError
from registry.dates import parse_compact, parse_iso
from registry.identifiers import check_digit, starts_with_date
from registry.records.facts import Status

# Statuses under which nobody may practise: from here on a date can only tell since when.
GRAVE: frozenset[Status] = frozenset({"suspended", "revoked", "lapsed", "surrendered", "deceased"})
_ALIVE: frozenset[Status] = frozenset({"active", "restricted"})
# Systems that need a date in every row write this year for "no end".
_NO_END = "9999"
_REMEMBERED_DATES = 65_536
# What decoders write for a letter that they can't read.
_LOST = "\ufffd"
_PERSONAL_DIGITS = 12

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
    """Refuse text whose letters were lost on the way (U+FFFD): nobody would find the person under such a name.

    Raises:
        BadRecordError: the text is spoilt, and the record must not be read so (`lenient` is False).
    """
    if not lenient and any(_LOST in text for text in texts):
        raise BadRecordError(field, "letters were lost when the text was encoded (U+FFFD)")


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
