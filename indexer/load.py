"""Loading a feed's records into SQL truth: compare by digest, normalize what changed, write it with its history.

Everything of one run happens in the one transaction of the caller: a crash anywhere leaves the last good state.
"""

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Protocol

import orjson
import sqlalchemy as sa

from indexer.feeds import BadRow, SourceRow
from indexer.feeds.rows import echo
from indexer.guard import Guard
from indexer.normalize import BadRecordError
from indexer.people import find_or_make_people
from indexer.write import Change, Writer
from registry.identifiers import PERSONAL_SYSTEMS, mask_personal_numbers
from registry.records import bulk
from registry.records import tables as t
from registry.records.facts import PersonFacts
from registry.sealing import Sealer
from registry.settings import Indexer

PAYLOAD_CONTEXT = b"source-record"

# Keys seen in this run: tells duplicates, and afterwards what a full file no longer holds. A temporary table,
# so that memory stays flat for a register of any size.
_seen = sa.Table(
    "run_seen",
    sa.MetaData(),
    sa.Column("key", sa.Text, primary_key=True),
    prefixes=["TEMPORARY"],
)


class Normalizes(Protocol):
    """What the loader needs of a normalizer."""

    def facts(self, payload: bytes) -> PersonFacts:
        """Return what the record says, or raise BadRecordError."""


@dataclass
class Counts:
    """What a run did, in source records. `reread`: unchanged, but normalized anew."""

    read: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: int = 0
    withheld: int = 0
    quarantined: int = 0
    duplicates: int = 0
    reread: int = 0


@dataclass(frozen=True, slots=True)
class Head:
    """The current state of a source record, as the loader needs it."""

    id: int
    practitioner_id: int
    digest: bytes
    gone: bool


