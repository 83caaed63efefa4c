"""Rows of a CSV export. A row that is known costs no more than splitting it would.

A line without a single quote is a row as it stands: its columns are what stands between the commas. Such a line is not
even looked at before anyone asks what it says; every other goes through `csv.reader`.
"""

import csv
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import msgspec

from indexer.feeds.errors import MalformedFeedError, TruncatedFeedError
from indexer.feeds.options import SocrataOptions
from indexer.feeds.rows import BadRow, SourceRow, UnreadRows, canonical, echo
from indexer.feeds.socrata_columns import Columns, fold_column
from indexer.feeds.text import Lines, check_final_newline

# How much longer a value can become in JSON (a control character, "\u0001"), and what surrounds it.
_JSON_TIMES = 6
_JSON_AROUND = 6
# `csv.reader` takes no longer values.
_LONGEST_FIELD = csv.field_size_limit()
# Unlike a separator between them, it keeps values apart whatever they hold.
_pack = msgspec.msgpack.Encoder().encode


class CsvRows:
    """Reads the parts of one export; rows are counted over all of them."""

    def __init__(self, columns: Columns, options: SocrataOptions, max_record_bytes: int) -> None:
        self._columns = columns
        self._options = options
        self._max_bytes = max_record_bytes

    def all(self, parts: Sequence[Path], *, cased: bool = False) -> Iterator[SourceRow | BadRow | UnreadRows]:
        """Yield every row, or of a feed with cases: with `cased` those that tell of one, else all others.

        Rows come unread where each line is a row and the feed has no cases.

        Raises:
            TruncatedFeedError, MalformedFeedError: a part is cut short, is no such CSV, or lacks a column.
        """
        number = 0
        for part in parts:
            if self._options.final_newline:
                check_final_newline(part, self._options.encoding)
            with Lines(part, self._options.encoding, self._max_bytes) as lines:
                source = _Pending(iter(lines))
                rows = csv.reader(source, strict=True)
                header = self._header(part, rows, lines)
                reader = _Part(lines, header, self._columns, self._max_bytes, number)
                yield from reader.rows(source, rows, cased=cased)
                number = reader.number

    def _header(self, part: Path, rows: "Iterator[list[str]]", lines: Lines) -> list[str]:
        try:
            header = [fold_column(name) for name in next(rows, [])]
        except csv.Error as error:
            raise MalformedFeedError(f"{part.name} has a header that can't be read ({error}).") from error
        if lines.cut:
            raise MalformedFeedError(f"{part.name} has a header longer than {self._max_bytes} characters.")
        if missing := sorted(self._columns.header - set(header)):
            raise MalformedFeedError(
                f"{part.name} has no column {missing[0]!r} in its header. The source may have renamed it: "
                "see options.columns in the feed file."
            )
        if len(set(header)) != len(header):
            raise MalformedFeedError(f"{part.name} has two columns of the same name in its header.")
        return header


class _Pending:
    """The lines of a file for `csv.reader`, after one that has been taken from them already."""

    def __init__(self, lines: Iterator[str]) -> None:
        self.lines = lines
        self.line: str | None = None

    def __iter__(self) -> "_Pending":
        return self

    def __next__(self) -> str:
        line, self.line = self.line, None
        return next(self.lines) if line is None else line


