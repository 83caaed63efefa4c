"""One process at a time for one job: real processes that race, die, freeze and wake up too late."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from indexer import lease
from indexer.jobs import StoppedError
from indexer.lock import BusyError, LostLeaseError, only_one
from registry.database import open_database, writing
from registry.records import tables as t
from registry.records.allocate import allocate
from tests.support.waiting import until
from tests.support.world import KEYS, World, make_settings

JOB = "pull:test"
TIMEOUT_S = 1.5
TIMING = {"REGISTRY_INDEXER__LEASE_TIMEOUT_S": str(TIMEOUT_S), "REGISTRY_INDEXER__LEASE_HEARTBEAT_S": "0.3"}

# Does as it is told on standard input, one word a line, and answers each with a word.
_OBEDIENT = """
import sys
import sqlalchemy as sa
from indexer.lock import BusyError, only_one
from registry.database import open_database, writing
from registry.records import tables as t
from registry.records.allocate import allocate
from registry.logs import configure_logs
from registry.settings import load_settings

configure_logs()
settings = load_settings()
engine = open_database(settings.database.url, settings.database, service=False)
lock = guard = connection = transaction = None

def take(job):
    global lock, guard
    lock = only_one(engine, job, settings.indexer)
    guard = lock.__enter__()

def release():
    lock.__exit__(None, None, None)

def begin():
    global connection, transaction
    connection = writing(engine).connect()
    transaction = connection.begin()

def write():
    allocate(connection, 1)
    connection.execute(sa.insert(t.authority).values(id="late", name_sv="", name_en=""))

def commit():
    guard.still_mine(connection)
    transaction.commit()

def busy_work(job):
    with only_one(engine, job, settings.indexer):
        begin()
        write()
        print("ok", flush=True)
        connection.execute(sa.text("SELECT pg_sleep(60)"))

def enter():
    guard.enter(connection)

for line in sys.stdin:
    word, *arguments = line.split()
    try:
        globals()[word](*arguments)
        print("ok", flush=True)
    except Exception as error:
        print(type(error).__name__, flush=True)
