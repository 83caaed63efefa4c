"""Publishers beside each other, beside loads and rebuilds, and publishers that die, on both sizes of the house."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import cast

import pytest
import sqlalchemy as sa

from indexer.builds import settle
from indexer.claims import claimed
from indexer.fold import tell_outbox
from indexer.lock import only_one
from indexer.parcels import read_parcels
from indexer.rebuild import rebuild
from registry.database import writing
from registry.records import tables as t
from registry.records.allocate import allocate
from registry.search import IndexEngine
from registry.search.document import Operation
from tests.support.engines import index_of
from tests.support.publishing import (
    Trying,
    expected_versions,
    found,
    licence_keys,
    people,
    publish_all,
    quiet,
    stored_versions,
)
from tests.support.world import World, licence, person

SIV = person("Lindqvist", "Siv", licences=[licence("7")])


@pytest.fixture
def ready(house: World, index: IndexEngine) -> Trying:
    """The engine of a house with an index and five people in it."""
    house.load(people(5))
    publish_all(house, index)
    return Trying(index)


class DeadError(Exception):
    """The publisher's process has come to its end."""


def die() -> None:
    raise DeadError


def test_a_publisher_that_dies_before_it_has_noted_the_confirmation_sends_again(
    house: World, ready: Trying
) -> None:
    house.load({"siv": SIV}, snapshot=False)
    ready.meanwhile = die
    with pytest.raises(DeadError):
        publish_all(house, ready)
    assert found(ready, "Siv Lindqvist") == 1
    assert house.count(t.outbox) == 1
    result = publish_all(house, ready)

    assert (result.practitioners, house.count(t.outbox)) == (1, 0)
    assert stored_versions(ready) == expected_versions(house)


def test_a_change_made_while_a_batch_is_sent_is_published_after_it(house: World, ready: Trying) -> None:
    house.load({"siv": SIV}, snapshot=False)
    two = person("Lindqvist", "Siv", licences=[licence("7", status="revoked"), licence("8")])
    ready.meanwhile = lambda: house.load({"siv": two}, snapshot=False)
    result = publish_all(house, ready)

    assert result.practitioners == 2
    assert stored_versions(ready) == expected_versions(house)
    assert house.count(t.outbox) == 0


def test_a_late_and_older_request_does_not_undo_a_newer_one(house: World, ready: Trying) -> None:
    """Two publishers have the same person in hand; the one that read first arrives last."""
    house.load({"siv": SIV}, snapshot=False)
    with claimed(house.engine, 100, 0) as claim:
        (late,) = read_parcels(house.engine, claim.entries)
    house.load({"siv": person("Lindqvist", "Siv", protected=True)}, snapshot=False)
    publish_all(house, ready)
    told = ready.bulk(late.operations)

    assert {outcome.state for outcome in told} == {"superseded"}
    assert found(ready, "Siv Lindqvist") == 0


def test_what_went_to_an_index_that_was_replaced_meanwhile_is_sent_again(house: World, ready: Trying) -> None:
    house.load({"siv": SIV}, snapshot=False)
    before = ready.current_index()

    def swap() -> None:
        other = index_of(house)
        rebuild(house.engine, other, house.settings, quiet)
        other.close()

    ready.meanwhile = swap
    result = publish_all(house, ready)

    assert ready.current_index() != before
    assert (result.practitioners, house.count(t.outbox)) == (1, 0)
    assert [operation.key for operation in ready.sent].count(licence_keys(house)[-1]) == 2
    assert stored_versions(ready) == expected_versions(house)


def test_an_older_state_that_reaches_a_new_index_does_not_stay_there(house: World, ready: Trying) -> None:
    """A new index remembers no deletions, so nothing but the publisher itself can put this right."""
    two = [licence("7", key="SJ"), licence("8", key="BM", profession="midwife")]
    house.load({"siv": person("Lindqvist", "Siv", licences=two)}, snapshot=False)
    late: list[Operation] = []

    def swap() -> None:
        late.extend(ready.sent)
        other = index_of(house)
        house.load({"siv": person("Lindqvist", "Siv", licences=two[:1])}, snapshot=False)
        rebuild(house.engine, other, house.settings, quiet)
        # As if the request had been under way all the time.
        other.bulk(late)
        assert len(stored_versions(other)) == 7
        other.close()

    ready.meanwhile = swap
    publish_all(house, ready)

    assert len(late) == 2
    assert stored_versions(ready) == expected_versions(house)
    assert house.count(t.outbox) == 0


