"""NPPES records to facts, from the files and from the registry's API."""

from typing import Any

import orjson
import pytest

from indexer.feeds.nppes_layout import NpiOptions, NppesOptions, PersonLayout, emptied, fold_header
from indexer.feeds.options import FhirOptions
from indexer.feeds.rows import canonical
from indexer.normalize.errors import BadRecordError
from indexer.normalize.fhir import FhirNormalizer
from indexer.normalize.npi import is_npi
from indexer.normalize.npi_licences import Slot, licences_of
from indexer.normalize.npi_registry import NpiRegistryNormalizer
from indexer.normalize.nppes import NppesNormalizer
from indexer.sandbox import formats, nppes
from indexer.sandbox.identities import npi
from indexer.sandbox.npi_registry import NpiRegistry
from indexer.sandbox.nppes_people import NppesPeople, of_provider
from indexer.sandbox.people import People
from indexer.sandbox.plan import Plan
from registry.identifiers import NPI
from registry.records.facts import EndFacts, IdentifierFacts, LicenceFacts, NameFacts, PersonFacts
from registry.vocabulary import load_vocabulary
from tests.indexer.feeds.nppes_text import (
    DEACTIVATED,
    ENTITY,
    FIRST,
    LAST,
    MIDDLE,
    NPIS,
    PERSON,
    REACTIVATED,
    slot,
)

VOCABULARY = load_vocabulary()
LAYOUT = PersonLayout([fold_header(name) for name in nppes.HEADER], "test")
OTHER_LAST, OTHER_TYPE = "Provider Other Last Name", "Provider Other Last Name Type Code"


def from_row(row: dict[str, str], jurisdiction: str = "") -> PersonFacts:
    values = [row.get(name, "") for name in nppes.HEADER]
    normalizer = NppesNormalizer(NppesOptions(vocabulary="nucc", jurisdiction=jurisdiction), VOCABULARY)
    return normalizer.facts(LAYOUT.of_values(values))


def from_result(result: dict[str, Any]) -> PersonFacts:
    return NpiRegistryNormalizer(NpiOptions(vocabulary="nucc"), VOCABULARY).facts(canonical(result))


RESULT: dict[str, Any] = {
    "number": int(NPIS[0]),
    "enumeration_type": "NPI-1",
    "basic": {"first_name": "JENNIFER ANNE", "last_name": "KETCHAM", "middle_name": "TENORIO", "status": "A"},
}


def with_basic(**basic: object) -> dict[str, Any]:
    return {**RESULT, "basic": {**RESULT["basic"], **basic}}


def test_a_person_has_a_number_a_name_and_licences() -> None:
    facts = from_row({**PERSON, **slot(1, "367500000X", "RN177251", "GA", "Y")})
    assert facts == PersonFacts(
        names=(NameFacts(family="KETCHAM", given=("JENNIFER", "ANNE"), middle="TENORIO"),),
        identifiers=(IdentifierFacts(system=NPI, value=NPIS[0]),),
        licences=(
            LicenceFacts(
                key="US-GA|rn177251",
                number="RN177251",
                jurisdiction="US-GA",
                profession="nurse-anesthetist",
                raw_profession="367500000X",
                status="unknown",
            ),
        ),
    )


def test_no_number_ever_proves_that_a_licence_holds() -> None:
    """F18: a valid check digit and a status `A` say that the number is in use, nothing of a licence."""
    taxonomies = [{"code": "207Q00000X", "license": "1", "state": "NE", "primary": True}]
    for facts in (
        from_row({**PERSON, **slot(1, "207Q00000X", "1", "NE", "Y")}),
        from_result({**RESULT, "taxonomies": taxonomies}),
        from_result({**with_basic(status="Active"), "taxonomies": taxonomies}),
    ):
        assert [licence.status for licence in facts.licences] == ["unknown"]


@pytest.mark.parametrize(
    ("number", "valid"),
    [
        ("1003142399", True),
        ("1073979746", True),
        ("1234567893", True),
        ("1234567890", False),
        ("1003142398", False),
        ("100314239", False),
        ("10031423990", False),
        ("100314239X", False),
        ("١٠٠٣١٤٢٣٩٩", False),
        ("", False),
    ],
)
def test_the_check_digit_of_a_number(number: str, valid: bool) -> None:
    assert is_npi(number) is valid


def test_every_number_of_the_sandbox_is_valid() -> None:
    assert all(is_npi(npi(i)) for i in range(0, 99_000_000, 999_983))


