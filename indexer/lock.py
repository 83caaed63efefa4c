"""One process at a time for one job: a lock that ends with its holder, however that ends."""

import fcntl
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from indexer.lease import BusyError, LostLeaseError, leased
from registry.settings import Indexer

__all__ = ["BusyError", "Guard", "LostLeaseError", "only_one"]

# For callers without settings; those of `config/default.toml`.
_TIMEOUT_S, _HEARTBEAT_S = 60.0, 10.0


class Guard(Protocol):
    """What the holder of a lock has in hand."""

    @property
    def lost(self) -> bool:
        """Whether the lock is probably lost: a hint to stop early that costs nothing to ask."""

    def enter(self, connection: sa.Connection) -> None:
        """Mark a long transaction as work under the lock, at its beginning, so that a successor need not wait for it."""

    def still_mine(self, connection: sa.Connection) -> None:
        """Make sure that the lock is ours until the transaction of `connection` ends; call it right before the commit.

        Raises:
            LostLeaseError: somebody has taken it over; roll back.
        """


class _KernelGuard:
    """A lock of the kernel can't be lost: a process that is only frozen keeps it."""

    lost = False

    def enter(self, connection: sa.Connection) -> None:
        """Do nothing."""

    def still_mine(self, connection: sa.Connection) -> None:
        """Do nothing."""


@contextmanager
def only_one(engine: Engine, job: str, settings: Indexer | None = None) -> Iterator[Guard]:
    """Hold the lock for `job` (e.g. `pull:hosp`).

    PostgreSQL: a lease with a heartbeat, across machines; a holder that gives no sign of life for
    `indexer.lease_timeout_s` loses it to whoever asks next. What it wrote must then not be committed: call
    `still_mine` at the end of every transaction. SQLite, which is for one machine: a lock on a file beside the
    database, released by the kernel when the process ends. (A heartbeat in the database would wait for the load.)

    SIGTERM ends the block like Ctrl-C does, unless the process handles it already: its transaction is rolled back, its
    temporary files are removed and the lock is given up.

    Raises:
        BusyError: it is held already.
        LostLeaseError: it was lost meanwhile.
    """
    with _unwound_by_sigterm():
        if engine.dialect.name == "postgresql":
            timeout_s = settings.lease_timeout_s if settings else _TIMEOUT_S
            heartbeat_s = settings.lease_heartbeat_s if settings else _HEARTBEAT_S
            with leased(engine, job, timeout_s, heartbeat_s) as lease:
                yield lease
        else:
            with _file(engine, job):
                yield _KernelGuard()


@contextmanager
def _file(engine: Engine, job: str) -> Iterator[None]:
    database = Path(engine.url.database or "registry")
    path = database.with_name(f"{database.name}.{job.replace(':', '-')}.lock")
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BusyError(f"{job} is running already.") from error
        yield


class _TerminatedError(KeyboardInterrupt):
    """SIGTERM, as Ctrl-C: the database driver then cancels its statement."""


def _terminate(_number: int, _frame: FrameType | None) -> None:
    raise _TerminatedError


@contextmanager
def _unwound_by_sigterm() -> Iterator[None]:
    ours = (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    )
    if ours:
        signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    except _TerminatedError:
        sys.exit(128 + signal.SIGTERM)
    finally:
        if ours:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
