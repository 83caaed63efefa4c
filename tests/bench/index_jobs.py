"""Jobs: from SQL truth to the search index by publishing and by rebuilding, and comparing the two."""

import time
from collections.abc import Callable, Mapping

import msgspec
from sqlalchemy.engine import Engine

from indexer.compare import compare as compare_all
from indexer.publish import publish as publish_all
from indexer.rebuild import rebuild as rebuild_all
from registry.database import open_database
from registry.search import IndexEngine, open_engine
from registry.settings import Settings, load_settings
from tests.bench.memory_watch import memory_watched
from tests.bench.processes import BenchError
from tests.bench.sampling import COMPARE, PUBLISH, sampled, shares


class Indexed(msgspec.Struct, frozen=True, kw_only=True):
    """What a job did.

    Attributes:
        documents: about people that the index holds in the end.
        sent: operations sent for them.
        shares: where the time went.
        memory_before_mb, memory_early_mb, memory_peak_mb: resident sizes of its processes together: before it began, the
            highest in the first quarter of its time, and the highest, in MiB.
    """

    documents: int
    sent: int
    seconds: float
    shares: dict[str, float]
    memory_before_mb: float
    memory_early_mb: float
    memory_peak_mb: float


def publish() -> Indexed:
    """Publish everything that waits in the outbox."""

    def work(settings: Settings, engine: Engine, search: IndexEngine) -> int:
        result = publish_all(engine, search, settings, _quiet)
        search.refresh()
        if result.failed or result.postponed:
            raise BenchError(f"Not everything was published: {result}.")
        return result.documents

    return _measured(work)


def rebuild() -> Indexed:
    """Build a new index and swap."""
    return _measured(
        lambda settings, engine, search: rebuild_all(engine, search, settings, _quiet, fresh=True).documents
    )


def compare() -> Indexed:
    """Compare the index with SQL; they must be equal."""

    def work(settings: Settings, engine: Engine, search: IndexEngine) -> int:
        result = compare_all(engine, search, settings, _quiet)
        if result.differs or result.pending:
            raise BenchError(f"Index and SQL differ: {result}.")
        return 0

    return _measured(work, COMPARE)


def _measured(
    work: Callable[[Settings, Engine, IndexEngine], int], parts: Mapping[str, str] = PUBLISH
) -> Indexed:
    """Do a piece of work, which returns how many operations it sent, and take the time and the memory."""
    settings = load_settings()
    engine = open_database(settings.database.url, settings.database, service=False)
    search = open_engine(settings.search, indexer=True)
    try:
        with memory_watched() as memory, sampled(parts) as samples:
            began = time.perf_counter()
            sent = work(settings, engine, search)
            seconds = time.perf_counter() - began
        documents = search.count()
    finally:
        search.close()
        engine.dispose()
    return Indexed(
        documents=documents,
        sent=sent,
        seconds=seconds,
        shares=shares(samples),
        memory_before_mb=memory.before_mb,
        memory_early_mb=memory.early_mb,
        memory_peak_mb=memory.peak_mb,
    )


def _quiet(*_: object) -> None:
    """Show no progress."""
