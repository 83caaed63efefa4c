"""The two sizes of the house, made fresh for a measurement: the environment that settings are read from."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import httpx

from registry.sealing import new_key
from registry.settings import Settings, load_settings
from tests.bench.machine import size_mb
from tests.bench.processes import plain_environment
from tests.services.opensearch import OpenSearchServer
from tests.services.postgres import PostgresServer

HOUSES = ("small", "large")
_HEAP = "2g"


@dataclass(frozen=True)
class House:
    """A running house.

    Attributes:
        environ: the whole environment of its processes.
        folder: for databases, logs and results.
        versions: of its database and its engine.
        engine_url: of OpenSearch; "" on the small house.
    """

    name: str
    environ: dict[str, str]
    folder: Path
    versions: dict[str, str]
    engine_url: str = ""

    @property
    def settings(self) -> Settings:
        """The settings as its processes read them."""
        return load_settings(self.environ)

    def index_mb(self) -> float:
        """Return how much disk the search indices take, in MiB."""
        if self.engine_url:
            told = httpx.get(f"{self.engine_url}/_stats/store", trust_env=False).json()
            return float(told["_all"]["total"]["store"]["size_in_bytes"]) / 2**20
        return size_mb(self.folder / "index")


@contextmanager
def open_house(name: str, folder: Path, feeds: Path, **settings: str) -> Iterator[House]:
    """Give a house with empty databases and no index; `settings` by their variable names."""
    common = {
        "REGISTRY_SERVICE__SANDBOX": "true",
        "REGISTRY_INDEXER__REFUSE_TEST_PEOPLE": "false",
        "REGISTRY_PRIVACY__DIGEST_KEY": new_key(),
        "REGISTRY_PRIVACY__SEALING_KEY": new_key(),
        "REGISTRY_FEEDS_DIR": str(feeds),
        **settings,
    }
    if name == "small":
        own = {
            "REGISTRY_DATABASE__URL": f"sqlite:///{folder / 'registry.db'}",
            "REGISTRY_SEARCH__TANTIVY__PATH": str(folder / "index"),
        }
        environ = plain_environment(**common, **own)
        yield House(name, environ, folder, {"engine": f"Tantivy {version('tantivy')}", "database": "SQLite"})
        return
    with OpenSearchServer(heap=_HEAP, quick_start=False) as engine, PostgresServer(durable=True) as database:
        own = {
            "REGISTRY_DATABASE__URL": database.create_database("bench"),
            "REGISTRY_SEARCH__ENGINE": "opensearch",
            "REGISTRY_SEARCH__OPENSEARCH__URLS": f'["{engine.url}"]',
            "REGISTRY_SEARCH__OPENSEARCH__PREFIX": "bench",
        }
        told = httpx.get(engine.url, trust_env=False).json()["version"]["number"]
        versions = {
            "engine": f"OpenSearch {told}, one node, heap {_HEAP}",
            "database": f"PostgreSQL {'.'.join(map(str, database.programs.version))}, fsync on, its defaults",
        }
        yield House(name, plain_environment(**common, **own), folder, versions, engine.url)
