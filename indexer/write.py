"""Writing changed source records into SQL truth: current facts, history and outbox, in the caller's transaction."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from indexer import history
from indexer.change import Change, Refreshed
from indexer.fold import fold_people, tell_outbox
from registry.identifiers import PERSONAL_SYSTEMS
from registry.records import bulk
from registry.records import tables as t
from registry.records.allocate import allocate
from registry.records.facts import LicenceFacts
from registry.sealing import IDENTIFIER, Sealer

_ENCODER = msgspec.json.Encoder()
_RECORD_FIELDS = (
    "digest",
    "facts_digest",
    "person_digest",
    "fingerprint",
    "birth_date",
    "deceased",
    "deceased_date",
    "protected",
    "county",
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
        self._licences([change for change in changes if not change.emptied])
        self._forget_quarantine([change.key for change in changes if change.facts.protected])
        counts = Counter(_known(change.practitioner_id) for change in changes)
        alone = {
            c.practitioner_id for c in changes if c.new_public_id and counts[_known(c.practitioner_id)] == 1
        }
        fold_people(self.connection, counts.keys() - alone)
        tell_outbox(self.connection, counts, self.now)

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
        record, licence = t.source_record, t.licence
        source_ids = list(records)
        self.connection.execute(
            sa.update(record)
            .where(record.c.id.in_(bulk.ids(self.connection, source_ids)))
            .values(gone_run_id=self.run_id)
        )
        standing = history.licences_of(self.connection, source_ids)
        self._end(
            [row.id for rows in standing.values() for row in rows.values() if row.gone_run_id is None],
            licence,
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
            (*_RECORD_FIELDS, "run_id", "practitioner_id", "gone_run_id", "checked_run_id"),
            [
                (
                    c.record_id,
                    *_record(c),
                    # What was only read anew still stands from the run that brought it.
                    self.run_id if c.sealed or c.head is None or c.head.gone else c.head.run_id,
                    c.practitioner_id,
                    None,
                    self.run_id,
                )
                for c in changes
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

    def _licences(self, changes: list[Change]) -> None:
        standing = history.licences_of(self.connection, [c.head.id for c in changes if c.head])
        known = history.current_facts(
            self.connection, [row.id for rows in standing.values() for row in rows.values()]
        )
        new: list[tuple[Change, LicenceFacts]] = []
        changed: list[tuple[int, LicenceFacts]] = []
        ended: list[int] = []
        for change in changes:
            before = standing.get(_known(change.record_id), {})
            sent = {licence.key: licence for licence in change.facts.licences}
            for key, licence in sent.items():
                row = before.get(key)
                if row is None:
                    new.append((change, licence))
                elif row.gone_run_id is not None or known.get(row.id) != encode(licence):
                    changed.append((row.id, licence))
            ended += [row.id for key, row in before.items() if key not in sent and row.gone_run_id is None]
        self._new_licences(new)
        self._changed_licences(changed)
        self._end(ended, t.licence)

    def _new_licences(self, new: list[tuple[Change, LicenceFacts]]) -> None:
        if not new:
            return
        numbers = allocate(self.connection, len(new))
        head = ("id", "practitioner_id", "source_record_id", "feed_id", "authority_id", "key")
        bulk.insert_rows(
            self.connection,
            t.licence,
            (*head, *history.LICENCE_FIELDS, "run_id"),
            [
                (
                    number,
                    c.practitioner_id,
                    c.record_id,
                    self.feed_id,
                    self.authority_id,
                    f.key,
                    *history.licence_row(f),
                    self.run_id,
                )
                for number, (c, f) in zip(numbers, new, strict=True)
            ],
        )
        self._details_and_versions([(number, f) for number, (_, f) in zip(numbers, new, strict=True)])

    def _changed_licences(self, changed: list[tuple[int, LicenceFacts]]) -> None:
        if not changed:
            return
        ids = [number for number, _ in changed]
        bulk.update_rows(
            self.connection,
            t.licence,
            (*history.LICENCE_FIELDS, "gone_run_id", "run_id"),
            [(n, *history.licence_row(f), None, self.run_id) for n, f in changed],
        )
        for detail in (t.specialty, t.restriction):
            self.connection.execute(
                sa.delete(detail).where(detail.c.licence_id.in_(bulk.ids(self.connection, ids)))
            )
        history.close(self.connection, ids, self.run_id)
        self._details_and_versions(changed)

    def _details_and_versions(self, licences: list[tuple[int, LicenceFacts]]) -> None:
        bulk.insert_rows(
            self.connection,
            t.specialty,
            ("licence_id", "code", "system", "text", "valid_from"),
            [(n, s.code, s.system, s.text, s.valid_from) for n, f in licences for s in f.specialties],
        )
        bulk.insert_rows(
            self.connection,
            t.restriction,
            ("licence_id", "kind", "code", "text", "valid_from", "valid_to"),
            [
                (n, r.kind, r.code, r.text, r.valid_from, r.valid_to)
                for n, f in licences
                for r in f.restrictions
            ],
        )
        history.open_versions(self.connection, [(n, encode(f)) for n, f in licences], self.run_id, gone=False)

    def _end(self, ids: list[int], licence: sa.Table) -> None:
        """Mark licences that the feed no longer holds; their last facts stay, with history."""
        if not ids:
            return
        facts = history.current_facts(self.connection, ids)
        self.connection.execute(
            sa.update(licence)
            .where(licence.c.id.in_(bulk.ids(self.connection, ids)))
            .values(gone_run_id=self.run_id, run_id=self.run_id)
        )
        history.close(self.connection, ids, self.run_id)
        history.open_versions(self.connection, list(facts.items()), self.run_id, gone=True)


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


def encode(facts: LicenceFacts) -> str:
    """Return licence facts as the JSON text that history keeps and that tells whether anything changed."""
    return _ENCODER.encode(facts).decode()


def _known(number: int | None) -> int:
    assert number is not None, "people and records are numbered before anything is written"
    return number
