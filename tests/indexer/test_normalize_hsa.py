"""HSA answers to facts."""

import tomllib
from pathlib import Path
from typing import Any

import orjson
import pytest

from indexer.feeds import SourceRow, hsa_credentials
from indexer.feeds.hsa_credentials import HsaOptions
from indexer.normalize.errors import BadRecordError
from indexer.normalize.hsa import HsaNormalizer
from registry.identifiers import COORDINATION_NUMBER, HOSP_ID, PERSONAL_IDENTITY_NUMBER, PRESCRIBER_CODE
from registry.records.facts import LicenceFacts, PersonFacts
from registry.settings import CONFIG
from registry.vocabulary import load_vocabulary
from tests.indexer.feeds import hsa_text as t
from tests.support.samples import SAMPLES, needs_samples

OPTIONS = HsaOptions(vocabulary="hsa", jurisdiction="SE")


def normalized(record: dict[str, Any], options: HsaOptions = OPTIONS) -> PersonFacts:
    payload = orjson.dumps({"personalIdentityNumber": t.ANNA, **record})
    return HsaNormalizer(options, load_vocabulary()).facts(payload)


def listed(*codes: str) -> dict[str, Any]:
    return {
        "healthCareProfessionalLicence": [
            {"healthCareProfessionalLicenceCode": code, "healthCareProfessionalLicenceName": f"{code} i ord"}
            for code in codes
        ]
    }


def restricted(*given: tuple[str, str, str]) -> dict[str, Any]:
    names = ("healthCareProfessionalLicenceCode", "restrictionCode", "restrictionName")
    return {
        "restrictions": [{name: text for name, text in zip(names, one, strict=True) if text} for one in given]
    }


def statuses(facts: PersonFacts) -> dict[str, str]:
    return {licence.key: licence.status for licence in facts.licences}


def only(facts: PersonFacts) -> LicenceFacts:
    (licence,) = facts.licences
    return licence


def test_a_listed_licence_is_active_by_our_vocabulary_and_says_what_hsa_said() -> None:
    facts = normalized({**listed("LK"), "healthcareProfessionalLicenseIdentityNumber": ["90000001"]})
    assert only(facts) == LicenceFacts(
        key="LK",
        number="90000001",
        jurisdiction="SE",
        profession="physician",
        raw_profession="LK",
        raw_profession_text="LK i ord",
        status="active",
        raw_status="listed",
    )
    assert {(i.system, i.value) for i in facts.identifiers} == {
        (PERSONAL_IDENTITY_NUMBER, t.ANNA),
        (HOSP_ID, "90000001"),
    }
    assert (facts.names, facts.birth_date, facts.deceased, facts.protected, facts.feigned) == (
        (),
        None,
        False,
        False,
        False,
    )


def test_every_code_means_what_it_means_in_hosp() -> None:
    words = {
        name: tomllib.loads((CONFIG / "vocabulary" / f"{name}.toml").read_text("utf-8"))
        for name in ("hsa", "hosp")
    }
    codes = words["hosp"]["professions"]
    assert {code: words["hsa"]["professions"][code] for code in codes} == codes
    restrictions = words["hosp"]["restrictions"]
    assert {code: words["hsa"]["restrictions"][code] for code in restrictions} == restrictions


@pytest.mark.parametrize(
    ("licence", "profession", "key"),
    [
        ({"healthCareProfessionalLicenceCode": "NA"}, "naprapath", "NA"),
        ({"healthCareProfessionalLicenceName": "Naprapat"}, "naprapath", "naprapat"),
        ({"healthCareProfessionalLicenceCode": "HK"}, "health-care-counsellor", "HK"),
        ({"healthCareProfessionalLicenceCode": "SG"}, "physiotherapist", "FT"),
        ({"healthCareProfessionalLicenceCode": "lk"}, "physician", "LK"),
        (
            {"healthCareProfessionalLicenceCode": "XX", "healthCareProfessionalLicenceName": "Läkare"},
            "unknown",
            "XX",
        ),
        ({"healthCareProfessionalLicenceName": "Något nytt"}, "unknown", "något nytt"),
        ({}, "unknown", "?"),
    ],
)
def test_professions_are_read_by_code_or_else_by_name(
    licence: dict[str, str], profession: str, key: str
) -> None:
    found = only(normalized({"healthCareProfessionalLicence": [licence]}))
    assert (found.profession, found.key, found.status) == (profession, key, "active")


