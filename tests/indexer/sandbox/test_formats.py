import csv
import io
from typing import Any

import pytest
from lxml import etree
from msgspec.structs import replace

from indexer.sandbox import fixed, formats
from indexer.sandbox.model import (
    Credential,
    Provider,
    ProviderName,
    Qualification,
    Restriction,
    Specialty,
    SwedishLicence,
    SwedishPerson,
    WashingtonPerson,
)
from registry.identifiers import COORDINATION_NUMBER, NPI

NS = f"{{{formats.HOSP_NAMESPACE}}}"
# The order in which the schema (licensetopractice 2.0) wants the elements.
PERSON_ORDER = [
    "hospId",
    "personId",
    "tidigarePersonId",
    "efternamn",
    "mellannamn",
    "samtligaFornamn",
    "tilltalsnamn",
    "fodelsedatum",
    "kon",
    "lan",
    "kommun",
    "folkbokforingsort",
    "skyddadIdentitet",
    "skyddadIdentitetUpplysning",
    "avliden",
    "avlidenDatum",
    "utvandrad",
    "forskrivarkod",
    "legitimation",
]
LICENCE_ORDER = [
    "legitimeratYrke",
    "giltigLegitimation",
    "utbildning",
    "utbildningsland",
    "internationellOverrenskommelse",
    "legitimationsDatum",
    "beslutsdatumFysioterapeut",
    "examensdatum",
    "larosate",
    "grundyrke",
    "forskrivningsratt",
    "forskrivningsrattDatum",
    "specialistbevis",
    "behorighetsbegransning",
    "ovrigBehorighet",
]
FULL = SwedishPerson(
    hosp_id=90_000_001,
    number="199008619807",
    former_number="199008619815",
    family="Ek & Lind <test>",
    middle="Åsén",
    given=("Märta", "Anna-Clara"),
    called="Anna-Clara",
    born="1990-08-01",
    sex="F",
    county="12",
    municipality="1281",
    place="Lund",
    deceased=True,
    deceased_on="2024-05",
    prescriber_code=1234567,
    licences=(
        SwedishLicence(
            code="LK",
            text="Läkare",
            valid=False,
            issued="1969",
            recoded="2014-02-03",
            examined="1968-06",
            school="Lunds universitet",
            country="Polen",
            basic_profession="Sjuksköterska",
            prescribes=True,
            prescribes_since="1969-01-02",
            specialties=(Specialty("201", "1.2.752.116.3.1.9", "Allmänmedicin", "1975-03"),),
            restrictions=(
                Restriction("002", "2020-01-01", "2023-01-01"),
                Restriction("003", "2021-01-01", text="Får inte förskriva"),
            ),
        ),
    ),
)


def element(person: SwedishPerson) -> etree._Element:
    root = etree.fromstring((formats.HOSP_HEAD + formats.hosp_person(person) + formats.HOSP_FOOT).encode())
    (found,) = root
    assert found.tag == f"{{{formats.RESPONSE_NAMESPACE}}}hospPerson"
    return found


def names(parent: etree._Element) -> list[str]:
    assert all(child.tag.startswith(NS) for child in parent)
    return [child.tag.removeprefix(NS) for child in parent]


def texts(parent: etree._Element, path: str) -> list[str]:
    return [found.text or "" for found in parent.findall("/".join(NS + step for step in path.split("/")))]


def test_every_element_stands_where_the_schema_wants_it() -> None:
    person = element(FULL)
    found = names(person)
    assert sorted(found, key=PERSON_ORDER.index) == found
    assert set(PERSON_ORDER) - set(found) == {"skyddadIdentitetUpplysning"}
    (licence,) = person.findall(f"{NS}legitimation")
    found = names(licence)
    assert sorted(found, key=LICENCE_ORDER.index) == found
    assert set(LICENCE_ORDER) - set(found) == {
        "utbildning",
        "internationellOverrenskommelse",
        "ovrigBehorighet",
    }


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("hospId/extension", ["90000001"]),
        ("hospId/root", ["1.2.752.116.3.1.1"]),
        ("personId/root", [COORDINATION_NUMBER.removeprefix("urn:oid:")]),
        ("efternamn", ["Ek & Lind <test>"]),
        ("mellannamn", ["Åsén"]),
        ("samtligaFornamn", ["Märta", "Anna-Clara"]),
        ("fodelsedatum", ["19900801"]),
        ("avlidenDatum", ["202405"]),
        ("lan/displayName", ["Skåne län"]),
        ("kommun/code", ["1281"]),
        ("legitimation/giltigLegitimation", ["false"]),
        ("legitimation/legitimationsDatum", ["1969"]),
        ("legitimation/examensdatum", ["196806"]),
        ("legitimation/legitimeratYrke/code", ["LK"]),
        ("legitimation/specialistbevis/specialistinriktning/codeSystem", ["1.2.752.116.3.1.9"]),
        ("legitimation/behorighetsbegransning/typAvBehorighetsbegransning/code", ["002", "003"]),
        ("legitimation/behorighetsbegransning/tomDatum", ["20230101"]),
        ("legitimation/behorighetsbegransning/begransadForskrivningsrattText", ["Får inte förskriva"]),
    ],
)
def test_values_are_written_as_the_schema_says(path: str, expected: list[str]) -> None:
    assert texts(element(FULL), path) == expected


def test_older_records_have_all_given_names_in_one_element() -> None:
    assert texts(element(replace(FULL, hosp_id=90_000_010)), "samtligaFornamn") == ["Märta Anna-Clara"]


