"""A lease on a job, in PostgreSQL: one holder at a time on however many machines, and a successor when the holder dies.

The holder writes a heartbeat; whoever finds it older than the timeout may take the lease over. All times are the
database's own, so the machines' clocks do not matter. A holder that only slept wakes up believing that the job is
still its own. That is why the work itself ends with `still_mine`, in its own transaction: it locks the row of the
lease, so that nobody can take it between the check and the commit, and fails when somebody has.
"""

import hashlib
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
import structlog
from psycopg import errors as postgres
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Engine

from registry.errors import RegistryError
from registry.records.tables import lease as table

log = structlog.get_logger()
# Milliseconds a statement about leases may wait for a lock, and take in all. Each concerns one row.
_LOCK_MS, _STATEMENT_MS = 1000, 10_000
# By the clock of the database, and of this moment: `now()` would be that of the transaction's beginning.
_NOW = sa.func.clock_timestamp()
# Ends what a predecessor that is gone, frozen or cut off has left in the database: its open transaction holds locks
# (the counter's!) that its successor would wait for. Found by the mark that `Lease.enter` sets.
_END_MARKED = sa.text(
    """
    SELECT pg_terminate_backend(pid, 5000) FROM pg_locks
    WHERE locktype = 'advisory' AND objsubid = 1 AND pid <> pg_backend_pid()
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND ((classid::bigint << 32) | objid::bigint) = :mark
    """
)


class BusyError(RegistryError):
    """Another process is doing the same job."""

    slug = "busy"
    title = "Another process is doing this job"


class LostLeaseError(RegistryError):
    """Another process has taken the job over, because this one gave no sign of life for too long."""

    slug = "lost-lease"
    title = "Another process has taken this job over"


