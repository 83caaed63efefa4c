"""One pull of one feed: fetch → parse → compare → normalize → load, in one run with one outcome."""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from indexer import runs
from indexer.examples import Example, examples_of
from indexer.feeds import Fetched, Previous, fetch, file_by_file, is_complete, parse
from indexer.feeds.descriptor import FeedDescriptor
from indexer.guard import FeedRejectedError, HoldError
from indexer.load import Counts, Load
from indexer.lock import Guard, only_one
from indexer.statistics import refresh_statistics
from indexer.workshop import Workshop
from registry.database import writing
from registry.errors import RegistryError
from registry.identifiers import PERSONAL_SYSTEMS
from registry.records import tables as t
from registry.records.bulk import insert_or_update
from registry.sealing import IDENTIFIER, Sealer
from registry.settings import Indexer
from registry.vocabulary import Vocabulary

# Quarantined rows kept from a run that failed as a whole: enough to see what is wrong with the file.
_KEPT_OF_FAILED = 100
# Files of one feed that are taken in a row; a folder with more is gone on with at the next pull.
_MOST_FILES = 1000
# Examples of each kind that a dry run shows.
_EXAMPLES = 5
Progress = Callable[[str, int], None]


@dataclass
class Report:
    """The outcome of a pull.

    Attributes:
        state: that of the run: succeeded, unchanged, held or failed; of a dry run what it would have been.
        source: the source's own name of what was taken.
        more: the source has further files.
        notes: what the transport has to say beside, e.g. that a file came too late.
        held: why the run is held, or what of an earlier one still waits.
        examples: of a dry run: what would change.
    """

    feed: str
    run: int
    state: str
    stamp: str | None = None
    source: str = ""
    more: bool = False
    held: str = ""
    notes: tuple[str, ...] = ()
    error: str = ""
    dry_run: bool = False
    counts: Counts = field(default_factory=Counts)
    examples: list[Example] = field(default_factory=list)

    def as_dict(self) -> dict[str, object]:
        """Return the report as plain values for `--json`."""
        return asdict(self)


class _DryRunError(Exception):
    """Rolls a dry run back."""


