"""What the registry needs of a search engine. Two keep it: `opensearch.py` (a cluster) and `tantivy.py` (a folder).

Guarantee of both about versions: a document or deletion with a lower version than the one the index holds for the
same key has no effect, however late it comes and in whatever order, for as long as the index lives. Deletions are
stored as documents without content for that; they match no search, are not counted or scanned, and do not reach a
rebuilt index. An equal version is written again, so that a repeated send is harmless.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, Protocol

import msgspec

from registry.errors import RegistryError
from registry.search.document import Operation
from registry.search.query import Plan, SearchQuery
from registry.search.tree import Node

# Beyond so many documents of people with several licences, totals and facets are estimates (within some percent). On OpenSearch
# the counts of single values are from 700 such people on.
COUNTED_EXACTLY = 3000
# What either engine gives in one answer (OpenSearch: `search.max_buckets`, by default 65,535).
MOST_BUCKETS = 60_000
NO_INDEX = "There is no search index yet; run `indexer rebuild`."
OTHER_MAPPING = "The search index was made for other fields than this version's; run `indexer rebuild`."
FEWER_FIELDS = (
    "The search index lacks fields of this version, or not all its documents are written with them yet; "
    "run `indexer rebuild` or `indexer rebuild --in-place`."
)
# Why a document that holds what JSON has no form for is refused: numbers of more than 64 bits, text that is no Unicode.
UNWRITABLE = "the document can't be written as JSON"

State = Literal["done", "superseded", "failed", "retry"]


@dataclass(frozen=True, slots=True)
class Hit:
    """One practitioner of an answer.

    Attributes:
        score: higher is better; comparable within one answer only. 0 where nothing scores.
        document: id of the best matching document: `l` and the licence's id, or `p` and the practitioner's.
    """

    practitioner_id: int
    score: float
    document: str


@dataclass(frozen=True, slots=True)
class FacetValue:
    """How many practitioners choosing this value would give."""

    value: str
    count: int


@dataclass(frozen=True, slots=True)
class SearchPage:
    """One page of an answer: candidates and their order. Every fact about them is read from SQL.

    Attributes:
        total: practitioners in the whole answer.
        total_is_exact: False if `total` is an estimate (see `COUNTED_EXACTLY`).
        facets: per filter name, the commonest values first.
        did_you_mean: other words for the same question that would find somebody, "" if there are none or who was asked
            for was found (`registry.search.suggesting`).
    """

    hits: tuple[Hit, ...]
    total: int
    total_is_exact: bool
    facets: Mapping[str, tuple[FacetValue, ...]]
    page: int
    limit: int
    did_you_mean: str = ""


@dataclass(frozen=True, slots=True)
class Health:
    """How the engine is.

    Attributes:
        index: the index in use, if the engine could tell.
        documents: how many documents about people it holds.
        problem: why it can't be searched, in words for an operator; "" if it can.
    """

    index: str | None
    documents: int | None
    problem: str

    @property
    def ok(self) -> bool:
        """Whether a search would be answered."""
        return not self.problem


@dataclass(frozen=True, slots=True)
class Bucket:
    """The documents about people whose keys lie in one range, as numbers to compare.

    Attributes:
        checks: sum of their `registry.search.checksum.checksum`.
        versions: sum of their versions.
    """

    count: int
    checks: int
    versions: int


@dataclass(frozen=True, slots=True)
class Extent:
    """How far an index reaches.

    Attributes:
        last_key: the largest key of a visible document about a person; -1 if there is none.
        last_version: the highest version of anything visible, also of the deletions that the index remembers; 0 if there is
            nothing.
    """

    last_key: int
    last_version: int


Fit = Literal["same", "fewer", "other"]
"""How an index fits the mapping of this version: made for the same fields; for fewer, so that what is missing can be
added in place (never so with Tantivy); or for others, those of a later version among them."""


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """What became of one operation. One is made for every document of a rebuild: a struct costs a quarter of a dataclass.

    Attributes:
        state: "done"; "superseded": the index knows a newer version (as good as done); "failed": this document
            will never be taken, for `reason`; "retry": send it again later.
        reason: never holds a value of the document.
    """

    operation: Operation
    state: State
    reason: str = ""

    @property
    def settled(self) -> bool:
        """Whether the index needs nothing more about it."""
        return self.state in {"done", "superseded"}


def candidates_page(asked: Plan, hits: Sequence[Hit]) -> SearchPage:
    """Return the page of a search whose people are not counted.

    Fewer than were asked for are all there are; of a full page `total` tells only how many are on it, and
    `total_is_exact` is False though there may be no more.
    """
    found = tuple(hits[: asked.limit])
    return SearchPage(found, len(found), len(found) < asked.limit, {}, 1, asked.limit)


def ranked_facets(counts: Mapping[str, Mapping[str, int]], most: int) -> dict[str, tuple[FacetValue, ...]]:
    """Order the values of each facet: the commonest first, then by value; values nobody has are left out."""
    return {
        name: tuple(
            FacetValue(value, count)
            for value, count in sorted(values.items(), key=lambda item: (-item[1], item[0]))[:most]
            if count > 0
        )
        for name, values in counts.items()
    }


class SearchEngine(Protocol):
    """The service's side: reads only."""

    def search(self, query: SearchQuery, today: date) -> SearchPage:
        """Answer a search.

        Raises:
            BadRequestError: the search is not as it must be.
            SearchUnavailableError: the engine can't be reached, was too slow, or has no usable index.
        """
        ...

    def search_many(self, queries: Sequence[SearchQuery], today: date) -> list[SearchPage | RegistryError]:
        """Answer many searches at once, each as `search` does, in the order given; never raises.

        What `search` would raise for one of them stands in its place: the others are answered all the same.
        """
        ...

    def tally(self, base: Node | None, each: Sequence[Node], most: int) -> list[int]:
        """Count the people that `base` and each of some conditions find together.

        Args:
            base: what all of them need besides; None: nothing.
            most: beyond so many people documents may be counted in place of people.

        Raises:
            SearchUnavailableError: as `search`.
        """
        ...

    def health(self) -> Health:
        """Tell how the engine is; never raises."""
        ...

    def close(self) -> None:
        """Let connections, files and locks go."""
        ...


