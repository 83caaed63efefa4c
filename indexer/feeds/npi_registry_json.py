"""Results of the NPI Registry as NDJSON: one result a line, as `indexer.feeds.npi_registry` writes them."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson

from indexer.feeds.errors import MalformedFeedError, TruncatedFeedError
from indexer.feeds.nppes_layout import NpiOptions
from indexer.feeds.rows import BadRow, SourceRow, canonical, echo

PERSON, ORGANISATION = "NPI-1", "NPI-2"
_NPI_DIGITS = 10
# Results are nested four deep. What is deeper is no result, and could not be written again.
_DEPTH = 16


def parse(parts: Sequence[Path], _options: NpiOptions, max_record_bytes: int) -> Iterator[SourceRow | BadRow]:
    """Yield every person, in order. Organisations (NPI-2) are counted as rows and passed over.

    Raises:
        TruncatedFeedError: the last line of a file is cut.
        MalformedFeedError: a line is a whole answer, or errors instead of results.
    """
    row = 0
    for part in parts:
        with part.open("rb") as file:
            while line := file.readline(max_record_bytes + 1):
                piece = line
                while len(piece) > max_record_bytes and not piece.endswith(b"\n"):
                    piece = file.readline(max_record_bytes + 1)
                if not line.strip():
                    continue
                row += 1
                record = _record(line, row, part, max_record_bytes)
                if record is not None:
                    yield record


def _record(line: bytes, row: int, part: Path, max_record_bytes: int) -> SourceRow | BadRow | None:
    if len(line) > max_record_bytes:
        return BadRow(row, "", "", f"the line is longer than {max_record_bytes} bytes", "")
    try:
        result = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        if not line.endswith(b"\n"):
            raise TruncatedFeedError(f"{part.name} ends in the middle of a line. Fetch it again.") from error
        return BadRow(row, "", "", "the line is no JSON", "")
    return _of_result(result, row, part, line)


def _of_result(result: object, row: int, part: Path, line: bytes) -> SourceRow | BadRow | None:
    if not isinstance(result, dict):
        return BadRow(row, "", "", "the line is no result", "")
    if "results" in result or "Errors" in result:
        raise MalformedFeedError(
            f"{part.name} holds whole answers of the NPI Registry. Write its results one a line, or let "
            'source.transport = "npi-registry" ask for them.'
        )
    number = _number(result.get("number"))
    kind = result.get("enumeration_type")
    if kind == ORGANISATION:
        return None
    if not number:
        return BadRow(row, "", "number", "the result has no NPI, so nothing tells which record it is", "")
    if kind != PERSON:
        return BadRow(
            row, number, "enumeration_type", f"expected {PERSON} or {ORGANISATION}", echo(f"NPI {number}")
        )
    return SourceRow(row, number, line, result, _payload)


def _number(value: object) -> str:
    """Return an NPI as text; the API writes it as a number or as text."""
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return text.strip()[: 2 * _NPI_DIGITS]


def _payload(result: dict[str, Any]) -> bytes:
    return canonical(_said(result, _DEPTH) or {})


def _said(value: Any, depth: int) -> Any:  # noqa: ANN401 - any JSON
    """Return what a value says, numbers as text and without what is empty; None for nothing."""
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return str(value)
    if not value or not depth:
        return None
    if isinstance(value, list):
        return [said for item in value if (said := _said(item, depth - 1)) is not None] or None
    return {key: said for key, item in value.items() if (said := _said(item, depth - 1)) is not None} or None
