"""Loading a feed's records into SQL truth: meet what is known, normalize what changed, write it with its history.

Everything of one run happens in the one transaction of the caller: a crash anywhere leaves the last good state.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from indexer import held
from indexer.change import Change, Refreshed, ended_licences
from indexer.feeds.descriptor import AS_CONFIGURED, Limits
from indexer.feeds.formats import Normalizes
from indexer.feeds.rows import BadRow, GoneRow, Parsed, Row, SourceRow, UnreadRows, batches
from indexer.guard import Guard
from indexer.heads import Head, heads_by_key, latest_payloads
from indexer.joins import record_joins
from indexer.known import NOTHING_KNOWN, load_known
from indexer.normalize.errors import BadRecordError
from indexer.payloads import open_payload, seal_payload
from indexer.people import find_or_make_people
from indexer.quarantine import CONFLICT, TEST_PERSON, UNREADABLE, Quarantine
from indexer.statistics import keep_statistics
from indexer.testpeople import EVERYBODY, TestPeople
from indexer.vanished import Vanished
from indexer.write import Writer
from registry.identifiers import PERSONAL_SYSTEMS
from registry.records import tables as t
from registry.records.facts import PersonFacts
from registry.sealing import Sealer
from registry.settings import Indexer


@dataclass
class Counts:
    """What a run did, in source records.

    Attributes:
        unchanged: say what they said; also in other bytes.
        immaterial: say something else, but nothing that the registry keeps.
        withheld, changes_withheld: removals and changes put aside by a held run.
        reread: unchanged, but normalized anew with another outcome.
        test_people: refused because nobody real is meant.
    """

    read: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    immaterial: int = 0
    removed: int = 0
    withheld: int = 0
    changes_withheld: int = 0
    quarantined: int = 0
    duplicates: int = 0
    reread: int = 0
    test_people: int = 0
    skipped: int = 0


@dataclass
class Load:
    """One run of one feed.

    Attributes:
        connection: in a write transaction; committed by the caller.
        complete: the whole register is read, so that what is absent is gone.
        context: everything that decides how rows are read (format and options), for the fingerprints.
        hold: why the run is held; "" for an ordinary one. See `indexer.guard`.
        personal_keys: the feed's keys are personal identity numbers, and stand in SQL as keyed digests.
        reread: normalize every record, changed or not (after the normalizer or a vocabulary changed).
        rows_come: False when only `apply` will be used: what stands need not be known then.
    """

    connection: sa.Connection
    feed_id: str
    authority_id: str
    run_id: int
    now: datetime
    sealer: Sealer
    normalizer: Normalizes
    settings: Indexer
    complete: bool
    context: bytes = b""
    limits: Limits = AS_CONFIGURED
    hold: str = ""
    personal_keys: bool = False
    reread: bool = False
    test_people: TestPeople = EVERYBODY
    rows_come: bool = True
    counts: Counts = field(default_factory=Counts)
    quarantine: Quarantine = field(default_factory=Quarantine)

    def __post_init__(self) -> None:
        self.known = load_known(self.connection, self.feed_id) if self.rows_come else NOTHING_KNOWN
        standing = len(self.known) + self.known.unprinted
        # What a person has decided on is not judged again.
        self.guard = Guard(self.settings, self.limits, standing, held=bool(self.hold) or not self.rows_come)
        self.vanished = Vanished(self)
        self._analyzed = standing
        self._fingerprint = self.sealer.fingerprinter(self.context)

    def run(self, rows: Iterable[Parsed]) -> Iterator[int]:
        """Load all rows; yields the number of rows read so far after each batch. Then call `finish`.

        Raises:
            FeedRejectedError: too many rows are bad; nothing of this run may be kept.
            HoldError: a limit is passed; nothing of this run may be kept, it must be done again with `hold`.
        """
        # Most rows are known: what is new is gathered until there is enough of it to be worth the statements.
        news: list[tuple[SourceRow, int]] = []
        for batch in batches(rows, self.settings.batch_rows):
            others: list[Row] = []
            for told in batch:
                news += self._news(told, others)
            if others or len(news) >= self.settings.batch_rows:
                self._batch(news)
                news = []
                self._analyzed = keep_statistics(self.connection, self.counts.added, self._analyzed)
            if others:
                self._bad([row for row in others if isinstance(row, BadRow)])
                self.vanished.told(self._key(row.key) for row in others if isinstance(row, GoneRow))
            self.guard.check_quarantine(self.counts.quarantined, self.counts.read, final=False)
            yield self.counts.read
        self._batch(news)

    def apply(self, changes: list[Change]) -> None:
        """Write changes that were decided elsewhere (approval, rollback, renormalization), with all that belongs to it."""
        self._settle(changes, [])

    def finish(self) -> None:
        """Judge the run as a whole, and mark what is gone.

        Raises:
            FeedRejectedError, HoldError: as `run`.
        """
        self.guard.check_quarantine(self.counts.quarantined, self.counts.read, final=True)
        self.vanished.settle()
        self.quarantine.write(self.connection, self.feed_id, self.run_id)

    def writer(self) -> Writer:
        """Return what writes for this run."""
        return Writer(
            connection=self.connection,
            feed_id=self.feed_id,
            authority_id=self.authority_id,
            run_id=self.run_id,
            now=self.now,
            sealer=self.sealer,
        )

    def put_aside(self, waiting: Sequence[held.Aside]) -> None:
        """Keep what waits for a decision."""
        held.put_aside(self.connection, self.feed_id, self.run_id, waiting)

    def _news(self, told: "UnreadRows | list[Row]", others: list[Row]) -> list[tuple[SourceRow, int]]:
        """Return the rows that no standing record looks like, with their fingerprints; what is no record joins `others`."""
        row_at: Callable[[int], SourceRow | BadRow]
        if isinstance(told, UnreadRows):
            raw, row_at = told.raw, told.row
            self.counts.read += len(raw)
        else:
            rows = [row for row in told if type(row) is SourceRow]
            others += [row for row in told if type(row) is not SourceRow]
            raw, row_at = [row.raw for row in rows], lambda place: rows[place]
            self.counts.read += len(told)
        numbers = list(map(self._fingerprint, raw))
        places = range(len(raw)) if self.reread else self.known.news(numbers)
        self.counts.unchanged += len(raw) - len(places)
        news = []
        for place in places:
            row = row_at(place)
            if type(row) is SourceRow:
                news.append((row, numbers[place]))
            else:
                others.append(row)
        return news

    def _key(self, key: str) -> str:
        return self.sealer.digest(key).hex() if self.personal_keys and key else key

    def _heads(self, keys: Iterable[str]) -> dict[str, Head]:
        return heads_by_key(self.connection, self.feed_id, list(keys))

    def _met(self, head: Head) -> bool:
        """Tell whether a row of this record has come before in this run."""
        return head.checked == self.run_id or self.known.met(head.id)

    def _batch(self, news: list[tuple[SourceRow, int]]) -> None:
        if not news:
            return
        rows: dict[str, tuple[SourceRow, int]] = {}
        repeats: list[tuple[str, SourceRow, int]] = []
        for row, number in news:
            key = self._key(row.key)
            if key in rows:
                repeats.append((key, row, number))
            else:
                rows[key] = row, number
        heads = self._heads(rows)
        changes: list[Change] = []
        refreshed: list[Refreshed] = []
        unreadable: list[held.Aside] = []
        for key, (row, number) in rows.items():
            head = heads.get(key)
            if head and self._met(head):
                repeats.append((key, row, number))
                continue
            if head and not self.reread and self.known.meet(head.id, number):
                self.counts.unchanged += 1
                continue
            payload = row.payload
            digest = self.sealer.record_digest(payload)
            if head:
                self.known.supersede(head.id)
            if head and digest == head.digest and not head.gone and not self.reread:
                refreshed.append(Refreshed(head.id, number, held=head.held is not None))
                self.counts.unchanged += 1
            elif facts := self._facts(row, key, head, payload, unreadable):
                changes.append(Change(key, facts, digest, payload, number, head))
        self.put_aside(unreadable)
        self._settle(changes, refreshed)
        self._repeats(repeats)

    def _facts(
        self, row: SourceRow, key: str, head: Head | None, payload: bytes, unreadable: list[held.Aside]
    ) -> PersonFacts | None:
        """Return what a record says, unless it can't be read (then it is `unreadable`) or is about nobody."""
        try:
            facts = self.normalizer.facts(payload)
        except BadRecordError as error:
            self.counts.quarantined += 1
            self.quarantine.unreadable(row.row, self.shown(key), error, payload)
            if head:
                unreadable.append(held.Aside(head.id, held.UNREADABLE))
            return None
        if why := self.test_people.reason(facts, row.key):
            self.counts.test_people += 1
            self.quarantine.add(BadRow(row.row, self.shown(key), "", why, ""), TEST_PERSON)
            if head:
                self.vanished.add(head)
            return None
        return facts

    def shown(self, key: str) -> str:
        """Return a key as others may see it: nothing where it is the digest of a personal identity number."""
        return "" if self.personal_keys else key

    def _settle(self, changes: list[Change], refreshed: list[Refreshed]) -> None:
        """Sort out what really changes anything, and write it."""
        material: list[Change] = []
        standing = [c for c in changes if c.head and not c.head.gone]
        for change in changes:
            change.digest_facts(self.sealer)
            head = change.head
            if not head or head.gone:
                self.counts.added += 1
                material.append(change)
            elif head.facts_digest == change.facts_digest and not head.held:
                self._same_facts(change, refreshed)
            else:
                material.append(change)
                if change.payload_kept:
                    self.counts.reread += 1
                elif not self.hold:
                    self.counts.changed += 1
        # Before anything is written: a run that must be held should not work for nothing.
        self.guard.check_changed(self.counts.changed)
        if self.hold and standing:
            material = self._restrain(material)
        for change in material:
            change.sealed = b"" if change.payload_kept else seal_payload(self.sealer, change.payload)
        ended_licences(self.connection, material)
        if material:
            joined = find_or_make_people(self.connection, self.sealer, material, self.run_id, self.now)
            self.writer().write(material)
            record_joins(self.connection, joined)
        self.writer().refresh(refreshed)
        held.clear(self.connection, [one.record_id for one in refreshed if one.held], self.run_id)
        spoken = [c.head.id for c in material if c.head and c.head.held and not c.held]
        held.clear(self.connection, spoken, self.run_id)

    def _same_facts(self, change: Change, refreshed: list[Refreshed]) -> None:
        assert change.head is not None
        if change.payload_kept:
            self.counts.unchanged += 1
            refreshed.append(Refreshed(change.head.id, change.fingerprint, held=False))
        else:
            self.counts.immaterial += 1
            sealed = seal_payload(self.sealer, change.payload)
            refreshed.append(
                Refreshed(change.head.id, change.fingerprint, held=False, digest=change.digest, sealed=sealed)
            )

    def _restrain(self, material: list[Change]) -> list[Change]:
        """Let through only what a held run may apply, and put the rest aside."""
        heads = [c.head for c in material if c.head and not c.head.gone]
        payloads = latest_payloads(self.connection, [head.id for head in heads])
        let: list[Change] = []
        aside: list[held.Aside] = []
        for change in material:
            head = change.head
            if not head or head.gone:
                let.append(change)
                continue
            old = self.told(open_payload(self.sealer, payloads[head.id]))
            allowed = held.restrain(old, change.facts) if old else PersonFacts()
            if old and allowed == change.facts:
                self.counts.changed += 1
                let.append(change)
                continue
            self.counts.changes_withheld += 1
            aside.append(
                held.Aside(
                    head.id,
                    held.CHANGE,
                    change.digest,
                    change.fingerprint,
                    seal_payload(self.sealer, change.payload),
                )
            )
            if old and allowed != old:
                self.counts.changed += 1
                let.append(change.held_back(allowed))
        self.put_aside(aside)
        return let

    def told(self, payload: bytes) -> PersonFacts | None:
        """Return what a payload says; None if it can't be read."""
        try:
            return self.normalizer.facts(payload)
        except BadRecordError:
            return None

    def _repeats(self, repeats: list[tuple[str, SourceRow, int]]) -> None:
        """Treat rows whose record has come before in this file: the same again, or another version, which nobody can choose."""
        if not repeats:
            return
        heads = self._heads({key for key, _, _ in repeats})
        aside: list[held.Aside] = []
        hidden: dict[int, int] = {}
        for key, row, _ in repeats:
            head = heads.get(key)
            if head and head.held != self.run_id and head.digest == self.sealer.record_digest(row.payload):
                self.counts.duplicates += 1
                continue
            self.counts.quarantined += 1
            why = "the same key stands in an earlier row of this file with other content"
            self.quarantine.add(BadRow(row.row, self.shown(key), "key", why, ""), CONFLICT)
            if head:
                # The first row was believed for want of a better one; no answer may rest on it.
                aside.append(held.Aside(head.id, held.CONFLICT))
                # What hides is obeyed all the same.
                if (told := self.told(row.payload)) and told.protected:
                    hidden[head.id] = head.practitioner_id
        self.put_aside(aside)
        self.writer().protect(hidden)

    def _bad(self, rows: list[BadRow]) -> None:
        """Put bad rows into quarantine; what stands of their records is no longer sure, but not gone either."""
        heads = self._heads({self._key(row.key) for row in rows if row.key})
        for row in rows:
            self.counts.quarantined += 1
            self.quarantine.add(
                row if not self.personal_keys else BadRow(row.row, "", row.field, row.reason, row.echo),
                UNREADABLE,
            )
            if row.protected:
                self._protect(row.protected, heads.get(self._key(row.key)))
        self.put_aside([held.Aside(head.id, held.UNREADABLE) for head in heads.values() if not head.gone])

    def _protect(self, payload: bytes, head: Head | None) -> None:
        """Hide whoever a protected row is about, by its key or its number: it may never be merely put aside."""
        facts = self.told(payload)
        if not facts or not facts.protected:
            return
        digests = [
            self.sealer.digest(identifier.value)
            for identifier in facts.identifiers
            if identifier.system in PERSONAL_SYSTEMS
        ]
        # In two steps: planned as one, PostgreSQL has been seen to read all identifiers for every record of the feed.
        record, number = t.source_record, t.identifier
        people = self.connection.scalars(
            sa.select(number.c.practitioner_id).where(number.c.digest.in_(digests)).distinct()
        ).all()
        rows = self.connection.execute(
            sa.select(record.c.id, record.c.practitioner_id).where(
                record.c.practitioner_id.in_(people) & (record.c.feed_id == self.feed_id)
            )
        ).all()
        known = {head.id: head.practitioner_id} if head else {}
        self.writer().protect(known | {row.id: row.practitioner_id for row in rows})
