"""The search engine for one machine: Tantivy indices in a folder, one sub-folder each.

The file `current` names the index in use and is replaced by renaming, under a lock of the folder, so that a reader sees
the old name or the new one. Readers open indices without a lock and look for a new commit at each search, which costs some microseconds.
One writer at a time: the index folder's own lock, held for one `bulk` on the index in use, and from first `bulk` to
`finish_index` on one being built.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import structlog

from registry.errors import BadRequestError, RegistryError, SearchUnavailableError
from registry.search.document import Operation
from registry.search.mapping import Mapping, load_mapping
from registry.search.port import (
    NO_INDEX,
    OTHER_MAPPING,
    Bucket,
    Extent,
    Fit,
    Health,
    Outcome,
    SearchPage,
    candidates_page,
    ranked_facets,
)
from registry.search.query import LISTED, Plan, SearchQuery, plan
from registry.search.ranges import histogram, read_histogram
from registry.search.tantivy_columns import Texts
from registry.search.tantivy_counts import FEW, count, count_of, people_among, people_or_documents
from registry.search.tantivy_dsl import (
    build_query,
    build_schema,
    page_query,
)
from registry.search.tantivy_folder import PREFIX, IndexFolder
from registry.search.tantivy_rank import ranked
from registry.search.tantivy_scan import extent, scan, stored
from registry.search.tantivy_writer import IndexWriters
from registry.search.tree import Node, every
from registry.settings import Search

if TYPE_CHECKING:
    from tantivy import Query, Searcher, SearchResult

_log = structlog.get_logger(__name__)
UNREADABLE = "The search index can't be read."


class TantivyEngine:
    """`IndexEngine` in a folder. Safe for threads."""

    def __init__(self, limits: Search, *, mapping: Mapping | None = None) -> None:
        """Prepare to search and write; opens files at the first use. `mapping`: this version's if None."""
        self._limits = limits
        self._mapping = mapping or load_mapping()
        self._schema = build_schema(self._mapping)
        self._texts = Texts(self._mapping)
        self._folder = IndexFolder(limits.tantivy.path, self._mapping, self._schema)
        self._writers = IndexWriters(self._folder, self._schema, self._mapping, limits.tantivy)
        self._complained_of: str | None = None

    def search(self, query: SearchQuery, today: date) -> SearchPage:
        """Answer a search; see `SearchEngine.search`."""
        asked = plan(query, self._limits, today)
        with self._reading() as searcher:
            return self._answer(searcher, asked)

    def _answer(self, searcher: "Searcher", asked: Plan) -> SearchPage:
        query = page_query(asked, self._schema)
        first = searcher.search(query, limit=FEW)
        best = first.hits[0][0] if first.hits and asked.sort == "relevance" else 0.0
        if count_of(first) <= FEW and not asked.does(people_among(searcher, first), best):
            asked = asked.widened
            query = page_query(asked, self._schema)
            first = searcher.search(query, limit=FEW)
        return self._page(searcher, asked, query, first)

    def search_many(self, queries: Sequence[SearchQuery], today: date) -> list[SearchPage | RegistryError]:
        """Answer many searches, one after the other on one view of the index; see `SearchEngine.search_many`."""
        found: list[SearchPage | RegistryError] = []
        try:
            with self._reading() as searcher:
                for query in queries:
                    try:
                        found.append(self._answer(searcher, plan(query, self._limits, today)))
                    except BadRequestError as error:
                        found.append(error)
        except SearchUnavailableError as error:
            found += [self._refused(query, today) or error for query in queries[len(found) :]]
        return found

    def _refused(self, query: SearchQuery, today: date) -> BadRequestError | None:
        """Tell what is wrong with a search, which `search` says first."""
        try:
            plan(query, self._limits, today)
        except BadRequestError as error:
            return error
        return None

    def _page(self, searcher: "Searcher", asked: Plan, query: "Query", first: "SearchResult") -> SearchPage:
        hits = ranked(searcher, self._schema, query, first, asked)
        if not asked.counted:
            return candidates_page(asked, hits)
        shared = [facet for facet in asked.facets if facet.name not in asked.chosen]
        counted = count(searcher, self._schema, self._texts, query, facets=shared, first=first)
        counts = counted.facets
        for facet in (facet for facet in asked.facets if facet.name in asked.chosen):
            others = page_query(asked, self._schema, without=facet.name)
            counts |= count(searcher, self._schema, self._texts, others, facets=[facet]).facets
        return SearchPage(
            hits=tuple(hits),
            total=counted.people,
            total_is_exact=counted.are_exact,
            facets=ranked_facets(counts, self._limits.facet_size),
            page=asked.page,
            limit=asked.limit,
        )

    def tally(self, base: Node | None, each: Sequence[Node], most: int) -> list[int]:
        """Count people; see `SearchEngine.tally`."""
        with self._reading() as searcher:
            return [
                people_or_documents(searcher, self._schema, every(*([base] if base else []), node), most)
                for node in each
            ]

    @contextmanager
    def _reading(self) -> Iterator["Searcher"]:
        """Give a view of the index in use as it is now.

        Raises:
            SearchUnavailableError: there is none, it is for other fields, or its files can't be read.
        """
        try:
            yield self._open_current()
        except (OSError, ValueError) as error:
            _log.warning("search index error", kind=type(error).__name__)
            raise SearchUnavailableError(UNREADABLE) from error

    def _open_current(self) -> "Searcher":
        name = self._folder.current()
        while True:
            if name is None:
                raise SearchUnavailableError(NO_INDEX)
            try:
                if self._folder.fits(name):
                    return self._folder.searcher(name)
                self._complain(name)
                raise SearchUnavailableError(OTHER_MAPPING)
            except (OSError, ValueError):
                # Between our look and the opening another index was put in use, and this one dropped.
                last, name = name, self._folder.current()
                if name == last:
                    raise

    def _complain(self, name: str) -> None:
        """Say in the log, once, how the index in use differs."""
        if name != self._complained_of and (told := self._folder.difference(name)):
            self._complained_of = name
            _log.error(
                "the search index does not fit this version", index=name, why=told.explained, do=OTHER_MAPPING
            )

    def health(self) -> Health:
        """Tell how the engine is; never raises."""
        name = None
        try:
            name = self._folder.current()
            with self._reading() as searcher:
                return Health(name, self._listed(searcher), "")
        except SearchUnavailableError as error:
            return Health(name, None, error.detail)
        except OSError:
            return Health(None, None, UNREADABLE)

    def close(self) -> None:
        """Let writers and open files go."""
        self._writers.close()
        self._folder.close()

    def create_index(self, expected: int = 0) -> str:  # noqa: ARG002 - one folder holds any number
        """Make a new empty index."""
        name = self._mapping.index_name(PREFIX, datetime.now(UTC))
        with _file_errors():
            self._folder.create(name)
        return name

    def bulk(self, operations: Sequence[Operation], index: str | None = None) -> list[Outcome]:
        """Apply operations; see `IndexEngine.bulk`."""
        try:
            current = self._folder.current()
        except OSError:
            current = None
        name = index or current
        if name is None:
            return [Outcome(operation, "retry", NO_INDEX) for operation in operations]
        # On an index in use the lock is let go at once, so that publisher and rebuilder take turns.
        return self._writers.apply(name, operations, keep_open=name != current)

    def finish_index(self, index: str) -> None:
        """End the build: merge what is small, let the writer's lock go."""
        with _file_errors():
            self._writers.finish(index)

    def fit(self, index: str) -> Fit:
        """Tell whether an index is for the same fields or not; never "fewer", since none can be added."""
        try:
            with _file_errors():
                told = self._folder.difference(index)
        except ValueError:
            return "other"
        return "same" if told and told.fit == "same" else "other"

    def add_fields(self, index: str) -> None:
        """Refuse: the fields of a Tantivy index are fixed when it is made."""
        raise ValueError(f"{index} can't be given fields in place (Tantivy); run `indexer rebuild`.")

    def swap(self, index: str, *, replacing: str | None) -> None:
        """Put an index in use, if `replacing` is still the one in use."""
        if index not in self.indices() or self.fit(index) != "same":
            raise ValueError(f"{index} can't be put in use: there is no such index, or its fields differ.")
        self.finish_index(index)
        with _file_errors():
            self._folder.point_to(index, replacing)

    def current_index(self) -> str | None:
        """Return the index in use."""
        with _file_errors():
            return self._folder.current()

    def indices(self) -> list[str]:
        """Return all indices, oldest first."""
        with _file_errors():
            return self._folder.names()

    def drop(self, index: str) -> None:
        """Delete an index that is not in use."""
        with _file_errors():
            self._writers.forget(index)
            self._folder.drop(index)

    def refresh(self, index: str | None = None) -> None:
        """Every commit is visible at once: there is nothing to do."""

    def count(self, index: str | None = None) -> int:
        """Return the number of documents about people."""
        with self._view(index) as searcher:
            return self._listed(searcher)

    def _listed(self, searcher: "Searcher") -> int:
        return count_of(searcher.search(build_query(LISTED, self._schema), limit=1))

    def scan(
        self, index: str | None = None, *, low: int | None = None, high: int | None = None
    ) -> Iterator[tuple[str, int]]:
        """Give id and version of every document by key; see `IndexEngine.scan`."""
        with self._view(index) as searcher:
            yield from scan(searcher, self._schema, low, high)

    def extent(self, index: str | None = None) -> Extent:
        """Tell how far an index reaches."""
        with self._view(index) as searcher:
            return extent(searcher, self._schema)

    def buckets(self, width: int, index: str | None = None) -> dict[int, Bucket]:
        """Add up the documents by ranges of keys."""
        asked = {"ranges": histogram(width)}
        with self._view(index) as searcher:
            told = searcher.aggregate(build_query(LISTED, self._schema), asked)
        return read_histogram(told["ranges"], width)

    def stored(self, keys: Sequence[int], index: str | None = None) -> dict[int, dict[str, Any]]:
        """Return documents as they were stored."""
        with self._view(index) as searcher:
            return stored(searcher, self._schema, self._mapping, keys)

    @contextmanager
    def _view(self, index: str | None) -> Iterator["Searcher"]:
        if index is None:
            with self._reading() as searcher:
                yield searcher
            return
        try:
            yield self._folder.searcher(index)
        except (OSError, ValueError) as error:
            _log.warning("search index error", kind=type(error).__name__)
            raise SearchUnavailableError(UNREADABLE) from error


@contextmanager
def _file_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        _log.warning("search index error", kind=type(error).__name__, errno=error.errno)
        raise SearchUnavailableError(UNREADABLE) from error
