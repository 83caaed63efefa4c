"""`indexer run` as real processes: due pulls, several machines, clean stops and violent ends."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from indexer import index_work, work
from indexer.feeds.folder import FeedFolder
from indexer.lock import only_one
from registry.database import writing
from registry.records import tables as t
from registry.records.facts import PersonFacts
from registry.records.index_tables import index_comparison, search_index
from registry.search.document import Operation, document_key
from tests.support.engines import index_of
from tests.support.publishing import publish_all, stored_versions
from tests.support.scheduled import FEEDS, TIMING, Scheduled, child_at_work, scheduled
from tests.support.waiting import until
from tests.support.world import KEYS, World, licence, make_settings, person

HOSP = "hosp"


@pytest.fixture(params=["sqlite", "postgresql"])
def found(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scheduled]:
    url = None
    if request.param == "postgresql":
        fresh: Callable[[], str] = request.getfixturevalue("fresh_postgres_database")
        url = fresh()
    world = World(make_settings(tmp_path, url, **TIMING))
    with scheduled(world, tmp_path, pause_s=60) as served:
        yield served
    world.close()


@pytest.fixture
def large(tmp_path: Path, fresh_postgres_database: Callable[[], str]) -> Iterator[Scheduled]:
    world = World(make_settings(tmp_path, fresh_postgres_database(), **TIMING))
    with scheduled(world, tmp_path) as served:
        yield served
    world.close()


def test_once_does_all_that_is_due_and_nothing_twice(found: Scheduled) -> None:
    assert found.once() == 0

    assert {feed: found.runs(feed) for feed in FEEDS} == {feed: ["succeeded"] for feed in FEEDS}
    assert found.world.count(t.outbox) == 0
    index = index_of(found.world)
    assert index.count(index.current_index() or "") > 0
    index.close()
    assert found.once() == 0
    assert {feed: found.runs(feed) for feed in FEEDS} == {feed: ["succeeded"] for feed in FEEDS}
    assert found.leftovers() == []
    ended = [line for line in found.log if line["event"] == "pull ended"]
    assert {(line["feed"], line["state"]) for line in ended} == {(feed, "succeeded") for feed in FEEDS}
    assert all(line["added"] > 0 for line in ended)
    told = (found.folder / "scheduler.log").read_text("utf-8")
    assert not any(secret in told for secret in KEYS.values())


def test_a_failed_feed_does_not_stop_the_others_and_is_left_alone_for_a_while(found: Scheduled) -> None:
    found.faults.set("hosp", "truncated")

    assert found.once() == 1
    assert found.runs(HOSP) == ["failed"]
    assert found.runs("washington") == ["succeeded"]
    assert found.once() == 0
    assert found.runs(HOSP) == ["failed"]
    told = [line for line in found.log if line["event"] == "pull ended" and line["level"] == "error"]
    assert [line["feed"] for line in told] == [HOSP]
    assert "ends in the middle" in told[0]["reason"]


def test_what_cant_be_published_waits(small_world: World, tmp_path: Path) -> None:
    nowhere = {
        "REGISTRY_SEARCH__ENGINE": "opensearch",
        "REGISTRY_SEARCH__OPENSEARCH__URLS": '["http://127.0.0.1:1"]',
        "REGISTRY_SEARCH__OPENSEARCH__INDEXER_RETRIES": "0",
    }
    with scheduled(small_world, tmp_path) as found:
        with found.scheduler("--once", **nowhere) as at_work:
            assert at_work.process.wait(120) == 1
        waiting = small_world.count(t.outbox)
        assert "publishing failed" in [line["event"] for line in found.log]
        assert found.once() == 0

    assert waiting > 0
    assert small_world.count(t.outbox) == 0


def test_a_feed_that_another_process_pulls_is_skipped(found: Scheduled) -> None:
    with only_one(found.world.engine, f"pull:{HOSP}", found.world.settings.indexer):
        assert found.once() == 0
        assert found.runs(HOSP) == []
    assert found.runs("washington") == ["succeeded"]

    assert found.once() == 0
    assert found.runs(HOSP) == ["succeeded"]


def test_a_pull_that_cant_end_in_time_is_rolled_back_and_told_as_abandoned(found: Scheduled) -> None:
    found.faults.set("hosp", "slow")
    with found.scheduler(REGISTRY_SCHEDULE__STOP_GRACE_S="0.5") as at_work:
        child_at_work(found, at_work, HOSP)
        assert at_work.stop() == 0

    assert found.runs(HOSP) == ["abandoned"]
    with found.world.engine.connect() as connection:
        run = connection.execute(sa.select(t.feed_run).where(t.feed_run.c.feed_id == HOSP)).one()
    assert "told to stop" in run.error
    assert run.finished_at is not None
    assert found.world.count(t.source_record, t.source_record.c.feed_id == HOSP) == 0
    # A database that is busy may see the end of the process a moment later.
    until(lambda: found.world.count(t.lease) == 0)
    assert list((found.folder / "tmp").iterdir()) == []

    # What was stopped is no failure: it is due again at once.
    found.faults.clear()
    assert found.once() == 0
    assert found.runs(HOSP) == ["abandoned", "succeeded"]


def test_a_load_is_rolled_back_in_the_middle_of_a_statement(large: Scheduled) -> None:
    waits = sa.text(
        "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'source_record'::regclass"
    )
    with (
        large.scheduler(REGISTRY_SCHEDULE__STOP_GRACE_S="0") as at_work,
        large.world.engine.begin() as connection,
    ):
        connection.execute(sa.text("LOCK TABLE source_record IN ACCESS EXCLUSIVE MODE"))
        until(lambda: connection.scalar(waits))
        assert at_work.stop() == 0

    states = {state for feed in FEEDS for state in large.runs(feed)}
    assert "abandoned" in states
    assert "running" not in states
    assert large.world.count(t.source_record) == 0
    assert large.world.count(t.lease) == 0


def test_a_pull_that_ends_in_time_is_kept(tmp_path: Path, small_world: World) -> None:
    with scheduled(small_world, tmp_path, pause_s=1.5) as found:
        found.faults.set("hosp", "slow")
        with found.scheduler() as at_work:
            child_at_work(found, at_work, HOSP)
            assert at_work.stop(signal.SIGINT) == 0

        assert found.runs(HOSP) == ["succeeded"]
        assert found.runs("washington") in ([], ["succeeded"])  # no new work after the signal


def test_a_second_signal_does_not_wait(small_world: World, tmp_path: Path) -> None:
    with scheduled(small_world, tmp_path, pause_s=60) as found:
        found.faults.set("hosp", "slow")
        with found.scheduler(REGISTRY_SCHEDULE__STOP_GRACE_S="600") as at_work:
            child_at_work(found, at_work, HOSP)
            at_work.process.send_signal(signal.SIGTERM)
            until(lambda: any(line["event"] == "stopping" for line in found.log))
            assert at_work.stop() == 0

        assert found.runs(HOSP) == ["abandoned"]


def test_when_the_scheduler_is_killed_its_pulls_stop_by_themselves(found: Scheduled) -> None:
    found.faults.set("hosp", "slow")
    with found.scheduler() as at_work:
        child_at_work(found, at_work, HOSP)
        (publisher,) = until(lambda: at_work.begun("publisher begins"))
        at_work.process.kill()
        until(lambda: found.runs(HOSP) == ["abandoned"])
        until(lambda: not found.leftovers())
        until(lambda: not Path(f"/proc/{publisher}").exists())


def test_a_pull_that_dies_is_told_and_tried_again_after_a_pause(found: Scheduled) -> None:
    found.schedule("washington", every_minutes=0)
    found.faults.set("hosp", "slow")
    with found.scheduler() as at_work:
        pid = child_at_work(found, at_work, HOSP)
        os.kill(pid, signal.SIGTERM)  # as service managers do to a whole group: only the scheduler decides
        os.kill(pid, signal.SIGKILL)
        until(lambda: any(line["event"] == "pull failed" for line in found.log))
        assert not found.leftovers()
        found.faults.clear()
        found.schedule("washington")
        until(lambda: found.runs("washington") == ["succeeded"])
        assert at_work.stop() == 0

    told = next(line for line in found.log if line["event"] == "pull failed")
    assert (told["feed"], told["error"]) == (HOSP, "its process ended with exit code -9 and left no word")
    assert found.once() == 0
    assert found.runs(HOSP) == ["running"]  # for the pause after a failure

    with writing(found.world.engine).begin() as connection:
        long_ago = datetime.now(UTC) - timedelta(minutes=6)
        connection.execute(sa.update(t.feed_run).values(started_at=long_ago))
        connection.execute(sa.delete(t.lease))
    assert found.once() == 0
    assert found.runs(HOSP) == ["abandoned", "succeeded"]


def test_machines_share_the_work_without_double_pulls(large: Scheduled) -> None:
    with ExitStack() as stack:
        machines = [stack.enter_context(large.scheduler("--once")) for _ in range(2)]
        ended = [machine.process.wait(120) for machine in machines]

    assert ended == [0, 0], [line for line in large.log if line["level"] != "info"]
    assert {feed: large.runs(feed) for feed in FEEDS} == {feed: ["succeeded"] for feed in FEEDS}
    assert large.world.count(t.lease) == 0


def test_a_feed_that_another_machine_was_first_to_pull_is_not_pulled_again(found: Scheduled) -> None:
    feed = FeedFolder(found.folder / "feeds").feeds[HOSP]

    first = work.pull(found.world.settings, feed, None)
    assert (first.state, first.changed) == ("succeeded", True)
    assert work.pull(found.world.settings, feed, None).state == "not-due"
    again = work.pull(found.world.settings, feed, first.run)
    assert (again.state, again.changed) == ("unchanged", False)
    assert found.runs(HOSP) == ["succeeded", "unchanged"]


def test_feeds_may_be_changed_while_it_runs(found: Scheduled) -> None:
    for feed in FEEDS:
        found.schedule(feed, every_minutes=0)
    with found.scheduler() as at_work:
        until(lambda: any(line["event"] == "indexer runs" for line in found.log))
        found.schedule(HOSP)
        until(lambda: found.runs(HOSP) == ["succeeded"])
        # Published, or in the index that had to be made first.
        until(lambda: found.world.count(t.outbox) == 0)
        (found.folder / "feeds" / "washington.toml").write_text("nonsense", "utf-8")
        until(lambda: any("stay as they were" in line["event"] for line in found.log))
        assert at_work.stop() == 0

    assert found.runs("washington") == []


# --- publishing and comparing -----------------------------------------------------------------------------------------


def idle(found: Scheduled) -> None:
    """Let no feed be due."""
    for feed in FEEDS:
        found.schedule(feed, every_minutes=0)


def siv(given: str) -> dict[str, PersonFacts]:
    return {"siv": person("Lindqvist", given, licences=[licence("7")])}


def drained(found: Scheduled) -> bool:
    return found.world.count(t.outbox) == 0


def test_what_others_commit_is_published_at_once_and_not_at_the_next_look(found: Scheduled) -> None:
    idle(found)
    with found.scheduler(REGISTRY_SCHEDULE__LOOK_EVERY_S="3600") as at_work:
        index = index_of(found.world)
        until(index.current_index)
        for given in ("Siv", "Sif", "Siw"):
            found.world.load(siv(given))
            until(lambda: drained(found))
        until(lambda: list(index.scan()))
        index.close()
        assert at_work.stop() == 0

    told = [(line["event"], line.get("job")) for line in found.log]
    assert ("stopped", "publish") in told
    assert not [line for line in found.log if line["level"] == "error"]


def test_a_publisher_that_dies_is_started_again_after_a_pause(found: Scheduled) -> None:
    idle(found)
    with found.scheduler(REGISTRY_SCHEDULE__PUBLISH_RESTART_S="0.2") as at_work:
        (first,) = until(lambda: at_work.begun("publisher begins"))
        until(lambda: found.world.count(search_index, search_index.c.state == "current"))
        os.kill(first, signal.SIGKILL)
        until(lambda: len(at_work.begun("publisher begins")) == 2)
        found.world.load(siv("Siv"))
        until(lambda: drained(found))
        assert at_work.stop() == 0

    told = next(line for line in found.log if line["event"] == "publishing failed")
    assert told["error"] == "its process ended with exit code -9 and left no word"


def test_the_index_is_compared_when_it_is_time_by_one_of_several_machines(large: Scheduled) -> None:
    with ExitStack() as stack:
        machines = [stack.enter_context(large.scheduler("--once")) for _ in range(2)]
        ended = [machine.process.wait(120) for machine in machines]

    assert ended == [0, 0], [line for line in large.log if line["level"] != "info"]
    assert large.world.count(index_comparison) == 1
    assert large.once() == 0
    assert large.world.count(index_comparison) == 1

    with large.world.engine.begin() as connection:
        day_ago = datetime.now(UTC) - timedelta(hours=24)
        connection.execute(sa.update(index_comparison).values(started_at=day_ago))
    assert large.once() == 0
    assert large.world.count(index_comparison) == 2


def test_a_difference_is_told_as_an_error_and_not_repaired(found: Scheduled) -> None:
    idle(found)
    found.world.load(siv("Siv"))
    index = index_of(found.world)
    publish_all(found.world, index)
    (document,) = stored_versions(index)
    index.bulk([Operation(document_key(document), 10**6, None)])
    assert found.once() == 1

    told = next(line for line in found.log if line["event"].startswith("index and SQL truth differ"))
    assert (told["missing"], told["extra"], told["stale"]) == (1, 0, 0)
    assert drained(found)
    index.close()


def test_an_index_that_is_compared_already_or_never_is_left_alone(found: Scheduled) -> None:
    idle(found)
    found.world.load(siv("Siv"))
    index = index_of(found.world)
    publish_all(found.world, index)
    index.close()
    assert found.once(REGISTRY_INDEX__COMPARE_EVERY_HOURS="0") == 0
    with only_one(found.world.engine, index_work.COMPARE_LOCK, found.world.settings.indexer):
        assert found.once() == 0
    assert found.world.count(index_comparison) == 0

    assert index_work.compare(found.world.settings, None) is not None
    assert index_work.compare(found.world.settings, None) is None
    assert found.world.count(index_comparison) == 1
