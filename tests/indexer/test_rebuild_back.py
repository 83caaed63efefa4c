"""Going back to the previous index, and fields added in place."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from indexer.builds import ensure_index
from indexer.lock import BusyError, only_one
from indexer.publish import publish
from indexer.rebuild import RebuildError, back, rebuild
from registry.errors import SearchUnavailableError
from registry.records import tables as t
from registry.search import IndexEngine
from registry.search.document import Operation
from tests.indexer.disturbed import (
    KilledError,
    altering,
    compared,
    disturbed,
    first_licence,
    indices,
    people,
    states,
)
from tests.indexer.other_versions import other_version
from tests.support.engines import index_of, large_house
from tests.support.publishing import found, quiet
from tests.support.world import World, licence, person


def test_back_and_forth_and_each_time_all_that_has_changed_is_found(house: World, index: IndexEngine) -> None:
    house.load(people(5))
    first = rebuild(house.engine, index, house.settings, quiet).index
    second = rebuild(house.engine, index, house.settings, quiet).index
    for family, wanted in (("Lind", first), ("Berg", second), ("Dahl", first)):
        gone = {number: who for number, who in people(5, family).items() if number != "4"}
        hidden = person(family, "Ludvig", licences=[licence("1005")], protected=True)
        house.load({**gone, "5": hidden, "new": person(family, "Siv")})
        publish(house.engine, index, house.settings, quiet)

        result = back(house.engine, index, house.settings, quiet)

        assert (result.index, index.current_index()) == (wanted, wanted)
        assert sorted(index.indices()) == sorted([first, second])
        assert found(index, f"Berta {family}") == 1
        assert found(index, f"Siv {family}") == 1
        assert found(index, f"Ludvig {family}") == 0
        assert house.count(t.outbox) == 0
        assert not compared(house, index).differs


def test_back_also_brings_what_no_publisher_had_sent_yet(house: World, index: IndexEngine) -> None:
    house.load(people(3))
    first = rebuild(house.engine, index, house.settings, quiet).index
    house.load(people(3, "Lind"))
    # The new index holds these, so that they leave the outbox; the previous one has never seen them.
    rebuild(house.engine, index, house.settings, quiet)
    assert house.count(t.outbox) == 0

    assert back(house.engine, index, house.settings, quiet).index == first

    assert found(index, "Berta Lind") == 1
    assert not compared(house, index).differs


def test_the_mark_of_an_index_that_is_replaced_says_what_it_holds(house: World, index: IndexEngine) -> None:
    house.load(people(6))
    first = rebuild(house.engine, index, house.settings, quiet).index
    house.load(people(6, "Lind"))
    publish(house.engine, index, house.settings, quiet)
    rebuild(house.engine, index, house.settings, quiet)
    told: list[tuple[object, ...]] = []

    back(house.engine, index, house.settings, lambda *each: told.append(each))

    # Everything was published to it while it was in use: going back at once has nothing to bring.
    assert states(house)[first] == "current"
    assert told == []


def test_without_a_previous_index_there_is_no_way_back(house: World, index: IndexEngine) -> None:
    house.load(people(1))
    only = rebuild(house.engine, index, house.settings, quiet).index

    with pytest.raises(RebuildError, match="no previous index"):
        back(house.engine, index, house.settings, quiet)
    assert index.current_index() == only


def test_a_previous_index_that_somebody_has_dropped_is_no_way_back(house: World, index: IndexEngine) -> None:
    house.load(people(1))
    first = rebuild(house.engine, index, house.settings, quiet).index
    second = rebuild(house.engine, index, house.settings, quiet).index
    index.drop(first)

    with pytest.raises(RebuildError, match="no previous index"):
        back(house.engine, index, house.settings, quiet)
    assert index.current_index() == second


def test_an_index_of_another_version_is_no_way_back(house: World, index: IndexEngine) -> None:
    house.load(people(2))
    with other_version(house, more={"shoe_size": {"type": "integer"}}) as later:
        rebuild(house.engine, later, house.settings, quiet)
    current = rebuild(house.engine, index, house.settings, quiet).index

    with pytest.raises(RebuildError, match="was made for other fields"):
        back(house.engine, index, house.settings, quiet)
    assert index.current_index() == current


def test_back_waits_for_no_rebuild(house: World, index: IndexEngine) -> None:
    with only_one(house.engine, "rebuild", house.settings.indexer), pytest.raises(BusyError):
        back(house.engine, index, house.settings, quiet)


def test_back_repairs_an_alias_that_was_lost(house: World, index: IndexEngine) -> None:
    house.load(people(2))
    name = rebuild(house.engine, index, house.settings, quiet).index
    _lose_alias(house, index, name)
    assert index.current_index() is None

    result = back(house.engine, index, house.settings, quiet)

    assert (result.index, result.before) == (name, None)
    assert found(index, "Berta Ek") == 1
    assert states(house) == {name: "current"}


def _lose_alias(house: World, index: IndexEngine, name: str) -> None:
    if house.settings.search.engine == "tantivy":
        (Path(house.settings.search.tantivy.path) / "current").unlink()
    else:
        index._client.indices.delete_alias(index=name, name=name.rsplit("-", 2)[0])  # type: ignore[attr-defined]


@pytest.fixture
def large(
    tmp_path: Path, fresh_postgres_database: Callable[[], str], opensearch_url: str, opensearch_prefix: str
) -> Iterator[World]:
    """The large house alone: a Tantivy index can't be given fields."""
    world = large_house(tmp_path, fresh_postgres_database, opensearch_url, opensearch_prefix)
    yield world
    world.close()


