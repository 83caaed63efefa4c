from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from indexer.feeds import load_feed
from indexer.feeds.options import FhirOptions
from indexer.normalize.errors import BadRecordError
from indexer.normalize.of_feed import Normalizer
from registry.identifiers import COORDINATION_NUMBER, HSA_ID, NPI, PERSONAL_IDENTITY_NUMBER
from registry.records.facts import LicenceFacts, PersonFacts, Status
from registry.settings import CONFIG
from registry.vocabulary import load_vocabulary

FEED = load_feed(CONFIG / "feeds" / "nppes-fhir.toml")
VOCABULARY = load_vocabulary()
SURGEON = {"text": "Orthopaedic Surgery", "coding": [{"code": "207X00000X", "system": "NUCC"}]}
NURSE = {"text": "Registered Nurse", "coding": [{"code": "163W00000X", "system": "NUCC"}]}
Resource = dict[str, Any]


def read(resource: Resource, **options: object) -> PersonFacts:
    assert isinstance(FEED.options, FhirOptions)
    feed = replace(FEED, options=replace(FEED.options, **options))
    return Normalizer(feed, VOCABULARY).facts(
        orjson.dumps({"resourceType": "Practitioner", "id": "1", **resource})
    )


def licences(*qualifications: Resource | None, **options: object) -> tuple[LicenceFacts, ...]:
    return read({"qualification": list(qualifications)}, **options).licences


def qualification(code: Resource | None = SURGEON, number: str | None = "12637", **more: object) -> Resource:
    identifier = [] if number is None else [{"value": number, "state": "NE"}]
    return {"code": code, "identifier": identifier, **more}


def test_a_licence_for_each_number_with_its_state_code_and_specialty() -> None:
    (found,) = licences(qualification())
    assert (found.key, found.number, found.jurisdiction) == ("US-NE|12637", "12637", "US-NE")
    assert (found.profession, found.raw_profession, found.raw_profession_text) == (
        "physician",
        "207X00000X",
        "Orthopaedic Surgery",
    )
    assert [(s.code, s.system, s.text) for s in found.specialties] == [
        ("207X00000X", "NUCC", "Orthopaedic Surgery")
    ]
    assert (found.status, found.raw_status) == ("unknown", "")


def test_a_code_that_only_names_the_profession_is_no_specialty() -> None:
    assert licences(qualification(NURSE))[0].specialties == ()


def test_one_number_under_several_codes_of_a_profession_is_one_licence() -> None:
    knee = {"text": "Sports Medicine", "coding": [{"code": "207XX0005X", "system": "NUCC"}]}
    (found,) = licences(qualification(knee), qualification())
    assert [s.code for s in found.specialties] == ["207X00000X", "207XX0005X"]
    assert (found,) == licences(qualification(), qualification(knee))


def test_one_number_under_codes_of_two_professions_is_two_licences() -> None:
    both = licences(qualification(NURSE), qualification())
    assert {(found.profession, found.number) for found in both} == {
        ("physician", "12637"),
        ("registered-nurse", "12637"),
    }
    assert len({found.key for found in both}) == 2


def test_equal_numbers_of_two_states_are_two_licences() -> None:
    kansas = {"code": SURGEON, "identifier": [{"value": "12637", "state": "KS"}]}
    assert [found.key for found in licences(qualification(), kansas)] == ["US-KS|12637", "US-NE|12637"]


def test_a_qualification_with_several_numbers_gives_each() -> None:
    both = {"code": SURGEON, "identifier": [{"value": "1", "state": "NE"}, None, {"value": 2, "state": "KS"}]}
    assert [found.number for found in licences(both)] == ["2", "1"]


@pytest.mark.parametrize(
    "identifier", [None, [], [None], [{"state": "NE"}], [{"value": None, "state": "NE"}]]
)
def test_a_qualification_without_a_number_is_kept_for_its_code(identifier: object) -> None:
    (found,) = licences({"code": SURGEON, "identifier": identifier})
    assert (found.number, found.profession) == ("", "physician")
    assert found.key.endswith("||207X00000X")


def test_qualifications_without_number_and_code_are_told_apart_by_their_text() -> None:
    texts = [{"code": {"text": text}} for text in ("Healer", "Herbalist")]
    found = licences(*texts)
    assert [(f.raw_profession_text, f.profession) for f in found] == [
        ("Healer", "unknown"),
        ("Herbalist", "unknown"),
    ]
    assert len({f.key for f in found}) == 2


