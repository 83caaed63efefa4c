"""A rebuild that is killed between any two steps, loses its lock, or is killed by the system: the next one heals."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from indexer.building import Builder
from indexer.lock import BusyError, LostLeaseError
from indexer.publish import publish
from indexer.rebuild import back, rebuild
from registry.database import open_database, writing
from registry.errors import SearchUnavailableError
from registry.records import tables as t
from registry.search import IndexEngine
from registry.search.document import Operation
from registry.search.port import Outcome
from registry.settings import ROOT
from tests.indexer.disturbed import (
    NAMES,
    KilledError,
    Steps,
    compared,
    disturbed,
    indices,
    people,
    states,
    stopping,
    with_index,
)
from tests.support.engines import index_of
from tests.support.publishing import found, quiet
from tests.support.world import KEYS, World, make_settings

SOAK = bool(os.environ.get("REGISTRY_TEST_SOAK"))
SEED = int(os.environ.get("REGISTRY_TEST_SEED", "1"))
PEOPLE, KILLS = (6000, 50) if SOAK else (600, 3)
_PATIENCE_S = 300.0
_REBUILD = """
import sys
from indexer.cli_rebuild import rebuild
print("ready", flush=True)
rebuild(sys.argv[1:])
"""


def whole(house: World, index: IndexEngine) -> None:
    """Everything is as if nothing had happened: index and SQL agree, and nothing is left over."""
    publish(house.engine, index, house.settings, quiet)
    result = compared(house, index)
    assert (result.differs, result.pending) == (False, 0)
    assert house.count(t.outbox) == 0


def nothing_left_over(house: World, index: IndexEngine) -> None:
    kept = states(house)
    assert sorted(kept) == sorted(index.indices())
    assert "building" not in kept.values()
    assert len(kept) <= 2
    assert kept[index.current_index() or ""] == "current"


@pytest.mark.soak
@pytest.mark.parametrize("job", ["rebuild", "back"])
def test_a_kill_before_any_step_is_healed_by_the_next_start(
    house: World, index: IndexEngine, job: str
) -> None:
    settings = with_index(house.settings, rebuild_batch=2, rebuild_connections=1)
    run = {"rebuild": rebuild, "back": back}[job]
    house.load(people(5))
    rebuild(house.engine, index, settings, quiet)
    rebuild(house.engine, index, settings, quiet)
    steps, at = Steps(), 0
    stride = 1 if SOAK else {"sqlite": 3, "postgresql": 7}[house.engine.dialect.name]
    while True:
        house.load(people(5, NAMES[at % len(NAMES)]))
        steps = Steps(stop_at=at)
        try:
            with steps.watching(house.engine):
                run(house.engine, stopping(index, steps), settings, quiet)
        except KilledError:
            pass
        else:
            break
        # Publishers go on as if nothing had happened, and lose nothing.
        house.load(people(4, f"{NAMES[at % len(NAMES)]} {NAMES[(at + 7) % len(NAMES)]}"))
        whole(house, index)
        house.load(people(6, NAMES[(at + 3) % len(NAMES)]))
        rebuild(house.engine, index, settings, quiet)
        whole(house, index)
        nothing_left_over(house, index)
        at += stride

    assert len(steps.taken) >= 20
    assert {"commit", "swap", "fit", "count", "stored"} <= set(steps.taken)


def test_a_build_that_was_killed_while_it_was_filled_is_continued_where_it_was(
    house: World, index: IndexEngine
) -> None:
    settings = with_index(house.settings, rebuild_batch=1)
    house.load(people(20))

    def stop_late(phase: str, done: int, *_: object) -> None:
        if phase == "rebuild" and done == 18:
            raise KilledError

    with pytest.raises(KilledError):
        rebuild(house.engine, index, settings, stop_late)
    (left,) = indices(house).values()
    house.load({**people(20), **people(9, "Lind")})
    written: list[tuple[object, ...]] = []
    result = rebuild(house.engine, index, settings, lambda *told: written.append(told))

    assert left.filled_to > 0
    assert (result.index, result.resumed, result.documents) == (left.name, True, 20)
    # Sixteen of twenty had been noted; some of them have changed since and are caught up with.
    assert written[:4] == [("rebuild", done, 4) for done in range(1, 5)]
    assert written[4:] == [("catch up", done) for done in range(1, 10)]
    whole(house, index)
    nothing_left_over(house, index)


def test_an_index_that_was_made_and_not_noted_is_dropped(house: World, index: IndexEngine) -> None:
    house.load(people(2))
    orphan = index.create_index()

    result = rebuild(house.engine, index, house.settings, quiet)

    assert index.indices() == [result.index]
    assert orphan != result.index


def test_a_swap_that_was_not_noted_is_noted_by_the_next_publisher_and_nothing_is_lost(
    house: World, index: IndexEngine
) -> None:
    house.load(people(3))
    before = rebuild(house.engine, index, house.settings, quiet).index
    swap = index.swap

    def die(name: str, *, replacing: str | None) -> None:
        house.load(people(3, "Lind"))
        # Told to the index that is about to be replaced, and forgotten.
        publish(house.engine, index, house.settings, quiet)
        swap(name, replacing=replacing)
        raise KilledError

    with pytest.raises(KilledError):
        rebuild(house.engine, disturbed(index, swap=die), house.settings, quiet)
    assert states(house)[before] == "current"
    assert index.current_index() != before
    assert found(index, "Berta Lind") == 0

    publish(house.engine, index, house.settings, quiet)

    assert found(index, "Berta Lind") == 1
    assert states(house) == {index.current_index(): "current", before: "previous"}
    assert back(house.engine, index, house.settings, quiet).index == before
    whole(house, index)


def test_an_engine_that_fails_leaves_a_build_to_continue(house: World, index: IndexEngine) -> None:
    house.load(people(3))

    def fail(*_: object) -> None:
        raise SearchUnavailableError("gone")

    with pytest.raises(SearchUnavailableError):
        rebuild(house.engine, disturbed(index, finish_index=fail), house.settings, quiet)
    (left,) = states(house)

    assert rebuild(house.engine, index, house.settings, quiet).index == left


def test_an_engine_without_room_leaves_a_build_to_continue(
    house: World, index: IndexEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.load(people(3))
    monkeypatch.setattr("indexer.sending._PAUSE_S", 0.001)

    def full(operations: list[Operation], _index: str) -> list[Outcome]:
        return [Outcome(operation, "retry", "disk full") for operation in operations]

    with pytest.raises(SearchUnavailableError, match="no room for 3 documents"):
        rebuild(house.engine, disturbed(index, bulk=full), house.settings, quiet)
    (left,) = states(house)

    assert rebuild(house.engine, index, house.settings, quiet).index == left


def test_what_can_not_be_dropped_is_left_for_the_next_rebuild(house: World, index: IndexEngine) -> None:
    house.load(people(2))
    for _ in range(2):
        rebuild(house.engine, index, house.settings, quiet)

    def fail(*_: object) -> None:
        raise SearchUnavailableError("gone")

    rebuild(house.engine, disturbed(index, drop=fail), house.settings, quiet)
    assert len(index.indices()) == 3

    rebuild(house.engine, index, house.settings, quiet)
    nothing_left_over(house, index)


def test_a_rebuild_that_has_lost_its_lock_stops_and_its_successor_continues(
    house: World, index: IndexEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.load(people(4))
    monkeypatch.setattr(Builder, "still_ours", _lost)
    with pytest.raises(LostLeaseError):
        rebuild(house.engine, index, house.settings, quiet)
    monkeypatch.undo()
    (left,) = states(house)

    assert rebuild(house.engine, index, house.settings, quiet).index == left
    whole(house, index)


def _lost(_builder: Builder) -> None:
    raise LostLeaseError("lost")


@pytest.fixture
def leased_house(tmp_path: Path, fresh_postgres_database: Callable[[], str]) -> Iterator[World]:
    """PostgreSQL, whose locks can be lost, beside the small engine; heartbeats are so rare that none comes in a test."""
    world = World(
        make_settings(
            tmp_path,
            fresh_postgres_database(),
            REGISTRY_INDEXER__LEASE_TIMEOUT_S="1000",
            REGISTRY_INDEXER__LEASE_HEARTBEAT_S="300",
        )
    )
    yield world
    world.close()


def test_a_rebuild_that_was_frozen_and_taken_for_dead_changes_nothing_when_it_wakes(
    leased_house: World,
) -> None:
    house, index = leased_house, index_of(leased_house)
    house.load(people(4))
    before = rebuild(house.engine, index, house.settings, quiet).index
    successor: list[str] = []

    def taken_over(name: str) -> None:
        index.finish_index(name)
        # As if this process had slept: no heartbeat, and another one takes the rebuild over and finishes it.
        with house.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE lease SET heartbeat_at = heartbeat_at - interval '1 hour'")
        own = open_database(house.settings.database.url, house.settings.database, service=False)
        house.load(people(4, "Lind"))
        successor.append(rebuild(own, index, house.settings, quiet).index)
        own.dispose()

    with pytest.raises(LostLeaseError):
        rebuild(house.engine, disturbed(index, finish_index=taken_over), house.settings, quiet)

    assert index.current_index() == successor[0] != before
    assert states(house) == {successor[0]: "current", before: "previous"}
    whole(house, index)
    index.close()


def test_a_load_that_holds_the_only_writer_for_too_long_is_told_plainly(small_world: World) -> None:
    small_world.load(people(2))
    index = index_of(small_world)
    settings = small_world.settings
    limits = msgspec.structs.replace(settings.database, sqlite_busy_timeout_ms=10)
    impatient = open_database(settings.database.url, limits, service=True)
    holder = open_database(settings.database.url, settings.database, service=False)
    with writing(holder).begin(), pytest.raises(BusyError, match="large load"):
        rebuild(impatient, index, settings, quiet)

    assert rebuild(impatient, index, settings, quiet).documents == 2
    impatient.dispose()
    holder.dispose()
    index.close()


@contextmanager
def _rebuilding(house: World, *options: str) -> Iterator["subprocess.Popen[str]"]:
    search = house.settings.search
    environ = {
        **os.environ,
        **KEYS,
        "PYTHONPATH": str(ROOT),
        "REGISTRY_SERVICE__SANDBOX": "true",
        "REGISTRY_DATABASE__URL": house.settings.database.url,
        "REGISTRY_SEARCH__ENGINE": search.engine,
        "REGISTRY_SEARCH__TANTIVY__PATH": search.tantivy.path,
        "REGISTRY_SEARCH__OPENSEARCH__URLS": str(list(search.opensearch.urls)).replace("'", '"'),
        "REGISTRY_SEARCH__OPENSEARCH__PREFIX": search.opensearch.prefix,
        # Many batches, so that a kill meets each step; and a successor need not wait long for the lease.
        "REGISTRY_INDEX__REBUILD_BATCH": str(PEOPLE // (60 if SOAK else 20)),
        "REGISTRY_INDEXER__LEASE_TIMEOUT_S": "1",
        "REGISTRY_INDEXER__LEASE_HEARTBEAT_S": "0.2",
    }
    with subprocess.Popen(
        [sys.executable, "-c", _REBUILD, *options],
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", process.communicate()[1]
        yield process


def _run(house: World, seconds: float | None, *options: str) -> tuple[bool, float]:
    """Rebuild in a process of its own; tell whether it was killed after so many seconds, and how long it took."""
    ends_at = time.monotonic() + _PATIENCE_S
    while True:
        with _rebuilding(house, *options) as process:
            began = time.monotonic()
            try:
                _, errors = process.communicate(timeout=seconds or _PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
                return True, seconds or 0.0
        if process.returncode == 0:
            return False, time.monotonic() - began
        # The lease of a killed process lasts a moment longer than the process.
        assert "running already" in errors, errors
        assert time.monotonic() < ends_at, errors


@pytest.mark.soak
def test_a_rebuild_killed_at_random_moments_loses_nothing(house: World, index: IndexEngine) -> None:
    moments = random.Random(SEED)
    house.load(people(PEOPLE))
    _, length = _run(house, None)
    killed = 0
    for number in range(KILLS):
        house.load(people(PEOPLE // 10, NAMES[number % len(NAMES)]), snapshot=False)
        was_killed, took = _run(house, 0.95 * length * (number + moments.random()) / KILLS)
        killed += was_killed
        if not was_killed:
            length = min(length, took)
        house.load(people(PEOPLE // 10, NAMES[(number + 1) % len(NAMES)]), snapshot=False)
        whole(house, index)
        if number % 10 == 9:
            _run(house, None)
            whole(house, index)
    _run(house, None)

    print(f"{killed} of {KILLS} kills")  # noqa: T201 - told with -s, and when it fails
    whole(house, index)
    nothing_left_over(house, index)
    # A machine that has become faster meanwhile is through before some of the kills.
    assert killed >= KILLS // 2
