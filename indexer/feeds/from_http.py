"""One document at an HTTP address: asked for only if it has changed, and gone on with where a line broke off.

Rules from RFC 9110: conditional requests (13), If-Range and strong validators (13.1.5, 8.8), ranges (14).
"""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from urllib.parse import urlsplit

import httpx
import msgspec

from indexer.feeds.download import Web, as_stamp, http_date, is_encoded, read_token, where
from indexer.feeds.errors import FeedUnavailableError, MalformedFeedError, TruncatedFeedError
from indexer.feeds.fetching import Fetched, Fetching, Previous
from indexer.feeds.members import extract, safe_name
from indexer.feeds.sources import HttpSource
from indexer.feeds.taking import packing
from indexer.feeds.transfer import ChangedUnderUsError, carry
from indexer.feeds.unpack import Inflow
from registry.struct_types import ready

_PARTIAL, _SAME, _BEYOND, _OK = 206, 304, 416, 200
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)\Z", re.ASCII)
# A time of change is a strong mark only if it is at least a second older than the answer (RFC 9110 8.8.2.2).
_SETTLED = timedelta(seconds=1)


@ready
class Seen(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the source said of the document that was taken; kept in `Fetched.etag`.

    Attributes:
        etag, modified: its ETag and Last-Modified, as they came.
        of: digest of the address and the way of reading: another address may answer with the same words.
    """

    etag: str = ""
    modified: str = ""
    of: str


def fetch(source: HttpSource, fetching: Fetching) -> Fetched:
    """Fetch the document, unless the source says that it is the one we have.

    Raises:
        FeedUnavailableError, FeedChangedError, TruncatedFeedError, MalformedFeedError, FeedTooLargeError: see there.
    """
    headers = {"Authorization": f"Bearer {read_token(source.token_file)}"} if source.token_file else {}
    with (
        Web(fetching.settings, source.max_retry_after_s, headers, source=source) as web,
        web.translated(source.url),
    ):
        document = _Document(web, source, _conditions(fetching.previous, source))
        members: list[str] = []
        with suppress(_UnchangedError), _target(source, fetching, members) as inflow:
            carry(document.leg, inflow, web.attempts, (httpx.TransportError,))
            if document.unchanged:
                raise _UnchangedError
    if document.unchanged:
        return fetching.unchanged()
    return fetching.fetched(
        document.stamp,
        msgspec.json.encode(document.seen).decode(),
        name=safe_name(members[0]) if members else "",
    )


class _UnchangedError(Exception):
    """The source says that the document is the one we have."""


@contextmanager
def _target(source: HttpSource, fetching: Fetching, members: list[str]) -> Iterator[Inflow]:
    """Give where the document goes; a zip is unpacked when it has come whole."""
    files, ratio = fetching.files, fetching.settings.max_expansion_ratio
    pages = "text/html" in source.expect
    kind = packing(source.unpack, urlsplit(source.url).path)
    if kind == "zip":
        with files.scratch() as scratch:
            yield Inflow(scratch, max_bytes=files.max_bytes, max_ratio=ratio, pages=pages)
            members += extract(scratch.path, source.members, files, ratio)
        return
    with files.part("feed") as part:
        yield Inflow(part, gzip=kind == "gzip", max_bytes=files.max_bytes, max_ratio=ratio, pages=pages)


def _of(source: HttpSource) -> str:
    read = msgspec.json.encode([source.url, source.unpack, source.members])
    return hashlib.sha256(read).hexdigest()[:16]


def _conditions(previous: Previous | None, source: HttpSource) -> dict[str, str]:
    """Return the headers that ask for the document only if it has changed."""
    try:
        seen = msgspec.json.decode(previous.etag if previous else "", type=Seen)
    except msgspec.DecodeError:
        return {}
    if seen.of != _of(source):
        return {}
    conditions = {"If-None-Match": seen.etag, "If-Modified-Since": seen.modified}
    return {name: value for name, value in conditions.items() if value}


class _Document:
    """The document as it comes, leg by leg."""

    def __init__(self, web: Web, source: HttpSource, conditions: dict[str, str]) -> None:
        self._web = web
        self._source = source
        self._conditions = conditions
        self.unchanged = False
        self.stamp: str | None = None
        self.seen = Seen(of=_of(source))
        # Of the version whose bytes we hold: what proves it, how long it is, and whether the line was compressed.
        self._validator = ""
        self._total: int | None = None
        self._encoding = ""

    def leg(self, inflow: Inflow) -> None:
        """Ask for what is missing and write it."""
        going_on = bool(inflow.size and self._validator and inflow.size != self._total)
        headers = (
            {"Range": f"bytes={inflow.size}-", "If-Range": self._validator} if going_on else self._conditions
        )
        accept = (_PARTIAL, _BEYOND) if going_on else ()
        with self._web.get(self._source.url, headers, accept=accept) as response:
            if response.status_code == _SAME:
                self.unchanged = True
                return
            if response.status_code in (_PARTIAL, _BEYOND):
                self._check_goes_on(response, inflow)
            elif response.status_code == _OK:
                self._begin(response, inflow)
            else:
                raise FeedUnavailableError(f"{where(self._source.url)} answers {response.status_code}.")
            for data in response.iter_raw():
                inflow.write(data)
        if self._total is not None and inflow.size != self._total:
            raise TruncatedFeedError(
                f"{where(self._source.url)} gave {inflow.size} bytes and had promised {self._total}."
            )
        inflow.finish()

    def _begin(self, response: httpx.Response, inflow: Inflow) -> None:
        """Take the first byte of a version."""
        headers = response.headers
        # What is no ASCII could not be sent back.
        etag, modified = (
            value if (value := headers.get(name, "")).isascii() else "" for name in ("etag", "last-modified")
        )
        changed = http_date(modified)
        self.seen = Seen(etag=etag, modified=modified if changed else "", of=self.seen.of)
        self.stamp = as_stamp(changed)
        self._encoding = headers.get("content-encoding", "")
        length = headers.get("content-length", "")
        self._total = int(length) if length.isascii() and length.isdecimal() else None
        chunked = "chunked" in headers.get("transfer-encoding", "").lower()
        if self._total is None and not chunked and not self._source.believe_unsized:
            raise MalformedFeedError(
                f"{where(self._source.url)} does not tell how long the feed is, so half of it would look whole. If it "
                "can't, set source.believe_unsized = true."
            )
        self._validator = (
            "" if headers.get("accept-ranges", "") == "none" else _strong(etag, modified, headers)
        )
        inflow.begin(encoded=is_encoded(response))

    def _check_goes_on(self, response: httpx.Response, inflow: Inflow) -> None:
        """Make sure that the piece is of the version that we hold and follows it; else nothing of it is believed.

        Raises:
            ChangedUnderUsError: it isn't; the document must be read from its first byte.
        """
        headers = response.headers
        told = _CONTENT_RANGE.match(headers.get("content-range", ""))
        version = not self.seen.etag or headers.get("etag", self.seen.etag) == self.seen.etag
        total = int(told[3]) if told and told[3] != "*" else None
        if (
            response.status_code == _PARTIAL
            and told
            and int(told[1]) == inflow.size
            and (total is None or int(told[2]) == total - 1)
            and (self._total is None or total in (self._total, None))
            and version
            and headers.get("content-encoding", "") == self._encoding
        ):
            self._total = total if self._total is None else self._total
            return
        self._validator = ""
        raise ChangedUnderUsError


def _strong(etag: str, modified: str, headers: httpx.Headers) -> str:
    """Return what proves that two pieces are of the same version; "" if nothing does."""
    if etag.startswith('"'):
        return etag
    changed, now = http_date(modified), http_date(headers.get("date", ""))
    proves = not etag and changed and now and now - changed >= _SETTLED
    return modified if proves else ""
