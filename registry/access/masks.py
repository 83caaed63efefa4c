"""What is left of a value that is masked: enough to recognise what one already has, too little to learn it.

Pure functions of text; each gives the same for its own result. None: nothing of the value is shown.
"""

import re
from collections.abc import Callable, Mapping
from typing import Literal

MaskName = Literal["initials", "year", "end"]
_YEAR = re.compile(r"[0-9]{4}(?=\Z|-)")
_ENDED = re.compile(r"….{0,3}\Z", re.DOTALL)
_END = 3
# A shorter number would be told in half or more.
_SHORTEST = 2 * _END


def initials(name: str) -> str | None:
    """Return the first letter of each word: `Anna Lindqvist` → `A. L.`."""
    return " ".join(f"{word[0]}." for word in name.split())


def year(date: str) -> str | None:
    """Return the year of a partial date (`1980-05-03`, `1980-05`, `1980`) → `1980`; None for anything else."""
    found = _YEAR.match(date)
    return found.group() if found else None


def end(number: str) -> str | None:
    """Return the last three characters of a number, `RN60123456` → `…456`; `…` alone of fewer than six."""
    if _ENDED.match(number):
        return number
    return f"…{number[-_END:]}" if len(number) >= _SHORTEST else "…"


MASKS: Mapping[MaskName, Callable[[str], str | None]] = {"initials": initials, "year": year, "end": end}
