"""Reading an OpenSearch index as a whole: documents in order, sums over ranges of keys, documents by key.

Documents in order are read through a point in time: a view that the cluster keeps for us and must be told to let go. It
is let go when the reading ends, however it ends; what this process could not end, the cluster ends some minutes later.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import structlog

from registry.errors import SearchUnavailableError
from registry.search.document import document_id
from registry.search.opensearch_client import UNREACHABLE, our_errors
from registry.search.opensearch_dsl import filter_body
from registry.search.port import Bucket, Extent
from registry.search.query import LISTED
from registry.search.ranges import between, histogram, read_histogram

if TYPE_CHECKING:
    from opensearchpy import OpenSearch

_log = structlog.get_logger(__name__)
_SCAN_PAGE = 10_000
# How long the cluster keeps a view after its last page, should nobody end it.
_KEEP_ALIVE = "2m"
_STORED_PAGE = 1000


class Reader:
    """Reads indices; knows which views are open, so that `close` can end those that nobody else will."""

    def __init__(self, client: "OpenSearch") -> None:
        self._client = client
        self._open: set[str] = set()

    def scan(self, index: str, low: int | None, high: int | None) -> Iterator[tuple[str, int]]:
        """Give id and version of documents about people by key; see `IndexEngine.scan`."""
        query = filter_body(between(low, high))
        # Without all shards documents would seem to be missing.
        params = {"keep_alive": _KEEP_ALIVE, "allow_partial_pit_creation": "false"}
        with our_errors("scan"):
            view = self._client.create_pit(index=index, params=params)["pit_id"]
        self._open.add(view)
        try:
            after: list[int] = []
            while rows := self._page(view, query, after):
                yield from ((document_id(row["sort"][0]), row["fields"]["version"][0]) for row in rows)
                if len(rows) < _SCAN_PAGE:
                    break
                after = rows[-1]["sort"]
        finally:
            self._end(view)

    def _page(self, view: str, query: dict[str, Any], after: list[int]) -> list[dict[str, Any]]:
        body = {
            "size": _SCAN_PAGE,
            "query": query,
            "pit": {"id": view, "keep_alive": _KEEP_ALIVE},
            "sort": [{"key": "asc"}],
            "_source": False,
            "docvalue_fields": ["version"],
            "track_total_hits": False,
            **({"search_after": after} if after else {}),
        }
        with our_errors("scan"):
            answer = self._client.search(body=body, params={"allow_partial_search_results": "false"})
        rows: list[dict[str, Any]] = answer["hits"]["hits"]
        return rows

    def _end(self, view: str) -> None:
        """Let a view go. Never raises: what was read is right, and a forgotten reader has nobody to tell."""
        if view not in self._open:
            return
        self._open.discard(view)
        try:
            with our_errors("end scan"):
                self._client.delete_pit(body={"pit_id": [view]})
        except SearchUnavailableError:
            _log.warning("a view of the search index was left to the cluster to end", after=_KEEP_ALIVE)

    def close(self) -> None:
        """Let all views go."""
        for view in list(self._open):
            self._end(view)

    def extent(self, index: str) -> Extent:
        """Tell how far an index reaches; see `IndexEngine.extent`."""
        return Extent(
            last_key=self._largest(index, "key", filter_body(LISTED), -1),
            last_version=self._largest(index, "version", {"match_all": {}}, 0),
        )

    def _largest(self, index: str, field: str, query: dict[str, Any], otherwise: int) -> int:
        """Return the largest value of a field. Sorted, not aggregated: aggregations round large numbers."""
        body = {
            "size": 1,
            "query": query,
            "sort": [{field: "desc"}],
            "_source": False,
            "track_total_hits": False,
        }
        with our_errors("extent"):
            answer = self._client.search(
                index=index, body=body, params={"allow_partial_search_results": "false"}
            )
        rows = answer["hits"]["hits"]
        return int(rows[0]["sort"][0]) if rows else otherwise

    def buckets(self, index: str, width: int) -> dict[int, Bucket]:
        """Add up documents by ranges of keys; see `IndexEngine.buckets`."""
        body = {
            "size": 0,
            "query": filter_body(LISTED),
            "track_total_hits": False,
            "aggs": {"ranges": histogram(width)},
        }
        with our_errors("buckets"):
            answer = self._client.search(
                index=index, body=body, params={"allow_partial_search_results": "false"}
            )
        return read_histogram(answer["aggregations"]["ranges"], width)

    def stored(self, index: str, keys: Sequence[int]) -> dict[int, dict[str, Any]]:
        """Return documents by key; see `IndexEngine.stored`."""
        found: dict[int, dict[str, Any]] = {}
        for start in range(0, len(keys), _STORED_PAGE):
            ids = [document_id(key) for key in keys[start : start + _STORED_PAGE]]
            with our_errors("stored"):
                told = self._client.mget(index=index, body={"ids": ids})["docs"]
            if any("error" in one for one in told):
                raise SearchUnavailableError(UNREACHABLE)
            for one in told:
                # A deletion is stored too, but is about nobody.
                if one.get("found") and LISTED.field in one["_source"]:
                    found[one["_source"]["key"]] = one["_source"]
        return found
