"""What the scheduler's processes do for the index: publishing, once or until told to stop, and comparisons with SQL truth."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NoReturn

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from indexer import clearing
from indexer import publish as publishing
from indexer.compare import Compared
from indexer.compare import compare as compare_index
from indexer.lock import BusyError, only_one
from registry.database import open_database
from registry.records import search_indices
from registry.records.index_tables import index_comparison
from registry.records.read import as_utc
from registry.search import IndexEngine, open_engine
from registry.settings import Settings

# The lock under which a scheduler decides that a comparison is due, and makes it.
COMPARE_LOCK = "due:compare"


@dataclass(frozen=True)
class Comparison:
    """A comparison that was made, and when it began (UTC)."""

    id: int
    started_at: datetime


def publishing_engine(settings: Settings) -> IndexEngine:
    """Open the search engine for a publisher: without pauses of its own.

    While an engine takes no more, nothing should be held; so the publisher makes the pauses itself (`indexer.publish`).
    """
    impatient = msgspec.structs.replace(settings.search.opensearch, indexer_retries=0)
    return open_engine(msgspec.structs.replace(settings.search, opensearch=impatient), indexer=True)


def publish(settings: Settings) -> publishing.Published:
    """Publish what waits (see `indexer.publish`)."""
    with _opened(settings) as (engine, search):
        return publishing.publish(engine, search, settings, _tell_nobody)


def publish_forever(settings: Settings) -> NoReturn:
    """Publish changes as they are committed, until the process is told to stop."""
    with _opened(settings) as (engine, search):
        publishing.publish_forever(engine, search, settings)


def compare(settings: Settings, last: int | None) -> Compared | None:
    """Compare the index with SQL truth.

    Args:
        last: id of the comparison that was the newest when this one was found to be due.

    Returns:
        None: another process is comparing, or has done so since.
    """
    with _opened(settings) as (engine, search):
        try:
            # Two machines may find it due at the same moment. Whoever comes second finds the other at work, or done.
            with only_one(engine, COMPARE_LOCK, settings.indexer):
                with engine.connect() as connection:
                    newest = last_comparison(connection)
                if (newest.id if newest else None) != last:
                    return None
                return compare_index(engine, search, settings, _tell_nobody)
        except BusyError:
            return None


def last_comparison(connection: sa.Connection) -> Comparison | None:
    """Return the newest comparison of an index with SQL truth."""
    table = index_comparison.c
    row = connection.execute(sa.select(table.id, table.started_at).order_by(table.id.desc()).limit(1)).first()
    return Comparison(row.id, as_utc(row.started_at)) if row else None


def is_comparison_due(
    connection: sa.Connection, last: Comparison | None, now: datetime, every_hours: float
) -> bool:
    """Tell whether the index is to be compared now: there is one, and the last comparison is old enough."""
    if not every_hours or (last and last.started_at <= now < last.started_at + timedelta(hours=every_hours)):
        return False
    return search_indices.in_use(connection) is not None


def clear(settings: Settings) -> str | None:
    """Build an index that never held anybody who is hidden now (see `indexer.clearing`); return its name.

    Returns:
        None: another process is rebuilding, or has done so since.
    """
    with _opened(settings) as (engine, search):
        try:
            return clearing.clear(engine, search, settings, _tell_nobody)
        except BusyError:
            return None


@contextmanager
def _opened(settings: Settings) -> Iterator[tuple[Engine, IndexEngine]]:
    engine = open_database(settings.database.url, settings.database, service=False)
    search = publishing_engine(settings)
    try:
        yield engine, search
    finally:
        search.close()
        engine.dispose()


def _tell_nobody(*_: object) -> None:
    """Show no progress: the scheduler tells what became of a job when it has ended."""
