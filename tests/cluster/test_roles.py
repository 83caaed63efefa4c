"""The users of service and indexer may do all that these do, and nothing else (config/search/security)."""

from datetime import date
from typing import Any

import httpx
import pytest

from registry.errors import SearchUnavailableError
from registry.records.name_counts import Kind, NameCounts
from registry.search import SearchPage, SearchQuery, open_engine, suggesting
from registry.search.tree import Terms
from tests.cluster.houses import ClusterHouse
from tests.cluster.secured import INDEXER, SERVICE, SecuredCluster
from tests.indexer.faults.houses import people
from tests.indexer.other_versions import other_version
from tests.support.world import licence, person

TODAY = date(2026, 6, 1)
ALIAS = "registry-licences"
OURS = f"{ALIAS}-new"
_ADD = {"actions": [{"add": {"index": "payroll", "alias": ALIAS}}]}
_UNDO = {"actions": [{"remove": {"index": "payroll", "alias": "payroll-now"}}]}
_REMOVE = {"actions": [{"remove_index": {"index": "payroll"}}]}
_COPY = {"source": {"index": "payroll"}, "dest": {"index": ALIAS}}
_LET_IN = [{"op": "add", "path": "/registry-service", "value": {"password": "Another-1-Password"}}]
_MORE = {"cluster_permissions": ["*"], "index_permissions": []}
_BULK = '{"index": {"_id": "1"}}\n{"key": 1}\n'
_TEMPLATE = {"index_patterns": ["registry-*"], "template": {"settings": {"number_of_shards": 1}}}
_REPOSITORY = {"type": "fs", "settings": {"location": "mine"}}
# Wanted by nobody who only keeps an index.
_NOBODY: list[tuple[str, str, Any]] = [
    ("GET", "/payroll/_search", None),
    ("GET", "/_search", None),
    ("POST", "/_msearch", '{"index": "payroll"}\n{}\n'),
    ("GET", "/payroll", None),
    ("GET", "/payroll/_doc/1", None),
    ("PUT", "/payroll/_doc/1", {"salary": 2}),
    ("POST", "/payroll/_bulk", _BULK),
    ("POST", "/payroll/_update_by_query", {}),
    ("DELETE", "/payroll", None),
    ("DELETE", "/*", None),
    ("POST", "/payroll/_close", None),
    ("PUT", "/payroll/_settings", {"index": {"number_of_replicas": 0}}),
    ("POST", "/_aliases", _ADD),
    ("POST", "/_aliases", _REMOVE),
    ("POST", "/_aliases", _UNDO),
    ("POST", "/_reindex", _COPY),
    ("POST", f"/{ALIAS}/_delete_by_query", {"query": {"match_all": {}}}),
    ("DELETE", f"/{ALIAS}/_doc/l1", None),
    ("PUT", "/payroll-2", None),
    ("PUT", "/_index_template/mine", _TEMPLATE),
    ("PUT", "/_cluster/settings", {"persistent": {"action.auto_create_index": "true"}}),
    ("GET", "/_cluster/settings", None),
    ("POST", "/_cluster/reroute", None),
    ("GET", "/_nodes", None),
    ("GET", "/_tasks", None),
    ("PUT", "/_snapshot/mine", _REPOSITORY),
    ("GET", "/_snapshot/_all", None),
    ("GET", "/.opendistro_security/_search", None),
    ("GET", "/_plugins/_security/api/internalusers", None),
    ("PATCH", "/_plugins/_security/api/internalusers", _LET_IN),
    ("PUT", f"/_plugins/_security/api/roles/{SERVICE}", _MORE),
    ("PUT", f"/_plugins/_security/api/roles/{INDEXER}", _MORE),
]
# The indexer's work, which the service has no part in.
_NOT_THE_SERVICE: list[tuple[str, str, Any]] = [
    ("PUT", f"/{OURS}", None),
    ("PUT", f"/{ALIAS}/_doc/1", {"key": 1}),
    ("POST", f"/{ALIAS}/_bulk", _BULK),
    ("POST", "/_bulk", '{"index": {"_index": "registry-licences", "_id": "1"}}\n{"key": 1}\n'),
    ("POST", f"/{ALIAS}/_update/l1", {"doc": {"key": 1}}),
    ("DELETE", f"/{ALIAS}-*", None),
    ("POST", "/_aliases", {"actions": [{"remove": {"index": f"{ALIAS}-*", "alias": ALIAS}}]}),
    ("PUT", f"/{ALIAS}/_settings", {"index": {"number_of_replicas": 0}}),
    ("PUT", f"/{ALIAS}/_mapping", {"properties": {"more": {"type": "keyword"}}}),
    ("POST", f"/{ALIAS}/_refresh", None),
    ("GET", "/_cluster/health", None),
    ("GET", "/_cat/indices", None),
]