def test_what_says_nothing_is_no_licence() -> None:
    assert licences(None, {}, {"code": None, "identifier": None}, {"code": {"coding": [None]}}) == ()


def test_unknown_codes_are_kept_and_ask_a_human() -> None:
    strange = {"text": "Beekeeper", "coding": [{"code": "999B00000X", "system": "NUCC"}]}
    (found,) = licences(qualification(strange))
    assert (found.profession, found.raw_profession, found.raw_profession_text) == (
        "unknown",
        "999B00000X",
        "Beekeeper",
    )


def test_of_several_codings_the_one_we_know_decides() -> None:
    code = {"coding": [{"code": "X1", "system": "local"}, None, {"code": "163W00000X", "display": "RN"}]}
    (found,) = licences(qualification(code))
    assert (found.profession, found.raw_profession, found.raw_profession_text) == (
        "registered-nurse",
        "163W00000X",
        "RN",
    )


def test_periods_become_dates_as_far_as_they_are_told() -> None:
    period = {"start": "1900-01-01T00:00:00", "end": "2027-12"}
    (found,) = licences(qualification(period=period))
    assert (found.issued, found.valid_from, found.valid_to) == ("1900-01-01", "1900-01-01", "2027-12")


def test_of_several_periods_of_a_licence_the_newest_stands() -> None:
    (found,) = licences(
        qualification(period={"start": "2024-01-01", "end": "2025-12-31"}),
        qualification(period={"start": "2026-01-01", "end": "2027-12-31"}),
        qualification(period={"start": "2022-01-01", "end": "2023-12-31"}),
    )
    assert (found.issued, found.valid_from, found.valid_to) == ("2022-01-01", "2026-01-01", "2027-12-31")


def word(value: str) -> Resource:
    return {"coding": [{"code": value}]}


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ("active", "active"),
        ("expired", "lapsed"),
        ("inactive", "lapsed"),
        ("revoked", "revoked"),
        ("suspended", "suspended"),
        ("provisional", "restricted"),
        ("pending", "unknown"),
        ("issued-in-error", "unknown"),
        ("fine", "unknown"),
    ],
)
def test_a_status_is_read_where_the_feed_file_says_it_stands(told: str, status: Status) -> None:
    url = "https://directory.example/status"
    for extension in (
        {"valueCode": told},
        {"valueString": told},
        {"valueCodeableConcept": word(told)},
        {"valueCoding": {"code": told}},
    ):
        (found,) = licences(
            qualification(extension=[None, {"url": "other"}, {"url": url, **extension}]),
            status_from="extension",
            status_extension=(url,),
        )
        assert (found.status, found.raw_status) == (status, told)
    (found,) = licences(qualification(status=word(told)), status_from="qualification")
    assert (found.status, found.raw_status) == (status, told)
    (found,) = licences(qualification(status={"text": told}), status_from="qualification")
    assert found.status == status


@pytest.mark.parametrize(
    "options", [{"status_from": "qualification"}, {"status_from": "extension", "status_extension": ("u",)}]
)
def test_a_status_that_is_not_told_is_unknown(options: dict[str, object]) -> None:
    (found,) = licences(qualification(), **options)
    assert (found.status, found.raw_status) == ("unknown", "")


@pytest.mark.parametrize(
    ("active", "proves", "status", "raw"),
    [
        (True, "none", "unknown", "active=true"),
        (False, "none", "unknown", "active=false"),
        (None, "none", "unknown", ""),
        (True, "active", "active", "active=true"),
        (False, "active", "lapsed", "active=false"),
        (None, "active", "unknown", ""),
    ],
)
def test_an_active_record_proves_a_licence_only_where_the_feed_file_says_so(
    active: bool | None, proves: str, status: Status, raw: str
) -> None:
    (found,) = read({"active": active, "qualification": [qualification()]}, status_from=proves).licences
    assert (found.status, found.raw_status) == (status, raw)


def test_of_two_statuses_of_one_licence_the_more_severe_stands() -> None:
    (found,) = licences(
        qualification(status=word("active")),
        qualification(status=word("revoked")),
        status_from="qualification",
    )
    assert found.status == "revoked"


