"""POST /v1/verifications: the question, the answer, and what is never said."""

import json
import re
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.registry.web.people import (
    ABSENT_NUMBER,
    ANNA_NPI,
    ANNA_NUMBER,
    HIDDEN_NUMBER,
    everyone,
)
from tests.registry.web.service import Service


@pytest.mark.parametrize(
    ("question", "answer", "outcome"),
    [
        ({"licenceNumber": "RN-100.1"}, "yes", "found"),
        ({"licenceNumber": "rn 1001", "profession": "registered-nurse"}, "yes", "found"),
        ({"licenceNumber": ANNA_NPI, "profession": "sjuksköterska"}, "yes", "found"),
        ({"licenceNumber": "RN-100.1", "authority": "test-authority"}, "yes", "found"),
        ({"personalIdentityNumber": ANNA_NUMBER}, "yes", "found"),
        ({"personalIdentityNumber": "800503-9808", "profession": "registered-nurse"}, "yes", "found"),
        ({"name": "Anna Lindqvist", "birthDate": "1980-05-03"}, "yes", "found"),
        ({"name": "Anna Berg", "birthDate": "1980-05-03"}, "yes", "found"),
        ({"licenceNumber": "LK-7"}, "no", "found"),
        ({"licenceNumber": "RN-2"}, "no", "found"),
        ({"licenceNumber": "RN-100.1", "name": "Karl Lindqvist"}, "ask", "mismatch"),
        ({"licenceNumber": "RN-100.1", "birthDate": "1981-05-03"}, "ask", "mismatch"),
        ({"licenceNumber": "RN-100.1", "profession": "physician"}, "ask", "found"),
        ({"name": "Anna Lindqvist", "birthDate": "1980-05"}, "ask", "ambiguous"),
        ({"licenceNumber": "no-such"}, "ask", "notFound"),
        ({"personalIdentityNumber": ABSENT_NUMBER}, "ask", "notFound"),
        ({"name": "Nobody Known", "birthDate": "1980-05-03"}, "ask", "notFound"),
    ],
)
def test_verdicts(full: Service, question: dict[str, str], answer: str, outcome: str) -> None:
    given = full.verify(**question).get_json()
    assert (given["verdict"], given["outcome"]) == (answer, outcome)


def test_the_answer_says_how_it_is_known(full: Service) -> None:
    given = full.verify(licenceNumber="LK-7", reference="case 7", profession="physician").get_json()
    licence, source = given["licences"][0], given["sources"][0]
    assert "revoked" in [reason["code"] for reason in given["reasons"]]
    assert {"sv", "en"} == given["reasons"][0]["text"].keys()
    assert (licence["verdict"], licence["relevant"]) == ("no", True)
    assert licence["restrictions"][0]["rawCode"] == "001"
    assert licence["rawProfession"]["code"] == "LK"
    assert (source["id"], source["state"], source["silence"]["sv"][:8]) == ("test", "fresh", "Personen")
    assert given["practitioner"]["birthYear"] == "1971"
    assert (given["reference"], given["purpose"]) == ("case 7", "recruitment")
    assert given["profession"]["code"] == "physician"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", given["ruleVersion"])


def test_not_found_tells_what_silence_means(full: Service) -> None:
    given = full.verify(licenceNumber="no-such").get_json()
    assert given["verdict"] == "ask"
    assert given["sources"][0]["silence"]["en"] == "The person has no licence in the test register."
    assert "protected identity" in given["reasons"][0]["text"]["en"]
    assert (given["practitioner"], given["licences"], given["match"]) == (None, [], None)


def test_who_is_found_by_name_is_shown_with_why(full: Service) -> None:
    match = full.verify(name="Anna Lindkvist", birthDate="1980-05-03").get_json()["match"]
    assert (match["level"], match["name"]["text"]) == ("strong", "Anna Maria Lindqvist")
    assert match["score"] > 20
    assert {"birth-date", "family-name", "given-name"} <= set(match["features"])
    assert "profession" not in match["features"]
    assert match["notes"][1]["text"]["en"].endswith("sounds alike: Lindkvist/Lindqvist.")


def test_a_mismatch_tells_that_something_differs_and_never_how(full: Service) -> None:
    given = full.verify(licenceNumber="RN-100.1", name="Karl Lindkvist", birthDate="1980-05-13").get_json()
    match = given["match"]
    assert (given["outcome"], match["level"], match["score"], match["name"]) == (
        "mismatch",
        "none",
        None,
        None,
    )
    assert match["features"] == []
    assert not [note for note in match["notes"] if "Lindqvist" in str(note) or "1980" in str(note)]


def test_a_past_day_can_be_asked_about(full: Service) -> None:
    given = full.verify(licenceNumber="RN-2", onDate="2019-05-01").get_json()
    assert given["onDate"] == "2019-05-01"
    assert given["verdict"] in {"yes", "ask"}


