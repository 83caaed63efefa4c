"""`kill -9` at random moments of a list: the result file is that of a run nobody disturbed, with one access event a row."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from registry.settings import ROOT
from tests.registry.checks.lists.conftest import Lists
from tests.support.engines import small_house
from tests.support.world import KEYS, licence, person

SOAK = bool(os.environ.get("REGISTRY_TEST_SOAK"))
ROWS, KILLS, PART_ROWS = (10_000, 10, 100) if SOAK else (1_000, 3, 50)
SEED = int(os.environ.get("REGISTRY_TEST_SEED", "1"))
PEOPLE = 400
_PATIENCE_S = 300.0
QUICK = {
    "REGISTRY_CHECKS__LISTS__PART_ROWS": str(PART_ROWS),
    "REGISTRY_CHECKS__LISTS__POLL_S": "0.05",
    # So that a successor need not wait long for the lease of one that was killed.
    "REGISTRY_CHECKS__LISTS__LEASE_TIMEOUT_S": "1",
    "REGISTRY_CHECKS__LISTS__LEASE_HEARTBEAT_S": "0.2",
    "REGISTRY_CHECKS__LISTS__MAX_TAKEOVERS": "50",
}
_WORKER = """
from registry.cli import main
main(["worker"])
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Lists]:
    """A registry of some hundred people on each database, searched with Tantivy."""
    extra = dict(QUICK)
    if request.param == "postgresql":
        fresh: Callable[[], str] = request.getfixturevalue("fresh_postgres_database")
        extra["REGISTRY_DATABASE__URL"] = fresh()
    made = Lists(small_house(tmp_path, **extra))
    made.load(
        {
            f"p{i}": person(
                f"Kill{_letters(i)}",
                "Anna",
                birth_date=f"{1950 + i % 50}-0{1 + i % 9}-{10 + i % 19}",
                licences=[licence(f"K-{i}", valid_to="2019-12-31" if i % 7 == 0 else None)],
                protected=i % 11 == 0,
            )
            for i in range(PEOPLE)
        }
    )
    yield made
    made.close()


def _letters(number: int) -> str:
    return "".join(chr(97 + int(each)) for each in str(number))


def _rows() -> list[list[str]]:
    """By number, by name, of nobody, and one that can't be read."""
    rows = []
    for i in range(ROWS):
        who = i % (PEOPLE + 20)
        born = f"{1950 + who % 50}-0{1 + who % 9}-{10 + who % 19}"
        if i % 100 == 99:
            rows.append([str(i), "", "Anna Without", ""])
        elif i % 5 == 4:
            rows.append([str(i), "", f"Anna Kill{_letters(who)}", born])
        else:
            rows.append([str(i), f"K-{who}", "", ""])
    return rows


class Workers:
    """`registry worker`, each in a process of its own."""

    def __init__(self, lists: Lists) -> None:
        settings = lists.world.settings
        self._environ = {
            **os.environ,
            **KEYS,
            **QUICK,
            "PYTHONPATH": str(ROOT),
            "REGISTRY_SERVICE__SANDBOX": "true",
            "REGISTRY_DATABASE__URL": settings.database.url,
            "REGISTRY_SEARCH__TANTIVY__PATH": settings.search.tantivy.path,
        }

    def start(self) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [sys.executable, "-c", _WORKER],
            env=self._environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )


def _until(lists: Lists, list_id: str, worker: "subprocess.Popen[bytes]", done: int) -> None:
    """Wait until so many rows are done."""
    deadline = time.monotonic() + _PATIENCE_S
    while lists.read(list_id).done < done:
        assert worker.poll() is None, worker.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.soak
def test_a_list_whose_workers_are_killed_gives_the_same_file_and_one_event_a_row(registry: Lists) -> None:
    moments = random.Random(SEED)
    header = ["Ref", "Leg nr", "Namn", "Född"]
    calm = registry.send(header, *_rows())
    registry.work()
    told_calm = _told(registry, calm.id)
    disturbed = registry.send(header, *_rows())
    workers, killed = Workers(registry), 0
    # Not later than shortly before the end: the last kill shall meet a worker that has something to do.
    places = sorted(moments.randrange(ROWS - 4 * PART_ROWS) for _ in range(KILLS))
    for place in places:
        worker = workers.start()
        _until(registry, disturbed.id, worker, place)
        time.sleep(moments.random() * 0.05)
        worker.kill()
        worker.communicate()
        assert worker.returncode == -signal.SIGKILL
        killed += 1
    assert registry.read(disturbed.id).state == "running"
    last = workers.start()
    _until(registry, disturbed.id, last, ROWS)
    deadline = time.monotonic() + _PATIENCE_S
    while not registry.read(disturbed.id).ended:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    last.terminate()
    output = last.communicate()[0]
    assert last.returncode == 0, output

    assert killed == KILLS
    done, expected = registry.read(disturbed.id), registry.read(calm.id)
    assert (done.state, done.done, done.counts) == ("done", ROWS, expected.counts)
    assert len(done.counts) == 4
    assert registry.file(disturbed.id) == registry.file(calm.id)
    told = _told(registry, disturbed.id)
    assert len(told) == ROWS - done.counts["couldNotCheck"]
    assert told == told_calm


def _told(lists: Lists, list_id: str) -> dict[int, tuple[str, frozenset[int]]]:
    """Return what the access log says of each row; a row that stands there twice is a fault."""
    told: dict[int, tuple[str, frozenset[int]]] = {}
    about = {
        event.id: msgspec.json.decode(event.question) | {"answer": event.answer}
        for event in lists.events()
        if list_id in event.question
    }
    subjects = lists.subjects_of(about)
    for event_id, each in about.items():
        assert each["row"] not in told
        told[each["row"]] = (each["answer"], frozenset(subjects.get(event_id, ())))
    return told


def test_a_worker_that_is_told_to_end_finishes_its_rows_and_another_goes_on(registry: Lists) -> None:
    sent = registry.send(["Ref", "Leg nr", "Namn", "Född"], *_rows()[: 8 * PART_ROWS])
    worker = Workers(registry).start()
    _until(registry, sent.id, worker, 1)
    worker.terminate()
    assert b"rows checked" in worker.communicate(timeout=_PATIENCE_S)[0]
    assert worker.returncode == 0
    at_end = registry.read(sent.id).done
    assert at_end % PART_ROWS == 0
    # It was given back, so nobody waits for a lease to end.
    assert registry.work() == sent.rows - at_end
    assert registry.read(sent.id).state == "done"
