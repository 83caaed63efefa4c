"""Rows of the API's pages: a page is held in memory as bytes, a row at a time as values."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
import orjson

from indexer.feeds.errors import MalformedFeedError
from indexer.feeds.options import SocrataOptions
from indexer.feeds.rows import BadRow, SourceRow, canonical, echo
from indexer.feeds.socrata_columns import Columns, fold_column, text_of
from indexer.feeds.socrata_csv import no_key, too_large
from indexer.feeds.socrata_pages import rows_of

# How much longer a row can become as payload: a lone digit gets quotes, a letter of a name may fold to three.
_PAYLOAD_TIMES = 3
# Rows leave empty columns out, so there are as many layouts as there are sets of empty columns.
_REMEMBERED_LAYOUTS = 4096
# Bytes of a row that its echo is made of.
_ECHOED = 1000


class JsonRows:
    """Reads pages; rows are counted over all of them."""

    def __init__(self, columns: Columns, _options: SocrataOptions, max_record_bytes: int) -> None:
        self._columns = columns
        self._max_bytes = max_record_bytes
        self._reading = columns.reading()
        self._wanted = {*columns.key, *columns.cases, *(column for column, _ in columns.only)}
        self._layout = lru_cache(_REMEMBERED_LAYOUTS)(self._find)

    def all(self, parts: Sequence[Path], *, cased: bool = False) -> Iterator[SourceRow | BadRow]:
        """Yield every row, or of a feed with cases: with `cased` those that tell of one, else all others.

        Raises:
            TruncatedFeedError, MalformedFeedError: a page is cut short, or is no JSON array.
        """
        number = 0
        for part in parts:
            for raw in _split(part):
                number += 1
                found = self._row(number, bytes(raw), cased=cased)
                if found is not None:
                    yield found

    def _row(self, number: int, raw: bytes, *, cased: bool) -> SourceRow | BadRow | None:
        """Return a row, or None for one that is not asked for."""
        try:
            row = orjson.loads(raw)
        except orjson.JSONDecodeError:
            return None if cased else BadRow(number, "", "", "the row is no JSON", "")
        if not isinstance(row, dict):
            return (
                None
                if cased
                else BadRow(
                    number, "", "", "the row is no object", echo(raw[:_ECHOED].decode("utf-8", "replace"))
                )
            )
        columns = self._columns
        # Lists and objects are written anew as text, which has bounds of its own.
        large = _PAYLOAD_TIMES * len(raw) > self._max_bytes
        names = (
            None
            if columns.unseen or large or b"[" in raw or raw.find(b"{", 1) > 0
            else self._layout(tuple(row))
        )
        if names is None:
            return self._careful(number, raw, row, cased=cased)
        values = {column: columns.clean(column, text_of(row[name])) for column, name in names.items()}
        if not columns.is_chosen(lambda column: values.get(column, ""), cased=cased):
            return None
        columns.rows += 1
        key = columns.key_of(values)
        if not key:
            return no_key(number, columns, self.payload(row))
        return SourceRow(number, key, self._reading + raw, row, self.payload)

    def record(self, row: Mapping[str, Any]) -> dict[str, str]:
        """Return the record that a row is.

        Names that begin with a colon are the portal's own bookkeeping, not the authority's.
        """
        return self._columns.record(
            (fold_column(name), value) for name, value in row.items() if not name.startswith(":")
        )

    def payload(self, row: Mapping[str, Any]) -> bytes:
        """Return the record in canonical form."""
        return canonical(self.record(row))

    def _careful(
        self, number: int, raw: bytes, row: dict[str, Any], *, cased: bool
    ) -> SourceRow | BadRow | None:
        """Read a row at once: while needed columns are looked for, and when it is large or nested."""
        try:
            record = self.record(row)
            payload = canonical(record)
        except TypeError:
            return None if cased else BadRow(number, "", "", "the row is nested too deep", "")
        columns = self._columns
        if not columns.is_chosen(lambda column: record.get(column, ""), cased=cased):
            return None
        columns.rows += 1
        columns.see(record)
        key = columns.key_of(record)
        if not key:
            return no_key(number, columns, payload)
        if len(payload) > self._max_bytes:
            return too_large(number, key, self._max_bytes, payload)
        return SourceRow(number, key, self._reading + raw, payload, bytes)

    def _find(self, names: tuple[str, ...]) -> dict[str, str] | None:
        """Return the row's own names of the columns that matter at once; None if one of them stands twice."""
        found: dict[str, str] = {}
        for name in names:
            column = fold_column(name)
            if column in self._wanted and not name.startswith(":"):
                if column in found:
                    return None
                found[column] = name
        return found


def _split(part: Path) -> list[msgspec.Raw]:
    try:
        return rows_of(part.read_bytes())
    except RecursionError as error:
        raise MalformedFeedError(f"{part.name} is nested too deep to be a page of rows.") from error
