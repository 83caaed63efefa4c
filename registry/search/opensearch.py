"""The search engine for production: an OpenSearch cluster.

Cluster settings it relies on: none beyond the defaults; `action.auto_create_index` may be on or off, since every
write names an index that exists or requires the alias.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from functools import cached_property
from typing import Any

from registry.errors import BadRequestError, RegistryError, SearchUnavailableError, SettingsError
from registry.search.document import Operation, document_id
from registry.search.mapping import Mapping
from registry.search.opensearch_bulk import send
from registry.search.opensearch_check import IndexCheck
from registry.search.opensearch_client import UNREACHABLE, our_errors, status_of
from registry.search.opensearch_dsl import (
    candidates_body,
    facet_counts,
    filter_body,
    score_of,
    search_body,
    tallied,
    tally_body,
    total_counts,
)
from registry.search.opensearch_indices import OpenSearchIndices
from registry.search.opensearch_many import TOGETHER, together
from registry.search.opensearch_scan import Reader
from registry.search.port import (
    Bucket,
    Extent,
    Health,
    Hit,
    Outcome,
    SearchPage,
    candidates_page,
    ranked_facets,
)
from registry.search.query import LISTED, Plan, SearchQuery, plan
from registry.search.tree import Node
from registry.settings import Search

_BAD_REQUEST = 400


class OpenSearchEngine(OpenSearchIndices):
    """`IndexEngine` on a cluster; for the service with its short patience, for the indexer with its long one."""

    def __init__(self, limits: Search, *, indexer: bool = False, mapping: Mapping | None = None) -> None:
        """Prepare to search; connects at the first request.

        Args:
            limits: section `[search]`.
            indexer: may write, and has patience.
            mapping: None: this version's.

        Raises:
            SettingsError: a setting or a file of the configuration can't be used.
        """
        super().__init__(limits, indexer=indexer, mapping=mapping)
        self._limits = limits
        self._check = IndexCheck(self.current_index, self._difference)
        window = int(self._index_settings.get("max_result_window", 10_000))
        if limits.max_window > window:
            raise SettingsError(
                f"Setting search.max_window is {limits.max_window}; OpenSearch pages through {window} at most "
                "(max_result_window in config/search/opensearch.json)."
            )

    @cached_property
    def _reader(self) -> Reader:
        return Reader(self._client)

    def search(self, query: SearchQuery, today: date) -> SearchPage:
        """Answer a search; see `SearchEngine.search`."""
        return self._answer(plan(query, self._limits, today))

    def _answer(self, asked: Plan) -> SearchPage:
        if not asked.counted:
            return candidates_page(asked, _hits(self._ask(candidates_body(asked)), asked))
        answer = self._ask(search_body(asked))
        total, exact = total_counts(answer)
        if not asked.does(total, _best(answer, asked)):
            answer = self._ask(search_body(asked.widened))
            total, exact = total_counts(answer)
        return SearchPage(
            hits=tuple(_hits(answer, asked)),
            total=total,
            total_is_exact=exact,
            facets=ranked_facets(facet_counts(asked, answer["aggregations"]), self._limits.facet_size),
            page=asked.page,
            limit=asked.limit,
        )

    def search_many(self, queries: Sequence[SearchQuery], today: date) -> list[SearchPage | RegistryError]:
        """Answer many searches, candidates in one request for some dozen; see `SearchEngine.search_many`."""
        plans: list[Plan | RegistryError] = [self._plan(query, today) for query in queries]
        places = [i for i, one in enumerate(plans) if isinstance(one, Plan) and not one.counted]
        found: list[SearchPage | RegistryError | None] = [None] * len(plans)
        away: SearchUnavailableError | None = None
        for start in range(0, len(places), TOGETHER):
            some = places[start : start + TOGETHER]
            asked = [one for place in some if isinstance(one := plans[place], Plan)]
            if away is None:
                pages, away = self._candidates(asked)
            else:
                pages = [away] * len(asked)
            for place, page in zip(some, pages, strict=True):
                found[place] = page
        for place, one in enumerate(plans):
            if found[place] is None:
                # Nor is a cluster that did not answer some dozen waited for once for each of the others.
                found[place] = one if isinstance(one, RegistryError) else away or self._told(one)
        return [page for page in found if page is not None]

    def _plan(self, query: SearchQuery, today: date) -> Plan | RegistryError:
        try:
            return plan(query, self._limits, today)
        except BadRequestError as error:
            return error

    def _told(self, asked: Plan) -> SearchPage | RegistryError:
        try:
            return self._answer(asked)
        except SearchUnavailableError as error:
            return error

    def _candidates(
        self, asked: Sequence[Plan]
    ) -> tuple[list[SearchPage | RegistryError], SearchUnavailableError | None]:
        """Answer searches for candidates; the second is the error of a cluster that gave no answer at all."""
        bodies = [candidates_body(one) for one in asked]
        try:
            answers = together(self._client, self._alias, bodies, self._settings.timeout_s)
        except SearchUnavailableError as error:
            told = self._explained(error)
            return [told] * len(asked), told if status_of(error) is None else None
        return [self._candidates_page(answer, one) for answer, one in zip(answers, asked, strict=True)], None

    def _candidates_page(
        self, answer: dict[str, Any] | SearchUnavailableError, asked: Plan
    ) -> SearchPage | RegistryError:
        try:
            if isinstance(answer, SearchUnavailableError):
                return self._explained(answer)
            return candidates_page(asked, _hits(self._read(answer), asked))
        except SearchUnavailableError as error:
            return error

    def tally(self, base: Node | None, each: Sequence[Node], most: int) -> list[int]:
        """Count people; see `SearchEngine.tally`."""
        return tallied(self._ask(tally_body(base, each, most)), len(each)) if each else []

    def _ask(self, body: dict[str, Any]) -> dict[str, Any]:
        """Search the index in use; an answer of another one than this version's is none."""
        try:
            with our_errors("search"):
                answer: dict[str, Any] = self._client.search(
                    index=self._alias,
                    body=body,
                    params={
                        # Half an answer would look like "not found".
                        "allow_partial_search_results": "false",
                        "cancel_after_time_interval": f"{int(self._settings.timeout_s * 1000)}ms",
                    },
                )
        except SearchUnavailableError as error:
            raise self._explained(error) from error
        return self._read(answer)

    def _explained(self, error: SearchUnavailableError) -> SearchUnavailableError:
        """Return what to say of a failed search: an index without the fields that we sort and group by refuses it."""
        if status_of(error) == _BAD_REQUEST and (problem := self._check.problem(self.current_index())):
            return SearchUnavailableError(problem)
        return error

    def _read(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Return an answer that can be used."""
        if answer["timed_out"]:
            raise SearchUnavailableError(UNREACHABLE)
        hits = answer["hits"]["hits"]
        self._check.require_readable(hits[0]["_index"] if hits else None)
        return answer

    def health(self) -> Health:
        """Tell how the engine is; never raises."""
        try:
            index = self.current_index()
            if problem := self._check.problem(index):
                return Health(index, None, problem)
            return Health(index, self.count(index), "")
        except SearchUnavailableError as error:
            return Health(None, None, error.detail)

    def close(self) -> None:
        """Close the connections, and what is still open on the cluster."""
        if "_reader" in self.__dict__:
            self._reader.close()
        if "_client" in self.__dict__:
            self._client.close()

    def bulk(self, operations: Sequence[Operation], index: str | None = None) -> list[Outcome]:
        """Apply operations; see `IndexEngine.bulk`."""
        if index:
            return send(self._client, self._settings, operations, index, require_alias=False)
        try:
            problem = self._check.write_problem()
        except SearchUnavailableError:
            problem = ""  # `send` finds out whether it lasts
        if problem:
            return [Outcome(operation, "retry", problem) for operation in operations]
        # Without require_alias a write after the alias went missing would make an index of its name.
        return send(self._client, self._settings, operations, self._alias, require_alias=True)

    def refresh(self, index: str | None = None) -> None:
        """Make everything written visible."""
        with our_errors("refresh"):
            self._client.indices.refresh(index=index or self._alias)

    def count(self, index: str | None = None) -> int:
        """Return the number of documents about people."""
        with our_errors("count"):
            answer = self._client.count(index=index or self._alias, body={"query": filter_body(LISTED)})
        return int(answer["count"])

    def scan(
        self, index: str | None = None, *, low: int | None = None, high: int | None = None
    ) -> Iterator[tuple[str, int]]:
        """Give id and version of every document by key; see `IndexEngine.scan`."""
        return self._reader.scan(index or self._alias, low, high)

    def extent(self, index: str | None = None) -> Extent:
        """Tell how far an index reaches."""
        return self._reader.extent(index or self._alias)

    def buckets(self, width: int, index: str | None = None) -> dict[int, Bucket]:
        """Add up the documents by ranges of keys."""
        return self._reader.buckets(index or self._alias, width)

    def stored(self, keys: Sequence[int], index: str | None = None) -> dict[int, dict[str, Any]]:
        """Return documents as they were stored."""
        return self._reader.stored(index or self._alias, keys)


def _best(answer: dict[str, Any], asked: Plan) -> float:
    hits = answer["hits"]["hits"]
    return score_of(hits[0], asked) if hits else 0.0


def _hits(answer: dict[str, Any], asked: Plan) -> list[Hit]:
    hits = []
    for hit in answer["hits"]["hits"]:
        # What `sort` of the request asks for: score, name or day, then practitioner and key.
        _, practitioner, key = hit["sort"]
        hits.append(Hit(practitioner, score_of(hit, asked), document_id(key)))
    return hits
