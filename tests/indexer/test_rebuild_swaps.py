"""Searches beside swaps: none finds nobody, none finds somebody else, none fails (failure F1 of index aliases)."""

import itertools
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from indexer.publish import publish
from indexer.rebuild import back, rebuild
from registry.errors import RegistryError
from registry.search import IndexEngine, SearchQuery, open_engine
from tests.indexer.disturbed import NAMES, compared, people
from tests.support.publishing import TODAY, quiet
from tests.support.world import World

SOAK = bool(os.environ.get("REGISTRY_TEST_SOAK"))
SWAPS, SEARCHES = (50, 1000) if SOAK else (5, 100)
# Searches wait for no swap: as many threads ask as a small worker has.
_THREADS = 2


@contextmanager
def searching(house: World, answers: Counter[str]) -> Iterator[None]:
    """Search for one person after another, as the service does, until the block ends and enough has been asked."""
    enough = threading.Event()
    engine = open_engine(house.settings.search)

    def ask() -> None:
        for name in itertools.cycle(NAMES):
            try:
                page = engine.search(SearchQuery(text=f"{name} Ek"), TODAY)
                answers["right" if page.total == len(page.hits) == 1 else f"wrong: {page.total}"] += 1
                listed = engine.search(SearchQuery(profession=("registered-nurse",)), TODAY).total
                answers["right" if listed == len(NAMES) else f"wrong: {listed} of {len(NAMES)}"] += 1
            except RegistryError as error:
                answers[f"error: {error.detail or error.title}"] += 1
            if enough.is_set() and answers.total() >= SEARCHES:
                return

    with ThreadPoolExecutor(_THREADS) as pool:
        threads = [pool.submit(ask) for _ in range(_THREADS)]
        try:
            yield
        finally:
            enough.set()
            for thread in threads:
                thread.result(timeout=300)
    engine.close()


@pytest.mark.soak
def test_searches_during_swaps_are_all_answered_and_all_answers_are_right(
    house: World, index: IndexEngine
) -> None:
    house.load(people(len(NAMES)))
    rebuild(house.engine, index, house.settings, quiet)
    swaps: tuple[Callable[..., object], ...] = (rebuild, rebuild, back)
    answers: Counter[str] = Counter()
    with searching(house, answers):
        for number in range(SWAPS):
            before = index.current_index()
            swaps[number % len(swaps)](house.engine, index, house.settings, quiet)
            assert index.current_index() != before

    assert set(answers) == {"right"}
    assert answers["right"] >= SEARCHES


@pytest.mark.soak
def test_changes_that_are_published_during_swaps_are_found_after_them(
    house: World, index: IndexEngine
) -> None:
    house.load(people(len(NAMES)))
    rebuild(house.engine, index, house.settings, quiet)
    done = threading.Event()
    rounds: list[int] = []

    def change() -> None:
        own = open_engine(house.settings.search, indexer=True)
        for family in itertools.cycle(NAMES):
            # Few enough not to be taken for a damaged feed.
            house.load(people(9, family), snapshot=False)
            publish(house.engine, own, house.settings, quiet)
            rounds.append(1)
            if done.is_set():
                break
        own.close()

    with ThreadPoolExecutor(1) as pool:
        changing = pool.submit(change)
        for number in range(SWAPS):
            (rebuild, back)[number % 2](house.engine, index, house.settings, quiet)
        done.set()
        changing.result(timeout=300)
    publish(house.engine, index, house.settings, quiet)

    result = compared(house, index)
    assert (result.differs, result.pending, result.expected) == (False, 0, len(NAMES))
    assert len(rounds) > 1
