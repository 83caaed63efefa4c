"""Indices whose files hold nobody who is protected now.

A deletion hides a document from every search at once; the engines keep it in their files until they merge segments, which may be never.
An index that was begun after somebody was hidden never held them, so a new one is built, and no other is kept.
"""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from indexer.building import Builder, Progress
from indexer.lock import only_one
from indexer.rebuild import rebuild
from registry.records import search_indices
from registry.records.hidden import last_hidden
from registry.records.search_indices import Known
from registry.search.port import IndexEngine
from registry.settings import Settings

# Held while it is decided whether to clear, and cleared.
CLEAR_LOCK = "due:clear"


def is_due(connection: sa.Connection, now: datetime, every_hours: float) -> bool:
    """Tell whether an index that stands may hold somebody who is hidden now, and has stood for long enough.

    Args:
        now: UTC.
        every_hours: how long an index that came into or out of use stands at least; 0: it is never due.
    """
    if not every_hours:
        return False
    hidden = last_hidden(connection)
    long_ago = now - timedelta(hours=every_hours)
    return any(0 < hidden >= row.first_mark and row.changed_at <= long_ago for row in _standing(connection))


def clear(engine: Engine, search: IndexEngine, settings: Settings, progress: Progress) -> str | None:
    """Build an index without whoever is hidden, unless the one in use is so; drop all others. Return its name, None: nothing was due.

    May be killed at any moment: the next call continues.

    Raises:
        BusyError, RebuildError, LostLeaseError, SearchUnavailableError, SwapError: as `indexer.rebuild.rebuild`.
    """
    with only_one(engine, CLEAR_LOCK, settings.indexer):
        with engine.connect() as connection:
            hidden = last_hidden(connection)
            rows = _standing(connection)
        if not hidden or all(row.first_mark > hidden for row in rows):
            return None
        clean = next((row.name for row in rows if row.state == "current" and row.first_mark > hidden), None)
        if clean and clean == search.current_index():
            with only_one(engine, "rebuild", settings.indexer) as guard:
                Builder(engine, search, settings, progress, guard).clear_up(alone=True)
            return clean
        return rebuild(engine, search, settings, progress, alone=True).index


def _standing(connection: sa.Connection) -> list[Known]:
    return [row for row in search_indices.known(connection).values() if row.state != "building"]
