"""Socrata rows, from the pages of the API (JSON) or from the file export (CSV): the same record, the same bytes.

The API names columns `firstissuedate` where the export writes `FirstIssueDate`, leaves empty values out where the
export writes "", and writes dates as ISO with a time where the export may write MM/DD/YYYY. Names are folded to
letters and digits, empty values left out, dates written as ISO; so a change of export changes no record.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
import orjson

from indexer.feeds.errors import MalformedFeedError, TruncatedFeedError
from indexer.feeds.options import SocrataOptions
from indexer.feeds.rows import BadRow, SourceRow, canonical, echo
from indexer.feeds.socrata_pages import rows_of
from registry.dates import parse_compact, parse_us

# Distinct dates seen at a time; a register of millions repeats some ten thousands.
_REMEMBERED_DATES = 65_536
_REMEMBERED_NAMES = 1024
# Roles of columns (see SocrataColumns) without which a row says nothing, and those that a whole register may lack.
_ALWAYS = ("number", "profession", "status", "family")
_MAY_BE_EMPTY = frozenset({"middle", "suffix"})
_MANY_ROWS = 1000


def parse(
    parts: Sequence[Path], options: SocrataOptions, max_record_bytes: int
) -> Iterator[SourceRow | BadRow]:
    """Yield every row, in order.

    Raises:
        TruncatedFeedError: a page or the file ends in the middle.
        MalformedFeedError: no JSON array, no CSV, or a needed column is missing in the whole feed.
    """
    reader = _Reader(options, max_record_bytes)
    rows = _json_rows(parts) if options.export == "json" else _csv_rows(parts, reader, options)
    for number, row in enumerate(rows, 1):
        yield reader.record(number, row)
    reader.check_columns()


@lru_cache(_REMEMBERED_NAMES)
def fold_column(name: str) -> str:
    """Fold a column name: `Credential Number`, `CredentialNumber` and `credential_number` are one."""
    return "".join(c for c in name.casefold() if c.isalnum())


@lru_cache(_REMEMBERED_DATES)
def canonical_date(text: str) -> str:
    """Write a date as ISO whichever way it came; what is no date stays as it is and is told of later."""
    for read in (parse_compact, parse_us):
        try:
            return read(text)
        except ValueError:
            continue
    return text


class _Broken:
    """A row that can't be split into fields."""

    def __init__(self, reason: str, text: str, key: str = "") -> None:
        self.reason = reason
        self.text = text
        self.key = key


class _Reader:
    """Turns rows into records and watches that the needed columns come at all."""

    def __init__(self, options: SocrataOptions, max_record_bytes: int) -> None:
        columns = options.columns
        self.key = [fold_column(name) for name in options.key]
        dates = (columns.birth_date, columns.issued, columns.valid_from, columns.valid_to, *options.dates)
        self._dates = frozenset(fold_column(name) for name in dates if name)
        mapped = {role: fold_column(name) for role, name in msgspec.structs.asdict(columns).items() if name}
        self.header = {*self.key, *mapped.values()}
        # JSON leaves empty values out, so a column that never comes may be empty or renamed. In a few rows some may
        # well be empty; in many, none but parts of names.
        self._always = {*self.key, *(mapped[role] for role in _ALWAYS)}
        self._in_many = self._always | {
            column for role, column in mapped.items() if role not in _MAY_BE_EMPTY
        }
        self._unseen = set(self._in_many)
        self.max_record_bytes = max_record_bytes
        self._rows = 0

    def record(self, number: int, row: "dict[str, Any] | _Broken") -> SourceRow | BadRow:
        self._rows += 1
        if isinstance(row, _Broken):
            return BadRow(number, row.key, "", row.reason, echo(row.text))
        record: dict[str, str] = {}
        dates = self._dates
        for name, value in row.items():
            text = value.strip() if isinstance(value, str) else _text(value)
            # Names that begin with a colon are the portal's own bookkeeping, not the authority's.
            if text and not name.startswith(":"):
                column = fold_column(name)
                record[column] = canonical_date(text) if column in dates else text
        if self._unseen:
            self._unseen -= record.keys()
        key = "|".join(record.get(column, "") for column in self.key)
        if not key.strip("|"):
            return BadRow(
                number,
                "",
                self.key[0],
                "the column is empty, so nothing tells which record it is",
                _echo(record),
            )
        payload = canonical(record)
        if len(payload) > self.max_record_bytes:
            return BadRow(
                number, key, "", f"the record is larger than {self.max_record_bytes} bytes", _echo(record)
            )
        return SourceRow(number, key, payload)

    def check_columns(self) -> None:
        """Refuse a feed in which a needed column never came.

        Read without it, nobody would have, say, an end date any more, and that would look like news.
        """
        missing = self._unseen & (self._in_many if self._rows >= _MANY_ROWS else self._always)
        if self._rows and missing:
            raise MalformedFeedError(
                f"No row has the column {min(missing)!r}. The source may have renamed it: "
                "see options.columns in the feed file."
            )


