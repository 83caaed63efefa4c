"""Asking the NPI Registry (API 2.1), page by page, into one file of results.

The API bounds every question at 1,200 results and does not tell how many there are: `result_count` is that of the
page. So a question whose last page is full is split, and a page that holds fewer results than it counts is asked for
again: it is never taken for the whole. Errors come as `Errors` with status 200. The order of results is not promised;
a number that stands on two pages of one question shows that it shifted, and then the question is read again.

Nothing that is missing from the answers is taken for removed.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import orjson

from indexer.feeds.download import Web, body, where
from indexer.feeds.errors import (
    NO_JSON,
    FeedChangedError,
    FeedTooLargeError,
    FeedUnavailableError,
    MalformedFeedError,
    TruncatedFeedError,
)
from indexer.feeds.fetching import Fetched, Fetching
from indexer.feeds.npi_registry_source import MAX_SKIP, NpiRegistrySource, Query, described, split, whole
from indexer.feeds.rows import echo
from indexer.feeds.spool import Part
from registry.errors import SettingsError
from registry.struct_types import ready

VERSION = "2.1"
# Results are some kilobytes each; a page that is larger than this is no page of 200.
_MAX_ANSWER = 64 << 20
# A question whose pages shift this often while they are read is given up.
_READINGS = 3
_NPI_DIGITS = 10


class _Error(msgspec.Struct, frozen=True):
    description: str = ""
    number: str | int = ""
    field: str | None = None


@ready
class _Answer(msgspec.Struct, frozen=True):
    result_count: int | str | None = None
    results: list[dict[str, Any]] | None = None
    Errors: list[_Error] | None = None


def fetch(source: NpiRegistrySource, fetching: Fetching) -> Fetched:
    """Ask for everything that the source names; each person comes once.

    Raises:
        FeedUnavailableError: the registry refuses a question, or can't be reached.
        TruncatedFeedError: a page holds fewer results than it says, also when asked again.
        FeedTooLargeError: a question has too many results however it is split, or needs too many requests.
        FeedChangedError: the pages of a question don't fit together, again and again.
        MalformedFeedError: what comes is no answer of this API.
        SettingsError: `source.numbers_file` can't be read or holds something else than NPIs.
    """
    numbers = _numbers(source.numbers_file) if source.numbers_file else []
    waiting: list[Query] = [*source.queries, *({"number": number} for number in numbers)]
    with (
        Web(
            fetching.settings, source.max_retry_after_s, {"Accept": "application/json"}, source=source
        ) as web,
        web.translated(source.url),
        fetching.files.part("npi-registry.ndjson") as part,
    ):
        registry = _Registry(source, web, part)
        for query in waiting:
            registry.take(query)
    return fetching.fetched(None, complete=False)


def _numbers(path: str) -> list[str]:
    """Read a file of NPIs; blank lines and what follows # don't count."""
    try:
        lines = Path(path).read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"source.numbers_file {path} can't be read: {type(error).__name__}.") from error
    found: dict[str, None] = {}
    for line, text in enumerate(lines, 1):
        number = text.partition("#")[0].strip()
        if number and not (len(number) == _NPI_DIGITS and number.isascii() and number.isdigit()):
            raise SettingsError(f"source.numbers_file {path}, line {line}: expected an NPI of ten digits.")
        if number:
            found[number] = None
    return list(found)