def test_a_number_with_a_wrong_check_digit_goes_to_quarantine() -> None:
    with pytest.raises(BadRecordError, match="check digit"):
        from_row({**PERSON, "NPI": "9000000008"})
    with pytest.raises(BadRecordError, match="check digit"):
        from_result({**RESULT, "number": 9000000008})


@pytest.mark.parametrize(("code", "use"), [("1", "former"), ("2", "alias"), ("5", "alias"), ("", "alias")])
def test_other_names_are_former_names_or_aliases(code: str, use: str) -> None:
    row = {**PERSON, OTHER_LAST: "ROWELL", "Provider Other First Name": "JEN", OTHER_TYPE: code}
    other = {"code": code, "last_name": "ROWELL", "first_name": "JEN", "prefix": "--"}
    for facts in (from_row(row), from_result({**RESULT, "other_names": [other, None]})):
        assert [(name.use, name.family, name.given) for name in facts.names] == [
            ("official", "KETCHAM", ("JENNIFER", "ANNE")),
            (use, "ROWELL", ("JEN",)),
        ]


def test_prefix_and_suffix_are_read_and_dashes_are_none() -> None:
    facts = from_row({**PERSON, "Provider Name Prefix Text": "DR.", "Provider Name Suffix Text": "III"})
    assert (facts.names[0].prefix, facts.names[0].suffix) == ("DR.", "III")
    facts = from_result(with_basic(name_prefix="--", name_suffix="JR."))
    assert (facts.names[0].prefix, facts.names[0].suffix) == ("", "JR.")


def test_a_person_without_a_name_goes_to_quarantine() -> None:
    row = {**PERSON, LAST: "", FIRST: "", MIDDLE: ""}
    for bad in (row, {**row, **slot(1, "207Q00000X")}):
        with pytest.raises(BadRecordError, match="no name"):
            from_row(bad)


@pytest.mark.parametrize("column", [LAST, FIRST, "Provider License Number_1"])
def test_letters_that_were_lost_go_to_quarantine(column: str) -> None:
    row = {**PERSON, **slot(1, "207Q00000X", "1", "NE")}
    with pytest.raises(BadRecordError, match="letters were lost"):
        from_row({**row, column: "PE\ufffdA"})


def licences(*slots: dict[str, str], jurisdiction: str = "") -> tuple[LicenceFacts, ...]:
    row = dict(PERSON)
    for each in slots:
        row |= each
    return from_row(row, jurisdiction).licences


def test_one_number_under_several_codes_of_a_profession_is_one_licence() -> None:
    (licence,) = licences(
        slot(1, "207RX0202X", "227894-1", "NY"), slot(15, "207R00000X", "2278941", "NY", "Y")
    )
    assert licence.key == "US-NY|2278941"
    assert licence.raw_profession == "207R00000X"
    assert [specialty.code for specialty in licence.specialties] == ["207R00000X", "207RX0202X"]


def test_one_number_under_codes_of_several_professions_is_a_licence_each() -> None:
    found = licences(slot(1, "163W00000X", "7", "NY"), slot(2, "207Q00000X", "7", "NY"))
    assert [(licence.key, licence.profession) for licence in found] == [
        ("US-NY|7", "physician"),
        ("US-NY|7|registered-nurse", "registered-nurse"),
    ]


def test_numbers_of_two_states_are_two_licences() -> None:
    found = licences(slot(1, "225700000X", "MT004477", "GA"), slot(2, "225700000X", "MT004477", "AK"))
    assert [licence.jurisdiction for licence in found] == ["US-AK", "US-GA"]


def test_the_order_of_slots_does_not_matter() -> None:
    slots = [
        ("207Q00000X", "1", "NY", "Y"),
        ("207R00000X", "1", "NY", "N"),
        ("163W00000X", "", "", "N"),
        ("163WA0400X", "", "NE", "N"),
        ("", "77", "NE", "N"),
        ("204E00000X", "5", "NE", "N"),
    ]
    forth = licences(*(slot(at, *each) for at, each in enumerate(slots, 1)))
    back = licences(*(slot(at, *each) for at, each in enumerate(reversed(slots), 3)))
    assert forth == back
    assert [licence.key for licence in forth] == [
        "||163W00000X",
        "US-NE||163WA0400X",
        "US-NE|5",
        "US-NE|77",
        "US-NY|1",
    ]


def test_changing_the_primary_taxonomy_changes_no_key() -> None:
    one = licences(slot(1, "207Q00000X", "1", "NY", "Y"), slot(2, "207R00000X", "1", "NY"))
    two = licences(slot(1, "207Q00000X", "1", "NY"), slot(2, "207R00000X", "1", "NY", "Y"))
    assert [licence.key for licence in one] == [licence.key for licence in two]
    assert [licence.raw_profession for licence in one + two] == ["207Q00000X", "207R00000X"]


