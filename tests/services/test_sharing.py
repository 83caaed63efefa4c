"""One server for several processes: started once, ended when the last of them is done, and after a crash of one of them too."""

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Iterator
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from tests.services.sharing import Told, shared
from tests.support.waiting import until

SPAWNED = multiprocessing.get_context("spawn")


def _noted(folder: Path) -> list[str]:
    path = folder / "noted"
    return path.read_text().splitlines() if path.exists() else []


class _Server:
    """Stands in for a heavy one: notes when it starts and ends."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def _note(self, word: str) -> None:
        with (self.folder / "noted").open("a") as file:
            file.write(f"{word}\n")

    @contextlib.contextmanager
    def __call__(self) -> Iterator[Told]:
        self._note("started")
        yield {"port": 4711}
        self._note("ended")


def _use(folder: Path, number: int, go: Event) -> None:
    with shared(folder, "server", _Server(folder)) as told:
        (folder / f"using-{number}").write_text(str(told["port"]))
        go.wait(60)


@pytest.fixture
def users(tmp_path: Path) -> Iterator[list[tuple[multiprocessing.process.BaseProcess, Event]]]:
    made: list[tuple[multiprocessing.process.BaseProcess, Event]] = []
    process: multiprocessing.process.BaseProcess
    for number in range(3):
        go = SPAWNED.Event()
        process = SPAWNED.Process(target=_use, args=(tmp_path, number, go))
        process.start()
        until((tmp_path / f"using-{number}").exists)
        made.append((process, go))
    yield made
    for process, _ in made:
        process.kill()
        process.join()


def test_the_first_starts_it_and_it_ends_after_the_last(
    users: list[tuple[multiprocessing.process.BaseProcess, Event]], tmp_path: Path
) -> None:
    (starter, first), (other, second), (crashed, _) = users
    assert {(tmp_path / f"using-{number}").read_text() for number in range(3)} == {"4711"}
    assert _noted(tmp_path) == ["started"]
    first.set()
    starter.join(0.5)
    assert starter.is_alive(), "the others use it still"
    assert _noted(tmp_path) == ["started"]
    assert crashed.pid
    os.kill(crashed.pid, signal.SIGKILL)
    second.set()
    other.join(60)
    starter.join(60)
    assert _noted(tmp_path) == ["started", "ended"]
    with shared(tmp_path, "server", _Server(tmp_path)) as told:
        assert told == {"port": 4711}
    assert _noted(tmp_path) == ["started", "ended"] * 2