class Lease:
    """One lease on one job; see `leased`."""

    def __init__(self, engine: Engine, job: str, timeout_s: float, heartbeat_s: float) -> None:
        """Prepare; nothing is asked of the database yet."""
        self.job = job
        self.holder = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(8)}"
        self._timeout_s, self._heartbeat_s = timeout_s, heartbeat_s
        self._mark = int.from_bytes(hashlib.sha256(f"lease:{job}".encode()).digest()[:8], "big", signed=True)
        # A connection of its own: the work may need all of the pool's.
        self._own = sa.create_engine(
            engine.url,
            hide_parameters=True,
            isolation_level="AUTOCOMMIT",
            pool_size=1,
            max_overflow=0,
            pool_pre_ping=True,
            connect_args={
                "options": f"-c lock_timeout={_LOCK_MS} -c statement_timeout={_STATEMENT_MS} -c timezone=UTC",
                "connect_timeout": 5,
            },
        )
        self._mine = (table.c.name == job) & (table.c.holder == self.holder)
        self._taken_over = False
        self._beaten_at = time.monotonic()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"heartbeat {job}", daemon=True)

    @property
    def lost(self) -> bool:
        """Whether the lease is known to be lost, or no heartbeat could be written for so long that it may be.

        A hint to stop early, without asking the database; `still_mine` is what decides.
        """
        return self._taken_over or time.monotonic() - self._beaten_at > self._timeout_s

    def enter(self, connection: sa.Connection) -> None:
        """Mark a long transaction as work under this lease, at its beginning.

        A successor ends marked sessions, so that it need not wait for the locks of a holder that is frozen or whose
        machine is gone. Without the mark everything is as safe, but it may wait.
        """
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock_shared(self._mark)))

    def still_mine(self, connection: sa.Connection) -> None:
        """Make sure that the lease is ours until the transaction of `connection` ends; call it right before the commit.

        Raises:
            LostLeaseError: somebody has taken it over; roll back.
        """
        found = connection.scalar(sa.select(sa.literal(1)).where(self._mine).with_for_update(of=table))
        if found is None:
            self._taken_over = True
            raise self._lost_error()

    def take(self) -> None:
        """Take the lease and begin the heartbeat.

        Raises:
            BusyError: somebody else holds it and is alive.
        """
        values = {"holder": self.holder, "acquired_at": _NOW, "heartbeat_at": _NOW}
        expired = table.c.heartbeat_at < _NOW - sa.func.make_interval(0, 0, 0, 0, 0, 0, self._timeout_s)
        upsert = (
            insert(table)
            .values(name=self.job, **values)
            .on_conflict_do_update(index_elements=[table.c.name], set_=values, where=expired)
            .returning(table.c.holder)
        )
        try:
            with self._own.connect() as connection:
                if connection.scalar(upsert) is None:
                    raise self._busy(connection)
                self._end_predecessor(connection)
        except sa.exc.OperationalError as error:
            self._own.dispose()
            if isinstance(error.orig, postgres.LockNotAvailable):  # its holder is committing at this moment
                raise BusyError(f"{self.job} is running already.") from error
            raise
        except BusyError:
            self._own.dispose()
            raise
        self._beaten_at = time.monotonic()
        self._thread.start()

    def ours(self) -> bool:
        """Ask the database whether the lease is ours.

        Raises:
            SQLAlchemyError: it can't be asked.
        """
        with self._own.connect() as connection:
            return connection.scalar(sa.select(sa.literal(1)).where(self._mine)) is not None

    def release(self) -> None:
        """End the heartbeat and give the lease up, if it is ours still. What can't be given up expires by itself."""
        try:
            self._give_up()
        except KeyboardInterrupt:
            # Told to stop in the middle of it, which is told once (`indexer.jobs`): the next one need not wait for this lease.
            self._give_up()
            raise

    def _give_up(self) -> None:
        self._ending.set()
        if self._thread.ident is not None:
            self._thread.join(timeout=_STATEMENT_MS / 1000)
        try:
            with self._own.connect() as connection:
                connection.execute(sa.delete(table).where(self._mine))
        except sa.exc.SQLAlchemyError as error:
            log.warning("the lease could not be given up; it expires", job=self.job, error=kind(error))
        self._own.dispose()

    def translated(self, error: sa.exc.DBAPIError) -> Exception:
        """Return the reason behind a database error: a successor ends the sessions of whoever it took over from."""
        try:
            return error if self.ours() else self._lost_error()
        except sa.exc.SQLAlchemyError:
            return error

    def _beat(self) -> None:
        beat = sa.update(table).where(self._mine).values(heartbeat_at=_NOW)
        while not self._ending.wait(self._heartbeat_s):
            began = time.monotonic()
            try:
                with self._own.connect() as connection:
                    written = connection.execute(beat).rowcount
            except sa.exc.SQLAlchemyError as error:
                log.warning("no heartbeat could be written", job=self.job, error=kind(error))
                continue
            if not written:
                self._taken_over = True
                log.error("another process has taken this job over", job=self.job)
                return
            self._beaten_at = began

    def _end_predecessor(self, connection: sa.Connection) -> None:
        try:
            ended = len(connection.execute(_END_MARKED, {"mark": self._mark}).all())
        except sa.exc.DBAPIError as error:
            log.warning("sessions of a predecessor can't be ended", job=self.job, error=kind(error))
            return
        if ended:
            log.warning("sessions of a predecessor ended", job=self.job, sessions=ended)

    def _busy(self, connection: sa.Connection) -> BusyError:
        row = connection.execute(sa.select(table).where(table.c.name == self.job)).first()
        if row is None:  # given up at this moment
            return BusyError(f"{self.job} is running already.")
        host, pid, _ = row.holder.rsplit(":", 2)
        return BusyError(
            f"{self.job} is running already: on {host}, process {pid}, since {row.acquired_at:%Y-%m-%d %H:%M} UTC."
        )

    def _lost_error(self) -> LostLeaseError:
        return LostLeaseError(
            f"{self.job}: this process gave no sign of life for {self._timeout_s:g} s, and another one has taken the "
            "job over. Nothing of it was kept here; there is nothing to do."
        )


def kind(error: sa.exc.SQLAlchemyError) -> str:
    """Return what an error is, without its text, which may hold values."""
    return type(getattr(error, "orig", None) or error).__name__


@contextmanager
def leased(engine: Engine, job: str, timeout_s: float, heartbeat_s: float) -> Iterator[Lease]:
    """Hold the lease on `job` for the length of the block.

    Args:
        timeout_s: age of the heartbeat from which on another process may take over.
        heartbeat_s: time between two heartbeats.

    Raises:
        BusyError: somebody else holds it.
        LostLeaseError: the block failed because somebody has taken over meanwhile.
    """
    lease = Lease(engine, job, timeout_s, heartbeat_s)
    try:
        lease.take()
    except KeyboardInterrupt:
        # Told to stop while taking it: it may be ours already.
        lease.release()
        raise
    try:
        yield lease
    except sa.exc.DBAPIError as error:
        reason = lease.translated(error)
        if reason is error:
            raise
        raise reason from error
    finally:
        lease.release()


def alive(connection: sa.Connection, timeout_s: float) -> set[str]:
    """Return the jobs that somebody is doing at this moment (PostgreSQL)."""
    since = _NOW - sa.func.make_interval(0, 0, 0, 0, 0, 0, timeout_s)
    return set(connection.scalars(sa.select(table.c.name).where(table.c.heartbeat_at >= since)))
