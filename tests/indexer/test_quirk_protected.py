"""A feed that says that an identity is protected is obeyed, however badly the rest of what it says is written."""

from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest

from registry.records import tables as t
from registry.records.facts import PersonFacts
from tests.indexer.feeds.hosp_xml_text import NUMBER, document
from tests.indexer.feeds.hosp_xml_text import licence as hosp_licence
from tests.indexer.feeds.hosp_xml_text import person as hosp_person
from tests.indexer.feeds.hsa_text import number as personal_number
from tests.indexer.lists_of_people import EVERYBODY, fhir, npi
from tests.support.facts_feed import FactsFeed, facts_line
from tests.support.shipped import Shipped
from tests.support.world import World, licence, person

SHOWN = person("Ek", "Liv", licences=[licence("1")])
HIDDEN = person("Ek", "Liv", protected=True)
RENAMED = person("Ek", "Liva", licences=[licence("1")])


def hidden(world: World) -> int:
    return world.count(t.practitioner, t.practitioner.c.protected)


@pytest.mark.parametrize("known", [False, True], ids=["new", "known"])
@pytest.mark.parametrize(
    ("first", "second"),
    [(SHOWN, HIDDEN), (HIDDEN, SHOWN), (RENAMED, HIDDEN), (HIDDEN, RENAMED)],
    ids=["same-hidden", "hidden-same", "changed-hidden", "hidden-changed"],
)
def test_of_two_rows_that_differ_the_one_that_hides_is_obeyed(
    world: World, tmp_path: Path, known: bool, first: PersonFacts, second: PersonFacts
) -> None:
    feed = FactsFeed(world, tmp_path)
    bo = {"b": person("Lind", "Bo", licences=[licence("2")])}
    if known:
        feed.pull({"a": SHOWN} | bo)

    report = feed.pull(bo | {"a": first}, facts_line("a", second))

    assert (report.state, report.counts.quarantined) == ("succeeded", 1)
    assert hidden(world) == 1
    feed.pull({"a": HIDDEN} | bo)
    assert hidden(world) == 1
    # Only a file that says nothing else of them shows the person again.
    feed.pull({"a": SHOWN} | bo)
    assert hidden(world) == 0


def resource(**more: Any) -> bytes:  # noqa: ANN401 - JSON
    first, *others = fhir(EVERYBODY).splitlines(keepends=True)
    return orjson.dumps({**orjson.loads(first), **more}) + b"\n" + b"".join(others)


LABEL = {"security": [{"code": "R"}]}


@pytest.mark.parametrize(
    "more",
    [
        {"meta": LABEL, "birthDate": 315_532_800},
        {"meta": LABEL, "name": "Berg"},
        {"meta": LABEL, "identifier": {"value": "1"}},
        {"meta": LABEL, "active": "yes", "qualification": [7]},
        {"meta": {**LABEL, "lastUpdated": 0}, "birthDate": 315_532_800},
        {"meta": {"security": ["R"]}},
        {"meta": {"security": {"code": "R"}}},
        {"meta": {"security": [{"code": ["R"]}]}, "birthDate": 315_532_800},
        {"meta": "R"},
    ],
)
def test_a_fhir_resource_that_can_not_be_read_hides_all_the_same(
    small_world: World, tmp_path: Path, more: dict[str, Any]
) -> None:
    office = Shipped(small_world, tmp_path)
    office.pull("nppes-fhir", fhir(EVERYBODY))
    report = office.pull("nppes-fhir", resource(**more))
    assert (report.state, report.counts.changed, report.counts.quarantined) == ("succeeded", 1, 0)
    assert hidden(small_world) == 1
    assert office.ask(licence_number=npi(0)).outcome == "notFound"
    assert office.ask(licence_number=npi(1)).outcome == "found"


@pytest.mark.parametrize(
    "meta", [None, {}, {"security": []}, {"security": [{"code": "U"}]}, {"security": None}]
)
def test_a_fhir_resource_that_can_not_be_read_and_hides_nobody_is_put_aside(
    small_world: World, tmp_path: Path, meta: object
) -> None:
    office = Shipped(small_world, tmp_path)
    office.pull("nppes-fhir", fhir(EVERYBODY))
    report = office.pull("nppes-fhir", resource(meta=meta, birthDate=315_532_800))
    assert (report.counts.changed, report.counts.quarantined) == (0, 1)
    assert hidden(small_world) == 0


MARK = "<skyddadIdentitet>true</skyddadIdentitet>"
UNMARKED = "<skyddadIdentitet>false</skyddadIdentitet>"
TWICE = "<tilltalsnamn>Anna</tilltalsnamn><tilltalsnamn>Annika</tilltalsnamn>"
BAD_HOSP = {
    "an element twice": (MARK + TWICE, 1),
    "the mark twice": (MARK + MARK, 1),
    "the mark twice, denied first": (UNMARKED + MARK, 1),
    "too large": (MARK + f"<tilltalsnamn>{'A' * 2000}</tilltalsnamn>", 1),
    "an element twice, not protected": (UNMARKED + TWICE, 0),
    "too large, not protected": (UNMARKED + f"<tilltalsnamn>{'A' * 2000}</tilltalsnamn>", 0),
}


@pytest.mark.parametrize("known", [False, True], ids=["new", "known"])
@pytest.mark.parametrize("bad", BAD_HOSP)
def test_a_row_of_hosp_that_can_not_be_read_hides_all_the_same(
    small_world: World, tmp_path: Path, bad: str, known: bool
) -> None:
    more, protected = BAD_HOSP[bad]
    world = small_world
    indexer = msgspec.structs.replace(world.settings.indexer, max_record_bytes=1500)
    world.settings = msgspec.structs.replace(world.settings, indexer=indexer)
    office = Shipped(world, tmp_path)
    others = [
        one.replace(NUMBER, personal_number(f"19{60 + n}0101"))
        for n, one in enumerate(hosp_person(str(200_000 + n), licences=hosp_licence()) for n in range(20))
    ]
    anna = hosp_person(licences=hosp_licence())
    office.pull("hosp", document(*([anna] if known else []), *others), ".xml")

    report = office.pull("hosp", document(hosp_person(more=more, licences=hosp_licence()), *others), ".xml")

    assert (report.state, report.counts.quarantined) == ("succeeded", 1)
    assert hidden(world) == (protected if known else 0)
    expected = "found" if known and not protected else "notFound"
    assert office.ask(personal_number=NUMBER).outcome == expected
    office.pull("hosp", document(anna, *others), ".xml")
    assert (hidden(world), office.ask(personal_number=NUMBER).outcome) == (0, "found")


@pytest.mark.parametrize(
    ("meta", "protected"),
    [
        ({"tag": [{"code": "SUBSETTED"}], "security": [{"code": "R"}]}, 1),
        ({"tag": [{"code": "SUBSETTED"}], "security": ["R"]}, 1),
        ({"tag": [{"code": "SUBSETTED"}], "security": [{"code": "N"}]}, 0),
        ({"tag": [{"code": "SUBSETTED"}]}, 0),
    ],
)
def test_a_resource_that_the_server_cut_down_hides_all_the_same(
    small_world: World, tmp_path: Path, meta: dict[str, Any], protected: int
) -> None:
    office = Shipped(small_world, tmp_path)
    office.pull("nppes-fhir", fhir(EVERYBODY))
    report = office.pull("nppes-fhir", resource(meta=meta))
    assert (report.state, report.counts.quarantined) == ("succeeded", 1)
    assert hidden(small_world) == protected
    assert office.ask(licence_number=npi(0)).outcome == ("notFound" if protected else "found")
