"""The settings that an index is built and served with, on a cluster of one node and of several."""

from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from registry.search.opensearch import OpenSearchEngine
from registry.settings import Search

pytestmark = pytest.mark.parametrize("settings", ["opensearch"], indirect=True)


def engine_with(settings: Search, **changes: object) -> OpenSearchEngine:
    told = msgspec.structs.replace(settings.opensearch, **changes)
    return OpenSearchEngine(msgspec.structs.replace(settings, opensearch=told), indexer=True)


def told(engine: OpenSearchEngine, index: str) -> dict[str, Any]:
    found: dict[str, Any] = engine._client.indices.get_settings(index=index)[index]["settings"]["index"]
    return found


def test_an_index_is_built_without_refresh_and_copies_and_served_with_them(settings: Search) -> None:
    engine = engine_with(settings, replicas=1, replicas_wait_s=5.0)
    index = engine.create_index()
    build = told(engine, index)
    assert (build["refresh_interval"], build["number_of_replicas"]) == ("-1", "0")
    assert build["translog"]["durability"] == "request"
    with capture_logs() as logged:
        engine.finish_index(index)
    served = told(engine, index)
    assert (served["refresh_interval"], served["number_of_replicas"]) == ("1s", "1")
    mapping = engine._client.indices.get_mapping(index=index)[index]["mappings"]
    assert mapping["dynamic"] == "strict"
    # One node has no place for the copy: that is said, and not waited for.
    (line,) = [one for one in logged if one["log_level"] == "warning"]
    assert (line["index"], line["unassigned"], line["initializing"]) == (index, 1, 0)
    engine.close()


def test_copies_can_follow_the_number_of_nodes(settings: Search) -> None:
    engine = engine_with(settings, replicas=2, auto_expand_replicas="0-2")
    index = engine.create_index()
    assert told(engine, index)["auto_expand_replicas"] == "false"
    with capture_logs() as logged:
        engine.finish_index(index)
    served = told(engine, index)
    assert (served["auto_expand_replicas"], served["number_of_replicas"]) == ("0-2", "0")  # one node
    assert logged == []
    engine.close()


@pytest.mark.parametrize(
    ("shards", "per_shard", "expected", "wanted"),
    [
        (0, 10_000_000, 0, 1),
        (0, 10_000_000, 10_000_000, 1),
        (0, 10_000_000, 10_000_001, 2),
        (0, 100, 350, 4),
        (3, 100, 1, 3),
        (1, 100, 350, 1),
    ],
)
def test_the_number_of_shards_follows_the_number_of_documents_unless_it_is_set(
    settings: Search, shards: int, per_shard: int, expected: int, wanted: int
) -> None:
    engine = engine_with(settings, shards=shards, documents_per_shard=per_shard)
    index = engine.create_index(expected)
    assert told(engine, index)["number_of_shards"] == str(wanted)
    engine.close()
