"""Readers that nobody reads to the end, of a cluster that keeps a view open for each (research: F9)."""

import gc
import os
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from registry.errors import SearchUnavailableError
from registry.search import IndexEngine, open_engine, opensearch_scan
from registry.search.opensearch import OpenSearchEngine
from registry.settings import Search
from tests.registry.search.people import Register, person

pytestmark = pytest.mark.parametrize("settings", ["opensearch"], indirect=True)
TIMES = 1000 if os.environ.get("REGISTRY_TEST_SOAK") else 100


@pytest.fixture
def filled(register: Register, monkeypatch: pytest.MonkeyPatch) -> Register:
    """Five documents, of which a page holds two."""
    monkeypatch.setattr(opensearch_scan, "_SCAN_PAGE", 2)
    register.publish(*(person("Eva Ek") for _ in range(5)))
    return register


def ask(engine: IndexEngine, path: str) -> Any:  # noqa: ANN401 - JSON
    return engine._client.transport.perform_request("GET", path)  # type: ignore[attr-defined]


def left_open(engine: IndexEngine) -> tuple[int, int]:
    """Views that the cluster knows, and contexts that its nodes hold open for them or for anything else."""
    views = ask(engine, "/_search/point_in_time/_all")["pits"]
    nodes = ask(engine, "/_nodes/stats/indices/search")["nodes"].values()
    counted = [node["indices"]["search"] for node in nodes]
    return len(views), sum(
        one["point_in_time_current"] + one["open_contexts"] + one["scroll_current"] for one in counted
    )


def closed(scan: Iterator[tuple[str, int]]) -> None:
    """The reader is closed after the first document."""
    next(scan)
    scan.close()  # type: ignore[attr-defined]


def forgotten(scan: Iterator[tuple[str, int]]) -> None:
    """Nobody holds the reader any more when this returns."""
    next(scan)


def forgotten_in_a_circle(scan: Iterator[tuple[str, int]]) -> None:
    """Only the garbage collector, some time later, finds that nobody does."""
    next(scan)
    circle: list[object] = [scan]
    circle.append(circle)


def never_begun(scan: Iterator[tuple[str, int]]) -> None:
    """Nothing was asked of the reader."""
    del scan


def failing(scan: Iterator[tuple[str, int]]) -> None:
    """Whoever reads fails in the middle of it."""
    with suppress(ZeroDivisionError):
        for _ in scan:
            1 / 0  # noqa: B018 - fails


def stopped_on_a_later_page(scan: Iterator[tuple[str, int]]) -> None:
    for _ in range(4):
        next(scan)


def read_to_the_end(scan: Iterator[tuple[str, int]]) -> None:
    assert len(list(scan)) == 5


WAYS = (
    closed,
    forgotten,
    forgotten_in_a_circle,
    never_begun,
    failing,
    stopped_on_a_later_page,
    read_to_the_end,
)


@pytest.mark.soak
def test_readers_that_are_abandoned_in_any_way_leave_nothing_open(filled: Register) -> None:
    for number in range(TIMES):
        WAYS[number % len(WAYS)](filled.engine.scan())
    gc.collect()
    assert left_open(filled.engine) == (0, 0)


def test_an_engine_that_is_closed_lets_go_what_readers_still_hold(filled: Register, settings: Search) -> None:
    engine = open_engine(settings, indexer=True)
    held = [engine.scan() for _ in range(10)]
    for scan in held:
        next(scan)
    assert left_open(filled.engine)[0] == 10
    engine.close()
    assert left_open(filled.engine) == (0, 0)
    for scan in held:  # their own end asks the cluster for nothing any more
        scan.close()  # type: ignore[attr-defined]


def test_a_reader_whose_page_fails_lets_go(filled: Register, monkeypatch: pytest.MonkeyPatch) -> None:
    client = filled.engine._client  # type: ignore[attr-defined]
    scan = filled.engine.scan()
    assert next(scan)
    assert next(scan)

    def fail(**_: object) -> None:
        raise SearchUnavailableError

    with monkeypatch.context() as patch:
        patch.setattr(client, "search", fail)
        with pytest.raises(SearchUnavailableError):
            next(scan)
    assert left_open(filled.engine) == (0, 0)


def test_a_cluster_that_is_gone_at_the_end_of_a_reader_spoils_nothing(
    filled: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = filled.engine._client  # type: ignore[attr-defined]
    delete, asked = client.delete_pit, []

    def fail(**told: Any) -> None:  # noqa: ANN401 - passed on
        asked.append(told)
        raise SearchUnavailableError

    with monkeypatch.context() as patch:
        patch.setattr(client, "delete_pit", fail)
        assert len(list(filled.engine.scan())) == 5
    assert len(asked) == 1
    delete(**asked[0])
    assert left_open(filled.engine) == (0, 0)


def test_views_are_kept_by_the_cluster_for_minutes_only(filled: Register) -> None:
    scan = filled.engine.scan()
    next(scan)
    (view,) = ask(filled.engine, "/_search/point_in_time/_all")["pits"]
    assert view["keep_alive"] <= 2 * 60 * 1000
    scan.close()  # type: ignore[attr-defined]


def test_an_engine_that_read_nothing_is_closed_without_a_word(settings: Search) -> None:
    engine = OpenSearchEngine(settings, indexer=True)
    engine.close()
    assert "_client" not in vars(engine)
