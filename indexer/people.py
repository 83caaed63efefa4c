"""Which practitioner a source record is about: the one it was about before, one that shares an exact identifier, or a new one.

Never decided on a name. Every joining of a record to a person it was not first made for leaves an audit entry, and
can be undone (`indexer.joins`).
"""

import secrets
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

import sqlalchemy as sa

from indexer.change import Change
from indexer.joins import Joined, barriers, merge, move_one
from registry.identifiers import JOINING_SYSTEMS, PERSONAL_SYSTEMS
from registry.records import bulk
from registry.records import tables as t
from registry.records.allocate import allocate
from registry.records.facts import IdentifierFacts
from registry.sealing import Sealer

JoinKey: TypeAlias = bytes | tuple[str, str]
"""A personal number's digest, or (system, value)."""
Person: TypeAlias = int | Change
"""A practitioner's id, or the change that a new one is made for."""


@dataclass(frozen=True, slots=True)
class _Owner:
    """Who has an identifier now, and by which record."""

    person: int
    record: int


def find_or_make_people(
    connection: sa.Connection, sealer: Sealer, changes: list[Change], run_id: int, now: datetime
) -> list[Joined]:
    """Set `practitioner_id` on every change, mark those that need a new practitioner, and join whom a change shows to be one.

    Returns:
        the audit entries, to be written with `record_joins` when the changes have been.
    """
    return _Finder(connection, sealer, run_id, now).find(changes)


def new_public_id() -> str:
    """Return a random id of 128 bits for URLs."""
    return secrets.token_urlsafe(16).replace("_", "a").replace("-", "b")


