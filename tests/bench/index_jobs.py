"""Jobs: from SQL truth to the search index by publishing and by rebuilding, and the floor of both."""

import http.client
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Engine
from tantivy import Index

from indexer.publish import publish as publish_all
from indexer.rebuild import rebuild as rebuild_all
from registry.database import open_database
from registry.records import read
from registry.records import tables as t
from registry.search import IndexEngine, open_engine
from registry.search.document import Operation, documents
from registry.search.mapping import load_mapping
from registry.search.tantivy_dsl import build_schema
from registry.settings import Search, load_settings
from tests.bench.machine import memory_mb
from tests.bench.processes import BenchError
from tests.bench.sampling import PUBLISH, sampled, shares

_READ = 2000
# The first documents after a start find Java's compiler cold: so many are sent before anything is measured.
_WARM_UP = 60_000


class Indexed(msgspec.Struct, frozen=True, kw_only=True):
    """Documents about people that the index holds in the end, operations sent for them, and where the time went."""

    documents: int
    sent: int
    seconds: float
    shares: dict[str, float]
    memory_peak_mb: float


class IndexFloor(msgspec.Struct, frozen=True, kw_only=True):
    """Ready documents written straight to an index set up as one in use, and as one being built."""

    documents: int
    size_mb: float
    live_s: float
    build_s: float


def _open() -> tuple[Engine, IndexEngine]:
    settings = load_settings()
    database = open_database(settings.database.url, settings.database, service=False)
    return database, open_engine(settings.search, indexer=True)


def publish() -> Indexed:
    """Publish everything that waits in the outbox."""
    database, engine = _open()
    settings = load_settings()
    began = time.perf_counter()
    with sampled(PUBLISH) as samples:
        result = publish_all(database, engine, settings.indexer, lambda _phase, _amount: None)
        engine.refresh()
        seconds = time.perf_counter() - began
    if result.failed or result.postponed:
        raise BenchError(f"Not everything was published: {result}.")
    return _indexed(engine, result.documents, seconds, shares(samples))


def rebuild() -> Indexed:
    """Build a new index and swap."""
    database, engine = _open()
    settings = load_settings()
    began = time.perf_counter()
    with sampled(PUBLISH) as samples:
        result = rebuild_all(database, engine, settings.indexer, lambda *_: None)
        seconds = time.perf_counter() - began
    return _indexed(engine, result.documents, seconds, shares(samples))


def _indexed(engine: IndexEngine, sent: int, seconds: float, parts: dict[str, float]) -> Indexed:
    count = engine.count()
    engine.close()
    return Indexed(
        documents=count, sent=sent, seconds=seconds, shares=parts, memory_peak_mb=memory_mb(peak=True)
    )


def floor() -> IndexFloor:
    """Write the documents of everyone, made and encoded beforehand, as fast as the engine takes them."""
    database, engine = _open()
    limits = load_settings().search
    ready = list(_documents(database))
    size = sum(len(orjson.dumps(one.stored)) for one in ready)
    if limits.engine == "opensearch":
        bodies = list(_bodies(ready, limits.opensearch.bulk_bytes))
        for _ in range(-(-min(_WARM_UP, 50 * len(ready)) // len(ready))):
            _bulk(engine, limits, bodies, live=True)
        live, build = (_bulk(engine, limits, bodies, live=live) for live in (True, False))
    else:
        live = build = _tantivy(engine, limits, [orjson.dumps(one.stored).decode() for one in ready])
    engine.close()
    return IndexFloor(documents=len(ready), size_mb=size / 2**20, live_s=live, build_s=build)


def _documents(database: Engine) -> Iterator[Operation]:
    with database.connect() as connection:
        ids = list(connection.scalars(sa.select(t.practitioner.c.id).order_by(t.practitioner.c.id)))
        for start in range(0, len(ids), _READ):
            for person in read.practitioners(connection, ids[start : start + _READ]).values():
                yield from documents(person)


def _bodies(ready: list[Operation], most: int) -> Iterator[bytes]:
    lines: list[bytes] = []
    size = 0
    for one in ready:
        line = b'{"index":{"_id":"%b"}}\n%b\n' % (one.id.encode(), orjson.dumps(one.stored))
        if lines and size + len(line) > most:
            yield b"".join(lines)
            lines, size = [], 0
        lines.append(line)
        size += len(line)
    yield b"".join(lines)


def _bulk(engine: IndexEngine, limits: Search, bodies: list[bytes], *, live: bool) -> float:
    index = engine.create_index()
    if live:
        engine.finish_index(index)
    address = urlsplit(limits.opensearch.urls[0])
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
    path, headers = f"/{index}/_bulk?filter_path=errors", {"Content-Type": "application/x-ndjson"}
    began = time.perf_counter()
    for body in bodies:
        connection.request("POST", path, body, headers)
        answer = connection.getresponse().read()
        if b'"errors":false' not in answer:
            raise BenchError(f"The bare bulk request failed: {answer[:500]!r}")
    engine.refresh(index)
    took = time.perf_counter() - began
    connection.close()
    engine.drop(index)
    return took


def _tantivy(engine: IndexEngine, limits: Search, ready: list[str]) -> float:
    name = engine.create_index()
    index = Index(build_schema(load_mapping()), path=str(Path(limits.tantivy.path) / name))
    began = time.perf_counter()
    writer = index.writer(limits.tantivy.writer_heap_mb * 2**20, limits.tantivy.writer_threads)
    for text in ready:
        writer.add_json(text)
    writer.commit()
    writer.wait_merging_threads()
    took = time.perf_counter() - began
    engine.drop(name)
    return took
