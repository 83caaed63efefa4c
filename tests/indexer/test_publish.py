"""From the outbox to the index and back: publish, rebuild and compare, on both sizes of the house."""

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from indexer.compare import compare
from indexer.load import Counts
from indexer.publish import publish
from indexer.rebuild import RebuildError, rebuild
from registry.errors import SearchUnavailableError
from registry.records import tables as t
from registry.records.facts import PersonFacts
from registry.search import IndexEngine, SearchQuery
from registry.search.document import Operation
from registry.search.port import Outcome
from registry.settings import Indexer
from tests.services.opensearch import OpenSearchServer
from tests.support.engines import index_of, large_house
from tests.support.world import World, licence, person

TODAY = date(2026, 11, 22)


def quiet(*_: object) -> None:
    """Show no progress."""


def found(index: IndexEngine, text: str) -> int:
    index.refresh()
    return index.search(SearchQuery(text=text), TODAY).total


def people(count: int) -> dict[str, PersonFacts]:
    return {str(n): person("Ek", f"Liv{n}", licences=[licence(str(1000 + n))]) for n in range(count)}


def test_a_change_is_found_after_publishing_and_the_queue_is_empty(house: World, index: IndexEngine) -> None:
    house.load({"a": person("Lindqvist", "Siv", licences=[licence("1")])})
    result = publish(house.engine, index, house.settings.indexer, quiet)

    assert (result.practitioners, result.failed) == (1, 0)
    assert found(index, "Siv Lindqvist") == 1
    assert house.count(t.outbox) == 0


def test_publishing_twice_sends_nothing_the_second_time(house: World, index: IndexEngine) -> None:
    house.load(people(3))
    publish(house.engine, index, house.settings.indexer, quiet)

    assert publish(house.engine, index, house.settings.indexer, quiet).documents == 0


def test_a_person_who_becomes_protected_leaves_the_index(house: World, index: IndexEngine) -> None:
    house.load({"a": person("Lindqvist", "Siv", licences=[licence("1")])})
    publish(house.engine, index, house.settings.indexer, quiet)
    house.load({"a": person("Lindqvist", "Siv", licences=[licence("1")], protected=True)})
    publish(house.engine, index, house.settings.indexer, quiet)

    assert found(index, "Siv Lindqvist") == 0
    assert not compare(house.engine, index, quiet).differs


def test_a_licence_that_is_gone_leaves_the_index_and_the_person_stays(
    house: World, index: IndexEngine
) -> None:
    two = [licence("1", key="SJ"), licence("2", key="BM", profession="midwife")]
    house.load({"a": person("Lindqvist", "Siv", licences=two)})
    publish(house.engine, index, house.settings.indexer, quiet)
    house.load({"a": person("Lindqvist", "Siv")})
    publish(house.engine, index, house.settings.indexer, quiet)

    index.refresh()
    assert index.search(SearchQuery(profession=("midwife",)), TODAY).total == 0
    assert found(index, "Siv Lindqvist") == 1


def test_a_rebuild_gives_the_same_index_and_keeps_only_the_one_before(
    house: World, index: IndexEngine
) -> None:
    house.load(people(30))
    publish(house.engine, index, house.settings.indexer, quiet)
    before = index.current_index()
    first = rebuild(house.engine, index, house.settings.indexer, quiet)
    second = rebuild(house.engine, index, house.settings.indexer, quiet)

    assert first.documents == second.documents == 30
    assert index.current_index() == second.index
    assert index.indices() == [first.index, second.index]
    assert before not in index.indices()
    assert not compare(house.engine, index, quiet).differs


def test_changes_that_are_loaded_during_a_rebuild_are_in_the_new_index(
    house: World, index: IndexEngine
) -> None:
    house.load(people(3))
    loaded: list[Counts] = []

    def load_meanwhile(*_: object) -> None:
        if not loaded:
            loaded.append(
                house.load({**people(3), "new": person("Lindqvist", "Siv", licences=[licence("9")])})
            )

    rebuild(house.engine, index, house.settings.indexer, load_meanwhile)

    assert found(index, "Siv Lindqvist") == 1
    assert not compare(house.engine, index, quiet).differs


def test_compare_tells_missing_extra_and_stale_documents(house: World, index: IndexEngine) -> None:
    house.load(people(4))
    publish(house.engine, index, house.settings.indexer, quiet)
    with house.engine.connect() as connection:
        numbers = list(connection.scalars(sa.select(t.licence.c.id).order_by(t.licence.c.id)))
        person_id = connection.scalar(
            sa.select(t.licence.c.practitioner_id).where(t.licence.c.id == numbers[1])
        )
    index.bulk([Operation(key=numbers[0] * 2, version=10**9, body=None)])
    body = {"practitioner_id": 10**9, "siblings": False, "name_order": "x"}
    index.bulk([Operation(key=10**9 * 2, version=1, body=body)])
    with house.engine.begin() as connection:
        connection.execute(
            sa.update(t.practitioner).where(t.practitioner.c.id == person_id).values(version=10**9)
        )

    result = compare(house.engine, index, quiet)

    assert (result.expected, result.missing, result.extra, result.stale) == (4, 1, 1, 1)
    assert result.examples == {
        "missing": [f"l{numbers[0]}"],
        "extra": [f"l{10**9}"],
        "stale": [f"l{numbers[1]}"],
    }


