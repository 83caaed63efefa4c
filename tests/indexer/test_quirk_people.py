"""What happens to people in the registers: a code that changes, a move abroad, a date of its own, a hidden identity."""

from datetime import UTC, date, datetime
from pathlib import Path

import orjson
import pytest
import sqlalchemy as sa

from indexer.feeds import hsa_credentials
from indexer.feeds.hsa_credentials import HsaOptions
from indexer.normalize.hsa import HsaNormalizer
from indexer.payloads import open_payload
from indexer.publish import publish
from indexer.pull import _subjects
from registry.records import tables as t
from registry.records.facts import PersonFacts
from registry.search import IndexEngine, SearchQuery
from registry.vocabulary import load_vocabulary
from tests.indexer.feeds import hsa_text
from tests.indexer.feeds.hosp_xml_text import NUMBER, document, licence, person, restriction
from tests.support.shipped import Shipped
from tests.support.world import World

PROBATION = restriction("002", "Prövotid")
REVOKED = restriction("001", "Återkallad legitimation")
OTHER_NUMBER = hsa_text.number("19800101", 981)
COORDINATION = hsa_text.number("19800161", 982)


@pytest.fixture
def office(small_world: World, tmp_path: Path) -> Shipped:
    folder = tmp_path / "files"
    folder.mkdir()
    return Shipped(small_world, folder)


# ---------------------------------------------------------------- a profession whose code changes


def sjukgymnast(more: str = "") -> str:
    return licence("SG", more=more)


def fysioterapeut(more: str = "") -> str:
    return licence("FT", more=f"<beslutsdatumFysioterapeut>20150101</beslutsdatumFysioterapeut>{more}")


# What HOSP says one day after another, and the answers to "may this person practise as physiotherapist?"
RECODED = [
    ("a licence without limits", [sjukgymnast(), fysioterapeut()], ["yes", "yes"]),
    (
        "on probation when recoded, and afterwards no more",
        [sjukgymnast(PROBATION), fysioterapeut(PROBATION), fysioterapeut()],
        ["ask", "ask", "yes"],
    ),
    (
        "the end of probation and the new code at once",
        [sjukgymnast(PROBATION), fysioterapeut()],
        ["ask", "yes"],
    ),
    (
        "revoked when recoded, and given back later",
        [sjukgymnast(REVOKED), fysioterapeut(REVOKED), fysioterapeut()],
        ["no", "no", "yes"],
    ),
    ("restricted only later", [sjukgymnast(), fysioterapeut(), fysioterapeut(REVOKED)], ["yes", "yes", "no"]),
    (
        "both codes listed for a while",
        [sjukgymnast(), sjukgymnast() + fysioterapeut(), fysioterapeut()],
        ["yes", "yes", "yes"],
    ),
    (
        "the old code listed as no longer valid",
        [sjukgymnast(), licence("SG", "false") + fysioterapeut(), fysioterapeut()],
        ["yes", "yes", "yes"],
    ),
]


@pytest.mark.parametrize(
    ("days", "answers"), [case[1:] for case in RECODED], ids=[case[0] for case in RECODED]
)
def test_a_recoded_profession_is_the_same_licence(
    office: Shipped, days: list[str], answers: list[str]
) -> None:
    found = []
    for licences in days:
        report = office.pull("hosp", document(person(licences=licences)), ".xml")
        assert (report.state, report.counts.quarantined) == ("succeeded", 0)
        found.append(office.ask(personal_number=NUMBER, profession="physiotherapist").answer)
    assert found == answers
    standing = [one.facts for one in office.licences() if not one.gone]
    assert [(one.raw_profession, one.profession) for one in standing] == [("FT", "physiotherapist")]


def test_the_history_of_a_recoded_licence_tells_both_codes(office: Shipped) -> None:
    for licences in (sjukgymnast(), fysioterapeut()):
        office.pull("hosp", document(person(licences=licences)), ".xml")
    with office.world.engine.connect() as connection:
        version = t.licence_version
        told = connection.execute(
            sa.select(version.c.licence_id, version.c.facts).order_by(version.c.id)
        ).all()
    assert [orjson.loads(row.facts)["raw_profession"] for row in told] == ["SG", "FT"]
    assert len({row.licence_id for row in told}) == 1


