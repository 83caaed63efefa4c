"""Reading practitioners and feeds from SQL truth, on both databases."""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from registry.database import writing
from registry.identifiers import COORDINATION_NUMBER, NPI, PERSONAL_IDENTITY_NUMBER
from registry.records import read
from registry.records import tables as t
from registry.records.facts import IdentifierFacts, NameFacts
from tests.support.world import World, licence, person


def names_of(world: World, ids: list[int]) -> list[str]:
    with world.engine.connect() as connection:
        return [found.name for found in read.practitioners(connection, ids).values()]


def test_a_licence_number_finds_everyone_who_holds_it_however_it_is_typed(world: World) -> None:
    world.load(
        {
            "a": person("Ek", "Liv", licences=[licence("RN-60012 345")]),
            "b": person("Alm", "Bo", licences=[licence("rn60012345", profession="midwife")]),
            "c": person("Ask", "Ida", licences=[licence("60012345")]),
        }
    )

    with world.engine.connect() as connection:
        for typed in ("RN60012345", " rn 60012345 ", "RN-60012345"):
            assert names_of(world, read.ids_by_licence_number(connection, typed)) == ["Liv Ek", "Bo Alm"]
        assert read.ids_by_licence_number(connection, " - ") == []
        assert read.ids_by_licence_number(connection, "060012345") == []


def test_an_npi_finds_the_person_like_a_licence_number(world: World) -> None:
    world.load({"a": person("Ek", "Liv", identifiers=(IdentifierFacts(system=NPI, value="1234567893"),))})

    with world.engine.connect() as connection:
        assert names_of(world, read.ids_by_licence_number(connection, "1234567893")) == ["Liv Ek"]


def test_a_replaced_coordination_number_still_finds_the_person(world: World) -> None:
    world.load(
        {
            "a": person(
                "Ek",
                "Liv",
                identifiers=(
                    IdentifierFacts(system=PERSONAL_IDENTITY_NUMBER, value="197010039876"),
                    IdentifierFacts(system=COORDINATION_NUMBER, value="197010632391", use="old"),
                ),
            )
        }
    )

    with world.engine.connect() as connection:
        for digits in ("197010039876", "197010632391"):
            assert names_of(world, read.ids_by_personal_number(connection, world.sealer, digits)) == [
                "Liv Ek"
            ]
        assert read.ids_by_personal_number(connection, world.sealer, "191212121212") == []


def test_the_official_name_comes_first_and_equal_names_once(world: World) -> None:
    world.load(
        {
            "a": person(
                "",
                names=(
                    NameFacts(use="former", family="Alm", given=("Liv",)),
                    NameFacts(use="official", family="Ek", given=("Liv",)),
                    NameFacts(use="official", family="Ek", given=("Liv",)),
                ),
            )
        }
    )

    with world.engine.connect() as connection:
        [number] = connection.scalars(sa.select(t.practitioner.c.id))
        found = read.practitioners(connection, [number])[number]
    assert [(name.use, name.family) for name in found.names] == [("official", "Ek"), ("former", "Alm")]


def test_practitioners_come_in_the_order_asked_for_without_unknown_ids(world: World) -> None:
    world.load({str(n): person("Ek", f"Liv{n}") for n in range(3)})

    with world.engine.connect() as connection:
        ids = list(connection.scalars(sa.select(t.practitioner.c.id).order_by(t.practitioner.c.id.desc())))
        assert list(read.practitioners(connection, [ids[2], 999_999, ids[0]])) == [ids[2], ids[0]]
        assert read.practitioners(connection, []) == {}


def test_a_public_id_is_random_and_finds_its_person(world: World) -> None:
    world.load({str(n): person("Ek", f"Liv{n}") for n in range(2)})

    with world.engine.connect() as connection:
        rows = connection.execute(sa.select(t.practitioner.c.id, t.practitioner.c.public_id)).all()
        assert [read.id_by_public_id(connection, row.public_id) for row in rows] == [row.id for row in rows]
        assert read.id_by_public_id(connection, "nobody") is None
    assert len(rows[0].public_id) >= 22


def test_a_feed_is_fresh_as_long_as_it_promised(world: World) -> None:
    now = datetime.now(UTC)
    world.describe_feed("silent", max_age_hours=24)
    world.load({}, finished_at=now - timedelta(hours=47))

    with world.engine.connect() as connection:
        feeds = read.feeds(connection)
    assert (feeds["test"].fresh(now), feeds["test"].fresh(now + timedelta(hours=2))) == (True, False)
    assert not feeds["silent"].fresh(now)
    assert feeds["silent"].last_success_at is None


def test_a_failed_run_does_not_hide_the_last_good_one(world: World) -> None:
    long_ago = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    world.load({}, finished_at=long_ago)
    with writing(world.engine).begin() as connection:
        run = {"id": 900_000, "feed_id": "test", "started_at": datetime.now(UTC), "state": "failed"}
        connection.execute(sa.insert(t.feed_run).values(run))

    with world.engine.connect() as connection:
        feed = read.feeds(connection)["test"]
    assert (feed.last_success_at, feed.last_run_state) == (long_ago, "failed")