class Refusing:
    """The real engine, but for one document that it refuses, and a number of calls for which it has no room."""

    def __init__(self, engine: IndexEngine, *, refuse: int = -1, full: int = 0) -> None:
        self._engine, self._refuse, self._full = engine, refuse, full

    def __getattr__(self, name: str) -> object:
        return getattr(self._engine, name)

    def bulk(self, operations: Sequence[Operation], index: str | None = None) -> list[Outcome]:
        if self._full > 0:
            self._full -= 1
            return [Outcome(operation, "retry", "no room") for operation in operations]
        good = [operation for operation in operations if operation.key != self._refuse]
        taken = {outcome.operation.key: outcome for outcome in self._engine.bulk(good, index)}
        return [taken.get(one.key) or Outcome(one, "failed", "field too odd") for one in operations]


def first_licence(world: World) -> int:
    with world.engine.connect() as connection:
        number: int | None = connection.scalar(sa.select(sa.func.min(t.licence.c.id)))
    assert number is not None
    return number


def test_a_poisoned_document_becomes_a_dead_letter_and_the_others_go_on(
    house: World, index: IndexEngine
) -> None:
    house.load(people(5))
    poisoned = Refusing(index, refuse=first_licence(house) * 2)
    limits = make_settings_with(house, publish_attempts=1)
    result = publish(house.engine, poisoned, limits, quiet)  # type: ignore[arg-type]

    assert (result.practitioners, result.failed, result.dead) == (4, 1, 1)
    assert house.count(t.outbox, t.outbox.c.dead) == 1
    assert compare(house.engine, index, quiet).missing == 1


def test_a_refused_document_is_tried_again_later_not_at_once(house: World, index: IndexEngine) -> None:
    house.load(people(2))
    poisoned = Refusing(index, refuse=first_licence(house) * 2)
    first = publish(house.engine, poisoned, house.settings.indexer, quiet)  # type: ignore[arg-type]
    second = publish(house.engine, poisoned, house.settings.indexer, quiet)  # type: ignore[arg-type]

    assert (first.failed, first.dead, second.documents) == (1, 0, 0)
    assert house.count(t.outbox, t.outbox.c.attempts == 1) == 1


def test_an_engine_without_room_keeps_the_queue_and_takes_it_later(house: World, index: IndexEngine) -> None:
    house.load(people(3))
    full = Refusing(index, full=1)
    first = publish(house.engine, full, house.settings.indexer, quiet)  # type: ignore[arg-type]
    second = publish(house.engine, full, house.settings.indexer, quiet)  # type: ignore[arg-type]

    assert (first.postponed, first.practitioners) == (3, 0)
    assert second.practitioners == 3


def test_a_rebuild_with_a_refused_document_leaves_the_old_index_in_use(
    house: World, index: IndexEngine
) -> None:
    house.load(people(3))
    publish(house.engine, index, house.settings.indexer, quiet)
    before = index.current_index()
    poisoned = Refusing(index, refuse=first_licence(house) * 2)

    with pytest.raises(RebuildError, match="refused, first l"):
        rebuild(house.engine, poisoned, house.settings.indexer, quiet)  # type: ignore[arg-type]

    assert index.indices() == [before]
    assert index.current_index() == before


def make_settings_with(house: World, **values: int) -> Indexer:
    return msgspec.structs.replace(house.settings.indexer, **values)


def test_while_the_engine_is_down_the_queue_is_kept(
    tmp_path: Path,
    fresh_postgres_database: Callable[[], str],
    stoppable_opensearch: OpenSearchServer,
    opensearch_prefix: str,
) -> None:
    world = large_house(tmp_path, fresh_postgres_database, stoppable_opensearch.url, opensearch_prefix)
    world.load(people(2))
    index = index_of(world)
    publish(world.engine, index, world.settings.indexer, quiet)
    world.load({**people(2), "x": person("Lindqvist", "Siv", licences=[licence("9")])})
    stoppable_opensearch.kill()
    with pytest.raises(SearchUnavailableError):
        publish(world.engine, index, world.settings.indexer, quiet)
    waiting = world.count(t.outbox)
    stoppable_opensearch.start()
    result = publish(world.engine, index, world.settings.indexer, quiet)

    assert (waiting, result.practitioners) == (1, 1)
    index.close()
    world.close()
