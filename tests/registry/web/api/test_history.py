"""GET /v1/practitioners/{id}/history, and ids that lead to another record."""

import json
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from indexer import joins, runs
from registry.database import writing
from registry.identifiers import NPI
from registry.records import tables as t
from registry.records.facts import RestrictionFacts
from tests.registry.web.people import ANNA_NUMBER, anna, hidden
from tests.registry.web.service import Service
from tests.support.world import licence, person

THEN = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)


def two_versions(service: Service) -> None:
    """Bo, licensed in March, revoked in April."""
    revoked = RestrictionFacts(kind="revoked", code="001", text="Återkallad", valid_from="2026-03-20")
    for learnt, restrictions in ((THEN, ()), (THEN + timedelta(days=31), (revoked,))):
        facts = licence("LK-7", profession="physician", raw_status="giltig", restrictions=restrictions)
        service.world.load({"bo": person("Holm", "Bo", licences=[facts])}, finished_at=learnt)


def merge(service: Service, one: str, into: str) -> tuple[str, str]:
    """Join one person's records to another's; return both public ids."""
    ids = service.public_id(one), service.public_id(into)
    with writing(service.world.engine).begin() as connection:
        joins.merge(
            connection,
            service.internal_id(into),
            service.internal_id(one),
            run_id=runs.start(connection, "test"),
            now=datetime.now(UTC),
            system=NPI,
            use="official",
        )
    service.publish()
    return ids


def test_tells_what_was_known_from_when_to_when(service: Service) -> None:
    two_versions(service)
    public_id = service.public_id("bo")
    answer = service.get(f"/v1/practitioners/{public_id}/history").get_json()
    assert (answer["id"], answer["links"]["self"]) == (public_id, f"/v1/practitioners/{public_id}/history")
    [one] = answer["licences"]
    assert (one["feed"], one["authority"]["id"]) == ("test", "test-authority")
    first, second = one["versions"]
    assert (first["knownFrom"], first["knownTo"]) == ("2026-03-01T03:00:00Z", "2026-04-01T03:00:00Z")
    assert (second["knownFrom"], second["knownTo"]) == ("2026-04-01T03:00:00Z", None)
    assert first["restrictions"] == []
    assert (second["restrictions"][0]["code"], second["restrictions"][0]["rawCode"]) == ("revoked", "001")
    assert (first["profession"]["code"], first["rawStatus"], first["gone"]) == ("physician", "giltig", False)


def test_a_version_that_was_taken_back_says_so(service: Service) -> None:
    two_versions(service)
    with writing(service.world.engine).begin() as connection:
        last = connection.scalar(sa.select(sa.func.max(t.feed_run.c.id)))
        connection.execute(sa.update(t.feed_run).where(t.feed_run.c.id == last).values(undone_run_id=last))
    answer = service.get(f"/v1/practitioners/{service.public_id('bo')}/history").get_json()
    assert [each["undone"] for each in answer["licences"][0]["versions"]] == [False, True]


def test_holds_no_personal_identity_number(full: Service) -> None:
    text = full.get(f"/v1/practitioners/{full.public_id('anna')}/history").get_data(as_text=True)
    assert "RN-100.1" in text
    assert ANNA_NUMBER[2:] not in text


def test_reading_history_stands_in_the_log(full: Service) -> None:
    public_id = full.public_id("anna")
    full.get(f"/v1/practitioners/{public_id}/history?purpose=supervision")
    event = full.events()[-1]
    assert (event.action, event.purpose, event.answer) == ("read", "supervision", "found")
    assert json.loads(event.question) == {"id": public_id, "history": True}
    assert full.subjects(event.id) == {full.internal_id("anna")}


def test_an_unknown_purpose_is_refused_and_nothing_logged(full: Service) -> None:
    before = len(full.events())
    answer = full.get(f"/v1/practitioners/{full.public_id('anna')}/history?purpose=curiosity")
    assert answer.status_code == 400
    assert len(full.events()) == before


