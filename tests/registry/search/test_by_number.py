"""Searching by number without an engine gives what an up-to-date index would give."""

from collections.abc import Iterator
from datetime import date
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from indexer.publish import publish
from registry.errors import BadRequestError
from registry.identifiers import HSA_ID, NPI
from registry.records.facts import IdentifierFacts, PersonFacts, RestrictionFacts
from registry.search.by_number import search_by_number
from registry.search.port import SearchEngine, SearchPage
from registry.search.query import SearchQuery
from tests.support.engines import index_of, small_house
from tests.support.world import World, licence, person

TODAY = date(2026, 11, 22)
INSURER = "urn:example:insurer"
NPI_NUMBER = "1679576722"


def _people() -> dict[str, PersonFacts]:
    revoked = RestrictionFacts(kind="revoked", code="001")
    return {
        "one": person("Lindqvist", "Anna", birth_date="1980-05-03", licences=[licence("77")]),
        "two": person("Berg", "Karin", birth_date="1955", licences=[licence("77", profession="midwife")]),
        "three": person("Ek", "Bo", licences=[licence("77", restrictions=(revoked,)), licence("78")]),
        "four": person("Ås", "Eva", licences=[licence("79", valid_to="2020")], protected=True),
        "five": person(
            "Holm",
            "Ida",
            licences=[licence("80"), licence("81", profession="midwife")],
            identifiers=(
                IdentifierFacts(system=NPI, value=NPI_NUMBER),
                IdentifierFacts(system=HSA_ID, value="SE2120000142-1ABC"),
                IdentifierFacts(system=INSURER, value="555666"),
            ),
        ),
        "six": person("Utan", "Legitimation", identifiers=(IdentifierFacts(system=NPI, value="1205839354"),)),
    }


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, SearchEngine]]:
    """A register with an index that is up to date."""
    world = small_house(Path(tmp_path_factory.mktemp("house")))
    world.load(_people())
    engine = index_of(world)
    publish(world.engine, engine, world.settings, lambda _phase, _amount: None)
    engine.refresh()
    yield world, engine
    engine.close()
    world.close()


def _ask(world: World, **asked: Any) -> SearchPage:  # noqa: ANN401 - attributes of SearchQuery
    with world.engine.connect() as connection:
        return search_by_number(connection, SearchQuery(**asked), world.settings.search, TODAY)


def _names(world: World, page: SearchPage) -> list[str]:
    from registry.records.read import practitioners

    with world.engine.connect() as connection:
        people = practitioners(connection, [hit.practitioner_id for hit in page.hits])
    return [one.names[0].family for one in people.values()]


@pytest.mark.parametrize(
    "number", ["77", "7-7", "78", "80", NPI_NUMBER, "se2120000142-1abc", "1205839354", "none"]
)
def test_the_answer_is_that_of_an_up_to_date_index(house: tuple[World, SearchEngine], number: str) -> None:
    world, engine = house
    filters: list[dict[str, Any]] = [
        {},
        {"status": ("active",)},
        {"status": ("revoked", "lapsed")},
        {"profession": ("midwife",)},
        {"profession": ("registered-nurse",), "status": ("active",), "authority": ("test-authority",)},
        {"authority": ("nobody",)},
    ]
    words: list[dict[str, Any]] = [
        {},
        {"text": "lindqvst anna"},
        {"text": "ida"},
        {"family_name": "berg"},
        {"birth_date": "1980"},
        {"birth_date": "1955-02", "text": "karin"},
    ]
    for chosen, said, sort in product(filters, words, ("", "name")):
        asked = {"licence_number": number, **chosen, **said, "sort": sort, "limit": 2}
        ours, theirs = _ask(world, **asked), engine.search(SearchQuery(**asked), TODAY)
        assert _order(ours) == _order(theirs), asked
        assert ours.total == theirs.total, asked
        assert _counts(ours) == _counts(theirs), asked


def _order(page: SearchPage) -> list[tuple[int, str]]:
    return [(hit.practitioner_id, hit.document) for hit in page.hits]


def _counts(page: SearchPage) -> dict[str, dict[str, int]]:
    return {name: {v.value: v.count for v in values if v.count} for name, values in page.facets.items()}


def test_a_number_of_a_protected_person_finds_nobody(house: tuple[World, SearchEngine]) -> None:
    page = _ask(house[0], licence_number="79")
    assert (page.hits, page.total) == ((), 0)
    assert not any(_counts(page).values())


def test_a_number_from_a_system_that_is_not_public_finds_nobody(house: tuple[World, SearchEngine]) -> None:
    assert _ask(house[0], licence_number="555666").total == 0


def test_a_licence_that_is_gone_is_found_by_its_number(small_world: World) -> None:
    small_world.load({"a": person("Ek", "Bo", licences=[licence("1"), licence("2")])})
    small_world.load({"a": person("Ek", "Bo", licences=[licence("2")])})
    assert _names(small_world, _ask(small_world, licence_number="1")) == ["Ek"]
    assert _ask(small_world, licence_number="1", status=("active",)).total == 0
    assert _ask(small_world, licence_number="1", status=("unknown",)).total == 1


def test_answers_are_paged(small_world: World) -> None:
    small_world.load({str(i): person(f"Ek{i}", "Bo", licences=[licence("1")]) for i in range(5)})
    pages = [_ask(small_world, licence_number="1", limit=2, page=page) for page in (1, 2, 3, 4)]
    assert [len(page.hits) for page in pages] == [2, 2, 1, 0]
    assert {page.total for page in pages} == {5}
    assert len({hit.practitioner_id for page in pages for hit in page.hits}) == 5


@pytest.mark.parametrize("wrong", [{"licence_number": "--"}, {"licence_number": "1", "limit": 1000}])
def test_a_search_that_is_not_as_it_must_be_is_refused(small_world: World, wrong: dict[str, Any]) -> None:
    with pytest.raises(BadRequestError):
        _ask(small_world, **wrong)