@pytest.mark.parametrize("place", ["identifier", "qualification"])
def test_the_state_may_stand_in_an_extension(place: str) -> None:
    url = "https://directory.example/state"
    extension = [{"url": url, "valueCode": "NE"}]
    found = {"code": SURGEON, "identifier": [{"value": "1"}]}
    if place == "identifier":
        found["identifier"] = [{"value": "1", "extension": extension}]
    else:
        found["extension"] = extension
    assert licences(found, state_extension=(url,))[0].jurisdiction == "US-NE"
    assert licences(found)[0].jurisdiction == ""


def test_the_state_may_stand_in_an_extension_within_another() -> None:
    """As the US national directory writes it."""
    outer = "http://hl7.org/fhir/us/ndh/StructureDefinition/base-ext-practitioner-qualification"
    where = {"url": "whereValid", "valueCodeableConcept": {"coding": [{"code": "NE"}]}}
    found = {
        "code": SURGEON,
        "identifier": [{"value": "1"}],
        "extension": [{"url": outer}, {"url": outer, "extension": [None, {"url": "status"}, where]}],
    }
    assert licences(found)[0].jurisdiction == "US-NE"
    assert licences(found, state_extension=(outer, "nowhere"))[0].jurisdiction == ""


NAMES = [
    ([{"family": "Doe", "given": ["Jane", "Q"]}], [("official", "Doe", ("Jane", "Q"))]),
    ([{"use": "usual", "family": "Doe", "given": ["Jane", None]}], [("official", "Doe", ("Jane",))]),
    ([{"use": "official", "family": "Doe", "given": ["Mary Ann"]}], [("official", "Doe", ("Mary", "Ann"))]),
    (
        [{"use": "official", "family": "Doe"}, {"family": "Roe"}, {"use": "maiden", "family": "Poe"}],
        [("official", "Doe", ()), ("alias", "Roe", ()), ("former", "Poe", ())],
    ),
    (
        [{"use": "old", "family": "Poe"}, {"use": "nickname", "family": "Jo"}, {"family": "Doe"}],
        [("former", "Poe", ()), ("alias", "Jo", ()), ("official", "Doe", ())],
    ),
    ([{"family": "Poe", "period": {"end": "2020"}}], [("former", "Poe", ())]),
    ([{"family": "Doe"}, {"family": "Doe"}, None, {}], [("official", "Doe", ()), ("alias", "Doe", ())]),
    ([], []),
    (None, []),
]


@pytest.mark.parametrize(("names", "expected"), NAMES)
def test_names_are_sorted_into_official_former_and_alias(names: object, expected: list[object]) -> None:
    assert [(name.use, name.family, name.given) for name in read({"name": names}).names] == expected


def test_titles_are_kept_apart_from_names() -> None:
    (name,) = read(
        {"name": [{"family": "Doe", "prefix": ["DR.", None, "M.D."], "suffix": [None], "text": "DR. DOE"}]}
    ).names
    assert (name.prefix, name.suffix, name.text) == ("DR. M.D.", "", "DR. DOE")


@pytest.mark.parametrize(
    ("identifier", "expected"),
    [
        ({"system": "NPI", "value": "1679576722"}, [(NPI, "1679576722", "official")]),
        ({"system": NPI, "value": 1679576722}, [(NPI, "1679576722", "official")]),
        ({"system": "http://terminology.hl7.org/NamingSystem/npi", "value": "1"}, [(NPI, "1", "official")]),
        ({"type": {"coding": [None, {"code": "NPI"}]}, "value": "1"}, [(NPI, "1", "official")]),
        ({"system": NPI, "value": "1", "use": "old"}, [(NPI, "1", "old")]),
        ({"system": "urn:oid:1.2.752.129.2.1.4.1", "value": "SE1-P1"}, [(HSA_ID, "SE1-P1", "official")]),
        (
            {"system": "http://electronichealth.se/identifier/personnummer", "value": "19800101-9804"},
            [(PERSONAL_IDENTITY_NUMBER, "198001019804", "official")],
        ),
        (
            {"system": "http://electronichealth.se/identifier/samordningsnummer", "value": "197010632391"},
            [(COORDINATION_NUMBER, "197010632391", "official")],
        ),
        ({"system": "BCBS", "value": "46969", "state": "KS"}, []),
        ({"system": NPI}, []),
        ({"value": "1"}, []),
        (None, []),
    ],
)
def test_only_identifiers_of_known_systems_are_kept(identifier: object, expected: list[object]) -> None:
    found = read({"identifier": [identifier, identifier]}).identifiers
    assert [(i.system, i.value, i.use) for i in found] == expected


