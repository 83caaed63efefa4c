"""Socrata rows, from the pages of the API (JSON) or from the file export (CSV): the same record, the same payload.

The API names columns `firstissuedate` where the export writes `FirstIssueDate`, leaves empty values out where the
export writes "", and writes dates as ISO with a time where the export may write MM/DD/YYYY. Names are folded to
letters and digits, empty values left out, dates written as ISO; so a change of export changes no record.

All that waits until a row's payload is asked for: nearly every row of nearly every run is one that is known already,
and for that its bytes as they came are enough.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import orjson

from indexer.feeds.options import SocrataOptions
from indexer.feeds.rows import BadRow, SourceRow, UnreadRows, canonical, echo, one_by_one
from indexer.feeds.socrata_columns import Columns
from indexer.feeds.socrata_csv import CsvRows
from indexer.feeds.socrata_json import JsonRows

# Between two cases' values in the one record that tells of both.
_BETWEEN = "; "
Row = SourceRow | BadRow | UnreadRows


def parse(parts: Sequence[Path], options: SocrataOptions, max_record_bytes: int) -> Iterator[Row]:
    """Yield every row, in order; with `options.cases` first the licences that have any.

    Raises:
        TruncatedFeedError: a page or the file ends in the middle.
        MalformedFeedError: no JSON array, no CSV, or a needed column is missing in the whole feed.
    """
    columns = Columns(options)
    rows = (CsvRows if options.export == "csv" else JsonRows)(columns, options, max_record_bytes)
    if columns.cases:
        # Told first: of two rows about one licence the first stands, and it must not be the one that is silent.
        yield from _put_together(rows.all(parts, cased=True), columns, max_record_bytes)
    yield from rows.all(parts)
    columns.check()


def _put_together(rows: Iterator[Row], columns: Columns, max_record_bytes: int) -> Iterator[Row]:
    """Make one record of the rows that differ in nothing but the case they tell of.

    Only these rows are held in memory: the licences that ever had a case are few.
    """
    held: dict[bytes, list[tuple[int, dict[str, str]]]] = {}
    for row in one_by_one(rows):
        if isinstance(row, BadRow):
            yield row
            continue
        assert isinstance(row, SourceRow), "no export tells of records that are gone"
        record: dict[str, str] = orjson.loads(row.payload)
        case = {column: record.pop(column) for column in columns.cases if column in record}
        held.setdefault(canonical(record), []).append((row.row, case))
    for common, cases in held.items():
        record = orjson.loads(common)
        number = min(number for number, _ in cases)
        told = sorted({msgspec.json.encode(case): case for _, case in cases}.items())
        for column in columns.cases:
            values = [case[column] for _, case in told if column in case]
            if values:
                record[column] = _BETWEEN.join(values)
        yield _one(number, record, columns, max_record_bytes)


def _one(number: int, record: dict[str, str], columns: Columns, max_record_bytes: int) -> Row:
    payload, key = canonical(record), columns.key_of(record)
    if len(payload) > max_record_bytes:
        return BadRow(
            number, key, "", f"the record is larger than {max_record_bytes} bytes", echo(payload.decode())
        )
    return SourceRow(number, key, payload)
