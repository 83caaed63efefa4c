"""Nodes restarted one after another, as an upgrade does, under searches and publishing: nobody notices."""

import os

import pytest

from tests.cluster.houses import ClusterHouse
from tests.cluster.searching import searching
from tests.cluster.test_node_lost import TIMEOUT_S
from tests.indexer.faults.houses import people

SOAK = bool(os.environ.get("REGISTRY_TEST_SOAK"))
PEOPLE, RESTARTED = (2000, 3) if SOAK else (400, 1)


@pytest.mark.soak
def test_a_rolling_restart_interrupts_neither_searches_nor_publishing(house: ClusterHouse) -> None:
    there = house.there
    cluster = there.cluster
    house.load(people(PEOPLE))
    house.publish()
    numbers = [str(100_000 + n) for n in range(PEOPLE)]
    patience = {"REGISTRY_SEARCH__OPENSEARCH__TIMEOUT_S": str(TIMEOUT_S)}
    # As the page says: whoever manages the cluster comes last.
    manager = cluster.manager()
    nodes = sorted(cluster.nodes, key=lambda node: node is manager)[:RESTARTED]
    with house.publisher() as publisher, searching(house.service_settings(**patience), numbers) as searches:
        for count, node in enumerate(nodes):
            there.run("before a node stops")
            node.stop()
            house.load(people(10, "Siv", PEOPLE + 20 * count))
            house.drained()
            cluster.begin(node)
            cluster.joined(node)
            there.run("when the node is back")
            house.load(people(10, "Ada", PEOPLE + 20 * count + 10))
        house.drained()
        assert publisher.running
    house.equal(PEOPLE + 20 * len(nodes))
    print(f"{len(nodes)} restarted: {searches}")  # noqa: T201 - told with -s, and when it fails
    assert searches.wrong == []
    assert searches.told["right"] > 100
    assert searches.in_a_row <= 1, searches
