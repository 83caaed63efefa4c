"""A plan as OpenSearch's request body. No scripts, no query strings: nothing a client writes is ever parsed there."""

from typing import Any

from registry.search.filters import Facet
from registry.search.port import COUNTED_EXACTLY
from registry.search.query import Plan
from registry.search.tree import Best, Fuzzy, Leaf, Node, Prefix, Range, Sum, Term

Body = dict[str, Any]

_TOTAL = "total"
_OWN = "own"
# People per bucket: documents, less those of people with several licences, plus those people counted once.
PEOPLE: Body = {
    "shared": {
        "filter": {"term": {"siblings": True}},
        "aggs": {
            "people": {
                "cardinality": {"field": "practitioner_id", "precision_threshold": COUNTED_EXACTLY},
            }
        },
    }
}


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
    shared = [facet for facet in plan.facets if facet.name not in plan.chosen]
    chosen = [filter_body(node) for node in plan.chosen.values()]
    base: Body = {"filter": [filter_body(node) for node in plan.required]}
    if plan.scored is not None:
        base["must"] = [query_body(plan.scored)]
    body: Body = {
        "query": {"bool": base},
        "from": plan.offset,
        "size": plan.limit,
        "_source": False,
        "track_total_hits": False,
        "track_scores": True,
        "sort": _sort(plan),
        "collapse": {"field": "practitioner_id"},
    }
    total = _with_people({"filter": {"match_all": {}}}, shared)
    if own:
        # A facet counts without its own filter, so what is found must be cut down after counting.
        body["post_filter"] = {"bool": {"filter": chosen}}
        total["filter"] = {"bool": {"filter": chosen}}
    else:
        base["filter"] += chosen
    body["aggs"] = {_TOTAL: total}
    for facet in own:
        others = [filter_body(node) for name, node in plan.chosen.items() if name != facet.name]
        body["aggs"][f"{_OWN}_{facet.name}"] = {
            "filter": {"bool": {"filter": others}},
            "aggs": {facet.name: _facet(facet)},
        }
    return body


def facet_counts(plan: Plan, aggregations: Body) -> dict[str, dict[str, int]]:
    """Read people per value from the answer, per facet."""
    counts = {}
    for facet in plan.facets:
        holder = aggregations[f"{_OWN}_{facet.name}" if facet.name in plan.chosen else _TOTAL]
        counts[facet.name] = {key: people(bucket) for key, bucket in _buckets(holder[facet.name]).items()}
    return counts


def total_counts(aggregations: Body) -> tuple[int, bool]:
    """Read the number of people from the answer, and whether it is exact."""
    total = aggregations[_TOTAL]
    return people(total), total["shared"]["doc_count"] <= COUNTED_EXACTLY


def people(bucket: Body) -> int:
    """Return how many people a bucket's documents are about."""
    shared = bucket["shared"]
    return int(bucket["doc_count"] - shared["doc_count"] + shared["people"]["value"])


def _sort(plan: Plan) -> list[Body]:
    order: list[Body] = [{"practitioner_id": "asc"}, {"key": "asc"}]
    if plan.sort == "name":
        return [{"name_order": "asc"}, *order]
    return [{"_score": "desc"}, *order]


def _facet(facet: Facet) -> Body:
    if facet.clauses is None:
        return {"terms": {"field": facet.field, "size": facet.size}, "aggs": PEOPLE}
    clauses = {value: filter_body(node) for value, node in facet.clauses.items()}
    return {"filters": {"filters": clauses}, "aggs": PEOPLE}


def _with_people(body: Body, facets: list[Facet]) -> Body:
    return {**body, "aggs": {**PEOPLE, **{facet.name: _facet(facet) for facet in facets}}}


def _buckets(facet: Body) -> dict[str, Body]:
    buckets = facet["buckets"]
    return dict(buckets) if isinstance(buckets, dict) else {bucket["key"]: bucket for bucket in buckets}
