"""Database engines: one way to open SQLite and PostgreSQL, with their limits from the settings."""

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
    return sa.create_engine(
        url,
        hide_parameters=True,  # an error's text may reach a log; its values may not
        pool_size=settings.pool_size,
        max_overflow=0,
        pool_timeout=settings.pool_timeout_s,
        pool_pre_ping=True,
        connect_args={"options": " ".join(options), "connect_timeout": 5},
    )


def writing(engine: Engine) -> Engine:
    """Return the engine for transactions that will write (on SQLite they take the write lock as they begin)."""
    return engine.execution_options(registry_write=True)
