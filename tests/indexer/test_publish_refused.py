"""What becomes of changes that the engine refuses or has no room for, on both sizes of the house."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from indexer.claims import claimed
from registry.database import writing
from registry.records import outbox
from registry.records import tables as t
from registry.records.outbox import DeadLetter
from registry.search import IndexEngine
from registry.search.document import document_id, licence_key
from tests.support.publishing import (
    ODD,
    Trying,
    expected_versions,
    licence_keys,
    people,
    publish_all,
    stored_versions,
)
from tests.support.world import World, licence, person


@pytest.fixture
def ready(house: World, index: IndexEngine) -> Trying:
    """The engine of a house with five people who wait, and an index that holds one other."""
    house.load({"first": person("Berg", "Åke", licences=[licence("99")])}, snapshot=False)
    publish_all(house, index)
    house.load(people(5), snapshot=False)
    return Trying(index)


def make_due(house: World) -> None:
    """Let the pauses of all that was refused be over."""
    with writing(house.engine).begin() as connection:
        connection.execute(sa.update(t.outbox).values(not_before=None))


def letters(house: World) -> list[DeadLetter]:
    with house.engine.connect() as connection:
        return outbox.dead_letters(connection, 100)


def person_of(house: World, key: int) -> int:
    with house.engine.connect() as connection:
        found = connection.scalar(sa.select(t.licence.c.practitioner_id).where(t.licence.c.id == key // 2))
    assert found
    return int(found)


def test_a_poisoned_document_becomes_a_dead_letter_and_the_others_go_on(house: World, ready: Trying) -> None:
    bad = licence_keys(house)[2]
    ready.refuse = {bad}
    before = datetime.now(UTC)
    result = publish_all(house, ready, publish_attempts=1)

    assert (result.practitioners, result.failed, result.dead) == (4, 1, 1)
    (letter,) = letters(house)
    assert (letter.practitioner_id, letter.document) == (person_of(house, bad), document_id(bad))
    assert (letter.reason, letter.tries) == (ODD, 1)
    assert before - timedelta(minutes=10) < letter.since < before
    expected = expected_versions(house)
    del expected[document_id(bad)]
    assert stored_versions(ready) == expected
    assert publish_all(house, ready).documents == 0


def test_the_first_index_is_made_without_a_poisoned_document(house: World, index: IndexEngine) -> None:
    house.load(people(5))
    bad = licence_keys(house)[3]
    result = publish_all(house, Trying(index, refuse={bad}), publish_attempts=1)

    assert result.made == index.current_index()
    assert (result.failed, result.dead, house.count(t.outbox, ~t.outbox.c.dead)) == (1, 1, 0)
    expected = expected_versions(house)
    del expected[document_id(bad)]
    assert stored_versions(index) == expected


def test_a_refused_document_is_tried_again_later_and_not_at_once(house: World, ready: Trying) -> None:
    ready.refuse = {licence_keys(house)[2]}
    first = publish_all(house, ready)
    with house.engine.connect() as connection:
        row = connection.execute(sa.select(t.outbox)).one()
        now = datetime.now(UTC)
        assert not outbox.is_due(connection, now)
        assert outbox.is_due(connection, now + timedelta(seconds=31))
    second = publish_all(house, ready)

    assert (first.failed, first.dead, second.documents) == (1, 0, 0)
    assert (row.attempts, row.dead) == (1, False)
    make_due(house)
    ready.refuse = set()
    assert publish_all(house, ready).practitioners == 1
    assert stored_versions(ready) == expected_versions(house)


def test_the_pauses_grow_until_it_is_given_up(house: World, ready: Trying) -> None:
    ready.refuse = {licence_keys(house)[2]}
    pauses = []
    for _ in range(3):
        began = datetime.now(UTC)
        publish_all(house, ready, publish_attempts=4)
        with house.engine.connect() as connection:
            retry_at = connection.scalar(sa.select(t.outbox.c.not_before))
        assert retry_at
        pauses.append(round((retry_at.replace(tzinfo=UTC) - began).total_seconds() / 30))
        make_due(house)
    assert pauses == [1, 2, 4]
    assert letters(house) == []

    assert publish_all(house, ready, publish_attempts=4).dead == 1
    assert [letter.tries for letter in letters(house)] == [4]


def test_a_person_has_one_dead_letter_however_often_they_change(house: World, ready: Trying) -> None:
    ready.refuse = {licence_keys(house)[1]}
    publish_all(house, ready, publish_attempts=1)
    (first,) = letters(house)
    house.load({"0": person("Ek", "Siv", licences=[licence("1000")])}, snapshot=False)
    house.load({"0": person("Ek", "Åsa", licences=[licence("1000")])}, snapshot=False)
    result = publish_all(house, ready, publish_attempts=1)

    assert (result.failed, result.dead) == (1, 1)
    (second,) = letters(house)
    assert second.id > first.id
    assert house.count(t.outbox) == 1


def test_a_change_that_is_taken_clears_the_dead_letter_before_it(house: World, ready: Trying) -> None:
    ready.refuse = {licence_keys(house)[1]}
    publish_all(house, ready, publish_attempts=1)
    ready.refuse = set()
    house.load({"0": person("Ek", "Siv", licences=[licence("1000")])}, snapshot=False)
    publish_all(house, ready)

    assert house.count(t.outbox) == 0
    assert stored_versions(ready) == expected_versions(house)


def test_dead_letters_that_are_tried_again_are_published(house: World, ready: Trying) -> None:
    ready.refuse = set(licence_keys(house)[1:4])
    publish_all(house, ready, publish_attempts=1)
    ids = [letter.id for letter in letters(house)]
    ready.refuse = set()
    with writing(house.engine).begin() as connection:
        assert outbox.revive(connection, [ids[1], 10**9]) == [ids[1]]
    assert publish_all(house, ready).practitioners == 1
    assert [letter.id for letter in letters(house)] == [ids[0], ids[2]]
    with writing(house.engine).begin() as connection:
        assert outbox.revive(connection) == [ids[0], ids[2]]
    publish_all(house, ready)

    assert house.count(t.outbox) == 0
    assert stored_versions(ready) == expected_versions(house)


def test_who_no_document_can_be_made_of_does_not_stop_the_others(house: World, ready: Trying) -> None:
    """Facts that a loader would never write, as after damage to the database."""
    bad = licence_keys(house)[2]
    with writing(house.engine).begin() as connection:
        damaged = t.licence.c.id == bad // 2
        connection.execute(sa.update(t.licence).where(damaged).values(valid_to="no day of Liv1"))
    result = publish_all(house, ready, publish_attempts=1)

    assert (result.practitioners, result.dead) == (4, 1)
    (letter,) = letters(house)
    assert (letter.practitioner_id, letter.document) == (person_of(house, bad), f"p{person_of(house, bad)}")
    assert letter.reason.startswith("no document can be made: ValueError in ")
    assert "Liv1" not in letter.reason
    assert document_id(bad) not in stored_versions(ready)


def test_an_engine_without_room_keeps_the_queue_and_takes_it_later(house: World, ready: Trying) -> None:
    ready.full = 10**6
    pauses: list[float] = []
    first = publish_all(house, ready, wait=pauses.append)
    assert (first.postponed, first.practitioners, first.failed) == (5, 0, 0)
    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0]
    assert house.count(t.outbox, t.outbox.c.attempts == 0) == 5

    ready.full = 2
    second = publish_all(house, ready, wait=pauses.append)
    assert (second.postponed, second.practitioners) == (0, 5)
    assert pauses[5:] == [0.5, 1.0]
    assert stored_versions(ready) == expected_versions(house)


def test_what_has_room_goes_on_past_what_has_none(house: World, ready: Trying) -> None:
    """A shard that is away: the documents on the others are taken."""
    keys = licence_keys(house)[1:]
    ready.no_room = {keys[0], keys[3]}
    result = publish_all(house, ready, publish_batch=2)

    assert (result.practitioners, result.postponed) == (3, 2)
    assert stored_versions(ready).keys() == expected_versions(house).keys() - {
        document_id(keys[0]),
        document_id(keys[3]),
    }
    ready.no_room = set()
    publish_all(house, ready)
    assert stored_versions(ready) == expected_versions(house)


def test_nothing_is_held_while_an_engine_recovers(house: World, ready: Trying) -> None:
    ready.full = 1
    free: list[int] = []

    def look(_seconds: float) -> None:
        with claimed(house.engine, 100, 0) as claim:
            free.append(len(claim.entries))
        if house.engine.dialect.name == "postgresql":
            with house.engine.connect() as connection:
                mine = sa.text(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                    "AND state LIKE 'idle in transaction%'"
                )
                assert connection.scalar(mine) == 0

    assert publish_all(house, ready, wait=look).practitioners == 5
    assert free == [5]


def test_of_a_licence_that_is_refused_the_persons_other_documents_are_tried_again_too(
    house: World, ready: Trying
) -> None:
    two = [licence("7", key="SJ"), licence("8", key="BM", profession="midwife")]
    publish_all(house, ready)
    house.load({"two": person("Ek", "Siv", licences=two)}, snapshot=False)
    first, second = licence_keys(house)[-2:]
    ready.refuse = {second}
    publish_all(house, ready)
    assert document_id(first) in stored_versions(ready)
    assert house.count(t.outbox) == 1
    ready.refuse, ready.sent = set(), []
    make_due(house)
    publish_all(house, ready)

    # Tried before: what was taken then might have to go, so deletions are sent too.
    assert {one.key for one in ready.sent if one.body} == {first, second}
    assert len(ready.sent) == 3
    assert licence_key(second // 2) == second
