"""`indexer run` as an operator runs it: a process of its own, feeds of the sandbox authorities with schedules."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from indexer.sandbox.faults import Faults
from indexer.sandbox.feedfiles import write_feed_files
from indexer.sandbox.plan import Plan
from indexer.sandbox.server import running
from registry.records import tables as t
from registry.settings import CONFIG, ROOT
from tests.support.waiting import until
from tests.support.world import KEYS, World

FEEDS = ("hosp", "washington")
_SCHEDULE = re.compile(r"^\[schedule\]\n.*?(?=^\[|\Z)", re.MULTILINE | re.DOTALL)
_ENDS_S = 120
# A dead holder of a lock is succeeded soon. Whoever meets these schedulers in a test must keep the same times.
TIMING = {"REGISTRY_INDEXER__LEASE_TIMEOUT_S": "3", "REGISTRY_INDEXER__LEASE_HEARTBEAT_S": "0.5"}


@dataclass
class Scheduled:
    """A world, the feeds that its schedulers pull, and the schedulers."""

    world: World
    folder: Path
    faults: Faults
    environ: dict[str, str] = field(default_factory=dict)

    def schedule(self, feed: str, every_minutes: int = 1440) -> None:
        """Give a feed another schedule, in its file."""
        path = self.folder / "feeds" / f"{feed}.toml"
        text = _SCHEDULE.sub("", path.read_text("utf-8"))
        new = path.with_suffix(".new")
        new.write_text(f"{text}\n[schedule]\nevery_minutes = {every_minutes}\njitter_minutes = 0\n", "utf-8")
        new.rename(path)

    @contextmanager
    def scheduler(self, *arguments: str, **environ: str) -> Iterator["Running"]:
        """Start `indexer run` for the length of the block."""
        log = self.folder / "scheduler.log"
        with log.open("a") as stderr:
            process = subprocess.Popen(
                [sys.executable, "-m", "indexer.cli", "run", *arguments],
                env={**os.environ, **self.environ, **environ},
                stderr=stderr,
                cwd=ROOT,
            )
        found = Running(process, log)
        try:
            yield found
        finally:
            for pid in found.children():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            process.kill()
            process.wait()

    def once(self, **environ: str) -> int:
        """Do all that is due and return the exit code."""
        with self.scheduler("--once", **environ) as found:
            return found.process.wait(_ENDS_S)

    def runs(self, feed: str) -> list[str]:
        """Return the states of a feed's pulls, in their order."""
        run = t.feed_run.c
        with self.world.engine.connect() as connection:
            return list(
                connection.scalars(
                    sa.select(run.state).where((run.feed_id == feed) & (run.kind == "pull")).order_by(run.id)
                )
            )

    def leftovers(self) -> list[Path]:
        """Return the temporary files that stand."""
        return [path for path in (self.folder / "tmp").rglob("*") if path.is_file()]

    @property
    def log(self) -> list[dict[str, Any]]:
        """What the schedulers told, line by line."""
        lines = (self.folder / "scheduler.log").read_text("utf-8").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]


@dataclass
class Running:
    """A scheduler at work."""

    process: subprocess.Popen[bytes]
    log: Path

    def begun(self, event: str, **fields: object) -> list[int]:
        """Return the processes that it said it has begun, the last one first."""
        lines = [
            json.loads(line) for line in self.log.read_text("utf-8").splitlines() if line.startswith("{")
        ]
        told = [line for line in lines if line["event"] == event and fields.items() <= line.items()]
        return [line["pid"] for line in reversed(told)]

    def children(self) -> list[int]:
        """Return the processes that do its jobs."""
        pid = self.process.pid
        try:
            found = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
            return [int(one) for one in found if b"spawn_main" in Path(f"/proc/{one}/cmdline").read_bytes()]
        except OSError:
            return []

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Tell it to stop and return its exit code."""
        self.process.send_signal(number)
        return self.process.wait(_ENDS_S)


@contextmanager
def scheduled(world: World, folder: Path, size: int = 100, pause_s: float = 0.05) -> Iterator[Scheduled]:
    """Serve authorities with `size` people whose feeds are due once a day; `pause_s` is that of their fault `slow`."""
    faults = Faults(pause_s)
    for name in ("registers", "originals", "tmp"):
        (folder / name).mkdir()
    for feed in FEEDS:
        shutil.copy(CONFIG / "feeds" / f"{feed}.toml", folder / "originals")
    with running(Plan(size, 1), folder / "registers", faults=faults, retry_after_s=0) as url:
        write_feed_files(folder / "feeds", url, folder / "originals")
        found = Scheduled(world, folder, faults)
        for feed in FEEDS:
            found.schedule(feed)
        found.environ = {
            **KEYS,
            **TIMING,
            "REGISTRY_SERVICE__SANDBOX": "true",
            "REGISTRY_INDEXER__REFUSE_TEST_PEOPLE": "false",
            "REGISTRY_SCHEDULE__LOOK_EVERY_S": "0.2",
            "REGISTRY_DATABASE__URL": world.settings.database.url,
            "REGISTRY_SEARCH__TANTIVY__PATH": world.settings.search.tantivy.path,
            "REGISTRY_FEEDS_DIR": str(folder / "feeds"),
            "TMPDIR": str(folder / "tmp"),
        }
        yield found


def child_at_work(found: Scheduled, at_work: Running, feed: str) -> int:
    """Wait until a scheduler's process pulls a feed, and return its id."""
    until(lambda: found.runs(feed)[-1:] == ["running"] and found.leftovers())
    return until(lambda: at_work.begun("pull begins", feed=feed))[0]