# Licences listed, restrictions (profession, code, name), and the status of each licence.
RESTRICTIONS: list[tuple[str, tuple[str, ...], tuple[tuple[str, str, str], ...], dict[str, str]]] = [
    ("revoked beside a live code", ("LK",), (("LK", "001", "Återkallad legitimation"),), {"LK": "revoked"}),
    ("one of two", ("LK", "SJ"), (("LK", "001", ""),), {"LK": "revoked", "SJ": "active"}),
    ("probation", ("LK",), (("LK", "002", "Treårig prövotid"),), {"LK": "restricted"}),
    ("two at once", ("LK",), (("LK", "002", "Prövotid"), ("LK", "003", "x")), {"LK": "restricted"}),
    ("no profession: all", ("LK", "SJ"), (("", "001", ""),), {"LK": "revoked", "SJ": "revoked"}),
    (
        "no profession, unknown code",
        ("LK", "SJ"),
        (("", "r1", "r"),),
        {"LK": "restricted", "SJ": "restricted"},
    ),
    ("not listed: kept", ("SJ",), (("LK", "001", ""),), {"LK": "revoked", "SJ": "active"}),
    ("not listed, milder", ("SJ",), (("LK", "002", ""),), {"LK": "unknown", "SJ": "active"}),
    ("nothing listed", (), (("", "001", ""),), {"?": "revoked"}),
    ("nothing listed, milder", (), (("", "003", ""),), {"?": "unknown"}),
    ("nothing readable", ("LK",), (("", "", ""),), {"LK": "restricted"}),
    ("another letter case", ("LK",), (("lk", "001", ""),), {"LK": "revoked"}),
    ("only the name tells", ("LK",), (("LK", "", "återkallad LEGITIMATION"),), {"LK": "revoked"}),
    ("the graver name", ("LK",), (("LK", "002", "Återkallad legitimation"),), {"LK": "revoked"}),
    ("a zero was lost", ("LK",), (("LK", "1", "Återkallad legitimation"),), {"LK": "revoked"}),
]


@pytest.mark.parametrize(
    ("codes", "given", "expected"),
    [case[1:] for case in RESTRICTIONS],
    ids=[case[0] for case in RESTRICTIONS],
)
def test_restrictions_decide(
    codes: tuple[str, ...], given: tuple[tuple[str, str, str], ...], expected: dict[str, str]
) -> None:
    assert statuses(normalized({**listed(*codes), **restricted(*given)})) == expected


def test_a_restriction_keeps_the_authoritys_code_and_words() -> None:
    found = only(
        normalized({**listed("LK"), **restricted(("LK", "003", "Begränsad"), ("LK", "007", "Nytt"))})
    )
    assert [(r.kind, r.code, r.text, r.valid_from, r.valid_to) for r in found.restrictions] == [
        ("limited-prescribing", "003", "Begränsad", None, None),
        ("unknown", "007", "Nytt", None, None),
    ]


def test_a_licence_that_only_a_restriction_names_says_so() -> None:
    facts = normalized({**listed("SJ"), **restricted(("LK", "002", ""))})
    assert {licence.key: licence.raw_status for licence in facts.licences} == {
        "LK": "not listed",
        "SJ": "listed",
    }


def speciality(code: str, name: str, profession: str = "") -> dict[str, str]:
    about = {"healthCareProfessionalLicenceCode": profession} if profession else {}
    return {**about, "specialityCode": code, "specialityName": name}


@pytest.mark.parametrize(
    ("codes", "profession", "expected"),
    [
        (("LK",), "LK", {"LK": ["3299"]}),
        (("LK",), "", {"LK": ["3299"]}),
        (("LK", "TL"), "TL", {"LK": [], "TL": ["3299"]}),
        (("LK", "TL"), "", {"LK": [], "TL": []}),
        (("SJ",), "LK", {"SJ": []}),
        (("LK",), "lk", {"LK": ["3299"]}),
    ],
)
def test_a_specialty_stands_with_its_profession_only(
    codes: tuple[str, ...], profession: str, expected: dict[str, list[str]]
) -> None:
    given = {"healthCareProfessionalLicenceSpeciality": [speciality("3299", "Klinisk fysiologi", profession)]}
    facts = normalized({**listed(*codes), **given})
    assert {licence.key: [s.code for s in licence.specialties] for licence in facts.licences} == expected
    assert all(
        (s.system, s.text) == ("", "Klinisk fysiologi") for one in facts.licences for s in one.specialties
    )


