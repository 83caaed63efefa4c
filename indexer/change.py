"""What a run has found to say something new, on its way into SQL truth."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import sqlalchemy as sa

from indexer import history
from indexer.heads import Head
from registry.records.facts import PersonFacts
from registry.sealing import Sealer

_ENCODER = msgspec.json.Encoder()
_WORSE = frozenset({"revoked", "suspended", "surrendered", "deceased"})


def facts_digest(sealer: Sealer, facts: PersonFacts) -> bytes:
    """Return a keyed digest of facts, to tell whether another reading of a record says anything else."""
    return sealer.record_digest(_ENCODER.encode(facts))


@dataclass
class Change:
    """A source record that says something new.

    Attributes:
        key: as SQL keeps it.
        digest: of the payload; of the one that stands when this one is held back.
        fingerprint: of the row; None = look at the record again whatever its next row looks like.
        head: the record as it stands, None for one never seen before.
        facts_digest: of the facts; None = unlike any.
        person_digest: of names and identifiers alone.
        sealed: the payload to keep, or empty when only the reading of it changed.
        held: only what a held run may apply of it; the rest waits.
        record_id, practitioner_id: None until numbered.
        new_public_id: set when the practitioner is new.
    """

    key: str
    facts: PersonFacts
    digest: bytes
    payload: bytes
    fingerprint: int | None
    head: Head | None
    facts_digest: bytes | None = None
    person_digest: bytes | None = None
    sealed: bytes = b""
    held: bool = False
    new_public_id: str = ""

    def __post_init__(self) -> None:
        self.record_id = self.head.id if self.head else None
        self.practitioner_id = self.head.practitioner_id if self.head else None

    def digest_facts(self, sealer: Sealer) -> None:
        """Compute the digests that tell what of the facts is new."""
        facts = self.facts
        self.facts_digest = facts_digest(sealer, facts)
        self.person_digest = sealer.record_digest(_ENCODER.encode((facts.names, facts.identifiers)))

    @property
    def payload_kept(self) -> bool:
        """The payload is the one that stands: the record is only read otherwise, or held back."""
        return self.head is not None and self.head.digest == self.digest

    @property
    def emptied(self) -> bool:
        """A protected person's record comes without licences: silence, not a revocation."""
        return self.facts.protected and not self.facts.licences

    @property
    def nameless(self) -> bool:
        """The record came without what it said of the person; what is known stays."""
        return self.emptied or (self.facts.ended is not None and self.head is not None)

    @property
    def same_person(self) -> bool:
        """Names and identifiers are those that stand."""
        return (
            self.head is not None
            and self.person_digest is not None
            and self.person_digest == self.head.person_digest
        )

    @property
    def folds_alike(self) -> bool:
        """What is said of the person beside names and identifiers is what stood, by a record that stood for the same person."""
        facts, head = self.facts, self.head
        return (
            head is not None
            and not head.gone
            and head.practitioner_id == self.practitioner_id
            and head.person
            == (facts.birth_date, facts.deceased, facts.deceased_date, facts.protected, facts.county)
        )

    def held_back(self, allowed: PersonFacts) -> "Change":
        """Return the part of this change that a held run applies; the record stays as one still to be read."""
        assert self.head is not None, "only what stands can be held back"
        return Change(self.key, allowed, self.head.digest, b"", None, self.head, held=True)


@dataclass(frozen=True, slots=True)
class Refreshed:
    """A record that says what it said, in other bytes.

    Attributes:
        held: something about it waited, and has been overtaken.
        digest, sealed: of the new payload, where that differs in what the registry doesn't keep.
    """

    record_id: int
    fingerprint: int | None
    held: bool
    digest: bytes = b""
    sealed: bytes = b""


def ended_licences(connection: sa.Connection, changes: Sequence[Change]) -> None:
    """Give records that their authority has emptied the licences known from before, ended as the record says."""
    ended = [change for change in changes if change.facts.ended and change.head]
    if not ended:
        return
    standing = history.licences_of(connection, [change.head.id for change in ended if change.head])
    texts = history.current_facts(connection, [row.id for rows in standing.values() for row in rows.values()])
    for change in ended:
        end = change.facts.ended
        assert end is not None, "only the ended were chosen"
        known = [
            history.decode(texts[row.id])
            for row in standing.get(change.head.id if change.head else 0, {}).values()
        ]
        change.facts = msgspec.structs.replace(
            change.facts,
            licences=tuple(
                # What was worse before stays worse.
                one
                if one.status in _WORSE
                else msgspec.structs.replace(
                    one, status=end.status, raw_status=end.raw_status, valid_to=end.valid_to or one.valid_to
                )
                for one in known
            ),
        )
