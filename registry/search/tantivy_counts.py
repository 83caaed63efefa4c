"""Counting people in a Tantivy index: totals and facets.

Most people have one licence, so people are documents, less the documents of those who have several, plus those
people counted once. Only that last part needs more than a count.

A facet whose values are clauses (the status) would need one query a value. Most of them can be read off columns: the
clauses are first freed of conditions that none of the found documents meets, and what is left is often a plain term.
Aggregations with filters would do it in one call, but evaluate every filter on the whole index.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tantivy import DocAddress, Occur, Order, Query

from registry.search.filters import Facet
from registry.search.port import COUNTED_EXACTLY
from registry.search.tantivy_dsl import build_query, unscored
from registry.search.tree import Leaf, Node, Range, Term, leaves, without

if TYPE_CHECKING:
    from tantivy import Schema, Searcher, SearchResult

# So few documents are named by their keys when they are asked for again: the words are then not searched twice.
FEW = 2000
# More than a clause's field has values.
_ALL_TERMS = 1000


@dataclass(frozen=True, slots=True)
class Found:
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

    def narrowed(self, node: Node) -> "Found":
        """Return those of the documents that match a condition too."""
        condition = unscored(build_query(node, self.schema))
        query = self.query.and_must_match(condition)
        shared = self.shared.and_must_match(condition) if self.shared_documents else self.shared
        return _counted(self.searcher, self.schema, query, shared)


def find(searcher: "Searcher", schema: "Schema", query: Query, found: "SearchResult | None" = None) -> Found:
    """Count the documents of a query.

    Args:
        found: the first `FEW` of them, if they are at hand.
    """
    found = found or searcher.search(query, limit=FEW)
    if count_of(found) > FEW:
        several = Query.term_query(schema, "siblings", field_value=True, index_option="basic")
        shared = Query.boolean_query([(Occur.Must, query), (Occur.Must, unscored(several))])
        return _counted(searcher, schema, query, shared)
    addresses = [address for _, address in found.hits]
    keys = searcher.fast_field_values("key", addresses)
    several_keys = [
        key
        for key, several in zip(keys, searcher.fast_field_values("siblings", addresses), strict=True)
        if several
    ]
    named = [Query.term_set_query(schema, "key", some) for some in (keys, several_keys)]
    return Found(searcher, schema, named[0], named[1], len(keys), len(several_keys))


def count_facets(found: Found, facets: Iterable[Facet]) -> dict[str, dict[str, int]]:
    """Return people per value, per facet."""
    counts: dict[str, dict[str, int]] = {}
    for facet in facets:
        if facet.clauses is None:
            counts[facet.name] = _by_field(found, facet.field, facet.size)
        else:
            counts[facet.name] = _by_clause(found, facet.clauses)
    return counts


def count_of(found: "SearchResult") -> int:
    """Return how many documents a search found in all."""
    return int(found.count)  # type: ignore[attr-defined]  # the package's own types lack it


def _by_field(found: Found, field: str, size: int) -> dict[str, int]:
    if not found.documents:
        return {}
    counts = _terms(found.searcher, found.query, field, size)
    if not found.shared_documents:
        return counts
    if found.is_exact:
        shared, distinct = _exact(found, field)
    else:
        shared, distinct = _estimated(found, field, size)
    return {value: count - shared[value] + distinct[value] for value, count in counts.items()}


def _exact(found: Found, field: str) -> tuple[Mapping[str, int], Mapping[str, int]]:
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


def _estimated(found: Found, field: str, size: int) -> tuple[Mapping[str, int], Mapping[str, int]]:
    inner = {"people": {"cardinality": {"field": "practitioner_id"}}}
    wanted = {field: {"terms": {"field": field, "size": size}, "aggs": inner}}
    buckets = found.searcher.aggregate(found.shared, wanted)[field]["buckets"]
    shared = Counter({bucket["key"]: bucket["doc_count"] for bucket in buckets})
    return shared, Counter({bucket["key"]: int(bucket["people"]["value"]) for bucket in buckets})


def _terms(searcher: "Searcher", query: Query, field: str, size: int) -> dict[str, int]:
    buckets = searcher.aggregate(query, {field: {"terms": {"field": field, "size": size}}})[field]["buckets"]
    return {bucket["key"]: bucket["doc_count"] for bucket in buckets}


def _by_clause(found: Found, clauses: Mapping[str, Node]) -> dict[str, int]:
    if not found.documents:
        return {}
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


def _absent(found: Found, asked: Iterable[Leaf], terms: Mapping[str, Mapping[str, int]]) -> set[Leaf]:
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


def _counted(searcher: "Searcher", schema: "Schema", query: Query, shared: Query) -> Found:
    documents = count_of(searcher.search(query, limit=1))
    return Found(searcher, schema, query, shared, documents, count_of(searcher.search(shared, limit=1)))


def _people(searcher: "Searcher", found: "SearchResult") -> list[int]:
    addresses: list[DocAddress] = [address for _, address in found.hits]
    return [int(person or 0) for person in searcher.fast_field_values("practitioner_id", addresses)]
