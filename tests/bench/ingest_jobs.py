"""Jobs: pulling one large file into one database, and the least that reading it can cost. Each in its own process."""

import csv
import time
from collections import Counter
from pathlib import Path

import msgspec
import sqlalchemy as sa
from lxml import etree
from msgspec.structs import replace

from indexer.feeds.descriptor import FeedDescriptor, load_feed
from indexer.feeds.options import SocrataOptions
from indexer.feeds.sources import FileSource
from indexer.pull import Puller
from registry import migrate
from registry.database import open_database
from registry.records import tables as t
from registry.sealing import Sealer
from registry.settings import CONFIG, load_settings
from registry.vocabulary import load_vocabulary
from tests.bench import bulk_registers
from tests.bench.machine import memory_mb
from tests.bench.processes import BenchError
from tests.bench.sampling import PULL, sampled, shares

FORMS = ("hosp", "washington", "nppes")
# The best of so many readings counts, so that the floor is no floor of a bad moment.
_READINGS = 3


class Ingested(msgspec.Struct, frozen=True, kw_only=True):
    """One pull of a file.

    Attributes:
        written: records added, changed or removed.
        fetch_s: of `seconds`: the digest over the file.
        memory_mb, memory_before_mb: the process's highest resident size, and before it read a row.
        shares: where the time went.
        licences, records: what stands in the database afterwards.
    """

    state: str
    rows: int
    written: int
    unchanged: int
    quarantined: int
    seconds: float
    fetch_s: float
    memory_mb: float
    memory_before_mb: float
    shares: dict[str, float]
    licences: int
    records: int


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """The least that reading a file costs."""

    seconds: float
    what: str


def write(form: str, licences: int, into: str, *, later: bool) -> bulk_registers.Written:
    """Write a state of a register (not measured)."""
    return bulk_registers.write(form, licences, Path(into), later=later)


def prepare() -> Read:
    """Make the tables (not measured)."""
    migrate.upgrade(load_settings())
    return Read(seconds=0, what="")


def pull(form: str, path: str, *, full: bool) -> Ingested:
    """Pull a file, with `full` comparing every record even if it is the one that stands.

    Raises:
        BenchError: the run did not succeed.
    """
    settings = load_settings()
    engine = open_database(settings.database.url, settings.database, service=False)
    feed, vocabulary, sealer = _feed(form, path), load_vocabulary(), Sealer(settings.privacy)
    before = memory_mb(peak=False)
    began = fetched = time.perf_counter()

    def hear(phase: str, _amount: int) -> None:
        nonlocal fetched
        if phase == "fetch":
            fetched = time.perf_counter()

    counted: Counter[str] = Counter()
    puller = Puller(engine, sealer, vocabulary, settings.indexer, full=full, progress=hear)
    with sampled(PULL) as samples:
        began = fetched = time.perf_counter()
        report = puller.pull(feed)
        seconds = time.perf_counter() - began
    counted.update(samples)
    if report.state != "succeeded":
        raise BenchError(f"{form} is {report.state}: {report.error or report.held}")
    counts, peak = report.counts, memory_mb(peak=True)
    with engine.connect() as connection:
        licences = connection.scalar(sa.select(sa.func.count()).select_from(t.licence)) or 0
        records = connection.scalar(sa.select(sa.func.count()).select_from(t.source_record)) or 0
    return Ingested(
        state=report.state,
        rows=counts.read,
        written=counts.added + counts.changed + counts.removed,
        unchanged=counts.unchanged,
        quarantined=counts.quarantined,
        seconds=seconds,
        fetch_s=fetched - began,
        memory_mb=peak,
        memory_before_mb=before,
        shares=shares(counted),
        licences=licences,
        records=records,
    )


def _feed(form: str, path: str) -> FeedDescriptor:
    """Return the shipped feed, read from this file."""
    feed = replace(load_feed(CONFIG / "feeds" / f"{form}.toml"), source=FileSource(path=path))
    if isinstance(feed.options, SocrataOptions):
        return replace(feed, options=replace(feed.options, export="csv"))
    return feed


def read(form: str, path: str) -> Read:
    """Pass over a file with nothing but its parser."""
    passes, what = (
        (_xml_pass, "lxml.iterparse over the file")
        if form == "hosp"
        else (_csv_pass, "csv.reader over the file")
    )
    return Read(seconds=min(passes(Path(path)) for _ in range(_READINGS)), what=what)


def _csv_pass(path: Path) -> float:
    began = time.perf_counter()
    with path.open(encoding="utf-8", newline="") as file:
        for _row in csv.reader(file):
            pass
    return time.perf_counter() - began


def _xml_pass(path: Path) -> float:
    began = time.perf_counter()
    for _event, person in etree.iterparse(
        path, events=("end",), tag=("{*}hospPerson",), remove_comments=True
    ):
        person.clear()
        while person.getprevious() is not None:
            del person.getparent()[0]
    return time.perf_counter() - began
