"""How two birth dates are alike, digit by digit: slips of the pen make days that are not in the calendar."""

from registry.matching.question import digits

_YEAR, _MONTH, _DAY = 4, 6, 8
_DECADE = 3
BIRTH_DATE_OUTCOMES = (
    "same",
    "part-month",
    "part-year",
    "swapped",
    "slip",
    "month",
    "day",
    "year",
    "decade",
    "different",
    "unknown",
    "not-asked",
)


def birth_date_outcome(asked: str, recorded: str) -> str:
    """Compare two dates given as digits (`yyyy`, `yyyymm`, `yyyymmdd` or none)."""
    if not asked:
        return "not-asked"
    if not recorded:
        return "unknown"
    known = min(len(asked), len(recorded))
    if asked[:known] == recorded[:known]:
        return {_YEAR: "part-year", _MONTH: "part-month"}.get(known, "same")
    if known == _DAY and (near := _near(asked, recorded)):
        return near
    if asked[:_YEAR] == recorded[:_YEAR]:
        return "year"
    return "decade" if asked[:_DECADE] == recorded[:_DECADE] else "different"


def _near(asked: str, recorded: str) -> str:
    """Tell what two whole dates that differ have in common; "" for less than a month."""
    if asked[:_DECADE] != recorded[:_DECADE] and asked[_YEAR:] != recorded[_YEAR:]:
        return ""  # two digits differ that are no neighbours: most pairs end here
    year, month, day = asked[:_YEAR], asked[_YEAR:_MONTH], asked[_MONTH:]
    if recorded == year + day + month:
        return "swapped"
    if slipped(asked, recorded):
        return "slip"
    if recorded[:_MONTH] == year + month:
        return "month"
    return "day" if recorded[_YEAR:] == month + day else ""


def slipped(one: str, two: str) -> bool:
    """Tell whether two strings of equal length differ by one character or by two neighbours swapped."""
    apart = [i for i, (a, b) in enumerate(zip(one, two, strict=True)) if a != b]
    if len(apart) == 1:
        return True
    if len(apart) != 2 or apart[1] - apart[0] != 1:  # noqa: PLR2004 - two neighbours
        return False
    first, second = apart
    return one[first] == two[second] and one[second] == two[first]


def compare_partial(asked: str | None, recorded: str | None) -> str:
    """Compare two partial dates as written.

    Raises:
        ValueError: one is no date.
    """
    return birth_date_outcome(digits(asked), digits(recorded))