def from_hsa(folder: Path, *parts: str) -> PersonFacts:
    path = folder / "hsa.xml"
    path.write_text(hsa_text.envelope(hsa_text.response(NUMBER, "".join(parts))), "utf-8")
    options = HsaOptions(vocabulary="hsa", jurisdiction="SE")
    (row,) = hsa_credentials.parse([path], options, 100_000)
    return HsaNormalizer(options, load_vocabulary()).facts(row.payload)  # type: ignore[union-attr]


SG, FT = hsa_text.licence("SG", "Sjukgymnast"), hsa_text.licence("FT", "Fysioterapeut")


@pytest.mark.parametrize(
    ("parts", "code", "status", "specialties"),
    [
        ((SG,), "SG", "active", []),
        ((FT,), "FT", "active", []),
        ((SG, FT), "FT", "active", []),
        ((FT, SG), "FT", "active", []),
        ((FT, hsa_text.restriction("001", "Återkallad", "SG")), "FT", "revoked", []),
        ((SG, hsa_text.restriction("001", "Återkallad", "FT")), "SG", "revoked", []),
        ((hsa_text.restriction("001", "Återkallad", "SG"),), "SG", "revoked", []),
        ((FT, hsa_text.speciality("1", "Neurologi", "SG")), "FT", "active", ["Neurologi"]),
    ],
)
def test_hsa_may_lag_behind_with_the_code(
    tmp_path: Path, parts: tuple[str, ...], code: str, status: str, specialties: list[str]
) -> None:
    (found,) = from_hsa(tmp_path, *parts).licences
    assert (found.key, found.raw_profession, found.profession) == ("FT", code, "physiotherapist")
    assert (found.status, [one.text for one in found.specialties]) == (status, specialties)


@pytest.mark.parametrize("hsa_code", ["SG", "FT"])
def test_hosp_and_hsa_agree_whichever_code_hsa_still_has(
    office: Shipped, tmp_path: Path, hsa_code: str
) -> None:
    office.pull("hosp", document(person(licences=fysioterapeut())), ".xml")
    office.world.load({"digest": from_hsa(tmp_path, hsa_text.licence(hsa_code, "x"))}, feed="hsa")
    assert office.ask(personal_number=NUMBER, profession="physiotherapist").answer == "yes"


@pytest.mark.parametrize("profession", ["HK", "ZZ"])
def test_a_code_that_nobody_published_drops_nobody(office: Shipped, profession: str) -> None:
    report = office.pull("hosp", document(person(licences=licence(profession) + licence("SJ"))), ".xml")
    assert (report.counts.added, report.counts.quarantined) == (1, 0)
    found = office.ask(personal_number=NUMBER, profession="registered-nurse")
    assert (found.outcome, found.answer) == ("found", "yes")
    asked = office.ask(personal_number=NUMBER, profession="health-care-counsellor")
    assert asked.answer == ("yes" if profession == "HK" else "ask")


# ---------------------------------------------------------------- a move abroad


def test_who_has_emigrated_keeps_the_licence_and_the_flag_is_kept_with_the_record(office: Shipped) -> None:
    """A licence does not end at the border: the flag decides nothing, and nothing of the record is lost."""
    office.pull("hosp", document(person(licences=licence("SJ"))), ".xml")
    versions = office.versions()
    report = office.pull(
        "hosp", document(person(more="<utvandrad>true</utvandrad>", licences=licence("SJ"))), ".xml"
    )
    assert (report.counts.immaterial, report.counts.changed, report.counts.removed) == (1, 0, 0)
    assert office.versions() == versions
    assert office.ask(personal_number=NUMBER, profession="registered-nurse").answer == "yes"
    kept = t.source_record_version
    with office.world.engine.connect() as connection:
        payloads = connection.scalars(sa.select(kept.c.payload).order_by(kept.c.id)).all()
    records = [orjson.loads(open_payload(office.world.sealer, bytes(payload))) for payload in payloads]
    assert [record.get("utvandrad") for record in records][-1] == "true"


