"""One node of three killed during loads and searches: nothing confirmed is lost, every search is answered."""

import os

import pytest

from tests.cluster.houses import ClusterHouse
from tests.cluster.searching import searching
from tests.indexer.faults.houses import people
from tests.support.waiting import until

SOAK = bool(os.environ.get("REGISTRY_TEST_SOAK"))
PEOPLE, CHANGED, LOADS = (3000, 1000, 12) if SOAK else (600, 200, 4)
# Few changes a batch, so that many requests are under way when the node dies.
BATCH = 20
# Patience of the service with one try, in seconds; it tries each node once. Longer than in production: a node that starts takes
# the processors of a small machine.
TIMEOUT_S, TRIES = 5.0, 3
_GIVEN = "abcdefghijklmnopqrstuvwxyz"


def change(house: ClusterHouse, load: int) -> None:
    """Load new names for some people, and one more person; none of those who are searched for."""
    given = f"Siv{_GIVEN[load]}"
    house.load({**people(CHANGED, given, PEOPLE - CHANGED), **people(1, given, PEOPLE + load)})


@pytest.mark.soak
@pytest.mark.parametrize("which", ["manager", "other"] if SOAK else ["manager"])
def test_a_killed_node_loses_nothing_and_searches_go_on(house: ClusterHouse, which: str) -> None:
    cluster = house.there.cluster
    house.load(people(PEOPLE))
    house.publish()
    numbers = [str(100_000 + n) for n in range(PEOPLE - CHANGED)]
    patience = {"REGISTRY_SEARCH__OPENSEARCH__TIMEOUT_S": str(TIMEOUT_S)}
    manager = cluster.manager()
    node = manager if which == "manager" else next(each for each in cluster.nodes if each is not manager)

    with (
        house.publisher(REGISTRY_INDEXER__PUBLISH_BATCH=str(BATCH)) as publisher,
        searching(house.service_settings(**patience), numbers) as searches,
    ):
        change(house, 0)
        # In the midst of publishing.
        until(lambda: house.waiting() <= CHANGED - BATCH)
        node.kill()
        for load in range(1, LOADS):
            change(house, load)
        house.drained()
        # While the node is still away: with two of three copies nothing is missing.
        house.equal(PEOPLE + LOADS)
        cluster.begin(node)
        change(house, LOADS)
        cluster.joined(node)
        cluster.wait_for("green")
        house.drained()
        assert publisher.running

    house.equal(PEOPLE + LOADS + 1)
    print(f"the {which} killed: {searches}")  # noqa: T201 - told with -s, and when it fails
    assert searches.wrong == []
    assert searches.told["right"] > 10 * LOADS
    # A search that the client could not mend by its own further tries succeeds when it is asked again.
    assert searches.in_a_row <= 1, searches
    assert searches.slowest_s < TIMEOUT_S * TRIES + 1
    copies = house.there.copies()
    assert all(node.name in nodes for nodes in copies.values())


@pytest.mark.soak
@pytest.mark.skipif(not SOAK, reason="waits until the cluster gives the node up, half a minute; `make soak`")
def test_a_node_that_hangs_delays_searches_no_longer_than_their_time_limit(house: ClusterHouse) -> None:
    cluster = house.there.cluster
    house.load(people(PEOPLE))
    house.publish()
    numbers = [str(100_000 + n) for n in range(PEOPLE)]
    manager = cluster.manager()
    node = next(each for each in cluster.nodes if each is not manager)
    with searching(house.service_settings(), numbers) as searches:
        node.pause()
        cluster.wait_for("yellow", seconds=180, without=node)
        given_up = dict(searches.told)
        before = searches.told["right"]
        until(lambda: searches.told["right"] >= before + 200)
        node.resume()
        cluster.wait_for("green")
    limit = house.service_settings().search.opensearch
    print(f"until the node was given up: {given_up}; in all: {searches}")  # noqa: T201 - as above
    assert searches.wrong == []
    assert searches.slowest_s < limit.timeout_s * (limit.retries + 1) + 1
    house.equal(PEOPLE)