def test_the_prescriber_code_is_kept_only_where_the_agreement_covers_it() -> None:
    record = {**listed("LK"), "personalPrescriptionCode": ["1234567"]}
    assert PRESCRIBER_CODE not in {i.system for i in normalized(record).identifiers}
    allowed = normalized(record, HsaOptions(vocabulary="hsa", prescriber_code=True))
    assert (PRESCRIBER_CODE, "1234567") in {(i.system, i.value) for i in allowed.identifiers}


def test_two_hosp_numbers_are_both_known_and_neither_is_the_licences() -> None:
    facts = normalized({**listed("LK"), "healthcareProfessionalLicenseIdentityNumber": ["1", "2"]})
    assert only(facts).number == ""
    assert [i.value for i in facts.identifiers if i.system == HOSP_ID] == ["1", "2"]


def test_a_coordination_number_is_told_by_itself() -> None:
    facts = normalized({**listed("LK"), "personalIdentityNumber": t.number("19800161")})
    assert [i.system for i in facts.identifiers] == [COORDINATION_NUMBER]


def test_a_feigned_person_is_marked_whatever_the_number_looks_like() -> None:
    assert normalized(
        {**listed("LK"), "feignedPerson": True, "personalIdentityNumber": "190000000000"}
    ).feigned


def test_a_wrong_number_is_refused_but_never_holds_bad_news_back() -> None:
    wrong = {"personalIdentityNumber": f"{t.ANNA[:-1]}{(int(t.ANNA[-1]) + 1) % 10}"}
    with pytest.raises(BadRecordError, match="check digit") as caught:
        normalized({**listed("LK"), **wrong})
    assert caught.value.field == "personalIdentityNumber"
    revoked = normalized({**listed("LK"), **restricted(("LK", "001", "")), **wrong})
    assert statuses(revoked) == {"LK": "revoked"}
    assert revoked.identifiers == ()


def test_a_record_of_another_form_is_refused() -> None:
    with pytest.raises(BadRecordError) as caught:
        normalized({"healthCareProfessionalLicence": "LK"})
    assert caught.value.field == "healthCareProfessionalLicence"


def test_the_order_of_licences_does_not_depend_on_the_records() -> None:
    assert normalized(listed("SJ", "LK")) == normalized(listed("LK", "SJ"))


# ---------------------------------------------------------------- the published test people

EXPECTED = {
    "amanda.tigersson": ("revoked", ["001"], []),
    "frida.kranstege": ("active", [], ["3299", "74"]),
    "gorel.garelsson": ("active", [], []),
    "louise.parsson": ("active", [], []),
    "magdalena.karlgren": (
        "restricted",
        ["restrictionCode1", "restrictionCode2"],
        ["specialityCode1", "specialityCode2"],
    ),
    "maj.parsson": ("restricted", ["002", "003"], []),
    "petra.privat": ("active", [], ["1099"]),
    "test": ("restricted", ["restrictionCode1", "restrictionCode2"], ["32", "74"]),
}


@needs_samples
@pytest.mark.parametrize("name", EXPECTED)
def test_the_published_test_people_are_read_as_meant(name: str) -> None:
    path = SAMPLES / "hsa-hosp-persons" / f"{name}.json"
    (row,) = hsa_credentials.parse([path], OPTIONS, 100_000)
    assert isinstance(row, SourceRow)
    facts = HsaNormalizer(OPTIONS, load_vocabulary()).facts(row.payload)
    licence = only(facts)
    status, restrictions, specialties = EXPECTED[name]
    assert licence.profession == ("dietitian" if name == "louise.parsson" else "physician")
    assert licence.status == status
    assert sorted(r.code for r in licence.restrictions) == restrictions
    assert sorted(s.code for s in licence.specialties) == specialties
    assert [(i.system, i.value) for i in facts.identifiers] == [(PERSONAL_IDENTITY_NUMBER, row.key)]


@needs_samples
def test_every_published_test_person_is_in_the_table() -> None:
    found = {path.stem for path in Path(SAMPLES / "hsa-hosp-persons").glob("*.json")}
    assert found == set(EXPECTED)
