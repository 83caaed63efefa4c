"""The floor of a search on Tantivy: the ready query with its first page and total, nothing around it, no facets."""

import threading
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import msgspec
from tantivy import Index, Searcher

from registry.search import open_engine
from registry.search.mapping import load_mapping
from registry.search.query import SearchQuery, plan
from registry.search.tantivy_dsl import build_schema, page_query
from registry.settings import Search, load_settings
from tests.bench.client import Load
from tests.bench.processes import BenchError


class QueryFloor(msgspec.Struct, frozen=True, kw_only=True):
    """The same queries from one thread, and from several at once."""

    one: Load
    many: Load


def measure(searches: list[str], clients: int, seconds: float) -> QueryFloor:
    """Ask every search once in one thread, then all of them over and over in several."""
    limits = load_settings().search
    searcher = _searcher(limits)
    asks = [_ask(searcher, limits, text) for text in searches]
    for ask in asks[: len(asks) // 4]:
        ask()
    return QueryFloor(one=_load(asks, 1, seconds), many=_load(asks, clients, seconds))


def _searcher(limits: Search) -> Searcher:
    engine = open_engine(limits, indexer=True)
    name = engine.current_index()
    engine.close()
    if name is None:
        raise BenchError("there is no index to ask")
    return Index.open(str(Path(limits.tantivy.path) / name)).searcher()


def _ask(searcher: Searcher, limits: Search, text: str) -> Callable[[], None]:
    schema = build_schema(load_mapping())
    asked = plan(SearchQuery(text=text), limits, date.today())  # noqa: DTZ011 - any day will do
    query = page_query(asked, schema)

    def ask() -> None:
        searcher.search(query, limit=asked.limit)

    return ask


def _load(asks: list[Callable[[], None]], clients: int, seconds: float) -> Load:
    latencies: list[float] = []
    until = time.perf_counter() + seconds

    def one(first: int) -> None:
        for turn in range(len(asks)):
            began = time.perf_counter()
            asks[(first + turn) % len(asks)]()
            latencies.append((time.perf_counter() - began) * 1000)
            if time.perf_counter() > until:
                return

    began = time.perf_counter()
    threads = [
        threading.Thread(target=one, args=(number * len(asks) // clients,)) for number in range(clients)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Load(
        latencies_ms=latencies,
        seconds=time.perf_counter() - began,
        statuses={},
        bodies=[],
        reconnects=0,
    )
