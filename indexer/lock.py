"""One process at a time for one job: a lock that ends with its holder, however that ends."""

import fcntl
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from registry.errors import RegistryError


class BusyError(RegistryError):
    """Another process is doing the same job."""

    slug = "busy"
    title = "Another process is doing this job"


@contextmanager
def only_one(engine: Engine, job: str) -> Iterator[None]:
    """Hold the lock for `job` (e.g. `pull:hosp`).

    PostgreSQL: a session advisory lock, released by the server when the connection ends. SQLite: a lock on a
    file beside the database, released by the kernel when the process ends.

    Raises:
        BusyError: it is held already.
    """
    if engine.dialect.name == "postgresql":
        with _advisory(engine, job):
            yield
    else:
        with _file(engine, job):
            yield


@contextmanager
def _advisory(engine: Engine, job: str) -> Iterator[None]:
    number = int.from_bytes(hashlib.sha256(job.encode()).digest()[:8], "big", signed=True)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if not connection.scalar(sa.select(sa.func.pg_try_advisory_lock(number))):
            raise BusyError(f"{job} is running already.")
        try:
            yield
        finally:
            connection.scalar(sa.select(sa.func.pg_advisory_unlock(number)))


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
