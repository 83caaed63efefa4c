"""Connections: alive when they are used, and cheap for reads."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.pool import PoolProxiedConnection

from registry import database
from registry.database import fetch, open_database, reading
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


def _terminate(engine: sa.Engine, backend: int) -> None:
    other = sa.create_engine(engine.url)
    with other.connect() as connection:
        connection.execute(sa.text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": backend})
    other.dispose()


def test_a_connection_that_died_a_moment_ago_is_replaced_too(
    postgres: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_ALIVE_S", 60.0)
    first = _backend(postgres)
    _terminate(postgres, first)
    assert _backend(postgres) != first


def test_rows_are_fetched_as_the_driver_gives_them(postgres: sa.Engine) -> None:
    with reading(postgres).connect() as connection:
        asked = {"ids": [2, 3]}
        assert fetch(connection, "SELECT n FROM unnest(%(ids)s::bigint[]) n", asked) == [(2,), (3,)]
        with pytest.raises(sa.exc.ProgrammingError) as caught:
            fetch(connection, "SELECT %(secret)s FROM nowhere", {"secret": "19900101-9802"})
        assert "19900101" not in str(caught.value.statement) + str(caught.value.params)
        assert not caught.value.connection_invalidated
        assert fetch(connection, "SELECT 1", ()) == [(1,)]


def test_a_connection_that_dies_while_rows_are_fetched_is_put_away(postgres: sa.Engine) -> None:
    with reading(postgres).connect() as connection:
        (backend,) = fetch(connection, "SELECT pg_backend_pid()", ())[0]
        _terminate(postgres, backend)
        with pytest.raises(sa.exc.OperationalError) as caught:
            fetch(connection, "SELECT 1", ())
        assert caught.value.connection_invalidated
    assert _backend(postgres) != backend


def test_rows_of_sqlite_are_of_one_moment(tmp_path: Path) -> None:
    settings = make_settings(tmp_path)
    engine = open_database(settings.database.url, settings.database, service=True)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE t (n INTEGER)")
    with reading(engine).connect() as connection:
        assert fetch(connection, "SELECT n FROM t WHERE n > ?", (0,)) == []
        with engine.begin() as other:
            other.exec_driver_sql("INSERT INTO t VALUES (1)")
        assert fetch(connection, "SELECT n FROM t WHERE n > ?", (0,)) == []
    with reading(engine).connect() as connection:
        assert fetch(connection, "SELECT n FROM t WHERE n > ?", (0,)) == [(1,)]
    engine.dispose()
