"""Comparing while loads and publishers go on: what is under way is no difference, and a difference is not hidden by it."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from random import Random
from typing import Any

import pytest

from indexer.publish import publish
from registry.records.facts import PersonFacts
from registry.search import IndexEngine
from registry.search.document import document_id, licence_key
from tests.indexer.damage import counts, filled, hasty, is_right, look, lose, move_on, owner, truth
from tests.indexer.disturbed import disturbed
from tests.support.engines import index_of
from tests.support.publishing import people, quiet
from tests.support.world import World, licence, person

_COMPARED = 6


def test_what_waits_in_the_outbox_is_pending_and_no_difference(house: World, index: IndexEngine) -> None:
    filled(house, index, people(4))
    house.load({**people(3, given="Siv"), "new": person("Ask", "Eva", licences=[licence("1")])})

    # Of the four who stood there three are called otherwise and one is gone, and one is new.
    found = look(house, index, repair=True)
    in_full = look(house, index, full=True)

    assert (found.differs, found.pending, found.repaired) == (False, 6, 0)
    assert (in_full.differs, in_full.pending) == (False, 6)
    publish(house.engine, index, house.settings, quiet)
    assert (look(house, index).differs, look(house, index).pending) == (False, 0)


def test_a_difference_beside_what_waits_is_found(house: World, index: IndexEngine) -> None:
    right = filled(house, index, people(4))
    house.load(people(4) | {"0": person("Ek", "Other", licences=[licence("1000")])})
    lost = max(right)
    lose(index, right[lost])

    found = look(house, index)

    assert (counts(found), found.pending) == ((1, 0, 0), 1)
    assert found.examples["missing"] == [document_id(lost)]


def test_what_comes_to_rest_while_it_is_looked_at_again_is_not_told(house: World, index: IndexEngine) -> None:
    filled(house, index, people(4))
    house.load(people(4, given="Siv"))
    looks: list[int] = []

    def stored(keys: Sequence[int], name: str | None = None) -> dict[int, dict[str, Any]]:
        looks.append(len(keys))
        if len(looks) == 2:
            publish(house.engine, index, house.settings, quiet)
            index.refresh()
        return index.stored(keys, name)

    found = look(house, disturbed(index, stored=stored))

    assert (found.differs, found.pending) == (False, 0)
    assert looks == [4, 4]


def test_what_changes_at_the_very_moment_is_looked_at_again(house: World, index: IndexEngine) -> None:
    right = filled(house, index, people(3))
    moved, lost = min(right), max(right)
    lose(index, right[moved], right[lost])
    looks: list[int] = []

    def stored(keys: Sequence[int], name: str | None = None) -> dict[int, dict[str, Any]]:
        looks.append(len(keys))
        if len(looks) == 1:
            move_on(house, [owner(house, moved)])
        return index.stored(keys, name)

    assert counts(look(house, disturbed(index, stored=stored))) == (2, 0, 0)
    assert looks == [2, 1]


def test_patience_is_bounded_in_number_and_time(
    house: World, index: IndexEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.judging._REMEMBERED", 5)
    monkeypatch.setattr("indexer.judging._AT_ONCE", 2)
    filled(house, index, people(9))
    house.load(people(9, given="Siv"))
    looks: list[int] = []

    def stored(keys: Sequence[int], name: str | None = None) -> dict[int, dict[str, Any]]:
        looks.append(len(keys))
        return index.stored(keys, name)

    found = look(house, disturbed(index, stored=stored), settings=hasty(house, compare_rounds=2))

    assert (found.differs, found.pending) == (False, 9)
    assert looks == [2, 2, 2, 2, 1] + 2 * [2, 2, 1]


@contextmanager
def going_on(*work: Callable[[], None]) -> Iterator[None]:
    """Do this again and again, each in a thread of its own, for the length of the block."""
    ended = threading.Event()
    errors: list[BaseException] = []

    def again(one: Callable[[], None]) -> None:
        try:
            while not ended.is_set():
                one()
                time.sleep(0.01)
        except BaseException as error:  # noqa: BLE001 - told to the test below
            errors.append(error)

    threads = [threading.Thread(target=again, args=(one,)) for one in work]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    assert errors == []


def changing(house: World, chance: Random, left_alone: dict[str, PersonFacts]) -> Callable[[], None]:
    """Load a register of forty people, of whom each time some come, go, change or are hidden."""

    def load() -> None:
        now = {
            str(n): person(
                "Ek",
                f"Liv{chance.randrange(3)}",
                licences=[licence(str(k), key=str(k)) for k in range(chance.randrange(3))],
                protected=chance.random() < 0.1,
            )
            for n in range(40)
            if chance.random() < 0.9
        }
        house.load(now | left_alone)

    return load


def test_loads_and_publishers_at_work_never_give_a_false_alarm_nor_hide_a_difference(
    house: World, index: IndexEngine
) -> None:
    left_alone = {f"x{n}": person("Alm", f"Eva{n}", licences=[licence(f"7{n}")]) for n in range(3)}
    filled(house, index, left_alone)
    lost = min(truth(house))
    publishing, comparing = index_of(house), index_of(house)

    def send() -> None:
        publish(house.engine, publishing, house.settings, quiet)

    with going_on(changing(house, Random(1), left_alone), send):
        calm = [look(house, comparing, full=n % 2 == 1) for n in range(_COMPARED)]
        body = truth(house)[lost]
        lose(comparing, body)
        alarmed = [look(house, comparing) for _ in range(_COMPARED // 2)]
        found = look(house, comparing, repair=True)
    publish(house.engine, index, house.settings, quiet)

    assert [counts(one) for one in calm] == [(0, 0, 0)] * _COMPARED
    assert [one.examples for one in (*alarmed, found)] == [
        {"missing": [document_id(lost)], "extra": [], "stale": []}
    ] * (_COMPARED // 2 + 1)
    assert found.repaired == 1
    assert not look(house, index, full=True).differs
    assert is_right(house, index)
    assert lost == licence_key(lost // 2)
    publishing.close()
    comparing.close()
