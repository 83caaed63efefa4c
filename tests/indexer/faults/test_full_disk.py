"""The engine's disk runs full (failure F6): the real server blocks writes itself; SQL goes on and the backlog drains when
there is room again.

The real flood-stage block, set by the server's own disk monitor: the watermarks are raised until this machine's disk
is too full for them. `index.blocks.read_only_allow_delete` is never set by the test.
"""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx

from tests.indexer.faults.houses import FaultHouse, large, people
from tests.services.opensearch import OpenSearchServer
from tests.support.waiting import until

COUNT = 300
_DISK = "cluster.routing.allocation.disk"
_NO_NEW = "cluster.blocks.create_index"
_FLAT = {"flat_settings": "true"}
# The server looks at its disks this often, at the shortest; at first the longer interval of its start still runs.
_LOOKS = "10s"
_NOT_THAT_LARGE, _SOON_FREE = "900tb", "1kb"


def _set(client: httpx.Client, free: str | None) -> None:
    """Have the server block when less than so much is free; None: as it was started."""
    named = {
        f"{_DISK}.threshold_enabled": free and "true",
        f"{_DISK}.watermark.low": free,
        f"{_DISK}.watermark.high": free,
        f"{_DISK}.watermark.flood_stage": free,
        "cluster.info.update.interval": free and _LOOKS,
        f"{_DISK}.reroute_interval": free and "1s",
    }
    client.put("/_cluster/settings", json={"transient": named}).raise_for_status()


@contextmanager
def full_disk(house: FaultHouse) -> Iterator[None]:
    """Have the server find its disk too full, for the length of the block; it lifts what it has set by itself."""
    with httpx.Client(base_url=house.engine_url, timeout=30) as client:
        try:
            _set(client, _NOT_THAT_LARGE)
            until(lambda: blocked(client, house.prefix) == {"writes", "new indices"})
            yield
            _set(client, _SOON_FREE)
            until(lambda: not blocked(client, house.prefix))
        finally:
            _set(client, None)
            # Should a failed test leave it: nobody else could make an index on this server.
            client.put("/_cluster/settings", json={"persistent": {_NO_NEW: None}}).raise_for_status()


def blocked(client: httpx.Client, prefix: str) -> set[str]:
    """Return what the server itself has blocked."""
    indices = client.get(f"/{prefix}-licences-*/_settings", params=_FLAT).raise_for_status().json()
    cluster = client.get("/_cluster/settings", params=_FLAT).raise_for_status().json()
    found = set()
    if any("index.blocks.read_only_allow_delete" in one["settings"] for one in indices.values()):
        found.add("writes")
    if cluster["persistent"].get(_NO_NEW) == "true":
        found.add("new indices")
    return found


def test_a_full_disk_stops_publishing_and_nothing_else_and_the_backlog_drains(
    tmp_path: Path,
    fresh_postgres_database: Callable[[], str],
    opensearch_server: OpenSearchServer,
    opensearch_prefix: str,
) -> None:
    with closing(large(tmp_path, fresh_postgres_database, opensearch_server.url, opensearch_prefix)) as house:
        house.load(people(COUNT))
        house.run("publish")
        with house.publisher() as publisher:
            with full_disk(house):
                house.load(people(COUNT, "Siv"))
                house.load({"new": people(1, "Åsa", COUNT)[str(COUNT)]})
                told = house.run("publish", REGISTRY_SEARCH__OPENSEARCH__INDEXER_RETRIES="1")
                assert (told["practitioners"], told["failed"], told["dead"]) == (0, 0, 0)
                assert (house.waiting(), house.dead()) == (COUNT + 1, 0)
                # Searches still answer, with what was published before; a rebuild fails and leaves them be.
                assert "a disk of it is too full" in house.fails("rebuild")
                assert len(house.have()) == COUNT
                assert publisher.running
            house.drained()
            assert publisher.running
        house.equal(COUNT + 1)
