"""Which practitioner a source record is about: the one it was about before, one that shares an exact identifier, or a new one.

Never decided on a name.
"""

import secrets
from collections.abc import Iterable

import sqlalchemy as sa

from indexer.write import Change
from registry.identifiers import JOINING_SYSTEMS, PERSONAL_SYSTEMS
from registry.records import bulk
from registry.records import tables as t
from registry.records.allocate import allocate
from registry.sealing import Sealer

# A join key: a personal number's digest, or (system, value).
JoinKey = bytes | tuple[str, str]


def find_or_make_people(connection: sa.Connection, sealer: Sealer, changes: list[Change]) -> None:
    """Set `practitioner_id` on every change that has none, and mark those that need a new practitioner."""
    homeless = [change for change in changes if change.practitioner_id is None]
    if not homeless:
        return
    wanted = {id(change): _join_keys(sealer, change) for change in homeless}
    known = _known(connection, {key for keys in wanted.values() for key in keys})
    fresh: list[Change] = []
    for change in homeless:
        found = next((known[key] for key in wanted[id(change)] if key in known), None)
        if found is None:
            fresh.append(change)
            found = change
            for key in wanted[id(change)]:
                known[key] = change
        change.joined = found
    for change, number in zip(fresh, allocate(connection, len(fresh)) if fresh else (), strict=True):
        change.practitioner_id = number
        change.new_public_id = new_public_id()
    for change in homeless:
        if isinstance(change.joined, int):
            change.practitioner_id = change.joined
        elif isinstance(change.joined, Change):
            change.practitioner_id = change.joined.practitioner_id


def new_public_id() -> str:
    """Return a random id of 128 bits for URLs."""
    return secrets.token_urlsafe(16).replace("_", "a").replace("-", "b")


def _join_keys(sealer: Sealer, change: Change) -> list[JoinKey]:
    """Return the person's identifying numbers, the current ones before the old."""
    ordered = sorted(change.facts.identifiers, key=lambda i: i.use == "old")
    return [
        sealer.digest(i.value) if i.system in PERSONAL_SYSTEMS else (i.system, i.value)
        for i in ordered
        if i.system in JOINING_SYSTEMS
    ]


def _known(connection: sa.Connection, keys: Iterable[JoinKey]) -> dict[JoinKey, int | Change]:
    """Return the practitioner of each key that belongs to exactly one; a key of several joins nobody."""
    table = t.identifier
    wanted = set(keys)
    digests = [key for key in wanted if isinstance(key, bytes)]
    values = {key[1] for key in wanted if isinstance(key, tuple)}
    found: dict[JoinKey, set[int]] = {}
    for start in range(0, len(digests), 1000):
        some = digests[start : start + 1000]
        rows = connection.execute(
            sa.select(table.c.digest, table.c.practitioner_id).where(table.c.digest.in_(some))
        )
        for row in rows:
            found.setdefault(bytes(row.digest), set()).add(row.practitioner_id)
    if values:
        rows = connection.execute(
            sa.select(table.c.system, table.c.value, table.c.practitioner_id).where(
                table.c.system.in_(JOINING_SYSTEMS) & table.c.value.in_(bulk.keys(connection, values))
            )
        )
        for row in rows:
            found.setdefault((row.system, row.value), set()).add(row.practitioner_id)
    return {key: next(iter(people)) for key, people in found.items() if len(people) == 1}