def test_keys_stay_apart_even_where_a_number_looks_like_one() -> None:
    found = licences(
        slot(1, "163W00000X", "7", "NY"),
        slot(2, "207Q00000X", "7", "NY"),
        slot(3, "183500000X", "7|registered-nurse", "NY"),
    )
    assert len({licence.key for licence in found}) == 3


@pytest.mark.parametrize(
    ("state", "jurisdiction"),
    [("NE", "US-NE"), ("ne", "US-NE"), ("PR", "US-PR"), ("ZZ", "US"), ("", "US"), ("Nebraska", "US")],
)
def test_a_licence_holds_in_its_state(state: str, jurisdiction: str) -> None:
    (licence,) = licences(slot(1, "207Q00000X", "1", state), jurisdiction="US")
    assert licence.jurisdiction == jurisdiction


def test_a_slot_without_code_and_number_is_no_licence() -> None:
    assert licences_of([Slot("", "", "NE")], None, "", NpiOptions(vocabulary="nucc"), VOCABULARY) == ()
    assert licences(slot(1, "", "", "NE", "Y")) == ()


def test_an_unknown_code_drops_nobody() -> None:
    (licence,) = licences(slot(1, "999X00000X", "1", "NE"))
    assert (licence.profession, licence.raw_profession) == ("unknown", "999X00000X")


def test_a_text_that_only_repeats_the_profession_is_no_specialty() -> None:
    result = {**RESULT, "taxonomies": [{"code": "163W00000X", "desc": "Registered nurse"}, None]}
    (licence,) = from_result(result).licences
    assert licence.specialties == ()
    assert licence.raw_profession_text == "Registered nurse"
    result["taxonomies"] = [
        {"code": "163WP0807X", "desc": "Registered Nurse Psychiatric/Mental Health, Child"}
    ]
    (licence,) = from_result(result).licences
    assert [specialty.code for specialty in licence.specialties] == ["163WP0807X"]


END = EndFacts(status="lapsed", raw_status="NPI deactivated 2014-09-13", valid_to="2014-09-13")


def test_an_emptied_record_is_ended_and_says_nothing_else() -> None:
    facts = NppesNormalizer(NppesOptions(vocabulary="nucc"), VOCABULARY).facts(emptied(NPIS[0], "09/13/2014"))
    assert facts == PersonFacts(identifiers=(IdentifierFacts(system=NPI, value=NPIS[0]),), ended=END)


def test_an_emptied_record_ends_also_with_a_date_that_can_t_be_read() -> None:
    normalizer = NppesNormalizer(NppesOptions(vocabulary="nucc"), VOCABULARY)
    assert normalizer.facts(emptied(NPIS[0], "13/13/2014")).ended == EndFacts(
        status="lapsed", raw_status="NPI deactivated 13/13/2014"
    )


def test_a_deactivated_record_that_still_has_licences_keeps_them_as_lapsed() -> None:
    facts = from_row({**PERSON, **slot(1, "207Q00000X", "1", "NE"), DEACTIVATED: "09/13/2014"})
    (licence,) = facts.licences
    assert facts.names
    assert facts.ended is None
    assert (licence.status, licence.raw_status, licence.valid_to) == (
        END.status,
        END.raw_status,
        END.valid_to,
    )


@pytest.mark.parametrize(
    ("deactivated", "reactivated", "ended"),
    [
        ("01/14/2015", "02/13/2019", False),
        ("01/14/2015", "01/14/2015", False),
        ("02/13/2019", "01/14/2015", True),
        ("01/14/2015", "", True),
        ("", "02/13/2019", False),
    ],
)
def test_a_number_that_was_reactivated_later_is_in_use(
    deactivated: str, reactivated: str, ended: bool
) -> None:
    row = {**PERSON, **slot(1, "207Q00000X", "1", "NE"), DEACTIVATED: deactivated, REACTIVATED: reactivated}
    iso = {"deactivation_date": _iso(deactivated), "reactivation_date": _iso(reactivated)}
    result = {**with_basic(**iso), "taxonomies": [{"code": "207Q00000X", "license": "1", "state": "NE"}]}
    for facts in (from_row(row), from_result(result)):
        assert [licence.status for licence in facts.licences] == ["lapsed" if ended else "unknown"]


def _iso(day: str) -> str:
    return f"{day[6:]}-{day[:2]}-{day[3:5]}" if day else ""


