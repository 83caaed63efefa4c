"""What SQL says the index should hold: the same as the documents that are made of it, on every database."""

import os
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from indexer.expected import expected, last_key, snapshot, states, sums
from registry.database import writing
from registry.records import read
from registry.records import tables as t
from registry.records.expected import count as expected_count
from registry.search.checksum import PRIME, checksum
from registry.search.document import documents, licence_key, operations, person_key
from registry.search.port import Bucket
from tests.support.world import World, licence, make_settings, person

EXAMPLES = 1000 if os.environ.get("REGISTRY_TEST_SOAK") else 40
NOW = datetime(2026, 11, 22, tzinfo=UTC)
# Far above the prime of the checksum, so that every step of its arithmetic counts.
LARGE = st.one_of(st.integers(1, 300), st.integers(PRIME - 3, PRIME + 3), st.integers(1, 2**50))
PEOPLE = st.lists(
    st.fixed_dictionaries(
        {
            "id": LARGE,
            "version": LARGE,
            "protected": st.booleans(),
            "merged": st.integers(0, 3).map(lambda roll: roll == 0),
            "waiting": st.sampled_from(("no", "live", "dead")),
            "licences": st.lists(st.tuples(LARGE, st.booleans()), max_size=4),
        }
    ),
    max_size=12,
    unique_by=lambda person: person["id"],
)


def write(connection: sa.Connection, people: Iterable[dict[str, Any]]) -> list[int]:
    """Write people as they are drawn and return their ids."""
    connection.execute(sa.insert(t.feed_run).values(id=1, feed_id="test", started_at=NOW, state="succeeded"))
    licences: set[int] = set()
    ids: list[int] = []
    for one in people:
        known = {"practitioner_id": one["id"], "run_id": 1, "feed_id": "test"}
        connection.execute(
            sa.insert(t.practitioner).values(
                id=one["id"],
                public_id=str(one["id"]),
                version=one["version"],
                protected=one["protected"],
                merged_into_id=ids[0] if one["merged"] and ids else None,
            )
        )
        ids.append(one["id"])
        connection.execute(
            sa.insert(t.source_record).values(id=one["id"], key=str(one["id"]), digest=b"", **known)
        )
        for number, gone in one["licences"]:
            if number not in licences:
                licences.add(number)
                facts = {
                    "profession": "registered-nurse",
                    "status": "active",
                    "authority_id": "test-authority",
                }
                connection.execute(
                    sa.insert(t.licence).values(
                        id=number,
                        source_record_id=one["id"],
                        key=str(number),
                        gone_run_id=1 if gone else None,
                        **known,
                        **facts,
                    )
                )
        if one["waiting"] != "no":
            dead = one["waiting"] == "dead"
            connection.execute(
                sa.insert(t.outbox).values(practitioner_id=one["id"], created_at=NOW, dead=dead)
            )
    return ids


def added_up(known: dict[int, int], width: int) -> dict[int, Bucket]:
    """Add up as Python does it, one document after the other."""
    found: dict[int, Bucket] = {}
    for key, version in known.items():
        one = found.get(key // width, Bucket(0, 0, 0))
        found[key // width] = Bucket(
            one.count + 1, one.checks + checksum(key, version), one.versions + version
        )
    return found


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(people=PEOPLE, power=st.integers(0, 52), low=LARGE, span=LARGE)
def test_sql_and_python_agree_on_documents_sums_and_states(
    world: World, people: list[dict[str, Any]], power: int, low: int, span: int
) -> None:
    world.describe_feed()
    with writing(world.engine).connect() as connection, connection.begin() as transaction:
        ids = write(connection, people)
        found = read.practitioners(connection, ids)
        known = {one.key: one.version for each in found.values() for one in documents(each)}

        assert list(expected(connection)) == sorted(known.items())
        assert expected_count(connection) == len(known)
        assert sums(connection, 2**power) == added_up(known, 2**power)
        inside = [(key, version) for key, version in sorted(known.items()) if low <= key <= low + span]
        assert list(expected(connection, low, low + span)) == inside
        assert last_key(connection) >= max(known, default=0)

        owners = {one.key: each for each in found.values() for one in operations(each)}
        alien = {licence_key(2**52), person_key(2**52)}
        told = states(connection, owners.keys() | alien)
        assert {key for key, state in told.items() if state.wanted} == known.keys()
        assert {key: state.practitioner_id for key, state in told.items()} == {
            **{key: each.id for key, each in owners.items()},
            **dict.fromkeys(alien),
        }
        assert all(told[key].version == each.version for key, each in owners.items())
        live = {one["id"] for one in people if one["waiting"] == "live"}
        assert {key for key, state in told.items() if state.waiting} == {
            key for key, each in owners.items() if each.id in live
        }
        transaction.rollback()


def test_nothing_is_expected_of_an_empty_registry(world: World) -> None:
    with snapshot(world.engine) as connection:
        assert list(expected(connection)) == []
        assert (expected_count(connection), sums(connection, 4), last_key(connection)) == (0, {}, 1)
        assert states(connection, []) == {}


def test_a_snapshot_does_not_see_what_is_loaded_after_it_was_opened(world: World) -> None:
    world.load({"a": person("Ek", "Liv", licences=[licence("1")])})
    with snapshot(world.engine) as connection:
        before = list(expected(connection))
        world.load({"b": person("Ask", "Siv", licences=[licence("2")])}, snapshot=False)
        assert list(expected(connection)) == before
        assert expected_count(connection) == len(before) == 1
    with snapshot(world.engine) as connection:
        assert expected_count(connection) == 2


def test_a_snapshot_can_change_nothing_where_the_database_can_say_so(
    tmp_path: Path, fresh_postgres_database: Callable[[], str]
) -> None:
    world = World(make_settings(tmp_path, fresh_postgres_database()))
    with snapshot(world.engine) as connection, pytest.raises(sa.exc.InternalError, match="read-only"):
        connection.execute(sa.delete(t.outbox))
    world.close()
