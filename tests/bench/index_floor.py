"""The floor of publishing and rebuilding: ready documents written straight to the engine, by several connections or one."""

import http.client
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Empty, SimpleQueue
from urllib.parse import urlsplit

import msgspec
import orjson
from sqlalchemy.engine import Engine
from tantivy import Index

from indexer.projection import documents_after
from registry.database import open_database
from registry.search import IndexEngine, open_engine
from registry.search.document import Operation
from registry.search.mapping import load_mapping
from registry.search.tantivy_dsl import build_schema
from registry.settings import Search, load_settings
from tests.bench.processes import BenchError

_READ = 5000
# The first documents after a start find Java's compiler cold: so many are sent before anything is measured.
_WARM_UP = 60_000
# With how many connections the engine is tried; the best counts.
CONNECTIONS = (1, 2, 4)


class IndexFloor(msgspec.Struct, frozen=True, kw_only=True):
    """Ready documents written straight to an index.

    Attributes:
        size_mb: of all documents as JSON, in MiB.
        live_s: seconds into an index set up as one in use, by one connection; 0 if that was not asked for.
        build_s: seconds into one set up as one that is being built, by how it was written to.
    """

    documents: int
    size_mb: float
    live_s: float
    build_s: dict[str, float]

    @property
    def best(self) -> tuple[str, float]:
        """How an index is built fastest, and its documents a second."""
        way, seconds = min(self.build_s.items(), key=lambda item: item[1])
        return way, self.documents / seconds


def measure(*, live: bool, several: bool) -> IndexFloor:
    """Write the documents of everyone, made and encoded beforehand, as fast as the engine takes them.

    Args:
        live: also into an index that is set up as one in use.
        several: try several connections, not only one.
    """
    settings = load_settings()
    limits = settings.search
    database = open_database(settings.database.url, settings.database, service=False)
    engine = open_engine(limits, indexer=True)
    try:
        if limits.engine != "opensearch":
            return _tantivy(engine, limits, [orjson.dumps(one.stored) for one in _documents(database)])
        counted = _Counted(_documents(database))
        bodies = list(_bodies(counted, limits.opensearch.bulk_bytes))
        for _ in range(-(-min(_WARM_UP, 50 * counted.documents) // counted.documents)):
            _bulk(engine, limits, bodies, 1, live=True)
        ways = CONNECTIONS if several else CONNECTIONS[:1]
        return IndexFloor(
            documents=counted.documents,
            size_mb=counted.size / 2**20,
            live_s=_bulk(engine, limits, bodies, 1, live=True) if live else 0.0,
            build_s={_way(way): _bulk(engine, limits, bodies, way, live=False) for way in ways},
        )
    finally:
        engine.close()
        database.dispose()


def _way(connections: int) -> str:
    return f"bare _bulk, {'one connection' if connections == 1 else f'{connections} connections'}"


def _documents(database: Engine) -> Iterator[Operation]:
    after = 0
    while True:
        with database.connect() as connection:
            ids, operations = documents_after(connection, after, _READ)
        if not ids:
            return
        yield from operations
        after = ids[-1]


class _Counted:
    """Documents on their way to be encoded, counted."""

    def __init__(self, documents: Iterator[Operation]) -> None:
        self._source = documents
        self.documents = self.size = 0

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        for one in self._source:
            text = orjson.dumps(one.stored)
            self.documents += 1
            self.size += len(text)
            yield one.id.encode(), text


def _bodies(ready: Iterable[tuple[bytes, bytes]], most: int) -> Iterator[bytes]:
    lines: list[bytes] = []
    size = 0
    for name, text in ready:
        line = b'{"index":{"_id":"%b"}}\n%b\n' % (name, text)
        if lines and size + len(line) > most:
            yield b"".join(lines)
            lines, size = [], 0
        lines.append(line)
        size += len(line)
    yield b"".join(lines)


def _bulk(
    engine: IndexEngine, limits: Search, bodies: Sequence[bytes], connections: int, *, live: bool
) -> float:
    """Send all bodies to a new index and show them; return the seconds."""
    index = engine.create_index()
    if live:
        engine.finish_index(index)
    waiting: SimpleQueue[bytes] = SimpleQueue()
    for body in bodies:
        waiting.put(body)
    began = time.perf_counter()
    with ThreadPoolExecutor(connections) as pool:
        for sender in [pool.submit(_send, limits, index, waiting) for _ in range(connections)]:
            sender.result()
    engine.refresh(index)
    took = time.perf_counter() - began
    engine.drop(index)
    return took


def _send(limits: Search, index: str, waiting: "SimpleQueue[bytes]") -> None:
    address = urlsplit(limits.opensearch.urls[0])
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
    path, headers = f"/{index}/_bulk?filter_path=errors", {"Content-Type": "application/x-ndjson"}
    try:
        while True:
            connection.request("POST", path, waiting.get_nowait(), headers)
            answer = connection.getresponse().read()
            if b'"errors":false' not in answer:
                raise BenchError(f"The bare bulk request failed: {answer[:500]!r}")
    except Empty:
        return
    finally:
        connection.close()


def _tantivy(engine: IndexEngine, limits: Search, ready: Sequence[bytes]) -> IndexFloor:
    name = engine.create_index()
    index = Index(build_schema(load_mapping()), path=str(Path(limits.tantivy.path) / name))
    began = time.perf_counter()
    writer = index.writer(limits.tantivy.writer_heap_mb * 2**20, limits.tantivy.writer_threads)
    for text in ready:
        writer.add_json(text.decode())
    writer.commit()
    writer.wait_merging_threads()
    took = time.perf_counter() - began
    engine.drop(name)
    size = sum(map(len, ready)) / 2**20
    return IndexFloor(documents=len(ready), size_mb=size, live_s=took, build_s={"bare index writer": took})
