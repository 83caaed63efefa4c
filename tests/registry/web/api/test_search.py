"""GET /v1/practitioners: finding people."""

import json
from collections.abc import Callable
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from werkzeug.test import TestResponse

from registry.database import writing
from registry.records import tables as t
from registry.search.filters import FILTERS
from tests.registry.web.people import ANNA_NPI, anna, crowd, everyone, hidden
from tests.registry.web.service import Service
from tests.support.world import person


def _names(answer: TestResponse) -> list[str]:
    return [item["name"] for item in answer.get_json()["items"]]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("name=anna+lindqvist", ["Anna Maria Lindqvist"]),
        ("name=Lindqvist,+Anna", ["Anna Maria Lindqvist"]),
        ("name=anna+linqvist", ["Anna Maria Lindqvist"]),
        ("name=anna+berg", ["Anna Maria Lindqvist"]),
        ("familyName=lindqvist&sort=name", ["Anna Maria Lindqvist", "Karl Lindqvist"]),
        ("givenName=bo&familyName=holm", ["Bo Holm"]),
        ("name=lindqvist&birthDate=1955", ["Karl Lindqvist"]),
        ("licenceNumber=RN-100.1", ["Anna Maria Lindqvist"]),
        ("licenceNumber=rn1001", ["Anna Maria Lindqvist"]),
        ("licenceNumber=RN-100.1&name=anna+berg", ["Anna Maria Lindqvist"]),
        ("licenceNumber=RN-100.1&name=karl", []),
        ("licenceNumber=RN-100.1&profession=registered-nurse&status=active", ["Anna Maria Lindqvist"]),
        ("licenceNumber=RN-100.1&profession=physician", []),
        ("licenceNumber=RN-100.1&birthDate=1981", []),
        (f"licenceNumber={ANNA_NPI}", ["Anna Maria Lindqvist"]),
        ("licenceNumber=no-such", []),
        ("profession=physician&profession=midwife", ["Bo Holm"]),
        ("status=revoked", ["Bo Holm"]),
        ("status=active&authority=test-authority", ["Anna Maria Lindqvist"]),
        ("status=lapsed", ["Karl Lindqvist"]),
        ("name=skyddad", []),
        ("licenceNumber=RN-66", []),
    ],
)
def test_finds_exactly(full: Service, query: str, names: list[str]) -> None:
    answer = full.get(f"/v1/practitioners?{query}")
    assert answer.status_code == 200
    assert _names(answer) == names
    assert answer.get_json()["total"] == len(names)


def test_an_item_tells_enough_to_choose_and_no_more(full: Service) -> None:
    item = full.get("/v1/practitioners?name=anna+lindqvist").get_json()["items"][0]
    licence = item["licences"][0]
    assert item["birthYear"] == "1980"
    assert {"use": "former", "text": "Anna Berg"} in item["names"]
    assert item["links"]["self"] == f"/v1/practitioners/{item['id']}"
    assert licence["profession"]["name"]["en"] == "Registered nurse"
    assert (licence["number"], licence["jurisdiction"], licence["matched"]) == ("RN-100.1", "SE", True)
    assert "05-03" not in json.dumps(item)


def test_the_status_shown_is_the_one_filtered_by(full: Service) -> None:
    for status in ("active", "revoked", "lapsed"):
        items = full.get(f"/v1/practitioners?status={status}").get_json()["items"]
        assert [item["licences"][0]["status"]["code"] for item in items] == [status]


def test_facets_count_what_choosing_a_value_would_give(full: Service) -> None:
    for query in ("name=lindqvist", "licenceNumber=RN-100.1"):
        facets = full.get(f"/v1/practitioners?{query}").get_json()["facets"]
        for name, values in facets.items():
            for value in values:
                chosen = full.get(f"/v1/practitioners?{query}&{name}={value['code']}").get_json()
                assert chosen["total"] == value["count"], (query, name, value)
    authority = facets["authority"][0]
    assert (authority["code"], authority["name"]["sv"]) == ("test-authority", "Testmyndigheten")


def test_pages_hold_everyone_once_and_are_linked(service: Service) -> None:
    service.load(crowd(45))
    url, seen = "/v1/practitioners?familyName=svensson&limit=20", []
    while url:
        answer = service.get(url).get_json()
        seen += [item["id"] for item in answer["items"]]
        links = answer["links"]
        assert links["first"].endswith("page=1")
        assert links["last"].endswith("page=3")
        url = links["next"]
    assert len(seen) == len(set(seen)) == 45
    assert links["previous"].endswith("page=2")
    assert service.get("/v1/practitioners?familyName=svensson").get_json()["limit"] == 20


def test_a_page_past_the_end_is_empty_and_leads_back(service: Service) -> None:
    service.load(crowd(3))
    answer = service.get("/v1/practitioners?familyName=svensson&page=4").get_json()
    assert answer["items"] == []
    assert answer["links"]["previous"].endswith("page=1")
    assert answer["links"]["next"] is None


