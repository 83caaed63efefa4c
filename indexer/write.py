"""Writing changed source records into SQL truth: current facts, history and outbox, in the caller's transaction."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from indexer import history
from indexer.change import Change, Refreshed
from indexer.fold import fold_people, tell_outbox
from indexer.heads import PERSON_FIELDS
from indexer.licences import Licences
from registry.identifiers import PERSONAL_SYSTEMS
from registry.records import bulk
from registry.records import tables as t
from registry.records.allocate import allocate, renew
from registry.sealing import IDENTIFIER, Sealer

_RECORD_FIELDS = (
    "digest",
    "facts_digest",
    "person_digest",
    "fingerprint",
    *PERSON_FIELDS,
)


@dataclass
class Writer:
    """Writes one batch of changes, or of removals."""

    connection: sa.Connection
    feed_id: str
    authority_id: str
    run_id: int
    now: datetime
    sealer: Sealer

    def write(self, changes: list[Change]) -> None:
        """Write records, people, names, identifiers, licences, history and outbox rows of a batch."""
        self._new_people(changes)
        self._records(changes)
        self._names_and_identifiers(changes)
        self._licences().write([change for change in changes if not change.emptied])
        self._forget_quarantine([change.key for change in changes if change.facts.protected])
        counts = Counter(_known(change.practitioner_id) for change in changes)
        # Made from one record that was never seen before.
        alone = {
            number
            for change in changes
            if change.new_public_id and counts[number := _known(change.practitioner_id)] == 1
        }
        folded = {_known(c.practitioner_id) for c in changes if not c.folds_alike} - alone
        fold_people(self.connection, folded)
        # What the records of the others say of them together is what it was.
        renew(self.connection, counts.keys() - folded - alone)
        tell_outbox(self.connection, counts, self.now, made=alone)

    def _forget_quarantine(self, keys: Sequence[str]) -> None:
        """Blank what earlier receipts tell of records that are hidden now."""
        if keys:
            table = t.quarantined_record
            self.connection.execute(
                sa.update(table)
                .where((table.c.feed_id == self.feed_id) & table.c.key.in_(bulk.keys(self.connection, keys)))
                .values(key="", echo="")
            )

    def refresh(self, records: Sequence[Refreshed]) -> None:
        """Note the new bytes of records whose facts are the same: neither history nor documents change."""
        if not records:
            return
        bulk.update_rows(
            self.connection,
            t.source_record,
            ("fingerprint", "checked_run_id"),
            [(one.record_id, one.fingerprint, self.run_id) for one in records],
        )
        bulk.update_rows(
            self.connection,
            t.source_record,
            ("digest",),
            [(one.record_id, one.digest) for one in records if one.sealed],
        )
        bulk.insert_rows(
            self.connection,
            t.source_record_version,
            ("source_record_id", "run_id", "digest", "payload"),
            [(one.record_id, self.run_id, one.digest, one.sealed) for one in records if one.sealed],
        )

    def remove(self, records: Mapping[int, int]) -> None:
        """Mark source records (id → practitioner id) as gone, and their licences with them."""
        record = t.source_record
        source_ids = list(records)
        self.connection.execute(
            sa.update(record)
            .where(record.c.id.in_(bulk.ids(self.connection, source_ids)))
            .values(gone_run_id=self.run_id)
        )
        standing = history.licences_of(self.connection, source_ids)
        self._licences().end(
            [row.id for rows in standing.values() for row in rows.values() if row.gone_run_id is None]
        )
        people = set(records.values())
        fold_people(self.connection, people)
        tell_outbox(self.connection, people, self.now)

    def protect(self, records: Mapping[int, int]) -> None:
        """Mark source records (id → practitioner id) as of a protected person; nothing else of them changes."""
        if not records:
            return
        table = t.source_record
        # The digest no longer is that of what was last read, so that the next whole record is read anew.
        self.connection.execute(
            sa.update(table)
            .where(table.c.id.in_(bulk.ids(self.connection, records)))
            .values(
                protected=True, digest=b"", facts_digest=None, fingerprint=None, checked_run_id=self.run_id
            )
        )
        keys = self.connection.scalars(
            sa.select(table.c.key).where(table.c.id.in_(bulk.ids(self.connection, records)))
        )
        self._forget_quarantine(keys.all())
        people = set(records.values())
        fold_people(self.connection, people)
        tell_outbox(self.connection, people, self.now)

    def _licences(self) -> Licences:
        return Licences(self.connection, self.feed_id, self.authority_id, self.run_id)

    def _new_people(self, changes: list[Change]) -> None:
        rows = [
            (
                change.practitioner_id,
                change.new_public_id,
                change.facts.birth_date,
                change.facts.deceased,
                change.facts.deceased_date,
                change.facts.protected,
                change.facts.county,
                change.practitioner_id,
            )
            for change in changes
            if change.new_public_id
        ]
        columns = (
            "id",
            "public_id",
            "birth_date",
            "deceased",
            "deceased_date",
            "protected",
            "county",
            "version",
        )
        bulk.insert_rows(self.connection, t.practitioner, columns, rows)

    def _records(self, changes: list[Change]) -> None:
        new = [change for change in changes if change.record_id is None]
        for change, number in zip(new, allocate(self.connection, len(new)) if new else (), strict=True):
            change.record_id = number
        bulk.insert_rows(
            self.connection,
            t.source_record,
            ("id", "feed_id", "key", "practitioner_id", *_RECORD_FIELDS, "run_id", "checked_run_id"),
            [
                (c.record_id, self.feed_id, c.key, c.practitioner_id, *_record(c), self.run_id, self.run_id)
                for c in new
            ],
        )
        fresh = {id(change) for change in new}
        self._update_records([c for c in changes if id(c) not in fresh])
        bulk.insert_rows(
            self.connection,
            t.source_record_version,
            ("source_record_id", "run_id", "digest", "payload"),
            [(c.record_id, self.run_id, c.digest, c.sealed) for c in changes if c.sealed],
        )

    def _update_records(self, changes: list[Change]) -> None:
        bulk.update_rows(
            self.connection,
            t.source_record,
            (*_RECORD_FIELDS, "run_id", "gone_run_id", "checked_run_id"),
            [
                (
                    c.record_id,
                    *_record(c),
                    # What was only read anew still stands from the run that brought it.
                    self.run_id if c.sealed or c.head is None or c.head.gone else c.head.run_id,
                    None,
                    self.run_id,
                )
                for c in changes
            ],
        )
        # Apart, since setting a column costs its index even if it is set to what it is.
        bulk.update_rows(
            self.connection,
            t.source_record,
            ("practitioner_id",),
            [
                (c.record_id, c.practitioner_id)
                for c in changes
                if c.head and c.head.practitioner_id != c.practitioner_id
            ],
        )

    def _names_and_identifiers(self, changes: list[Change]) -> None:
        news = [change for change in changes if not change.same_person]
        full = [change for change in news if not change.nameless]
        every = [change for change in news if not change.nameless or change.emptied]
        self._delete_of_records(t.practitioner_name, full)
        self._delete_of_records(t.identifier, every)
        bulk.insert_rows(
            self.connection,
            t.practitioner_name,
            (
                "practitioner_id",
                "source_record_id",
                "use",
                "text",
                "family",
                "given",
                "middle",
                "prefix",
                "suffix",
            ),
            [
                (
                    c.practitioner_id,
                    c.record_id,
                    n.use,
                    n.display(),
                    n.family,
                    " ".join(n.given),
                    n.middle,
                    n.prefix,
                    n.suffix,
                )
                for c in full
                for n in c.facts.names
            ],
        )
        bulk.insert_rows(
            self.connection,
            t.identifier,
            ("practitioner_id", "source_record_id", "system", "use", "value", "digest", "sealed"),
            [
                (c.practitioner_id, c.record_id, i.system, i.use, *self._kept(i.system, i.value))
                for c in every
                for i in c.facts.identifiers
            ],
        )

    def _kept(self, system: str, value: str) -> tuple[str | None, bytes | None, bytes | None]:
        if system in PERSONAL_SYSTEMS:
            return (
                None,
                self.sealer.digest(value),
                self.sealer.seal(value.encode(), context=IDENTIFIER),
            )
        return value, None, None

    def _delete_of_records(self, table: sa.Table, changes: list[Change]) -> None:
        ids = [change.head.id for change in changes if change.head]
        if ids:
            self.connection.execute(
                sa.delete(table).where(table.c.source_record_id.in_(bulk.ids(self.connection, ids)))
            )


def _record(change: Change) -> tuple[Any, ...]:
    """Return the values of _RECORD_FIELDS."""
    facts = change.facts
    return (
        change.digest,
        change.facts_digest,
        # Without names of its own the record keeps those it had, which its facts don't tell.
        None if change.nameless else change.person_digest,
        change.fingerprint,
        facts.birth_date,
        facts.deceased,
        facts.deceased_date,
        facts.protected,
        facts.county,
    )


def _known(number: int | None) -> int:
    assert number is not None, "people and records are numbered before anything is written"
    return number
