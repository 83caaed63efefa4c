"""Lists in CSV or Excel with one licence a row, read as their feed file says.

Nothing of a list is known here: which column holds what, how dates are written, what stands above the header and below
the last record are all `[options]`. What is guarded here is that a list which changed is never read with stale meaning:
columns are found by name, a missing or doubled one refuses the file, a row that does not fit its header is quarantined.
"""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from indexer.feeds.errors import MalformedFeedError, TruncatedFeedError
from indexer.feeds.rows import BadRow, SourceRow, echo
from indexer.feeds.spreadsheet import Number, Sheet, Spoilt
from indexer.feeds.tabular_header import SEPARATOR, Broken, Finder, Header, csv_dialect, fold_column
from indexer.feeds.tabular_options import TabularOptions
from indexer.feeds.text import Lines, check_final_newline
from indexer.normalize.values import twelve_digits
from registry.vocabulary import fold_word

_DELIMITERS = (",", ";", "\t")
# Which columns an echo may hold where rows may be of people with protected identity.
_ECHOED = ("number", "profession", "status")
_ZIP = b"PK\x03\x04"


def parse(
    parts: Sequence[Path], options: TabularOptions, max_record_bytes: int
) -> Iterator[SourceRow | BadRow]:
    """Yield every record, in order.

    Raises:
        TruncatedFeedError: a file ends in the middle.
        MalformedFeedError: no such file, no header with the needed columns, cells merged over records.
        FeedTooLargeError: a workbook unpacks to more than it may.
    """
    reader = _Reader(options, max_record_bytes)
    for part in parts:
        yield from reader.csv(part) if options.form == "csv" else reader.workbook(part)


class _Reader:
    """Reads the files of one run; rows are counted over all of them."""

    def __init__(self, options: TabularOptions, max_record_bytes: int) -> None:
        self._options = options
        self._max = max_record_bytes
        self._row = 0
        self._totals = frozenset(fold_word(word) for word in options.totals)
        self._no = frozenset(fold_word(word) for word in options.no)
        self._protected = fold_column(options.columns.protected)
        self._echoed = [fold_column(getattr(options.columns, role)) for role in _ECHOED]
        self._discreet = bool(options.columns.protected or options.columns.personal_number)

    def csv(self, part: Path) -> Iterator[SourceRow | BadRow]:
        options = self._options
        with part.open("rb") as file:
            if file.read(len(_ZIP)) == _ZIP:
                raise MalformedFeedError(
                    f'{part.name} is a workbook or zip file. Set options.form = "xlsx" if it is one.'
                )
        if options.final_newline:
            check_final_newline(part, options.encoding)
        delimiter = options.delimiter if options.delimiter != "auto" else self._delimiter(part)
        with Lines(part, options.encoding, self._max) as lines:
            rows = _split(lines, delimiter, options.quotechar)
            finder = Finder(options)
            header = finder.find(rows)
            if header is None:
                finder.refuse(part.name)
            finder.check(header, part.name)
            yield from self._records(rows, header, part)

    def workbook(self, part: Path) -> Iterator[SourceRow | BadRow]:
        with Sheet(part, self._options.sheet) as sheet:
            rows = iter(sheet)
            finder = Finder(self._options)
            header = finder.find(rows)
            if header is None:
                finder.refuse(part.name)
            finder.check(header, part.name)
            header.plain_key = None
            first, last = sheet.row + 1, sheet.row
            for record in self._records(_fitted(rows, header), header, part):
                last = sheet.row
                yield record
            for start, end in sheet.merged:
                if start <= last and end >= first:
                    raise MalformedFeedError(
                        f"{part.name} has merged cells in rows {start}-{end}: all but the first of them are empty, so "
                        "their rows would lose what they say. Ask for the list without merged cells."
                    )

    def _delimiter(self, part: Path) -> str:
        """Return the delimiter by which the header has the needed columns."""
        found: dict[str, int] = {}
        finders = []
        for delimiter in _DELIMITERS:
            finders.append(Finder(self._options))
            with Lines(part, self._options.encoding, self._max) as lines:
                header = finders[-1].find(_split(lines, delimiter, self._options.quotechar))
            if header is not None:
                found[delimiter] = header.width
        if not found:
            max(finders, key=lambda finder: finder.closest[0]).refuse(part.name)
        return max(found, key=lambda delimiter: found[delimiter])

    def _records(
        self, rows: Iterator[list[str] | Broken], header: Header, part: Path
    ) -> Iterator[SourceRow | BadRow]:
        width, digest, make = header.width, header.digest, header.payload
        join, limit, strip = SEPARATOR.join, self._max, str.strip
        compared, gaps, plain, empty = header.compared, header.gaps, header.plain_key, header.empty
        totals, ended = self._totals, False
        for row in rows:
            if isinstance(row, Broken):
                self._row += 1
                yield BadRow(self._row, "", "", row.reason, "")
            elif not any(map(strip, row)):
                continue
            elif totals and self._is_total(row):
                ended = True
            elif ended:
                self._check_end(row, header, part)
            elif len(row) != width:
                self._row += 1
                yield self._misfit(row, header)
            else:
                self._row += 1
                text = join(row if compared is None else compared(row))
                key, problem = "" if plain is None else row[plain].strip(), None
                if key in empty:
                    key, problem = self._key(row, header)
                if problem is None and (text.count(SEPARATOR) != gaps or "\0" in text or len(text) > limit):
                    problem = ("", f"the row holds a control character or more than {limit} characters")
                if problem is None:
                    yield SourceRow(self._row, key, digest + text.encode(), row, make)
                else:
                    yield self._bad(row, header, key, problem)

    def _key(self, row: list[str], header: Header) -> tuple[str, tuple[str, str] | None]:
        """Return the record's key, and what is wrong with the row: a field's name and why."""
        parts = []
        for place in header.key:
            text = header.value(row, place)
            if not text:
                return "", (header.names[place], "the column is empty, so nothing tells which record it is")
            parts.append(self._of_personal(text) if place in header.personal else text)
        key = parts[0] if len(parts) == 1 else "|".join(part.replace("|", "||") for part in parts)
        return key, _problem(row, header)

    def _of_personal(self, text: str) -> str:
        """Write a personal identity number one way, so that a hyphen makes no other record."""
        try:
            return twelve_digits(text, self._options.ten_digits_from)
        except ValueError:
            return "".join(text.split())

    def _bad(self, row: list[str], header: Header, key: str, problem: tuple[str, str]) -> BadRow:
        protected = self._protected_payload(row, header)
        shown = row
        if self._discreet:
            shown = [row[header.places[name]] for name in self._echoed if name in header.places]
        return BadRow(self._row, key, *problem, "" if protected else echo(" ".join(shown)), protected)

    def _misfit(self, row: list[str], header: Header) -> BadRow:
        reason = f"{header.width} columns were expected, {len(row)} came"
        padded = row + [""] * header.width
        key = self._key(padded, header)[0] if len(row) > max(header.key) else ""
        shown = "" if self._discreet else echo(" ".join(row))
        return BadRow(self._row, key, "", reason, shown, self._protected_payload(padded, header))

    def _protected_payload(self, row: list[str], header: Header) -> bytes:
        """Return what a bad row says, if it is marked as of a protected person: who it names must be hidden all the same."""
        if not self._protected:
            return b""
        mark = header.value(row, header.places[self._protected])
        if not mark or fold_word(mark) in self._no:
            return b""
        return header.payload([text.replace("\0", "") for text in row])

    def _is_total(self, row: list[str]) -> bool:
        words = fold_word(next(text for text in row if text.strip())).split()
        return bool(words) and words[0] in self._totals

    def _check_end(self, row: list[str], header: Header, part: Path) -> None:
        if len(row) == header.width and self._key(row, header)[0]:
            raise MalformedFeedError(
                f"{part.name} has records after the row that ends the list (options.totals). Is it two lists in one file?"
            )