@pytest.mark.parametrize(
    ("query", "slug", "parameter"),
    [
        ("limit=101", "bad-request", None),
        ("limit=0", "invalid-query", "limit"),
        ("limit=ten", "invalid-query", "limit"),
        ("limit=1_0", "invalid-query", "limit"),
        ("page=0", "invalid-query", "page"),
        ("page=1&page=2", "invalid-query", "page"),
        ("page=60", "bad-request", None),
        ("sort=age", "invalid-query", "sort"),
        ("nam=anna", "invalid-query", "nam"),
        ("name=", "invalid-query", "name"),
        ("name=%00", "invalid-query", "name"),
        ("name=" + "x" * 201, "invalid-query", "name"),
        ("name=a+b+c+d+e+f+g+h+i", "bad-request", None),
        ("status=asleep", "invalid-query", "status"),
        ("profession=wizard", "invalid-query", "profession"),
        ("purpose=curiosity", "invalid-query", "purpose"),
        ("birthDate=yesterday", "bad-request", None),
        ("licenceNumber=---", "bad-request", None),
    ],
)
def test_a_wrong_question_is_refused_and_the_parameter_named(
    full: Service, query: str, slug: str, parameter: str | None
) -> None:
    answer = full.get(f"/v1/practitioners?{query}")
    problem = answer.get_json()
    assert answer.status_code == 400
    assert problem["type"].endswith(f"/problems/{slug}")
    assert [e["parameter"] for e in problem.get("errors", [])] == ([parameter] if parameter else [])


def test_a_misspelt_parameter_is_told_which_ones_there_are(full: Service) -> None:
    errors = full.get("/v1/practitioners?givenname=anna").get_json()["errors"]
    assert "givenName" in errors[0]["detail"]


def test_everyone_shown_stands_in_the_access_log(full: Service) -> None:
    full.get("/v1/practitioners?familyName=lindqvist&purpose=employment")
    event = full.events()[-1]
    assert (event.action, event.purpose, event.answer) == ("search", "employment", "2")
    assert json.loads(event.question) == {"family_name": "lindqvist", "page": 1}
    assert full.subjects(event.id) == {full.internal_id("anna"), full.internal_id("karl")}
    assert event.organisation == "2120000142"


def test_the_purpose_is_lookup_unless_told_and_the_request_id_is_that_of_the_answer(full: Service) -> None:
    answer = full.get("/v1/practitioners?name=nobody")
    event = full.events()[-1]
    assert (event.purpose, event.answer) == ("lookup", "0")
    assert event.request_id == answer.headers["X-Request-Id"]


def test_a_number_that_looks_like_a_personal_one_is_masked_in_the_access_log(full: Service) -> None:
    assert _names(full.get(f"/v1/practitioners?licenceNumber={ANNA_NPI}")) == ["Anna Maria Lindqvist"]
    event = full.events()[-1]
    assert ANNA_NPI not in event.question
    assert full.subjects(event.id) == {full.internal_id("anna")}


def test_facts_are_those_of_sql_while_the_index_is_behind(service: Service) -> None:
    service.load(everyone())
    world = service.world
    with writing(world.engine).begin() as connection:
        connection.execute(
            sa.update(t.licence).where(t.licence.c.number == "RN-100.1").values(status="revoked")
        )
    item = service.get("/v1/practitioners?name=anna+lindqvist").get_json()["items"][0]
    assert item["licences"][0]["status"]["code"] == "revoked"


def test_an_index_that_is_behind_is_told(service: Service) -> None:
    service.load(everyone())
    assert service.get("/v1/practitioners?name=anna").get_json()["index"] == {
        "upToDate": True,
        "oldestPendingAt": None,
    }
    service.world.load({**everyone(), "eva": person("Ek", "Eva")})
    index = service.get("/v1/practitioners?name=anna").get_json()["index"]
    assert index["upToDate"] is False
    assert index["oldestPendingAt"].endswith("Z")


def test_a_person_protected_since_the_index_was_written_is_neither_shown_nor_counted(
    service: Service,
) -> None:
    service.load({"hanna": person("Skyddad", "Hanna"), "eva": person("Ek", "Eva")})
    service.world.load({"hanna": hidden(), "eva": person("Ek", "Eva")})
    answer = service.get("/v1/practitioners?name=skyddad").get_json()
    assert (answer["items"], answer["total"]) == ([], 0)
    assert answer["facets"] == {one.name: [] for one in FILTERS}
    assert service.subjects(service.events()[-1].id) == set()


def test_a_licence_that_its_feed_no_longer_holds_is_found_by_its_number(service: Service) -> None:
    service.load({"anna": anna(), "eva": person("Ek", "Eva")})
    service.load({"eva": person("Ek", "Eva")})
    answer = service.get("/v1/practitioners?licenceNumber=RN-100.1").get_json()
    licence = answer["items"][0]["licences"][0]
    assert (licence["gone"], licence["status"]["code"]) == (True, "unknown")
    assert service.get("/v1/practitioners?licenceNumber=RN-100.1&status=active").get_json()["total"] == 0


def test_without_an_index_numbers_are_found_and_names_answered_503(
    make_service: Callable[..., Service],
) -> None:
    service = make_service(REGISTRY_WEB__RETRY_AFTER_S="7")
    service.world.load(everyone())
    by_number = service.get("/v1/practitioners?licenceNumber=RN-100.1&profession=registered-nurse")
    assert _names(by_number) == ["Anna Maria Lindqvist"]
    by_name = service.get("/v1/practitioners?name=anna")
    assert by_name.status_code == 503
    assert by_name.get_json()["type"].endswith("/problems/search-unavailable")
    assert by_name.headers["Retry-After"] == "7"


def test_text_from_outside_stays_text_in_links(service: Service) -> None:
    service.load(crowd(1))
    nasty = 'svensson&limit=1#"><script>'
    links = service.get(f"/v1/practitioners?familyName={quote(nasty)}").get_json()["links"]
    assert links["self"] == f"/v1/practitioners?familyName={quote(nasty, safe='')}&page=1"