def test_dates_that_can_t_be_compared_go_to_quarantine() -> None:
    for deactivated, reactivated in (("01/14/2015", "soon"), ("soon", "01/14/2015")):
        with pytest.raises(BadRecordError, match="expected a date"):
            from_row({**PERSON, DEACTIVATED: deactivated, REACTIVATED: reactivated})


def test_an_empty_record_of_a_number_in_use_goes_to_quarantine() -> None:
    with pytest.raises(BadRecordError, match="not deactivated"):
        from_row({"NPI": NPIS[0], ENTITY: "1", DEACTIVATED: "01/14/2015", REACTIVATED: "02/13/2019"})


def test_the_registry_s_own_word_deactivates_too() -> None:
    facts = from_result({"number": NPIS[0], "basic": {"status": "D"}})
    assert facts.ended == EndFacts(status="lapsed", raw_status="NPI deactivated")
    later = {"status": "D", "deactivation_date": "2015-01-14", "reactivation_date": "2019-02-13"}
    assert from_result({"number": NPIS[0], "basic": later}).ended is not None


def test_a_number_that_was_replaced_joins_the_new_one() -> None:
    facts = from_row({"NPI": NPIS[0], DEACTIVATED: "09/13/2014", "Replacement NPI": NPIS[1]})
    assert facts.identifiers == (
        IdentifierFacts(system=NPI, value=NPIS[1]),
        IdentifierFacts(system=NPI, value=NPIS[0], use="old"),
    )
    assert facts.ended == END


@pytest.mark.parametrize("wrong", ["9000000008", "soon", NPIS[0]])
def test_a_wrong_replacement_joins_nobody(wrong: str) -> None:
    ended = from_row({"NPI": NPIS[0], DEACTIVATED: "09/13/2014", "Replacement NPI": wrong})
    assert ended.identifiers == (IdentifierFacts(system=NPI, value=NPIS[0]),)
    if wrong != NPIS[0]:
        with pytest.raises(BadRecordError, match="check digit"):
            from_row({**PERSON, "Replacement NPI": wrong})


@pytest.mark.parametrize(
    "result",
    [
        {"number": True, "basic": {"status": "A"}},
        {"number": NPIS[0], "basic": "none"},
        {"number": NPIS[0], "taxonomies": {"code": "x"}},
        {"number": NPIS[0], "basic": {"last_name": ["X"]}},
        {},
    ],
)
def test_a_result_of_another_form_goes_to_quarantine(result: dict[str, Any]) -> None:
    with pytest.raises(BadRecordError):
        from_result(result)


def test_the_files_and_the_registry_tell_the_same_of_a_person() -> None:
    people = NppesPeople(400, seed=5)
    registry = NpiRegistry([people.person(i, 3) for i in range(400)])
    for person in registry.people:
        if person.emptied:
            continue
        (result,) = registry.answer({"version": "2.1", "number": person.npi})["results"]
        told = from_result(result)
        file = from_row(dict(zip(nppes.HEADER, nppes.row(person)[1:-1].split('","'), strict=True)))
        assert told.identifiers == file.identifiers
        assert told.names == file.names
        assert [_told(licence) for licence in told.licences] == [_told(licence) for licence in file.licences]


def _told(licence: LicenceFacts) -> tuple[object, ...]:
    return licence.key, licence.number, licence.jurisdiction, licence.profession, licence.status


def test_the_files_and_the_fhir_directory_tell_the_same_of_a_person() -> None:
    """The same number, so that the records join, and the same licences under the same keys."""
    fhir = FhirNormalizer(
        FhirOptions(
            vocabulary="nucc",
            jurisdiction_prefix="US-",
            identifier_systems={"NPI": NPI},
            state_extension=(
                "http://hl7.org/fhir/us/ndh/StructureDefinition/base-ext-practitioner-qualification",
                "whereValid",
            ),
        ),
        VOCABULARY,
    )
    compared = 0
    for provider in People(Plan(1500, 3)).providers():
        resource = formats.practitioner(provider)
        if not resource["qualification"] or not all(q.taxonomy for q in provider.qualifications):
            continue
        told = fhir.facts(orjson.dumps(resource))
        person = of_provider(provider)
        file = from_row(dict(zip(nppes.HEADER, nppes.row(person)[1:-1].split('","'), strict=True)))
        assert set(file.identifiers) <= set(told.identifiers)
        assert [_told(licence) for licence in told.licences] == [_told(licence) for licence in file.licences]
        assert [licence.raw_profession for licence in told.licences] == [
            licence.raw_profession for licence in file.licences
        ]
        compared += 1
    assert compared > 100
