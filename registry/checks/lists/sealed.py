"""What of a staff list is kept, sealed: its frame, its rows until they are answered, its results."""

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from registry.checks.lists.reading import Row
from registry.sealing import Sealer
from registry.spreadsheet_cells import Number, Spoilt

# What a sealed value is bound to: the same bytes in another place do not open.
FRAME, ROWS, RESULT = b"staff-list-frame", b"staff-list-rows", b"staff-list-result"
# Marks what a cell was in the spreadsheet; cells themselves hold no control characters.
_NUMBER, _SPOILT = "\x01", "\x02"
_LEVEL = 3
_encode, _decode = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder().decode


def seal_rows(sealer: Sealer, list_id: str, rows: Sequence[Row]) -> bytes:
    """Seal rows as they were read."""
    plain = [plain_row(row) for row in rows]
    return sealer.seal(zlib.compress(_encode(plain), _LEVEL), context=ROWS + list_id.encode())


def open_rows(sealer: Sealer, list_id: str, sealed: bytes) -> list[Row]:
    """Open what `seal_rows` made.

    Raises:
        ValueError: another key, or a changed value.
    """
    plain = _decode(zlib.decompress(sealer.open(sealed, context=ROWS + list_id.encode())))
    return [row_of(each) for each in plain]


def plain_row(row: Row) -> tuple[int, list[str]]:
    """Return a row as it is sealed, what a cell was in the spreadsheet marked."""
    return row[0], [_marked(cell) for cell in row[1]]


def row_of(plain: Sequence[Any]) -> Row:
    """Return the row that `plain_row` wrote."""
    number, cells = plain
    return number, [_unmarked(cell) for cell in cells]


def _marked(cell: str) -> str:
    if isinstance(cell, Number):
        return _NUMBER + cell
    return _SPOILT + cell if isinstance(cell, Spoilt) else cell


def _unmarked(cell: str) -> str:
    if cell[:1] == _NUMBER:
        return Number(cell[1:])
    return Spoilt(cell[1:]) if cell[:1] == _SPOILT else cell


def seal_frame(sealer: Sealer, list_id: str, frame: Mapping[str, Any]) -> bytes:
    """Seal what holds for every row."""
    return sealer.seal(_encode(frame), context=FRAME + list_id.encode())


def open_frame(sealer: Sealer, list_id: str, sealed: bytes) -> dict[str, Any]:
    """Open what `seal_frame` made.

    Raises:
        ValueError: another key, or a changed value.
    """
    found: dict[str, Any] = _decode(sealer.open(sealed, context=FRAME + list_id.encode()))
    return found


def seal_detail(sealer: Sealer, list_id: str, detail: Mapping[str, Any]) -> bytes:
    """Seal what is told about a row."""
    return sealer.seal(_encode(detail), context=RESULT + list_id.encode())


def open_detail(sealer: Sealer, list_id: str, sealed: bytes) -> dict[str, Any]:
    """Open what `seal_detail` made.

    Raises:
        ValueError: another key, or a changed value.
    """
    found: dict[str, Any] = _decode(sealer.open(sealed, context=RESULT + list_id.encode()))
    return found
