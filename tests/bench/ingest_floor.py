"""The floor of a first load: the same rows, made beforehand, into the same tables with the same indexes and constraints.

PostgreSQL: COPY into staging tables without any, then INSERT ... SELECT. SQLite: one prepared statement a staging
table, then INSERT ... SELECT. One transaction. The rows are those that a pull has just left in another database, so it
is exactly the same data; reading them from there is not measured.
"""

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psycopg
from sqlalchemy.engine import make_url

from registry import migrate
from registry.records import tables as t
from registry.settings import load_settings

_ROWS = 20_000
_CHUNK = 1 << 20


class LoadFloor(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds for staging and for moving to the tables, and rows in all tables together."""

    staging_s: float
    moving_s: float
    rows: int
    what: str

    @property
    def seconds(self) -> float:
        """Both together."""
        return self.staging_s + self.moving_s


def measure(source: str, through: str) -> LoadFloor:
    """Load what stands in the database `source` into the empty one of the settings, by files in the folder `through`."""
    settings = load_settings()
    migrate.upgrade(settings)
    tables = [table.name for table in t.metadata.sorted_tables]
    target = settings.database.url
    if target.startswith("postgresql"):
        return _copy(_address(source), _address(target), tables, Path(through))
    return _executemany(_path(source), _path(target), tables)


def _address(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def _path(url: str) -> str:
    return make_url(url).database or ""


def _copy(source: str, target: str, tables: list[str], folder: Path) -> LoadFloor:
    with psycopg.connect(source) as connection:
        for name in tables:
            with (
                (folder / f"{name}.copy").open("wb") as file,
                connection.cursor().copy(f"COPY {name} TO STDOUT") as copy,
            ):
                for data in copy:
                    file.write(data)
    rows = 0
    with psycopg.connect(target) as connection:
        began = time.perf_counter()
        for name in tables:
            connection.execute(f"CREATE UNLOGGED TABLE stage_{name} (LIKE {name})")
            with connection.cursor().copy(f"COPY stage_{name} FROM STDIN") as copy:
                for data in _pieces(folder / f"{name}.copy"):
                    copy.write(data)
        staged = time.perf_counter()
        for name in tables:
            rows += connection.execute(f"INSERT INTO {name} SELECT * FROM stage_{name}").rowcount
        connection.commit()
        moved = time.perf_counter()
    for name in tables:
        (folder / f"{name}.copy").unlink()
    what = "COPY into staging, INSERT ... SELECT"
    return LoadFloor(staging_s=staged - began, moving_s=moved - staged, rows=rows, what=what)


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while data := file.read(_CHUNK):
            yield data


def _executemany(source: str, target: str, tables: list[str]) -> LoadFloor:
    known, connection = sqlite3.connect(source), sqlite3.connect(target, isolation_level=None)
    # As registry.database opens them.
    pragmas = (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "temp_store=MEMORY",
        "cache_size=-131072",
    )
    for pragma in pragmas:
        connection.execute(f"PRAGMA {pragma}")
    staging, rows = 0.0, 0
    began = time.perf_counter()
    connection.execute("BEGIN IMMEDIATE")
    for name in tables:
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({name})")]
        connection.execute(f"CREATE TABLE stage_{name} ({', '.join(columns)})")
        statement = f"INSERT INTO stage_{name} VALUES ({', '.join('?' * len(columns))})"
        found = known.execute(f"SELECT {', '.join(columns)} FROM {name}")
        staging += time.perf_counter() - began
        while some := found.fetchmany(_ROWS):
            began = time.perf_counter()
            connection.executemany(statement, some)
            staging += time.perf_counter() - began
        began = time.perf_counter()
    for name in tables:
        rows += connection.execute(f"INSERT INTO {name} SELECT * FROM stage_{name}").rowcount
    connection.execute("COMMIT")
    moving = time.perf_counter() - began
    for name in tables:
        connection.execute(f"DROP TABLE stage_{name}")
    connection.close()
    known.close()
    what = "executemany into staging, INSERT ... SELECT"
    return LoadFloor(staging_s=staging, moving_s=moving, rows=rows, what=what)
