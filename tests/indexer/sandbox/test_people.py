from collections import Counter
from collections.abc import Iterable
from itertools import islice

import pytest

from indexer.sandbox import fixed, swedish_register, washington_register
from indexer.sandbox.errors import SandboxError
from indexer.sandbox.model import Provider, SwedishPerson, WashingtonPerson
from indexer.sandbox.people import People, generate
from indexer.sandbox.plan import LARGEST, Plan
from registry.dates import parse_iso
from registry.identifiers import COORDINATION_NUMBER, personal_system

YEAR = 2026
Person = SwedishPerson | WashingtonPerson | Provider


def everyone(size: int, seed: int = 1, day: int = 0) -> list[Person]:
    return list(generate(size, seed, day, year=YEAR))


def swedes(people: Iterable[Person]) -> list[SwedishPerson]:
    return [person for person in people if isinstance(person, SwedishPerson)]


def washingtonians(people: Iterable[Person]) -> list[WashingtonPerson]:
    return [person for person in people if isinstance(person, WashingtonPerson)]


def providers(people: Iterable[Person]) -> list[Provider]:
    return [person for person in people if isinstance(person, Provider)]


def key(person: Person) -> str:
    if isinstance(person, SwedishPerson):
        return f"hosp {person.hosp_id}"
    return f"npi {person.npi}" if isinstance(person, Provider) else person.credentials[0].number[2:]


@pytest.fixture(scope="module")
def ten_thousand() -> list[Person]:
    return everyone(10_000)


def test_the_same_plan_gives_the_same_people_and_another_seed_others() -> None:
    assert everyone(500) == everyone(500)
    assert everyone(500, day=3) == everyone(500, day=3)
    assert not {key(person) for person in swedes(everyone(500)) if person.family.startswith("Prov")} - {
        key(person) for person in everyone(500, seed=2)
    }
    assert Counter(map(repr, everyone(500))) - Counter(map(repr, everyone(500, seed=2)))


@pytest.mark.parametrize("size", [0, 1, 2, 3, 9, 49, 50, 51, 1000])
def test_the_size_is_the_number_of_people(size: int) -> None:
    people = everyone(size)
    assert len(people) == size
    assert len({key(person) for person in people}) == size


def test_half_stand_in_hosp_and_most_others_in_washington(ten_thousand: list[Person]) -> None:
    kinds = Counter(type(person) for person in ten_thousand)
    assert kinds == {SwedishPerson: 5000, WashingtonPerson: 4000, Provider: 1000}


@pytest.mark.parametrize(
    ("size", "day", "seed"), [(-1, 0, 1), (LARGEST + 1, 0, 1), (10, -1, 1), (10, 61, 1), (10, 0, -1)]
)
def test_what_cannot_be_made_is_refused_with_the_bounds(size: int, day: int, seed: int) -> None:
    with pytest.raises(SandboxError, match="must"):
        generate(size, seed, day)


def test_a_plan_without_a_year_is_of_this_year() -> None:
    assert Plan(10).year >= YEAR


def test_numbers_are_unique_over_all_people(ten_thousand: list[Person]) -> None:
    personal = [n for person in swedes(ten_thousand) for n in (person.number, person.former_number) if n]
    credentials = [c.number for person in washingtonians(ten_thousand) for c in person.credentials]
    npis = [person.npi for person in providers(ten_thousand)]
    ids = [person.id for person in providers(ten_thousand)]
    for numbers in (personal, credentials, npis, ids):
        assert len(set(numbers)) == len(numbers)


def test_what_is_rare_is_there_all_the_same(ten_thousand: list[Person]) -> None:
    people = swedes(ten_thousand)
    licences = [licence for person in people for licence in person.licences]
    codes = {restriction.code for licence in licences for restriction in licence.restrictions}
    assert codes == {"001", "002", "003"}
    assert {len(licence.issued) for licence in licences} == {4, 7, 10}
    shares = {
        "without a number": sum(not person.number for person in people),
        "coordination number only": sum(
            bool(person.number) and personal_system(person.number) == COORDINATION_NUMBER for person in people
        ),
        "former number": sum(bool(person.former_number) for person in people),
        "protected": sum(person.protected for person in people),
        "deceased": sum(person.deceased for person in people),
        "emigrated": sum(person.emigrated for person in people),
        "middle name": sum(bool(person.middle) for person in people),
        "several licences": sum(len(person.licences) > 1 for person in people),
        "specialties": sum(bool(licence.specialties) for licence in licences),
        "not valid": sum(not licence.valid for licence in licences),
        "recoded": sum(bool(licence.recoded) for licence in licences),
        "revoked beside a licence marked valid": sum(
            licence.valid and any(r.code == "001" for r in licence.restrictions) for licence in licences
        ),
        "double surname": sum(" " in person.family or "-" in person.family for person in people),
        "å, ä or ö": sum(not person.family.isascii() for person in people),
    }
    assert {what for what, count in shares.items() if count == 0} == set()
    assert max(shares["protected"], shares["former number"], shares["not valid"]) < 150


def test_namesakes_share_name_and_birth_date_but_no_number(ten_thousand: list[Person]) -> None:
    people = swedes(ten_thousand)
    same = Counter((person.given, person.family, person.born) for person in people)
    namesakes = [person for person in people if same[person.given, person.family, person.born] > 1]
    assert len(namesakes) >= 20
    assert len({person.number for person in namesakes}) == len(namesakes)