def test_fields_are_added_in_place_and_all_documents_get_them(large: World) -> None:
    house, index = large, index_of(large)
    house.load(people(4))
    with other_version(house, without="profession") as earlier:
        name = rebuild(house.engine, _without_profession(earlier), house.settings, quiet).index
    key = first_licence(house) * 2
    assert "profession" not in index.stored([key], name)[key]
    with pytest.raises(SearchUnavailableError):
        ensure_index(house.engine, index, house.settings)

    def die(*_: object) -> None:
        raise KilledError

    with pytest.raises(KilledError):
        rebuild(house.engine, index, house.settings, die, in_place=True)
    # Half done is not done: it is not taken for an index that is complete.
    assert index.fit(name) == "fewer"

    result = rebuild(house.engine, index, house.settings, quiet, in_place=True)
    again = rebuild(house.engine, index, house.settings, quiet, in_place=True)

    assert (result.index, result.documents, result.changed) == (name, 4, True)
    assert (again.index, again.changed) == (name, False)
    assert index.stored([key], name)[key]["profession"] == "registered-nurse"
    assert ensure_index(house.engine, index, house.settings) == name
    assert not compared(house, index).differs
    index.close()


def _without_profession(engine: IndexEngine) -> IndexEngine:
    """Return the engine as an earlier version used it."""

    def earlier(operation: Operation) -> Operation:
        body = {name: value for name, value in (operation.body or {}).items() if name != "profession"}
        return Operation(operation.key, operation.version, body if operation.body else None)

    def stored(keys: list[int], name: str | None = None) -> dict[int, dict[str, object]]:
        held = engine.stored(keys, name)
        return {key: {**each, "profession": "registered-nurse"} for key, each in held.items()}

    return disturbed(altering(engine, earlier), stored=stored)


def test_in_place_is_refused_where_it_can_not_be(house: World, index: IndexEngine) -> None:
    house.load(people(1))
    with pytest.raises(RebuildError, match="no index in use"):
        rebuild(house.engine, index, house.settings, quiet, in_place=True)
    with other_version(house, more={"shoe_size": {"type": "integer"}}) as later:
        name = rebuild(house.engine, later, house.settings, quiet).index

    with pytest.raises(RebuildError, match="can't be changed in place"):
        rebuild(house.engine, index, house.settings, quiet, in_place=True)

    assert index.current_index() == name
    assert indices(house)[name].whole
    with house.engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(t.outbox)) == 0
