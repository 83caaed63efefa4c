"""Finding practitioners: the index is asked for candidates and their order, SQL for every fact about them."""

from typing import Literal, overload

from registry.search.port import Hit, IndexEngine, SearchEngine, SearchPage
from registry.search.query import SearchQuery
from registry.settings import Search

__all__ = ["Hit", "IndexEngine", "SearchEngine", "SearchPage", "SearchQuery", "open_engine"]


@overload
def open_engine(settings: Search, *, indexer: Literal[True]) -> IndexEngine: ...
@overload
def open_engine(settings: Search, *, indexer: Literal[False] = False) -> SearchEngine: ...
def open_engine(settings: Search, *, indexer: bool = False) -> SearchEngine | IndexEngine:
    """Return the engine that the settings name. It reads or connects at first use; close it at the end.

    Args:
        settings: section `[search]`.
        indexer: for the indexer: may write, and has patience where the service must be quick.

    Raises:
        SettingsError: the mapping or a setting can't be used.
    """
    if settings.engine == "opensearch":
        from registry.search.opensearch import OpenSearchEngine

        return OpenSearchEngine(settings, indexer=indexer)
    from registry.search.tantivy import TantivyEngine

    return TantivyEngine(settings)