@pytest.mark.parametrize(
    ("security", "protected"),
    [(None, False), ([{"code": "N"}], False), ([None, {"code": "R"}], True), ([{"code": "V"}], True)],
)
def test_a_restricted_resource_is_of_a_protected_person(security: object, protected: bool) -> None:
    assert read({"meta": {"security": security}}).protected is protected


def test_death_is_read_and_ends_the_licence() -> None:
    resource = {"qualification": [qualification()], "active": True}
    dated = read(resource | {"deceasedDateTime": "2021-03-04T10:00:00Z"}, status_from="active")
    assert (dated.deceased, dated.deceased_date, dated.licences[0].status) == (True, "2021-03-04", "deceased")
    assert read(resource | {"deceasedBoolean": True}).deceased
    assert not read(resource | {"deceasedBoolean": False}).deceased


@pytest.mark.parametrize(
    ("resource", "field"),
    [
        ({"birthDate": "1985-13-45"}, "birthDate"),
        ({"name": "JANE DOE"}, "name"),
        ({"name": [{"family": "D\ufffde"}]}, "name"),
        ({"qualification": [qualification(period={"start": "soon"})]}, "qualification.period.start"),
        ({"qualification": [qualification(period={"end": "late"})]}, "qualification.period.end"),
        ({"qualification": [{"code": {"coding": {"code": "1"}}}]}, "qualification[0].code.coding"),
        ({"identifier": [{"system": PERSONAL_IDENTITY_NUMBER, "value": "98240301AA06"}]}, "identifier"),
        ({"identifier": [{"system": PERSONAL_IDENTITY_NUMBER, "value": "198001019805"}]}, "identifier"),
    ],
)
def test_a_field_that_can_not_be_read_is_named(resource: Resource, field: str) -> None:
    with pytest.raises(BadRecordError) as caught:
        read(resource)
    assert caught.value.field == field
    assert "9805" not in str(caught.value)


def test_bad_news_is_not_held_back_by_another_fault() -> None:
    facts = read(
        {
            "birthDate": "1985-13-45",
            "identifier": [{"system": PERSONAL_IDENTITY_NUMBER, "value": "198001019805"}],
            "qualification": [qualification(status=word("revoked"), period={"end": "soon"})],
        },
        status_from="qualification",
    )
    assert (facts.birth_date, facts.identifiers, facts.licences[0].status) == (None, (), "revoked")


def test_a_number_that_stands_for_no_end_is_no_end() -> None:
    assert licences(qualification(period={"end": "9999-12-31"}))[0].valid_to is None


@pytest.mark.parametrize(
    ("identifiers", "expected"),
    [
        ([("old", "1"), (None, "2")], [("1", "old"), ("2", "official")]),
        ([("old", "1"), ("official", "1")], [("1", "official")]),
        ([("official", "1"), ("old", "1")], [("1", "official")]),
        ([("old", "1"), ("old", "1")], [("1", "old")]),
    ],
)
def test_a_former_number_is_told_from_the_present_one(
    identifiers: list[tuple[str | None, str]], expected: list[tuple[str, str]]
) -> None:
    """As the New Zealand register writes a merged duplicate: the number of the other record, use = old."""
    told = [{"use": use, "system": NPI, "value": value} for use, value in identifiers]
    assert [(i.value, i.use) for i in read({"identifier": told}).identifiers] == expected


def test_a_licence_number_that_was_replaced_gives_no_licence_of_its_own() -> None:
    numbers = [{"use": "old", "value": "1", "state": "NE"}, {"value": "2", "state": "NE"}]
    assert [found.number for found in licences({"code": SURGEON, "identifier": numbers})] == ["2"]
    assert [found.number for found in licences({"code": SURGEON, "identifier": numbers[:1]})] == ["1"]


MODIFIER = [{"url": "https://directory.example/not-held", "valueBoolean": True}]