@dataclass
class Load:
    """One run of one feed.

    Attributes:
        connection: in a write transaction; committed by the caller.
        snapshot: the file is the whole register, so that what is absent is gone.
        reread: normalize every record, changed or not (after the normalizer or a vocabulary changed).
    """

    connection: sa.Connection
    feed_id: str
    authority_id: str
    run_id: int
    now: datetime
    sealer: Sealer
    normalizer: Normalizes
    settings: Indexer
    snapshot: bool
    reread: bool = False
    counts: Counts = field(default_factory=Counts)
    quarantined: list[BadRow] = field(default_factory=list)

    def run(self, rows: Iterable[SourceRow | BadRow]) -> Iterator[int]:
        """Load all rows; yields the number of rows read so far after each batch.

        Raises:
            FeedRejectedError: too many rows are bad; nothing of this run is kept.
        """
        _seen.drop(self.connection, checkfirst=True)
        _seen.create(self.connection)
        guard = Guard(self.settings)
        stream = iter(rows)
        while batch := list(islice(stream, self.settings.batch_rows)):
            self.counts.read += len(batch)
            good = [row for row in batch if isinstance(row, SourceRow)]
            for row in batch:
                if isinstance(row, BadRow):
                    self._quarantine(row)
            self._batch(good)
            guard.check_quarantine(self.counts.quarantined, self.counts.read, final=False)
            yield self.counts.read
        guard.check_quarantine(self.counts.quarantined, self.counts.read, final=True)

    def remove_absent(self, approved: int) -> None:
        """Mark what a full file no longer held, unless so much is gone that the file itself is in doubt.

        A snapshot only; a delta's silence means nothing.
        """
        if not self.snapshot:
            return
        record = t.source_record
        standing = (record.c.feed_id == self.feed_id) & record.c.gone_run_id.is_(None)
        absent = standing & ~sa.exists().where(_seen.c.key == record.c.key)
        total = self.connection.scalar(sa.select(sa.func.count()).where(standing)) or 0
        missing = self.connection.scalar(sa.select(sa.func.count()).where(absent)) or 0
        if not missing:
            return
        if not Guard(self.settings).allows_removal(missing, total, approved):
            self.counts.withheld = missing
            return
        rows = self.connection.execute(sa.select(record.c.id, record.c.practitioner_id).where(absent)).all()
        writer = self._writer()
        for start in range(0, len(rows), self.settings.batch_rows):
            some = rows[start : start + self.settings.batch_rows]
            writer.remove({row.id: row.practitioner_id for row in some})
        self.counts.removed = missing

    def _writer(self) -> Writer:
        return Writer(
            connection=self.connection,
            feed_id=self.feed_id,
            authority_id=self.authority_id,
            run_id=self.run_id,
            now=self.now,
            sealer=self.sealer,
        )

    def _batch(self, rows: list[SourceRow]) -> None:
        digests = {id(row): self.sealer.record_digest(row.payload) for row in rows}
        rows = self._first_of_each_key(rows, digests)
        heads = self._heads([row.key for row in rows])
        changes: list[Change] = []
        for row in rows:
            head = heads.get(row.key)
            digest = digests[id(row)]
            if head and head.digest == digest and not head.gone and not self.reread:
                self.counts.unchanged += 1
                continue
            try:
                facts = self.normalizer.facts(row.payload)
            except BadRecordError as error:
                self._quarantine(
                    BadRow(
                        row=row.row,
                        key=row.key,
                        field=error.field,
                        reason=error.reason,
                        echo=_echo(row.payload, error.field),
                    )
                )
                continue
            known = head is not None and head.digest == digest
            sealed = b"" if known else self._seal(row.payload)
            changes.append(
                Change(
                    row.key,
                    facts,
                    digest,
                    sealed,
                    head.id if head else None,
                    head.practitioner_id if head else None,
                )
            )
            if head and known and not head.gone:
                self.counts.reread += 1
            elif head:
                self.counts.changed += 1
            else:
                self.counts.added += 1
        if changes:
            find_or_make_people(self.connection, self.sealer, changes)
            self._writer().write(changes)

    def _seal(self, payload: bytes) -> bytes:
        # A small window: records are some kilobytes, and setting up the usual one costs more than packing them.
        packer = zlib.compressobj(1, zlib.DEFLATED, 12, 5)
        return self.sealer.seal(packer.compress(payload) + packer.flush(), context=PAYLOAD_CONTEXT)

    def _first_of_each_key(self, rows: list[SourceRow], digests: dict[int, bytes]) -> list[SourceRow]:
        """Drop repeats; a repeat that says something else than the first is quarantined, not believed."""
        first: dict[str, SourceRow] = {}
        repeats: list[SourceRow] = []
        for row in rows:
            if row.key in first:
                repeats.append(row)
            else:
                first[row.key] = row
        new = set(self._mark_seen(list(first)))
        earlier = [row for row in first.values() if row.key not in new]
        known = {row.key: digests[id(row)] for row in first.values() if row.key in new}
        known |= {key: head.digest for key, head in self._heads([row.key for row in earlier]).items()}
        for row in repeats + earlier:
            if known.get(row.key) == digests[id(row)]:
                self.counts.duplicates += 1
            else:
                self._quarantine(
                    BadRow(
                        row=row.row,
                        key=row.key,
                        field="key",
                        reason="the same key stands in an earlier row of this file with other content",
                        echo="",
                    )
                )
        return [row for row in first.values() if row.key in new]

    def _mark_seen(self, keys: list[str]) -> Iterable[str]:
        if not keys:
            return ()
        source = bulk.keys(self.connection, keys)
        known = sa.select(_seen.c.key).where(_seen.c.key.in_(source))
        new = set(keys).difference(self.connection.scalars(known))
        bulk.insert_rows(self.connection, _seen, ("key",), [(key,) for key in new])
        return new

    def _heads(self, keys: list[str]) -> dict[str, Head]:
        if not keys:
            return {}
        record = t.source_record
        rows = self.connection.execute(
            sa.select(
                record.c.key, record.c.id, record.c.practitioner_id, record.c.digest, record.c.gone_run_id
            ).where((record.c.feed_id == self.feed_id) & record.c.key.in_(bulk.keys(self.connection, keys)))
        )
        return {
            row.key: Head(row.id, row.practitioner_id, row.digest, row.gone_run_id is not None)
            for row in rows
        }

    def _quarantine(self, row: BadRow) -> None:
        self.counts.quarantined += 1
        self.quarantined.append(row)
        # A row that can't be read is no proof that its record is gone.
        if row.key:
            self._mark_seen([row.key])
        if row.protected:
            self._protect(row.protected)

    def _protect(self, payload: bytes) -> None:
        """Hide whoever a protected record without a key is about: the one row that may never be merely put aside."""
        digests = [
            self.sealer.digest(identifier.value)
            for identifier in self.normalizer.facts(payload).identifiers
            if identifier.system in PERSONAL_SYSTEMS
        ]
        record, number = t.source_record, t.identifier
        rows = self.connection.execute(
            sa.select(record.c.id, record.c.key, record.c.practitioner_id)
            .where(record.c.feed_id == self.feed_id)
            .where(
                record.c.practitioner_id.in_(
                    sa.select(number.c.practitioner_id).where(number.c.digest.in_(digests))
                )
            )
        ).all()
        self._mark_seen([row.key for row in rows])
        self._writer().protect({row.id: row.practitioner_id for row in rows})


def write_quarantine(connection: sa.Connection, feed_id: str, run_id: int, rows: list[BadRow]) -> None:
    """Keep what could not be loaded: row, field, reason and an echo without personal identity numbers."""
    bulk.insert_rows(
        connection,
        t.quarantined_record,
        ("feed_id", "run_id", "row_number", "key", "field", "reason", "echo"),
        [
            (feed_id, run_id, row.row, row.key, row.field, row.reason, mask_personal_numbers(row.echo)[:200])
            for row in rows
        ],
    )


def _echo(payload: bytes, field: str) -> str:
    """Return the one field that is wrong: enough to see why, and nothing else about the person."""
    try:
        record = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return ""
    value = record.get(field) if isinstance(record, dict) else None
    return "" if value is None else echo(str(value))