@dataclass(frozen=True)
class Puller:
    """Pulls feeds into SQL truth.

    Attributes:
        full: take the feed even when it says that nothing changed, and compare every record.
        reread: as `full`, and normalize every record anew, changed or not.
        again: load also what has been rolled back before.
        dry_run: change nothing, and tell what would change.
        progress: called with a phase (`fetch`, `load`) and a growing number (bytes, rows).
    """

    engine: Engine
    sealer: Sealer
    vocabulary: Vocabulary
    settings: Indexer
    full: bool = False
    reread: bool = False
    again: bool = False
    dry_run: bool = False
    progress: Progress = lambda _phase, _amount: None

    def pull_all(self, feed: FeedDescriptor) -> list[Report]:
        """Pull a feed until its source has nothing more: one run for each file that waits.

        Raises:
            BusyError: another process pulls this feed.
        """
        reports = [self.pull(feed)]
        while reports[-1].more and reports[-1].state != "failed" and len(reports) < _MOST_FILES:
            reports.append(self.pull(feed))
        return reports

    def pull(self, feed: FeedDescriptor) -> Report:
        """Pull one feed, of several files that wait the first.

        A failure of the feed is an outcome, recorded and returned; the last good state stands.

        Raises:
            BusyError: another process pulls this feed.
        """
        with only_one(self.engine, f"pull:{feed.id}", self.settings) as lock:
            with writing(self.engine).begin() as connection:
                describe(connection, feed)
                previous = runs.previous(connection, feed.id)
                run_id = runs.start(connection, feed.id)
            report = Report(feed=feed.id, run=run_id, state="failed", dry_run=self.dry_run)
            try:
                with tempfile.TemporaryDirectory(prefix="registry-feed-") as folder:
                    self._pull(feed, report, previous, Path(folder), lock)
            except RegistryError as error:
                report.state, report.error = "failed", error.detail or error.title
                runs.fail(self.engine, run_id, report.error, report.counts)
            except Exception as error:
                report.error = f"unexpected {type(error).__name__}; see the log of the indexer"
                runs.fail(self.engine, run_id, report.error)
                raise
            if self.dry_run and report.state != "failed":
                self._forget(run_id)
            changed = report.counts.added + report.counts.changed
            refresh_statistics(self.engine, changed, self.settings.batch_rows)
            return report

    def _pull(
        self, feed: FeedDescriptor, report: Report, previous: Previous | None, spool: Path, lock: Guard
    ) -> None:
        # A row of files can't be taken anew: an older one would overwrite what came after it.
        known = None if (self.full or self.reread) and not file_by_file(feed) else previous
        fetched = fetch(
            feed,
            self.settings,
            spool,
            known,
            lambda size: self.progress("fetch", size),
            subjects=lambda: _subjects(self.engine, self.sealer),
            conceal=lambda secret: self.sealer.record_digest(secret).hex(),
        )
        report.stamp, report.source, report.more = fetched.stamp, fetched.name, fetched.more
        report.notes = fetched.notes
        with self.engine.connect() as connection:
            last = runs.last_stamp(connection, feed.id)
            undone = runs.rolled_back(connection, feed.id, fetched.digest)
            waiting = runs.waiting(connection, feed.id)
        if fetched.not_modified and previous and previous.undone:
            raise FeedRejectedError(
                f"{feed.id} has nothing newer than what has been rolled back; nothing was changed. "
                "Its people keep what stood before, and the feed its age, until it gives something new."
            )
        if fetched.not_modified:
            report.state, report.held = "held" if waiting else "unchanged", waiting
            report.stamp = fetched.stamp or last
            with writing(self.engine).begin() as connection:
                _close(connection, report, fetched)
                lock.still_mine(connection)
            return
        _refuse_older(feed.id, fetched.stamp, last)
        if undone is not None and not self.again:
            raise FeedRejectedError(
                f"{feed.id} gave exactly what run {undone} brought, which has been rolled back; nothing was changed. "
                f"If it is right after all: indexer pull {feed.id} --again"
            )
        try:
            self._load(feed, report, fetched, lock, "")
        except HoldError as error:
            report.held = error.reason
            self._load(feed, report, fetched, lock, error.reason)

    def _load(self, feed: FeedDescriptor, report: Report, fetched: Fetched, lock: Guard, hold: str) -> None:
        load: Load | None = None
        try:
            with writing(self.engine).begin() as connection:
                lock.enter(connection)
                load = self._new_load(connection, feed, report, fetched, hold)
                for rows in load.run(parse(feed, fetched, self.settings)):
                    self.progress("load", rows)
                load.finish()
                report.counts, report.state = load.counts, "held" if hold else "succeeded"
                _close(connection, report, fetched, complete=load.complete)
                if not hold:
                    runs.decided(connection, feed.id)
                self._settle(connection, report, lock)
        except _DryRunError:
            return
        except HoldError:
            raise
        except Exception:
            report.state = "failed"
            if load:
                with writing(self.engine).begin() as connection:
                    load.quarantine.write(connection, feed.id, report.run, _KEPT_OF_FAILED)
                    lock.still_mine(connection)
                report.counts = Counts(read=load.counts.read, quarantined=load.counts.quarantined)
            raise

    def _settle(self, connection: sa.Connection, report: Report, lock: Guard) -> None:
        """Let the transaction be committed, or show what it would have done."""
        if self.dry_run:
            report.examples = examples_of(connection, report.run, _EXAMPLES)
            raise _DryRunError
        lock.still_mine(connection)

    def _new_load(
        self, connection: sa.Connection, feed: FeedDescriptor, report: Report, fetched: Fetched, hold: str
    ) -> Load:
        workshop = Workshop(self.engine, self.sealer, self.vocabulary, self.settings)
        return workshop.load(
            connection,
            feed,
            report.run,
            rows_come=True,
            complete=is_complete(feed, fetched),
            context=reading_context(feed),
            limits=feed.limits,
            hold=hold,
            reread=self.reread,
        )

    def _forget(self, run_id: int) -> None:
        """Remove the run that a dry run had to open: it has left nothing behind."""
        with writing(self.engine).begin() as connection:
            connection.execute(sa.delete(t.feed_run).where(t.feed_run.c.id == run_id))


