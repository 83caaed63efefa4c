"""The queue of staff lists: turns, leases, workers side by side, and what operators see of it."""

import signal
import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from registry.checks.lists import handling, queue
from registry.checks.lists.errors import ListStateError
from registry.checks.lists.tables import staff_list, staff_list_part
from registry.checks.lists.work import Run
from registry.checks.lists.worker import Worker
from registry.cli import main
from registry.database import writing
from tests.registry.checks.lists.conftest import Lists
from tests.registry.checks.lists.test_worker import HEADER, ROWS
from tests.registry.web.people import crowd
from tests.support.waiting import until
from tests.support.world import KEYS


def test_an_organisation_may_have_so_many_lists_waiting(small_lists: Callable[..., Lists]) -> None:
    lists = small_lists(REGISTRY_CHECKS__LISTS__MAX_WAITING="2")
    first = lists.send(HEADER, ROWS[0])
    lists.send(HEADER, ROWS[0])
    with pytest.raises(ListStateError, match="2 lists"):
        lists.send(HEADER, ROWS[0])
    handling.cancel(lists.desk, lists.caller, first.id)
    assert lists.send(HEADER, ROWS[0]).state == "accepted"


def test_a_list_that_nobody_can_get_on_with_is_given_up(small_lists: Callable[..., Lists]) -> None:
    lists = small_lists(REGISTRY_CHECKS__LISTS__MAX_TAKEOVERS="2")
    sent = lists.send(HEADER, *ROWS)
    with writing(lists.desk.access).begin() as connection:
        connection.execute(sa.update(staff_list_part).values(rows=b"changed by somebody"))
    stopped = threading.Event()
    worker = Worker(lists.desk, stopped)
    worker._pause_s = 0.01  # what a real one waits for longer
    assert worker.run(once=True) == 0
    failed = lists.read(sent.id)
    assert (failed.state, failed.done, failed.counts) == ("failed", len(ROWS), {"couldNotCheck": len(ROWS)})
    # What does not open has only its number.
    told = [(each["row"], each["reference"], each["errors"][0]["code"]) for each in lists.results(sent.id)]
    assert told == [(row, "", "given-up") for row in range(2, len(ROWS) + 2)]
    assert "Send the rest again" in failed.error
    other = lists.send(HEADER, ROWS[0])
    lists.work()
    assert lists.read(other.id).state == "done"


def test_lists_take_turns(small_lists: Callable[..., Lists]) -> None:
    lists = small_lists(REGISTRY_CHECKS__LISTS__PART_ROWS="1", REGISTRY_CHECKS__LISTS__TURN_S="0.0001")
    long, short = lists.send(HEADER, *ROWS), lists.send(HEADER, ROWS[0])
    first = queue.claim(lists.desk.access, "a", 60)
    second = queue.claim(lists.desk.access, "b", 60)
    assert first is not None
    assert second is not None
    assert [first.id, second.id] == [long.id, short.id]
    assert queue.claim(lists.desk.access, "c", 60) is None
    queue.give_back(lists.desk.access, second)
    queue.give_back(lists.desk.access, first)
    assert lists.work() == len(ROWS) + 1
    ended = {each.id: each.ended_at for each in handling.page(lists.desk, lists.caller, limit=9, offset=0)[0]}
    first_ended, last_ended = ended[short.id], ended[long.id]
    assert first_ended is not None
    assert last_ended is not None
    assert first_ended < last_ended


def test_a_worker_that_is_told_to_stop_gives_the_list_back(small_lists: Callable[..., Lists]) -> None:
    lists = small_lists(REGISTRY_CHECKS__LISTS__PART_ROWS="5")
    sent = lists.send(HEADER, *ROWS)
    worker = Worker(lists.desk)
    real = Run.part

    def part(self: Run, one: queue.Part) -> int:
        worker.stop.set()
        return real(self, one)

    patch = pytest.MonkeyPatch()
    patch.setattr(Run, "part", part)
    assert worker.run() == 5
    patch.undo()
    assert (lists.read(sent.id).state, lists.read(sent.id).done) == ("running", 5)
    assert lists.work() == len(ROWS) - 5
    assert lists.read(sent.id).state == "done"


