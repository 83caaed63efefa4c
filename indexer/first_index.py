"""The index in use for a publisher, which needs one also where a rebuild gives none."""

import contextlib
from datetime import UTC, datetime

import structlog
from sqlalchemy.engine import Engine

from indexer.builds import ensure_index, settle
from indexer.lock import only_one
from indexer.sending import RebuildError
from registry.database import writing
from registry.errors import SearchUnavailableError, SwapError
from registry.records import search_indices
from registry.records.expected import count as expected_count
from registry.search.port import NO_INDEX, IndexEngine
from registry.settings import Settings

log = structlog.get_logger()


def index_in_use(engine: Engine, search: IndexEngine, settings: Settings) -> str:
    """Return the index in use, recorded as such; make one if there is none.

    A rebuild stops at a document that the engine refuses: the index in use is better than a new one without it. Where
    there is none, all others would wait for the bad one. So an empty index is put in use then, and everyone is queued for
    publishing, which puts the bad one aside.

    Raises:
        BusyError: there is none yet, and another process is building it.
        SearchUnavailableError: the engine can't be reached, or the index in use was made for other fields.
    """
    try:
        return ensure_index(engine, search, settings)
    except RebuildError as error:
        log.error("the first index could not be built; everyone is published one by one", reason=error.detail)  # noqa: TRY400 - its reason is told
    _begin_empty(engine, search, settings)
    name = settle(engine, search)
    if name is None:
        raise SearchUnavailableError(NO_INDEX)
    return name


def _begin_empty(engine: Engine, search: IndexEngine, settings: Settings) -> None:
    """Put an empty index in use, recorded as one that holds every change below version 0, which is none."""
    with only_one(engine, "rebuild", settings.indexer) as guard:
        with engine.connect() as connection:
            name = search.create_index(expected_count(connection))
        search.finish_index(name)
        with writing(engine).begin() as connection:
            search_indices.begun(connection, name, 0, datetime.now(UTC))
            search_indices.note(connection, name, documents=0)
            guard.still_mine(connection)
        with contextlib.suppress(SwapError):  # somebody else has put one in use at this moment: as well
            search.swap(name, replacing=None)
