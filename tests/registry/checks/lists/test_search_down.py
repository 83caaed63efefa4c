"""While the search engine is down a list finishes its rows by number, and running it again asks only the others."""

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from registry.checks.lists import handling, sealed
from registry.checks.lists.tables import staff_list_part
from registry.checks.lists.worker import Worker
from tests.registry.checks.lists.conftest import Lists
from tests.registry.web.people import everyone
from tests.services.opensearch import OpenSearchServer
from tests.support.engines import large_house, small_house

HEADER = ["Ref", "Leg nr", "Namn", "Född"]
ROWS = [
    ["1", "RN-100.1", "", ""],
    ["2", "", "Anna Lindqvist", "1980-05-03"],
    ["3", "LK-7", "", ""],
    ["4", "", "Bo Holm", "1971-11-30"],
    ["5", "", "Nobody Known", "1971-11-30"],
    ["6", "", "Nobody Known", ""],
    ["7", "nosuch", "", ""],
]
DOWN = {"foundYes": 1, "foundNo": 1, "notFound": 1, "couldNotCheck": 4}
UP = {"foundYes": 2, "foundNo": 2, "notFound": 2, "couldNotCheck": 1}


class Engine:
    """Something that can be down."""

    def __init__(self, stop: Callable[[], object], start: Callable[[], object]) -> None:
        self.stop, self.start = stop, start


class Stop(threading.Event):
    """Tells a worker to end, and tells a test when the worker waits for that or for the engine."""

    def __init__(self) -> None:
        super().__init__()
        self.waited_for = threading.Event()

    def wait(self, timeout: float | None = None) -> bool:
        self.waited_for.set()
        return super().wait(timeout)


House = tuple[Lists, Engine]


@pytest.fixture(params=["tantivy", "opensearch"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    """A registry whose engine can be stopped: a folder that goes away, or a server that is killed."""
    quick = {"REGISTRY_CHECKS__LISTS__SEARCH_WAIT_S": "0.0", "REGISTRY_CHECKS__LISTS__PART_ROWS": "2"}
    if request.param == "tantivy":
        lists = Lists(small_house(tmp_path, **quick))
        folder = Path(lists.world.settings.search.tantivy.path)
        away = folder.with_name("away")
        engine = Engine(lambda: shutil.move(folder, away), lambda: shutil.move(away, folder))
    else:
        server: OpenSearchServer = request.getfixturevalue("stoppable_opensearch")
        database = request.getfixturevalue("fresh_postgres_database")
        prefix = request.getfixturevalue("opensearch_prefix")
        lists = Lists(large_house(tmp_path, database, server.url, prefix, **quick))
        engine = Engine(server.kill, server.start)
    lists.load(everyone())
    yield lists, engine
    lists.close()


def test_rows_by_number_are_done_and_a_second_run_completes_only_the_others(house: House) -> None:
    lists, engine = house
    sent = lists.send(HEADER, *ROWS)
    engine.stop()
    try:
        assert lists.work(lists.new_desk()) == len(ROWS)
        down = lists.read(sent.id)
        assert (down.state, down.counts, down.retryable) == ("done", DOWN, 3)
        results = {each["reference"]: each for each in lists.results(sent.id)}
        # An error is never "not found".
        assert [results[str(n)]["errors"][0]["code"] for n in (2, 4, 5)] == ["search-unavailable"] * 3
        assert results["6"]["errors"][0]["code"] == "missing"
        assert [event.answer for event in lists.events()] == ["yes", "no", "ask"]
        with lists.desk.access.connect() as connection:
            kept = connection.execute(sa.select(staff_list_part).order_by(staff_list_part.c.number)).all()
        # Only rows that can be asked again are kept.
        rows = [row for each in kept for row, _ in sealed.open_rows(lists.desk.sealer, sent.id, each.rows)]
        assert rows == [3, 5, 6]
    finally:
        engine.start()
    again = handling.resume(lists.desk, lists.caller, sent.id)
    assert (again.state, again.done, again.retryable) == ("accepted", 4, 0)
    assert again.counts == {"foundYes": 1, "foundNo": 1, "notFound": 1, "couldNotCheck": 1}
    assert lists.work(lists.new_desk()) == 3
    up = lists.read(sent.id)
    assert (up.state, up.done, up.counts, up.retryable) == ("done", len(ROWS), UP, 0)
    assert sorted(event.answer for event in lists.events()) == ["ask", "ask", "no", "no", "yes", "yes"]
    undisturbed = lists.send(HEADER, *ROWS)
    lists.work(lists.new_desk())
    assert lists.file(sent.id) == lists.file(undisturbed.id)


def test_a_run_waits_a_little_for_an_engine_that_comes_back(tmp_path: Path) -> None:
    lists = Lists(small_house(tmp_path, REGISTRY_CHECKS__LISTS__SEARCH_WAIT_S="60"))
    lists.load(everyone())
    folder = Path(lists.world.settings.search.tantivy.path)
    away = folder.with_name("away")
    shutil.move(folder, away)
    sent = lists.send(HEADER, *ROWS)
    worker = Worker(lists.new_desk())
    thread = threading.Thread(target=worker.run, kwargs={"once": True})
    thread.start()
    deadline = time.monotonic() + 60
    while lists.read(sent.id).state != "running" and time.monotonic() < deadline:
        time.sleep(0.01)
    shutil.move(away, folder)
    thread.join(timeout=60)
    assert lists.read(sent.id).counts == UP
    lists.close()


def test_a_worker_that_is_told_to_stop_does_not_wait_for_the_engine(tmp_path: Path) -> None:
    lists = Lists(small_house(tmp_path, REGISTRY_CHECKS__LISTS__SEARCH_WAIT_S="600"))
    lists.load(everyone())
    shutil.rmtree(lists.world.settings.search.tantivy.path)
    sent = lists.send(HEADER, *ROWS)
    stop = Stop()
    thread = threading.Thread(target=Worker(lists.new_desk(), stop=stop).run)
    thread.start()
    # Told before its first part, it would rightly give the list back with no row done.
    assert stop.waited_for.wait(timeout=60)
    stop.set()
    thread.join(timeout=60)
    assert not thread.is_alive()
    assert lists.read(sent.id).counts == DOWN
    lists.close()
