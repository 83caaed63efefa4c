"""The floor of a pull: the same source records, parsed beforehand, into one table with a primary key.

PostgreSQL: COPY. SQLite: one prepared statement in one transaction. Digest, payload as received and key; nothing else.
"""

import sqlite3
import tempfile
import time
from pathlib import Path

import msgspec
import psycopg
from sqlalchemy.engine import make_url

from indexer.feeds import SourceRow, fetch, parse
from indexer.feeds.descriptor import FeedDescriptor, load_feeds
from registry.settings import Settings, load_settings

Row = tuple[str, bytes, bytes]


class Floor(msgspec.Struct, frozen=True, kw_only=True):
    """Rows and seconds by feed, and how much payload there was in MiB."""

    rows: dict[str, int]
    seconds: dict[str, float]
    payload_mb: float


def measure() -> Floor:
    """Insert every feed's records, feed by feed."""
    settings = load_settings()
    rows: dict[str, int] = {}
    seconds: dict[str, float] = {}
    size = 0
    for feed in load_feeds().values():
        ready = _rows(feed, settings)
        rows[feed.id] = len(ready)
        size += sum(len(payload) for *_, payload in ready)
        url = settings.database.url
        seconds[feed.id] = _copy(url, ready) if url.startswith("postgresql") else _executemany(url, ready)
    return Floor(rows=rows, seconds=seconds, payload_mb=size / 2**20)


def _rows(feed: FeedDescriptor, settings: Settings) -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="registry-bench-") as folder:
        fetched = fetch(feed, settings.indexer, Path(folder), None, lambda _size: None)
        # A record sent twice would break the key.
        found = {
            row.key: row.payload
            for row in parse(feed, fetched, settings.indexer)
            if isinstance(row, SourceRow)
        }
    return [(f"{feed.id} {key}", bytes(32), payload) for key, payload in found.items()]


def _copy(url: str, rows: list[Row]) -> float:
    address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address) as connection:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS bench_floor (key text PRIMARY KEY, digest bytea, payload bytea)"
        )
        connection.commit()
        began = time.perf_counter()
        with connection.cursor().copy("COPY bench_floor (key, digest, payload) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        connection.commit()
        took = time.perf_counter() - began
        connection.execute("DROP TABLE bench_floor")
    return took


def _executemany(url: str, rows: list[Row]) -> float:
    path = Path(make_url(url).database or "").with_name("floor.db")
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "cache_size=-65536"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("CREATE TABLE floor (key TEXT PRIMARY KEY, digest BLOB, payload BLOB)")
    began = time.perf_counter()
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany("INSERT INTO floor VALUES (?, ?, ?)", rows)
    connection.execute("COMMIT")
    took = time.perf_counter() - began
    connection.close()
    path.unlink()
    return took
