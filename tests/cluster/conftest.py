"""One cluster for all tests of this folder, since it takes half a minute to start; each test finds it whole and empty."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cluster.houses import ClusterHouse, cluster_house
from tests.cluster.secured import SecuredCluster, let_in, secure
from tests.services.opensearch_cluster import OpenSearchCluster
from tests.services.plugin import or_left_out

# A zone each, as the page has it; and two sites, since with as many nodes as copies any placing uses all zones.
PLACES = ({"zone": "a", "site": "one"}, {"zone": "b", "site": "one"}, {"zone": "c", "site": "two"})


@pytest.fixture(scope="package")
def running_cluster(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[SecuredCluster]:
    """The folder's own cluster, with what the last test left in it."""
    folder = tmp_path_factory.mktemp("cluster")
    with or_left_out():
        cluster = OpenSearchCluster(security=secure(folder), attributes=PLACES)
    with cluster:
        yield let_in(cluster, folder)


@pytest.fixture
def secured(running_cluster: SecuredCluster) -> Iterator[SecuredCluster]:
    """The same, whole and empty."""
    yield running_cluster
    running_cluster.clear()


@pytest.fixture
def house(
    tmp_path: Path, fresh_postgres_database: Callable[[], str], secured: SecuredCluster
) -> Iterator[ClusterHouse]:
    """An empty registry on PostgreSQL and the cluster."""
    made = cluster_house(tmp_path, fresh_postgres_database, secured)
    yield made
    made.close()