# ---------------------------------------------------------------- a record's own time


def resource(updated: str, family: str = "Berg") -> bytes:
    one = {
        "resourceType": "Practitioner",
        "id": "p1",
        "meta": {"lastUpdated": updated, "versionId": updated[:4]},
        "name": [{"family": family, "given": ["Anna"]}],
        "qualification": [{"identifier": [{"value": "RN1"}], "code": {"text": "Nurse"}}],
    }
    return orjson.dumps(one) + b"\n"


def test_a_record_s_own_time_neither_is_a_change_nor_orders_files(office: Shipped) -> None:
    """Which of two files is newer the feed's own stamp says; a record may be put back from an older copy."""
    office.pull("nppes-fhir", resource("2026-05-01T00:00:00Z"))
    versions = office.versions()
    touched = office.pull("nppes-fhir", resource("2026-06-01T00:00:00Z"))
    assert (touched.counts.immaterial, touched.counts.changed, office.versions()) == (1, 0, versions)

    put_back = office.pull("nppes-fhir", resource("2025-01-01T00:00:00Z", "Lind"))
    assert put_back.counts.changed == 1
    assert office.people()[0].names[0].family == "Lind"


# ---------------------------------------------------------------- a hidden identity


def test_a_person_who_becomes_protected_is_gone_from_everywhere_after_one_pull(
    house: World, index: IndexEngine, tmp_path: Path
) -> None:
    """From index, lists, look-ups by every number, what other feeds are asked, and what waits to be sent."""
    office = Shipped(house, tmp_path)
    former = f"<tidigarePersonId><extension>{COORDINATION}</extension><root>1.2.752.129.2.1.3.3</root></tidigarePersonId>"
    bo = person("100002", licences=licence("SJ")).replace(NUMBER, OTHER_NUMBER).replace("Öberg", "Lind")

    def round_of(anna: str) -> None:
        assert office.pull("hosp", document(anna, bo), ".xml").state == "succeeded"
        publish(house.engine, index, house.settings, lambda *_: None)
        index.refresh()

    def seen() -> tuple[int, int, list[str], list[str]]:
        pages = [index.search(SearchQuery(text=text), date(2026, 11, 22)) for text in ("Anna Öberg", "Lind")]
        questions: list[dict[str, str]] = [
            {"personal_number": NUMBER},
            {"personal_number": COORDINATION},
            {"licence_number": "100001"},
        ]
        asked: list[str] = [office.ask(**question).outcome for question in questions]
        subjects = sorted(set(_subjects(house.engine, house.sealer)))
        return pages[0].total, pages[1].total, asked, subjects

    round_of(person(more=former, licences=licence("LK")))
    # Another authority's record of the same person, which knows nothing of any protection.
    house.load({"hsa": from_hsa(tmp_path, hsa_text.licence("LK", "Läkare"))}, feed="hsa")
    assert seen() == (1, 1, ["found"] * 3, sorted([NUMBER, OTHER_NUMBER]))

    # As the register really writes it: the flag, and hardly anything else.
    hidden = (
        "<hospPerson><hospId><extension>100001</extension><root>1.2.752.116.3.1.1</root></hospId>"
        "<skyddadIdentitet>true</skyddadIdentitet>"
        f"<personId><extension>{NUMBER}</extension><root>1.2.752.129.2.1.3.1</root></personId></hospPerson>\n"
    )
    round_of(hidden)
    assert seen() == (0, 1, ["notFound"] * 3, [OTHER_NUMBER])
    assert house.count(t.outbox) == 0
    assert house.count(t.held_change) == 0

    # The other feed's next record brings nobody back.
    again = from_hsa(tmp_path, hsa_text.licence("LK", "Läkare"), hsa_text.licence("SJ", "Sjuksköterska"))
    house.load({"hsa": again}, feed="hsa", finished_at=datetime.now(UTC))
    publish(house.engine, index, house.settings, lambda *_: None)
    index.refresh()
    assert seen() == (0, 1, ["notFound"] * 3, [OTHER_NUMBER])