def test_two_workers_share_no_row(lists: Lists) -> None:
    lists.load(crowd(300), publish_them=False)
    sent = [lists.send(["Ref", "Leg nr"], *([str(i), f"C-{i}"] for i in range(300))) for _ in range(4)]
    desks = [lists.desk, lists.new_desk(), lists.new_desk()]
    threads = [threading.Thread(target=lists.work, args=(desk,)) for desk in desks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for each in sent:
        assert (lists.read(each.id).state, lists.read(each.id).done) == ("done", 300)
    told = Counter(event.question for event in lists.events())
    assert len(told) == 1200
    assert set(told.values()) == {1}


def test_a_lease_that_has_ended_is_taken_over_and_the_first_keeps_nothing(lists: Lists) -> None:
    sent = lists.send(HEADER, *ROWS)
    asleep = queue.claim(lists.desk.access, "asleep", 0.0)
    assert asleep is not None
    part = queue.next_part(lists.desk.access, asleep)
    assert part is not None
    assert lists.work() == len(ROWS)
    with pytest.raises(queue.LostListError):
        Run(lists.desk, asleep, threading.Event()).part(part)
    assert len(lists.events()) == 15
    assert lists.read(sent.id).done == len(ROWS)


def test_the_queue_tells_how_it_is(lists: Lists) -> None:
    assert queue.figures(lists.desk.access) == queue.Figures(0, 0.0, 0.0, 0, 0, 0)
    sent = lists.send(HEADER, *ROWS)
    waiting = queue.figures(lists.desk.access)
    assert (waiting.waiting, waiting.rows_left, waiting.rows_done, waiting.failed) == (1, len(ROWS), 0, 0)
    past = datetime.now(UTC) - timedelta(hours=1)
    with writing(lists.desk.access).begin() as connection:
        connection.execute(sa.update(staff_list).values(created_at=past))
    late = queue.figures(lists.desk.access)
    assert late.oldest_s == pytest.approx(3600, abs=60)
    assert late.idle_s == pytest.approx(3600, abs=60)
    mine = queue.claim(lists.desk.access, "me", 60)
    assert mine is not None
    assert queue.beat(lists.desk.access, mine, 60)
    held = queue.figures(lists.desk.access)
    assert (held.waiting, held.idle_s, held.oldest_s > 3000) == (1, 0.0, True)
    queue.give_back(lists.desk.access, mine)
    lists.work()
    done = queue.figures(lists.desk.access)
    assert (done.waiting, done.rows_left, done.rows_done) == (0, 0, len(ROWS))
    assert lists.read(sent.id).state == "done"


def test_a_worker_that_waits_deletes_what_has_expired(small_lists: Callable[..., Lists]) -> None:
    lists = small_lists(REGISTRY_CHECKS__LISTS__POLL_S="0.01")
    sent = lists.send(HEADER, ROWS[0])
    handling.cancel(lists.desk, lists.caller, sent.id)
    with writing(lists.desk.access).begin() as connection:
        connection.execute(sa.update(staff_list).values(expires_at=datetime.now(UTC) - timedelta(days=1)))
    worker = Worker(lists.new_desk())
    thread = threading.Thread(target=worker.run)
    thread.start()

    def left() -> int:
        with lists.desk.access.connect() as connection:
            return connection.scalar(sa.select(sa.func.count()).select_from(staff_list)) or 0

    until(lambda: left() == 0)
    worker.stop.set()
    thread.join(timeout=60)
    assert not thread.is_alive()


def test_the_command_works_at_what_waits_and_ends(
    small_lists: Callable[..., Lists], monkeypatch: pytest.MonkeyPatch
) -> None:
    lists = small_lists()
    sent = lists.send(HEADER, *ROWS)
    settings = lists.world.settings
    environ = {
        **KEYS,
        "REGISTRY_SERVICE__SANDBOX": "true",
        "REGISTRY_DATABASE__URL": settings.database.url,
        "REGISTRY_SEARCH__TANTIVY__PATH": settings.search.tantivy.path,
    }
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    handlers = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)}
    try:
        done = CliRunner().invoke(main, ["worker", "--once"])
    finally:
        for each, handler in handlers.items():
            signal.signal(each, handler)
    assert (done.exit_code, done.output.splitlines()[-1]) == (0, f"{len(ROWS)} rows checked.")
    assert lists.read(sent.id).state == "done"
