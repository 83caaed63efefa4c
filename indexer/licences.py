"""Writing the licences of changed source records: current facts and history, in the caller's transaction."""

from dataclasses import dataclass

import sqlalchemy as sa

from indexer import history
from indexer.change import Change
from indexer.history import decode, encode
from registry.records import bulk
from registry.records import tables as t
from registry.records.allocate import allocate
from registry.records.facts import LicenceFacts


@dataclass
class Licences:
    """Writes the licences of one batch."""

    connection: sa.Connection
    feed_id: str
    authority_id: str
    run_id: int

    def write(self, changes: list[Change]) -> None:
        """Write what numbered changes say of licences: new ones, changed ones, and those no longer held."""
        standing = history.licences_of(self.connection, [c.head.id for c in changes if c.head])
        known = history.current_facts(
            self.connection, [row.id for rows in standing.values() for row in rows.values()]
        )
        new: list[tuple[Change, LicenceFacts]] = []
        changed: list[tuple[int, LicenceFacts, LicenceFacts | None]] = []
        ended: list[int] = []
        for change in changes:
            before = standing.get(change.record_id or 0, {})
            sent = {licence.key: licence for licence in change.facts.licences}
            for key, licence in sent.items():
                row = before.get(key)
                if row is None:
                    new.append((change, licence))
                elif row.gone_run_id is not None or known.get(row.id) != encode(licence):
                    old = known.get(row.id)
                    changed.append((row.id, licence, decode(old) if old else None))
            ended += [row.id for key, row in before.items() if key not in sent and row.gone_run_id is None]
        self._new_licences(new)
        self._changed_licences(changed)
        self.end(ended)

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
        numbered = [(number, f) for number, (_, f) in zip(numbers, new, strict=True)]
        self._specialties(numbered)
        self._restrictions(numbered)
        history.open_versions(self.connection, [(n, encode(f)) for n, f in numbered], self.run_id, gone=False)

    def _changed_licences(self, changed: list[tuple[int, LicenceFacts, LicenceFacts | None]]) -> None:
        """Write licences as id, new facts and those that stood. What stays as it is costs nothing: most of it does."""
        if not changed:
            return
        bulk.update_rows(
            self.connection,
            t.licence,
            (*history.PLAIN_FIELDS, "gone_run_id", "run_id"),
            [(n, *history.plain_row(f), None, self.run_id) for n, f, _ in changed],
        )
        bulk.update_rows(
            self.connection,
            t.licence,
            history.NUMBER_FIELDS,
            [(n, *history.number_row(f)) for n, f, old in changed if old is None or old.number != f.number],
        )
        for table, same in ((t.specialty, _same_specialties), (t.restriction, _same_restrictions)):
            others = [n for n, f, old in changed if not same(f, old)]
            if others:
                self.connection.execute(
                    sa.delete(table).where(table.c.licence_id.in_(bulk.ids(self.connection, others)))
                )
        self._specialties([(n, f) for n, f, old in changed if not _same_specialties(f, old)])
        self._restrictions([(n, f) for n, f, old in changed if not _same_restrictions(f, old)])
        history.close(self.connection, [n for n, _, _ in changed], self.run_id)
        history.open_versions(
            self.connection, [(n, encode(f)) for n, f, _ in changed], self.run_id, gone=False
        )

    def _specialties(self, licences: list[tuple[int, LicenceFacts]]) -> None:
        bulk.insert_rows(
            self.connection,
            t.specialty,
            ("licence_id", "code", "system", "text", "valid_from"),
            [(n, s.code, s.system, s.text, s.valid_from) for n, f in licences for s in f.specialties],
        )

    def _restrictions(self, licences: list[tuple[int, LicenceFacts]]) -> None:
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

    def end(self, ids: list[int]) -> None:
        """Mark licences that the feed no longer holds; their last facts stay, with history."""
        if not ids:
            return
        facts = history.current_facts(self.connection, ids)
        self.connection.execute(
            sa.update(t.licence)
            .where(t.licence.c.id.in_(bulk.ids(self.connection, ids)))
            .values(gone_run_id=self.run_id, run_id=self.run_id)
        )
        history.close(self.connection, ids, self.run_id)
        history.open_versions(self.connection, list(facts.items()), self.run_id, gone=True)


def _same_specialties(new: LicenceFacts, old: LicenceFacts | None) -> bool:
    return old is not None and old.specialties == new.specialties


def _same_restrictions(new: LicenceFacts, old: LicenceFacts | None) -> bool:
    return old is not None and old.restrictions == new.restrictions