class _Registry:
    """The API and what has come from it so far."""

    def __init__(self, source: NpiRegistrySource, web: Web, part: Part) -> None:
        self._source = source
        self._web = web
        self._part = part
        self._taken: set[str] = set()
        self._requests = 0

    def take(self, query: Query) -> None:
        """Take everyone whom a query finds, splitting it as often as it takes."""
        waiting: list[Query] = [query]
        while waiting:
            narrow = waiting.pop()
            if self._read(narrow):
                continue
            narrower = split(narrow)
            if not narrower:
                raise FeedTooLargeError(
                    f"The NPI Registry has more results than it gives for {described(narrow)}, and the query can't "
                    "be narrowed further. Add a search key to it in source.queries, or use the bulk files (nppes)."
                )
            waiting.extend(reversed(narrower))

    def _read(self, query: Query) -> bool:
        """Read a query's pages and tell whether they are all there are."""
        before: set[str] | None = None
        for _ in range(_READINGS):
            found: list[str] = []
            last = 0
            for results in self._pages(query):
                found += [self._take(result) for result in results]
                last = len(results)
            if last == self._source.page_size:
                return False
            # A number twice is a shift between two pages, which may have hidden another; or the registry's own way.
            distinct = set(found)
            if len(distinct) == len(found) or distinct == before:
                return True
            before = distinct
        raise FeedChangedError(
            f"The NPI Registry's pages for {described(query)} overlap in another way at each of {_READINGS} readings. "
            "Pull again later, or narrow the query."
        )

    def _pages(self, query: Query) -> Iterator[list[dict[str, Any]]]:
        """Give each page's results, until one is not full."""
        for skip in range(0, MAX_SKIP + 1, self._source.page_size):
            results = self._page(query, skip)
            yield results
            if len(results) < self._source.page_size:
                return

    def _page(self, query: Query, skip: int) -> list[dict[str, Any]]:
        self._requests += 1
        if self._requests > self._source.max_requests:
            raise FeedTooLargeError(
                f"The NPI Registry has been asked {self._source.max_requests} times, now for {described(query)}. "
                "Narrow source.queries, use the bulk files (nppes), or raise source.max_requests."
            )
        asked = {
            "version": VERSION,
            **whole(query),
            "limit": str(self._source.page_size),
            "skip": str(skip),
        }
        url = str(httpx.URL(self._source.url).copy_merge_params(asked))
        results: list[dict[str, Any]] = []
        for attempt in self._web.attempts():
            with attempt, self._web.get(url) as response:
                results = _results(_bounded(response), self._source, query)
        return results

    def _take(self, result: dict[str, Any]) -> str:
        """Write a result unless its person has come already, and return its number."""
        number = str(result.get("number", ""))
        if number not in self._taken or not number:
            self._part.write(orjson.dumps(result) + b"\n")
        self._taken.add(number)
        return number


def _bounded(response: httpx.Response) -> bytes:
    answer = bytearray()
    for piece in body(response):
        answer += piece
        if len(answer) > _MAX_ANSWER:
            raise FeedTooLargeError(f"A page of the NPI Registry is larger than {_MAX_ANSWER} bytes.")
    return bytes(answer)


def _results(answer: bytes, source: NpiRegistrySource, query: Query) -> list[dict[str, Any]]:
    """Return a page's results.

    Raises:
        FeedUnavailableError: it holds errors.
        TruncatedFeedError: it holds fewer results than it says.
        MalformedFeedError: it is no page, or larger than asked for.
    """
    try:
        page = msgspec.json.decode(answer, type=_Answer)
    except msgspec.ValidationError as error:
        raise MalformedFeedError(
            f"{where(source.url)} gives no answer of the NPI Registry: {error}."
        ) from error
    except NO_JSON as error:
        if "truncated" in str(error):
            raise TruncatedFeedError("An answer of the NPI Registry ends in the middle.") from error
        raise MalformedFeedError(f"{where(source.url)} gives an answer that is no JSON.") from error
    if page.Errors is not None:
        raise FeedUnavailableError(
            f"The NPI Registry refuses {described(query)}: {'; '.join(map(_told, page.Errors[:3]))}. "
            "See source.queries in the feed file."
        )
    if page.results is None or page.result_count is None:
        raise MalformedFeedError(f"{where(source.url)} gives an answer without results and without errors.")
    if str(len(page.results)) != str(page.result_count):
        raise TruncatedFeedError(
            f"A page of the NPI Registry for {described(query)} says {page.result_count} results but holds "
            f"{len(page.results)}."
        )
    if len(page.results) > source.page_size:
        raise MalformedFeedError(
            f"A page of the NPI Registry holds {len(page.results)} results where {source.page_size} were asked for."
        )
    return page.results


def _told(error: _Error) -> str:
    return echo(f"{error.number} {error.description}" + (f" ({error.field})" if error.field else "")).strip()
