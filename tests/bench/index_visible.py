"""A job: how soon after the commit of a run a search finds what it changed, with a publisher that stays."""

import contextlib
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import msgspec

from registry.records.facts import PersonFacts
from registry.search import SearchEngine, SearchQuery, open_engine
from registry.settings import load_settings
from tests.bench.machine import memory_mb
from tests.bench.processes import BenchError
from tests.support.world import World, licence, person

# A change that is not found after so many seconds never will be; how often it is looked for.
_PATIENCE_S, _LOOK_S = 120.0, 0.02
_ENDS_S = 60.0
_TODAY = date(2026, 11, 22)
_FEED = "bench-visible"


class Visible(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds from the commit of a run with one changed licence until a search found it, and the publisher's memory."""

    seconds: list[float]
    memory_mb: float

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.seconds)

    @property
    def worst(self) -> float:
        """The longest."""
        return max(self.seconds)


def measure(changes: int, log: str) -> Visible:
    """Revoke so many people's licences, one a run, and look for each as the service does.

    Raises:
        BenchError: a change was not found.
    """
    settings = load_settings()
    world, search = World(settings), open_engine(settings.search)
    numbers = [f"QQ{n:08d}" for n in range(changes)]
    try:
        with _publisher(Path(log)) as pid:
            world.load({number: _person(number, "active") for number in numbers}, feed=_FEED, snapshot=False)
            for number in numbers:
                _until_found(search, number, "active")
            seconds = []
            for number in numbers:
                world.load({number: _person(number, "revoked")}, feed=_FEED, snapshot=False)
                committed = time.perf_counter()
                _until_found(search, number, "revoked")
                seconds.append(time.perf_counter() - committed)
            return Visible(seconds=seconds, memory_mb=memory_mb(pid, peak=True))
    finally:
        search.close()
        world.close()


def _person(number: str, status: str) -> PersonFacts:
    return person("Qqvisible", "Siv", licences=[licence(number, status=status)])


def _until_found(search: SearchEngine, number: str, status: str) -> None:
    ends = time.monotonic() + _PATIENCE_S
    query = SearchQuery(licence_number=number, status=(status,), facets=False)
    while search.search(query, _TODAY).total != 1:
        if time.monotonic() > ends:
            raise BenchError(f"A change was not found by a search within {_PATIENCE_S:.0f} s.")
        time.sleep(_LOOK_S)


@contextlib.contextmanager
def _publisher(log: Path) -> Iterator[int]:
    """Have a resident publisher for the length of the block; give its process id."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "indexer.cli", "publish", "--follow"], stdout=output, stderr=output
        )
    try:
        yield process.pid
        if process.poll() is not None:
            raise BenchError(f"The publisher ended:\n{log.read_text('utf-8', 'replace')[-3000:]}")
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_ENDS_S)
        finally:
            process.kill()
            process.wait()
