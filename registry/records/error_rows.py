"""The rows that a run did not take in, written for others: NDJSON for programs, CSV for a spreadsheet. In flat memory."""

import csv
import io
from collections.abc import Callable, Iterator
from typing import Literal

import orjson

from registry.records.receipts import RowError

Kind = Literal["ndjson", "csv"]
COLUMNS = ("row", "key", "field", "kind", "reason", "echo")
# What makes a spreadsheet take a cell for a formula (OWASP, CSV injection), also after spaces.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


def _ndjson(rows: Iterator[RowError]) -> Iterator[bytes]:
    for row in rows:
        yield orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)


def _csv(rows: Iterator[RowError]) -> Iterator[bytes]:
    """Give RFC 4180 lines."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([row.row, *(_cell(getattr(row, name)) for name in COLUMNS[1:])])
        yield _taken(text)
    if rest := _taken(text):
        yield rest


def _taken(text: io.StringIO) -> bytes:
    data = text.getvalue().encode()
    text.seek(0)
    text.truncate()
    return data


def _cell(value: str) -> str:
    """Keep a spreadsheet from calculating what a feed has sent."""
    return f"'{value}" if value.lstrip(" ").startswith(_FORMULA) else value


_LINES: dict[Kind, Callable[[Iterator[RowError]], Iterator[bytes]]] = {"ndjson": _ndjson, "csv": _csv}


def error_lines(rows: Iterator[RowError], kind: Kind) -> Iterator[bytes]:
    """Give rows in one of the forms, piece by piece."""
    return _LINES[kind](rows)
