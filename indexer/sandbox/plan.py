"""How large the sandbox is, which day it stands at, and who stands at which index."""

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from math import ceil

from indexer.sandbox.errors import SandboxError
from indexer.sandbox.identities import CAPACITY

HOSP_SHARE = 0.5
WASHINGTON_SHARE = 0.4
# New people a day, and people whose record changes or goes; together about 2 %.
NEW_A_DAY = 0.003
CHANGED_A_DAY = 0.017
# Broken rows beside the good ones, per feed.
BROKEN_SHARE = 0.002
# Below this size there are only generated people; from it on the fixed ones stand in every register.
FIXED_FROM = 50
# So far the numbers suffice at the largest size, newcomers included.
LARGEST = 1_000_000
LAST_DAY = 60


@dataclass(frozen=True)
class Plan:
    """One sandbox: the same plan gives the same people, byte for byte.

    Attributes:
        size: people in all three registers together, on day 0, without the broken rows.
        seed: another seed, other people.
        day: how many days the registers have lived on.
        year: dates are laid around this year: what is in force ends after it, what has lapsed ended before it.

    Raises:
        SandboxError: the numbers reserved for tests don't suffice for that many people, or a value is negative.
    """

    size: int
    seed: int = 1
    day: int = 0
    year: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.size <= LARGEST:
            raise SandboxError(
                f"SIZE is {self.size}; it must be between 0 and {LARGEST}: there are {CAPACITY} test personal "
                "identity numbers (birth numbers 980-999), and nobody gets another's."
            )
        if not 0 <= self.day <= LAST_DAY:
            raise SandboxError(f"The day is {self.day}; it must be between 0 and {LAST_DAY}.")
        if self.seed < 0:
            raise SandboxError(f"The seed is {self.seed}; it must not be negative.")
        if not self.year:
            object.__setattr__(self, "year", date.today().year)  # noqa: DTZ011 - a year, decided by the local calendar

    @cached_property
    def hosp(self) -> "Register":
        """The Swedish register."""
        return Register(int(self.size * HOSP_SHARE + 0.5), self.day)

    @cached_property
    def washington(self) -> "Register":
        """Washington's register."""
        return Register(min(int(self.size * WASHINGTON_SHARE + 0.5), self.size - self.hosp.people), self.day)

    @cached_property
    def directory(self) -> "Register":
        """The FHIR provider directory."""
        return Register(self.size - self.hosp.people - self.washington.people, self.day)

    @property
    def with_fixed(self) -> bool:
        """Whether the fixed people are there."""
        return self.size >= FIXED_FROM


@dataclass(frozen=True)
class Register:
    """The people of one register, by index: first those of day 0, then the newcomers of each day."""

    people: int
    day: int

    @property
    def new_a_day(self) -> int:
        """How many come each day."""
        return ceil(self.people * NEW_A_DAY)

    @property
    def ever(self) -> int:
        """How many people there have been by the plan's day."""
        return self.people + self.new_a_day * self.day

    @property
    def most(self) -> int:
        """How many there can be on the last day, and the broken ones after them: for handing out numbers."""
        return self.people + self.new_a_day * LAST_DAY + self.broken

    @property
    def broken(self) -> int:
        """How many broken rows the feed carries: few, but in a small feed too there is something to quarantine."""
        return max(ceil(self.people * BROKEN_SHARE), min(self.people // 10, 8)) if self.people >= 10 else 0  # noqa: PLR2004 - in a handful of people one broken row would be a changed format

    def came_on(self, index: int) -> int:
        """Return the day on which the person came (0 = was there)."""
        return 0 if index < self.people else (index - self.people) // self.new_a_day + 1
