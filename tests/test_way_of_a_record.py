"""One record from the bytes an authority serves to the answer a caller gets, with no part replaced, on both sizes."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from indexer.feeds.descriptor import load_feed
from indexer.publish import publish
from indexer.pull import Puller
from indexer.sandbox import fixed
from indexer.sandbox.identities import personal_number
from registry.records import tables as t
from registry.settings import CONFIG
from registry.vocabulary import load_vocabulary
from tests.registry.access.harness import AUDIENCE, running_idp
from tests.registry.web.service import Service
from tests.services.opensearch import OpenSearchServer
from tests.support.authorities import authorities
from tests.support.engines import index_of, large_house, small_house
from tests.support.samples import SAMPLES, needs_samples

NPPES = SAMPLES / "fhir-nppes" / "practitioners-400.yaml"


@pytest.fixture(scope="session")
def environ() -> Iterator[dict[str, Any]]:
    with running_idp() as idp:
        yield {
            "idp": idp,
            "REGISTRY_TOKENS__ISSUER": idp.issuer,
            "REGISTRY_TOKENS__AUDIENCE": AUDIENCE,
        }


@pytest.fixture(params=["small", "large"])
def whole(request: pytest.FixtureRequest, tmp_path: Path, environ: dict[str, Any]) -> Iterator[Service]:
    """The whole service on either size of the house."""
    rest = dict(environ)
    idp = rest.pop("idp")
    if request.param == "small":
        world = small_house(tmp_path, **rest)
    else:
        database = request.getfixturevalue("fresh_postgres_database")
        url, prefix = request.getfixturevalue("opensearch_url"), request.getfixturevalue("opensearch_prefix")
        world = large_house(tmp_path, database, url, prefix, **rest)
    service = Service(world, idp)
    yield service
    service.close()


def test_records_travel_from_three_authorities_to_verdicts(whole: Service, tmp_path: Path) -> None:
    with authorities(tmp_path) as served:
        served.pull(whole.world)
    whole.publish()

    nurse = whole.verify(licenceNumber=str(fixed.ACTIVE_NURSE_HOSP_ID), profession="registered-nurse").json
    revoked = whole.verify(personalIdentityNumber=fixed.REVOKED_PHYSICIAN_NUMBER, profession="physician").json
    probation = whole.verify(name="Ebba Provström", birthDate="1988-01-17", profession="physician").json
    suspended = whole.verify(licenceNumber=fixed.SOCIAL_WORKER_SUSPENDED_CREDENTIAL).json
    namesakes = whole.verify(name="Elin Provgren", birthDate="1990-06-15").json
    protected = whole.verify(personalIdentityNumber=fixed.PROTECTED_NUMBER).json
    absent = whole.verify(personalIdentityNumber=personal_number(date(1900, 1, 1), 989)).json
    assert nurse and revoked and probation and suspended and namesakes and protected and absent  # noqa: PT018 - for the type checker

    assert [found["verdict"] for found in (nurse, revoked, probation, suspended)] == [
        "yes",
        "no",
        "ask",
        "no",
    ]
    assert revoked["licences"][0]["restrictions"][0]["code"] == "revoked"
    assert probation["licences"][0]["restrictions"][0]["code"] == "probation"
    assert nurse["licences"][0]["feed"] == nurse["sources"][0]["id"] == "hosp"
    assert (namesakes["verdict"], namesakes["outcome"]) == ("ask", "ambiguous")
    assert protected["outcome"] == absent["outcome"] == "notFound"
    for same in (protected, absent):
        # These differ between any two answers: the moment, and the evidence.
        del same["checkedAt"], same["knownAt"], same["id"], same["links"]
    assert protected == absent


def test_a_change_at_the_authority_changes_the_answer(whole: Service, tmp_path: Path) -> None:
    question = {"personalIdentityNumber": fixed.REVOKED_ON_DAY_1_NUMBER, "profession": "registered-nurse"}
    with authorities(tmp_path) as served:
        served.pull(whole.world)
        whole.publish()
        before = whole.verify(**question).json
        married = whole.get("/v1/practitioners?name=Tuva+Provek").json
        served.next_day()
        served.pull(whole.world)
        whole.publish()
    after = whole.verify(**question).json
    assert before and after and married  # noqa: PT018 - for the type checker

    assert (before["verdict"], after["verdict"]) == ("yes", "no")
    assert married["total"] == 0
    found = whole.get("/v1/practitioners?name=Tuva+Provek").json
    assert found and found["total"] == 1  # noqa: PT018 - for the type checker
    assert whole.verify(personalIdentityNumber=fixed.PROTECTED_ON_DAY_1_NUMBER).json["outcome"] == "notFound"  # type: ignore[index]


def test_every_answer_about_a_person_is_in_the_access_log(whole: Service, tmp_path: Path) -> None:
    with authorities(tmp_path) as served:
        served.pull(whole.world, "hosp")
    whole.publish()
    whole.verify(personalIdentityNumber=fixed.ACTIVE_NURSE_NUMBER)
    whole.get("/v1/practitioners?name=Saga+Provberg")

    events = whole.events()
    assert [event.action for event in events] == ["verify", "search"]
    assert fixed.ACTIVE_NURSE_NUMBER not in "".join(str(tuple(event)) for event in events)
    nurse = whole.internal_id(str(fixed.ACTIVE_NURSE_HOSP_ID))
    assert all(nurse in whole.subjects(event.id) for event in events)


def nppes_as_bulk(folder: Path) -> tuple[Path, list[str]]:
    """The published sample as FHIR Bulk NDJSON, and every licence number in it."""
    people = [person for person in yaml.safe_load_all(NPPES.read_text("utf-8")) if person]
    target = folder / "Practitioner.000.ndjson"
    target.write_text("".join(json.dumps(person) + "\n" for person in people), "utf-8")
    numbers = [
        str(identifier["value"])
        for person in people
        for qualification in person.get("qualification") or []
        for identifier in qualification.get("identifier") or []
        if identifier.get("value")
    ]
    return target, numbers


@needs_samples
def test_every_licence_number_of_400_real_practitioners_is_found(whole: Service, tmp_path: Path) -> None:
    file, numbers = nppes_as_bulk(tmp_path)
    feed_file = tmp_path / "nppes-fhir.toml"
    text = (CONFIG / "feeds" / "nppes-fhir.toml").read_text("utf-8")
    start, end = text.index("[source]"), text.index("[options]")
    feed_file.write_text(
        f'{text[:start]}[source]\ntransport = "file"\npath = "{file}"\n\n{text[end:]}', "utf-8"
    )
    world = whole.world
    report = Puller(world.engine, world.sealer, load_vocabulary(), world.settings.indexer).pull(
        load_feed(feed_file)
    )
    index = index_of(world)
    publish(world.engine, index, world.settings, lambda *_: None)
    index.close()

    assert (report.state, report.counts.quarantined) == ("succeeded", 0)
    # 90 of the 400 documents are about organizations, which have no licence of a person.
    assert (world.count(t.practitioner), len(numbers)) == (310, 396)
    missing = [number for number in set(numbers) if not found_by_number(whole, number)]
    assert missing == []


def found_by_number(service: Service, number: str) -> bool:
    answer = service.app.test_client().get(
        "/v1/practitioners",
        query_string={"licenceNumber": number},
        headers={"Authorization": f"Bearer {service.idp.token(scope='registry:search')}"},
    )
    wanted = "".join(number.split())
    return answer.status_code == 200 and any(
        wanted == "".join((licence["number"] or "").split())
        for item in answer.json["items"]  # type: ignore[index]
        for licence in item["licences"]
    )


def test_while_the_engine_is_down_numbers_answer_and_names_say_when_to_come_back(
    tmp_path: Path,
    environ: dict[str, Any],
    fresh_postgres_database: Any,  # noqa: ANN401 - a factory fixture
    stoppable_opensearch: OpenSearchServer,
    opensearch_prefix: str,
) -> None:
    rest = dict(environ)
    service = Service(
        large_house(
            tmp_path,
            fresh_postgres_database,
            stoppable_opensearch.url,
            opensearch_prefix,
            **{k: v for k, v in rest.items() if k != "idp"},
        ),
        environ["idp"],
    )
    with authorities(tmp_path) as served:
        served.pull(service.world, "hosp")
    service.publish()
    stoppable_opensearch.kill()
    by_number = service.verify(personalIdentityNumber=fixed.ACTIVE_NURSE_NUMBER)
    by_licence = service.get(f"/v1/practitioners?licenceNumber={fixed.ACTIVE_NURSE_HOSP_ID}")
    by_name = service.get("/v1/practitioners?name=Saga+Provberg")
    verify_by_name = service.verify(name="Saga Provberg", birthDate="1984-03-12")
    stoppable_opensearch.start()
    back = service.get("/v1/practitioners?name=Saga+Provberg")
    service.close()

    assert by_number.json and by_number.json["verdict"] == "yes"  # noqa: PT018 - for the type checker
    assert by_licence.json and by_licence.json["total"] == 1  # noqa: PT018 - for the type checker
    for refused in (by_name, verify_by_name):
        assert refused.status_code == 503
        assert refused.mimetype == "application/problem+json"
        assert int(refused.headers["Retry-After"]) > 0
    assert back.status_code == 200