def reading_context(feed: FeedDescriptor) -> bytes:
    """Return everything in a feed's file that decides how its rows are read."""
    return feed.format.encode() + b"\0" + msgspec.json.encode(feed.options)


def _subjects(engine: Engine, sealer: Sealer) -> Iterator[str]:
    """Give the current personal identity numbers of everyone in the registry, but for protected people."""
    number, person = t.identifier, t.practitioner
    last = 0
    while True:
        with engine.connect() as connection:
            rows = connection.execute(
                sa.select(number.c.id, number.c.sealed)
                .join(person, person.c.id == number.c.practitioner_id)
                .where(number.c.id > last, number.c.use == "official", ~person.c.protected)
                .where(number.c.system.in_(sorted(PERSONAL_SYSTEMS)))
                .order_by(number.c.id)
                .limit(1000)
            ).all()
        if not rows:
            return
        last = rows[-1].id
        for row in rows:
            yield sealer.open(bytes(row.sealed), context=IDENTIFIER).decode()


def describe(connection: sa.Connection, feed: FeedDescriptor) -> None:
    """Write the feed and its authority as their file describes them now."""
    _upsert(
        connection,
        t.authority,
        {
            "id": feed.authority.id,
            "name_sv": feed.authority.name_sv,
            "name_en": feed.authority.name_en,
            "jurisdiction": feed.authority.jurisdiction,
            "url": feed.authority.url,
        },
    )
    _upsert(
        connection,
        t.feed,
        {
            "id": feed.id,
            "authority_id": feed.authority.id,
            "name_sv": feed.name_sv,
            "name_en": feed.name_en,
            "format": feed.format,
            "completeness": feed.completeness,
            "mode": feed.mode,
            "max_age_hours": feed.max_age_hours,
            "silence_sv": feed.silence_sv,
            "silence_en": feed.silence_en,
        },
    )


def _upsert(connection: sa.Connection, table: sa.Table, values: dict[str, object]) -> None:
    # Not the id itself: for a key that is set, SQLite looks through every row that refers to it.
    told = {name: value for name, value in values.items() if name != "id"}
    updated = connection.execute(sa.update(table).where(table.c.id == values["id"]).values(told))
    if not updated.rowcount:
        # Another feed of the authority may be described for the first time at this very moment.
        connection.execute(insert_or_update(connection, table, values, told))


def _refuse_older(feed_id: str, stamp: str | None, last: str | None) -> None:
    """Keep an older file from overwriting a newer one, whenever it arrives.

    Raises:
        FeedRejectedError: the feed's own stamp is older than that of the last good run.
    """
    if stamp and last and datetime.fromisoformat(stamp) < datetime.fromisoformat(last):
        raise FeedRejectedError(
            f"What {feed_id} gave is stamped {stamp}, older than the {last} that stands; nothing was changed. "
            "Look at the source: it may serve an old copy."
        )


def _close(
    connection: sa.Connection, report: Report, fetched: Fetched, *, complete: bool | None = None
) -> None:
    runs.close(
        connection,
        report.run,
        report.state,
        report.counts,
        stamp=report.stamp,
        etag=fetched.etag,
        content_digest=fetched.digest,
        source_name=fetched.name,
        complete=complete,
        held_reason=report.held,
        notes="\n".join(fetched.notes),
    )
