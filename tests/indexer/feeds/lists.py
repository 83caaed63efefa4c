"""A small list and its options, as tests of lists in CSV and Excel need them. The people are invented."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from indexer.feeds import BadRow, SourceRow, tabular
from indexer.feeds.tabular_options import TabularOptions

LIMIT = 10_000
HEADER = ["Nummer", "Efternamn", "Förnamn", "Titel", "Status", "Från", "Till"]
ROW = ["0012345", "Öberg", "Åsa Märta", "Lärare", "Giltig", "2005-06-03", "2027-12-31"]
OTHER = ["0012346", "Lind", "Bo", "Lärare", "Giltig", "2010-01-01", ""]
OPTIONS: dict[str, Any] = {
    "vocabulary": "skolverket",
    "jurisdiction": "SE",
    "key": ["Nummer"],
    "delimiter": ";",
    "columns": {
        "number": "Nummer",
        "family": "Efternamn",
        "given": "Förnamn",
        "profession": "Titel",
        "status": "Status",
        "valid_from": "Från",
        "valid_to": "Till",
    },
}


def options(columns: dict[str, str] | None = None, **changes: object) -> TabularOptions:
    """Return the list's options with some of them changed; a column "" is taken away."""
    mapped = {**OPTIONS["columns"], **(columns or {})}
    values = {**OPTIONS, **changes, "columns": {role: name for role, name in mapped.items() if name}}
    found = msgspec.convert(values, TabularOptions)
    assert not found.problem()
    return found


def as_csv(*rows: list[str], header: list[str] = HEADER, delimiter: str = ";", newline: str = "\n") -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator=newline).writerows([header, *rows])
    return text.getvalue()


def parsed(folder: Path, options: TabularOptions, *parts: str | bytes) -> list[SourceRow | BadRow]:
    return list(streamed(folder, options, *parts))


def streamed(folder: Path, options: TabularOptions, *parts: str | bytes) -> Iterator[SourceRow | BadRow]:
    paths = []
    for number, part in enumerate(parts):
        paths.append(folder / f"list-{number}")
        paths[-1].write_bytes(part if isinstance(part, bytes) else part.encode())
    return tabular.parse(paths, options, LIMIT)


def records(rows: list[SourceRow | BadRow]) -> list[tuple[str, bytes]]:
    """Return (key, payload) of rows that must all be good."""
    assert all(isinstance(row, SourceRow) for row in rows), rows
    return [(row.key, row.payload) for row in rows if isinstance(row, SourceRow)]
