"""A plan as OpenSearch's request body. No scripts, no query strings: nothing a client writes is ever parsed there."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from registry.search.filters import Facet
from registry.search.port import COUNTED_EXACTLY
from registry.search.query import Plan
from registry.search.tree import Best, Fuzzy, Leaf, Node, Prefix, Range, Sum, Term, Terms, either, every

Body = dict[str, Any]

_FOUND, _OWN = "found", "own"
# Of documents about people with several licences, which are few, the people are counted; of all others the documents. Under
# every bucket of a facet that costs as much again as the search itself.
_SHARED = "shared"
_NOBODY: Body = {"doc_count": 0, "people": {"value": 0}}
# Beyond so many people with several licences the count of one value is an estimate (within some percent of these).
_VALUE_EXACTLY = 700
# Values are cut by documents, then ordered by people: some more are asked for than are shown.
_VALUES, _SHARED_VALUES = 2, 8


def query_body(node: Node) -> Body:
    """Return the scoring query for a tree."""
    match node:
        case Best(children):
            return {"dis_max": {"queries": [query_body(child) for child in children], "tie_breaker": 0}}
        case Sum():
            return _bool(node)
        case _:
            return {"constant_score": {"filter": _leaf(node), "boost": node.weight}}


def _bool(node: Sum) -> Body:
    children = [query_body(child) for child in node.children]
    body: Body = {}
    if node.minimum == len(children):
        body["must"] = children
    else:
        body["must"] = [{"bool": {"should": children, "minimum_should_match": node.minimum}}]
    if node.bonus:
        body["should"] = [query_body(child) for child in node.bonus]
        body["minimum_should_match"] = 0
    if node.excluded:
        body["must_not"] = [filter_body(child) for child in node.excluded]
    return {"bool": body}


def filter_body(node: Node) -> Body:
    """Return the query for a tree whose score does not matter."""
    match node:
        case Best(children):
            return {"bool": {"should": [filter_body(c) for c in children], "minimum_should_match": 1}}
        case Sum(children, minimum, _, excluded):
            body: Body = {"must_not": [filter_body(child) for child in excluded]}
            if minimum == len(children):
                body["filter"] = [filter_body(child) for child in children]
            else:
                body["should"] = [filter_body(child) for child in children]
                body["minimum_should_match"] = minimum
            return {"bool": body}
        case _:
            return _leaf(node)


def _leaf(node: Leaf) -> Body:
    match node:
        case Term(field, value):
            return {"term": {field: {"value": value}}}
        case Terms(field, values):
            return {"terms": {field: list(values)}}
        case Prefix(field, value):
            return {"prefix": {field: {"value": value, "rewrite": "constant_score"}}}
        case Fuzzy(field, value, distance):
            told = {
                "value": value,
                "fuzziness": distance,
                "transpositions": True,
                "prefix_length": 0,
                # Every word within the distance counts; the default keeps the 50 commonest, per shard.
                "rewrite": "constant_score",
            }
            return {"fuzzy": {field: told}}
        case Range(field, low, high):
            bounds = {name: bound for name, bound in (("gte", low), ("lte", high)) if bound is not None}
            return {"range": {field: bounds}}


def search_body(plan: Plan) -> Body:
    """Return the whole request: one page of practitioners, their total and the facets."""
    own = [facet for facet in plan.facets if facet.name in plan.chosen]
    counted = _counted(tuple(facet for facet in plan.facets if facet.name not in plan.chosen))
    chosen = [filter_body(node) for node in plan.chosen.values()]
    base: Body = {"filter": [filter_body(node) for node in plan.required]}
    if plan.scored is not None:
        base["must"] = [query_body(plan.scored)]
    body: Body = {
        "query": {"bool": base},
        "from": plan.offset,
        "size": plan.limit,
        **_sorted(plan),
        "track_total_hits": True,
        "collapse": {"field": "practitioner_id"},
    }
    if own:
        # A facet counts without its own filter, so what is found must be cut down after counting.
        body["post_filter"] = {"bool": {"filter": chosen}}
        body["aggs"] = {_FOUND: {"filter": {"bool": {"filter": chosen}}, "aggs": counted}}
    else:
        base["filter"] += chosen
        body["aggs"] = counted
    for facet in own:
        others = [filter_body(node) for name, node in plan.chosen.items() if name != facet.name]
        body["aggs"][f"{_OWN}_{facet.name}"] = {
            "filter": {"bool": {"filter": others}},
            "aggs": _counted((facet,), total=False),
        }
    return body


def candidates_body(plan: Plan) -> Body:
    """Return the request for candidates: the best people, not counted.

    No early end after so many documents: the first ones of an index are not the best ones.
    """
    assert plan.scored is not None
    return {
        "query": {
            "bool": {
                "must": [query_body(plan.scored)],
                "filter": [filter_body(node) for node in plan.chosen.values()],
            }
        },
        "size": plan.limit,
        **_sorted(plan),
        "track_total_hits": False,
        "collapse": {"field": "practitioner_id"},
    }


def tally_body(base: Node | None, each: Sequence[Node], most: int) -> Body:
    """Return the request that counts the people of each condition, exactly up to `most`."""
    clauses = {str(number): filter_body(node) for number, node in enumerate(each)}
    # Only documents that meet a condition are looked at, not all.
    any_of = either(*each)
    return {
        "query": filter_body(any_of if base is None else every(base, any_of)),
        "size": 0,
        "track_total_hits": False,
        "aggs": {
            _FOUND: {
                "filters": {"filters": clauses},
                "aggs": _several(_people(most)),
            }
        },
    }


def tallied(answer: Body, count: int) -> list[int]:
    """Read the people per condition from the answer."""
    buckets = answer["aggregations"][_FOUND]["buckets"]
    return [
        people_of(buckets[str(number)]["doc_count"], buckets[str(number)][_SHARED]) for number in range(count)
    ]


def facet_counts(plan: Plan, aggregations: Body) -> dict[str, dict[str, int]]:
    """Read people per value from the answer, per facet."""
    counts = {}
    for facet in plan.facets:
        is_own = facet.name in plan.chosen
        holder = aggregations[f"{_OWN}_{facet.name}"] if is_own else aggregations.get(_FOUND, aggregations)
        several = {} if facet.clauses else dict(_buckets(holder[_SHARED][facet.name]))
        counts[facet.name] = {
            value: people_of(bucket["doc_count"], bucket.get(_SHARED) or several.get(value, _NOBODY))
            for value, bucket in _buckets(holder[facet.name])
        }
    return counts


def total_counts(answer: Body) -> tuple[int, bool]:
    """Read the number of people from the answer, and whether it is exact."""
    aggregations = answer["aggregations"]
    shared = aggregations.get(_FOUND, aggregations)[_SHARED]
    return people_of(answer["hits"]["total"]["value"], shared), shared["doc_count"] <= COUNTED_EXACTLY


def people_of(documents: int, shared: Body) -> int:
    """Return how many people some documents are about. `shared`: those of them about people with several licences."""
    return documents - int(shared["doc_count"]) + int(shared["people"]["value"])


def score_of(hit: Body, plan: Plan) -> float:
    """Return the score of a hit, 0 where it is not what hits are ordered by."""
    return float(hit["sort"][0]) if plan.sort == "relevance" else 0.0


def _sorted(plan: Plan) -> Body:
    """Return the order, and that nothing is wanted of a hit but the values it is ordered by.

    The score is one of them. `track_scores` would work it out a second time, and without `_none_` the id of every hit
    would be read from its stored fields.
    """
    return {"sort": _sort(plan), "_source": False, "stored_fields": "_none_"}


def _sort(plan: Plan) -> list[Body]:
    order: list[Body] = [{"practitioner_id": "asc"}, {"key": "asc"}]
    if plan.sort == "name":
        return [{"name_order": "asc"}, *order]
    if plan.sort == "issued":
        return [{"issued": "desc"}, *order]
    return [{"_score": "desc"}, *order]


@lru_cache(maxsize=64)
def _counted(facets: tuple[Facet, ...], *, total: bool = True) -> Body:
    """Return the aggregations that people are counted from, in all and per value of facets. Not to be changed."""
    counted: Body = {}
    shared = _people(COUNTED_EXACTLY) if total else {}
    for facet in facets:
        if facet.clauses is None:
            terms = {"field": facet.field, "size": facet.size * _VALUES}
            counted[facet.name] = {"terms": terms}
            shared[facet.name] = {
                "terms": {**terms, "size": facet.size * _SHARED_VALUES},
                "aggs": _people(_VALUE_EXACTLY),
            }
        else:
            clauses = {value: filter_body(node) for value, node in facet.clauses.items()}
            # Conditions cost more than what is counted below them: they are looked at once.
            counted[facet.name] = {
                "filters": {"filters": clauses},
                "aggs": _several(_people(_VALUE_EXACTLY)),
            }
    return {**counted, **(_several(shared) if shared else {})}


def _several(counted: Body) -> Body:
    return {_SHARED: {"filter": {"term": {"siblings": True}}, "aggs": counted}}


def _people(exactly: int) -> Body:
    return {"people": {"cardinality": {"field": "practitioner_id", "precision_threshold": exactly}}}


def _buckets(facet: Body) -> Iterable[tuple[str, Body]]:
    buckets = facet["buckets"]
    return buckets.items() if isinstance(buckets, dict) else ((bucket["key"], bucket) for bucket in buckets)