class _Part:
    """One file of an export, whose header is known.

    Attributes:
        number: how many rows have been read, over all files.
    """

    def __init__(
        self, lines: Lines, header: list[str], columns: Columns, max_bytes: int, number: int
    ) -> None:
        self.number = number
        self._lines = lines
        self._header = header
        self._columns = columns
        self._max_bytes = max_bytes
        self._places = [header.index(column) for column in columns.key]
        self._place = {column: place for place, column in enumerate(header)}
        self._cleaners = [(column, columns.cleaner(column)) for column in header]
        self._reading = columns.reading(header)
        around = sum(len(name.encode()) + _JSON_AROUND for name in header)
        # Above this the payload might be too large.
        self._small = (max_bytes - around) // _JSON_TIMES

    def rows(
        self, source: _Pending, rows: "Iterator[list[str]]", *, cased: bool
    ) -> "Iterator[SourceRow | BadRow | UnreadRows]":
        """Yield the rows after the header."""
        while True:
            try:
                yield from self._readable(source, rows, cased=cased)
            except csv.Error as error:
                problem = str(error)
            else:
                return
            if "unexpected end of data" in problem:
                raise TruncatedFeedError(
                    f"{self._lines.part.name} ends inside a quoted value. Fetch it again."
                )
            self._lines.cut = False
            if not cased:
                yield BadRow(self.number, "", "", f"the row can't be split into columns ({problem})", "")

    def _readable(
        self, source: _Pending, rows: "Iterator[list[str]]", *, cased: bool
    ) -> "Iterator[SourceRow | BadRow | UnreadRows]":
        """Yield rows until there are no more, or one can't be split into columns (csv.Error)."""
        columns, lines, reading = self._columns, self._lines, self._reading
        simple = columns.plain_key and not columns.only and not columns.cases
        while True:
            if simple and not columns.unseen and (plain := lines.plain()):
                first = self.number + 1
                self.number += len(plain)
                yield UnreadRows(first, [reading + line for line in plain], self._of_raw)
                continue
            line = next(source.lines, None)
            if line is None:
                return
            self.number += 1
            if '"' in line or lines.cut or len(line) > _LONGEST_FIELD:
                source.line = line
                row = next(rows)
                # No line without a quote begins with one.
                raw = reading + b'"' + _pack(row)
            else:
                text = line.rstrip("\r\n")
                raw = reading + text.encode()
                row = text.split(",") if text else []
            if not row:
                self.number -= 1
            elif found := self._row(self.number, row, raw, cased=cased):
                yield found

    def _of_raw(self, number: int, raw: bytes) -> SourceRow | BadRow:
        """Read a row that came unread."""
        text = self._lines.text(raw[len(self._reading) :])
        found = self._row(number, text.split(","), raw, cased=False)
        assert found is not None, "without cases and a choice among rows every row is asked for"
        return found

    def _row(self, number: int, row: list[str], raw: bytes, *, cased: bool) -> SourceRow | BadRow | None:
        """Return a row that has been split, or None for one that is not asked for."""
        columns = self._columns
        if len(row) != len(self._header) or self._lines.cut:
            misfit = self._misfit(number, row)
            return None if cased else misfit
        if not columns.is_chosen(partial(self._value, row), cased=cased):
            return None
        columns.rows += 1
        key = self._key(row)
        if columns.unseen or not key or len(raw) > self._small:
            return self._careful(number, key, raw, row)
        return SourceRow(number, key, raw, row, self.payload)

    def record(self, row: list[str]) -> dict[str, str]:
        """Return the record that a row is (see `Columns.record`)."""
        record: dict[str, str] = {}
        for value, (column, clean) in zip(row, self._cleaners, strict=True):
            text = value.strip()
            if text and clean is not None:
                text = clean(text)
            if text and column:
                record[column] = text
        return record

    def payload(self, row: list[str]) -> bytes:
        """Return the record in canonical form."""
        return canonical(self.record(row))

    def _value(self, row: list[str], column: str) -> str:
        return row[self._place[column]].strip()

    def _key(self, row: list[str]) -> str:
        """Return the row's key, "" if all its columns are empty."""
        columns = self._columns
        return columns.key_of(
            {
                column: columns.clean(column, row[place].strip())
                for column, place in zip(columns.key, self._places, strict=True)
            }
        )

    def _misfit(self, number: int, row: list[str]) -> BadRow:
        key = self._key(row) if max(self._places) < len(row) else ""
        reason = f"{len(self._header)} columns were expected, {len(row)} came"
        if self._lines.cut:
            self._lines.cut = False
            reason = f"the line is longer than {self._max_bytes} characters"
        return BadRow(number, key, "", reason, echo(",".join(row)))

    def _careful(self, number: int, key: str, raw: bytes, row: list[str]) -> SourceRow | BadRow:
        """Look closer at a row: while needed columns are looked for, and when it is large or has no key."""
        record = self.record(row)
        self._columns.see(record)
        payload = canonical(record)
        if not key:
            return no_key(number, self._columns, payload)
        if len(payload) > self._max_bytes:
            return too_large(number, key, self._max_bytes, payload)
        return SourceRow(number, key, raw, row, self.payload)


def no_key(number: int, columns: Columns, payload: bytes) -> BadRow:
    """Return the bad row of a record that has no key."""
    reason = "the column is empty, so nothing tells which record it is"
    return BadRow(number, "", columns.key[0], reason, echo(payload.decode()))


def too_large(number: int, key: str, max_bytes: int, payload: bytes) -> BadRow:
    """Return the bad row of a record that is larger than allowed."""
    return BadRow(number, key, "", f"the record is larger than {max_bytes} bytes", echo(payload.decode()))