@pytest.mark.parametrize(
    ("told", "status"),
    [("active", "unknown"), ("provisional", "unknown"), ("expired", "lapsed"), ("revoked", "revoked")],
)
def test_what_a_modifier_may_turn_around_is_not_relied_on_but_bad_news_is(told: str, status: Status) -> None:
    plain = qualification(status=word(told))
    marked: list[Resource] = [
        {"qualification": [plain | {"modifierExtension": MODIFIER}]},
        {"qualification": [plain], "modifierExtension": MODIFIER},
        {"qualification": [plain], "implicitRules": "https://directory.example/rules"},
    ]
    for resource in marked:
        (found,) = read(resource, status_from="qualification").licences
        assert (found.status, found.raw_status) == (status, told)
    untouched: Resource = {"qualification": [plain | {"modifierExtension": []}], "modifierExtension": None}
    (found,) = read(untouched, status_from="qualification").licences
    assert found.status == licences(plain, status_from="qualification")[0].status


SWEDISH: Resource = {
    "identifier": [{"system": "urn:oid:1.2.752.29.4.19", "value": "SE2321000016-1003"}],
    "name": [{"family": "Öberg", "given": ["Åsa"]}],
    "qualification": [
        {
            "identifier": [
                {"system": "urn:oid:1.2.752.116.3.1.2", "value": "9000123"},
                {"system": "urn:oid:1.2.752.116.3.1.1", "value": "123456"},
            ],
            "code": {
                "coding": [
                    {"system": "http://snomed.info/sct", "code": "LK"},
                    {"system": "urn:oid:1.2.752.116.3.1.3", "code": "SJ"},
                ]
            },
        }
    ],
}


def test_the_swedish_base_profile_is_read() -> None:
    """Its qualification holds the prescriber's code beside the licence number, and codes of several systems."""
    facts = read(
        SWEDISH, vocabulary="hosp", profession_systems=("urn:oid:1.2.752.116.3.1.3",), jurisdiction="SE"
    )
    (found,) = facts.licences
    assert (found.number, found.jurisdiction) == ("123456", "SE")
    assert (found.profession, found.raw_profession) == ("registered-nurse", "SJ")
    assert [(i.system, i.value) for i in facts.identifiers] == [(HSA_ID, "SE2321000016-1003")]
    assert "9000123" not in str(facts)
    assert read(SWEDISH, vocabulary="hosp").licences[0].raw_profession == "LK"


def test_of_codes_in_other_systems_only_the_text_is_kept() -> None:
    (found,) = licences(qualification(SURGEON), profession_systems=("urn:other",))
    assert (found.profession, found.raw_profession, found.raw_profession_text) == (
        "unknown",
        "",
        "Orthopaedic Surgery",
    )


QUIRKS: dict[str, tuple[Resource, object]] = {
    "a birth date with a time and no zone": ({"birthDate": "1985-03-04T00:00:00"}, "1985-03-04"),
    "a birth date with a time and a zone": ({"birthDate": "1985-03-04T23:59:59.999+02:00"}, "1985-03-04"),
    "a month of birth": ({"birthDate": "1985-03"}, "1985-03"),
    "an empty birth date": ({"birthDate": ""}, None),
    "a birth date that is null": ({"birthDate": None}, None),
}


@pytest.mark.parametrize(("resource", "expected"), QUIRKS.values(), ids=QUIRKS)
def test_dates_are_read_as_servers_write_them(resource: Resource, expected: object) -> None:
    assert read(resource).birth_date == expected


EMPTY: dict[str, Resource] = {
    "an empty qualification": {"qualification": []},
    "a qualification that is null": {"qualification": None},
    "nulls in every list": {
        "qualification": [None],
        "identifier": [None],
        "name": [None],
        "meta": {"security": [None]},
        "modifierExtension": None,
    },
    "lists of nothing": {"qualification": [{}], "identifier": [{}], "name": [{"given": [None, ""]}]},
}


@pytest.mark.parametrize("resource", EMPTY.values(), ids=EMPTY)
def test_what_is_empty_or_null_is_nothing(resource: Resource) -> None:
    assert read(resource) == read({})


def test_an_inactive_record_is_no_licence_unless_the_feed_file_says_so() -> None:
    inactive = {"active": False, "qualification": [qualification()]}
    assert read(inactive).licences[0].status == "unknown"
    assert read(inactive, status_from="active").licences[0].status == "lapsed"
