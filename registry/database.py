"""Database engines: one way to open SQLite and PostgreSQL, with their limits from the settings."""

import select
import time
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.pool import QueuePool

from registry.settings import Database


def open_database(url: str, settings: Database, *, service: bool) -> Engine:
    """Open the database at `url`.

    Args:
        url: SQLAlchemy address, `sqlite:///PATH` or `postgresql+psycopg://...`.
        settings: section `[database]`.
        service: True in the request path, where a statement timeout guards the workers; False for the indexer and
            migrations, whose statements may take minutes.
    """
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        return _open_sqlite(address, settings, service=service)
    return _open_postgresql(address, settings, service=service)


def _open_sqlite(url: URL, settings: Database, *, service: bool) -> Engine:
    if url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    # The indexer may wait long for the one write lock, a request may not.
    wait_ms = settings.sqlite_busy_timeout_ms * (1 if service else 60)
    # Each connection has a cache of its own, in KiB: the one of a load may be large, those of a worker's threads add up.
    cache = 8192 if service else 131072
    engine = sa.create_engine(
        url,
        hide_parameters=True,
        poolclass=QueuePool,
        pool_size=settings.pool_size,
        max_overflow=0,
        pool_timeout=settings.pool_timeout_s,
        connect_args={"timeout": wait_ms / 1000, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def _pragmas(connection: Any, _record: object) -> None:  # noqa: ANN401 - a DBAPI connection
        # Transactions are begun by us (below): the driver's own way never begins one for a read.
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "temp_store=MEMORY",
            f"cache_size=-{cache}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        write = connection.get_execution_options().get("registry_write", False)
        # A transaction that begins as a reader and then writes may fail with SQLITE_BUSY at once, whatever the timeout.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


def _open_postgresql(url: URL, settings: Database, *, service: bool) -> Engine:
    options = [f"-c lock_timeout={settings.lock_timeout_ms if service else 0}", "-c timezone=UTC"]
    if service:
        options.append(f"-c statement_timeout={settings.statement_timeout_ms}")
    engine = sa.create_engine(
        url,
        hide_parameters=True,  # an error's text may reach a log; its values may not
        pool_size=settings.pool_size,
        max_overflow=0,
        pool_timeout=settings.pool_timeout_s,
        # The one used last is the one most likely to be alive, and knows the statements.
        pool_use_lifo=True,
        connect_args={"options": " ".join(options), "connect_timeout": 5},
    )
    _ping_when_idle(engine)
    return engine


# A connection that was in use so lately, in seconds, is taken for alive: asking would be a third of a short request's
# journeys to the database.
_ALIVE_S = 0.5


def _ping_when_idle(engine: Engine) -> None:
    """Ask connections that have lain idle whether they are alive, before they are used; dead ones are replaced.

    One that was in use a moment ago is asked too if the server has said something since: that is how it says goodbye.
    """

    @event.listens_for(engine, "checkout")
    def _ping(connection: Any, record: Any, _proxy: object) -> None:  # noqa: ANN401 - a DBAPI connection and its record
        idle_s = time.monotonic() - record.info.get("used_at", time.monotonic())
        if idle_s < _ALIVE_S and not _has_heard(connection):
            return
        try:
            alive = engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error:
            alive = False
        if not alive:
            raise sa.exc.InvalidatePoolError

    @event.listens_for(engine, "checkin")
    def _used(_connection: object, record: Any) -> None:  # noqa: ANN401 - see above
        record.info["used_at"] = time.monotonic()


def _has_heard(connection: Any) -> bool:  # noqa: ANN401 - psycopg's connection
    """Tell whether something has come from the server that nobody has read, the end of the connection included."""
    watch = select.poll()
    try:
        watch.register(connection.pgconn.socket, select.POLLIN)
    except connection.Error:
        return True  # closed on our side
    return bool(watch.poll(0))


def fetch(connection: sa.Connection, statement: str, parameters: Any) -> Sequence[Any]:  # noqa: ANN401 - the driver's
    """Return the rows of a query in the driver's own words, as the driver gives them.

    For what is read at every search: SQLAlchemy's preparing and reading would take longer than the database.

    Raises:
        DBAPIError: as SQLAlchemy raises them; a connection that is lost is put away.
    """
    dialect = connection.dialect
    if dialect.name == "sqlite" and not connection.in_transaction():
        connection.begin()
    driver: Any = connection.connection.dbapi_connection
    cursor = driver.cursor()
    try:
        cursor.execute(statement, parameters)
        found: Sequence[Any] = cursor.fetchall()
    except dialect.loaded_dbapi.Error as error:
        is_lost = dialect.is_disconnect(error, driver, cursor)
        if is_lost:
            connection.invalidate(error)
        raise sa.exc.DBAPIError.instance(
            statement,
            None,
            error,
            dialect.loaded_dbapi.Error,
            hide_parameters=True,
            connection_invalidated=is_lost,
            dialect=dialect,
        ) from error
    finally:
        cursor.close()
    return found


@lru_cache(maxsize=8)
def writing(engine: Engine) -> Engine:
    """Return the engine for transactions that will write (on SQLite they take the write lock as they begin)."""
    return engine.execution_options(registry_write=True)


@lru_cache(maxsize=8)
def reading(engine: Engine) -> Engine:
    """Return the engine for a few reads that need no snapshot in common, each of what is committed then.

    PostgreSQL then needs no journeys to begin and end, and the driver keeps statements prepared, which it forgets at every
    rollback. SQLite's reads have a snapshot in any case.
    """
    return engine if engine.dialect.name == "sqlite" else at_once(engine)


@lru_cache(maxsize=8)
def of_one_moment(engine: Engine) -> Engine:
    """Return the engine for reads in several statements that must agree: all see what was committed when the first began.

    What a run commits in between would pair facts of before it with facts of after it. SQLite's transactions are so anyhow.
    """
    if engine.dialect.name == "sqlite":
        return engine
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


@lru_cache(maxsize=8)
def at_once(engine: Engine) -> Engine:
    """Return the engine for single statements that are transactions by themselves: durable when they return (PostgreSQL)."""
    return engine.execution_options(isolation_level="AUTOCOMMIT")