# What the service asks of the engine, each in its own way: candidates for matching, numbers, filters, orders, typos.
_ASKED: list[dict[str, Any]] = [
    {"text": "Liv0 Ek0"},
    {"text": "Lov0"},
    {"text": "Lovo0 Ekberg", "sort": "name"},
    {"text": "100001"},
    {"given_name": "Liv0", "family_name": "Ek0", "sort": "issued"},
    {"profession": ("registered-nurse",), "county": ("Uppsala län",), "specialty": ("Kirurgi",)},
    {"text": "Liv0 Ek0", "birth_date": "1980-02-03", "candidates": "day"},
    {"text": "Liv0 Ek0", "birth_date": "1980-02-03", "candidates": "near"},
    {"text": "Liv0 Ek0", "birth_date": "1980-02-03", "candidates": "wide"},
]


def found(house: ClusterHouse, text: str) -> int:
    return house.service.search(SearchQuery(text=text), TODAY).total


def test_the_indexers_user_may_do_all_that_the_indexer_does(house: ClusterHouse) -> None:
    house.load(people(30))
    # As an operator runs it, in a process that has nothing but its settings.
    made = house.run("publish")["made"]
    house.load(people(10, "Siv"))
    assert house.publish().practitioners == 10
    rebuilt = house.rebuild()
    assert (rebuilt.before, rebuilt.documents) == (made, 30)
    house.load(people(5, "Ada") | {"3": person("Ek", "Ada", licences=[licence("100003")])})
    house.publish()
    assert house.back().index == made
    assert [house.rebuild(fresh=True).documents for _ in range(2)] == [30, 30]
    assert made not in house.index.indices()
    assert not house.compare(full=True).differs
    house.equal(30)
    assert house.run("status")["index"]["documents"] == 30
    assert (house.service.health().documents, house.service.health().problem) == (30, "")
    assert found(house, "Ada Ek") == 1


def test_the_services_user_may_do_all_that_the_service_asks(house: ClusterHouse) -> None:
    house.load(people(3) | {str(n): person("Ekberg", "Anna", licences=[licence(f"9{n}")]) for n in (7, 8)})
    house.publish()
    engine, limits = house.service, house.service_settings().search
    for asked in _ASKED:
        # Refused, it would be a SearchUnavailableError.
        assert engine.search(SearchQuery(**asked), TODAY).page == 1, asked
    several = [SearchQuery(**asked) for asked in _ASKED if "candidates" in asked]
    assert all(isinstance(page, SearchPage) for page in engine.search_many(several, TODAY))
    assert engine.search(SearchQuery(text="Ekberg"), TODAY).facets
    assert engine.tally(None, [Terms("names", ("anna",))], 10) == [2]
    borne: dict[Kind, dict[str, tuple[int, str]]] = {
        "given": {"anna": (2, "Anna")},
        "family": {"ekberg": (2, "Ekberg")},
    }
    counts = NameCounts(5, "now", borne, {kind: list(names) for kind, names in borne.items()})
    told = suggesting.suggest(engine, counts, suggesting.Suggest(text="anna ekb"), limits)
    assert [one.text for one in told] == ["Anna Ekberg"]
    assert suggesting.did_you_mean(engine, counts, "ekbreg", limits) == "Ekberg"
    assert engine.health().problem == ""


