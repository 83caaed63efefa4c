"""`kill -9` at random moments of a pull, and the pull again: the result is that of a run nobody disturbed."""

import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from indexer.sandbox import registers
from indexer.sandbox.plan import Plan
from registry import migrate
from registry.settings import CONFIG, ROOT
from tests.support.truth import truth
from tests.support.world import KEYS, World, make_settings

SOAK = bool(os.environ.get("REGISTRY_TEST_SOAK"))
RECORDS, KILLS = (50_000, 50) if SOAK else (5_000, 4)
SEED = int(os.environ.get("REGISTRY_TEST_SEED", "1"))
# Half of the sandbox's people are in the Swedish register.
_PEOPLE_A_RECORD = 2
_PATIENCE_S = 300.0
# Part of a run's length until which it is killed: one that is a little faster must not be through before the last kill.
_UNTIL = 0.9
_SOURCE = re.compile(r"^\[source\]\n.*?(?=^\[)", re.MULTILINE | re.DOTALL)
_PULL = """
import sys
from indexer.cli import main
print("ready", flush=True)
main(["pull", sys.argv[1]])
"""
FILES = {"hosp": "hosp.xml", "washington": "washington.csv"}


@dataclass(frozen=True)
class Registers:
    """The sandbox's registers on one day and on the next, two of a hundred records later."""

    first: Path
    later: Path


@pytest.fixture(scope="module")
def both_days(tmp_path_factory: pytest.TempPathFactory) -> Registers:
    folder = tmp_path_factory.mktemp("registers")
    first, later = (
        registers.publish(Plan(RECORDS * _PEOPLE_A_RECORD, SEED, day, year=2026), folder) for day in (0, 1)
    )
    return Registers(first, later)


class Pulls:
    """Pulls of one feed into one database, each in a process of its own, from a file that can be exchanged."""

    def __init__(self, folder: Path, url: str, form: str) -> None:
        self._form, self._url = form, url
        self._file = folder / FILES[form]
        self._environ = {
            **os.environ,
            **KEYS,
            "PYTHONPATH": str(ROOT),
            "REGISTRY_SERVICE__SANDBOX": "true",
            "REGISTRY_DATABASE__URL": url,
            "REGISTRY_FEEDS_DIR": str(folder / "feeds"),
            "REGISTRY_INDEXER__REFUSE_TEST_PEOPLE": "false",
            # Many batches, so that a kill meets each step; and a successor need not wait long for the lease.
            "REGISTRY_INDEXER__BATCH_ROWS": "500",
            "REGISTRY_INDEXER__LEASE_TIMEOUT_S": "1",
            "REGISTRY_INDEXER__LEASE_HEARTBEAT_S": "0.2",
        }
        (folder / "feeds").mkdir(parents=True)
        text = (CONFIG / "feeds" / f"{form}.toml").read_text("utf-8")
        source = f'[source]\ntransport = "file"\npath = "{self._file}"\n\n'
        text = _SOURCE.sub(lambda _: source, text, count=1).replace('export = "json"', 'export = "csv"')
        (folder / "feeds" / f"{form}.toml").write_text(text, "utf-8")

    def offer(self, register: Path) -> None:
        """Put a register's file where the feed takes it from."""
        self._file.unlink(missing_ok=True)
        self._file.symlink_to(register / FILES[self._form])

    def whole(self) -> float:
        """Pull without being disturbed; return how long it took, in seconds."""
        ends_at = time.monotonic() + _PATIENCE_S
        while True:
            with self._running() as process:
                began = time.monotonic()
                _, errors = process.communicate(timeout=_PATIENCE_S)
                if process.returncode == 0:
                    return time.monotonic() - began
            # The lease of a killed process lasts a moment longer than the process.
            assert "running already" in errors, errors
            assert time.monotonic() < ends_at, errors

    def killed_after(self, seconds: float) -> bool:
        """Pull and kill it so long after it began; return whether it was still running."""
        ends_at = time.monotonic() + _PATIENCE_S
        while True:
            with self._running() as process:
                try:
                    _, errors = process.communicate(timeout=seconds)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.communicate()
                    return True
            if process.returncode == 0:
                return False
            # The lease of a killed process lasts a moment longer than the process.
            assert "running already" in errors, errors
            assert time.monotonic() < ends_at, errors

    def _running(self) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-c", _PULL, self._form],
            env=self._environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", process.communicate()[1]
        return process


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], World]]:
    """Make fresh registries on one kind of database."""
    made: list[World] = []

    def fresh() -> World:
        folder = tmp_path / f"world-{len(made)}"
        folder.mkdir()
        url = request.getfixturevalue("fresh_postgres_database")() if request.param == "postgresql" else None
        world = World(make_settings(folder, url))
        migrate.upgrade(world.settings)
        made.append(world)
        return world

    yield fresh
    for world in made:
        world.close()


@pytest.mark.soak
@pytest.mark.parametrize("form", FILES if SOAK else ["hosp"])
def test_a_pull_killed_at_random_moments_and_run_again_equals_one_that_was_not(
    tmp_path: Path, database: Callable[[], World], both_days: Registers, form: str
) -> None:
    moments = random.Random(SEED)
    calm, disturbed = database(), database()
    undisturbed = Pulls(tmp_path / "calm", calm.settings.database.url, form)
    interrupted = Pulls(tmp_path / "disturbed", disturbed.settings.database.url, form)
    killed = 0
    for register, kills in ((both_days.first, KILLS // 2), (both_days.later, KILLS - KILLS // 2)):
        undisturbed.offer(register)
        length = undisturbed.whole()
        interrupted.offer(register)
        # One moment in each part of the run, the earlier parts first: only the last attempts come as far as the commit.
        for part in range(kills):
            if not interrupted.killed_after(_UNTIL * length * (part + moments.random()) / kills):
                break
            killed += 1
        interrupted.whole()

    print(f"{killed} of {KILLS} kills while {form} was pulled")  # noqa: T201 - told with -s, and when it fails
    expected, found = truth(calm.engine, calm.sealer), truth(disturbed.engine, disturbed.sealer)
    assert len(expected) > 5 * RECORDS
    differing = sorted(set(expected) ^ set(found))
    assert not differing, differing[:5]
    assert found == expected
    # A machine that has become faster meanwhile is through before the last kills.
    assert killed >= KILLS * 3 // 4