def test_every_licence_was_given_to_a_grown_up_and_before_this_year(ten_thousand: list[Person]) -> None:
    for person in swedes(ten_thousand):
        for licence in person.licences:
            assert int(person.born[:4]) + 16 <= int(licence.issued[:4]) < YEAR
            assert parse_iso(licence.issued) == licence.issued


def test_every_profession_type_and_status_word_is_there_in_a_small_sandbox() -> None:
    people = everyone(200)
    professions = {licence.code for person in swedes(people) for licence in person.licences}
    credentials = [credential for person in washingtonians(people) for credential in person.credentials]
    assert professions == set(swedish_register.PROFESSIONS)
    assert {c.status for c in credentials} == set(washington_register.STATUSES.options)
    assert {c.type for c in credentials} == {name for name, _ in washington_register.TYPES.options}


def test_what_is_in_force_ends_after_the_year_and_what_has_expired_before(ten_thousand: list[Person]) -> None:
    ends: dict[str, set[bool]] = {}
    for person in washingtonians(ten_thousand):
        for credential in person.credentials:
            if credential.expires:
                ends.setdefault(credential.status, set()).add(int(credential.expires[:4]) > YEAR)
    assert all(ends[status] == {True} for status in washington_register.IN_FORCE & ends.keys())
    assert ends["Expired"] == {False}
    assert ends["Suspended"] == {True, False}


def test_some_stand_in_two_registers(ten_thousand: list[Person]) -> None:
    credentials = {c.number for person in washingtonians(ten_thousand) for c in person.credentials}
    numbers = {person.number for person in swedes(ten_thousand)}
    directory = providers(ten_thousand)
    also_washington = [p for p in directory if {q.number for q in p.qualifications} & credentials]
    also_sweden = [p for p in directory if p.swedish_number]
    assert 40 < len(also_washington) < 130
    assert 5 < len(also_sweden) < 50
    assert {p.swedish_number for p in also_sweden} <= numbers


@pytest.mark.parametrize("seed", [1, 2, 77])
@pytest.mark.parametrize("size", [50, 51, 333])
def test_the_fixed_people_are_there_whatever_the_size_and_seed(size: int, seed: int) -> None:
    people = everyone(size, seed)
    assert set(fixed.swedes(YEAR, 0)) <= set(swedes(people))
    assert set(fixed.washingtonians(YEAR)) <= set(washingtonians(people))
    assert set(fixed.providers(YEAR)) <= set(providers(people))


def test_below_fifty_nobody_is_fixed() -> None:
    assert not [person for person in swedes(everyone(49)) if person.family.startswith("Prov")]


def test_a_day_changes_about_two_per_cent() -> None:
    before = {key(person): person for person in everyone(10_000)}
    after = {key(person): person for person in everyone(10_000, day=1)}
    new, gone = after.keys() - before.keys(), before.keys() - after.keys()
    changed = {k for k in before.keys() & after.keys() if before[k] != after[k]}
    assert len(new) == 30
    assert 2 <= len(gone) <= 25
    assert 0.015 < (len(new) + len(gone) + len(changed)) / 10_000 < 0.025


def test_what_happened_stays_and_the_next_day_adds_to_it() -> None:
    days = [{key(person): person for person in everyone(5_000, day=day)} for day in range(4)]
    changed = {k for k in days[0].keys() & days[1].keys() if days[0][k] != days[1][k]}
    undone = {k for k in changed & days[3].keys() if days[3][k] == days[0][k]}
    assert len(changed) > 40
    assert not undone
    assert days[1].keys() - days[0].keys() <= days[2].keys() | (days[1].keys() - days[2].keys())
    assert len(days[3]) > len(days[0])


def test_in_the_course_of_days_everything_that_can_happen_happens() -> None:
    before = {person.hosp_id: person for person in People(Plan(20_000, year=YEAR)).swedes()}
    after = {person.hosp_id: person for person in People(Plan(20_000, day=30, year=YEAR)).swedes()}
    both = [(person, after[i]) for i, person in before.items() if i in after]
    seen = {
        "protected": any(new.protected > old.protected for old, new in both),
        "deceased": any(new.deceased > old.deceased for old, new in both),
        "emigrated": any(new.emigrated > old.emigrated for old, new in both),
        "renamed": any(new.family != old.family for old, new in both),
        "moved": any(old.place and new.place and new.place != old.place for old, new in both),
        "renumbered": any(old.number and new.former_number == old.number for old, new in both),
        "licensed": any(len(new.licences) > len(old.licences) for old, new in both),
        "restricted": any(
            not old.licences[-1].restrictions and new.licences[-1].restrictions for old, new in both
        ),
        "freed": any(
            old.licences[-1].restrictions and not new.licences[-1].restrictions for old, new in both
        ),
        "recoded": any(
            [x.code for x in old.licences].count("SG") > [x.code for x in new.licences].count("SG")
            for old, new in both
        ),
        "vanished": len(both) < len(before),
    }
    assert {what for what, happened in seen.items() if not happened} == set()


def test_people_are_made_one_at_a_time() -> None:
    # A million people would take a minute and a gigabyte if any were made before they are asked for.
    people = People(Plan(LARGEST, year=YEAR))
    assert len(list(islice(people.swedes(), 30))) == 30
    assert people.newborn_swedes[499_999].hosp_id == 90_499_999