def test_a_protected_person_has_no_history_like_nobody(full: Service) -> None:
    public_id = full.public_id("hanna")
    nobody = "A" * len(public_id)
    protected = full.get(f"/v1/practitioners/{public_id}/history")
    absent = full.get(f"/v1/practitioners/{nobody}/history")
    assert protected.status_code == absent.status_code == 404
    assert protected.get_data().replace(public_id.encode(), b"ID") == absent.get_data().replace(
        nobody.encode(), b"ID"
    )
    logged = [(full.subjects(event.id), event.answer) for event in full.events()[-2:]]
    assert logged == [({full.internal_id("hanna")}, "not found"), (set(), "not found")]


def test_history_without_its_event_is_not_given(service: Service) -> None:
    service.world.load({"anna": anna()})
    public_id = service.public_id("anna")
    with writing(service.world.access_engine).begin() as connection:
        connection.execute(sa.text("ALTER TABLE access_event RENAME TO lost"))
    answer = service.get(f"/v1/practitioners/{public_id}/history")
    assert answer.status_code == 503
    assert "RN-100.1" not in answer.get_data(as_text=True)


# ---------------------------------------------------------------- ids that lead on


def test_the_id_of_a_merged_person_shows_the_person_with_the_records_now(service: Service) -> None:
    service.load({"anna": anna(), "again": person("Lindqvist", "Anna", licences=[licence("RN-9")])})
    old, kept = merge(service, "again", "anna")
    for path in ("", "/history"):
        by_old, by_kept = (service.get(f"/v1/practitioners/{each}{path}").get_json() for each in (old, kept))
        assert by_old == by_kept
        assert by_old["id"] == kept
    numbers = {one["number"] for one in service.get(f"/v1/practitioners/{old}").get_json()["licences"]}
    assert numbers == {"RN-100.1", "RN-9"}
    event = service.events()[-1]
    assert json.loads(event.question)["id"] == old
    assert service.subjects(event.id) == {service.internal_id("anna")}


def test_the_id_of_a_person_merged_into_a_protected_one_is_answered_like_nobody(service: Service) -> None:
    service.load({"hanna": hidden(), "again": person("Skyddad", "H", licences=[licence("RN-9")])})
    old, _ = merge(service, "again", "hanna")
    nobody = "A" * len(old)
    for path in ("", "/history"):
        merged = service.get(f"/v1/practitioners/{old}{path}")
        absent = service.get(f"/v1/practitioners/{nobody}{path}")
        assert merged.status_code == absent.status_code == 404
        assert merged.get_data().replace(old.encode(), b"ID") == absent.get_data().replace(
            nobody.encode(), b"ID"
        )
    assert service.verify(licenceNumber="RN-9").get_json()["outcome"] == "notFound"


def test_a_merged_person_is_found_once(service: Service) -> None:
    service.load({"anna": anna(), "again": person("Lindqvist", "Anna", licences=[licence("RN-9")])})
    _, kept = merge(service, "again", "anna")
    for question in ("name=lindqvist", "licenceNumber=RN-9"):
        found = service.get(f"/v1/practitioners?{question}").get_json()
        assert ([each["id"] for each in found["items"]], found["total"]) == ([kept], 1), question
    assert service.verify(licenceNumber="RN-9").get_json()["practitioner"]["id"] == kept
    # Somebody else's search finds nobody where the index is behind: nothing is left to show.
    assert service.world.count(t.outbox) == 0


def test_an_index_that_is_behind_shows_nothing_of_a_merged_person(service: Service) -> None:
    service.load({"anna": anna(), "again": person("Öhrn", "Ada")})
    with writing(service.world.engine).begin() as connection:
        table = t.practitioner
        one, into = service.internal_id("again"), service.internal_id("anna")
        connection.execute(sa.update(table).where(table.c.id == one).values(merged_into_id=into))
    found = service.get("/v1/practitioners?name=öhrn").get_json()
    assert (found["items"], found["total"]) == ([], 0)
    event = service.events()[-1]
    assert service.subjects(event.id) == set()
