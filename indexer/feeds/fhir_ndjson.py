"""FHIR Practitioner resources as NDJSON: one resource a line, as Bulk Data exports write them.

A line may also be a Bundle: its entries are read in order, and one with `request.method` DELETE tells that a record is
gone. Bulk Data 2.0 writes its files of deletions so, and `indexer.feeds.fhir_history` what it finds.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from indexer.feeds.errors import TruncatedFeedError
from indexer.feeds.options import FhirOptions
from indexer.feeds.rows import BadRow, GoneRow, Row, SourceRow, canonical, echo
from registry.identifiers import check_digit, starts_with_date

RESOURCE = "Practitioner"
BUNDLE = "Bundle"
# What an echo may hold. Neither names nor addresses: the row may be of a person with protected identity.
_ECHOED = ("resourceType", "id", "qualification")
# How servers begin a resource: enough to tell which one a line was that is no JSON.
_BEGINNING = re.compile(
    rb'\s*\{\s*"resourceType"\s*:\s*"Practitioner"\s*,\s*"id"\s*:\s*"([A-Za-z0-9\-.]{1,64})"'
)
_UTF8_BOM = b"\xef\xbb\xbf"
# Objects and lists may stand within each other so deep, and no deeper (orjson writes no more).
_DEEPEST = 254
# What a server marks a resource with that it does not send in full (HL7 FHIR R4, Search: _summary and _elements).
_SUBSETTED = "SUBSETTED"
_PERSONAL = re.compile(r"(18|19|20)\d{6}-?\d{4}\Z", re.ASCII)
# The id of a reference like Practitioner/1, https://fhir.example.org/r4/Practitioner/1/_history/2.
_REFERENCE = re.compile(r"(?:.*/)?Practitioner/([A-Za-z0-9\-.]{1,64})(?:/_history/[^/]*)?\Z", re.ASCII)


def parse(parts: Sequence[Path], _options: FhirOptions, max_record_bytes: int) -> Iterator[Row]:
    """Yield every Practitioner, in order. Other resource types are counted as rows and passed over.

    Raises:
        TruncatedFeedError: the last line of a file is cut.
    """
    row = 0
    for part in parts:
        with part.open("rb") as file:
            for line in _lines(file, max_record_bytes):
                resource = _resource(line, row + 1, part, max_record_bytes)
                if not isinstance(resource, BadRow) and resource.get("resourceType") == BUNDLE:
                    entries = resource.get("entry")
                    for entry in entries if isinstance(entries, list) else ():
                        row += 1
                        if (found := _entry(entry, row)) is not None:
                            yield found
                    continue
                row += 1
                record = resource if isinstance(resource, BadRow) else _record(resource, line.strip(), row)
                if record is not None:
                    yield record


def key_of_reference(reference: str) -> str:
    """Return the id of a reference to a Practitioner, relative or absolute, with or without version; "" if it is none."""
    match = _REFERENCE.match(reference)
    return match[1] if match else ""


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


def _resource(line: bytes, row: int, part: Path, max_record_bytes: int) -> dict[str, Any] | BadRow:
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
    if line.count(b"{") + line.count(b"[") > _DEEPEST and _is_too_deep(resource):
        return BadRow(row, _key_of(line), "", f"the resource is nested deeper than {_DEEPEST}", "")
    return resource


def _record(resource: dict[str, Any], raw: bytes, row: int) -> SourceRow | BadRow | None:
    kind = resource.get("resourceType")
    if kind != RESOURCE:
        return (
            None
            if isinstance(kind, str) and kind
            else BadRow(row, "", "resourceType", "the resource does not say what it is", _echo(resource))
        )
    key = resource.get("id")
    if not isinstance(key, str) or not key:
        why = "the resource has no id, so nothing tells which record it is"
        return BadRow(row, "", "id", why, _echo(resource), _of_labelled(resource, raw))
    if is_personal(key):
        why = "the id is a personal identity number, which no key may be"
        return BadRow(row, "", "id", why, "", _of_labelled(resource, raw))
    if _is_subsetted(resource.get("meta")):
        why = (
            "the server left parts of the resource out (SUBSETTED): ask for it without _elements or _summary"
        )
        return BadRow(row, key, "meta.tag", why, "", _of_labelled(resource, raw))
    return SourceRow(row, key, raw, resource, canonical)


def _of_labelled(resource: dict[str, Any], raw: bytes) -> bytes:
    """Return a bad resource that has security labels: the normalizer knows which of them mark a protected identity."""
    meta = resource.get("meta")
    return raw if isinstance(meta, dict) and meta.get("security") else b""


def _entry(entry: object, row: int) -> Row | None:
    """Read one entry of a Bundle: a deletion, or a resource as it would stand on a line of its own."""
    if not isinstance(entry, dict):
        return BadRow(row, "", "entry", "the entry of the Bundle is no object", "")
    request = entry.get("request")
    if isinstance(request, dict) and request.get("method") == "DELETE":
        return _deletion(request.get("url"), row)
    resource = entry.get("resource")
    if isinstance(resource, dict):
        return _record(resource, canonical(resource), row)
    return BadRow(row, "", "entry", "the entry of the Bundle holds no resource", "")


def _deletion(reference: object, row: int) -> GoneRow | BadRow | None:
    if not isinstance(reference, str) or not reference:
        return BadRow(row, "", "request.url", "a deletion does not say of what", "")
    key = key_of_reference(reference)
    if is_personal(key):
        return BadRow(row, "", "request.url", "the id is a personal identity number, which no key may be", "")
    return GoneRow(row, key) if key else None


def is_personal(key: str) -> bool:
    """Tell whether an id is a personal identity number: keys are kept plain and shown to operators."""
    if not _PERSONAL.match(key):
        return False
    digits = key.replace("-", "")
    return starts_with_date(digits) and check_digit(digits[2:11]) == int(digits[11])


def _is_subsetted(meta: object) -> bool:
    tags = meta.get("tag") if isinstance(meta, dict) else None
    return isinstance(tags, list) and any(
        isinstance(tag, dict) and tag.get("code") == _SUBSETTED for tag in tags
    )


def _is_too_deep(resource: dict[str, Any]) -> bool:
    try:
        canonical(resource)
    except TypeError:
        return True
    return False


def _key_of(line: bytes) -> str:
    """Return the id of a resource that can't be read, so that it is not taken for removed; "" if it is not at its beginning."""
    match = _BEGINNING.match(line)
    key = match[1].decode("ascii") if match else ""
    return "" if is_personal(key) else key


def _echo(resource: dict[str, Any]) -> str:
    return echo(canonical({name: resource[name] for name in _ECHOED if name in resource}).decode())
