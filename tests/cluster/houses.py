"""A registry on PostgreSQL and the secured cluster: the indexer as one user, the service as the other."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import indexer.compare
import indexer.publish
import indexer.rebuild
from registry.search import IndexEngine, SearchEngine, open_engine
from registry.settings import Settings, load_settings
from tests.cluster.secured import INDEXER, SERVICE, SecuredCluster
from tests.indexer.faults.houses import FaultHouse
from tests.support.world import KEYS

_PAGE = 5000


@dataclass
class ClusterHouse(FaultHouse):
    """The indexer works as its user, in this process or in one of its own (`run`); the index is read as administrator."""

    secured: SecuredCluster | None = None

    @property
    def there(self) -> SecuredCluster:
        """The cluster."""
        assert self.secured is not None
        return self.secured

    @cached_property
    def index(self) -> IndexEngine:
        """The engine as the indexer opens it."""
        return open_engine(self.world.settings.search, indexer=True)

    @cached_property
    def service(self) -> SearchEngine:
        """The engine as the service opens it."""
        return open_engine(self.service_settings().search)

    def service_settings(self, **environ: str) -> Settings:
        """Return the service's settings."""
        return load_settings({**self.environ, **self.there.environ(SERVICE), **environ})

    def publish(self) -> indexer.publish.Published:
        """Publish what waits."""
        return indexer.publish.publish(self.world.engine, self.index, self.world.settings, _quiet)

    def rebuild(self, **how: bool) -> indexer.rebuild.Rebuilt:
        """Build the index anew."""
        return indexer.rebuild.rebuild(self.world.engine, self.index, self.world.settings, _quiet, **how)

    def back(self) -> indexer.rebuild.Rebuilt:
        """Go back to the previous index."""
        return indexer.rebuild.back(self.world.engine, self.index, self.world.settings, _quiet)

    def compare(self, **how: bool) -> indexer.compare.Compared:
        """Compare SQL with the index."""
        return indexer.compare.compare(self.world.engine, self.index, self.world.settings, _quiet, **how)

    def equal(self, documents_expected: int | None = None) -> None:
        """Make sure that nothing waits, and that index and SQL are equal: by a comparison, and by our own reading."""
        assert (self.waiting(), self.dead()) == (0, 0)
        told = self.compare()
        assert not told.differs, told
        wanted, have = self.wanted(), self.have()
        assert have == wanted
        assert len(wanted) == told.expected == (documents_expected or told.expected)

    def have(self) -> dict[str, dict[str, Any]]:
        """Return what the index holds about people, by document id."""
        client, url = self.there.cluster.administrator, f"{self.there.url}/{self.prefix}-licences"
        client.post(f"{url}/_refresh").raise_for_status()
        found: dict[str, dict[str, Any]] = {}
        after: list[int] = []
        while True:
            body: dict[str, Any] = {
                "size": _PAGE,
                "query": {"exists": {"field": "practitioner_id"}},
                "sort": [{"key": "asc"}],
                **({"search_after": after} if after else {}),
            }
            hits = client.post(f"{url}/_search", json=body).raise_for_status().json()["hits"]["hits"]
            if not hits:
                return found
            found |= {hit["_id"]: hit["_source"] for hit in hits}
            after = hits[-1]["sort"]

    def close(self) -> None:
        """Close every connection."""
        for name in ("index", "service"):
            if name in self.__dict__:
                self.__dict__[name].close()
        super().close()


def _quiet(*_: object) -> None:
    pass


def cluster_house(
    folder: Path, database: Callable[[], str], there: SecuredCluster, **environ: str
) -> ClusterHouse:
    """Make an empty one."""
    own = {
        **KEYS,
        "REGISTRY_SERVICE__SANDBOX": "true",
        "REGISTRY_DATABASE__URL": database(),
        # A dead holder of a lock is succeeded soon; a test's loads change everybody; what is on its way is seen soon.
        "REGISTRY_INDEXER__LEASE_TIMEOUT_S": "2",
        "REGISTRY_INDEXER__LEASE_HEARTBEAT_S": "0.5",
        "REGISTRY_INDEXER__MAX_CHANGED_SHARE": "1",
        "REGISTRY_INDEXER__MAX_VANISHED_SHARE": "1",
        "REGISTRY_INDEX__COMPARE_PAUSE_S": "0.2",
        **there.environ(INDEXER),
        **environ,
    }
    return ClusterHouse(folder, own, there.url, "registry", there)
