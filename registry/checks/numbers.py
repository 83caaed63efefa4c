"""Licence numbers as integers, to notice ones that follow each other: somebody tries numbers."""

import re

from registry.identifiers import holds_personal_number

_DIGITS = re.compile(r"\d+")
# Digits that are kept: what fits a column of 64 bits.
_MAX_DIGITS = 15
# Different numbers that are remembered at most.
_MOST = 100_000


def as_integer(licence_number: str | None) -> int | None:
    """Return the digits of a licence number; None for none, and for what may be a personal identity number in the wrong field."""
    if holds_personal_number(licence_number or ""):
        return None
    digits = "".join(_DIGITS.findall(licence_number or ""))[-_MAX_DIGITS:]
    return int(digits) if digits.isascii() and digits else None


class Numbers:
    """Licence numbers that were asked for, in whatever order.

    Attributes:
        longest: how many of them at most follow each other without a gap.
    """

    def __init__(self) -> None:
        # Number -> length of the run it stands in; right at least for the first and last of each run.
        self._runs: dict[int, int] = {}
        self.longest = 0

    def add(self, licence_number: str | None) -> None:
        """Remember a number that was asked for."""
        number, runs = as_integer(licence_number), self._runs
        if number is None or number in runs or len(runs) >= _MOST:
            return
        before, after = runs.get(number - 1, 0), runs.get(number + 1, 0)
        length = before + 1 + after
        runs[number] = runs[number - before] = runs[number + after] = length
        self.longest = max(self.longest, length)
