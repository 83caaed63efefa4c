"""Putting an index in use: in one step, only in place of the one the caller knows. The same on both engines."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from registry.errors import SwapError
from registry.search import IndexEngine, open_engine
from registry.search.document import documents
from registry.settings import Search
from tests.registry.search.people import Register, limits, person


def made(engine: IndexEngine) -> str:
    index = engine.create_index()
    engine.finish_index(index)
    return index


def test_the_first_index_replaces_none_and_the_next_one_the_first(engine: IndexEngine) -> None:
    first, second = made(engine), made(engine)
    engine.swap(first, replacing=None)
    assert engine.current_index() == first
    engine.swap(second, replacing=first)
    assert engine.current_index() == second
    engine.swap(first, replacing=second)
    assert engine.current_index() == first


def test_a_swap_that_knows_another_index_in_use_changes_nothing(engine: IndexEngine) -> None:
    first, second, third = made(engine), made(engine), made(engine)
    with pytest.raises(SwapError, match="No index is in use"):
        engine.swap(first, replacing=second)
    assert engine.current_index() is None
    engine.swap(first, replacing=None)
    for replacing in (None, second, third, "nothing", first.upper()):
        with pytest.raises(SwapError, match=first):
            engine.swap(third, replacing=replacing)
        assert engine.current_index() == first
    assert engine.indices() == [first, second, third]


def test_swapping_to_the_index_in_use_changes_nothing(register: Register) -> None:
    register.publish(person("Eva Ek"))
    register.engine.swap(register.index, replacing=register.index)
    assert register.engine.current_index() == register.index
    with pytest.raises(SwapError):
        register.engine.swap(register.index, replacing=None)
    assert register.search("eva").total == 1


def test_an_index_that_was_dropped_is_not_put_in_use(register: Register) -> None:
    other = made(register.engine)
    register.engine.drop(other)
    with pytest.raises(ValueError, match="no such index"):
        register.engine.swap(other, replacing=register.index)
    assert register.engine.current_index() == register.index


@pytest.mark.parametrize("begin", ["empty", "in use"])
def test_of_many_swaps_at_the_same_time_one_wins(settings: Search, begin: str) -> None:
    engines = [open_engine(settings, indexer=True) for _ in range(4)]
    indices = [made(engine) for engine in engines]
    before = None
    if begin == "in use":
        before = made(engines[0])
        engines[0].swap(before, replacing=None)
    ready = threading.Barrier(len(engines))
    won: list[str] = []
    lost: list[str] = []
    other: list[BaseException] = []

    def swap(engine: IndexEngine, index: str) -> None:
        ready.wait()
        try:
            engine.swap(index, replacing=before)
            won.append(index)
        except SwapError:
            lost.append(index)
        except BaseException as error:  # noqa: BLE001 - looked at below
            other.append(error)

    threads = [threading.Thread(target=swap, args=pair) for pair in zip(engines, indices, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert other == []
    assert (len(won), len(lost)) == (1, 3)
    assert engines[0].current_index() == won[0]
    for engine in engines:
        engine.close()


def test_a_search_in_another_thread_finds_the_same_person_through_many_swaps(
    register: Register, settings: Search
) -> None:
    someone = person("Eva Ek")
    register.publish(someone)
    other = made(register.engine)
    assert {o.state for o in register.engine.bulk(documents(someone), other)} == {"done"}
    register.engine.finish_index(other)
    service = Register.__new__(Register)
    service.engine = open_engine(settings, indexer=True)
    wrong: list[object] = []
    asked = 0
    done = threading.Event()

    def ask() -> None:
        nonlocal asked
        while not done.is_set():
            try:
                found: object = service.found("eva ek")
            except Exception as error:  # noqa: BLE001 - whatever it is, it is what the test looks for
                found = error
            asked += 1
            if found != [someone.id]:
                wrong.append(found)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        pair = [register.index, other]
        for _ in range(20):
            register.engine.swap(pair[1], replacing=pair[0])
            pair.reverse()
    finally:
        done.set()
        thread.join()
        service.engine.close()
    assert wrong == []
    assert asked


def test_a_lock_of_a_killed_process_is_in_nobodys_way(tmp_path: Path) -> None:
    script = (
        "import fcntl, os, signal, sys\n"
        "lock = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)\n"
        "fcntl.flock(lock, fcntl.LOCK_EX)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    engine = open_engine(limits(tmp_path), indexer=True)
    index = made(engine)
    lock = tmp_path / "index" / ".swap.lock"
    subprocess.run([sys.executable, "-c", script, str(lock)], check=False, timeout=60)
    engine.swap(index, replacing=None)
    assert engine.current_index() == index
    engine.close()
