"""One page of a FHIR server's answer: a Bundle of type searchset or history (HL7 FHIR R4, Search and RESTful API)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import msgspec

from indexer.feeds.errors import NO_JSON, MalformedFeedError, TruncatedFeedError
from indexer.feeds.fhir_ndjson import BUNDLE, RESOURCE, key_of_reference

Kind = Literal["searchset", "history"]
OUTCOME = "OperationOutcome"
_FATAL = frozenset({"error", "fatal"})
_NOTHING = (b"", b"null")
_CODE_CHARACTERS = 40
_UTF8_BOM = b"\xef\xbb\xbf"


class Link(msgspec.Struct, frozen=True):
    """Bundle.link."""

    relation: str | None = None
    url: str | None = None


class Request(msgspec.Struct, frozen=True):
    """Bundle.entry.request: what was done, in a history."""

    method: str | None = None
    url: str | None = None


class Response(msgspec.Struct, frozen=True, rename="camel"):
    """Bundle.entry.response: which version came of it, and when, in a history."""

    etag: str | None = None
    last_modified: str | None = None


class Search(msgspec.Struct, frozen=True):
    """Bundle.entry.search."""

    mode: str | None = None


class Entry(msgspec.Struct, frozen=True, rename="camel"):
    """Bundle.entry; the resource undecoded."""

    full_url: str | None = None
    resource: msgspec.Raw = msgspec.Raw(b"")
    search: Search | None = None
    request: Request | None = None
    response: Response | None = None


class Meta(msgspec.Struct, frozen=True, rename="camel"):
    """The meta of a Bundle or of a resource in it."""

    version_id: str | None = None
    last_updated: str | None = None


class Head(msgspec.Struct, frozen=True, rename="camel"):
    """What must be known of a resource before it is read."""

    resource_type: str | None = None
    id: str | None = None
    meta: Meta | None = None


class Bundle(msgspec.Struct, frozen=True, rename="camel"):
    """The parts of a Bundle that paging needs."""

    resource_type: str | None = None
    type: str | None = None
    total: int | None = None
    meta: Meta | None = None
    link: list[Link | None] | None = None
    entry: list[Entry | None] | None = None

    def next_url(self) -> str:
        """Return the address of the page after this one, "" if this is the last."""
        links = [link.url or "" for link in self.link or () if link is not None and link.relation == "next"]
        return links[0] if links else ""


class _Issue(msgspec.Struct, frozen=True):
    severity: str | None = None
    code: str | None = None


class _Outcome(msgspec.Struct, frozen=True, rename="camel"):
    resource_type: str | None = None
    issue: list[_Issue | None] | None = None


@dataclass(frozen=True, slots=True)
class Version:
    """One entry: a state of a Practitioner, or that it was deleted.

    Attributes:
        key: the Practitioner's id, "" if the entry does not say.
        line: the resource on one line, b"" for a deletion.
        deleted: whether the entry says that the record is gone.
        moment: when the state came about, if the entry says.
        number: the version as a number, where the server counts versions; -1 if not.
    """

    key: str
    line: bytes
    deleted: bool
    moment: datetime | None
    number: int

    def is_newer_than(self, other: "Version") -> bool:
        """Tell whether this state came after another one that stands before it in the history (newest first).

        Time decides, then a counted version (a server may begin to count anew when it makes a deleted record again);
        where neither tells, the server's order does.
        """
        if self.moment and other.moment and self.moment != other.moment:
            return self.moment > other.moment
        return self.number > other.number >= 0


def read_bundle(page: bytes, kind: Kind, source: str) -> Bundle:
    """Read one page. `source` names it in messages.

    Raises:
        TruncatedFeedError: the page ends in the middle.
        MalformedFeedError: it is no Bundle of that kind, or an error in the shape of an answer.
    """
    try:
        bundle = _read(page.removeprefix(_UTF8_BOM))
    except msgspec.ValidationError as error:
        raise MalformedFeedError(f"{source} gives no Bundle: {error}") from error
    except NO_JSON as error:
        if "truncated" in str(error):
            raise TruncatedFeedError(f"{source} gives a page that ends in the middle.") from error
        raise MalformedFeedError(
            f"{source} gives no JSON. Ask for it: a server may want _format=json in source.url."
        ) from error
    if bundle.resource_type == OUTCOME:
        raise MalformedFeedError(f"{source} answers with an error instead of a Bundle: {_trouble(page)}.")
    if bundle.resource_type != BUNDLE or bundle.type != kind:
        raise MalformedFeedError(
            f"{source} gives no Bundle of type {kind}. source.url must be the address of a FHIR server's {RESOURCE}."
        )
    return bundle


_read = msgspec.json.Decoder(Bundle).decode
_head = msgspec.json.Decoder(Head).decode
_outcome = msgspec.json.Decoder(_Outcome).decode


def versions(bundle: Bundle, kind: Kind, source: str) -> Iterator[Version]:
    """Yield the page's Practitioners and deletions; what the server sends along with them is left out.

    Raises:
        MalformedFeedError: the server tells of an error among its answers, or of a record without saying what.
    """
    for entry in bundle.entry or ():
        if entry is None:
            raise MalformedFeedError(f"{source} gives an empty entry; which record is missing can't be told.")
        head = _head_of(entry)
        mode = entry.search.mode if entry.search else None
        if mode == "outcome" or head.resource_type == OUTCOME:
            if trouble := _trouble(bytes(entry.resource)):
                raise MalformedFeedError(f"{source} tells of an error among its answers: {trouble}.")
        elif mode != "include":
            version = _version(entry, head, source, history=kind == "history")
            if version is not None:
                yield version


def _version(entry: Entry, head: Head, source: str, *, history: bool) -> Version | None:
    request = entry.request or Request()
    reference = request.url or entry.full_url or ""
    deleted = history and (request.method or "").upper() == "DELETE"
    if deleted:
        key = key_of_reference(reference) or key_of_reference(entry.full_url or "") or (head.id or "")
        if not key:
            raise MalformedFeedError(f"{source} tells of a deletion without saying of what.")
        return Version(key, b"", deleted=True, moment=_moment(entry, head), number=_number(entry, head))
    if bytes(entry.resource) in _NOTHING:
        raise MalformedFeedError(
            f"{source} gives an entry without its resource; which record is missing can't be told. "
            "Ask for whole resources (no _summary, no _elements)."
        )
    if head.resource_type not in (None, RESOURCE):
        return None
    line = one_line(entry.resource)
    return Version(
        head.id or "", line, deleted=False, moment=_moment(entry, head), number=_number(entry, head)
    )


def _head_of(entry: Entry) -> Head:
    """Read a resource's head; an empty one of what can't be read: the parser says what is wrong with it."""
    try:
        return _head(entry.resource)
    except NO_JSON:
        return Head()


def one_line(resource: msgspec.Raw) -> bytes:
    """Return a resource as a server wrote it, but on one line: in JSON no line break stands inside a text."""
    return bytes(resource).replace(b"\n", b" ").replace(b"\r", b" ")


def _moment(entry: Entry, head: Head) -> datetime | None:
    told = head.meta.last_updated if head.meta else None
    return read_instant(told or (entry.response.last_modified if entry.response else None))


def _number(entry: Entry, head: Head) -> int:
    """Return the version's number: of the resource, of its ETag (W/"3") or of its address (.../_history/3)."""
    told = [
        head.meta.version_id if head.meta else None,
        (entry.response.etag or "").removeprefix("W/").strip('"') if entry.response else None,
        (entry.request.url or "").rpartition("/_history/")[2] if entry.request else None,
    ]
    numbers = [int(text) for text in told if text and text.isascii() and text.isdigit() and len(text) < 19]  # noqa: PLR2004 - what 64 bits hold
    return numbers[0] if numbers else -1


def read_instant(text: str | None) -> datetime | None:
    """Read a FHIR instant in UTC; None for what is none, or has no zone."""
    try:
        moment = datetime.fromisoformat(text or "")
        return moment.astimezone(UTC) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _trouble(resource: bytes) -> str:
    """Return the worst of an OperationOutcome in its own codes, without its free text, which may hold personal data."""
    try:
        issues = [issue for issue in _outcome(resource).issue or () if issue is not None]
    except NO_JSON:
        return "an outcome that can't be read"
    fatal = [issue for issue in issues if (issue.severity or "error") in _FATAL]
    return f"{fatal[0].severity} ({(fatal[0].code or 'no code')[:_CODE_CHARACTERS]})" if fatal else ""
