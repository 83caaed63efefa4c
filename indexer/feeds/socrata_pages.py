"""Reading a Socrata dataset page by page (SODA 2: `$limit`, `$offset`, `$order=:id`).

Without `$order=:id` the order is not promised, and pages overlap or leave rows out. A page shorter than asked for is
the last one. Two guards against pages that don't make one snapshot: the dataset's own time of change must be the same
on every page, and the rows must be as many as the source counts.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import httpx
import msgspec

from indexer.feeds.download import APP_TOKEN, Web, as_stamp, body, http_date, read_token, where
from indexer.feeds.errors import (
    NO_JSON,
    FeedChangedError,
    FeedUnavailableError,
    MalformedFeedError,
    TruncatedFeedError,
)
from indexer.feeds.fetching import Fetched, Fetching
from indexer.feeds.sources import SocrataSource
from indexer.feeds.spool import Spool

# When the dataset, not a cached answer about it, last changed (documented by Socrata).
TRUTH_MODIFIED = "x-soda2-truth-last-modified"
# The daily rebuild of a dataset takes minutes; reading it again this often outlasts one.
_READINGS = 3


@dataclass(frozen=True, slots=True)
class Version:
    """Which state of the dataset was read. `etag` is the dataset's own time of change, "" if it tells none."""

    stamp: str | None
    etag: str
    not_modified: bool = False


class _ChangedError(Exception):
    """The dataset changed between two pages."""


def fetch(source: SocrataSource, fetching: Fetching) -> Fetched:
    """Read every page into the spool; none if the dataset has not changed since the previous run.

    Raises:
        FeedChangedError: it changed under us at every reading.
        TruncatedFeedError: it holds another number of rows than it counts.
        FeedUnavailableError, MalformedFeedError: an error answer, also one that comes with status 200.
    """
    headers = {"Accept": "application/json"}
    if source.app_token_file:
        headers[APP_TOKEN] = read_token(source.app_token_file)
    # Another address, e.g. with another $where, may tell the same time of change.
    mark = " of " + hashlib.sha256(source.url.encode()).hexdigest()[:16]
    etag = fetching.previous.etag if fetching.previous else ""
    known = etag.removesuffix(mark) if etag.endswith(mark) else ""
    with (
        Web(fetching.settings, source.max_retry_after_s, headers, source=source) as web,
        web.translated(source.url),
    ):
        reader = _Reader(source, web, fetching.files)
        for _ in range(_READINGS):
            try:
                version = reader.read(known)
            except _ChangedError:
                fetching.files.start_again()
                continue
            if version.not_modified:
                return fetching.unchanged()
            return fetching.fetched(version.stamp, version.etag + mark if version.etag else "")
    raise FeedChangedError(
        f"{where(source.url)} changed between two pages at each of {_READINGS} readings. Pull again in an hour."
    )


class _Reader:
    def __init__(self, source: SocrataSource, web: Web, files: Spool) -> None:
        self._source = source
        self._web = web
        self._files = files
        self._first = True
        self._version = ""
        self._stamp: str | None = None

    def read(self, known: str) -> Version:
        """Read the dataset once from its first page to its last."""
        self._first = True
        counted = self._count() if self._source.check_count else None
        rows = 0
        while True:
            found = self._page(rows)
            if known and self._version == known:
                return Version(self._stamp, known, not_modified=True)
            rows += found
            if found < self._source.page_size:
                break
        if counted is not None and rows != counted:
            if self._count() != counted:
                raise _ChangedError
            raise TruncatedFeedError(
                f"{where(self._source.url)} counts {counted} rows but gave {rows}. The server may bound pages: "
                f"lower source.page_size (now {self._source.page_size})."
            )
        return Version(self._stamp, self._version)

    def _page(self, offset: int) -> int:
        """Read one page and return how many rows it holds."""
        query = {"$limit": str(self._source.page_size), "$offset": str(offset), "$order": ":id"}
        rows = 0
        for attempt in self._web.attempts():
            with attempt, self._web.get(self._url(query)) as response, self._files.part("page.json") as part:
                self._check_version(response)
                pieces = []
                for data in body(response):
                    part.write(data)
                    pieces.append(data)
                rows = len(rows_of(b"".join(pieces)))
        return rows

    def _count(self) -> int:
        """Ask how many rows there are."""
        answer = b""
        for attempt in self._web.attempts():
            with attempt, self._web.get(self._url({"$select": "count(*)"})) as response:
                answer = b"".join(body(response))
        try:
            return int(msgspec.json.decode(answer, type=list[dict[str, str | int]])[0].popitem()[1])
        except (msgspec.DecodeError, LookupError, ValueError) as error:
            raise FeedUnavailableError(
                f"{where(self._source.url)} does not tell its number of rows ($select=count(*)). "
                "If it can't, set source.check_count = false: then nothing guards against pages cut short."
            ) from error

    def _url(self, query: Mapping[str, str]) -> str:
        return str(httpx.URL(self._source.url).copy_merge_params(dict(query)))

    def _check_version(self, response: httpx.Response) -> None:
        version = response.headers.get(TRUTH_MODIFIED, "")
        if self._first:
            self._first = False
            self._version = version
            self._stamp = as_stamp(http_date(version or response.headers.get("last-modified", "")))
        elif version != self._version:
            raise _ChangedError


def rows_of(page: bytes) -> list[msgspec.Raw]:
    """Split one page of the API into its rows, undecoded.

    Raises:
        TruncatedFeedError: the page ends in the middle.
        MalformedFeedError: it is no JSON array; Socrata sends errors as an object, at times with status 200.
    """
    try:
        return _split(page)
    except msgspec.ValidationError as error:
        raise MalformedFeedError(f"A page is no list of rows but an error: {_message(page)}") from error
    except NO_JSON as error:
        if "truncated" in str(error):
            raise TruncatedFeedError("A page of the feed ends in the middle.") from error
        raise MalformedFeedError("A page of the feed is no JSON.") from error


_split: Callable[[bytes], list[msgspec.Raw]] = msgspec.json.Decoder(list[msgspec.Raw]).decode


def _message(page: bytes) -> str:
    try:
        told = msgspec.json.decode(page, type=dict[str, object])
    except NO_JSON:
        return "(not an object either)"
    return str(told.get("message") or told.get("code") or "(no message)")[:200]
