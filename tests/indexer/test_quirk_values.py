"""Values that look like something else: moments as numbers, numbers as words, codes that mean two things."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
import sqlalchemy as sa

from indexer.normalize.table_dates import READERS
from registry.dates import parse_compact, parse_iso, parse_us
from registry.records import tables as t
from tests.indexer.feeds import hosp_xml_text
from tests.indexer.feeds.hosp_xml_text import code, document, licence
from tests.indexer.lists_of_people import EVERYBODY, One, npi, washington
from tests.support.shipped import Shipped
from tests.support.world import World

DATES: dict[str, Callable[[str], str]] = {
    "ISO": parse_iso,
    "compact": parse_compact,
    "US": parse_us,
    **{f"a list's {form}": parse for form, parse in READERS.items()},
}
SECONDS, MILLISECONDS = 1_537_639_861, 1_537_639_861_000


@pytest.fixture
def office(small_world: World, tmp_path: Path) -> Shipped:
    folder = tmp_path / "files"
    folder.mkdir()
    return Shipped(small_world, folder)


# ---------------------------------------------------------------- moments as numbers


@pytest.mark.parametrize("parse", DATES.values(), ids=DATES)
@pytest.mark.parametrize("moment", [SECONDS, MILLISECONDS, 315_532_800, 946_684_800_000, 4_102_444_800])
def test_a_moment_in_seconds_or_milliseconds_is_read_as_no_date(
    parse: Callable[[str], str], moment: int
) -> None:
    for text in (f"{moment}", f"{moment}.0", f"{moment}.5", f"-{moment}"):
        with pytest.raises(ValueError, match=r"expected a date|year"):
            parse(text)


def result(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """One result of the NPI Registry."""
    basic = {"first_name": "ANNA", "last_name": "BERG", "status": "A", **changes.pop("basic", {})}
    slot = {"code": "163W00000X", "license": "RN1", "state": "GA", "primary": True}
    return {
        "enumeration_type": "NPI-1",
        "number": npi(1),
        "basic": basic,
        "taxonomies": [slot],
        **changes,
    }


def test_moments_that_only_say_when_a_record_was_touched_change_nobody(office: Shipped) -> None:
    """The NPI Registry has written them in seconds and in milliseconds, as numbers and as text."""
    first = result(created_epoch=SECONDS, last_updated_epoch=SECONDS, basic={"last_updated": "2018-09-22"})
    assert office.pull("npi-registry", orjson.dumps(first) + b"\n").counts.added == 1
    facts, versions = [one.facts for one in office.licences()], office.versions()
    for epoch, day in ((MILLISECONDS, "2018-09-22"), (f"{MILLISECONDS}", "2026-01-01"), (0, "2001-01-01")):
        again = result(created_epoch=epoch, last_updated_epoch=epoch, basic={"last_updated": day})
        report = office.pull("npi-registry", orjson.dumps(again) + b"\n")
        assert (report.state, report.counts.immaterial, report.counts.changed) == ("succeeded", 1, 0)
    assert [one.facts for one in office.licences()] == facts
    assert (facts[0].issued, facts[0].valid_from, facts[0].valid_to) == (None, None, None)
    assert office.versions() == versions


@pytest.mark.parametrize("epoch", [SECONDS, f"{MILLISECONDS}"])
def test_a_deactivation_whose_day_is_a_number_counts_without_a_day(office: Shipped, epoch: object) -> None:
    office.pull("npi-registry", orjson.dumps(result()) + b"\n")
    office.pull("npi-registry", orjson.dumps(result(basic={"deactivation_date": epoch})) + b"\n")
    (found,) = office.licences()
    assert (found.facts.status, found.facts.valid_to) == ("lapsed", None)

    back = result(basic={"deactivation_date": "2018-01-01", "reactivation_date": epoch})
    report = office.pull("npi-registry", orjson.dumps(back) + b"\n")
    assert report.counts.quarantined == 1
    assert office.licences()[0].facts.status == "lapsed", "good news that can't be read is no news"


@pytest.mark.parametrize("epoch", [SECONDS, MILLISECONDS])
def test_a_last_day_that_is_a_number_holds_good_news_back_and_bad_news_not(
    office: Shipped, epoch: int
) -> None:
    row = {
        "credentialnumber": "RN1",
        "lastname": "Berg",
        "firstname": "Anna",
        "credentialtype": "Registered Nurse License",
        "birthyear": "1980",
        "actiontaken": "No",
    }
    good = {**row, "status": "ACTIVE", "expirationdate": epoch}
    bad = {**row, "credentialnumber": "RN2", "status": "SUSPENDED", "expirationdate": epoch}
    report = office.pull("washington", orjson.dumps([good, bad]), ".json")
    assert (report.counts.added, report.counts.quarantined) == (1, 1)
    (found,) = office.licences()
    assert (found.facts.number, found.facts.status, found.facts.valid_to) == ("RN2", "suspended", None)


# ---------------------------------------------------------------- numbers and codes are text

NUMBERS = ["00012", "0012", "12", "12E3", "012E3", "1e5", "NA00012", "NULL", "0x12", "1.50", "1.5"]


def test_numbers_differ_by_every_sign_that_tells_them_apart(office: Shipped) -> None:
    """Zeros before them, letters in them, and what programs take for nothing or for a number of another kind."""
    header, row = washington(EVERYBODY[:1]).splitlines()
    lines = [row.replace("RN00000000", number) for number in NUMBERS]
    report = office.pull("washington", "\n".join([header, *lines, ""]), ".csv", export="csv")
    assert (report.counts.added, report.counts.quarantined) == (len(NUMBERS), 0)
    assert sorted(one.facts.number for one in office.licences()) == sorted(NUMBERS)
    for number in NUMBERS:
        found = office.ask(licence_number=number)
        assert (found.outcome, found.licences[0].verdict.licence.facts.number) == ("found", number)
    assert office.ask(licence_number="000012").outcome == "notFound"


def test_na_is_a_profession_and_not_nothing(office: Shipped) -> None:
    office.pull("hosp", document(hosp_xml_text.person(licences=licence("NA"))), ".xml")
    found = office.ask(personal_number=hosp_xml_text.NUMBER, profession="naprapath")
    assert found.answer == "yes"
    assert found.licences[0].verdict.licence.facts.raw_profession == "NA"


def test_a_name_that_looks_like_nothing_is_a_name(office: Shipped) -> None:
    people = [One(place, name) for place, name in enumerate(("Null", "None", "NaN", "True", "Na"))]
    office.pull("washington", washington(people), ".csv", export="csv")
    assert [person.names[0].family for person in office.people()] == ["Null", "None", "NaN", "True", "Na"]


# ---------------------------------------------------------------- a code and its system


def specialty(value: str, system: str, text: str) -> str:
    title = code("specialistinriktning", value, system, text)
    return f"<specialistbevis>{title}<specialistbevisDatum>2010</specialistbevisDatum></specialistbevis>"


OF_2008, OF_2015, OF_2021 = (f"1.2.752.116.3.1.{last}" for last in (8, 9, 20))


def test_one_code_of_two_regulations_is_two_specialties(office: Shipped) -> None:
    """Each regulation of specialist training has its own code system: the code alone does not tell which is meant."""

    def pull(*systems: str) -> list[tuple[str, str, str]]:
        more = "".join(specialty("74", system, f"Titel enligt {system[-1]}") for system in systems)
        office.pull("hosp", document(hosp_xml_text.person(licences=licence("LK", more=more))), ".xml")
        return [(s.code, s.system, s.text) for s in office.licences()[0].facts.specialties]

    both = pull(OF_2008, OF_2015)
    assert both == [
        ("74", f"urn:oid:{OF_2008}", "Titel enligt 8"),
        ("74", f"urn:oid:{OF_2015}", "Titel enligt 9"),
    ]
    versions = office.versions()
    # The same code under a system that the published list does not know yet is kept, and is another title.
    assert pull(OF_2008, OF_2021)[1][:2] == ("74", f"urn:oid:{OF_2021}")
    assert office.versions() == versions + 1
    with office.world.engine.connect() as connection:
        assert set(connection.scalars(sa.select(t.specialty.c.system))) == {
            f"urn:oid:{OF_2008}",
            f"urn:oid:{OF_2021}",
        }
