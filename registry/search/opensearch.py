"""The search engine for production: an OpenSearch cluster.

Cluster settings it relies on: none beyond the defaults; `action.auto_create_index` may be on or off, since every
write names an index that exists or requires the alias.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from registry.errors import SearchUnavailableError, SettingsError
from registry.search.document import Operation, document_id
from registry.search.mapping import is_index_name, load_index_settings, load_mapping
from registry.search.opensearch_bulk import send
from registry.search.opensearch_client import UNREACHABLE, open_client, our_errors
from registry.search.opensearch_dsl import facet_counts, filter_body, search_body, total_counts
from registry.search.port import (
    NO_INDEX,
    OTHER_MAPPING,
    Health,
    Hit,
    Outcome,
    SearchPage,
    ranked_facets,
)
from registry.search.query import LISTED, SearchQuery, plan
from registry.settings import Search

if TYPE_CHECKING:
    from opensearchpy import OpenSearch

_SCAN_PAGE = 10_000
_SCAN_KEEP_ALIVE = "5m"
_NOT_FOUND = 404


class OpenSearchEngine:
    """`IndexEngine` on a cluster; for the service with its short patience, for the indexer with its long one."""

    def __init__(self, limits: Search, *, indexer: bool = False) -> None:
        self._limits = limits
        self._settings = limits.opensearch
        self._indexer = indexer
        self._mapping = load_mapping()
        self._index_settings = load_index_settings()
        self._alias = self._mapping.alias(self._settings.prefix)
        self._known_to_fit: str | None = None
        window = int(self._index_settings["index"].get("max_result_window", 10_000))
        if limits.max_window > window:
            raise SettingsError(
                f"Setting search.max_window is {limits.max_window}; OpenSearch pages through {window} at most "
                "(max_result_window in config/search/opensearch.json)."
            )

    @cached_property
    def _client(self) -> "OpenSearch":
        return open_client(self._settings, indexer=self._indexer)

    def search(self, query: SearchQuery, today: date) -> SearchPage:
        """Answer a search; see `SearchEngine.search`."""
        asked = plan(query, self._limits, today)
        with our_errors("search"):
            answer = self._client.search(
                index=self._alias,
                body=search_body(asked),
                params={
                    # Half an answer would look like "not found".
                    "allow_partial_search_results": "false",
                    "cancel_after_time_interval": f"{int(self._settings.timeout_s * 1000)}ms",
                },
            )
        if answer["timed_out"]:
            raise SearchUnavailableError(UNREACHABLE)
        self._check_mapping(answer)
        total, exact = total_counts(answer["aggregations"])
        return SearchPage(
            hits=tuple(_hit(hit) for hit in answer["hits"]["hits"]),
            total=total,
            total_is_exact=exact,
            facets=ranked_facets(facet_counts(asked, answer["aggregations"]), self._limits.facet_size),
            page=asked.page,
            limit=asked.limit,
        )

    def _check_mapping(self, answer: dict[str, Any]) -> None:
        """Refuse an index made for other fields: asked for fields it has not got, it finds nobody."""
        hits = answer["hits"]["hits"]
        index = hits[0]["_index"] if hits else self._known_to_fit
        if index is not None and index == self._known_to_fit:
            return
        index = index or self.current_index()
        if index is None:
            raise SearchUnavailableError(NO_INDEX)
        if not self._mapping.fits(index):
            raise SearchUnavailableError(OTHER_MAPPING)
        self._known_to_fit = index

    def health(self) -> Health:
        """Tell how the engine is; never raises."""
        try:
            index = self.current_index()
            if index is None:
                return Health(None, None, NO_INDEX)
            if not self._mapping.fits(index):
                return Health(index, None, OTHER_MAPPING)
            return Health(index, self.count(index), "")
        except SearchUnavailableError as error:
            return Health(None, None, error.detail)

    def close(self) -> None:
        """Close the connections."""
        if "_client" in self.__dict__:
            self._client.close()

    def create_index(self) -> str:
        """Make a new index without replicas and refresh; see `finish_index`."""
        name = self._mapping.index_name(self._settings.prefix, datetime.now(UTC))
        index = {
            **self._index_settings["index"],
            "number_of_shards": self._settings.shards,
            "number_of_replicas": 0,
            "refresh_interval": "-1",
        }
        with our_errors("create index"):
            self._client.indices.create(
                index=name, body={"settings": {"index": index}, "mappings": self._mapping.body}
            )
        return name

    def bulk(self, operations: Sequence[Operation], index: str | None = None) -> list[Outcome]:
        """Apply operations; see `IndexEngine.bulk`."""
        # Without require_alias a write after the alias went missing would make an index of its name.
        target = (index, False) if index else (self._alias, True)
        return send(self._client, self._settings, operations, *target)

    def finish_index(self, index: str) -> None:
        """Give the index its replicas and refresh interval, and show everything."""
        settings = {
            "number_of_replicas": self._settings.replicas,
            "refresh_interval": self._index_settings["index"].get("refresh_interval", "1s"),
        }
        with our_errors("finish index"):
            self._client.indices.put_settings(index=index, body={"index": settings})
            self._client.indices.refresh(index=index)

    def swap(self, index: str) -> None:
        """Move the alias in one call, whatever held its name."""
        if not self._mapping.fits(index) or index not in self.indices():
            raise ValueError(f"{index} can't be put in use: there is no such index, or its fields differ.")
        with our_errors("swap"):
            actions: list[dict[str, Any]] = [
                {"remove": {"index": f"{self._alias}-*", "alias": self._alias, "must_exist": False}},
                {"add": {"index": index, "alias": self._alias, "is_write_index": True}},
            ]
            if self._alias in self._client.indices.get(index=self._alias, params=_EXPAND):
                # Something wrote to the name before there was an alias, and an index of that name was made.
                actions.insert(0, {"remove_index": {"index": self._alias}})
            self._client.indices.update_aliases(body={"actions": actions})

    def ensure_index(self) -> str:
        """Return the index in use; make an empty one if there is none."""
        index = self.current_index()
        if index is None:
            index = self.create_index()
            self.finish_index(index)
            self.swap(index)
        return index

    def current_index(self) -> str | None:
        """Return the index that the alias names."""
        with our_errors("current index"):
            held = self._client.indices.get_alias(name=self._alias, params={"ignore": _NOT_FOUND})
        names = sorted(name for name in held if is_index_name(name, self._alias))
        return names[-1] if names else None

    def indices(self) -> list[str]:
        """Return all indices, oldest first."""
        with our_errors("list indices"):
            found = self._client.indices.get(index=f"{self._alias}-*", params=_EXPAND)
        names = (name for name in found if is_index_name(name, self._alias))
        return sorted(names, key=lambda name: name.rpartition("-")[2])

    def drop(self, index: str) -> None:
        """Delete an index that is not in use."""
        if not is_index_name(index, self._alias):
            raise ValueError(f"{index} is no index of this registry.")
        if index == self.current_index():
            raise ValueError(f"{index} is in use; put another index in use first.")
        with our_errors("drop"):
            self._client.indices.delete(index=index, params={"ignore": _NOT_FOUND})

    def refresh(self, index: str | None = None) -> None:
        """Make everything written visible."""
        with our_errors("refresh"):
            self._client.indices.refresh(index=index or self._alias)

    def count(self, index: str | None = None) -> int:
        """Return the number of documents about people."""
        with our_errors("count"):
            answer = self._client.count(index=index or self._alias, body={"query": filter_body(LISTED)})
        return int(answer["count"])

    def scan(self, index: str | None = None) -> Iterator[tuple[str, int]]:
        """Give id and version of every document, by key, as of the moment of the first."""
        with our_errors("scan"):
            made = self._client.create_pit(
                index=index or self._alias, params={"keep_alive": _SCAN_KEEP_ALIVE}
            )
        pit = made["pit_id"]
        try:
            after: list[int] = []
            while rows := self._scan_page(pit, after):
                yield from ((document_id(row["sort"][0]), row["fields"]["version"][0]) for row in rows)
                after = rows[-1]["sort"]
        finally:
            with our_errors("end scan"):
                self._client.delete_pit(body={"pit_id": [pit]})

    def _scan_page(self, pit: str, after: list[int]) -> list[dict[str, Any]]:
        body = {
            "size": _SCAN_PAGE,
            "query": filter_body(LISTED),
            "pit": {"id": pit, "keep_alive": _SCAN_KEEP_ALIVE},
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


_EXPAND = {"ignore_unavailable": "true", "allow_no_indices": "true"}


def _hit(hit: dict[str, Any]) -> Hit:
    # `sort` holds what `_sort` of the request asks for: score or name, practitioner, key.
    *_, practitioner, key = hit["sort"]
    return Hit(practitioner, float(hit["_score"] or 0), document_id(key))
