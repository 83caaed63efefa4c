"""Ending a list before every row was asked: what is left gets its result too, and the upload goes.

A list that has ended has a result for each of its rows, so that nobody takes a file with rows missing for the whole list.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from registry.checks.lists import sealed
from registry.checks.lists.asking import RowError, reference_of
from registry.checks.lists.columns import Columns
from registry.checks.lists.tables import staff_list, staff_list_part, staff_list_row
from registry.records import bulk
from registry.sealing import Sealer

ROW_COLUMNS = ("list_id", "row", "result", "practitioner_id", "detail")
CANCELLED = RowError(
    "", "cancelled", "The list was cancelled before this row was checked. Send the row again."
)
GIVEN_UP = RowError(
    "",
    "given-up",
    "The registry could not get on with the list before this row was checked. Send the row again.",
)
_Ranges = list[tuple[int, int]]


def numbers_text(numbers: Iterable[int]) -> str:
    """Return rising numbers of rows as they are stored with a part."""
    ranges: _Ranges = []
    for each in numbers:
        if ranges and ranges[-1][1] == each - 1:
            ranges[-1] = (ranges[-1][0], each)
        else:
            ranges.append((each, each))
    return msgspec.json.encode(ranges).decode()


def numbers_of(text: str) -> list[int]:
    """Return the numbers of rows that `numbers_text` stored."""
    ranges = msgspec.json.decode(text, type=_Ranges)
    return [each for first, last in ranges for each in range(first, last + 1)]


def counts_text(counts: Counter[str]) -> str:
    """Return counts as they are stored."""
    return msgspec.json.encode({key: counts[key] for key in sorted(counts) if counts[key]}).decode()


def close_rows(connection: sa.Connection, sealer: Sealer, list_id: str, why: RowError) -> None:
    """Give every row that is left the result `couldNotCheck`, count it as done, and delete what is left of the upload.

    The list must be locked. Rows that do not open with this key (a changed value, another key) have no reference.
    """
    part = staff_list_part.c
    left = (part.list_id == list_id) & part.done.is_(sa.false())
    this = staff_list.c.id == list_id
    row = connection.execute(sa.select(staff_list.c.frame, staff_list.c.counts).where(this)).one()
    columns, number = _columns(sealer, list_id, row.frame), 0
    query = sa.select(part.rows, part.numbers).where(left).order_by(part.number)
    for rows, numbers in connection.execute(query).all():
        told = _references(sealer, list_id, rows, numbers, columns)
        closed = [
            (list_id, row, "couldNotCheck", None, _detail(sealer, list_id, ref, why)) for row, ref in told
        ]
        bulk.insert_rows(connection, staff_list_row, ROW_COLUMNS, closed)
        number += len(closed)
    counts = Counter(msgspec.json.decode(row.counts, type=dict[str, int]))
    counts["couldNotCheck"] += number
    values = {"done": staff_list.c.done + number, "counts": counts_text(counts)}
    connection.execute(sa.update(staff_list).where(this).values(values))
    connection.execute(sa.delete(staff_list_part).where(left))


def _columns(sealer: Sealer, list_id: str, frame: bytes) -> Columns:
    try:
        return sealed.open_frame(sealer, list_id, frame)["columns"] or {}
    except ValueError:
        return {}


def _references(
    sealer: Sealer, list_id: str, rows: bytes, numbers: str, columns: Columns
) -> Sequence[tuple[int, str]]:
    try:
        opened = sealed.open_rows(sealer, list_id, rows)
    except ValueError:
        return [(number, "") for number in numbers_of(numbers)]
    return [(number, reference_of(cells, columns)) for number, cells in opened]


def _detail(sealer: Sealer, list_id: str, reference: str, why: RowError) -> bytes:
    told: dict[str, Any] = {"column": why.column, "code": why.code, "detail": why.detail}
    return sealed.seal_detail(sealer, list_id, {"reference": reference, "errors": [told]})
