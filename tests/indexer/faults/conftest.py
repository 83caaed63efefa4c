"""Houses that things go wrong in."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.indexer.faults.houses import FaultHouse, large, small
from tests.support.fault_proxy import FaultProxy


@pytest.fixture
def proxy(opensearch_url: str) -> Iterator[FaultProxy]:
    """A proxy in front of the real OpenSearch."""
    with FaultProxy(opensearch_url) as found:
        yield found


@pytest.fixture
def proxied(
    tmp_path: Path,
    fresh_postgres_database: Callable[[], str],
    opensearch_url: str,
    opensearch_prefix: str,
    proxy: FaultProxy,
) -> Iterator[FaultHouse]:
    """PostgreSQL, and OpenSearch behind the proxy; few people a batch, so that there are many requests."""
    house = large(
        tmp_path,
        fresh_postgres_database,
        opensearch_url,
        opensearch_prefix,
        proxy,
        REGISTRY_INDEXER__PUBLISH_BATCH="100",
        REGISTRY_INDEX__REBUILD_BATCH="100",
        REGISTRY_SEARCH__OPENSEARCH__INDEXER_TIMEOUT_S="5",
    )
    yield house
    house.close()


@pytest.fixture(params=["small", "large"])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FaultHouse]:
    """A house of either size."""
    if request.param == "small":
        house = small(tmp_path)
    else:
        database = request.getfixturevalue("fresh_postgres_database")
        url = request.getfixturevalue("opensearch_url")
        house = large(tmp_path, database, url, request.getfixturevalue("opensearch_prefix"))
    yield house
    house.close()


@pytest.fixture
def large_house(
    tmp_path: Path,
    fresh_postgres_database: Callable[[], str],
    opensearch_url: str,
    opensearch_prefix: str,
) -> Iterator[FaultHouse]:
    """PostgreSQL and OpenSearch."""
    house = large(tmp_path, fresh_postgres_database, opensearch_url, opensearch_prefix)
    yield house
    house.close()
