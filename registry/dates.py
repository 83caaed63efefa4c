"""Partial dates: `2019`, `2019-05` or `2019-05-03`, kept as the authority gave them.

A partial date is plain text, so that it sorts, is stored and is shown as it is; the functions here read the
forms that feeds use and say which days a partial date can mean. No function invents a day or a month.
"""

import calendar
import re
from datetime import date

# ASCII digits only: a date is kept as text, and other scripts' digits would not sort among them.
_ISO = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?\Z", re.ASCII)
_COMPACT = re.compile(r"(\d{4})(?:(\d{2})(\d{2})?)?\Z", re.ASCII)
_DATE_TIME = re.compile(r"(\d{4}-\d{2}-\d{2})[T ]\d{2}:\d{2}", re.ASCII)
_US = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})(?: \d{1,2}:\d{2}.*)?\Z", re.ASCII)


def parse_iso(text: str) -> str:
    """Read ISO 8601 `2019`, `2019-05`, `2019-05-03`, also with a time after it (FHIR dateTime, Socrata).

    Raises:
        ValueError: the text is no such date; the message says what was expected.
    """
    text = text.strip()
    if match := _DATE_TIME.match(text):
        text = match[1]
    if match := _ISO.match(text):
        return _checked(match[1], match[2], match[3])
    raise ValueError("expected a date as YYYY, YYYY-MM or YYYY-MM-DD")


def parse_compact(text: str) -> str:
    """Read `YYYY[MM[DD]]` (HOSP PartielltDatum), also with hyphens.

    Raises:
        ValueError: the text is no such date.
    """
    text = text.strip()
    if match := _COMPACT.match(text):
        return _checked(match[1], match[2], match[3])
    return parse_iso(text)


def parse_us(text: str) -> str:
    """Read `MM/DD/YYYY`, also with a time after it, or ISO.

    Raises:
        ValueError: the text is no such date.
    """
    text = text.strip()
    if match := _US.match(text):
        return _checked(match[3], match[1].zfill(2), match[2].zfill(2))
    return parse_iso(text)


def _checked(year: str, month: str | None, day: str | None) -> str:
    if not 1800 <= int(year) <= 2200:  # noqa: PLR2004 - the life span of any licence we can meet
        raise ValueError("the year is outside 1800-2200")
    if month is None:
        return year
    if not 1 <= int(month) <= 12:  # noqa: PLR2004 - months of a year
        raise ValueError("there is no such month")
    if day is None:
        return f"{year}-{month}"
    if not 1 <= int(day) <= calendar.monthrange(int(year), int(month))[1]:
        raise ValueError("there is no such day in that month")
    return f"{year}-{month}-{day}"


def earliest(partial: str) -> date:
    """Return the first day that the partial date can mean."""
    year, month, day = _parts(partial)
    return date(year, month or 1, day or 1)


def latest(partial: str) -> date:
    """Return the last day that the partial date can mean."""
    year, month, day = _parts(partial)
    month = month or 12
    return date(year, month, day or calendar.monthrange(year, month)[1])


def _parts(partial: str) -> tuple[int, int | None, int | None]:
    year, month, day = (*partial.split("-"), None, None)[:3]
    return int(year or 0), int(month) if month else None, int(day) if day else None


def agree(one: str, other: str) -> bool:
    """Tell whether two partial dates can mean the same day (`1980` and `1980-05-03` can)."""
    return earliest(one) <= latest(other) and earliest(other) <= latest(one)