def test_what_is_not_known_is_left_out() -> None:
    bare = SwedishPerson(
        hosp_id=90_000_001, number="", family="Ek", given=("Bo",), born="1950-01-01", sex="M"
    )
    assert names(element(bare)) == [
        "hospId",
        "efternamn",
        "samtligaFornamn",
        "fodelsedatum",
        "kon",
        "skyddadIdentitet",
        "avliden",
        "utvandrad",
    ]


def test_a_protected_record_is_emptied_as_the_real_service_does() -> None:
    person = element(replace(FULL, protected=True))
    assert names(person) == [
        "hospId",
        "personId",
        "fodelsedatum",
        "skyddadIdentitet",
        "skyddadIdentitetUpplysning",
        "avliden",
    ]
    assert texts(person, "skyddadIdentitet") == ["true"]
    assert "Socialstyrelsen" in texts(person, "skyddadIdentitetUpplysning")[0]


HOLDER = WashingtonPerson(
    family='O"Neil, Jr',
    given="Ann",
    birth_year="1980",
    credentials=(
        Credential(number="NA69000001", type="Nursing Assistant Registration", status="Expired – Active MSL"),
        Credential(
            number="RN69000001",
            type="Registered Nurse License",
            status="Active",
            first_issued="2010-05-09",
            last_issued="2025-12-01",
            expires="2027-02-03",
        ),
    ),
)


def test_socrata_json_leaves_out_what_is_empty_and_adds_a_time_to_dates() -> None:
    row = formats.socrata_json(formats.washington_row(HOLDER, HOLDER.credentials[0]))
    assert row == {
        "credentialnumber": "NA69000001",
        "lastname": 'O"Neil, Jr',
        "firstname": "Ann",
        "credentialtype": "Nursing Assistant Registration",
        "status": "Expired – Active MSL",
        "birthyear": "1980",
        "actiontaken": "No",
    }
    dated = formats.socrata_json(formats.washington_row(HOLDER, HOLDER.credentials[1]))
    assert dated["firstissuedate"] == "2010-05-09T00:00:00.000"


def test_csv_has_every_column_and_american_dates() -> None:
    line = formats.socrata_csv(formats.washington_row(HOLDER, HOLDER.credentials[1]))
    (values,) = csv.reader(io.StringIO(line))
    row = dict(zip(formats.WASHINGTON_COLUMNS.values(), values, strict=True))
    assert row["LastName"] == 'O"Neil, Jr'
    assert row["MiddleName"] == ""
    assert (row["FirstIssueDate"], row["ExpirationDate"]) == ("05/09/2010", "02/03/2027")


PROVIDER = Provider(
    id="0b7c",
    npi="9123456789",
    swedish_number=fixed.IN_TWO_REGISTERS_NUMBER,
    names=(
        ProviderName(use="usual", family="Reyes", given=("Ana", "M"), prefix="DR.", suffix="II"),
        ProviderName(use="maiden", family="Cruz", given=("Ana",)),
    ),
    born="1979-02",
    sex="F",
    city="Albany",
    state="NY",
    postal_code="12207",
    qualifications=(
        Qualification(
            number="123", state="NY", taxonomy="163W00000X", text="Nurse", issuer="Board", end="2027-12-31"
        ),
    ),
)


def resource(quirk: int) -> dict[str, Any]:
    return formats.practitioner(replace(PROVIDER, quirk=quirk))


def test_a_plain_practitioner_has_number_names_and_licence_where_fhir_puts_them() -> None:
    found = resource(61)
    assert found["identifier"][0] == {"system": NPI, "value": "9123456789"}
    assert [name["use"] for name in found["name"]] == ["usual", "maiden"]
    assert found["name"][0]["prefix"] == ["DR."]
    (licence,) = found["qualification"]
    assert licence["identifier"] == [{"value": "123", "state": "NY", "use": "official"}]
    assert licence["code"]["coding"][0]["code"] == "163W00000X"
    assert licence["period"] == {"end": "2027-12-31"}
    assert found["birthDate"] == "1979-02"


def test_oddities_of_real_directories() -> None:
    assert resource(0)["name"][0]["given"] == ["Ana", "M", None]
    assert resource(0)["name"][1]["suffix"] == [None]
    assert resource(12)["name"][0]["period"] == {"start": "1900-01-01T00:00:00"}
    old = resource(30)
    assert old["identifier"][0]["system"] == "NPI"
    assert old["qualification"][0]["identifier"] == [{"value": "123", "state": "NY"}]
    assert old["qualification"][0]["code"]["coding"][0]["system"] == "NUCC"
    assert "issuer" not in old["qualification"][0]
    assert resource(41)["qualification"] == []
    by_extension = resource(95)["qualification"][0]
    assert "state" not in by_extension["identifier"][0]
    assert by_extension["extension"][0]["extension"][0]["url"] == "whereValid"
    assert resource(47)["identifier"][-1]["system"] == "MEDICAID"
    assert resource(56)["name"][0] == {"use": "usual", "text": "DR. Ana M Reyes II"}


@pytest.mark.parametrize(
    ("quirk", "system"),
    [(61, "urn:oid:1.2.752.129.2.1.3.1"), (62, "http://electronichealth.se/identifier/personnummer")],
)
def test_a_swedish_number_comes_under_either_name_of_its_system(quirk: int, system: str) -> None:
    assert resource(quirk)["identifier"][1] == {
        "use": "official",
        "system": system,
        "value": fixed.IN_TWO_REGISTERS_NUMBER,
    }


def test_without_a_birth_date_taxonomy_or_dates_those_are_left_out() -> None:
    licence = Qualification(number="1", state="CA", taxonomy="", text="Midwife License", issuer="Board")
    found = formats.practitioner(replace(PROVIDER, born="", swedish_number="", qualifications=(licence,)))
    assert "birthDate" not in found
    assert found["qualification"][0]["code"] == {"text": "Midwife License"}
    assert "period" not in found["qualification"][0]
