from datetime import date

import pytest

from indexer.sandbox import fixed
from indexer.sandbox.identities import (
    CAPACITY,
    FIRST_BIRTHDAYS,
    WASHINGTON_CAPACITY,
    PersonalNumbers,
    luhn,
    npi,
    personal_number,
    slots,
)
from indexer.sandbox.plan import LARGEST, LAST_DAY, Plan
from registry.identifiers import (
    COORDINATION_NUMBER,
    PERSONAL_IDENTITY_NUMBER,
    born,
    parse_personal_number,
    personal_system,
)

TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("coordination", "system"), [(False, PERSONAL_IDENTITY_NUMBER), (True, COORDINATION_NUMBER)]
)
def test_a_number_is_valid_and_says_when_the_person_was_born(coordination: bool, system: str) -> None:
    number = personal_number(date(1984, 3, 12), 982, coordination=coordination)
    assert parse_personal_number(number, today=TODAY) == number
    assert personal_system(number) == system
    assert born(number) == date(1984, 3, 12)


@pytest.mark.parametrize("people", [100_000, slots(FIRST_BIRTHDAYS[0]) + 1])
def test_nobody_gets_anothers_number_or_a_fixed_persons(people: int) -> None:
    numbers = PersonalNumbers(people, fixed.TAKEN, 3)
    handed = [numbers[i] for i in range(0, people, max(people // 100_000, 1))]
    assert len(set(handed)) == len(handed)
    assert not set(handed) & fixed.TAKEN
    assert all(980 <= birth_number <= 999 for _, birth_number in handed)


def test_all_numbers_can_be_handed_out() -> None:
    numbers = PersonalNumbers(CAPACITY - len(fixed.TAKEN), fixed.TAKEN, 3)
    everyone = {numbers[i] for i in range(CAPACITY - len(fixed.TAKEN))}
    assert len(everyone | fixed.TAKEN) == CAPACITY


def test_the_numbers_suffice_for_the_largest_sandbox_on_its_last_day() -> None:
    largest = Plan(LARGEST, day=LAST_DAY)
    assert largest.hosp.ever < largest.hosp.most <= CAPACITY - len(fixed.TAKEN)
    assert largest.washington.most <= WASHINGTON_CAPACITY


@pytest.mark.parametrize(("digits", "check"), [("7992739871", 3), ("80840123456789", 3), ("0", 0)])
def test_luhn_gives_the_published_check_digits(digits: str, check: int) -> None:
    assert luhn(digits) == check


def test_an_npi_is_valid_and_of_a_range_that_is_not_issued() -> None:
    number = npi(12_345_678)
    assert len(number) == 10
    assert number.startswith("9")
    assert luhn(f"80840{number[:-1]}") == int(number[-1])