"""


class Obedient:
    """Another process, as on another machine."""

    def __init__(self, world: World) -> None:
        environ = {
            **os.environ,
            **KEYS,
            **TIMING,
            "REGISTRY_SERVICE__SANDBOX": "true",
            "REGISTRY_DATABASE__URL": world.settings.database.url,
        }
        self.process = subprocess.Popen(
            [sys.executable, "-c", _OBEDIENT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environ,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def tell(self, words: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(f"{words}\n")
        self.process.stdin.flush()

    def answer(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def does(self, words: str) -> str:
        self.tell(words)
        return self.answer()


@pytest.fixture
def large_world(fresh_postgres_database: Callable[[], str], tmp_path: Path) -> Iterator[World]:
    world = World(make_settings(tmp_path, fresh_postgres_database(), **TIMING))
    yield world
    world.close()


@pytest.fixture
def other(large_world: World) -> Iterator[Obedient]:
    with Obedient(large_world) as process:
        yield process


def row(engine: Engine) -> sa.Row[Any]:
    with engine.connect() as connection:
        return connection.execute(sa.select(t.lease).where(t.lease.c.name == JOB)).one()


def is_free(world: World, job: str = JOB) -> bool:
    try:
        with only_one(world.engine, job, world.settings.indexer):
            return True
    except BusyError:
        return False


def test_of_processes_that_race_exactly_one_wins(large_world: World) -> None:
    with ExitStack() as stack:
        racers = [stack.enter_context(Obedient(large_world)) for _ in range(3)]
        assert [racer.does(f"take warm-up-{number}") for number, racer in enumerate(racers)] == ["ok"] * 3
        for job in range(5):
            for racer in racers:
                racer.tell(f"take race-{job}")
            answers = sorted(racer.answer() for racer in racers)
            assert answers == ["BusyError", "BusyError", "ok"]


def test_whoever_is_refused_learns_who_is_at_work(large_world: World, other: Obedient) -> None:
    assert other.does(f"take {JOB}") == "ok"

    with (
        pytest.raises(BusyError, match=f"running already: on .+, process {other.process.pid}, since 20"),
        only_one(large_world.engine, JOB, large_world.settings.indexer),
    ):
        pass
    with only_one(large_world.engine, "another job", large_world.settings.indexer):
        assert large_world.count(t.lease) == 2


def test_a_living_holder_keeps_the_lock_beyond_the_timeout(large_world: World, other: Obedient) -> None:
    assert other.does(f"take {JOB}") == "ok"
    taken = row(large_world.engine).acquired_at

    until(lambda: row(large_world.engine).heartbeat_at - taken > timedelta(seconds=1.5 * TIMEOUT_S))
    assert not is_free(large_world)
    assert row(large_world.engine).acquired_at == taken


def test_a_killed_holder_is_succeeded_after_the_timeout_and_not_before(
    large_world: World, other: Obedient
) -> None:
    assert other.does(f"take {JOB}") == "ok"
    other.process.kill()
    other.process.wait()
    last_sign = row(large_world.engine).heartbeat_at

    def takeover() -> datetime | None:
        try:
            with only_one(large_world.engine, JOB, large_world.settings.indexer):
                at: datetime = row(large_world.engine).acquired_at
                return at
        except BusyError:
            return None

    assert until(takeover) - last_sign > timedelta(seconds=TIMEOUT_S)


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_a_holder_that_is_told_to_end_rolls_back_and_gives_the_lock_up(
    large_world: World, other: Obedient, end: signal.Signals
) -> None:
    other.tell(f"busy_work {JOB}")
    assert other.answer() == "ok"
    other.process.send_signal(end)
    code = other.process.wait(timeout=20)

    assert code == (128 + signal.SIGTERM if end is signal.SIGTERM else -signal.SIGINT)
    assert large_world.count(t.lease) == 0
    assert large_world.count(t.authority) == 0
    with writing(large_world.engine).begin() as connection:
        # Not left running in the database either: that would keep the counter locked for a minute.
        connection.execute(sa.text("SET LOCAL lock_timeout = '5s'"))
        allocate(connection, 1)


def test_a_failure_gives_the_lock_up_too(world: World) -> None:
    with pytest.raises(ValueError, match="of the work"), only_one(world.engine, JOB, world.settings.indexer):
        raise ValueError("of the work")

    assert is_free(world)


@pytest.mark.parametrize("moment", ["before_cursor_execute", "after_cursor_execute"])
@pytest.mark.parametrize("statement", ["INSERT INTO lease", "pg_terminate_backend", "DELETE FROM lease"])
def test_whoever_is_told_to_stop_while_taking_or_giving_up_leaves_no_lease(
    large_world: World, moment: str, statement: str
) -> None:
    told: list[str] = []

    def stop(_connection: object, _cursor: object, text: str, *_: object) -> None:
        if statement in text and not told:
            told.append(text)
            raise StoppedError

    sa.event.listen(Engine, moment, stop)
    try:
        with (
            pytest.raises(StoppedError),
            only_one(large_world.engine, JOB, large_world.settings.indexer),
        ):
            pass
    finally:
        sa.event.remove(Engine, moment, stop)
    assert told
    assert large_world.count(t.lease) == 0
    with only_one(large_world.engine, JOB, large_world.settings.indexer) as guard:
        assert not guard.lost


def test_what_a_holder_wrote_that_woke_up_too_late_is_not_kept(large_world: World, other: Obedient) -> None:
    assert [other.does(word) for word in (f"take {JOB}", "begin")] == ["ok", "ok"]
    os.kill(other.process.pid, signal.SIGSTOP)
    until(lambda: is_free(large_world))
    os.kill(other.process.pid, signal.SIGCONT)

    assert other.does("write") == "ok"
    assert other.does("commit") == "LostLeaseError"
    other.process.kill()
    other.process.wait()
    assert large_world.count(t.authority) == 0


def test_a_successor_does_not_wait_for_the_locks_of_a_frozen_holder(
    large_world: World, other: Obedient
) -> None:
    words = (f"take {JOB}", "begin", "enter", "write")
    assert [other.does(word) for word in words] == ["ok"] * 4
    os.kill(other.process.pid, signal.SIGSTOP)
    until(lambda: is_free(large_world))
    with writing(large_world.engine).begin() as connection:
        connection.execute(sa.text("SET LOCAL lock_timeout = '5s'"))
        allocate(connection, 1)  # the frozen one had it locked
        connection.execute(sa.insert(t.authority).values(id="successor", name_sv="", name_en=""))
    os.kill(other.process.pid, signal.SIGCONT)

    assert other.does("commit") == "OperationalError"
    with large_world.engine.connect() as connection:
        assert list(connection.scalars(sa.select(t.authority.c.id))) == ["successor"]


def test_a_holder_that_lost_its_sessions_to_a_successor_is_told_so(large_world: World) -> None:
    def loses_it() -> None:
        engine, settings = large_world.engine, large_world.settings.indexer
        with only_one(engine, JOB, settings) as guard, writing(engine).begin() as connection:
            guard.enter(connection)
            grow_old(large_world)
            with only_one(engine, JOB, settings):
                connection.execute(sa.select(1))

    with pytest.raises(LostLeaseError, match="another one has taken the job over"):
        loses_it()


def grow_old(world: World) -> None:
    with world.engine.begin() as connection:
        old = sa.func.clock_timestamp() - sa.text("interval '1 hour'")
        connection.execute(sa.update(t.lease).values(heartbeat_at=old))


def test_a_predecessor_leaves_its_successor_alone(large_world: World) -> None:
    settings = large_world.settings.indexer
    with only_one(large_world.engine, JOB, settings) as first:
        grow_old(large_world)
        with only_one(large_world.engine, JOB, settings) as second:
            until(lambda: first.lost)
            with large_world.engine.begin() as connection:
                second.still_mine(connection)
            with large_world.engine.begin() as connection, pytest.raises(LostLeaseError):
                first.still_mine(connection)
            holder = row(large_world.engine).holder
            assert not second.lost

    assert holder.count(":") == 2
    assert large_world.count(t.lease) == 0


def test_nobody_takes_over_between_the_check_and_the_commit(large_world: World) -> None:
    settings = large_world.settings.indexer
    with only_one(large_world.engine, JOB, settings) as guard:
        grow_old(large_world)
        with large_world.engine.begin() as connection:
            guard.still_mine(connection)
            with pytest.raises(BusyError), only_one(large_world.engine, JOB, settings):
                pass


def test_a_holder_that_cant_write_its_heartbeat_notices(large_world: World) -> None:
    with only_one(large_world.engine, JOB, large_world.settings.indexer) as guard:
        assert not guard.lost
        with large_world.engine.begin() as connection:
            connection.execute(sa.select(t.lease).with_for_update())
            until(lambda: guard.lost)
        until(lambda: not guard.lost)  # nobody has taken over meanwhile
        with large_world.engine.begin() as connection:
            guard.still_mine(connection)


def test_the_clock_of_the_machine_is_never_asked(large_world: World) -> None:
    sent: list[dict[str, object]] = []

    def note(_c: object, _cursor: object, _statement: str, parameters: dict[str, object], *_: object) -> None:
        sent.append(parameters)

    sa.event.listen(Engine, "before_cursor_execute", note)
    try:
        with only_one(large_world.engine, JOB, large_world.settings.indexer) as guard:
            began = row(large_world.engine)
            until(lambda: row(large_world.engine).heartbeat_at > began.heartbeat_at)
            with large_world.engine.begin() as connection:
                guard.still_mine(connection)
            with large_world.engine.connect() as connection:
                assert lease.alive(connection, TIMEOUT_S) == {JOB}
    finally:
        sa.event.remove(Engine, "before_cursor_execute", note)

    values = [value for parameters in sent for value in parameters.values()]
    assert JOB in values
    assert not [value for value in values if isinstance(value, datetime)]


def test_a_role_that_may_not_end_sessions_takes_over_all_the_same(large_world: World) -> None:
    with large_world.engine.begin() as connection:
        connection.execute(sa.text("CREATE ROLE modest LOGIN"))
        connection.execute(sa.text("GRANT ALL ON lease TO modest"))
    modest = large_world.settings.database.url.replace("://postgres@", "://modest@", 1)
    assert modest != large_world.settings.database.url
    engine = open_database(modest, large_world.settings.database, service=False)
    try:
        settings = large_world.settings.indexer
        with (
            only_one(large_world.engine, JOB, settings) as first,
            large_world.engine.begin() as connection,
        ):
            first.enter(connection)
            grow_old(large_world)
            with only_one(engine, JOB, settings), pytest.raises(LostLeaseError):
                first.still_mine(connection)
    finally:
        engine.dispose()
        with large_world.engine.begin() as connection:
            connection.execute(sa.text("DROP OWNED BY modest"))
            connection.execute(sa.text("DROP ROLE modest"))


def test_on_one_machine_the_kernel_keeps_the_lock(small_world: World) -> None:
    with Obedient(small_world) as other:
        assert other.does(f"take {JOB}") == "ok"
        with (
            pytest.raises(BusyError, match="running already"),
            only_one(small_world.engine, JOB, small_world.settings.indexer),
        ):
            pass
        other.process.kill()
        other.process.wait()
        with only_one(small_world.engine, JOB) as guard, small_world.engine.begin() as connection:
            guard.enter(connection)
            guard.still_mine(connection)
            assert not guard.lost
