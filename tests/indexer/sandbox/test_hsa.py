"""The sandbox's HSA by itself; that it is understood is shown where it is asked (tests/indexer/feeds/test_hsa_query.py)."""

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from lxml import etree

from indexer.sandbox import fixed, hsa
from indexer.sandbox.people import People
from indexer.sandbox.plan import Plan
from indexer.sandbox.server import running

PLAN = Plan(60, seed=3, year=2026)
DOMAIN = "urn:riv:infrastructure:directory:authorizationmanagement"
CONTRACT = f"{DOMAIN}:GetHospCredentialsForPersonResponder:1"
ACTION = f'"{CONTRACT}:GetHospCredentialsForPerson"'
QUESTION = (
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header>'
    f'<a:LogicalAddress xmlns:a="urn:riv:itintegration:registry:1">{hsa.LOGICAL_ADDRESS}</a:LogicalAddress></s:Header><s:Body>'
    f'<r:GetHospCredentialsForPerson xmlns:r="{CONTRACT}"><r:personalIdentityNumber>NUMBER</r:personalIdentityNumber>'
    "</r:GetHospCredentialsForPerson></s:Body></s:Envelope>"
)

Ask = Callable[..., httpx.Response]


@pytest.fixture(scope="module")
def http(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with running(PLAN, tmp_path_factory.mktemp("hsa")) as url, httpx.Client(base_url=url) as client:
        yield client


@pytest.fixture
def ask(http: httpx.Client) -> Ask:
    http.put(hsa.CONTROL_PATH, json={"fault": None}).raise_for_status()

    def question(number: str, text: str = QUESTION, **headers: str) -> httpx.Response:
        given = {"Content-Type": "text/xml; charset=UTF-8", "SOAPAction": ACTION, **headers}
        return http.post(hsa.CREDENTIALS_PATH, content=text.replace("NUMBER", number), headers=given)

    return question


def texts(response: httpx.Response, name: str) -> list[str]:
    return [element.text or "" for element in etree.fromstring(response.content).iter(f"{{*}}{name}")]


def test_a_revoked_licence_stands_beside_its_restriction(ask: Ask) -> None:
    response = ask(fixed.REVOKED_PHYSICIAN_NUMBER)
    assert response.headers["content-type"].startswith("text/xml")
    assert texts(response, "extension") == [fixed.REVOKED_PHYSICIAN_NUMBER]
    assert texts(response, "healthCareProfessionalLicenceName") == ["Läkare"]
    assert texts(response, "restrictionCode") == ["001"]


def test_nothing_but_credentials_is_told(ask: Ask) -> None:
    told = ask(fixed.ACTIVE_NURSE_NUMBER).text
    assert "Provberg" not in told
    assert "2008" not in told


@pytest.mark.parametrize("number", [fixed.PROTECTED_NUMBER, "195001019801", "", "abc"])
def test_protected_people_and_strangers_look_alike(ask: Ask, number: str) -> None:
    response = ask(number)
    [answer] = etree.fromstring(response.content).iter(f"{{{CONTRACT}}}GetHospCredentialsForPersonResponse")
    assert len(answer) == 0


def test_some_of_the_register_are_not_in_hsa(ask: Ask) -> None:
    people = [person for person in People(PLAN).swedes() if person.number and not person.protected]
    known = [person for person in people if hsa.is_delivered(person)]
    assert 0 < len(known) < len(people)
    assert texts(ask(known[-1].number), "healthcareProfessionalLicenseIdentityNumber") == [
        str(known[-1].hosp_id)
    ]


def test_the_feigned_person_is_marked(ask: Ask) -> None:
    assert texts(ask(hsa.FEIGNED_NUMBER), "feignedPerson") == ["true"]


@pytest.mark.parametrize(
    ("text", "headers", "said"),
    [
        (QUESTION, {"SOAPAction": '"other"'}, "SOAPAction"),
        (QUESTION, {"Content-Type": "application/json"}, "Content-Type"),
        ("<a>", {}, "XML"),
        (QUESTION.replace(hsa.LOGICAL_ADDRESS, "SE0"), {}, "LogicalAddress"),
        (QUESTION.replace(CONTRACT, "urn:other"), {}, "Body"),
    ],
)
def test_a_question_against_the_contract_gets_a_fault(
    ask: Ask, text: str, headers: dict[str, str], said: str
) -> None:
    response = ask("195001019801", text, **headers)
    assert response.status_code == 500
    assert texts(response, "faultstring") == [said]


def test_faults_are_set_and_ended_over_http(http: httpx.Client, ask: Ask) -> None:
    assert http.put(hsa.CONTROL_PATH, json={"fault": "forbidden"}).json()["fault"] == "forbidden"
    assert ask("195001019801").status_code == 403
    assert http.put(hsa.CONTROL_PATH, json={"fault": None}).json()["fault"] is None
    assert ask("195001019801").status_code == 200
    assert http.get(hsa.CONTROL_PATH).json()["questions"] >= 2


def test_an_unknown_fault_is_refused_with_the_known_ones(http: httpx.Client) -> None:
    response = http.put(hsa.CONTROL_PATH, json={"fault": "sulking"})
    assert response.status_code == 400
    assert "soap-fault" in response.json()["message"]


def test_people_of_a_new_day_are_those_of_that_day(tmp_path: Path) -> None:
    with running(PLAN, tmp_path) as url, httpx.Client(base_url=url) as client:

        def restrictions() -> list[str]:
            asked = client.post(hsa.JSON_CREDENTIALS_PATH, json={"personId": fixed.REVOKED_ON_DAY_1_NUMBER})
            return [each["restrictionCode"] for each in asked.json()["credentials"]["restrictions"]]

        first, before = client.get(hsa.JSON_LAST_UPDATE_PATH).json()["lastUpdate"], restrictions()
        client.post("/_sandbox/day").raise_for_status()
        second, after = client.get(hsa.JSON_LAST_UPDATE_PATH).json()["lastUpdate"], restrictions()
    assert (before, after) == ([], ["001"])
    assert second > first
