"""Confirming what the columns of a staff list tell: as recognised, with the first rows' values, and as the reader chooses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from registry.checks.lists.columns import Columns, Recognised, mapped
from registry.checks.lists.errors import ListColumnsError
from registry.checks.lists.fields import FIELDS, Field
from registry.checks.lists.reading import Row
from registry.identifiers import mask_personal_numbers
from registry.web.pages.check_form import FormError

# Rows that are looked through for values to show; how many of each column are shown, and how much of each.
SAMPLE_ROWS = 25
_VALUES, _SHOWN = 3, 60
# What stands in the place of a personal identity number, and what is shown for it.
_MASKED, _DOTS = mask_personal_numbers("20000101-0000"), "••••••••-••••"


@dataclass(frozen=True, slots=True)
class ColumnView:
    """A column of the list: its header ("" where it has none), its first values, and what it is taken to tell ("" = nothing)."""

    number: int
    header: str
    values: tuple[str, ...]
    field: str


def column_views(
    frame: Mapping[str, Any], sample: Sequence[Row], chosen: Mapping[int, str] | None = None
) -> list[ColumnView]:
    """Write the columns of a list that waits for them, also those of the first rows that have no header.

    Args:
        frame: of the list (`StaffList.frame`).
        sample: its first rows, personal identity numbers masked.
        chosen: what the reader has chosen, column from 0 → field; None: what was recognised.
    """
    headers = _wide(frame["headers"], width_of(sample))
    if chosen is None:
        chosen = {place: field for field, place in frame["recognised"].items()}
    return [
        ColumnView(
            number=place + 1,
            header=header,
            values=_values(place, sample),
            field=chosen.get(place, ""),
        )
        for place, header in enumerate(headers)
    ]


def width_of(sample: Sequence[Row]) -> int:
    """Return how many columns the first rows have."""
    return max((len(cells) for _, cells in sample), default=0)


def _wide(headers: Sequence[str], width: int) -> tuple[str, ...]:
    return (*headers, *[""] * (width - len(headers)))


def _values(place: int, sample: Sequence[Row]) -> tuple[str, ...]:
    """Return the first values of a column, left out where a cell is empty."""
    given = (cells[place] for _, cells in sample if place < len(cells) and cells[place])
    return tuple(cell.replace(_MASKED, _DOTS)[:_SHOWN] for cell in islice(given, _VALUES))


def read_chosen(fields: Mapping[str, str]) -> dict[int, str]:
    """Read what the reader chose: column from 0 → field; what is no field is nothing."""
    chosen: dict[int, str] = {}
    for name, value in fields.items():
        number = name.removeprefix("column-")
        if number != name and number.isascii() and number.isdecimal() and len(number) < 5 and value in FIELDS:  # noqa: PLR2004 - far more digits than columns
            chosen[int(number) - 1] = value
    return chosen


def chosen_columns(
    frame: Mapping[str, Any], chosen: Mapping[int, str], width: int = 0
) -> tuple[Columns | None, tuple[FormError, ...]]:
    """Return the columns as the reader chose them, or what is wrong with the choice.

    Args:
        frame: of the list (`StaffList.frame`).
        chosen: column from 0 → field.
        width: columns that the first rows have (`width_of`); there may be more of them than headers.
    """
    by_field: dict[str, list[int]] = {}
    for place, field in sorted(chosen.items()):
        by_field.setdefault(field, []).append(place)
    twice = tuple(
        FormError(f"column-{place + 1}", "wrong.column-twice")
        for places in by_field.values()
        for place in places[1:]
    )
    if twice:
        return None, twice
    given: dict[str, str] = {
        field: f"#{by_field[field][0] + 1}" if field in by_field else "" for field in FIELDS
    }
    try:
        return mapped(_recognised(frame, width), given), ()
    except ListColumnsError:
        return None, (FormError("columns", "wrong.columns"),)


def _recognised(frame: Mapping[str, Any], width: int) -> Recognised:
    return Recognised(
        row=0,
        headers=_wide(frame["headers"], width),
        columns=frame["recognised"],
        unknown=tuple(frame["unknown"]),
        twice={_field(name): tuple(places) for name, places in frame["twice"].items()},
        problem=frame["problem"],
    )


def _field(name: str) -> Field:
    return next(each for each in FIELDS if each == name)
