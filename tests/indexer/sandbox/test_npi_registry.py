"""The sandbox's NPI Registry misbehaves as the real one does."""

from typing import Any

import pytest

from indexer.sandbox.npi_registry import NpiRegistry
from indexer.sandbox.nppes_people import NppesPeople

PEOPLE = NppesPeople(300, seed=2)
REGISTRY = NpiRegistry(list(PEOPLE.in_week(0)), organisations=("9000000007", "9000000015"))


def ask(**query: str) -> dict[str, Any]:
    return REGISTRY.answer({"version": "2.1", **query})


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ({}, "04"),
        ({"state": "NE"}, "04"),
        ({"enumeration_type": "NPI-1"}, "09"),
        ({"last_name": "LEE", "version": "2.0"}, "00"),
        ({"last_name": "L*"}, "00"),
        ({"last_name": "LEE", "limit": "201"}, "00"),
        ({"last_name": "LEE", "skip": "1001"}, "00"),
    ],
)
def test_what_can_t_be_asked(query: dict[str, str], number: str) -> None:
    (error,) = ask(**query)["Errors"]
    assert error["number"] == number
    assert error["description"]


def test_ten_results_come_unless_more_are_asked_for_and_the_count_is_that_of_the_page() -> None:
    assert ask(country_code="US")["result_count"] == len(ask(country_code="US")["results"]) == 10
    assert ask(country_code="US", limit="200")["result_count"] == 200
    assert ask(country_code="US", limit="200", skip="200")["result_count"] < 200


def test_organisations_come_unless_people_are_asked_for() -> None:
    kinds = [result["enumeration_type"] for result in ask(country_code="US")["results"]]
    assert kinds.count("NPI-2") == 2
    people = ask(country_code="US", enumeration_type="NPI-1")["results"]
    assert {result["enumeration_type"] for result in people} == {"NPI-1"}
    assert ask(country_code="US", enumeration_type="NPI-2")["result_count"] == 2


def test_deactivated_numbers_are_not_in_it() -> None:
    gone = next(person for person in REGISTRY.people if person.emptied)
    assert ask(number=gone.npi) == {"result_count": 0, "results": []}


def test_former_names_find_the_person_too() -> None:
    person = next(person for person in REGISTRY.people if person.other and not person.emptied)
    assert person.other
    numbers = {
        result["number"] for result in ask(last_name=person.other.last.lower(), limit="200")["results"]
    }
    assert person.npi in numbers
