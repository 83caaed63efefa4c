"""Counting people in a Tantivy index: totals and facets.

Among a few documents people are counted from the documents' columns. Among many, those about people with one licence
are counted as documents, by aggregations; the others, few, from their columns too. Only where they are many as
well (everyone is listed, in a large register) their people are estimated.

A facet whose values are clauses (the status) needs a query a value. Most are spared: the clauses are first freed of
conditions that none of the documents meets, and what is left is often a plain term. Aggregations with filters
would do it in one call, but evaluate every filter on the whole index, however few documents are counted.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tantivy import Query

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
class _Reader:
    searcher: "Searcher"
    schema: "Schema"


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
        return _from_columns(searcher, texts, first, facets)
    reader = _Reader(searcher, schema)
    single, shared = (_with_siblings(reader, query, value=value) for value in (False, True))
    few = searcher.search(shared, limit=COUNTED_EXACTLY)
    if count_of(few) <= COUNTED_EXACTLY:
        others = _from_columns(searcher, texts, few, facets)
    else:
        others = _estimated(reader, shared, facets)
    return Counts(
        people=count_of(searcher.search(single, limit=1)) + others.people,
        are_exact=others.are_exact,
        facets={f.name: _added(_documents(reader, single, f), others.facets[f.name]) for f in facets},
    )


def count_of(found: "SearchResult") -> int:
    """Return how many documents a search found in all."""
    return int(found.count)  # type: ignore[attr-defined]  # the package's own types lack it


def _with_siblings(reader: _Reader, query: Query, *, value: bool) -> Query:
    return query.and_must_match(
        unscored(Query.term_query(reader.schema, "siblings", field_value=value, index_option="basic"))
    )


def _from_columns(
    searcher: "Searcher", texts: Texts, found: "SearchResult", facets: Iterable[Facet]
) -> Counts:
    columns = Columns(searcher, texts, [address for _, address in found.hits])
    counts = {facet.name: columns.count(facet) for facet in facets}
    return Counts(people=columns.people(), are_exact=True, facets=counts)


def _estimated(reader: _Reader, query: Query, facets: Iterable[Facet]) -> Counts:
    people = {"people": {"cardinality": {"field": "practitioner_id"}}}
    counts: dict[str, dict[str, int]] = {}
    for facet in facets:
        if facet.clauses is None:
            told = {"values": {"terms": {"field": facet.field, "size": facet.size}, "aggs": people}}
            buckets = reader.searcher.aggregate(query, told)["values"]["buckets"]
            counts[facet.name] = {bucket["key"]: int(bucket["people"]["value"]) for bucket in buckets}
        else:
            _, absent = _looked_over(reader, query, facet.clauses)
            counts[facet.name] = {
                value: int(reader.searcher.cardinality(_narrowed(reader, query, left), "practitioner_id"))
                for value, clause in facet.clauses.items()
                if (left := without(clause, absent)) is not None
            }
    total = int(reader.searcher.cardinality(query, "practitioner_id"))
    return Counts(people=total, are_exact=False, facets=counts)


def _narrowed(reader: _Reader, query: Query, node: Node) -> Query:
    return query.and_must_match(unscored(build_query(node, reader.schema)))


def _added(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return dict(Counter(one) + Counter(other))


def _documents(reader: _Reader, query: Query, facet: Facet) -> dict[str, int]:
    """Return documents per value."""
    if facet.clauses is None:
        told = reader.searcher.aggregate(query, {facet.name: _terms(facet.field, facet.size)})
        return _read_terms(told[facet.name])
    terms, absent = _looked_over(reader, query, facet.clauses)
    counts = {}
    for value, clause in facet.clauses.items():
        left = without(clause, absent)
        if left is None:
            counts[value] = 0
        elif isinstance(left, Term):
            counts[value] = terms[left.field][str(left.value)]
        else:
            counts[value] = count_of(reader.searcher.search(_narrowed(reader, query, left), limit=1))
    return counts


def _looked_over(
    reader: _Reader, query: Query, clauses: Mapping[str, Node]
) -> tuple[dict[str, dict[str, int]], set[Leaf]]:
    """Return documents per value of each field with terms, and the leaves that no document matches."""
    asked = set().union(*map(leaves, clauses.values()))
    ranges = {str(number): leaf for number, leaf in enumerate(asked) if isinstance(leaf, Range)}
    fields = {leaf.field for leaf in asked if isinstance(leaf, Term)}
    told = reader.searcher.aggregate(
        query,
        {
            **{name: _range(leaf) for name, leaf in ranges.items()},
            **{field: _terms(field, _ALL_TERMS) for field in fields},
        },
    )
    terms = {field: _read_terms(told[field]) for field in fields}
    absent: set[Leaf] = {leaf for name, leaf in ranges.items() if not _in_range(told[name], leaf)}
    absent |= {leaf for leaf in asked if isinstance(leaf, Term) and str(leaf.value) not in terms[leaf.field]}
    return terms, absent


def _terms(field: str, size: int) -> dict[str, Any]:
    return {"terms": {"field": field, "size": size}}


def _read_terms(told: Mapping[str, Any]) -> dict[str, int]:
    return {bucket["key"]: bucket["doc_count"] for bucket in told["buckets"]}


def _range(leaf: Range) -> dict[str, Any]:
    bounds: dict[str, int] = {}
    if leaf.low is not None:
        bounds["from"] = leaf.low
    if leaf.high is not None:
        bounds["to"] = leaf.high + 1  # the upper bound is left out there
    return {"range": {"field": leaf.field, "ranges": [bounds]}}


def _in_range(told: Mapping[str, Any], leaf: Range) -> int:
    """Return the documents in the range itself, not in the ranges that fill the gaps beside it."""
    high = None if leaf.high is None else leaf.high + 1
    return sum(
        bucket["doc_count"]
        for bucket in told["buckets"]
        if bucket.get("from") == leaf.low and bucket.get("to") == high
    )
