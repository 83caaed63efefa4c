"""Documents for the index are the same whichever way people are read: all at once, by id, or with everything about them."""

import gc
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from indexer import joins, runs
from indexer.projection import documents_after, operations_of
from registry.database import writing
from registry.identifiers import NPI
from registry.records import read
from registry.records import tables as t
from registry.records.expected import count as count_documents
from registry.search.document import Operation, documents, operations
from tests.support.authorities import authorities
from tests.support.world import World, licence, person


def by_key(found: list[Operation]) -> dict[int, Operation]:
    """Operations by key; none may be there twice."""
    assert len({one.key for one in found}) == len(found)
    return {one.key: one for one in found}


@pytest.fixture
def everyone(world: World, tmp_path: Path) -> Iterator[sa.Connection]:
    """The sandbox's people in three registers on their second day, and two who were found to be one."""
    with authorities(tmp_path, size=120) as served:
        served.pull(world)
        served.next_day()
        served.pull(world)
    world.load({key: person("Ek", key, licences=[licence(f"L-{key}")]) for key in ("a", "b", "c")})
    # The feed holds c no longer.
    world.load({key: person("Ek", key, licences=[licence(f"L-{key}")]) for key in ("a", "b")})
    with writing(world.engine).begin() as connection:
        record = t.source_record.c
        who = sa.select(record.practitioner_id).where(record.feed_id == "test").order_by(record.key)
        first, second, _ = connection.scalars(who)
        run_id = runs.start(connection, "test")
        now = datetime.now(UTC)
        joins.merge(connection, second, first, run_id=run_id, now=now, system=NPI, use="official")
    with world.engine.connect() as connection:
        yield connection


def all_ids(connection: sa.Connection) -> list[int]:
    return list(connection.scalars(sa.select(t.practitioner.c.id).order_by(t.practitioner.c.id)))


def test_there_is_one_way_to_make_a_document(everyone: sa.Connection) -> None:
    ids = all_ids(everyone)
    full = read.practitioners(everyone, ids)
    made = operations_of(everyone, ids)
    assert sorted(made) == ids
    for person_id, person_read in full.items():
        assert by_key(made[person_id]) == by_key(operations(person_read))
    # The people are of all kinds: otherwise that says little.
    bodies = [one.body for found in made.values() for one in found if one.body]
    fields = {field for body in bodies for field in body}
    assert {"former", "number", "birth_from", "valid_to", "restricted_from", "revoked_from"} <= fields
    assert {body["status"] for body in bodies if "status" in body} > {"active", "lapsed", "deceased"}
    assert {True, False} == {body["siblings"] for body in bodies}
    assert any(one.protected for one in full.values())
    assert any(one.merged_into_id for one in full.values())
    assert any(each.gone for one in full.values() for each in one.licences)
    assert any(one.birth_date and len(one.birth_date) < 10 for one in full.values())


@pytest.mark.parametrize("limit", [7, 10_000])
def test_pages_hold_every_document_and_no_deletion(everyone: sa.Connection, limit: int) -> None:
    seen: list[int] = []
    found: list[Operation] = []
    while True:
        ids, made = documents_after(everyone, seen[-1] if seen else 0, limit)
        if not ids:
            break
        assert len(ids) <= limit
        seen += ids
        found += made
    assert seen == all_ids(everyone)
    full = read.practitioners(everyone, seen)
    assert by_key(found) == by_key([one for each in full.values() for one in documents(each)])
    assert all(one.body is not None for one in found)
    assert len(found) == count_documents(everyone)


def test_deletions_are_left_out_for_those_who_are_new(everyone: sa.Connection) -> None:
    ids = all_ids(everyone)
    made = operations_of(everyone, ids)
    fresh = set(ids[::2])
    spared = operations_of(everyone, ids, fresh=fresh)
    assert any(one.body is None for found in made.values() for one in found)
    for person_id in ids:
        wanted = [one for one in made[person_id] if one.body is not None or person_id not in fresh]
        assert by_key(spared[person_id]) == by_key(wanted)


def test_unknown_people_are_left_out(everyone: sa.Connection) -> None:
    assert operations_of(everyone, [10**9]) == {}
    assert documents_after(everyone, 10**9, 10) == ([], [])


def test_the_collector_of_cycles_works_on_afterwards(small_world: World) -> None:
    with small_world.engine.connect() as connection:
        operations_of(connection, [1])
        assert gc.isenabled()
        with pytest.raises(sa.exc.SQLAlchemyError):
            documents_after(connection, 0, "ten")  # type: ignore[arg-type]
        assert gc.isenabled()
        gc.disable()
        try:
            documents_after(connection, 0, 10)
            assert not gc.isenabled()
        finally:
            gc.enable()
