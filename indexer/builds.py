"""The index in use, for whoever needs one: as it is, or made now."""

from sqlalchemy.engine import Engine

from indexer.rebuild import rebuild
from indexer.settling import settle
from registry.errors import SearchUnavailableError
from registry.search.port import OTHER_MAPPING, IndexEngine
from registry.settings import Settings

__all__ = ["ensure_index", "settle"]


def ensure_index(engine: Engine, search: IndexEngine, settings: Settings) -> str:
    """Return the index in use, fit to be written; build one if there is none.

    Raises:
        BusyError: there is none yet, and another process is building it.
        RebuildError: there is none, and none can be built.
        SearchUnavailableError: the engine can't be used, or the index in use was made for other fields: its documents
            would be refused one by one, for no fault of their own.
    """
    index = settle(engine, search)
    if index is None:
        return rebuild(engine, search, settings, lambda *_: None).index
    if search.fit(index) != "same":
        raise SearchUnavailableError(OTHER_MAPPING)
    return index
