"""The NPPES files: people with a National Provider Identifier, and the report of deactivated ones.

A person file has 330 columns, nearly all empty, every value quoted and no quote within a value (CMS's readme). So a
row is one line that can be cut at `","` without reading it through, and an unchanged one costs less than `csv.reader`
takes. Whatever does not look so (another program has written the file, a line end within a value) is read by
`csv.reader`; both ways give the same records.

Organisations (entity type 2) are counted as rows and passed over. A row without entity type that has a deactivation
date is what CMS leaves of a deactivated NPI: its record ends there. The monthly deactivation report says the same in
two columns, and gives the same records.
"""

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path

import orjson

from indexer.feeds.errors import MalformedFeedError, TruncatedFeedError
from indexer.feeds.nppes_layout import (
    DEACTIVATED,
    ENTITY,
    KEY,
    LAST,
    ORGANISATION,
    SEPARATOR,
    DeactivationLayout,
    NppesOptions,
    PersonLayout,
    emptied,
    layout_of,
)
from indexer.feeds.nppes_lines import LineReader, Spoilt
from indexer.feeds.rows import BadRow, SourceRow, echo
from indexer.feeds.spreadsheet import Sheet

# Files of the bundle that hold no records, by the end of their name; of the readme, the code values and the headers.
_PASSED_OVER = ("_fileheader.csv", ".pdf", ".txt", ".md5", ".doc", ".docx")
# How a zip file begins, and so a workbook.
_WORKBOOK = b"PK\x03\x04"
# The report has a title above its header.
_HEADER_WITHIN = 3
_NPI_DIGITS = 10
_PERSON, _ORGANISATION = "1", "2"
_PERSON_BYTES, _ORGANISATION_BYTES = _PERSON.encode(), _ORGANISATION.encode()
_SEPARATOR = SEPARATOR.encode()
_QUOTE, _LINE_END = b'"', b"\r\n"


def parse(
    parts: Sequence[Path], options: NppesOptions, max_record_bytes: int
) -> Iterator[SourceRow | BadRow]:
    """Yield every person of every file, in order; which file is which is told by its header.

    Raises:
        TruncatedFeedError: a file ends in the middle of a row.
        MalformedFeedError: a file is none of NPPES or lacks a column, or none holds people.
    """
    parser = _Parser()
    for part in parts:
        if not part.name.casefold().endswith(_PASSED_OVER):
            yield from parser.file(part, options, max_record_bytes)
    if not parser.files:
        raise MalformedFeedError(
            "None of the files is an NPPES person file (npidata_pfile_...csv) or deactivation report. "
            "See what the source gives."
        )


