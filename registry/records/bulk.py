"""Many rows at once: COPY on PostgreSQL, one prepared statement on SQLite, and lists of keys as one parameter."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

_SQLITE_TIME = "%Y-%m-%d %H:%M:%S.%f"  # as SQLAlchemy itself writes it
Row = tuple[Any, ...]


def insert_rows(
    connection: sa.Connection, table: sa.Table, columns: Sequence[str], rows: Sequence[Row]
) -> None:
    """Insert rows given as tuples in the order of `columns`. Values must already be of the columns' types.

    Raises:
        DBAPIError: as SQLAlchemy raises them, on both databases.
    """
    if not rows:
        return
    names = ", ".join(f'"{name}"' for name in columns)
    if connection.dialect.name == "postgresql":
        _copy(connection, f'COPY "{table.name}" ({names}) FROM STDIN', rows)
        return
    marks = ", ".join("?" * len(columns))
    # Names come from our own table definitions, values are bound.
    statement = f'INSERT INTO "{table.name}" ({names}) VALUES ({marks})'  # noqa: S608 - see above
    if any(isinstance(table.c[name].type, sa.DateTime) for name in columns):
        rows = [_sqlite_row(row) for row in rows]
    connection.exec_driver_sql(statement, list(rows))


def _copy(connection: sa.Connection, statement: str, rows: Sequence[Row]) -> None:
    """Send rows past SQLAlchemy, which knows nothing of COPY; the driver's errors become its errors all the same."""
    dialect = connection.dialect
    driver: Any = connection.connection.dbapi_connection
    cursor = driver.cursor()
    try:
        with cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
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


def update_rows(
    connection: sa.Connection, table: sa.Table, columns: Sequence[str], rows: Sequence[Row]
) -> None:
    """Update rows by id: each tuple holds the id, then the values in the order of `columns`."""
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        # One statement over arrays: one a row would be planned and sent a thousand times.
        names = ("id", *columns)
        kinds = [table.c[name].type.compile(dialect=connection.dialect) for name in names]
        arrays = ", ".join(f"%s::{kind}[]" for kind in kinds)
        new = ", ".join(f'"{name}"' for name in names)
        values = ", ".join(f'"{name}" = new."{name}"' for name in columns)
        # Names and types come from our own table definitions, values are bound.
        statement = (
            f'UPDATE "{table.name}" SET {values} FROM unnest({arrays}) AS new({new}) '  # noqa: S608 - see above
            f'WHERE "{table.name}".id = new.id'
        )
        connection.exec_driver_sql(statement, tuple(list(each) for each in zip(*rows, strict=True)))
        return
    values = ", ".join(f'"{name}" = ?' for name in columns)
    statement = f'UPDATE "{table.name}" SET {values} WHERE id = ?'  # noqa: S608 - see above
    connection.exec_driver_sql(statement, [(*row[1:], row[0]) for row in rows])


def _sqlite_row(row: Row) -> Row:
    return tuple(v.strftime(_SQLITE_TIME) if isinstance(v, datetime) else v for v in row)


def insert_or_update(
    connection: sa.Connection, table: sa.Table, row: Mapping[str, Any], told: Mapping[str, Any]
) -> sa.Insert:
    """Return the statement that inserts a row, or gives `told` to the one that has its primary key.

    For rows that two writers may make at the same moment: the second waits for the first, and then finds its row.
    """
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    return make(table).values(row).on_conflict_do_update(index_elements=list(table.primary_key), set_=told)


def keys(connection: sa.Connection, values: Iterable[str]) -> sa.Select[tuple[str]]:
    """Return `SELECT key` over text values as one bound parameter, for IN and INSERT ... SELECT of any length."""
    return sa.select(_unnest(connection, list(values), sa.Text()))


def ids(connection: sa.Connection, values: Iterable[int]) -> sa.Select[tuple[int]]:
    """Return `SELECT id` over integers as one bound parameter."""
    return sa.select(_unnest(connection, list(values), sa.BigInteger()))


def _unnest(
    connection: sa.Connection, values: list[Any], kind: sa.types.TypeEngine[Any]
) -> sa.ColumnElement[Any]:
    if connection.dialect.name == "postgresql":
        array = sa.bindparam(None, values, type_=sa.ARRAY(kind))
        return sa.func.unnest(array, type_=kind).column_valued("key")
    each = sa.func.json_each(sa.bindparam(None, orjson.dumps(values).decode(), type_=sa.Text()))
    return each.table_valued(sa.column("value", kind)).c.value
