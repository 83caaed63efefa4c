"""The floor of a search of a large register: what the service asks the engine for each question, asked of the engine alone.

What it asks is recorded from the service's own way from a question to an answer (`registry.web.finding`), so that it is the
very same: the same bodies, and as many of them.
"""

import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from multiprocessing import get_context
from typing import Any

import msgspec
import orjson
from flask import Flask

from registry.errors import RegistryError
from registry.search import open_engine
from registry.search.opensearch import OpenSearchEngine
from registry.search.port import Health, SearchEngine, SearchPage
from registry.search.query import SearchQuery
from registry.search.tree import Node
from registry.settings import load_settings
from registry.web import finding
from registry.web.context import Context, install_context
from tests.bench.client import Load

_Ask = Callable[[SearchEngine], object]


class Bodies(msgspec.Struct, frozen=True):
    """The JSON bodies that each question sends to OpenSearch, in order; none where SQL truth answers alone."""

    of: list[list[bytes]]


class EngineFloor(msgspec.Struct, frozen=True, kw_only=True):
    """The same questions from one process, and from several at once, and which of them the engine is asked at all."""

    one: Load
    many: Load
    asked: list[bool]


class _Recording(OpenSearchEngine):
    """Keeps what it sends."""

    sent: list[bytes]

    def _ask(self, body: dict[str, Any]) -> dict[str, Any]:
        self.sent.append(orjson.dumps(body))
        return super()._ask(body)


class _Noting:
    """Keeps what an engine is asked, and asks it."""

    def __init__(self, engine: SearchEngine) -> None:
        self._engine = engine
        self.asked: list[_Ask] = []

    def search(self, query: SearchQuery, today: date) -> SearchPage:
        self.asked.append(lambda engine: engine.search(query, today))
        return self._engine.search(query, today)

    def search_many(self, queries: Sequence[SearchQuery], today: date) -> list[SearchPage | RegistryError]:
        self.asked.append(lambda engine: engine.search_many(queries, today))
        return self._engine.search_many(queries, today)

    def tally(self, base: Node | None, each: Sequence[Node], most: int) -> list[int]:
        self.asked.append(lambda engine: engine.tally(base, each, most))
        return self._engine.tally(base, each, most)

    def health(self) -> Health:
        return self._engine.health()

    def close(self) -> None:
        self._engine.close()


def record(texts: list[str]) -> Bodies:
    """Record what OpenSearch is sent (job of a worker)."""
    ours = _context()
    engine = _Recording(ours.settings.search)
    ours._search = engine
    found = []
    for text in texts:
        engine.sent = []
        finding.find(ours, SearchQuery(), box=text)
        found.append(engine.sent)
    ours.close()
    return Bodies(found)


def measure(texts: list[str], clients: int, seconds: float) -> EngineFloor:
    """Ask the embedded engine, in one process and in as many as the service has workers (job of a worker)."""
    asks = _noted(texts)
    asked = [bool(each) for each in asks]
    engine = open_engine(load_settings().search)
    for each in asks[: len(asks) // 4]:
        _timed(engine, each)
    one = _load([_timed(engine, each) for each in asks if each])
    engine.close()
    workers = max(2, os.cpu_count() or 2)
    # By spawning: the engine's own threads do not survive a fork.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        share = max(1, clients // workers)
        runs = [pool.submit(_several, texts, share, seconds, number) for number in range(workers)]
        loads = [run.result() for run in runs]
    many = Load(
        latencies_ms=[ms for load in loads for ms in load.latencies_ms],
        seconds=max(load.seconds for load in loads),
        statuses={},
        bodies=[],
        reconnects=0,
    )
    return EngineFloor(one=one, many=many, asked=asked)


def _context() -> Context:
    return install_context(Flask(__name__), load_settings())


def _noted(texts: Sequence[str]) -> list[list[_Ask]]:
    ours = _context()
    noting = _Noting(open_engine(ours.settings.search))
    ours._search = noting
    found = []
    for text in texts:
        noting.asked = []
        finding.find(ours, SearchQuery(), box=text)
        found.append(noting.asked)
    ours.close()
    return found


def _timed(engine: SearchEngine, asks: Sequence[_Ask]) -> float:
    began = time.perf_counter()
    for ask in asks:
        ask(engine)
    return (time.perf_counter() - began) * 1000


def _load(latencies: list[float]) -> Load:
    return Load(latencies_ms=latencies, seconds=sum(latencies) / 1000, statuses={}, bodies=[], reconnects=0)


def _several(texts: list[str], threads: int, seconds: float, number: int) -> Load:
    """Ask in several threads of this process until the time is up."""
    asks = [each for each in _noted(texts) if each]
    engine = open_engine(load_settings().search)
    latencies: list[float] = []
    began = time.perf_counter()

    def one(first: int) -> None:
        turn = first
        while time.perf_counter() - began < seconds:
            latencies.append(_timed(engine, asks[turn % len(asks)]))
            turn += 1

    runs = [
        threading.Thread(target=one, args=((2 * each + number) * len(asks) // (2 * threads),))
        for each in range(threads)
    ]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    engine.close()
    return Load(
        latencies_ms=latencies,
        seconds=time.perf_counter() - began,
        statuses={},
        bodies=[],
        reconnects=0,
    )
