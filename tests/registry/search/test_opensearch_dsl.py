"""What a request to the cluster holds and leaves out: it costs the cluster only what somebody looks at."""

from collections.abc import Iterator
from typing import Any

from registry.search.opensearch_dsl import (
    candidates_body,
    facet_counts,
    people_of,
    search_body,
    tally_body,
    total_counts,
)
from registry.search.query import Plan, SearchQuery, plan
from registry.search.tree import Term
from registry.settings import load_settings
from tests.registry.search.people import TODAY

LIMITS = load_settings({}).search


def asked(**query: object) -> Plan:
    return plan(SearchQuery(**{"text": "Anna Lindqvist", **query}), LIMITS, TODAY)  # type: ignore[arg-type]


def paths(body: object, wanted: str, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Give the path to every key of this name."""
    if isinstance(body, dict):
        for key, inner in body.items():
            if key == wanted:
                yield above
            yield from paths(inner, wanted, (*above, key))


def test_people_are_counted_only_among_documents_of_people_with_several_licences() -> None:
    for query in (asked(), asked(profession=("midwife",)), asked(status=("active",), facets=False)):
        found = list(paths(search_body(query), "cardinality"))
        assert found
        assert all("shared" in path for path in found)


def test_without_facets_only_the_total_is_counted() -> None:
    body = search_body(asked(facets=False, profession=("midwife",)))
    assert list(body["aggs"]) == ["shared"]
    assert list(body["aggs"]["shared"]["aggs"]) == ["people"]
    assert "post_filter" not in body


def test_candidates_are_one_document_a_person_and_not_counted() -> None:
    body = candidates_body(asked(candidates="wide", limit=7))
    assert not {"aggs", "track_scores", "terminate_after"} & body.keys()
    assert (body["track_total_hits"], body["size"]) == (False, 7)
    assert body["collapse"] == {"field": "practitioner_id"}


def test_nothing_is_read_of_a_hit_but_what_it_is_ordered_by() -> None:
    for body in (
        search_body(asked()),
        search_body(asked(sort="name")),
        candidates_body(asked(candidates="wide")),
    ):
        assert (body["_source"], body["stored_fields"]) == (False, "_none_")
        assert [list(one) for one in body["sort"]][1:] == [["practitioner_id"], ["key"]]


def test_a_tally_looks_at_no_document_that_meets_none_of_the_conditions() -> None:
    anna, ek = Term("given", "anna"), Term("family", "ek")
    body = tally_body(None, [anna, ek], 50)
    assert body["query"] == {
        "bool": {
            "should": [{"term": {"given": {"value": "anna"}}}, {"term": {"family": {"value": "ek"}}}],
            "minimum_should_match": 1,
        }
    }
    (path,) = paths(body, "cardinality")
    assert "shared" in path


def test_people_are_documents_less_those_of_people_with_several_plus_these_people() -> None:
    def shared(documents: int, people: int) -> dict[str, Any]:
        return {"doc_count": documents, "people": {"value": people}}

    assert people_of(10, shared(4, 2)) == 8
    query = asked(profession=("midwife",))
    values = {"buckets": [{"key": "midwife", "doc_count": 5}, {"key": "dentist", "doc_count": 3}]}
    several = {"buckets": [{"key": "midwife", **shared(4, 1)}, {"key": "of nobody", **shared(2, 1)}]}
    nothing: dict[str, Any] = {"buckets": []}
    others: dict[str, Any] = {
        "status": {"buckets": {"active": {"doc_count": 5, "shared": shared(4, 1)}}},
        "authority": nothing,
        "specialty": nothing,
        "county": nothing,
    }
    aggregations: dict[str, Any] = {
        "found": {"doc_count": 5, "shared": {**shared(4, 1), **others}, **others},
        "own_profession": {"profession": values, "shared": {"doc_count": 6, "profession": several}},
    }
    counts = facet_counts(query, aggregations)
    assert (counts["profession"], counts["status"]) == ({"midwife": 2, "dentist": 3}, {"active": 2})
    assert total_counts({"hits": {"total": {"value": 5}}, "aggregations": aggregations}) == (2, True)
    aggregations["found"]["shared"] |= shared(3001, 900)
    assert total_counts({"hits": {"total": {"value": 5000}}, "aggregations": aggregations}) == (2899, False)
