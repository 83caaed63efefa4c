"""Reading people for the search index alone says the same about them as reading everything does."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from registry.identifiers import COORDINATION_NUMBER, HOSP_ID, HSA_ID, NPI, PERSONAL_IDENTITY_NUMBER
from registry.records import indexed, read
from registry.records import tables as t
from registry.records.facts import IdentifierFacts, NameFacts, PersonFacts, RestrictionFacts, SpecialtyFacts
from registry.records.indexed import IndexedPerson
from tests.support.world import World, licence, person

# SQLite takes 32,766 bound values, PostgreSQL 65,535.
_TOO_MANY_TO_BIND = 70_000
REVOKED = RestrictionFacts(kind="revoked", valid_from="2019-05")
PROBATION = RestrictionFacts(kind="probation", valid_from="2018", valid_to="2020-02")

PEOPLE: dict[str, PersonFacts] = {
    "plain": person("Ek", "Liv", licences=[licence("L-1")], birth_date="1980-05-03"),
    "without licence": person("Ek", "Bo", birth_date="1980"),
    "without name": PersonFacts(identifiers=(IdentifierFacts(system=NPI, value="1205839123"),)),
    "several licences": person(
        "Alm", "Eva", licences=[licence("L-2", valid_to="2030"), licence("L-3", profession="midwife")]
    ),
    "specialised": person(
        "Ask",
        "Pia",
        county="Skåne län",
        licences=[
            licence(
                "L-13",
                issued="2004-06-01",
                specialties=(SpecialtyFacts(code="1", text="Kirurgi"), SpecialtyFacts(code="207Q")),
            )
        ],
    ),
    "restricted": person(
        "Ask", "Ida", licences=[licence("L-4", restrictions=(REVOKED, PROBATION)), licence("L-5")]
    ),
    "several names": PersonFacts(
        names=(
            NameFacts(use="former", family="Berg", given=("Åsa", "Maria")),
            NameFacts(use="alias", text="Åsa B."),
            NameFacts(family="Lind-Öberg", given=("Åsa", "Maria"), middle="Berg"),
        ),
        licences=(licence("L-6", jurisdiction="SE", status="lapsed", valid_from="2001-02"),),
    ),
    "numbers": person(
        "Dal",
        "Per",
        identifiers=(
            IdentifierFacts(system=PERSONAL_IDENTITY_NUMBER, value="197010039876"),
            IdentifierFacts(system=COORDINATION_NUMBER, value="197010632391", use="old"),
            IdentifierFacts(system=HSA_ID, value="SE2321000016-1"),
            IdentifierFacts(system=HOSP_ID, value="4711"),
            IdentifierFacts(system="http://electronichealth.se/identifier/other", value="X 99"),
        ),
        licences=[licence("L-7")],
    ),
    "dead": person("Sten", "Ulf", licences=[licence("L-8")], deceased=True, deceased_date="2020"),
    "protected": person("Skyddad", "Saga", licences=[licence("L-9")], protected=True),
    "gone": person("Borta", "Bo", licences=[licence("L-10")]),
    "partly gone": person("Halv", "Vera", licences=[licence("L-11"), licence("L-12")]),
}


@pytest.fixture
def peopled(world: World) -> World:
    """People of every kind, two of whom have licences that the feed no longer holds."""
    world.load(PEOPLE)
    later = {key: facts for key, facts in PEOPLE.items() if key != "gone"}
    world.load(later | {"partly gone": person("Halv", "Vera", licences=[licence("L-11")])})
    return world


@contextmanager
def counted(engine: sa.Engine) -> Iterator[list[str]]:
    """Collect the statements that are sent while the block runs."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


def in_full(connection: sa.Connection) -> dict[int, IndexedPerson]:
    """What the index needs, taken from people read with everything."""
    ids = list(connection.scalars(sa.select(t.practitioner.c.id).order_by(t.practitioner.c.id)))
    return {one.id: indexed.indexed(one) for one in read.practitioners(connection, ids).values()}


def comparable(people: list[IndexedPerson]) -> list[dict[str, Any]]:
    """As plain values, so that a list and a tuple of the same are the same."""
    return [
        {
            **{field: getattr(one, field) for field in one.__struct_fields__},
            "names": list(one.names),
            "numbers": list(one.numbers),
            "licences": [
                {field: getattr(each, field) for field in each.__struct_fields__}
                | {"restrictions": list(each.restrictions), "specialties": list(each.specialties)}
                for each in one.licences
            ],
        }
        for one in people
    ]


READERS: dict[str, Callable[[sa.Connection, list[int]], list[IndexedPerson]]] = {
    "by a list of ids": indexed.people,
    "by their order": lambda connection, ids: indexed.people_after(connection, 0, len(ids)),
    "page by page": lambda connection, ids: [
        one for after in [0, *ids][: len(ids)] for one in indexed.people_after(connection, after, 1)
    ],
}


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS.keys())
def test_the_same_is_read_as_when_everything_is_read(
    peopled: World, reader: Callable[[sa.Connection, list[int]], list[IndexedPerson]]
) -> None:
    with peopled.engine.connect() as connection:
        wanted = in_full(connection)
        found = sorted(reader(connection, list(wanted)), key=lambda one: one.id)
    assert len(found) == len(PEOPLE)
    assert comparable(found) == comparable(list(wanted.values()))
    assert {one.listed for one in found} == {True, False}
    assert {each.gone for one in found for each in one.licences} == {True, False}
    assert sum(len(each.restrictions) for one in found for each in one.licences) == 2


def test_only_public_numbers_are_read(peopled: World) -> None:
    with peopled.engine.connect() as connection:
        found = indexed.people_after(connection, 0, 100)
    numbers = [number for one in found for number in one.numbers]
    assert sorted(numbers) == sorted([(NPI, "1205839123"), (HSA_ID, "SE2321000016-1"), (HOSP_ID, "4711")])


def test_pages_follow_each_other_and_end(peopled: World) -> None:
    pages, after = [], 0
    with peopled.engine.connect() as connection:
        while page := indexed.people_after(connection, after, 4):
            pages.append([one.id for one in page])
            after = pages[-1][-1]
        assert [one for page in pages for one in page] == list(in_full(connection))
    assert [len(page) for page in pages] == [4, 4, 4]


def test_a_list_may_have_any_length_and_hold_unknown_ids(peopled: World) -> None:
    with peopled.engine.connect() as connection:
        known = list(in_full(connection))
        many = range(1_000_000, 1_000_000 + _TOO_MANY_TO_BIND)
        found = indexed.people(connection, [*many, *known, *known])
        assert sorted(one.id for one in found) == known
        assert indexed.people(connection, []) == []
        assert indexed.people(connection, [999_999]) == []


def test_how_many_people_are_read_does_not_change_how_many_statements_are_sent(peopled: World) -> None:
    with peopled.engine.connect() as connection:
        ids = list(in_full(connection))
        with counted(peopled.engine) as for_one:
            indexed.people(connection, ids[:1])
        with counted(peopled.engine) as for_all:
            indexed.people(connection, ids)
        with counted(peopled.engine) as for_a_page:
            indexed.people_after(connection, 0, 100)
    assert len(for_one) == len(for_all) == len(for_a_page) == 6
    assert not any("sealed" in statement for statement in for_all + for_a_page)
