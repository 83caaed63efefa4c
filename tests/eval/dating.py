"""Reading dates that may be none."""

from contextlib import suppress

from registry import dates


def readable_date(text: str) -> str | None:
    """Return what of a date is possible: all of it, else year and month, else the year; None without a year."""
    digits = text.replace("-", "")
    for length in (8, 6, 4):
        with suppress(ValueError):
            return dates.parse_compact(digits[:length])
    return None
