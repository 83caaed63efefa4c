"""Replaying: practitioners and licences are made anew from the stored source records, after the reading of them changed.

The truth is a fold over what the authorities sent, so a better normalizer or a new word in a vocabulary needs no new
pull. Only where the outcome differs is anything written. Every batch is a transaction that also notes how far it has
come: after a crash the next start goes on from there.
"""

import hashlib
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import sqlalchemy as sa

from indexer import runs
from indexer.change import Change, facts_digest
from indexer.feeds.descriptor import FeedDescriptor
from indexer.feeds.rows import BadRow
from indexer.heads import Head, heads_by_id, latest_payloads
from indexer.load import Counts, Load
from indexer.lock import Guard, only_one
from indexer.normalize.errors import BadRecordError
from indexer.payloads import open_payload
from indexer.pull import describe, reading_context
from indexer.quarantine import TEST_PERSON
from indexer.statistics import refresh_statistics
from indexer.workshop import BATCH, Done, Workshop
from registry.database import writing
from registry.records import tables as t
from registry.records.facts import PersonFacts
from registry.settings import CONFIG

_RECORD, _RUN = t.source_record, t.feed_run
Progress = Callable[[str, int], None]


def renormalize(workshop: Workshop, feed: FeedDescriptor, progress: Progress) -> Done:
    """Read every standing record of a feed anew.

    Left out are records that the feed no longer holds (what was last known of them stays as it was known) and those that
    wait for a decision.

    Raises:
        BusyError: the feed is being pulled.
    """
    with only_one(workshop.engine, f"pull:{feed.id}", workshop.settings) as lock:
        with writing(workshop.engine).begin() as connection:
            run_id, position, counts = _start_or_go_on(connection, feed)
        done = Done(feed.id, run_id, counts=counts)
        last: int | None = position
        while last is not None:
            last = _batch(workshop, feed, done, last, lock)
            progress("renormalize", counts.read)
        with writing(workshop.engine).begin() as connection:
            runs.close(connection, run_id, "succeeded", counts)
    refresh_statistics(workshop.engine, counts.reread, workshop.settings.batch_rows)
    return done


def reading_digest(feed: FeedDescriptor) -> bytes:
    """Return a digest of everything that decides how records are read: options, vocabularies and normalizers."""
    digest = hashlib.sha256(reading_context(feed))
    sources = [*(CONFIG / "vocabulary").glob("*.toml"), *(Path(__file__).parent / "normalize").glob("*.py")]
    for path in sorted(sources):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.digest()


def _start_or_go_on(connection: sa.Connection, feed: FeedDescriptor) -> tuple[int, int, Counts]:
    """Return the run, the record to go on after, and what was counted so far."""
    reading = reading_digest(feed)
    row = connection.execute(
        sa.select(_RUN)
        .where((_RUN.c.feed_id == feed.id) & (_RUN.c.kind == "renormalize") & (_RUN.c.state == "running"))
        .order_by(_RUN.c.id.desc())
        .limit(1)
    ).first()
    if row is not None and row.normalizer == reading:
        counts = Counts(
            read=row.records_read,
            reread=row.records_changed,
            unchanged=row.records_unchanged,
            removed=row.records_removed,
            quarantined=row.records_quarantined,
            test_people=row.test_people,
        )
        return row.id, row.position or 0, counts
    describe(connection, feed)
    run_id = runs.start(connection, feed.id, "renormalize")
    connection.execute(sa.update(_RUN).where(_RUN.c.id == run_id).values(normalizer=reading, position=0))
    return run_id, 0, Counts()


def _batch(workshop: Workshop, feed: FeedDescriptor, done: Done, last: int, lock: Guard) -> int | None:
    """Treat the records after `last`; return the last of them, or None when there are no more."""
    with writing(workshop.engine).begin() as connection:
        ids = connection.scalars(
            sa.select(_RECORD.c.id)
            .where((_RECORD.c.feed_id == feed.id) & (_RECORD.c.id > last))
            .where(_RECORD.c.gone_run_id.is_(None) & _RECORD.c.held_run_id.is_(None))
            .order_by(_RECORD.c.id)
            .limit(BATCH)
        ).all()
        if not ids:
            return None
        load = workshop.load(connection, feed, done.run)
        _read_anew(load, heads_by_id(connection, ids), latest_payloads(connection, ids))
        load.quarantine.write(connection, feed.id, done.run)
        _add(done.counts, load.counts)
        runs.close(connection, done.run, "running", done.counts, position=ids[-1], finished_at=None)
        lock.still_mine(connection)
    return int(ids[-1])


def _read_anew(load: Load, heads: dict[int, Head], payloads: dict[int, bytes]) -> None:
    changes: list[Change] = []
    nobody: dict[int, int] = {}
    for head in heads.values():
        load.counts.read += 1
        payload = open_payload(load.sealer, payloads[head.id])
        # A protected record that came without its key has no digest: what it said is not its payload.
        facts = _facts(load, head, payload) if head.digest else None
        if facts is None:
            continue
        if load.test_people.reason(facts, head.key):
            load.counts.test_people += 1
            load.quarantine.add(BadRow(0, load.shown(head.key), "", "a test person", ""), TEST_PERSON)
            nobody[head.id] = head.practitioner_id
        elif facts_digest(load.sealer, facts) == head.facts_digest:
            load.counts.unchanged += 1
        else:
            changes.append(Change(head.key, facts, head.digest, payload, head.fingerprint, head))
    load.apply(changes)
    load.writer().remove(nobody)
    load.counts.removed += len(nobody)


def _facts(load: Load, head: Head, payload: bytes) -> PersonFacts | None:
    try:
        return load.normalizer.facts(payload)
    except BadRecordError as error:
        load.counts.quarantined += 1
        load.quarantine.unreadable(0, load.shown(head.key), error, payload)
        return None


def _add(total: Counts, more: Counts) -> None:
    for name, value in asdict(more).items():
        setattr(total, name, getattr(total, name) + value)
