"""One heavy server for all processes that share a run: the first that needs it starts it, the last one leaves it running.

Which is why it takes no coordinator: each user holds a shared lock on a file for as long as it uses the server; the one
that started it waits at its end until it can have that lock for itself. A process that dies lets its locks go.
"""

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Any

_POLL_SECONDS = 0.2
# What another process needs to use the server, as JSON.
Told = dict[str, Any]


@contextlib.contextmanager
def shared(folder: Path, name: str, start: Callable[[], AbstractContextManager[Told]]) -> Iterator[Told]:
    """Give what the server told at its start, starting it if no process of this run has.

    Args:
        folder: one that all processes of the run know.
        name: of the server, for file names.
        start: enters with what the server tells; leaves with the server ended.
    """
    state = folder / f"{name}.json"
    with (folder / f"{name}.users").open("a") as users, contextlib.ExitStack() as started:
        with _alone(folder / f"{name}.lock"):
            ours = not state.exists()
            if ours:
                told = started.enter_context(start())
                _write(state, told)
            else:
                told = json.loads(state.read_text("utf-8"))
            fcntl.flock(users, fcntl.LOCK_SH)
        try:
            yield told
        finally:
            fcntl.flock(users, fcntl.LOCK_UN)
            if ours:
                _end_when_unused(folder / f"{name}.lock", users, state, started)


def _end_when_unused(lock: Path, users: IO[str], state: Path, started: contextlib.ExitStack) -> None:
    while True:
        # Nobody may begin to use it while it ends; somebody who still does makes us try again.
        with contextlib.suppress(BlockingIOError), _alone(lock):
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            state.unlink()
            started.close()
            return
        time.sleep(_POLL_SECONDS)


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _write(path: Path, told: Told) -> None:
    """Write it for this account only: it holds the run's secrets."""
    with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(told, file)
