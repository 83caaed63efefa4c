"""Documents per clause of a facet, counted in one pass: how many meet which of the clauses' conditions together.

A clause of its own would be a query of its own, and its ranges would be looked up for every document of the index. As
aggregations below each other they are looked up for the documents that are found, and only where those above hold.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from registry.search.tantivy_columns import is_met
from registry.search.tree import Leaf, Node, Range, Term, leaves

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from tantivy import Query, Searcher

# Ranges that are combined at most: each doubles the aggregations.
_MOST_RANGES = 6
# More than a clause's field has values.
ALL_TERMS = 1000
_WORDS = "words"
_Told = Mapping[str, Any]


def documents_by_clause(
    searcher: "Searcher", query: "Query", clauses: Mapping[str, Node], absent: "AbstractSet[Leaf]"
) -> dict[str, int] | None:
    """Return how many of the documents that a query finds meet each clause; None where the clauses are of another form.

    Args:
        absent: conditions that none of the documents meets.
    """
    asked = set().union(*map(leaves, clauses.values()))
    ranges = sorted((leaf for leaf in asked - absent if isinstance(leaf, Range)), key=repr)
    fields = {leaf.field for leaf in asked if isinstance(leaf, Term)}
    if len(ranges) > _MOST_RANGES or len(fields) != 1 or any(not isinstance(x, Range | Term) for x in asked):
        return None
    (field,) = fields
    inside: dict[frozenset[int], Counter[str]] = {}
    _read(searcher.aggregate(query, _below(field, ranges, 0)), ranges, frozenset(), inside)
    counts = dict.fromkeys(clauses, 0)
    for met, words in _only(inside).items():
        for word, documents in words.items():
            holds = dict.fromkeys(asked, False)
            holds |= {ranges[number]: True for number in met}
            holds |= {leaf: True for leaf in asked if isinstance(leaf, Term) and leaf.value == word}
            for value, clause in clauses.items():
                counts[value] += documents * is_met(clause, holds)
    return counts


def range_of(leaf: Range) -> dict[str, Any]:
    """Return the aggregation that counts what lies in a range."""
    bounds: dict[str, int] = {}
    if leaf.low is not None:
        bounds["from"] = leaf.low
    if leaf.high is not None:
        bounds["to"] = leaf.high + 1  # the upper bound is left out there
    return {"range": {"field": leaf.field, "ranges": [bounds]}}


def bucket_of(told: _Told, leaf: Range) -> _Told:
    """Return the bucket of the range itself, not of the ranges that fill the gaps beside it."""
    high = None if leaf.high is None else leaf.high + 1
    return next(
        (one for one in told["buckets"] if one.get("from") == leaf.low and one.get("to") == high),
        {"doc_count": 0},
    )


def _below(field: str, ranges: Sequence[Range], first: int) -> dict[str, Any]:
    """Return what is counted of documents: the words, and the same again within each range from the first on."""
    counted: dict[str, Any] = {_WORDS: {"terms": {"field": field, "size": ALL_TERMS}}}
    for number in range(first, len(ranges)):
        counted[str(number)] = {**range_of(ranges[number]), "aggs": _below(field, ranges, number + 1)}
    return counted


def _read(
    told: _Told, ranges: Sequence[Range], met: frozenset[int], inside: dict[frozenset[int], Counter[str]]
) -> None:
    """Note documents per word, of those that lie in these ranges and perhaps in others too."""
    inside[met] = Counter({one["key"]: one["doc_count"] for one in told[_WORDS]["buckets"]})
    for number in range(max(met, default=-1) + 1, len(ranges)):
        bucket = bucket_of(told[str(number)], ranges[number])
        if bucket["doc_count"]:
            _read(bucket, ranges, met | {number}, inside)


def _only(inside: Mapping[frozenset[int], Counter[str]]) -> dict[frozenset[int], Counter[str]]:
    """Return documents that lie in these ranges and in no other: those with more ranges are taken off, the most first."""
    only: dict[frozenset[int], Counter[str]] = {}
    for met in sorted(inside, key=len, reverse=True):
        left = Counter(inside[met])
        for more, words in only.items():
            if met < more:
                left.subtract(words)
        only[met] = left
    return only
