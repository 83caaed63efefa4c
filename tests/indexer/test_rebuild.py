"""Rebuilding the index while nobody disturbs it: what is in it, what is kept, what goes on meanwhile."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from indexer.builds import ensure_index
from indexer.load import Counts
from indexer.lock import BusyError, only_one
from indexer.publish import publish
from indexer.rebuild import RebuildError, rebuild
from registry.database import writing
from registry.errors import SwapError
from registry.records import outbox
from registry.records import tables as t
from registry.search import IndexEngine, SearchQuery
from tests.indexer.disturbed import (
    NAMES,
    altering,
    compared,
    disturbed,
    first_licence,
    indices,
    people,
    states,
    with_index,
)
from tests.support.publishing import TODAY, found, quiet
from tests.support.world import World, licence, person


def test_the_first_index_of_a_house_is_built_from_sql_and_nothing_is_left_to_publish(
    house: World, index: IndexEngine
) -> None:
    house.load(people(30))

    name = ensure_index(house.engine, index, house.settings)

    assert index.current_index() == name
    assert index.count() == 30
    assert house.count(t.outbox) == 0
    assert states(house) == {name: "current"}
    assert not compared(house, index).differs


def test_an_index_that_is_there_is_used_as_it_is(house: World, index: IndexEngine) -> None:
    house.load(people(2))
    first = ensure_index(house.engine, index, house.settings)

    assert ensure_index(house.engine, index, house.settings) == first
    assert index.indices() == [first]


def test_a_house_without_anybody_gets_an_empty_index(house: World, index: IndexEngine) -> None:
    result = rebuild(house.engine, index, house.settings, quiet)

    assert result.documents == 0
    assert found(index, "Siv Lindqvist") == 0


def test_a_rebuild_gives_the_same_index_and_keeps_only_the_one_before(
    house: World, index: IndexEngine
) -> None:
    house.load(people(30))
    first, second, third = (rebuild(house.engine, index, house.settings, quiet) for _ in range(3))

    assert first.documents == second.documents == third.documents == 30
    assert third.before == second.index
    assert index.current_index() == third.index
    assert index.indices() == [second.index, third.index]
    assert states(house) == {third.index: "current", second.index: "previous"}
    assert not compared(house, index).differs


def test_protected_and_merged_people_and_licences_that_are_gone_are_not_in_a_new_index(
    house: World, index: IndexEngine
) -> None:
    everybody = people(4)
    house.load(everybody)
    hidden = person("Ek", "Berta", licences=[licence("1000")], protected=True)
    house.load({**everybody, "0": hidden, "1": person("Ek", "Gustav")})

    result = rebuild(house.engine, index, house.settings, quiet)

    assert result.documents == 3
    assert found(index, "Berta Ek") == 0
    assert found(index, "Gustav Ek") == 1
    assert index.search(SearchQuery(profession=("registered-nurse",)), TODAY).total == 2


def test_what_is_loaded_during_the_fill_is_in_the_new_index(house: World, index: IndexEngine) -> None:
    house.load(people(3))

    def load_meanwhile(phase: str, *_: object) -> None:
        if phase == "rebuild" and house.count(t.practitioner) == 3:
            changed = {**people(3), "1": person("Ek", "Gustav"), "new": person("Lindqvist", "Siv")}
            house.load(changed)

    result = rebuild(house.engine, index, house.settings, load_meanwhile)

    assert found(index, "Siv Lindqvist") == 1
    assert result.documents == 4
    # They are in the index, so that nothing is left for a publisher.
    assert house.count(t.outbox) == 0
    assert not compared(house, index).differs


@pytest.mark.parametrize("step", ["finish_index", "count", "swap"])
def test_what_is_loaded_at_any_later_step_is_in_the_index_or_waits(
    house: World, index: IndexEngine, step: str
) -> None:
    house.load(people(3))
    rebuild(house.engine, index, house.settings, quiet)
    real: Callable[..., object] = getattr(index, step)
    loaded: list[Counts] = []

    def load_first(*args: object, **kwargs: object) -> object:
        if not loaded:
            loaded.append(house.load({**people(3), "new": person("Lindqvist", "Siv")}))
            # A publisher brings it to the index that is still in use, and forgets it.
            publish(house.engine, index, house.settings, quiet)
        return real(*args, **kwargs)

    rebuild(house.engine, disturbed(index, **{step: load_first}), house.settings, quiet)
    publish(house.engine, index, house.settings, quiet)

    assert loaded
    assert found(index, "Siv Lindqvist") == 1
    assert not compared(house, index).differs


def test_changes_that_only_the_former_index_was_told_are_queued_although_they_are_in_the_outbox(
    house: World, index: IndexEngine
) -> None:
    house.load(people(3))
    rebuild(house.engine, index, house.settings, quiet)
    swap = index.swap
    in_hand: list[int] = []

    def late(name: str, *, replacing: str | None) -> None:
        # A publisher has read the person and chosen the index before the swap.
        house.load({**people(3), "new": person("Lindqvist", "Siv")})
        with house.engine.connect() as connection:
            in_hand.extend(connection.scalars(sa.select(t.outbox.c.id)))
        swap(name, replacing=replacing)

    rebuild(house.engine, disturbed(index, swap=late), house.settings, quiet)
    # Only now it hears from the former index that all is well, and forgets the change.
    with writing(house.engine).begin() as connection:
        connection.execute(sa.delete(t.outbox).where(t.outbox.c.id.in_(in_hand)))

    assert len(in_hand) == 1
    assert house.count(t.outbox) == 1
    publish(house.engine, index, house.settings, quiet)
    assert found(index, "Siv Lindqvist") == 1
    assert not compared(house, index).differs


def test_dead_letters_about_people_whom_the_new_index_holds_are_forgotten(
    house: World, index: IndexEngine
) -> None:
    house.load(people(2))
    rebuild(house.engine, index, house.settings, quiet)
    house.load(people(2, "Lind"))
    with house.engine.begin() as connection:
        connection.execute(sa.update(t.outbox).values(dead=True, attempts=9, error="field too odd"))

    rebuild(house.engine, index, house.settings, quiet)

    assert house.count(t.outbox) == 0
    assert found(index, "Gustav Lind") == 1


def test_what_a_publisher_has_in_hand_and_what_is_about_strays_stays_in_the_outbox(
    house: World, index: IndexEngine
) -> None:
    house.load(people(3))
    with writing(house.engine).begin() as connection:
        connection.execute(
            sa.insert(t.outbox).values(practitioner_id=0, document_key=10**9, created_at=datetime.now(UTC))
        )
    # On SQLite nobody can hold a row: there, what is gone when the publisher comes to remove it, is gone.
    postgresql = house.engine.dialect.name == "postgresql"
    with house.engine.connect() as connection:
        if postgresql:
            outbox.claim(connection, 1, datetime.now(UTC))
        rebuild(house.engine, index, house.settings, quiet)

    assert house.count(t.outbox, t.outbox.c.document_key.is_not(None)) == 1
    assert house.count(t.outbox) == (2 if postgresql else 1)


def test_a_second_rebuild_at_the_same_time_is_refused(house: World, index: IndexEngine) -> None:
    house.load(people(2))
    with only_one(house.engine, "rebuild", house.settings.indexer), pytest.raises(BusyError, match="rebuild"):
        rebuild(house.engine, index, house.settings, quiet)

    assert index.indices() == []


def test_a_refused_document_is_named_and_leaves_the_index_in_use(house: World, index: IndexEngine) -> None:
    house.load(people(3))
    before = rebuild(house.engine, index, house.settings, quiet).index
    odd = first_licence(house) * 2
    refusing = altering(index, lambda one: None if one.key == odd else one, refuse=True)

    with pytest.raises(RebuildError, match=f"refused, first l{odd // 2}: field too odd"):
        rebuild(house.engine, refusing, house.settings, quiet)

    assert index.indices() == [before]
    assert index.current_index() == before
    assert states(house) == {before: "current"}


def test_an_index_that_another_one_has_replaced_meanwhile_is_not_swapped_in_and_can_be_continued(
    house: World, index: IndexEngine
) -> None:
    house.load(people(3))
    before = rebuild(house.engine, index, house.settings, quiet).index
    other = rebuild(house.engine, index, house.settings, quiet).index
    refresh = index.refresh

    def move_back(name: str | None = None) -> None:
        if index.current_index() == other:
            index.swap(before, replacing=other)
        refresh(name)

    with pytest.raises(SwapError):
        rebuild(house.engine, disturbed(index, refresh=move_back), house.settings, quiet)
    assert index.current_index() == before
    left = next(name for name, state in states(house).items() if state == "building")

    result = rebuild(house.engine, index, house.settings, quiet)

    assert (result.index, result.before, result.resumed) == (left, before, True)
    assert not compared(house, index).differs


def test_changes_that_come_faster_than_they_can_be_caught_up_with_leave_a_build_to_continue(
    house: World, index: IndexEngine
) -> None:
    house.load(people(6))
    before = rebuild(house.engine, index, house.settings, quiet).index
    hurried = with_index(house.settings, rebuild_batch=2, rebuild_rounds=2)
    rounds: list[Counts] = []

    def load_always(*_: object) -> None:
        rounds.append(house.load(people(6, NAMES[len(rounds)])))

    with pytest.raises(BusyError, match="faster"):
        rebuild(house.engine, index, hurried, load_always)
    assert index.current_index() == before

    result = rebuild(house.engine, index, house.settings, quiet)

    assert result.resumed
    assert sorted(indices(house)) == sorted([before, result.index])
    assert not compared(house, index).differs


def test_a_fresh_rebuild_drops_what_was_left_unfinished(house: World, index: IndexEngine) -> None:
    house.load(people(3))
    swap = index.swap

    def refuse(name: str, *, replacing: str | None) -> None:
        swap(name, replacing="another")

    with pytest.raises(SwapError):
        rebuild(house.engine, disturbed(index, swap=refuse), house.settings, quiet)
    left = index.indices()

    result = rebuild(house.engine, index, house.settings, quiet, fresh=True)

    assert len(left) == 1
    assert index.indices() == [result.index]
    assert result.index not in left
    assert states(house) == {result.index: "current"}
