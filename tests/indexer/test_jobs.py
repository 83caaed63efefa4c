"""The scheduler's parts: its jobs, and what it tells."""

import contextlib
import os
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn

import msgspec
import pytest
import sqlalchemy as sa

from indexer import jobs
from indexer.feeds.folder import FeedFolder
from indexer.jobs import Outcome, StoppedError
from indexer.schedule import Scheduler
from indexer.signals import StopSignals
from registry.database import open_database
from registry.errors import BadRequestError
from registry.records import tables as t
from registry.settings import CONFIG, Settings
from tests.support.waiting import until
from tests.support.world import World, make_settings


def scheduler_of(world: World, folder: Path) -> Scheduler:
    (folder / "feeds").mkdir()
    text = (CONFIG / "feeds" / "washington.toml").read_text("utf-8")
    (folder / "feeds" / "test.toml").write_text(text.replace('id = "washington"', 'id = "test"', 1), "utf-8")
    return Scheduler(world.settings, world.engine, FeedFolder(folder / "feeds"))


def test_a_feed_older_than_its_promise_is_told_once_an_hour(
    small_world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    now = datetime.now(UTC)
    small_world.load({}, finished_at=now)
    small_world.load({}, feed="other", finished_at=now)
    scheduler = scheduler_of(small_world, tmp_path)
    minutes = 48 * 60
    told = []
    for after in (minutes - 1, minutes + 1, minutes + 2, minutes + 62, minutes + 90):
        with small_world.engine.connect() as connection:
            scheduler._remind(connection, now + timedelta(minutes=after))
        told.append("".join(capsys.readouterr()).count("older than its promise"))

    assert told == [0, 1, 0, 1, 0]


def test_a_database_that_cant_be_asked_does_not_end_the_scheduler(
    small_world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scheduler = scheduler_of(small_world, tmp_path)
    nowhere = "postgresql+psycopg://nobody:secret@127.0.0.1:1/none"
    scheduler.engine = open_database(nowhere, small_world.settings.database, service=False)

    assert not scheduler.run(once=True)
    told = "".join(capsys.readouterr())
    assert "the database can't be asked" in told
    assert "secret" not in told


def test_no_room_for_a_process_is_a_failure_like_others(
    small_world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []

    def full(name: str, *_: object) -> NoReturn:
        tried.append(name)
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(jobs, "start", full)
    scheduler = scheduler_of(small_world, tmp_path)
    feed = scheduler.folder.feeds["test"]
    scheduler.folder.feeds = {
        "test": msgspec.structs.replace(
            feed, schedule=msgspec.structs.replace(feed.schedule, every_minutes=60)
        )
    }

    assert not scheduler.run(once=True)
    assert not scheduler.run(once=True)
    assert tried == ["pull:test"]
    now = datetime.now(UTC)
    scheduler.clock = lambda: now + timedelta(minutes=6)
    assert not scheduler.run(once=True)
    scheduler.clock = lambda: now + timedelta(minutes=6 + 6)
    assert not scheduler.run(once=True)
    assert tried == ["pull:test"] * 2


# --- jobs -----------------------------------------------------------------------------------------------------------


def ended(job: jobs.Job) -> Outcome:
    until(lambda: job.ended)
    return job.collect()


def answer(value: object) -> object:
    return value


def refuse() -> NoReturn:
    raise BadRequestError("Do it otherwise.")


def stumble() -> NoReturn:
    raise ValueError("about Anna Andersson")


def sleep_in_the_database(settings: Settings) -> None:
    engine = open_database(settings.database.url, settings.database, service=False)
    with engine.begin() as connection:
        connection.execute(sa.insert(t.authority).values(id="half", name_sv="", name_en=""))
        connection.execute(sa.text("SELECT pg_sleep(600)"))


def sleep_stubbornly(folder: str) -> None:
    for number in range(9):
        (Path(folder) / str(number)).touch()
        with contextlib.suppress(StoppedError):
            time.sleep(600)


@pytest.mark.parametrize(
    ("function", "arguments", "outcome"),
    [
        (answer, ({"a": 1},), Outcome({"a": 1})),
        (refuse, (), Outcome(error="Do it otherwise.")),
        (os._exit, (3,), Outcome(error="its process ended with exit code 3 and left no word")),
    ],
)
def test_a_job_tells_what_became_of_it(
    function: Callable[..., object], arguments: tuple[object, ...], outcome: Outcome
) -> None:
    assert ended(jobs.start("a job", function, *arguments)) == outcome


def test_an_unforeseen_error_is_told_by_kind_and_place_without_its_text() -> None:
    outcome = ended(jobs.start("a job", stumble))

    assert outcome.error == "unexpected ValueError"
    assert outcome.where[-1].endswith("stumble")
    assert "Anna" not in repr(outcome)


def test_a_job_is_stopped_in_the_middle_of_a_statement(
    tmp_path: Path, fresh_postgres_database: Callable[[], str]
) -> None:
    world = World(make_settings(tmp_path, fresh_postgres_database()))
    job = jobs.start("a job", sleep_in_the_database, world.settings)
    activity = sa.text(
        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active'"
    )
    with world.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        until(lambda: connection.scalar(activity))
        job.stop()
        assert ended(job).error == "stopped"
        assert connection.scalar(activity) == 0
    assert world.count(t.authority) == 0
    world.close()


def test_a_job_that_does_not_stop_is_killed(tmp_path: Path) -> None:
    job = jobs.start("a job", sleep_stubbornly, str(tmp_path))
    until((tmp_path / "0").exists)
    job.stop()
    until((tmp_path / "1").exists)
    assert not job.ended
    job.kill()

    assert "exit code -9" in ended(job).error


def test_the_scheduler_kills_what_does_not_stop(
    small_world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scheduler = scheduler_of(small_world, tmp_path)
    schedule = msgspec.structs.replace(small_world.settings.schedule, stop_grace_s=0, stop_kill_s=0.2)
    scheduler.settings = msgspec.structs.replace(small_world.settings, schedule=schedule)
    scheduler._jobs["pull:test"] = jobs.start("pull:test", sleep_stubbornly, str(tmp_path))
    until((tmp_path / "0").exists)
    with StopSignals() as signals:
        signal.raise_signal(signal.SIGTERM)
        assert signals.count == 1
        scheduler._stop(signals)

    assert not scheduler._jobs
    assert "does not stop; killed" in "".join(capsys.readouterr())
