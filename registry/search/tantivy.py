"""The search engine for one machine: Tantivy indices in a folder, one sub-folder each.

The file `current` names the index in use and is replaced by renaming, so that a reader sees the old name or the new
one. Readers open indices without a lock and look for a new commit at each search, which costs some microseconds.
One writer at a time: the index folder's own lock, held for one `bulk` on the index in use, and from first `bulk` to
`finish_index` on one being built.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import structlog
from tantivy import FieldType, Order, Query

from registry.errors import SearchUnavailableError
from registry.search.document import Operation, document_id
from registry.search.mapping import load_mapping
from registry.search.port import (
    NO_INDEX,
    OTHER_MAPPING,
    Health,
    Outcome,
    SearchPage,
    ranked_facets,
)
from registry.search.query import LISTED, SearchQuery, plan
from registry.search.tantivy_columns import Texts, coded_fields
from registry.search.tantivy_counts import FEW, count, count_of
from registry.search.tantivy_dsl import (
    build_query,
    build_schema,
    page_query,
)
from registry.search.tantivy_folder import PREFIX, IndexFolder
from registry.search.tantivy_rank import ranked
from registry.search.tantivy_writer import IndexWriters
from registry.settings import Search

if TYPE_CHECKING:
    from tantivy import Searcher

_log = structlog.get_logger(__name__)
UNREADABLE = "The search index can't be read."
_SCAN_PAGE = 10_000


class TantivyEngine:
    """`IndexEngine` in a folder. Safe for threads."""

    def __init__(self, limits: Search) -> None:
        self._limits = limits
        self._mapping = load_mapping()
        self._schema = build_schema(self._mapping)
        self._texts = Texts(coded_fields(self._mapping))
        self._folder = IndexFolder(limits.tantivy.path, self._mapping)
        self._writers = IndexWriters(self._folder, self._schema, self._mapping, limits.tantivy)

    def search(self, query: SearchQuery, today: date) -> SearchPage:
        """Answer a search; see `SearchEngine.search`."""
        asked = plan(query, self._limits, today)
        with self._reading() as searcher:
            query_ = page_query(asked, self._schema)
            first = searcher.search(query_, limit=FEW)
            hits = ranked(searcher, query_, first, asked)
            shared = [facet for facet in asked.facets if facet.name not in asked.chosen]
            counted = count(searcher, self._schema, self._texts, query_, facets=shared, first=first)
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
            if not self._mapping.fits(name):
                raise SearchUnavailableError(OTHER_MAPPING)
            try:
                return self._folder.searcher(name)
            except (OSError, ValueError):
                # Between our look and the opening another index was put in use, and this one dropped.
                last, name = name, self._folder.current()
                if name == last:
                    raise

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

    def create_index(self) -> str:
        """Make a new empty index."""
        name = self._mapping.index_name(PREFIX, datetime.now(UTC))
        with _file_errors():
            self._folder.create(name, self._schema)
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

    def swap(self, index: str) -> None:
        """Put an index in use."""
        if index not in self.indices() or not self._mapping.fits(index):
            raise ValueError(f"{index} can't be put in use: there is no such index, or its fields differ.")
        self.finish_index(index)
        with _file_errors():
            self._folder.point_to(index)

    def ensure_index(self) -> str:
        """Return the index in use; make an empty one if there is none."""
        index = self.current_index()
        if index is None:
            index = self.create_index()
            self.swap(index)
        return index

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

    def scan(self, index: str | None = None) -> Iterator[tuple[str, int]]:
        """Give id and version of every document, by key, as of the moment of the first."""
        with self._view(index) as searcher:
            last = -1
            while True:
                after = Query.range_query(self._schema, "key", FieldType.Integer, lower_bound=last + 1)
                query = build_query(LISTED, self._schema).and_must_match(after)
                found = searcher.search(query, limit=_SCAN_PAGE, order_by_field="key", order=Order.Asc)
                addresses = [address for _, address in found.hits]
                if not addresses:
                    return
                keys = [int(key) for key, _ in found.hits]
                versions = searcher.fast_field_values("version", addresses)
                yield from zip(map(document_id, keys), map(int, map(_number, versions)), strict=True)
                last = keys[-1]

    @contextmanager
    def _view(self, index: str | None) -> Iterator["Searcher"]:
        if index is None:
            with self._reading() as searcher:
                yield searcher
        else:
            with _file_errors():
                yield self._folder.searcher(index)


def _number(value: Any) -> int:  # noqa: ANN401 - what a column holds
    return int(value or 0)


@contextmanager
def _file_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        _log.warning("search index error", kind=type(error).__name__, errno=error.errno)
        raise SearchUnavailableError(UNREADABLE) from error
