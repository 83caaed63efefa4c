"""Joining the records of two practitioners, with an audit entry for every record, and parting them again."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from indexer.fold import fold_people, tell_outbox
from registry.errors import BadRequestError, NotFoundError
from registry.records import bulk
from registry.records import tables as t
from registry.records.allocate import allocate

if TYPE_CHECKING:
    from indexer.change import Change

_JOIN = t.practitioner_join
# What hangs on a practitioner through a source record, and moves with it.
_MOVING = (t.source_record, t.practitioner_name, t.identifier, t.licence)


@dataclass(frozen=True, slots=True)
class Joined:
    """A record that has come to a person it was not first made for.

    Attributes:
        person: to whom; a change while the person is not numbered yet.
        other: whose it was; None for a record seen for the first time.
        record: its id, or the change while it is not numbered yet.
        system, use: of the identifier that told so, as the joining record gave it.
    """

    run_id: int
    at: datetime
    person: "int | Change"
    other: int | None
    record: "int | Change"
    system: str
    use: str

    def row(self) -> tuple[Any, ...]:
        """Return the values of the audit entry."""
        person = self.person if isinstance(self.person, int) else self.person.practitioner_id
        record = self.record if isinstance(self.record, int) else self.record.record_id
        return self.run_id, self.at, person, self.other, record, self.system, self.use


def record_joins(connection: sa.Connection, joined: Sequence[Joined]) -> None:
    """Write audit entries; everyone in them is numbered by now."""
    bulk.insert_rows(
        connection,
        _JOIN,
        ("run_id", "at", "practitioner_id", "other_id", "source_record_id", "system", "use"),
        [one.row() for one in joined],
    )


def merge(
    connection: sa.Connection, kept: int, absorbed: int, *, run_id: int, now: datetime, system: str, use: str
) -> list[Joined]:
    """Move every record of one practitioner to another, with names, numbers, licences and their history.

    The absorbed practitioner stays as a sign that points to the other: its address may be known outside.
    """
    record = t.source_record
    moved = list(
        connection.scalars(
            sa.select(record.c.id).where(record.c.practitioner_id == absorbed).order_by(record.c.id)
        )
    )
    move(connection, moved, kept)
    person = t.practitioner
    connection.execute(sa.update(person).where(person.c.id == absorbed).values(merged_into_id=kept))
    fold_people(connection, [kept, absorbed])
    tell_outbox(connection, [kept, absorbed], now)
    return [Joined(run_id, now, kept, absorbed, one, system, use) for one in moved]


def move_one(connection: sa.Connection, change: "Change", home: int, person: int, entry: Joined) -> Joined:
    """Move one record away from a person who keeps others; return its audit entry."""
    assert change.record_id is not None, "only a known record can move"
    move(connection, [change.record_id], person)
    fold_people(connection, [home, person])
    tell_outbox(connection, [home, person], entry.at)
    return replace(entry, other=home)


def move(connection: sa.Connection, records: Sequence[int], person: int) -> None:
    """Give records to a practitioner."""
    for table in _MOVING:
        column = table.c.id if table is t.source_record else table.c.source_record_id
        connection.execute(
            sa.update(table).where(column.in_(bulk.ids(connection, records))).values(practitioner_id=person)
        )


def barriers(connection: sa.Connection, people: Iterable[int]) -> set[frozenset[int]]:
    """Return the pairs of practitioners that someone has parted by hand: they are never joined again by themselves."""
    ids = list(people)
    if not ids:
        return set()
    of_them = bulk.ids(connection, ids)
    rows = connection.execute(
        sa.select(_JOIN.c.practitioner_id, _JOIN.c.other_id)
        .join(t.feed_run, t.feed_run.c.id == _JOIN.c.undone_run_id)
        .where(t.feed_run.c.kind == "unjoin")
        .where(_JOIN.c.practitioner_id.in_(of_them) | _JOIN.c.other_id.in_(of_them))
    )
    return {frozenset((row.practitioner_id, row.other_id)) for row in rows}


def root(connection: sa.Connection, person: int) -> int:
    """Return whom a practitioner has been joined to, over any number of joins."""
    table = t.practitioner
    while into := connection.scalar(sa.select(table.c.merged_into_id).where(table.c.id == person)):
        person = into
    return person


def undo(connection: sa.Connection, join_id: int, *, run_id: int, now: datetime, reason: str) -> list[int]:
    """Part what one join brought together; return the ids of the records that moved.

    All records that came in the same join go back together, to the practitioner whose they were, or to a new one if
    they had none. Records that came later and share a number only with these go with them.

    Raises:
        NotFoundError: no such join.
        BadRequestError: it has been undone already, or its records stand elsewhere by now.
    """
    from indexer.people import new_public_id

    one = connection.execute(sa.select(_JOIN).where(_JOIN.c.id == join_id)).first()
    if one is None:
        raise NotFoundError(f"There is no join {join_id}. `indexer joins` lists them.")
    if one.undone_run_id is not None:
        raise BadRequestError(f"Join {join_id} has been undone already.")
    together = (
        (_JOIN.c.id == join_id)
        if one.other_id is None
        else (_JOIN.c.run_id == one.run_id)
        & (_JOIN.c.practitioner_id == one.practitioner_id)
        & (_JOIN.c.other_id == one.other_id)
    )
    group = list(connection.scalars(sa.select(_JOIN.c.source_record_id).where(together)))
    kept = root(connection, one.practitioner_id)
    here = _records_of(connection, kept)
    moving = [record for record in group if record in here]
    if not moving:
        raise BadRequestError(f"The records of join {join_id} are not with that person any more.")
    later = connection.scalars(
        sa.select(_JOIN.c.source_record_id).where((_JOIN.c.id > join_id) & _JOIN.c.undone_run_id.is_(None))
    )
    came_later = (set(here) & set(later)) - set(moving)
    moving += _followers(connection, came_later, set(here) - set(moving), moving)
    if len(moving) == len(here):
        raise BadRequestError(f"The person has no other records than those of join {join_id}.")
    target = one.other_id
    if target is None:
        target = allocate(connection, 1)[0]
        connection.execute(
            sa.insert(t.practitioner).values(id=target, public_id=new_public_id(), version=target)
        )
    move(connection, moving, target)
    person = t.practitioner
    connection.execute(sa.update(person).where(person.c.id == target).values(merged_into_id=None))
    connection.execute(
        sa.update(_JOIN).where(together).values(undone_run_id=run_id, reason=reason, other_id=target)
    )
    fold_people(connection, [kept, target])
    tell_outbox(connection, [kept, target], now)
    return moving


def _records_of(connection: sa.Connection, person: int) -> list[int]:
    record = t.source_record
    return list(connection.scalars(sa.select(record.c.id).where(record.c.practitioner_id == person)))


def _followers(
    connection: sa.Connection, came_later: set[int], staying: set[int], moving: Sequence[int]
) -> list[int]:
    """Return of the later records those that share a current identifier with the moving, and none with the staying."""
    numbers = _current_numbers(connection, [*staying, *moving])
    with_them = {number for record in moving for number in numbers.get(record, ())}
    followers: list[int] = []
    for record in sorted(came_later):
        others = {n for other in staying - came_later for n in numbers.get(other, ())}
        own = numbers.get(record, set())
        if own & with_them and not own & others:
            followers.append(record)
    return followers


def _current_numbers(connection: sa.Connection, records: Sequence[int]) -> dict[int, set[Any]]:
    table = t.identifier
    rows = connection.execute(
        sa.select(table.c.source_record_id, table.c.system, table.c.value, table.c.digest).where(
            table.c.source_record_id.in_(bulk.ids(connection, records)) & (table.c.use == "official")
        )
    )
    found: dict[int, set[Any]] = {}
    for row in rows:
        key = (row.system, row.value) if row.value is not None else bytes(row.digest)
        found.setdefault(row.source_record_id, set()).add(key)
    return found
