"""What a held run applies, and what it puts aside.

A held run trusts bad news only. Of two mistakes it makes the one that asks: a restriction that was none is looked into,
a reinstatement that was none could harm a patient.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec
import sqlalchemy as sa

from registry.records import bulk
from registry.records import tables as t
from registry.records.facts import LicenceFacts, PersonFacts, Status

# How far a status is from practising; equal ranks ask the same of an employer.
_RANK: dict[Status, int] = {
    "active": 0,
    "restricted": 1,
    "unknown": 1,
    "lapsed": 2,
    "surrendered": 3,
    "suspended": 4,
    "revoked": 5,
    "deceased": 5,
}
# Kinds of held_change.
REMOVAL, CHANGE, CONFLICT, UNREADABLE = "removal", "change", "conflict", "unreadable"


@dataclass(frozen=True, slots=True)
class Aside:
    """Something about a record that waits.

    Attributes:
        kind: REMOVAL or CHANGE wait for approval; CONFLICT and UNREADABLE for a feed that speaks clearly.
        payload: sealed, of a CHANGE.
    """

    record_id: int
    kind: str
    digest: bytes | None = None
    fingerprint: int | None = None
    payload: bytes | None = None


def restrain(old: PersonFacts, new: PersonFacts) -> PersonFacts:
    """Return the facts that may be applied without approval: the old ones, made worse where the new ones are worse.

    Equal to `new` when nothing of it has to wait, and to `old` when nothing of it may be applied.
    """
    if new.protected and not old.protected:
        return new  # hides the person; what else it says is seen by nobody else
    if new.ended:
        return new
    before = {licence.key: licence for licence in old.licences}
    now = {licence.key: licence for licence in new.licences}
    licences = [_worse(licence, now.get(key, licence)) for key, licence in before.items()]
    licences += [licence for key, licence in now.items() if key not in before]
    # In the new order where it is the same set, so that equal facts compare equal.
    if before.keys() <= now.keys():
        by_key = {licence.key: licence for licence in licences}
        licences = [by_key[key] for key in now]
    return msgspec.structs.replace(
        old,
        licences=tuple(licences),
        deceased=old.deceased or new.deceased,
        deceased_date=old.deceased_date or new.deceased_date,
    )


def _worse(old: LicenceFacts, new: LicenceFacts) -> LicenceFacts:
    if new == old:
        return old
    change = _RANK[new.status] - _RANK[old.status]
    if change > 0:
        return new
    added = tuple(r for r in new.restrictions if r not in old.restrictions)
    if change == 0 and not _relaxes(old, new):
        return new
    return msgspec.structs.replace(old, restrictions=old.restrictions + added) if added else old


def _relaxes(old: LicenceFacts, new: LicenceFacts) -> bool:
    """Tell whether, at the same status, anything could turn an answer for the better."""
    same = (
        "key",
        "number",
        "jurisdiction",
        "profession",
        "raw_profession",
        "specialties",
        "valid_from",
        "issued",
    )
    if any(getattr(old, name) != getattr(new, name) for name in same):
        return True
    if any(r not in new.restrictions for r in old.restrictions):
        return True
    return old.valid_to is not None and (new.valid_to is None or new.valid_to > old.valid_to)


def put_aside(connection: sa.Connection, feed_id: str, run_id: int, waiting: Sequence[Aside]) -> None:
    """Keep what waits and mark its records: an answer about them asks from now on, and every row of them is read.

    What has waited for the same reason goes on waiting since then: a record that stays unreadable has one hold, however
    many runs see it.
    """
    if not waiting:
        return
    ids = list({one.record_id for one in waiting})
    _mark(connection, ids, run_id, {(one.record_id, one.kind) for one in waiting})
    held = t.held_change
    connection.execute(sa.delete(held).where(held.c.source_record_id.in_(bulk.ids(connection, ids))))
    bulk.insert_rows(
        connection,
        held,
        ("feed_id", "run_id", "source_record_id", "kind", "digest", "fingerprint", "payload"),
        [
            (feed_id, run_id, one.record_id, one.kind, one.digest, one.fingerprint, one.payload)
            for one in waiting
        ],
    )
    record = t.source_record
    connection.execute(
        sa.update(record)
        .where(record.c.id.in_(bulk.ids(connection, ids)))
        .values(held_run_id=run_id, checked_run_id=run_id, fingerprint=None)
    )


def _mark(connection: sa.Connection, ids: Sequence[int], run_id: int, wanted: set[tuple[int, str]]) -> None:
    """Keep that the wanted holds, and no others, of these records are open."""
    hold = t.hold
    # What this run has ended waits on: the same file said it clearly, and then otherwise.
    is_open = hold.c.ended_run_id.is_(None) | (hold.c.ended_run_id == run_id)
    of_these = hold.c.source_record_id.in_(bulk.ids(connection, ids)) & is_open
    found = connection.execute(
        sa.select(hold.c.id, hold.c.source_record_id, hold.c.kind, hold.c.ended_run_id).where(of_these)
    ).all()
    on = [row for row in found if (row.source_record_id, row.kind) in wanted]
    over = [
        row.id for row in found if row.ended_run_id is None and (row.source_record_id, row.kind) not in wanted
    ]
    again = [row.id for row in on if row.ended_run_id is not None]
    for some, ended in ((over, run_id), (again, None)):
        if some:
            connection.execute(
                sa.update(hold).where(hold.c.id.in_(bulk.ids(connection, some))).values(ended_run_id=ended)
            )
    known = {(row.source_record_id, row.kind) for row in on}
    bulk.insert_rows(
        connection,
        hold,
        ("source_record_id", "run_id", "kind"),
        [(record_id, run_id, kind) for record_id, kind in sorted(wanted - known)],
    )


def clear(connection: sa.Connection, record_ids: Iterable[int], run_id: int) -> None:
    """Forget what waits about records: a run has decided it, or the feed has spoken again. That it waited stays told."""
    ids = list(record_ids)
    if not ids:
        return
    held, record, hold = t.held_change, t.source_record, t.hold
    connection.execute(
        sa.update(hold)
        .where(hold.c.source_record_id.in_(bulk.ids(connection, ids)) & hold.c.ended_run_id.is_(None))
        .values(ended_run_id=run_id)
    )
    connection.execute(sa.delete(held).where(held.c.source_record_id.in_(bulk.ids(connection, ids))))
    connection.execute(
        sa.update(record).where(record.c.id.in_(bulk.ids(connection, ids))).values(held_run_id=None)
    )
