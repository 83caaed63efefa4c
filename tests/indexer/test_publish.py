"""From the outbox to the index: what is sent about whom, on both sizes of the house."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from indexer.fold import tell_outbox
from registry.database import writing
from registry.errors import SearchUnavailableError
from registry.identifiers import PERSONAL_IDENTITY_NUMBER
from registry.records import outbox
from registry.records import tables as t
from registry.records.facts import IdentifierFacts, IdentifierUse, PersonFacts
from registry.search import IndexEngine, SearchQuery
from registry.search.document import Operation, document_id
from registry.search.port import OTHER_MAPPING
from tests.services.opensearch import OpenSearchServer
from tests.support.engines import index_of, large_house
from tests.support.publishing import (
    TODAY,
    Trying,
    expected_versions,
    found,
    licence_keys,
    people,
    publish_all,
    stored_versions,
)
from tests.support.world import World, licence, person

ONE, TWO = "199001019802", "199001029801"
SIV = person("Lindqvist", "Siv", licences=[licence("1")])


@pytest.fixture
def ready(house: World, index: IndexEngine) -> Trying:
    """The engine of a house that has an index already, with one person in it."""
    house.load({"first": person("Berg", "Åke", licences=[licence("99")])}, snapshot=False)
    publish_all(house, index)
    return Trying(index)


def load(house: World, **people_by_key: PersonFacts) -> None:
    house.load(people_by_key, snapshot=False)


def number(value: str, use: IdentifierUse = "official") -> IdentifierFacts:
    return IdentifierFacts(system=PERSONAL_IDENTITY_NUMBER, value=value, use=use)


def queue(house: World, *columns: str) -> list[tuple[object, ...]]:
    with house.engine.connect() as connection:
        rows = connection.execute(sa.select(*(t.outbox.c[name] for name in columns)).order_by(t.outbox.c.id))
        return [tuple(row) for row in rows]


def put(house: World, **row: object) -> None:
    """Put a row into the outbox as a comparison does."""
    with writing(house.engine).begin() as connection:
        connection.execute(sa.insert(t.outbox).values(created_at=datetime.now(UTC), **row))


def test_the_first_index_is_made_and_holds_what_waited(house: World, index: IndexEngine) -> None:
    house.load(people(3))
    result = publish_all(house, index)

    assert result.made == index.current_index()
    assert house.count(t.outbox) == 0
    assert stored_versions(index) == expected_versions(house)
    assert publish_all(house, index).made == ""


def test_a_change_is_found_after_publishing_and_the_queue_is_empty(house: World, ready: Trying) -> None:
    load(house, a=SIV)
    result = publish_all(house, ready)

    assert (result.practitioners, result.failed, result.postponed) == (1, 0, 0)
    assert found(ready, "Siv Lindqvist") == 1
    assert house.count(t.outbox) == 0


def test_publishing_twice_sends_nothing_the_second_time(house: World, ready: Trying) -> None:
    load(house, a=SIV)
    publish_all(house, ready)
    ready.sent = []

    assert publish_all(house, ready).as_dict() == {
        "practitioners": 0,
        "documents": 0,
        "failed": 0,
        "dead": 0,
        "postponed": 0,
        "made": "",
    }
    assert ready.sent == []


def test_more_changes_than_one_batch_holds_are_all_published(house: World, ready: Trying) -> None:
    house.load(people(23), snapshot=False)
    result = publish_all(house, ready, publish_batch=5)

    assert result.practitioners == 23
    assert stored_versions(ready) == expected_versions(house)


def test_a_person_who_becomes_protected_leaves_the_index(house: World, ready: Trying) -> None:
    load(house, a=SIV)
    publish_all(house, ready)
    load(house, a=person("Lindqvist", "Siv", licences=[licence("1")], protected=True))
    publish_all(house, ready)

    assert found(ready, "Siv Lindqvist") == 0
    assert stored_versions(ready) == expected_versions(house)


def test_a_licence_that_is_gone_leaves_the_index_and_the_person_stays(house: World, ready: Trying) -> None:
    two = [licence("1", key="SJ"), licence("2", key="BM", profession="midwife")]
    load(house, a=person("Lindqvist", "Siv", licences=two))
    publish_all(house, ready)
    load(house, a=person("Lindqvist", "Siv"))
    publish_all(house, ready)

    ready.refresh()
    assert ready.search(SearchQuery(profession=("midwife",)), TODAY).total == 0
    assert found(ready, "Siv Lindqvist") == 1


def test_people_who_are_joined_are_one_in_the_index(house: World, ready: Trying) -> None:
    load(house, a=person("Ek", "Liv", licences=[licence("1")], identifiers=(number(ONE),)))
    load(house, b=person("Alm", "Liv", licences=[licence("2")], identifiers=(number(TWO),)))
    publish_all(house, ready)
    assert found(ready, "Liv") == 2
    both = (number(TWO), number(ONE, "old"))
    load(house, b=person("Alm", "Liv", licences=[licence("2")], identifiers=both))
    publish_all(house, ready)

    assert found(ready, "Liv") == 1
    assert stored_versions(ready) == expected_versions(house)


# --- people made by the change: nothing of theirs can stand in the index ---------------------------------------------


def test_of_new_people_only_documents_are_sent(house: World, ready: Trying) -> None:
    house.load(people(4), snapshot=False)
    assert {row[0] for row in queue(house, "fresh")} == {True}
    publish_all(house, ready)

    assert len(ready.sent) == 4
    assert all(operation.body for operation in ready.sent)


def test_of_known_people_deletions_are_sent_too(house: World, ready: Trying) -> None:
    load(house, a=SIV)
    publish_all(house, ready)
    ready.sent = []
    load(house, a=person("Lindqvist", "Sif", licences=[licence("1")]))
    assert queue(house, "fresh") == [(False,)]
    publish_all(house, ready)

    assert sorted(operation.body is None for operation in ready.sent) == [False, True]


def test_new_people_who_come_with_several_records_are_not_taken_for_fresh(
    house: World, ready: Trying
) -> None:
    twice = {
        key: person("Ek", "Liv", licences=[licence(key)], identifiers=(number(ONE),)) for key in ("1", "2")
    }
    house.load(twice, snapshot=False)

    assert queue(house, "fresh") == [(False,)]
    publish_all(house, ready)
    assert stored_versions(ready) == expected_versions(house)


@pytest.mark.parametrize("what", ["changed", "tried", "asked for again"])
def test_whoever_has_changed_or_was_tried_is_sent_with_deletions(
    house: World, ready: Trying, what: str
) -> None:
    load(house, a=SIV)
    with writing(house.engine).begin() as connection:
        if what == "changed":
            # As if the row of the later change were in another publisher's hands.
            version = sa.select(sa.func.max(t.practitioner.c.version) + 1).scalar_subquery()
            connection.execute(
                sa.update(t.practitioner)
                .where(t.practitioner.c.id == sa.select(sa.func.max(t.practitioner.c.id)).scalar_subquery())
                .values(version=version)
            )
        elif what == "tried":
            connection.execute(sa.update(t.outbox).values(attempts=1))
        else:
            ids = list(connection.scalars(sa.select(t.outbox.c.practitioner_id)))
            tell_outbox(connection, ids, datetime.now(UTC))
    publish_all(house, ready)

    assert sorted(operation.body is None for operation in ready.sent) == [False, True]


# --- documents that SQL knows nothing of ------------------------------------------------------------------------------


def test_a_document_that_nobody_knows_is_deleted(house: World, ready: Trying) -> None:
    stray = Operation(10**9 * 2, 1, {"practitioner_id": 10**9, "siblings": False, "name_order": "x"})
    ready.bulk([stray])
    assert stray.id in stored_versions(ready)
    put(house, practitioner_id=0, document_key=stray.key)
    result = publish_all(house, ready)

    assert (result.practitioners, house.count(t.outbox)) == (1, 0)
    assert stored_versions(ready) == expected_versions(house)


def test_a_document_that_sql_has_come_to_know_is_its_persons(house: World, ready: Trying) -> None:
    load(house, a=SIV)
    publish_all(house, ready)
    known = licence_keys(house)[-1]
    ready.bulk([Operation(known, 10**9, None)])
    assert document_id(known) not in stored_versions(ready)
    with writing(house.engine).begin() as connection:
        connection.execute(sa.update(t.practitioner).values(version=10**9 + 1))
    put(house, practitioner_id=0, document_key=known)
    publish_all(house, ready)

    assert stored_versions(ready)[document_id(known)] == 10**9 + 1
    assert house.count(t.outbox) == 0


def test_who_is_made_after_a_stray_deletion_is_not_kept_out_by_it(house: World, ready: Trying) -> None:
    with house.engine.connect() as connection:
        next_id = connection.scalar(sa.select(t.counter.c.next_value)) or 0
    # The run and the source record take numbers too: the licence is the fourth from here.
    keys = [(next_id + step) * 2 + odd for step in range(6) for odd in (0, 1)]
    for key in keys:
        put(house, practitioner_id=0, document_key=key)
    publish_all(house, ready)
    load(house, a=SIV)
    publish_all(house, ready)

    assert licence_keys(house)[-1] in keys
    assert found(ready, "Siv Lindqvist") == 1


def test_a_change_about_nobody_is_let_go(house: World, ready: Trying) -> None:
    put(house, practitioner_id=10**9)
    result = publish_all(house, ready)

    assert (result.practitioners, result.documents, house.count(t.outbox)) == (1, 0, 0)


# --- an index that can't be used --------------------------------------------------------------------------------------


def test_an_index_for_other_fields_keeps_the_queue_and_blames_no_document(
    house: World, ready: Trying, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(house, a=SIV)
    monkeypatch.setattr(ready, "fit", lambda _index: "other", raising=False)
    with pytest.raises(SearchUnavailableError) as refused:
        publish_all(house, ready)

    assert refused.value.detail == OTHER_MAPPING
    assert queue(house, "attempts", "dead") == [(0, False)]
    assert ready.sent == []


def test_while_the_engine_is_down_the_queue_is_kept(
    tmp_path: Path,
    fresh_postgres_database: Callable[[], str],
    stoppable_opensearch: OpenSearchServer,
    opensearch_prefix: str,
) -> None:
    world = large_house(tmp_path, fresh_postgres_database, stoppable_opensearch.url, opensearch_prefix)
    world.load(people(2))
    index = index_of(world)
    publish_all(world, index)
    world.load({"x": SIV}, snapshot=False)
    stoppable_opensearch.kill()
    with pytest.raises(SearchUnavailableError):
        publish_all(world, index)
    waiting = world.count(t.outbox)
    stoppable_opensearch.start()
    result = publish_all(world, index)

    assert (waiting, result.practitioners) == (1, 1)
    index.close()
    world.close()


def test_what_is_not_due_is_not_taken(house: World, ready: Trying) -> None:
    load(house, a=SIV)
    later = datetime(2999, 1, 1, tzinfo=UTC)
    with writing(house.engine).begin() as connection:
        connection.execute(sa.update(t.outbox).values(not_before=later))
    publish_all(house, ready)
    with house.engine.connect() as connection:
        due = [outbox.is_due(connection, moment) for moment in (datetime.now(UTC), later)]

    assert (ready.sent, due) == ([], [False, True])
