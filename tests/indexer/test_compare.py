"""Comparing SQL and index: every kind of difference is found, named, recorded, and mended through the outbox."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from indexer.compare import compare
from indexer.lock import BusyError, only_one
from indexer.publish import publish
from registry.database import writing
from registry.errors import SearchUnavailableError
from registry.records import tables as t
from registry.search import IndexEngine
from registry.search.document import Operation, document_id, licence_key, person_key
from tests.indexer.damage import (
    ALIEN,
    BODY,
    counts,
    filled,
    hasty,
    in_index,
    invent,
    is_right,
    look,
    lose,
    mended,
    move_on,
    owner,
    recorded,
    truth,
)
from tests.support.engines import index_of
from tests.support.publishing import people, quiet
from tests.support.world import World, person


@pytest.fixture
def small_index(small_world: World) -> Iterator[IndexEngine]:
    engine = index_of(small_world)
    yield engine
    engine.close()


def test_an_index_that_is_right_differs_in_nothing(house: World, index: IndexEngine) -> None:
    filled(house, index, people(5) | {"alone": person("Ask", "Siv")})

    found = look(house, index)

    assert not found.differs
    assert (found.expected, found.pending, found.ahead, found.repaired) == (6, 0, 0, 0)
    assert found.index == index.current_index()
    assert not look(house, index, full=True).differs
    assert recorded(house) == [(6, 0, 0, 0, 0)] * 2


def test_missing_extra_and_stale_documents_are_told_apart_recorded_and_repaired(
    house: World, index: IndexEngine
) -> None:
    right = filled(house, index, people(6))
    gone, older, newer, *_ = sorted(right)
    lose(index, right[gone])
    invent(index, ALIEN)
    move_on(house, [owner(house, older)])
    index.bulk([Operation(newer, right[newer].version + 1, right[newer].body)])

    found = look(house, index)
    again = look(house, index, repair=True)

    assert (counts(found), found.expected, found.repaired, found.mended) == ((1, 1, 2), 6, 0, False)
    assert found.examples == {
        "missing": [document_id(gone)],
        "extra": [document_id(ALIEN)],
        "stale": sorted(map(document_id, (older, newer))),
    }
    assert (counts(again), again.repaired, again.mended, again.differs) == ((1, 1, 2), 4, True, True)
    assert house.count(t.outbox) == 4
    assert recorded(house) == [(6, 1, 1, 2, 0), (6, 1, 1, 2, 4)]
    publish(house.engine, index, house.settings, quiet)
    assert not look(house, index, full=True).differs
    assert is_right(house, index)


@pytest.mark.parametrize("ahead", [0, 1, 10_000])
def test_a_document_comes_back_whatever_deletion_stands_in_its_place(
    house: World, index: IndexEngine, ahead: int
) -> None:
    right = filled(house, index, people(3))
    lose(index, next(iter(right.values())), ahead=ahead)

    assert not mended(house, index).differs
    assert is_right(house, index)


def test_documents_that_sql_knows_nothing_of_are_found_and_deleted(house: World, index: IndexEngine) -> None:
    right = filled(house, index, people(3))
    beyond = licence_key(2**40)
    strays = (licence_key(1), person_key(2**20), ALIEN, beyond, beyond + 1)
    invent(index, *strays, version=max(one.version for one in right.values()))

    found = look(house, index, repair=True)

    assert counts(found) == (0, 5, 0)
    assert set(found.examples["extra"]) == set(map(document_id, strays))
    assert house.count(t.outbox, t.outbox.c.practitioner_id == 0) == 5
    waiting = look(house, index, repair=True)
    assert (counts(waiting), waiting.pending, waiting.repaired) == ((0, 0, 0), 5, 0)
    publish(house.engine, index, house.settings, quiet)
    assert not look(house, index).differs
    assert is_right(house, index)


def test_the_document_of_a_licence_whose_row_is_gone_is_extra(house: World, index: IndexEngine) -> None:
    right = filled(house, index, people(3))
    key = max(right)
    with writing(house.engine).begin() as connection:
        connection.execute(sa.delete(t.licence_version).where(t.licence_version.c.licence_id == key // 2))
        connection.execute(sa.delete(t.licence).where(t.licence.c.id == key // 2))

    found = look(house, index, repair=True)

    # The person has no licence any more, and should be found by name alone.
    assert counts(found) == (1, 1, 0)
    publish(house.engine, index, house.settings, quiet)
    assert not look(house, index).differs
    assert is_right(house, index)


def test_protected_and_merged_people_and_licences_that_are_gone_are_not_expected(
    house: World, index: IndexEngine
) -> None:
    right = filled(house, index, people(4))
    hidden, merged, gone, _ = sorted(right)
    kept = owner(house, sorted(right)[3])
    with writing(house.engine).begin() as connection:
        table = t.practitioner
        for key, values in ((hidden, {"protected": True}), (merged, {"merged_into_id": kept})):
            connection.execute(sa.update(table).where(table.c.id == owner(house, key)).values(values))
        run = connection.scalar(sa.select(sa.func.max(t.feed_run.c.id)))
        connection.execute(sa.update(t.licence).where(t.licence.c.id == gone // 2).values(gone_run_id=run))

    found = look(house, index, repair=True)

    # Whose licence is gone should be found by name alone.
    assert (counts(found), found.expected) == ((1, 3, 0), 2)
    publish(house.engine, index, house.settings, quiet)
    assert not look(house, index).differs
    assert hidden not in in_index(index)
    assert is_right(house, index)


def test_deletions_that_the_index_remembers_are_not_counted(house: World, index: IndexEngine) -> None:
    filled(house, index, people(4))
    house.load({key: one for key, one in people(4).items() if key != "0"} | {"0": person("Ek", "Liv0")})
    publish(house.engine, index, house.settings, quiet)

    found = look(house, index)

    assert (counts(found), found.expected, found.ahead) == ((0, 0, 0), 4, 0)


def test_content_that_is_wrong_under_the_right_version_is_found_only_in_full(
    house: World, index: IndexEngine
) -> None:
    right = filled(house, index, people(3))
    key = min(right)
    index.bulk([Operation(key, right[key].version, {**right[key].body, "profession": "midwife"})])  # type: ignore[dict-item]

    assert not look(house, index).differs
    found = look(house, index, full=True, repair=True)
    assert (counts(found), found.examples["stale"]) == ((0, 0, 1), [document_id(key)])
    publish(house.engine, index, house.settings, quiet)
    assert not look(house, index, full=True).differs
    assert is_right(house, index)


def test_a_change_that_was_given_up_is_a_difference_and_is_tried_again_by_a_repair(
    house: World, index: IndexEngine
) -> None:
    right = filled(house, index, people(3))
    move_on(house, [owner(house, min(right))])
    with writing(house.engine).begin() as connection:
        letter = {"practitioner_id": owner(house, min(right)), "created_at": sa.func.current_timestamp()}
        connection.execute(sa.insert(t.outbox).values(dead=True, attempts=5, error="l1: no", **letter))

    assert counts(look(house, index)) == (0, 0, 1)
    assert look(house, index, repair=True).repaired == 1
    with house.engine.connect() as connection:
        row = connection.execute(sa.select(t.outbox)).one()
    assert (row.dead, row.attempts) == (False, 0)
    publish(house.engine, index, house.settings, quiet)
    assert not look(house, index).differs


def test_without_an_index_a_comparison_says_what_to_do(house: World, index: IndexEngine) -> None:
    house.load(people(1))

    with pytest.raises(SearchUnavailableError, match="indexer rebuild"):
        look(house, index)
    assert recorded(house) == []


def test_one_comparison_runs_at_a_time(house: World, index: IndexEngine) -> None:
    filled(house, index, people(1))

    with only_one(house.engine, "compare", house.settings.indexer), pytest.raises(BusyError, match="compare"):
        look(house, index)


def test_only_the_newest_results_are_kept(small_world: World, small_index: IndexEngine) -> None:
    right = filled(small_world, small_index, people(3))
    for n in range(4):
        if n == 3:
            lose(small_index, right[min(right)])
        look(small_world, small_index, settings=hasty(small_world, compare_keep=2))

    assert recorded(small_world) == [(3, 0, 0, 0, 0), (3, 1, 0, 0, 0)]


def test_an_index_without_any_document_is_repaired_in_full(house: World, index: IndexEngine) -> None:
    house.load(people(30))
    empty = index.create_index()
    index.finish_index(empty)
    index.swap(empty, replacing=None)
    with writing(house.engine).begin() as connection:
        connection.execute(sa.delete(t.outbox))

    assert counts(look(house, index)) == (30, 0, 0)
    assert not mended(house, index).differs
    assert is_right(house, index)


def test_progress_ends_with_all_documents(
    house: World, index: IndexEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.differing._PIECE", 4)
    right = filled(house, index, people(10))
    lose(index, right[min(right)], right[max(right)])
    told: list[tuple[object, ...]] = []

    result = compare(
        house.engine, index, hasty(house, compare_buckets=2), lambda *values: told.append(values), full=True
    )

    assert counts(result) == (2, 0, 0)
    assert [one for one in told if one[0] == "contents"] == [("contents", 10, 10)]
    assert [one[1] for one in told if one[0] == "compare"] == [0, 4, 8, 10, 10]
    assert told[-1] == ("compare", 10, 10)


def test_the_body_of_an_alien_is_one_that_the_engines_take(house: World, index: IndexEngine) -> None:
    filled(house, index, people(1))
    invent(index, ALIEN)

    assert in_index(index)[ALIEN][1] == Operation(ALIEN, 1, dict(BODY)).stored
    assert ALIEN not in truth(house)
