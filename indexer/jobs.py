"""Work in a process of its own.

Why processes and not threads: parsing is Python, so that two threads would take turns where two processes use two
cores; a process can be ended for certain, whatever it waits for, and the database rolls its transaction back; its
memory is given back when it ends; and what brings it down does not bring down the scheduler.
"""

import contextlib
import multiprocessing
import shutil
import signal
import tempfile
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from types import FrameType
from typing import Any

from registry.errors import RegistryError
from registry.logs import configure_logs

# Not fork: the scheduler holds database connections, which two processes must not share.
_context = multiprocessing.get_context("spawn")
_FRAMES = 6
# Why a job that was told to stop has no value.
STOPPED = "stopped"


class StoppedError(KeyboardInterrupt):
    """The work is to stop now.

    As Ctrl-C: no code on the way takes it for a failure of the feed, and the database driver cancels its statement.
    """


@dataclass(frozen=True)
class Outcome:
    """What became of a job: its value, or why it has none (`error`, and `where` for what nobody foresaw)."""

    value: Any = None
    error: str = ""
    where: tuple[str, ...] = ()


@dataclass(frozen=True)
class Job:
    """A running job.

    Its temporary files lie in a folder that is removed here when the process has ended, however it ended: they may
    hold personal data.
    """

    name: str
    process: SpawnProcess
    _outcome: Connection
    _stop: Connection
    _scratch: Path

    @property
    def sentinel(self) -> int:
        """What `multiprocessing.connection.wait` takes; ready when the process has ended."""
        return self.process.sentinel

    @property
    def ended(self) -> bool:
        """Whether the process has ended."""
        return not self.process.is_alive()

    def stop(self) -> None:
        """Ask the work to stop: `StoppedError` is raised in it, wherever it is."""
        self._stop.close()

    def kill(self) -> None:
        """End the process at once."""
        self.process.kill()

    def collect(self) -> Outcome:
        """Return the outcome of a process that has ended, and clear up after it."""
        self.process.join()
        outcome = Outcome(error=f"its process ended with exit code {self.process.exitcode} and left no word")
        with contextlib.suppress(EOFError, OSError):
            if self._outcome.poll():
                outcome = self._outcome.recv()
        self._outcome.close()
        self._stop.close()
        self.process.close()
        shutil.rmtree(self._scratch, ignore_errors=True)
        return outcome


def start(name: str, work: Callable[..., Any], *arguments: Any) -> Job:  # noqa: ANN401 - as `work` takes them
    """Start `work(*arguments)` in a process of its own; both are sent to it, so `work` is a function of a module.

    The process ignores SIGTERM and Ctrl-C, which service managers and terminals send to whole groups: its parent
    decides when it stops. When the parent dies, it stops by itself.

    Raises:
        OSError: the machine has no room for another process.
    """
    scratch = Path(tempfile.mkdtemp(prefix="registry-job-"))
    told, stop = _context.Pipe(duplex=False)
    outcome, tell = _context.Pipe(duplex=False)
    process = _context.Process(target=_main, name=name, args=(work, arguments, told, tell, str(scratch)))
    try:
        process.start()
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    finally:
        told.close()
        tell.close()
    return Job(name, process, outcome, stop, scratch)


def _main(
    work: Callable[..., Any], arguments: tuple[Any, ...], told: Connection, tell: Connection, scratch: str
) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGUSR1, _stop)
    configure_logs()
    tempfile.tempdir = scratch
    threading.Thread(target=_watch, args=(told, threading.get_ident()), daemon=True).start()
    try:
        outcome = _outcome(work, arguments)
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    except StoppedError:
        outcome = Outcome(error=STOPPED)
    shutil.rmtree(scratch, ignore_errors=True)  # the parent may be gone
    with contextlib.suppress(OSError):
        tell.send(outcome)


def _outcome(work: Callable[..., Any], arguments: tuple[Any, ...]) -> Outcome:
    try:
        return Outcome(work(*arguments))
    except RegistryError as error:
        return Outcome(error=error.detail or error.title)
    except Exception as error:  # noqa: BLE001 - told to the parent, which logs it
        # Its type and place, not its text: that may hold facts about people.
        frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
        where = tuple(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames)
        return Outcome(error=f"unexpected {type(error).__name__}", where=where)


def _watch(told: Connection, main_thread: int) -> None:
    """Wait for the parent's word, or for its end, and interrupt the work."""
    with contextlib.suppress(EOFError, OSError):
        told.recv()
    signal.pthread_kill(main_thread, signal.SIGUSR1)


def _stop(_number: int, _frame: FrameType | None) -> None:
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    raise StoppedError