def _problem(row: list[str], header: Header) -> tuple[str, str] | None:
    for place in header.needed:
        if type(row[place]) is Spoilt:
            return header.names[place], row[place]
    if any(row[place].strip() for place in header.unnamed):
        return "", "a value stands in a column without a name, so the row may be shifted"
    return None


def _split(lines: Lines, delimiter: str, quotechar: str) -> Iterator[list[str] | Broken]:
    """Yield the rows of CSV.

    A quote that is never closed swallows records up to the next one. They must not pass for one bad row, for then
    they would look removed: a row over several lines that can't be read, or holds what looks like records, ends the run.
    """
    dialect: Any = csv_dialect(delimiter, quotechar)
    rows = csv.reader(lines, **dialect)
    line = 0
    while True:
        try:
            for row in rows:
                span, line = rows.line_num - line, rows.line_num
                if lines.cut:
                    lines.cut = False
                    # One for all the pieces of a line.
                    if not lines.unfinished:
                        yield Broken("a line is longer than a record may be")
                elif span > 1 and _swallowed(row, delimiter):
                    raise _never_closed(lines.part, line - span + 1)
                else:
                    yield row
        except csv.Error as error:
            span, line = rows.line_num - line, rows.line_num
            if "unexpected end of data" in str(error):
                raise TruncatedFeedError(
                    f"{lines.part.name} ends inside a quoted value. Fetch it again."
                ) from error
            if span > 1 or "field limit" in str(error):
                raise _never_closed(lines.part, line - span + 1) from error
            yield Broken(f"the row can't be split into columns ({error})")
        else:
            return


def _swallowed(row: list[str], delimiter: str) -> bool:
    """Tell whether a field over several lines holds a line with as many fields as its own row."""
    gaps = len(row) - 1
    return gaps > 0 and any(
        line.count(delimiter) >= gaps
        for text in row
        if "\n" in text or "\r" in text
        for line in text.splitlines()[1:]
    )


def _never_closed(part: Path, line: int) -> MalformedFeedError:
    return MalformedFeedError(
        f"{part.name} has a quote in line {line} that is not closed where it should be, so records after it can't be told "
        'apart. Ask the authority for a new file, or set options.quotechar = "" if this export never quotes.'
    )


def _fitted(rows: Iterator[list[str]], header: Header) -> Iterator[list[str]]:
    """Give rows of Excel the header's width, and numbers the zeros that Excel dropped."""
    needed = frozenset(header.needed)
    for row in rows:
        if len(row) < header.width:
            row.extend([""] * (header.width - len(row)))
        while len(row) > header.width and not row[-1].strip():
            row.pop()
        for place, width in header.widths:
            if place < len(row) and type(row[place]) is Number:
                row[place] = row[place].zfill(width)
        if Spoilt in map(type, row):
            for place, text in enumerate(row):
                if type(text) is Spoilt and place not in needed:
                    row[place] = ""
        yield row