class _Finder:
    def __init__(self, connection: sa.Connection, sealer: Sealer, run_id: int, now: datetime) -> None:
        self._connection = connection
        self._sealer = sealer
        self._run_id = run_id
        self._now = now
        self._joined: list[Joined] = []
        # Who turned out to be whom within this batch, and whom each new record is about.
        self._same: dict[int, int] = {}
        self._made_for: dict[int, Person] = {}

    def find(self, changes: list[Change]) -> list[Joined]:
        keys = {id(change): self._keys(change) for change in changes}
        owners = self._owners({key for some in keys.values() for key, _ in some})
        new: dict[JoinKey, Change] = {}
        barred = barriers(self._connection, {o.person for some in owners.values() for o in some})
        for change in changes:
            found = self._people(change, keys[id(change)], owners, new, barred)
            if change.practitioner_id is not None:
                mine = {
                    o.person
                    for key, _ in keys[id(change)]
                    for o in owners.get(key, ())
                    if o.record != change.record_id
                }
                self._join_known(change, found, shares=change.practitioner_id in mine)
                continue
            self._made_for[id(change)] = self._place(change, found)
            for key, _ in keys[id(change)]:
                new.setdefault(key, change)
        self._number(changes)
        return self._joined

    def _keys(self, change: Change) -> list[tuple[JoinKey, IdentifierFacts]]:
        """Return the person's identifying numbers, the current ones before the old."""
        ordered = sorted(change.facts.identifiers, key=lambda i: i.use == "old")
        return [
            (self._sealer.digest(i.value) if i.system in PERSONAL_SYSTEMS else (i.system, i.value), i)
            for i in ordered
            if i.system in JOINING_SYSTEMS
        ]

    def _owners(self, keys: Iterable[JoinKey]) -> dict[JoinKey, list[_Owner]]:
        table = t.identifier
        wanted = set(keys)
        digests = [key for key in wanted if isinstance(key, bytes)]
        values = {key[1] for key in wanted if isinstance(key, tuple)}
        found: dict[JoinKey, list[_Owner]] = defaultdict(list)
        columns = (table.c.practitioner_id, table.c.source_record_id)
        for start in range(0, len(digests), 1000):
            some = digests[start : start + 1000]
            rows = self._connection.execute(
                sa.select(table.c.digest, *columns).where(table.c.digest.in_(some))
            )
            for row in rows:
                found[bytes(row.digest)].append(_Owner(row.practitioner_id, row.source_record_id))
        if values:
            rows = self._connection.execute(
                sa.select(table.c.system, table.c.value, *columns).where(
                    table.c.system.in_(JOINING_SYSTEMS)
                    & table.c.value.in_(bulk.keys(self._connection, values))
                )
            )
            for row in rows:
                found[row.system, row.value].append(_Owner(row.practitioner_id, row.source_record_id))
        return found

    def _people(
        self,
        change: Change,
        keys: list[tuple[JoinKey, IdentifierFacts]],
        owners: dict[JoinKey, list[_Owner]],
        new: dict[JoinKey, Change],
        barred: set[frozenset[int]],
    ) -> list[tuple[Person, IdentifierFacts]]:
        """Return the other people whom a change's numbers belong to, each with the number that told so.

        A number of several people tells nothing: it joins nobody.
        """
        found: dict[object, tuple[Person, IdentifierFacts]] = {}
        own = change.practitioner_id
        for key, identifier in keys:
            people = {self._now_is(o.person) for o in owners.get(key, ()) if o.record != change.record_id}
            if len(people) == 1:
                person = people.pop()
                if person != own and frozenset((person, own or 0)) not in barred:
                    found.setdefault(person, (person, identifier))
            elif not people and key in new and new[key] is not change:
                found.setdefault(id(new[key]), (new[key], identifier))
        kept = list(found.values())
        known = {person for person, _ in kept if isinstance(person, int)}
        if any(frozenset((a, b)) in barred for a in known for b in known if a != b):
            # Two whom a person has parted: the current number decides, nobody is joined.
            return kept[:1]
        return kept

    def _now_is(self, person: int) -> int:
        while person in self._same:
            person = self._same[person]
        return person

    def _place(self, change: Change, found: list[tuple[Person, IdentifierFacts]]) -> Person:
        """Return whom a record seen for the first time is about, and join whom it shows to be one."""
        known = [(person, why) for person, why in found if isinstance(person, int)]
        new = [(person, why) for person, why in found if isinstance(person, Change)]
        if known:
            home, why = known[0]
            for other, reason in known[1:]:
                home = self._merge(home, other, reason)
            self._joined.append(self._entry(home, change, why))
            for person, reason in new:
                person.practitioner_id = home
                self._joined.append(self._entry(home, person, reason))
            return home
        if new:
            first, why = new[0]
            self._joined.append(self._entry(first, change, why))
            for person, reason in new[1:]:
                self._made_for[id(person)] = first
                self._joined.append(self._entry(first, person, reason))
            return first
        return change

    def _join_known(
        self, change: Change, found: list[tuple[Person, IdentifierFacts]], *, shares: bool
    ) -> None:
        """Join the person of a record that is known to whom its numbers now belong to as well.

        A record whose numbers no longer tie it to the other records of its person goes alone.
        """
        assert change.practitioner_id is not None, "the record is known"
        for person, why in found:
            home = self._now_is(change.practitioner_id)
            if isinstance(person, Change):
                # The other record is seen for the first time, in this very batch: it comes to the known person.
                person.practitioner_id = home
                self._joined.append(self._entry(home, person, why))
            elif person != home and not shares and self._has_others(home, change):
                self._joined.append(
                    move_one(self._connection, change, home, person, self._entry(person, change, why))
                )
                change.practitioner_id = person
            elif person != home:
                change.practitioner_id = self._merge(home, person, why)

    def _has_others(self, person: int, change: Change) -> bool:
        record = t.source_record
        others = sa.select(record.c.id).where(
            (record.c.practitioner_id == person) & (record.c.id != change.record_id)
        )
        return self._connection.scalar(others.limit(1)) is not None

    def _merge(self, one: int, other: int, why: IdentifierFacts) -> int:
        """Join two practitioners into the older one."""
        kept, absorbed = min(one, other), max(one, other)
        self._same[absorbed] = kept
        self._joined += merge(
            self._connection,
            kept,
            absorbed,
            run_id=self._run_id,
            now=self._now,
            system=why.system,
            use=why.use,
        )
        return kept

    def _entry(self, person: Person, change: Change, why: IdentifierFacts) -> Joined:
        return Joined(self._run_id, self._now, person, None, change, why.system, why.use)

    def _number(self, changes: list[Change]) -> None:
        made_for = self._made_for
        fresh = [c for c in changes if made_for.get(id(c)) is c and c.practitioner_id is None]
        for change, number in zip(
            fresh, allocate(self._connection, len(fresh)) if fresh else (), strict=True
        ):
            change.practitioner_id = number
            change.new_public_id = new_public_id()
        for change in changes:
            if change.practitioner_id is None:
                home = made_for[id(change)]
                while isinstance(home, Change) and home.practitioner_id is None:
                    home = made_for[id(home)]
                change.practitioner_id = home.practitioner_id if isinstance(home, Change) else home
            assert change.practitioner_id is not None, "every record has found a person"
            change.practitioner_id = self._now_is(change.practitioner_id)
