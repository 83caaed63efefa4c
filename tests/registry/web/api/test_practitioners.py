"""GET /v1/practitioners/{id}: one person's facts."""

import json

import pytest

from registry.records.facts import LicenceFacts, PersonFacts, SpecialtyFacts
from tests.registry.web.people import ANNA_NPI, ANNA_NUMBER, hidden
from tests.registry.web.service import Service
from tests.support.world import person


def test_shows_names_identifiers_and_licences(full: Service) -> None:
    shown = full.get(f"/v1/practitioners/{full.public_id('anna')}").get_json()
    assert (shown["name"], shown["birthDate"], shown["deceased"]) == (
        "Anna Maria Lindqvist",
        "1980-05-03",
        False,
    )
    assert [name["use"] for name in shown["names"]] == ["official", "former"]
    assert [known["value"] for known in shown["identifiers"]] == [ANNA_NPI]
    licence = shown["licences"][0]
    assert (licence["number"], licence["validFrom"], licence["validTo"]) == ("RN-100.1", "2005-06-14", None)
    assert (licence["feed"], licence["gone"]) == ("test", False)
    assert licence["authority"] == {
        "id": "test-authority",
        "name": {"sv": "Testmyndigheten", "en": "The test authority"},
    }


def test_someone_known_by_a_number_only_has_an_empty_name_in_every_answer(service: Service) -> None:
    facts = LicenceFacts(key="x", number="KP-550", profession="chiropractor", status="active")
    service.load({"x": PersonFacts(names=(), licences=(facts,))})
    shown = service.get(f"/v1/practitioners/{service.public_id('x')}").get_json()
    (listed,) = service.get("/v1/practitioners?licenceNumber=KP-550").get_json()["items"]
    assert [(each["name"], each["names"]) for each in (shown, listed)] == [("", []), ("", [])]
    assert service.verify(licenceNumber="KP-550").get_json()["practitioner"]["name"] == ""
    assert service.get("/v1/practitioners?name=ek").get_json()["items"] == []


def test_shows_the_authoritys_own_words_beside_ours(service: Service) -> None:
    facts = LicenceFacts(
        key="x",
        profession="unknown",
        raw_profession="HK",
        raw_profession_text="Hälso- och sjukvårdskurator",
        status="unknown",
        raw_status="VILANDE",
        specialties=(SpecialtyFacts(code="1", text="Geriatrik", valid_from="2010"),),
    )
    service.world.load({"x": person("Ek", "Eva", licences=[facts])})
    licence = service.get(f"/v1/practitioners/{service.public_id('x')}").get_json()["licences"][0]
    assert licence["rawProfession"] == {"code": "HK", "text": "Hälso- och sjukvårdskurator"}
    assert (licence["status"]["code"], licence["rawStatus"]) == ("unknown", "VILANDE")
    assert licence["specialties"] == [{"code": "1", "system": None, "text": "Geriatrik", "validFrom": "2010"}]


def test_shows_restrictions_with_their_dates(full: Service) -> None:
    licence = full.get(f"/v1/practitioners/{full.public_id('bo')}").get_json()["licences"][0]
    assert licence["restrictions"] == [
        {
            "code": "revoked",
            "name": licence["restrictions"][0]["name"],
            "rawCode": "001",
            "rawText": "Återkallad",
            "validFrom": "2024-02-01",
            "validTo": None,
        }
    ]


def test_never_shows_a_personal_identity_number(full: Service) -> None:
    text = full.get(f"/v1/practitioners/{full.public_id('anna')}").get_data(as_text=True)
    assert ANNA_NUMBER not in text
    assert ANNA_NUMBER[2:] not in text


def test_a_protected_person_is_answered_byte_for_byte_like_nobody(full: Service) -> None:
    public_id = full.public_id("hanna")
    nobody = "A" * len(public_id)
    protected, absent = full.get(f"/v1/practitioners/{public_id}"), full.get(f"/v1/practitioners/{nobody}")
    assert protected.status_code == absent.status_code == 404
    assert protected.get_data().replace(public_id.encode(), b"ID") == absent.get_data().replace(
        nobody.encode(), b"ID"
    )
    differing = {"X-Request-Id", "traceparent", "Date"}
    assert {k: v for k, v in protected.headers if k not in differing} == {
        k: v for k, v in absent.headers if k not in differing
    }


def test_who_looked_for_a_protected_person_stands_in_the_log(full: Service) -> None:
    full.get(f"/v1/practitioners/{full.public_id('hanna')}?purpose=supervision")
    event = full.events()[-1]
    assert (event.action, event.purpose, event.answer) == ("read", "supervision", "not found")
    assert full.subjects(event.id) == {full.internal_id("hanna")}


def test_reading_stands_in_the_log(full: Service) -> None:
    public_id = full.public_id("anna")
    full.get(f"/v1/practitioners/{public_id}")
    event = full.events()[-1]
    assert (event.action, event.answer, json.loads(event.question)) == ("read", "found", {"id": public_id})
    assert full.subjects(event.id) == {full.internal_id("anna")}


@pytest.mark.parametrize("wrong", ["nobody", "%00", "..", "a%2Fb", "x" * 300, "é"])
def test_what_is_no_id_is_not_found(full: Service, wrong: str) -> None:
    assert full.get(f"/v1/practitioners/{wrong}").status_code == 404


def test_a_person_unprotected_again_is_shown(service: Service) -> None:
    service.world.load({"hanna": hidden()})
    service.world.load({"hanna": person("Skyddad", "Hanna")})
    assert service.get(f"/v1/practitioners/{service.public_id('hanna')}").status_code == 200
