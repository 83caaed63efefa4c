from datetime import date

import pytest

from indexer.sandbox import fixed
from registry.identifiers import parse_personal_number
from tests.support.samples import SAMPLES, needs_samples

YEAR = 2026
BY_NUMBER = {person.number: person for person in fixed.swedes(YEAR, 0)}
NEXT_DAY = {person.number: person for person in fixed.swedes(YEAR, 1)}


def test_the_nurse_has_a_licence_without_limits_and_a_name_of_her_own() -> None:
    nurse = BY_NUMBER[fixed.ACTIVE_NURSE_NUMBER]
    (licence,) = nurse.licences
    assert (licence.code, licence.valid, licence.restrictions) == ("SJ", True, ())
    assert [p.family for p in BY_NUMBER.values()].count(nurse.family) == 1


@pytest.mark.parametrize(
    ("number", "code", "still_runs"),
    [(fixed.REVOKED_PHYSICIAN_NUMBER, "001", None), (fixed.PHYSICIAN_ON_PROBATION_NUMBER, "002", True)],
)
def test_a_restriction_stands_beside_a_licence_that_is_marked_valid(
    number: str, code: str, still_runs: bool | None
) -> None:
    (licence,) = BY_NUMBER[number].licences
    (restriction,) = licence.restrictions
    assert (licence.code, licence.valid, restriction.code) == ("LK", True, code)
    assert restriction.since < f"{YEAR}"
    assert (restriction.until > f"{YEAR + 1}" if restriction.until else None) == still_runs


def test_the_namesakes_differ_only_in_number_and_licence() -> None:
    one, other = (BY_NUMBER[number] for number in fixed.NAMESAKE_NUMBERS)
    assert (one.given, one.family, one.born) == (other.given, other.family, other.born)
    assert one.number != other.number


def test_protected_deceased_renumbered() -> None:
    assert BY_NUMBER[fixed.PROTECTED_NUMBER].protected
    assert BY_NUMBER[fixed.DECEASED_NUMBER].deceased_on == "2021-04"
    assert fixed.FORMER_COORDINATION_NUMBER in {person.former_number for person in BY_NUMBER.values()}


def test_on_day_one_three_things_happen() -> None:
    def then(number: str) -> tuple[bool, str, int]:
        person = NEXT_DAY[number]
        return person.protected, person.family, len(person.licences[0].restrictions)

    def first(number: str) -> tuple[bool, str, int]:
        person = BY_NUMBER[number]
        return person.protected, person.family, len(person.licences[0].restrictions)

    assert (first(fixed.REVOKED_ON_DAY_1_NUMBER)[2], then(fixed.REVOKED_ON_DAY_1_NUMBER)[2]) == (0, 1)
    assert (first(fixed.PROTECTED_ON_DAY_1_NUMBER)[0], then(fixed.PROTECTED_ON_DAY_1_NUMBER)[0]) == (
        False,
        True,
    )
    assert first(fixed.MARRIED_ON_DAY_1_NUMBER)[1] != then(fixed.MARRIED_ON_DAY_1_NUMBER)[1]


def test_washington_has_an_active_and_a_suspended_social_worker() -> None:
    status = {c.number: (c.type, c.status) for p in fixed.washingtonians(YEAR) for c in p.credentials}
    assert status[fixed.SOCIAL_WORKER_ACTIVE_CREDENTIAL] == (
        "Social Worker Independent Clinical License",
        "Active",
    )
    assert status[fixed.SOCIAL_WORKER_SUSPENDED_CREDENTIAL][1] == "Suspended"


def test_two_records_speak_of_one_nurse_without_a_number_in_common() -> None:
    nurse = next(p for p in fixed.providers(YEAR) if p.npi == fixed.NURSE_IN_BOTH_NPI)
    (credential,) = next(
        p for p in fixed.washingtonians(YEAR) if p.family == nurse.names[0].family
    ).credentials
    assert credential.number == nurse.qualifications[0].number == fixed.NURSE_IN_BOTH_CREDENTIAL


def test_one_physician_is_joined_over_two_registers_by_number() -> None:
    physician = next(p for p in fixed.providers(YEAR) if p.npi == fixed.PHYSICIAN_IN_BOTH_NPI)
    assert physician.swedish_number == fixed.IN_TWO_REGISTERS_NUMBER
    assert fixed.IN_TWO_REGISTERS_NUMBER in BY_NUMBER


def test_a_former_name_stands_beside_the_present_one() -> None:
    person = next(p for p in fixed.providers(YEAR) if p.npi == fixed.FORMER_NAME_NPI)
    assert [name.use for name in person.names] == ["official", "maiden"]


def test_logins_have_valid_numbers_and_the_staff_member_is_in_the_register() -> None:
    for number in (fixed.STAFF_NUMBER, fixed.EMPLOYER_NUMBER, *BY_NUMBER):
        assert parse_personal_number(number, today=date(YEAR, 11, 22)) == number
    assert BY_NUMBER[fixed.STAFF_NUMBER].family == fixed.STAFF_FAMILY
    assert fixed.EMPLOYER_NUMBER not in BY_NUMBER


@needs_samples
def test_no_fixed_person_bears_a_number_or_surname_of_the_samples() -> None:
    text = "".join(p.read_text("utf-8", "replace") for p in SAMPLES.rglob("*") if p.is_file()).casefold()
    families = {p.family for p in BY_NUMBER.values()} | {p.family for p in fixed.washingtonians(YEAR)}
    assert not [name for name in families if name.casefold() in text]
    assert not [number for number in BY_NUMBER if number in text]
