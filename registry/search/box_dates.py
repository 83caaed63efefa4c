"""Birth dates in free text, in the forms that people write and that can be read in one way only."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal

from registry import dates

# Nobody born earlier practises.
_FIRST_YEAR = 1900
_MONTHS_OF_A_YEAR = 12
_SHORT_DATE = 6
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan januari january",
            "feb februari february",
            "mar mars march",
            "apr april",
            "maj may",
            "jun juni june",
            "jul juli july",
            "aug augusti august",
            "sep sept september",
            "okt oct oktober october",
            "nov november",
            "dec december",
        ),
        start=1,
    )
    for name in names.split()
}
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
# Before a date: that it is one.
_BORN = r"(?:\b(?:född|fodd|born|f)\.?\s+(?:den\s+|on\s+|in\s+)?)?"
_FORMS = re.compile(
    rf"""(?<![\w/.-]){_BORN}(?:
      (?P<y1>(?:19|20)\d\d)(?P<s1>[-/.])(?P<m1>\d{{1,2}})(?:(?P=s1)(?P<d1>\d{{1,2}}))?
    | (?P<y2>(?:19|20)\d\d)(?P<m2>\d\d)(?P<d2>\d\d)
    | (?P<a3>\d{{1,2}})\s?[/.-]\s?(?P<b3>\d{{1,2}})(?:\s?[/.-]\s?|\s+)(?P<y3>(?:19|20)\d\d)
    | (?P<d4>\d{{1,2}})(?:\.|:?[ae]|st|nd|rd|th)?\s+(?P<n4>{_MONTH})\.?\s+(?P<y4>(?:19|20)\d\d)
    | (?P<n5>{_MONTH})\.?\s+(?P<d5>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<y5>(?:19|20)\d\d)
    | (?P<y6>(?:19|20)\d\d)
    )(?![\w/-]|\.\d)""",
    re.VERBOSE | re.IGNORECASE,
)


Doubt = Literal["", "order", "calendar"]


@dataclass(frozen=True, slots=True)
class FoundDate:
    """A date in a text.

    Attributes:
        start, end: where it stands.
        text: as written.
        value: the partial date, cut to what is sure.
        doubt: "order": day and month could be either, so only the year counts; "calendar": there is no such day.
    """

    start: int
    end: int
    text: str
    value: str
    doubt: Doubt = ""


def find_dates(text: str, today: date) -> Iterator[FoundDate]:
    """Give the dates of a text that a living person may be born on; what lies after `today` is none."""
    for match in _FORMS.finditer(text):
        year, month, day, doubt = _parts(match)
        found = _checked(year, month, day)
        if found is None and not match["y2"]:
            found, doubt = _checked(year, month, None) or _checked(year, None, None), "calendar"
        if found is None or int(year) < _FIRST_YEAR or dates.earliest(found) > today:
            continue
        yield FoundDate(match.start(), match.end(), match[0].strip(), found, doubt)


def short_date(number: str, today: date) -> str:
    """Return the birth date that six digits are where they stand for YYMMDD, of the latest century before `today`; else "".

    They are a licence number just as well, which is to be looked for first.
    """
    if not (number.isascii() and number.isdigit() and len(number) == _SHORT_DATE):
        return ""
    year, month, day = number[:2], int(number[2:4]), int(number[4:])
    for century in ("20", "19"):
        found = _checked(century + year, month, day)
        if found and dates.earliest(found) <= today:
            return found
    return ""


def _parts(match: re.Match[str]) -> tuple[str, int | None, int | None, Doubt]:
    """Return year, month and day, as far as they can be told."""
    if match["y3"]:
        one, two = int(match["a3"]), int(match["b3"])
        if one != two and one <= _MONTHS_OF_A_YEAR and two <= _MONTHS_OF_A_YEAR:
            return match["y3"], None, None, "order"
        return (match["y3"], one, two, "") if two > _MONTHS_OF_A_YEAR else (match["y3"], two, one, "")
    if match["n4"]:
        return match["y4"], _MONTHS[match["n4"].casefold()], int(match["d4"]), ""
    if match["n5"]:
        return match["y5"], _MONTHS[match["n5"].casefold()], int(match["d5"]), ""
    if match["y6"]:
        return match["y6"], None, None, ""
    digit = "1" if match["y1"] else "2"
    day = match[f"d{digit}"]
    return match[f"y{digit}"], int(match[f"m{digit}"]), int(day) if day else None, ""


def _checked(year: str, month: int | None, day: int | None) -> str | None:
    parts = [year, *(f"{part:02d}" for part in (month, day) if part is not None)]
    try:
        return dates.parse_iso("-".join(parts))
    except ValueError:
        return None