@pytest.mark.parametrize(
    "question",
    [
        {"personalIdentityNumber": HIDDEN_NUMBER},
        {"licenceNumber": "RN-66"},
        {"licenceNumber": "RN-66", "name": "Hanna Skyddad", "birthDate": "1990-01-01"},
        {"name": "Hanna Skyddad", "birthDate": "1990-01-01"},
        {
            "personalIdentityNumber": HIDDEN_NUMBER,
            "profession": "registered-nurse",
            "authority": "test-authority",
        },
    ],
)
def test_a_protected_person_is_answered_byte_for_byte_like_nobody(
    full: Service, question: dict[str, str]
) -> None:
    absent = {
        **question,
        **({"personalIdentityNumber": ABSENT_NUMBER} if "personalIdentityNumber" in question else {}),
        **({"licenceNumber": "RN-67"} if "licenceNumber" in question else {}),
        **({"name": "Heidi Fiktiv"} if "name" in question else {}),
    }
    protected, nobody = full.verify(**question), full.verify(**absent)
    assert _without_time(protected) == _without_time(nobody)
    assert protected.status_code == nobody.status_code == 200
    assert protected.headers["Content-Length"] == nobody.headers["Content-Length"]


def _without_time(answer: TestResponse) -> str:
    """Leave out what differs between any two answers: the moment, and the evidence's id."""
    text = re.sub(r'"(checkedAt|knownAt)":"[^"]+"', r'"\1":"-"', answer.get_data(as_text=True))
    return re.sub(r"ver_[A-Za-z0-9_-]{22}", "ver_-", text)


def test_who_asked_about_a_protected_person_stands_in_the_log(full: Service) -> None:
    full.verify(personalIdentityNumber=HIDDEN_NUMBER)
    event = full.events()[-1]
    assert event.answer == "ask"
    assert full.subjects(event.id) == {full.internal_id("hanna")}


def test_the_log_holds_the_question_without_the_personal_number(full: Service) -> None:
    full.verify(personalIdentityNumber=ANNA_NUMBER, reference=f"ref {ANNA_NUMBER}", onDate="2026-01-31")
    event = full.events()[-1]
    assert json.loads(event.question) == {
        "by_personal_number": True,
        "reference": "ref [personal number]",
        "on_date": "2026-01-31",
    }
    assert (event.action, event.purpose, event.answer) == ("verify", "recruitment", "ask")
    assert full.subjects(event.id) == {full.internal_id("anna")}


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"licenseNumber": "x"}, "/licenseNumber"),
        ({"licenceNumber": 5}, "/licenceNumber"),
        ({"licenceNumber": ""}, "/licenceNumber"),
        ({"licenceNumber": "a\x00b"}, "/licenceNumber"),
        ({"licenceNumber": "\ud800"}, "/licenceNumber"),
        ({"onDate": "2026-02-30"}, "/onDate"),
        ({"onDate": "20260201"}, "/onDate"),
        ({"onDate": 20260201}, "/onDate"),
        ({"purpose": "curiosity"}, "/purpose"),
        ({"purpose": None}, "/purpose"),
        ({"name": ["Anna"]}, "/name"),
        ({"198005039808": "x"}, "/[personal number]"),
        ({"a/b~c": "x"}, "/a~1b~0c"),
        ({"\ud800": "x"}, "/?"),
        ({"personalIdentityNumber": ANNA_NUMBER}, ""),
    ],
)
def test_a_wrong_body_is_refused_and_the_field_pointed_at(
    full: Service, change: dict[str, Any], pointer: str
) -> None:
    body = json.dumps({"purpose": "recruitment", "licenceNumber": "RN-1", **change})
    before = len(full.events())
    answer = full.ask("POST", "/v1/verifications", data=body, content_type="application/json")
    problem = answer.get_json()
    assert answer.status_code == 422
    assert problem["type"].endswith("/problems/invalid-body")
    assert [error["pointer"] for error in problem["errors"]] == [pointer]
    assert len(full.events()) == before


def test_every_wrong_field_is_pointed_at(full: Service) -> None:
    answer = full.ask("POST", "/v1/verifications", json={"onDate": "soon", "who": 1})
    assert {e["pointer"] for e in answer.get_json()["errors"]} >= {"/onDate", "/who", "/purpose"}


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ({"personalIdentityNumber": "800503-9809"}, "check digit"),
        ({"licenceNumber": "RN-1", "authority": "nobody"}, "test-authority"),
        ({"licenceNumber": "RN-1", "profession": "wizard"}, "profession"),
        ({"licenceNumber": "RN-1", "onDate": "2199-01-01"}, "after today"),
        ({"name": "Anna", "birthDate": "once"}, "birth date"),
        ({"name": f"Anna {ANNA_NUMBER}", "birthDate": "1980"}, "personal identity number"),
    ],
)
def test_a_question_that_cannot_be_answered_says_what_to_change(
    full: Service, question: dict[str, str], words: str
) -> None:
    answer = full.verify(**question)
    assert answer.status_code == 422
    assert words in answer.get_json()["detail"]
    assert ANNA_NUMBER not in answer.get_data(as_text=True)


def test_a_question_needs_a_number_or_a_name_with_a_birth_date(full: Service) -> None:
    for question in ({}, {"name": "Anna"}, {"birthDate": "1980-05-03"}):
        problem = full.verify(**question).get_json()
        assert "licenceNumber" in problem["errors"][0]["detail"]


def test_questions_by_number_are_answered_without_an_index(service: Service) -> None:
    service.world.load(everyone())
    assert service.verify(personalIdentityNumber=ANNA_NUMBER).get_json()["verdict"] == "yes"
    assert service.verify(licenceNumber="LK-7").get_json()["verdict"] == "no"
    by_name = service.verify(name="Anna Lindqvist", birthDate="1980-05-03")
    assert by_name.status_code == 503
    assert by_name.headers["Retry-After"] == "30"
