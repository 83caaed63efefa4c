"""Filters, facets and what counts as active on a day: the same on both engines."""

from datetime import date

from registry.records.facts import RestrictionFacts
from registry.records.read import Licence
from registry.search import SearchPage
from tests.registry.search.people import Register, licence, person, restriction


def facets(page: SearchPage) -> dict[str, dict[str, int]]:
    return {name: {v.value: v.count for v in values} for name, values in page.facets.items() if values}


def test_all_filters_must_hold_for_one_and_the_same_licence(register: Register) -> None:
    split = person(
        "Eva Ek",
        licence(profession="physician", status="revoked"),
        licence(profession="midwife", status="active"),
    )
    both = person("Eva Ek", licence(profession="physician"))
    register.publish(split, both)
    assert register.found("eva", profession=("physician",)) == [split.id, both.id]
    assert register.found("eva", profession=("physician",), status=("active",)) == [both.id]
    assert register.found(profession=("physician", "midwife"), status=("active",)) == [split.id, both.id]


def test_facets_count_people_not_licences(register: Register) -> None:
    register.publish(
        person("Eva Ek", licence(), licence(), licence(profession="midwife")),
        person("Eva Berg", licence(status="lapsed", authority="other")),
        person("Bo Ek", licence(profession="physician")),
    )
    page = register.search("eva")
    assert page.total == 2
    assert facets(page) == {
        "profession": {"registered-nurse": 2, "midwife": 1},
        "status": {"active": 1, "lapsed": 1},
        "authority": {"board": 1, "other": 1},
    }


def test_a_facet_shows_what_another_choice_would_give(register: Register) -> None:
    register.publish(
        person("Eva Ek", licence(), licence(status="lapsed")),
        person("Eva Berg", licence(profession="midwife")),
        person("Eva Lind", licence(profession="midwife", status="lapsed", authority="other")),
    )
    page = register.search("eva", profession=("midwife",), status=("lapsed",))
    assert [page.total, len(page.hits)] == [1, 1]
    assert facets(page) == {
        "profession": {"midwife": 1, "registered-nurse": 1},
        "status": {"active": 1, "lapsed": 1},
        "authority": {"other": 1},
    }


def test_facet_values_are_ordered_by_count_then_value_and_bounded(register: Register) -> None:
    jobs = ["optician", "chiropractor", "audiologist", "audiologist"]
    register.publish(*(person("Eva Ek", licence(profession=job)) for job in jobs))
    values = register.search("eva").facets["profession"]
    assert [(v.value, v.count) for v in values] == [("audiologist", 2), ("chiropractor", 1), ("optician", 1)]


def test_without_words_everyone_is_listed_by_name_and_counted(register: Register) -> None:
    people = [person("Bo Ek"), person("Al Ek"), person("Eva Berg", licences=())]
    register.publish(*people)
    page = register.search()
    assert [hit.practitioner_id for hit in page.hits] == [people[2].id, people[1].id, people[0].id]
    assert (page.total, facets(page)["profession"]) == (3, {"registered-nurse": 2})


def held(status: str = "active", *restrictions: RestrictionFacts, **dates: str) -> Licence:
    return licence(status=status, restrictions=restrictions, **dates)  # type: ignore[arg-type]


STATUS_CASES = [
    ("as decided", held(), "active"),
    ("its last day", held(valid_to="2026-05-20"), "active"),
    ("the day after", held(valid_to="2026-05-19"), "lapsed"),
    ("a month as last day runs to its end", held(valid_to="2026-05"), "active"),
    ("a year as last day", held(valid_to="2025"), "lapsed"),
    ("its first day", held(valid_from="2026-05-20"), "active"),
    ("not begun", held(valid_from="2026-05-21"), "unknown"),
    ("a year as first day", held(valid_from="2026"), "active"),
    ("restricted by the authority's word", held("restricted"), "restricted"),
    ("restricted and over", held("restricted", valid_to="2026-01-01"), "lapsed"),
    ("a live code beside a revocation", held("active", restriction("revoked")), "revoked"),
    ("a revocation since today", held("active", restriction("revoked", "2026-05-20")), "revoked"),
    ("a revocation from tomorrow", held("active", restriction("revoked", "2026-05-21")), "active"),
    ("revoked and over", held("active", restriction("revoked"), valid_to="2020"), "revoked"),
    ("suspended for a time", held("active", restriction("suspended", "2026-01", "2026-05")), "suspended"),
    (
        "suspended for a time that has passed",
        held("active", restriction("suspended", "2025", "2025")),
        "active",
    ),
    ("on probation", held("active", restriction("probation", "2026-01-01", "2029-01-01")), "restricted"),
    (
        "limited prescribing and not begun",
        held("active", restriction("conditions"), valid_from="2027"),
        "unknown",
    ),
    ("a restriction of a kind we don't know", held("active", restriction("unknown")), "restricted"),
    ("revoked beside probation", held("active", restriction("probation"), restriction("revoked")), "revoked"),
    (
        "a dead licence keeps its word",
        held("surrendered", restriction("revoked"), valid_to="2020"),
        "surrendered",
    ),
    ("suspended keeps its word", held("suspended", valid_to="2020"), "suspended"),
    ("unknown keeps its word", held("unknown", valid_to="2020"), "unknown"),
]