class _Parser:
    """Reads files and counts their rows.

    Attributes:
        row: the number of the row read last, over all files.
        files: how many files held records.
    """

    def __init__(self) -> None:
        self.row = 0
        self.files = 0

    def file(self, part: Path, options: NppesOptions, max_record_bytes: int) -> Iterator[SourceRow | BadRow]:
        """Yield the records of one file."""
        with part.open("rb") as file:
            is_workbook = file.read(len(_WORKBOOK)) == _WORKBOOK
        if is_workbook:
            with closing(_sheet(part)) as rows:
                yield from self._workbook(rows, part)
            return
        with LineReader(part, options.encoding, max_record_bytes) as lines:
            layout = _header(map(lines.fields, islice(lines, _HEADER_WITHIN)), part.name)
            if layout is not None:
                self.files += 1
            if isinstance(layout, PersonLayout):
                yield from self._people(lines, layout)
            elif layout is not None:
                yield from self._deactivations(map(lines.fields, lines), layout)

    def _workbook(self, rows: Iterator[list[str]], part: Path) -> Iterator[SourceRow | BadRow]:
        layout = _header(islice(rows, _HEADER_WITHIN), part.name)
        if not isinstance(layout, DeactivationLayout):
            raise MalformedFeedError(
                f"{part.name} is a workbook, but not the report of deactivated NPIs. Give person files as CMS does, "
                "as CSV."
            )
        self.files += 1
        yield from self._deactivations(rows, layout)

    def _people(self, lines: LineReader, layout: PersonLayout) -> Iterator[SourceRow | BadRow]:
        separators = layout.width - 1
        inner_quotes = 2 * separators
        npi_at, entity_at = layout.places
        cuts = max(layout.places) + 1
        digest, of_line = layout.digest, layout.of_line
        for line in lines:
            body = line.rstrip(_LINE_END)
            end = len(body) - 1
            # Quotes at both ends, and within as many as separators take: each value is quoted, and none has a quote.
            if (
                body[:1] == body[end:] == _QUOTE
                and body.count(_SEPARATOR, 1, end) == separators
                and body.count(_QUOTE, 1, end) == inner_quotes
            ):
                inner = body[1:end]
                values = inner.split(_SEPARATOR, cuts)
                entity, npi = values[entity_at], values[npi_at]
                if entity == _ORGANISATION_BYTES:
                    self.row += 1
                    continue
                self.row += 1
                if entity == _PERSON_BYTES and len(npi) == _NPI_DIGITS and npi.isdigit():
                    yield SourceRow(self.row, npi.decode("ascii"), digest + inner, inner, of_line)
                    continue
                found = self._record(inner.decode("utf-8", "replace").split(SEPARATOR), layout)
            else:
                found = self._odd(lines, line, layout)
            if found is not None:
                yield found

    def _odd(self, lines: LineReader, line: bytes, layout: PersonLayout) -> SourceRow | BadRow | None:
        """Read a row that is not of the usual form; None for a blank line and for an organisation."""
        values = lines.fields(line)
        if not values:
            return None
        self.row += 1
        if isinstance(values, Spoilt):
            return BadRow(self.row, _npi_of(values.text), "", values.reason, _echo(values.text))
        if len(values) != layout.width:
            if line[-1:] not in b"\r\n":
                raise TruncatedFeedError(f"{lines.part.name} ends in the middle of a row. Fetch it again.")
            reason = f"{layout.width} columns were expected, {len(values)} came"
            return BadRow(self.row, _npi_of(values[0]), "", reason, _echo(",".join(values)))
        return self._record(values, layout)

    def _record(self, values: list[str], layout: PersonLayout) -> SourceRow | BadRow | None:
        record = layout.record(values)
        npi, entity = record.get(KEY, ""), record.get(ENTITY, "")
        if entity == _ORGANISATION or (not entity and ORGANISATION in record):
            return None
        if not npi:
            return self._bad("", KEY, "the column is empty, so nothing tells which record it is")
        if entity not in ("", _PERSON):
            return self._bad(npi, ENTITY, "expected 1 (a person) or 2 (an organisation)")
        if not entity and DEACTIVATED not in record:
            return self._bad(npi, ENTITY, "the column is empty, but the NPI is not deactivated")
        if not entity and LAST not in record:
            # Only what tells of the end: the other dates change nothing, and the report does not have them.
            others = {name: text for name, text in record.items() if name in _OF_AN_END}
            return SourceRow(self.row, npi, emptied(npi, record[DEACTIVATED], others))
        joined = SEPARATOR.join(values)
        plain = joined.count('"') == 2 * (layout.width - 1)
        raw = joined.encode() if plain else orjson.dumps(values)
        return SourceRow(self.row, npi, layout.digest + raw, values, layout.of_values)

    def _deactivations(
        self, rows: Iterable[list[str] | Spoilt], layout: DeactivationLayout
    ) -> Iterator[SourceRow | BadRow]:
        for values in rows:
            if isinstance(values, Spoilt):
                self.row += 1
                yield BadRow(self.row, _npi_of(values.text), "", values.reason, _echo(values.text))
            elif any(values):
                self.row += 1
                npi, date = (values[at].strip() if at < len(values) else "" for at in layout.places)
                if not npi or _npi_of(npi) != npi:
                    yield self._bad("", KEY, "expected ten digits, so nothing tells which record it is")
                elif not date:
                    yield self._bad(npi, DEACTIVATED, "the column is empty")
                else:
                    yield SourceRow(self.row, npi, emptied(npi, date))

    def _bad(self, npi: str, field: str, reason: str) -> BadRow:
        return BadRow(self.row, npi, field, reason, echo(f"NPI {npi}") if npi else "")


def _sheet(part: Path) -> Generator[list[str], None, None]:
    """Yield a workbook's rows; closing this closes the file, wherever it stands."""
    with Sheet(part) as sheet:
        yield from sheet


# What a row of a deactivated NPI may hold besides the date.
_OF_AN_END = frozenset({"replacementnpi", "npireactivationdate", "npideactivationreasoncode"})


def _header(
    rows: Iterator[list[str] | Spoilt] | Iterator[list[str]], part: str
) -> PersonLayout | DeactivationLayout | None:
    """Find the header: the first row, or below the title of a report.

    Raises:
        MalformedFeedError: there is none.
    """
    first: list[str] = []
    for values in rows:
        if isinstance(values, Spoilt):
            break
        if any(name.strip().casefold() == KEY for name in values):
            return layout_of(values, part)
        first = first or values
    return layout_of(first, part)


def _npi_of(text: str) -> str:
    """Return the NPI that a row begins with, so that its record is not taken for removed; "" if it does not."""
    start = text.lstrip('"')[:_NPI_DIGITS]
    return start if len(start) == _NPI_DIGITS and start.isascii() and start.isdigit() else ""


def _echo(text: str) -> str:
    """Return the NPI of a row: its names and addresses need not stand in a receipt."""
    npi = _npi_of(text)
    return echo(f"NPI {npi}") if npi else ""
