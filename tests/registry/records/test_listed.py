"""What a list reads is what is read in full, for those who may be listed."""

from registry.database import reading, writing
from registry.identifiers import NPI
from registry.records import listed
from registry.records import tables as t
from registry.records.facts import IdentifierFacts, NameFacts, PersonFacts, RestrictionFacts
from registry.records.listed import ListedRestriction
from registry.records.read import practitioners
from tests.registry.web.people import ANNA_NPI, everyone
from tests.support.world import World, licence, person


def _ids(world: World) -> list[int]:
    with world.engine.connect() as connection:
        return list(connection.scalars(t.practitioner.select().with_only_columns(t.practitioner.c.id)))


def _rich() -> dict[str, PersonFacts]:
    limits = (
        RestrictionFacts(kind="conditions", code="1", valid_from="2020"),
        RestrictionFacts(kind="probation", code="2", valid_to="2021-05"),
    )
    return {
        "two": person(
            "Ek",
            "Eva",
            birth_date="1970-01",
            county="Skåne län",
            names=(
                NameFacts(use="former", family="Al", given=("Eva",)),
                NameFacts(family="Ek", given=("Eva", "Maria"), middle="Von", prefix="Dr", suffix="Jr"),
            ),
            licences=[licence("A-1", restrictions=limits), licence("B-2", key="b", valid_to="2030")],
        ),
        "none": person("", "", names=(), identifiers=(IdentifierFacts(system=NPI, value="1003000134"),)),
    }


def test_people_are_read_as_in_full_and_hidden_ones_not_at_all(world: World) -> None:
    world.load({**everyone(), **_rich()})
    ids = _ids(world)
    with reading(world.engine).connect() as connection:
        found = listed.people(connection, [*ids, 999_999])
        full = {one.id: one for one in practitioners(connection, ids).values() if one.listed}
    assert len(full) == len(ids) - 1
    assert found.keys() == full.keys()
    for one in found.values():
        whole = full[one.id]
        assert (one.public_id, one.birth_date, one.deceased, one.county, one.names, one.name) == (
            whole.public_id,
            whole.birth_date,
            whole.deceased,
            whole.county,
            whole.names,
            whole.name,
        )


def test_licences_are_read_as_in_full_with_their_restrictions(world: World) -> None:
    world.load({**everyone(), **_rich()})
    ids = _ids(world)
    with reading(world.engine).connect() as connection:
        found = listed.licences(connection, ids)
        full = practitioners(connection, ids)
    assert sum(map(len, found.values())) == sum(len(one.licences) for one in full.values())
    for person_id, some in found.items():
        for one, whole in zip(some, full[person_id].licences, strict=True):
            facts = whole.facts
            assert (one.id, one.feed_id, one.authority_id, one.gone) == (
                whole.id,
                whole.feed_id,
                whole.authority_id,
                whole.gone,
            )
            for name in (
                *("number", "jurisdiction", "profession", "raw_profession", "raw_profession_text"),
                *("status", "raw_status", "issued", "valid_from", "valid_to"),
            ):
                assert getattr(one, name) == getattr(facts, name), name
            assert one.restrictions == tuple(
                ListedRestriction(each.kind, each.valid_from, each.valid_to) for each in facts.restrictions
            )


def test_a_licence_that_its_feed_no_longer_holds_is_told_as_gone(world: World) -> None:
    world.load(everyone())
    world.load({key: facts for key, facts in everyone().items() if key != "karl"})
    with reading(world.engine).connect() as connection:
        gone = [one.gone for some in listed.licences(connection, _ids(world)).values() for one in some]
    assert gone.count(True) == 1


def test_public_numbers_are_read_and_personal_ones_are_not(world: World) -> None:
    world.load(everyone())
    with reading(world.engine).connect() as connection:
        found = listed.public_numbers(connection, _ids(world))
    assert list(found.values()) == [[ANNA_NPI]]


def test_a_merged_person_is_not_listed(world: World) -> None:
    world.load(everyone())
    first, second, *_ = _ids(world)
    with writing(world.engine).begin() as connection:
        connection.execute(
            t.practitioner.update().where(t.practitioner.c.id == first).values(merged_into_id=second)
        )
    with reading(world.engine).connect() as connection:
        assert first not in listed.people(connection, [first, second])


def test_nobody_is_asked_for_without_a_journey(world: World) -> None:
    with reading(world.engine).connect() as connection:
        assert listed.people(connection, []) == {}
        assert listed.licences(connection, []) == {}
