"""People whose records were joined to another's: their id leads on, and nothing of them is left to be found."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from indexer import joins, runs
from indexer.expected import expected
from registry.database import writing
from registry.identifiers import NPI
from registry.records import read
from registry.records import tables as t
from registry.records.expected import count as expected_count
from registry.records.merged import merged_into
from registry.search.document import documents, operations, person_key
from tests.support.world import World, licence, person


def merge(world: World, one: int, into: int) -> None:
    """Move all records of one person to another, as the loader does."""
    with writing(world.engine).begin() as connection:
        run_id = runs.start(connection, "test")
        joins.merge(connection, into, one, run_id=run_id, now=datetime.now(UTC), system=NPI, use="official")


def ids(world: World) -> Mapping[str, int]:
    """The person of each record, by key."""
    record = t.source_record
    with world.engine.connect() as connection:
        return {
            row.key: row.practitioner_id
            for row in connection.execute(sa.select(record.c.key, record.c.practitioner_id))
        }


def public_id(world: World, number: int) -> str:
    with world.engine.connect() as connection:
        return str(
            connection.scalar(sa.select(t.practitioner.c.public_id).where(t.practitioner.c.id == number))
        )


@pytest.fixture
def three(world: World) -> World:
    """Three people with a licence each, none merged."""
    world.load({key: person("Ek", key, licences=[licence(f"L-{key}")]) for key in ("a", "b", "c")})
    return world


def test_an_id_leads_through_every_merge_to_the_person_with_the_records(three: World) -> None:
    people = ids(three)
    merge(three, people["a"], people["b"])
    merge(three, people["b"], people["c"])
    with three.engine.connect() as connection:
        for key in "abc":
            assert read.id_by_public_id(connection, public_id(three, people[key])) == people["c"]
        assert merged_into(connection, people["c"]) == sorted((people["a"], people["b"]))
        assert merged_into(connection, people["b"]) == [people["a"]]
        assert merged_into(connection, people["a"]) == []
        assert read.id_by_public_id(connection, "nobody") is None


def test_a_ring_that_should_never_be_leads_to_nobody_and_ends(three: World) -> None:
    people = ids(three)
    merge(three, people["a"], people["b"])
    merge(three, people["b"], people["a"])
    with three.engine.connect() as connection:
        assert read.id_by_public_id(connection, public_id(three, people["a"])) is None
        assert merged_into(connection, people["a"]) == sorted((people["a"], people["b"]))


def test_nothing_is_left_of_a_merged_person_to_be_shown(three: World) -> None:
    people = ids(three)
    merge(three, people["a"], people["b"])
    with three.engine.connect() as connection:
        found = read.practitioners(connection, [people["a"], people["b"]])
    left, kept = found[people["a"]], found[people["b"]]
    assert (left.listed, left.merged_into_id, left.names, left.licences) == (False, people["b"], (), ())
    assert (kept.listed, kept.merged_into_id) == (True, None)
    assert sorted(one.facts.number for one in kept.licences) == ["L-a", "L-b"]


def test_a_merged_person_has_no_document_and_their_old_one_is_taken_away(three: World) -> None:
    people = ids(three)
    with three.engine.connect() as connection:
        before = read.practitioners(connection, [people["a"]])[people["a"]]
    merge(three, people["a"], people["b"])
    with three.engine.connect() as connection:
        after = read.practitioners(connection, list(people.values()))
        told = sorted(expected(connection))
        assert expected_count(connection) == len(told) == 3
    left = after[people["a"]]
    assert [(each.key, each.body) for each in operations(left)] == [(person_key(left.id), None)]
    assert documents(left) == []
    made = [(each.key, each.version) for one in after.values() for each in documents(one)]
    assert sorted(made) == told
    # The licence's document goes on under its new person, with a version above the one it had.
    moved = {each.key: each.version for each in documents(after[people["b"]])}
    assert all(moved[each.key] > each.version for each in documents(before))
