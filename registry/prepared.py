"""Statements of the shortest requests, as the driver takes them: made once, kept prepared, each a transaction by itself.

Between a request and the database, SQLAlchemy's own connection, preparing and reading cost more than the database's
work for a statement of one row. What is left out here is only that: connections come from the engine's pool, with its limits and
its look whether they are alive, and whatever goes wrong is SQLAlchemy's error.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import psycopg as dialects
from sqlalchemy.engine import Engine

Row = Sequence[Any]
# The server's own marks for parameters: the driver has nothing to translate.
_DOLLARS: sa.Dialect = dialects.dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call] # as SQLAlchemy has it


class Prepared:
    """One statement for PostgreSQL, durable when `row` returns.

    Attributes:
        text: as the server reads it.
    """

    def __init__(self, statement: sa.ClauseElement) -> None:
        made: Any = statement.compile(dialect=_DOLLARS, compile_kwargs={"render_postcompile": True})
        self.text = str(made)
        self._names: list[str] = list(made.positiontup or ())
        # Constants stand in the statement as parameters too.
        self._constants: dict[str, Any] = dict(made.params)

    def row(self, bind: Engine | sa.Connection, values: Mapping[str, Any]) -> Row | None:
        """Run the statement and return its first row, None if there is none.

        Args:
            bind: an engine of PostgreSQL: the statement is a transaction by itself; or a connection, whose transaction it
                is part of.
            values: of its parameters, by name; others keep the value that they have in the statement.

        Raises:
            SQLAlchemyError: as it would be if SQLAlchemy ran it.
        """
        given = [values[name] if name in values else self._constants[name] for name in self._names]
        with _lent(bind) if isinstance(bind, sa.Connection) else _pooled(bind) as driver:
            cursor = psycopg.RawCursor(driver)
            cursor.execute(self.text, given, prepare=True)
            return cursor.fetchone()


@contextmanager
def _lent(connection: sa.Connection) -> Iterator[Any]:
    """Give the driver's connection."""
    driver: Any = connection.connection.driver_connection
    try:
        yield driver
    except psycopg.Error as error:
        gone = connection.dialect.is_disconnect(error, driver, None)  # type: ignore[arg-type] # the driver's own error
        if gone:
            connection.invalidate(error)
        raise _told(error, connection.dialect, gone=gone) from error


@contextmanager
def _pooled(engine: Engine) -> Iterator[Any]:
    """Lend a connection of the driver from the engine's pool, which commits each statement."""
    pooled = engine.raw_connection()
    driver: Any = pooled.driver_connection
    try:
        driver.autocommit = True
        yield driver
        driver.autocommit = False
    except psycopg.Error as error:
        gone = engine.dialect.is_disconnect(error, driver, None)  # type: ignore[arg-type] # the driver's own error
        if gone:
            pooled.invalidate(error)
        else:
            driver.autocommit = False
        raise _told(error, engine.dialect, gone=gone) from error
    finally:
        pooled.close()


def _told(error: psycopg.Error, dialect: sa.Dialect, *, gone: bool) -> BaseException:
    """Return SQLAlchemy's error for one of the driver: without statement and values, which may not reach a log."""
    return sa.exc.DBAPIError.instance(
        None,
        None,
        error,
        psycopg.Error,
        hide_parameters=True,
        connection_invalidated=gone,
        dialect=dialect,
    )
