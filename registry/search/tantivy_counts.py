"""Counting people in a Tantivy index: totals and facets.

Among a few documents people are counted from the documents' columns. Among many, those about people with one licence
are counted as documents, by aggregations; the others, few, from their columns too. Only where they are many as
well (everyone is listed, in a large register) their people are estimated.

A facet whose values are clauses (the status) is counted by which conditions are met together (`tantivy_together`), after
the clauses were freed of conditions that none of the documents meets. Where too many are left, each value is a query of its
own. Aggregations with filters, and such queries, evaluate every range on the whole index, however few documents are counted.
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
from registry.search.tantivy_together import ALL_TERMS, bucket_of, documents_by_clause, range_of
from registry.search.tree import Leaf, Node, Range, Term, leaves, without

if TYPE_CHECKING:
    from tantivy import Schema, Searcher, SearchResult

# Reading so many documents' columns costs some milliseconds; from there on aggregations are faster.
FEW = 2000


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
    return _of_many(_Reader(searcher, schema), texts, query, count_of(first), facets)


def _of_many(reader: _Reader, texts: Texts, query: Query, documents: int, facets: Sequence[Facet]) -> Counts:
    """Count the documents of all, and put right what people with several licences add."""
    searcher = reader.searcher
    shared = _with_siblings(reader, query, value=True)
    few = searcher.search(shared, limit=COUNTED_EXACTLY)
    if count_of(few) <= COUNTED_EXACTLY:
        columns = Columns(searcher, texts, [address for _, address in few.hits])
        counts = _documents(reader, query, facets)
        for facet in facets:
            more = columns.surplus(facet)
            counts[facet.name] = {value: n - more.get(value, 0) for value, n in counts[facet.name].items()}
        return Counts(documents - count_of(few) + columns.people(), are_exact=True, facets=counts)
    single = _with_siblings(reader, query, value=False)
    others = _estimated(reader, shared, facets)
    counts = _documents(reader, single, facets)
    return Counts(
        people=documents - count_of(few) + others.people,
        are_exact=False,
        facets={facet.name: _added(counts[facet.name], others.facets[facet.name]) for facet in facets},
    )


def people_or_documents(searcher: "Searcher", schema: "Schema", node: Node, most: int) -> int:
    """Return how many people a condition finds, or, where it finds more than `most` documents, how many documents."""
    found = searcher.search(build_query(node, schema), limit=most)
    if count_of(found) > most:
        return count_of(found)
    return people_among(searcher, found)


def people_among(searcher: "Searcher", found: "SearchResult") -> int:
    """Return how many people the documents at hand are about."""
    addresses = [address for _, address in found.hits]
    return len(set(searcher.fast_field_values("practitioner_id", addresses)))


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


def _people_per_term(reader: _Reader, query: Query, facet: Facet) -> dict[str, int]:
    """Return people per value, exactly while they are few."""
    people = {"people": {"cardinality": {"field": "practitioner_id"}}}
    told = {"values": {"terms": {"field": facet.field, "size": facet.size}, "aggs": people}}
    buckets = reader.searcher.aggregate(query, told)["values"]["buckets"]
    return {bucket["key"]: round(bucket["people"]["value"]) for bucket in buckets}


def _estimated(reader: _Reader, query: Query, facets: Iterable[Facet]) -> Counts:
    counts: dict[str, dict[str, int]] = {}
    for facet in facets:
        if facet.clauses is None:
            counts[facet.name] = _people_per_term(reader, query, facet)
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


def _documents(reader: _Reader, query: Query, facets: Sequence[Facet]) -> dict[str, dict[str, int]]:
    """Return documents per value of each facet; all columns are counted in one pass, since finding them is what costs."""
    asked: set[Leaf] = set()
    for facet in facets:
        asked = asked.union(*map(leaves, (facet.clauses or {}).values()))
    fields = [facet.field for facet in facets if facet.clauses is None]
    terms, absent = _counted(reader, query, asked, fields)
    return {
        facet.name: terms[facet.field]
        if facet.clauses is None
        else documents_by_clause(reader.searcher, query, facet.clauses, absent)
        or {
            value: _documents_of(reader, query, without(clause, absent), terms)
            for value, clause in facet.clauses.items()
        }
        for facet in facets
    }


def _documents_of(
    reader: _Reader, query: Query, left: Node | None, terms: Mapping[str, Mapping[str, int]]
) -> int:
    if left is None:
        return 0
    if isinstance(left, Term):
        return terms[left.field][str(left.value)]
    return count_of(reader.searcher.search(_narrowed(reader, query, left), limit=1))


def _looked_over(
    reader: _Reader, query: Query, clauses: Mapping[str, Node]
) -> tuple[dict[str, dict[str, int]], set[Leaf]]:
    """Return documents per value of each field with terms, and the leaves that no document matches."""
    return _counted(reader, query, set().union(*map(leaves, clauses.values())), ())


def _counted(
    reader: _Reader, query: Query, asked: set[Leaf], more_fields: Iterable[str]
) -> tuple[dict[str, dict[str, int]], set[Leaf]]:
    ranges = {str(number): leaf for number, leaf in enumerate(asked) if isinstance(leaf, Range)}
    fields = {leaf.field for leaf in asked if isinstance(leaf, Term)}.union(more_fields)
    if not fields and not ranges:
        return {}, set()
    told = reader.searcher.aggregate(
        query,
        {
            **{name: range_of(leaf) for name, leaf in ranges.items()},
            **{field: _terms(field, ALL_TERMS) for field in fields},
        },
    )
    terms = {field: _read_terms(told[field]) for field in fields}
    absent: set[Leaf] = {
        leaf for name, leaf in ranges.items() if not bucket_of(told[name], leaf)["doc_count"]
    }
    absent |= {leaf for leaf in asked if isinstance(leaf, Term) and str(leaf.value) not in terms[leaf.field]}
    return terms, absent


def _terms(field: str, size: int) -> dict[str, Any]:
    return {"terms": {"field": field, "size": size}}


def _read_terms(told: Mapping[str, Any]) -> dict[str, int]:
    return {bucket["key"]: bucket["doc_count"] for bucket in told["buckets"]}
