"""What was measured: a figure, its floor, and how many times the floor it costs."""

from collections.abc import Sequence

import msgspec


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One row of a table.

    Attributes:
        group: what was done ("first pull").
        what: of which part ("hosp", "p95, one client").
        value: in `unit`; rates (units that end in "/s") are better when higher, all others when lower.
        floor: the least that the same work costs, in the same unit and of the same run.
        floor_what: what the floor is.
        note: what else a reader needs.
    """

    group: str
    what: str
    value: float
    unit: str
    floor: float
    floor_what: str
    note: str = ""

    @property
    def is_rate(self) -> bool:
        """Whether more is better."""
        return self.unit.endswith("/s")

    @property
    def ratio(self) -> float:
        """How many times the floor's cost this is (1 = as good as the floor)."""
        worse, better = (self.floor, self.value) if self.is_rate else (self.value, self.floor)
        return worse / better if better else float("inf")


class Share(msgspec.Struct, frozen=True):
    """How much of a job's time went into one part of the code."""

    job: str
    part: str
    share: float


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """Everything measured on one house with one number of people.

    Attributes:
        house: "small" or "large".
        people: number of people that the sandbox was asked for.
        versions: of the parts that did the work.
        facts: numbers without a floor that help to read the others, as "name: value".
        busy_before: share of the processors' time that others used just before, None if unknown.
    """

    house: str
    people: int
    versions: dict[str, str]
    figures: list[Figure]
    shares: list[Share]
    facts: dict[str, str]
    busy_before: float | None


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the value below which `percent` of the values are (nearest rank).

    Raises:
        ValueError: there are no values.
    """
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def text_of(value: float) -> str:
    """Return a number with three digits that matter, thousands parted by a comma."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
