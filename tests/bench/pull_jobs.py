"""Jobs: pulling the feeds for the first time, and again with the same bytes."""

import time
from collections import Counter
from dataclasses import dataclass, field

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from indexer.feeds.descriptor import FeedDescriptor, load_feeds
from indexer.pull import Puller, Report
from registry import migrate
from registry.database import open_database, writing
from registry.records import tables as t
from registry.sealing import Sealer
from registry.settings import Settings, load_settings
from registry.vocabulary import load_vocabulary
from tests.bench.machine import memory_mb
from tests.bench.processes import BenchError
from tests.bench.sampling import PULL, sampled, shares


class Pulled(msgspec.Struct, frozen=True, kw_only=True):
    """One pull: source records read, what became of them, seconds in all and of these for fetching."""

    feed: str
    state: str
    rows: int
    written: int
    unchanged: int
    quarantined: int
    seconds: float
    fetch_s: float


class Pulls(msgspec.Struct, frozen=True, kw_only=True):
    """Pulls of all feeds, where their time went, and the process's memory in MiB before and at its highest."""

    pulls: list[Pulled]
    shares: dict[str, float]
    memory_before_mb: float
    memory_peak_mb: float


class Again(msgspec.Struct, frozen=True, kw_only=True):
    """The same bytes again: told unchanged by the source, and with every record compared."""

    told: Pulls
    compared: Pulls


@dataclass
class _Watch:
    """Hears of a pull's progress: fetching ends with the last word of it."""

    started: float = field(default_factory=time.perf_counter)
    fetched: float = 0.0

    def hear(self, phase: str, _amount: int) -> None:
        if phase == "fetch":
            self.fetched = time.perf_counter() - self.started


def first() -> Pulls:
    """Make the tables and pull every feed into them."""
    settings = load_settings()
    migrate.upgrade(settings)
    return _pull_all(settings, open_database(settings.database.url, settings.database, service=False))


def again() -> Again:
    """Pull every feed twice more: as it is, and after forgetting what would tell at once that nothing has changed.

    Raises:
        BenchError: something counted as changed, or history was written.
    """
    settings = load_settings()
    engine = open_database(settings.database.url, settings.database, service=False)
    before = _versions(engine)
    told = _pull_all(settings, engine)
    with writing(engine).begin() as connection:
        connection.execute(sa.update(t.feed_run).values(content_digest="", etag=""))
    compared = _pull_all(settings, engine)
    for pulled in (*told.pulls, *compared.pulls):
        if pulled.written or (pulled.rows and not pulled.unchanged):
            raise BenchError(f"{pulled.feed}: the same bytes again gave {pulled.written} changes.")
    if _versions(engine) != before:
        raise BenchError("The same bytes again wrote history.")
    return Again(told=told, compared=compared)


def _versions(engine: Engine) -> int:
    with engine.connect() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(t.licence_version)) or 0


def _pull_all(settings: Settings, engine: Engine) -> Pulls:
    vocabulary, sealer = load_vocabulary(), Sealer(settings.privacy)
    before = memory_mb(peak=False)
    counted: Counter[str] = Counter()
    pulls = []
    for feed in load_feeds().values():
        watch = _Watch()
        puller = Puller(engine, sealer, vocabulary, settings.indexer, progress=watch.hear)
        with sampled(PULL) as samples:
            report = puller.pull(feed)
            seconds = time.perf_counter() - watch.started
        counted.update(samples)
        pulls.append(_pulled(feed, report, seconds, watch.fetched))
    return Pulls(
        pulls=pulls,
        shares=shares(counted),
        memory_before_mb=before,
        memory_peak_mb=memory_mb(peak=True),
    )


def _pulled(feed: FeedDescriptor, report: Report, seconds: float, fetch_s: float) -> Pulled:
    if report.state == "failed":
        raise BenchError(f"{feed.id} failed: {report.error}")
    counts = report.counts
    return Pulled(
        feed=feed.id,
        state=report.state,
        rows=counts.read,
        written=counts.added + counts.changed + counts.removed,
        unchanged=counts.unchanged,
        quarantined=counts.quarantined,
        seconds=seconds,
        fetch_s=fetch_s,
    )
