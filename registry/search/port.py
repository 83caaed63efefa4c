"""What the registry needs of a search engine. Two keep it: `opensearch.py` (a cluster) and `tantivy.py` (a folder).

Guarantee of both about versions: a document or deletion with a lower version than the one the index holds for the
same key has no effect, however late it comes and in whatever order, for as long as the index lives. Deletions are
stored as documents without content for that; they match no search, are not counted or scanned, and do not reach a
rebuilt index. An equal version is written again, so that a repeated send is harmless.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, Protocol

from registry.search.document import Operation
from registry.search.query import SearchQuery

# Beyond so many documents of people with several licences, totals and facets are estimates (within some percent).
COUNTED_EXACTLY = 3000
NO_INDEX = "There is no search index yet; run `indexer rebuild`."
OTHER_MAPPING = "The search index was made for other fields than this version's; run `indexer rebuild`."

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
    """

    hits: tuple[Hit, ...]
    total: int
    total_is_exact: bool
    facets: Mapping[str, tuple[FacetValue, ...]]
    page: int
    limit: int


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
class Outcome:
    """What became of one operation.

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

    def health(self) -> Health:
        """Tell how the engine is; never raises."""
        ...

    def close(self) -> None:
        """Let connections, files and locks go."""
        ...


class IndexEngine(SearchEngine, Protocol):
    """The indexer's side. Unless told otherwise every method raises `SearchUnavailableError` on engine trouble."""

    def create_index(self) -> str:
        """Make a new empty index, set up for a fast build, and return its name. It is not in use yet."""
        ...

    def bulk(self, operations: Sequence[Operation], index: str | None = None) -> list[Outcome]:
        """Apply operations to an index, or to the one in use; one outcome each, in order. Never raises.

        When it returns, what is "done" survives a crash of the engine. Searches see it at once (Tantivy)
        or within the refresh interval (OpenSearch, see `refresh`).
        """
        ...

    def finish_index(self, index: str) -> None:
        """End the build of an index: settings for searching, everything visible."""
        ...

    def swap(self, index: str) -> None:
        """Put an index in use in place of the present one, in one step: no search sees none or both.

        Raises:
            ValueError: there is no such index, or it was made for other fields.
        """
        ...

    def ensure_index(self) -> str:
        """Return the index in use; make an empty one and put it in use if there is none."""
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

    def scan(self, index: str | None = None) -> Iterator[tuple[str, int]]:
        """Give id and version of every document, in the order of `document_key(id)`, as of one moment.

        Close the iterator when it is not read to its end.
        """
        ...
