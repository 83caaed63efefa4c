"""FHIR Practitioner resources as NDJSON: one resource a line, as Bulk Data exports write them."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from indexer.feeds.errors import TruncatedFeedError
from indexer.feeds.rows import BadRow, SourceRow, canonical, echo

RESOURCE = "Practitioner"
# What an echo may hold. Neither names nor addresses: the row may be of a person with protected identity.
_ECHOED = ("resourceType", "id", "qualification")
# How servers begin a resource: enough to tell which one a line was that is no JSON.
_BEGINNING = re.compile(
    rb'\s*\{\s*"resourceType"\s*:\s*"Practitioner"\s*,\s*"id"\s*:\s*"([A-Za-z0-9\-.]{1,64})"'
)
_UTF8_BOM = b"\xef\xbb\xbf"


def parse(parts: Sequence[Path], max_record_bytes: int) -> Iterator[SourceRow | BadRow]:
    """Yield every Practitioner, in order. Other resource types are counted as rows and passed over.

    Raises:
        TruncatedFeedError: the last line of a file is cut.
    """
    row = 0
    for part in parts:
        with part.open("rb") as file:
            for line in _lines(file, max_record_bytes):
                row += 1
                record = _record(line, row, part, max_record_bytes)
                if record is not None:
                    yield record


def _lines(file: BinaryIO, max_record_bytes: int) -> Iterator[bytes]:
    """Yield lines that are not blank; of one that is too long only its beginning."""
    first = True
    while line := file.readline(max_record_bytes + 1):
        piece = line
        while len(piece) > max_record_bytes and not piece.endswith(b"\n"):
            piece = file.readline(max_record_bytes + 1)
        if first:
            line = line.removeprefix(_UTF8_BOM)
            first = False
        if line.strip():
            yield line


def _record(line: bytes, row: int, part: Path, max_record_bytes: int) -> SourceRow | BadRow | None:
    if len(line) > max_record_bytes:
        return BadRow(row, _key_of(line), "", f"the line is longer than {max_record_bytes} bytes", "")
    try:
        resource = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        if not line.endswith(b"\n"):
            raise TruncatedFeedError(f"{part.name} ends in the middle of a line. Fetch it again.") from error
        which = _key_of(line)
        return BadRow(row, which, "", "the line is no JSON", echo(f"Practitioner {which}" if which else ""))
    if not isinstance(resource, dict):
        return BadRow(row, "", "", "the line is no resource", "")
    kind = resource.get("resourceType")
    if kind != RESOURCE:
        return (
            None
            if isinstance(kind, str) and kind
            else BadRow(row, "", "resourceType", "the resource does not say what it is", _echo(resource))
        )
    key = resource.get("id")
    if not isinstance(key, str) or not key:
        return BadRow(
            row, "", "id", "the resource has no id, so nothing tells which record it is", _echo(resource)
        )
    return SourceRow(row, key, canonical(resource))


def _key_of(line: bytes) -> str:
    """Return the id of a resource that can't be read, so that it is not taken for removed; "" if it is not at its beginning."""
    match = _BEGINNING.match(line)
    return match[1].decode("ascii") if match else ""


def _echo(resource: dict[str, Any]) -> str:
    return echo(canonical({name: resource[name] for name in _ECHOED if name in resource}).decode())
