"""Connections: alive when they are used, and cheap for reads."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.pool import PoolProxiedConnection

from registry import database
from registry.database import open_database, reading
from tests.support.world import make_settings


@pytest.fixture
def postgres(fresh_postgres_database: Callable[[], str], tmp_path: Path) -> Iterator[sa.Engine]:
    """PostgreSQL as the service opens it."""
    settings = make_settings(tmp_path, fresh_postgres_database())
    engine = open_database(settings.database.url, settings.database, service=True)
    yield engine
    engine.dispose()


def _backend(engine: sa.Engine) -> int:
    with engine.connect() as connection:
        found: int = connection.execute(sa.text("SELECT pg_backend_pid()")).scalar_one()
        return found


def _commits_by_itself(connection: sa.Connection) -> bool:
    driver: Any = connection.connection.dbapi_connection
    return bool(driver.autocommit)


def test_a_connection_that_died_while_it_lay_idle_is_replaced(
    postgres: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_ALIVE_S", 0.0)
    first = _backend(postgres)
    assert _backend(postgres) == first
    other = sa.create_engine(postgres.url)
    with other.connect() as connection:
        connection.execute(sa.text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": first})
    other.dispose()
    assert _backend(postgres) != first


def test_a_connection_is_asked_only_after_a_pause(
    postgres: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    ping = postgres.dialect.do_ping

    def counted(connection: PoolProxiedConnection) -> bool:
        asked.append(connection)
        return ping(connection)

    monkeypatch.setattr(postgres.dialect, "do_ping", counted)
    monkeypatch.setattr(database, "_ALIVE_S", 60.0)
    assert _backend(postgres) == _backend(postgres)
    assert asked == []
    monkeypatch.setattr(database, "_ALIVE_S", 0.0)
    _backend(postgres)
    assert len(asked) == 1


def test_reads_need_no_transaction_on_postgresql(postgres: sa.Engine) -> None:
    assert reading(postgres) is reading(postgres)
    with reading(postgres).connect() as connection:
        assert _commits_by_itself(connection)
    with postgres.connect() as connection:
        assert not _commits_by_itself(connection)


def test_reads_are_as_ever_on_sqlite(tmp_path: Path) -> None:
    settings = make_settings(tmp_path)
    engine = open_database(settings.database.url, settings.database, service=True)
    assert reading(engine) is engine
    engine.dispose()