def test_the_indexers_user_may_add_fields_in_place(house: ClusterHouse) -> None:
    house.load(people(3))
    with other_version(house.world, without="number") as older:
        name = older.create_index(3)
        older.finish_index(name)
        older.swap(name, replacing=None)
    assert house.rebuild(in_place=True).changed
    assert found(house, "100001") == 1


@pytest.mark.parametrize("user", [SERVICE, INDEXER])
def test_neither_user_may_touch_what_is_not_its_own(house: ClusterHouse, user: str) -> None:
    house.load(people(2))
    house.publish()
    cluster = house.there.cluster
    payroll = f"{house.there.url}/payroll"
    try:
        cluster.administrator.put(f"{payroll}/_doc/1?refresh=true", json={"salary": 1}).raise_for_status()
        cluster.administrator.put(f"{payroll}/_alias/payroll-now").raise_for_status()
        refused = _NOBODY + (_NOT_THE_SERVICE if user == SERVICE else [])
        with house.there.client(user) as client:
            allowed = [told for told in refused if not _is_refused(client, *told)]
        assert allowed == []
        assert house.there.ask("/payroll/_doc/1").json()["_source"] == {"salary": 1}
    finally:
        cluster.administrator.delete(payroll)
    house.equal(2)


def _is_refused(client: httpx.Client, method: str, path: str, body: Any) -> bool:  # noqa: ANN401 - JSON or lines
    if isinstance(body, str):
        answer = client.request(method, path, content=body, headers={"Content-Type": "application/x-ndjson"})
    else:
        answer = client.request(method, path, json=body)
    if answer.status_code == httpx.codes.OK and path.endswith("_bulk"):
        # A bulk request as such is allowed to whoever may send one about some index.
        return all(item["index"]["status"] == httpx.codes.FORBIDDEN for item in answer.json()["items"])
    if answer.status_code == httpx.codes.OK and path.endswith("_msearch"):
        # So is a request of several searches.
        return all(each["status"] == httpx.codes.FORBIDDEN for each in answer.json()["responses"])
    return answer.status_code == httpx.codes.FORBIDDEN


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"REGISTRY_SEARCH__OPENSEARCH__PASSWORD": "not-the-password"}, "refuses the user"),
        ({"REGISTRY_SEARCH__OPENSEARCH__USERNAME": ""}, "refuses the user"),
        ({"REGISTRY_SEARCH__OPENSEARCH__PREFIX": "payroll"}, "refuses the user"),
        # Certificates of an authority that we do not know.
        ({"REGISTRY_SEARCH__OPENSEARCH__CA_FILE": ""}, "can't be reached"),
    ],
    ids=["wrong password", "no user", "another's index", "unknown authority"],
)
def test_a_service_that_is_not_let_in_says_why(
    house: ClusterHouse, changed: dict[str, str], says: str
) -> None:
    house.load(people(1))
    house.publish()
    service = open_engine(house.service_settings(**changed).search)
    with pytest.raises(SearchUnavailableError, match=says):
        service.search(SearchQuery(text="Liv0"), TODAY)
    assert not service.health().ok
    service.close()


def test_nobody_is_let_in_without_a_user_and_no_demo_user_exists(secured: SecuredCluster) -> None:
    with secured.client(None) as client:
        assert client.get("/_search").status_code == 401
        for name in ("admin", "kibanaserver", "logstash", "readall", "snapshotrestore"):
            assert client.get("/_search", auth=(name, name)).status_code == 401
    users = secured.ask("/_plugins/_security/api/internalusers").json()
    assert set(users) == {SERVICE, INDEXER}


def test_the_cluster_speaks_nothing_but_tls(secured: SecuredCluster) -> None:
    plain = secured.url.replace("https://", "http://")
    with pytest.raises(httpx.TransportError):
        httpx.get(plain, trust_env=False)