class IndexEngine(SearchEngine, Protocol):
    """The indexer's side. Unless told otherwise every method raises `SearchUnavailableError` on engine trouble."""

    def create_index(self, expected: int = 0) -> str:
        """Make a new empty index, set up for a fast build, and return its name. It is not in use yet.

        Args:
            expected: how many documents it will hold, for a cluster that chooses the number of shards by size.
        """
        ...

    def bulk(self, operations: Sequence[Operation], index: str | None = None) -> list[Outcome]:
        """Apply operations to an index, or to the one in use; one outcome each, in order. Never raises.

        When it returns, what is "done" survives a crash of the engine. Searches see it at once (Tantivy)
        or within the refresh interval (OpenSearch, see `refresh`).
        """
        ...

    def finish_index(self, index: str) -> None:
        """End the build of an index: settings for searching, everything visible.

        An index that got fields by `add_fields` fits from here on: all its documents must have been written again.
        """
        ...

    def swap(self, index: str, *, replacing: str | None) -> None:
        """Put an index in use in place of the one in use now, in one step: no search sees none or both.

        Args:
            index: the new one.
            replacing: the one in use as the caller knows it, None if there is none: it must be so still.

        Raises:
            ValueError: there is no such index, or it does not fit (`fit`).
            SwapError: another one is in use meanwhile; nothing was changed.
        """
        ...

    def current_index(self) -> str | None:
        """Return the index in use, None if there is none."""
        ...

    def indices(self) -> list[str]:
        """Return all indices, oldest first."""
        ...

    def drop(self, index: str) -> None:
        """Delete an index; one that does not exist is no error.

        Raises:
            ValueError: it is the one in use, or no index of the registry.
        """
        ...

    def refresh(self, index: str | None = None) -> None:
        """Make everything written visible to searches."""
        ...

    def count(self, index: str | None = None) -> int:
        """Return the number of documents about people that are visible."""
        ...

    def scan(
        self, index: str | None = None, *, low: int | None = None, high: int | None = None
    ) -> Iterator[tuple[str, int]]:
        """Give id and version of every document about people, by `document_key(id)`, as of the moment of the first.

        Close the iterator when it is not read to its end. One that is forgotten leaves nothing open on the engine
        either, once it is collected or the engine is closed.

        Args:
            index: None: the one in use.
            low: smallest key.
            high: largest key.
        """
        ...

    def extent(self, index: str | None = None) -> Extent:
        """Tell how far an index reaches, exactly."""
        ...

    def buckets(self, width: int, index: str | None = None) -> dict[int, Bucket]:
        """Add up the visible documents about people by `key // width`; ranges without any are left out.

        Args:
            width: keys of one range, so many that there are at most `MOST_BUCKETS` ranges.
            index: None: the one in use.

        Raises:
            ValueError: the width is below 1.
        """
        ...

    def stored(self, keys: Sequence[int], index: str | None = None) -> dict[int, dict[str, Any]]:
        """Return documents about people as they were stored (`Operation.stored`), by key.

        What is not there, or was deleted, is left out. What is not visible to searches yet may be given too.
        """
        ...

    def fit(self, index: str) -> Fit:
        """Tell how an index fits the mapping of this version, read from the index itself and not from its name.

        "other" too if there is no such index.
        """
        ...

    def add_fields(self, index: str) -> None:
        """Give an index the fields it lacks.

        It is "fewer" still, and not searched by this version, until all its documents have been written again and
        `finish_index` says so; earlier versions go on searching it.

        Raises:
            ValueError: this can't be done in place (`fit` is not "fewer"); says what to do.
        """
        ...