def _text(value: object) -> str:
    """Write a JSON value as the CSV export would."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def _echo(record: dict[str, str]) -> str:
    return echo(canonical(record).decode())


def _json_rows(parts: Sequence[Path]) -> "Iterator[dict[str, Any] | _Broken]":
    """Yield the rows of the API's pages; a page is held in memory as bytes, a row at a time as values."""
    for part in parts:
        for raw in rows_of(part.read_bytes()):
            row = orjson.loads(memoryview(raw))
            yield row if isinstance(row, dict) else _Broken("the row is no object", str(row))


def _csv_rows(
    parts: Sequence[Path], reader: _Reader, options: SocrataOptions
) -> "Iterator[dict[str, Any] | _Broken]":
    for part in parts:
        if options.final_newline:
            _check_final_newline(part)
        with part.open(encoding="utf-8-sig", newline="") as file:
            try:
                yield from _csv_file(file, part, reader)
            except UnicodeDecodeError as error:
                raise MalformedFeedError(
                    f"{part.name} is no UTF-8 text. Ask the authority for a new file."
                ) from error


def _check_final_newline(part: Path) -> None:
    with part.open("rb") as file:
        size = file.seek(0, io.SEEK_END)
        file.seek(max(0, size - 1))
        if file.read(1) not in (b"\n", b"\r"):
            raise TruncatedFeedError(
                f"{part.name} does not end with a newline, so its last row may be cut. Fetch it again, or set "
                "options.final_newline = false if this export never ends with one."
            )


def _csv_file(file: io.TextIOWrapper, part: Path, reader: _Reader) -> "Iterator[dict[str, Any] | _Broken]":
    # readline with a bound, so that a file without newlines does not become one line in memory.
    rows = csv.reader(iter(lambda: file.readline(reader.max_record_bytes), ""), strict=True)
    header = [fold_column(name) for name in next(rows, [])]
    if missing := sorted(reader.header - set(header)):
        raise MalformedFeedError(
            f"{part.name} has no column {missing[0]!r} in its header. The source may have renamed it: "
            "see options.columns in the feed file."
        )
    if len(set(header)) != len(header):
        raise MalformedFeedError(f"{part.name} has two columns of the same name in its header.")
    width = len(header)
    places = [header.index(column) for column in reader.key]
    while True:
        try:
            row = next(rows, None)
        except csv.Error as error:
            if "unexpected end of data" in str(error):
                raise TruncatedFeedError(
                    f"{part.name} ends inside a quoted value. Fetch it again."
                ) from error
            yield _Broken(f"the row can't be split into columns ({error})", "")
            continue
        if row is None:
            return
        if len(row) == width:
            yield dict(zip(header, row, strict=True))
        elif row:
            key = "|".join(row[place].strip() for place in places) if max(places) < len(row) else ""
            yield _Broken(f"{width} columns were expected, {len(row)} came", ",".join(row), key)