def test_a_rebuild_that_died_after_its_swap_is_settled_by_the_next_publisher(
    house: World, ready: Trying
) -> None:
    """What was confirmed to the former index only, after the new one had caught up for the last time, is queued again."""
    rebuilt = ready.create_index()
    with writing(house.engine).begin() as connection:
        values = {"created_at": datetime.now(UTC), "changed_at": datetime.now(UTC), "documents": 5}
        connection.execute(
            sa.text(
                "INSERT INTO search_index (name, state, mark, filled_to, documents, created_at, changed_at) "
                "VALUES (:name, 'building', :mark, 0, :documents, :created_at, :changed_at)"
            )
            .bindparams(sa.bindparam("created_at", type_=sa.DateTime(timezone=True)))
            .bindparams(sa.bindparam("changed_at", type_=sa.DateTime(timezone=True))),
            {"name": rebuilt, "mark": 0, **values},
        )
    ready.finish_index(rebuilt)
    ready.swap(rebuilt, replacing=ready.current_index())
    assert stored_versions(ready) == {}
    assert house.count(t.outbox) == 0
    publish_all(house, ready)

    assert stored_versions(ready) == expected_versions(house)
    assert settle(house.engine, cast("IndexEngine", ready)) == rebuilt


def test_two_publishers_share_the_work_and_index_equals_sql(house: World, ready: Trying) -> None:
    house.load(people(120, "Siv"), snapshot=False)
    results: list[int] = []

    def work() -> None:
        engine = index_of(house)
        results.extend(publish_all(house, engine, publish_batch=7).practitioners for _ in range(3))
        engine.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for turn in range(4):
        house.load(people(120, f"Åsa{turn}", first=60), snapshot=False)
    for thread in threads:
        thread.join()
    publish_all(house, ready)

    assert house.count(t.outbox) == 0
    assert sum(results) > 0
    assert stored_versions(ready) == expected_versions(house)


def test_no_change_is_in_two_publishers_hands(house: World, ready: Trying) -> None:
    house.load(people(5, "Siv"), snapshot=False)
    taken: list[int] = []

    def take() -> None:
        with claimed(house.engine, 3, 0) as claim:
            taken.append(len(claim.entries))

    with claimed(house.engine, 3, 0) as claim:
        other = threading.Thread(target=take)
        other.start()
        if house.engine.dialect.name == "postgresql":
            other.join(30)
            assert taken == [2]
        else:
            # Takes turns: it is at the door until we are done.
            other.join(0.2)
            assert taken == []
        with claim.settling() as connection:
            connection.execute(sa.delete(t.outbox).where(t.outbox.c.id.in_([e.id for e in claim.entries])))
    other.join(30)

    assert taken == [2]
    assert ready.sent == []


def test_sqlite_gives_up_on_a_publisher_whose_batch_does_not_end(
    small_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.claims._LONGEST_TURN_S", 0.1)
    small_world.load(people(2))
    engine = index_of(small_world)
    publish_all(small_world, engine)
    small_world.load({"siv": SIV}, snapshot=False)
    with only_one(small_world.engine, "publish"):
        result = publish_all(small_world, engine)
    assert (result.postponed, result.practitioners) == (1, 0)
    assert publish_all(small_world, engine).practitioners == 1
    engine.close()


def _held_open(house: World, meanwhile: Callable[[], None], *, commit: bool) -> None:
    """Write a new version and its outbox row, let something happen, and only then commit or roll back."""
    with writing(house.engine).connect() as connection, connection.begin() as transaction:
        number = connection.scalar(sa.select(sa.func.min(t.practitioner.c.id)))
        tell_outbox(connection, [number or 0], datetime.now(UTC))
        meanwhile()
        version = allocate(connection, 1)[0]
        connection.execute(
            sa.update(t.practitioner).where(t.practitioner.c.id == number).values(version=version)
        )
        if not commit:
            transaction.rollback()


@pytest.mark.parametrize("commit", [True, False])
def test_a_transaction_that_commits_after_later_ones_were_published_is_not_skipped(
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
    *,
    commit: bool,
) -> None:
    """Failure F3, on PostgreSQL, which alone has several writers: a row with a lower id becomes visible later."""
    from tests.support.engines import large_house

    world = large_house(
        tmp_path_factory.mktemp("house"),
        request.getfixturevalue("fresh_postgres_database"),
        request.getfixturevalue("opensearch_url"),
        request.getfixturevalue("opensearch_prefix"),
    )
    engine = index_of(world)
    world.load(people(3))
    publish_all(world, engine)

    def others() -> None:
        world.load({"siv": SIV}, snapshot=False)
        assert publish_all(world, engine).practitioners == 1

    _held_open(world, others, commit=commit)
    assert world.count(t.outbox) == int(commit)
    assert publish_all(world, engine).practitioners == int(commit)
    assert stored_versions(engine) == expected_versions(world)
    engine.close()
    world.close()


def test_a_run_that_is_rolled_back_leaves_no_document(house: World, ready: Trying) -> None:
    with writing(house.engine).connect() as connection, connection.begin() as transaction:
        numbers = list(connection.scalars(sa.select(t.practitioner.c.id)))
        connection.execute(sa.update(t.practitioner).values(protected=True))
        tell_outbox(connection, numbers, datetime.now(UTC))
        transaction.rollback()
    publish_all(house, ready)

    assert ready.sent == []
    assert len(stored_versions(ready)) == 5
