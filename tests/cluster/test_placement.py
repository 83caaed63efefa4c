"""Indices on a cluster: shards by size, copies in different zones, no index made by mistake."""

from collections.abc import Callable
from pathlib import Path

from tests.cluster.houses import cluster_house
from tests.cluster.secured import INDEXER, SecuredCluster
from tests.indexer.faults.houses import people

PEOPLE = 50


def test_the_number_of_shards_follows_the_size_and_each_zone_has_a_copy(
    tmp_path: Path, fresh_postgres_database: Callable[[], str], secured: SecuredCluster
) -> None:
    by_twenty = {"REGISTRY_SEARCH__OPENSEARCH__DOCUMENTS_PER_SHARD": "20"}
    house = cluster_house(tmp_path, fresh_postgres_database, secured, **by_twenty)
    house.load(people(PEOPLE))
    house.publish()
    # Without a wait here: an index is only put in use when it has its copies.
    copies = secured.copies()
    assert len(copies) == 3
    for nodes in copies.values():
        assert {secured.cluster.attributes[node]["zone"] for node in nodes} == {"a", "b", "c"}
    assert secured.ask("/_cluster/health/registry-licences").json()["status"] == "green"
    house.equal(PEOPLE)
    house.close()


def test_with_fewer_copies_than_nodes_no_place_gets_two_copies_of_a_shard(
    tmp_path: Path, fresh_postgres_database: Callable[[], str], secured: SecuredCluster
) -> None:
    # Two of the three nodes are at one site: left to itself the cluster would put both copies of some shards there.
    awareness = "cluster.routing.allocation.awareness"
    sites = {f"{awareness}.attributes": "site", f"{awareness}.force.site.values": "one,two"}
    settings = f"{secured.url}/_cluster/settings"
    administrator = secured.cluster.administrator
    six = {
        "REGISTRY_SEARCH__OPENSEARCH__SHARDS": "6",
        "REGISTRY_SEARCH__OPENSEARCH__REPLICAS": "1",
    }
    house = cluster_house(tmp_path, fresh_postgres_database, secured, **six)
    try:
        administrator.put(settings, json={"persistent": sites}).raise_for_status()
        house.load(people(PEOPLE))
        house.publish()
        copies = secured.copies()
        assert len(copies) == 6
        for nodes in copies.values():
            assert sorted(secured.cluster.attributes[node]["site"] for node in nodes) == ["one", "two"]
        house.equal(PEOPLE)
    finally:
        administrator.put(settings, json={"persistent": dict.fromkeys(sites)}).raise_for_status()
        secured.run("cluster settings")
        house.close()


def test_a_write_to_the_alias_while_there_is_none_makes_no_index_of_its_name(secured: SecuredCluster) -> None:
    with secured.client(INDEXER) as client:
        told = client.put("/registry-licences/_doc/1", json={"key": 1})
    administrator = secured.cluster.administrator
    told_too = administrator.put(f"{secured.url}/registry-licences/_doc/1", json={"key": 1})
    assert (told.status_code, told_too.status_code) == (404, 404)
    assert secured.ask("/_cat/indices/registry-licences*?h=index").text == ""
