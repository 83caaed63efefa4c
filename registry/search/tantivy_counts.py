"""Counting people in a Tantivy index: totals and facets.

Among a few documents people are counted from the documents' columns. Among many, people are documents, less the
documents of those with several licences, plus those people counted once.

A facet whose values are clauses (the status) then needs a query a value. Most are spared: the clauses are first
freed of conditions that none of the documents meets, and what is left is often a plain term. Aggregations with
filters would do it in one call, but evaluate every filter on the whole index, however few documents are counted.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tantivy import DocAddress, Occur, Order, Query

from registry.search.filters import Facet
from registry.search.port import COUNTED_EXACTLY
from registry.search.tantivy_columns import Columns, Texts
from registry.search.tantivy_dsl import build_query, unscored
from registry.search.tree import Leaf, Node, Range, Term, leaves, without

if TYPE_CHECKING:
    from tantivy import Schema, Searcher, SearchResult

# Reading so many documents' columns costs some milliseconds; from there on aggregations are faster.
FEW = 2000
# More than a clause's field has values.
_ALL_TERMS = 1000


@dataclass(frozen=True, slots=True)
class Counts:
    """How many people a query finds, whether that is exact, and people per value, per facet."""

    people: int
    are_exact: bool
    facets: dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class _Found:
    """The documents of a query, and of those the ones about people with several licences (`shared`)."""

    searcher: "Searcher"
    schema: "Schema"
    query: Query
    shared: Query
    documents: int
    shared_documents: int

    @property
    def is_exact(self) -> bool:
        """Whether people are counted, not estimated."""
        return self.shared_documents <= COUNTED_EXACTLY

    def people(self) -> int:
        """Return how many people the documents are about."""
        return self.documents - self.shared_documents + self._distinct()

    def _distinct(self) -> int:
        if not self.shared_documents:
            return 0
        if not self.is_exact:
            return int(self.searcher.cardinality(self.shared, "practitioner_id"))
        found = self.searcher.search(self.shared, limit=COUNTED_EXACTLY, count=False)
        return len(set(_people(self.searcher, found)))

    def narrowed(self, node: Node) -> "_Found":
        """Return those of the documents that match a condition too."""
        condition = unscored(build_query(node, self.schema))
        query = self.query.and_must_match(condition)
        shared = self.shared.and_must_match(condition) if self.shared_documents else self.shared
        return _counted(self.searcher, self.schema, query, shared)


def count(
    searcher: "Searcher",
    schema: "Schema",
    texts: Texts,
    query: Query,
    *,
    facets: Sequence[Facet],
    first: "SearchResult | None" = None,
) -> Counts:
    """Count the people a query finds, and those per value of each facet.

    Args:
        first: the first `FEW` documents of the query, if they are at hand.
    """
    first = first or searcher.search(query, limit=FEW)
    if count_of(first) <= FEW:
        columns = Columns(searcher, texts, [address for _, address in first.hits])
        counts = {facet.name: columns.count(facet) for facet in facets}
        return Counts(people=columns.people(), are_exact=True, facets=counts)
    several = Query.term_query(schema, "siblings", field_value=True, index_option="basic")
    shared = Query.boolean_query([(Occur.Must, query), (Occur.Must, unscored(several))])
    found = _counted(searcher, schema, query, shared)
    counts = {facet.name: _facet(found, facet) for facet in facets}
    return Counts(people=found.people(), are_exact=found.is_exact, facets=counts)


def count_of(found: "SearchResult") -> int:
    """Return how many documents a search found in all."""
    return int(found.count)  # type: ignore[attr-defined]  # the package's own types lack it


def _facet(found: _Found, facet: Facet) -> dict[str, int]:
    if facet.clauses is None:
        return _by_field(found, facet.field, facet.size)
    return _by_clause(found, facet.clauses)


def _by_field(found: _Found, field: str, size: int) -> dict[str, int]:
    counts = _terms(found.searcher, found.query, field, size)
    if not found.shared_documents:
        return counts
    if found.is_exact:
        shared, distinct = _exact(found, field)
    else:
        shared, distinct = _estimated(found, field, size)
    return {value: count - shared[value] + distinct[value] for value, count in counts.items()}


def _exact(found: _Found, field: str) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """Return documents and people per value, of the people with several licences."""
    # Sorting by a text column is the one way to read it.
    hits = found.searcher.search(
        found.shared, limit=COUNTED_EXACTLY, count=False, order_by_field=field, order=Order.Asc
    )
    values = [value for value, _ in hits.hits]
    people: defaultdict[str, set[int]] = defaultdict(set)
    for value, person in zip(values, _people(found.searcher, hits), strict=True):
        people[value].add(person)
    return Counter(values), Counter({value: len(several) for value, several in people.items()})


def _estimated(found: _Found, field: str, size: int) -> tuple[Mapping[str, int], Mapping[str, int]]:
    inner = {"people": {"cardinality": {"field": "practitioner_id"}}}
    wanted = {field: {"terms": {"field": field, "size": size}, "aggs": inner}}
    buckets = found.searcher.aggregate(found.shared, wanted)[field]["buckets"]
    shared = Counter({bucket["key"]: bucket["doc_count"] for bucket in buckets})
    return shared, Counter({bucket["key"]: int(bucket["people"]["value"]) for bucket in buckets})


def _terms(searcher: "Searcher", query: Query, field: str, size: int) -> dict[str, int]:
    buckets = searcher.aggregate(query, {field: {"terms": {"field": field, "size": size}}})[field]["buckets"]
    return {bucket["key"]: bucket["doc_count"] for bucket in buckets}


def _by_clause(found: _Found, clauses: Mapping[str, Node]) -> dict[str, int]:
    asked = set().union(*(leaves(clause) for clause in clauses.values()))
    fields = {leaf.field for leaf in asked if isinstance(leaf, Term)}
    terms = {field: _by_field(found, field, _ALL_TERMS) for field in fields}
    absent = _absent(found, asked, terms)
    counts = {}
    for value, clause in clauses.items():
        left = without(clause, absent)
        if left is None:
            counts[value] = 0
        elif isinstance(left, Term):
            counts[value] = terms[left.field][str(left.value)]
        else:
            counts[value] = found.narrowed(left).people()
    return counts


def _absent(found: _Found, asked: Iterable[Leaf], terms: Mapping[str, Mapping[str, int]]) -> set[Leaf]:
    """Return the leaves that none of the documents matches."""
    ranges = [leaf for leaf in asked if isinstance(leaf, Range)]
    told = found.searcher.aggregate(
        found.query, {str(number): _range(leaf) for number, leaf in enumerate(ranges)}
    )
    absent: set[Leaf] = {
        leaf
        for number, leaf in enumerate(ranges)
        if not sum(bucket["doc_count"] for bucket in told[str(number)]["buckets"] if _is_in(bucket, leaf))
    }
    return absent | {
        leaf for leaf in asked if isinstance(leaf, Term) and str(leaf.value) not in terms[leaf.field]
    }


def _range(leaf: Range) -> dict[str, Any]:
    bounds: dict[str, int] = {}
    if leaf.low is not None:
        bounds["from"] = leaf.low
    if leaf.high is not None:
        bounds["to"] = leaf.high + 1  # the upper bound is left out there
    return {"range": {"field": leaf.field, "ranges": [bounds]}}


def _is_in(bucket: Mapping[str, Any], leaf: Range) -> bool:
    """Tell the range's own bucket from those that fill the gaps beside it."""
    high = None if leaf.high is None else leaf.high + 1
    return bool(bucket.get("from") == leaf.low and bucket.get("to") == high)


def _counted(searcher: "Searcher", schema: "Schema", query: Query, shared: Query) -> _Found:
    documents = count_of(searcher.search(query, limit=1))
    return _Found(searcher, schema, query, shared, documents, count_of(searcher.search(shared, limit=1)))


def _people(searcher: "Searcher", found: "SearchResult") -> list[int]:
    addresses: list[DocAddress] = [address for _, address in found.hits]
    return [int(person or 0) for person in searcher.fast_field_values("practitioner_id", addresses)]
