"""The two search engines for tests, and a registry on either size of the house."""

from collections.abc import Callable
from pathlib import Path

from registry.search import IndexEngine, open_engine
from tests.support.world import World, make_settings


def small_house(folder: Path, **environ: str) -> World:
    """SQLite and Tantivy in a folder."""
    return World(make_settings(folder, **environ))


def large_house(folder: Path, database: Callable[[], str], url: str, prefix: str, **environ: str) -> World:
    """PostgreSQL and OpenSearch."""
    return World(
        make_settings(
            folder,
            database(),
            REGISTRY_SEARCH__ENGINE="opensearch",
            REGISTRY_SEARCH__OPENSEARCH__URLS=f'["{url}"]',
            REGISTRY_SEARCH__OPENSEARCH__PREFIX=prefix.rstrip("-"),
            **environ,
        )
    )


def index_of(world: World) -> IndexEngine:
    """The search engine of a house, as the indexer opens it."""
    return open_engine(world.settings.search, indexer=True)