def test_the_status_is_the_same_in_filter_and_facet(register: Register) -> None:
    people = {case: person("Eva Ek", one) for case, one, _ in STATUS_CASES}
    register.publish(*people.values())
    for status in ("active", "restricted", "suspended", "revoked", "lapsed", "surrendered", "unknown"):
        wanted = {case for case, _, expected in STATUS_CASES if expected == status}
        page = register.search("eva", status=(status,), limit=100)
        ids = {hit.practitioner_id for hit in page.hits}
        assert {case for case, one in people.items() if one.id in ids} == wanted, status
        assert facets(page)["status"][status] == page.total == len(wanted)


def test_a_deceased_person_has_no_live_licence(register: Register) -> None:
    register.publish(person("Eva Ek", licence(), licence(status="revoked"), deceased=True))
    assert facets(register.search("eva"))["status"] == {"deceased": 1, "revoked": 1}


def test_every_licence_has_exactly_one_status_on_any_day(register: Register) -> None:
    people = [person("Eva Ek", one) for _, one, _ in STATUS_CASES]
    register.publish(*people)
    for day in (date(2025, 12, 31), date(2026, 1, 1), date(2026, 2, 28), date(2026, 3, 1)):
        page = register.search("eva", today=day)
        assert sum(facets(page)["status"].values()) == page.total == len(people)


def test_specialty_and_county_are_filters_and_facets(register: Register) -> None:
    both = licence(specialties=[{"code": "1", "text": "Kirurgi"}, {"code": "2", "text": "Urologi"}])
    one = licence(specialties=[{"code": "2", "text": "Urologi"}])
    first = person("Eva Ek", both, one, county="Skåne län")
    second = person("Eva Berg", one, county="Örebro län")
    third = person("Eva Alm")
    register.publish(first, second, third)
    page = register.search("eva")
    assert facets(page)["specialty"] == {"Urologi": 2, "Kirurgi": 1}
    assert facets(page)["county"] == {"Skåne län": 1, "Örebro län": 1}
    assert register.found("eva", specialty=("Urologi",)) == [first.id, second.id]
    assert register.found("eva", specialty=("Kirurgi", "Urologi"), county=("Örebro län",)) == [second.id]
    chosen = register.search("eva", specialty=("Kirurgi",), county=("Skåne län",))
    assert facets(chosen)["specialty"] == {"Urologi": 1, "Kirurgi": 1}
    assert facets(chosen)["county"] == {"Skåne län": 1}
    assert register.found("eva", specialty=("kirurgi",)) == []


def test_a_filter_by_specialty_holds_for_the_same_licence_as_the_others(register: Register) -> None:
    split = person(
        "Eva Ek",
        licence(profession="physician", status="revoked", specialties=[{"code": "1", "text": "Kirurgi"}]),
        licence(profession="midwife"),
    )
    register.publish(split)
    assert register.found("eva", specialty=("Kirurgi",)) == [split.id]
    assert register.found("eva", specialty=("Kirurgi",), status=("active",)) == []


def test_the_newest_licence_comes_first_and_who_has_no_date_last(register: Register) -> None:
    undated = person("Eva Ek")
    old = person("Eva Ek", licence(issued="1999-01-01"))
    two = person("Eva Ek", licence(issued="1990"), licence(issued="2021-03-01"))
    same = person("Eva Ek", licence(issued="2021-03-01"))
    begun = person("Eva Ek", licence(valid_from="2024-06"))
    register.publish(undated, old, two, same, begun)
    order = [one.id for one in (begun, two, same, old, undated)]
    assert register.found("eva", sort="issued") == order
    assert register.found(sort="issued") == order
    assert register.search("eva", sort="issued", limit=2, page=2).total == 5
    assert register.found("eva", sort="issued", limit=2, page=2) == order[2:4]


def test_the_best_document_of_a_person_is_the_newest_that_matches(register: Register) -> None:
    old = licence(issued="1990", status="active")
    new = licence(issued="2021", status="revoked")
    someone, other = person("Eva Ek", old, new), person("Eva Ek", licence(issued="2000"))
    register.publish(someone, other)
    page = register.search("eva", sort="issued")
    assert (page.hits[0].practitioner_id, page.hits[0].document) == (someone.id, f"l{new.id}")
    active = register.search("eva", sort="issued", status=("active",))
    assert [hit.practitioner_id for hit in active.hits] == [other.id, someone.id]
    assert active.hits[1].document == f"l{old.id}"
