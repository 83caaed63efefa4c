"""What one question by number needs, in one journey: the same as the rooms' own reading, on every database."""

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from registry.records import one_journey, read
from registry.records.facts import RestrictionFacts, SpecialtyFacts
from registry.records.feeds import feeds
from tests.registry.web.people import ABSENT_NUMBER, ANNA_NPI, ANNA_NUMBER, HIDDEN_NUMBER, everyone
from tests.support.world import World, licence, person


@pytest.fixture
def full(world: World) -> World:
    """Everyone, somebody with all there is to read, and two feeds, one of them never read."""
    specialties = (
        SpecialtyFacts(code="1", text="Öron", valid_from="2010"),
        SpecialtyFacts(code="2", system="sv", text='"Kirurgi"', valid_from=None),
    )
    restrictions = (
        RestrictionFacts(kind="probation", code="P", text="Prövotid", valid_from="2020-01-01"),
        RestrictionFacts(kind="conditions", code="C", text="\u2028", valid_to="2022"),
    )
    several = person(
        "Mångsysslare",
        "Åsa",
        licences=[
            licence("BOTH-1", key="a", specialties=specialties, restrictions=restrictions),
            licence("BOTH-1", key="b", profession="physician"),
        ],
    )
    namesake = person("Annan", "Person", licences=[licence("BOTH-1", key="a"), licence(key="unnumbered")])
    world.load({**everyone(), "several": several, "namesake": namesake})
    world.describe_feed("other", mode="delta")
    return world


def open_people(people: dict[int, read.Practitioner]) -> dict[int, read.Practitioner]:
    """Leave of those with a protected identity nothing but that they are there."""
    blank = {"public_id": "", "birth_date": None, "county": "", "version": 0, "names": (), "licences": ()}
    return {
        number: replace(one, **blank, deceased=False, deceased_date=None, merged_into_id=None)  # type: ignore[arg-type]
        if one.protected
        else one
        for number, one in people.items()
    }


@pytest.mark.parametrize(
    "number", ["RN-100.1", "rn 1001", ANNA_NPI, "BOTH-1", "LK-7", "RN-66", "no-such", "-", ""]
)
def test_a_licence_number_is_read_as_otherwise(full: World, number: str) -> None:
    with full.engine.connect() as connection:
        found = one_journey.by_licence_number(connection, number)
        ids = read.ids_by_licence_number(connection, number)
        assert found.people == open_people(read.practitioners(connection, ids, identifiers=False))
        assert list(found.people) == ids
        assert found.feeds == feeds(connection)


@pytest.mark.parametrize("number", [ANNA_NUMBER, HIDDEN_NUMBER, ABSENT_NUMBER])
def test_a_personal_number_is_read_as_otherwise(full: World, number: str) -> None:
    with full.engine.connect() as connection:
        found = one_journey.by_personal_number(connection, full.sealer, number)
        ids = read.ids_by_personal_number(connection, full.sealer, number)
        assert found.people == open_people(read.practitioners(connection, ids, identifiers=False))
        assert found.feeds == feeds(connection)


def test_a_protected_person_costs_the_same_one_statement_as_nobody(full: World) -> None:
    asked: list[Any] = []
    with full.engine.connect() as connection:
        connection.execute(sa.text("SELECT 1"))
        sa.event.listen(connection, "before_cursor_execute", lambda *args: asked.append(args))
        counts = []
        for number in ("RN-66", "no-such", "RN-100.1"):
            one_journey.by_licence_number(connection, number)
            counts.append(len(asked))
    # PostgreSQL gets it from the driver itself, which no listener sees.
    assert counts in ([1, 2, 3], [0, 0, 0])
