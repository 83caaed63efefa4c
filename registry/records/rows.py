"""Reading the rows of many keys at once, as the driver gives them.

SQLAlchemy's own preparing and reading would take longer than the database. A list of any length is one parameter, so that a
statement is always the same text: the driver keeps it prepared.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec
import sqlalchemy as sa

Row = tuple[Any, ...]
# SQLite's own limit of variables is 32,766 in the versions we meet.
_VARIABLES = 1000


class ByKeys:
    """A statement over the rows whose key is one of many.

    Attributes:
        select: the statement without its keys.
    """

    def __init__(self, key: sa.Column[Any], select: sa.Select[Any]) -> None:
        self.select = select
        self._key = key
        # JSON has no bytes: SQLite gets them as so many variables.
        self._bytes = isinstance(key.type, sa.LargeBinary)
        self._texts: dict[str, str] = {}

    def rows(self, connection: sa.Connection, keys: Sequence[Any]) -> Sequence[Row]:
        """Return the rows, each as a plain tuple; times of SQLite still are text (`instant`)."""
        if connection.dialect.name == "sqlite":
            if self._bytes:
                return self._in_parts(connection, list(keys))
            return _fetched(connection, self._text(connection.dialect), (msgspec.json.encode(keys).decode(),))
        return _fetched(connection, self._text(connection.dialect), {"keys": list(keys)})

    def _text(self, dialect: sa.Dialect) -> str:
        made = self._texts.get(dialect.name)
        if made is None:
            where = among(dialect.name, self._key)
            made = self._texts[dialect.name] = str(self.select.where(where).compile(dialect=dialect))
        return made

    def _in_parts(self, connection: sa.Connection, keys: list[Any]) -> Sequence[Row]:
        found: list[Row] = []
        for start in range(0, max(1, len(keys)), _VARIABLES):
            some = self.select.where(self._key.in_(keys[start : start + _VARIABLES]))
            found += [tuple(row) for row in connection.execute(some)]
        return found


def among(dialect: str, column: sa.Column[Any], name: str = "keys") -> sa.ColumnElement[bool]:
    """Compare a column with a list that is one parameter: an array on PostgreSQL, JSON on SQLite."""
    if dialect == "postgresql":
        return column == sa.any_(sa.bindparam(name, None, type_=sa.ARRAY(column.type)))
    each = sa.func.json_each(sa.bindparam(name, None, type_=sa.Text()))
    return column.in_(sa.select(each.table_valued(sa.column("value", column.type)).c.value))


def _fetched(connection: sa.Connection, text: str, keys: Any) -> Sequence[Row]:  # noqa: ANN401 - as the driver takes them
    result = connection.exec_driver_sql(text, keys)
    rows: Sequence[Row] = result.cursor.fetchall()
    result.close()
    return rows


def instant(given: datetime | str) -> datetime:
    """Return a time as the driver gave it, in UTC: all that is stored is UTC, SQLite gives it without a zone."""
    return _read(given) if isinstance(given, str) else as_utc(given)


@lru_cache(maxsize=4096)
def _read(text: str) -> datetime:
    return as_utc(datetime.fromisoformat(text))


def as_utc(moment: datetime) -> datetime:
    """SQLite gives naive datetimes back; all that is stored is UTC."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
