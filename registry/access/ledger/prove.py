"""Making proofs from the ledger. Every proof is checked before it is given."""

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from registry.access.ledger import heads, leaves, proof
from registry.access.ledger.errors import LedgerError
from registry.access.ledger.hashing import Range, consistency_ranges, inclusion_ranges, range_hashes
from registry.access.ledger.heads import SignedHead
from registry.access.ledger.keys import KeyRing
from registry.access.tables import access_event, access_ledger_head, access_ledger_leaf

_HEAD = access_ledger_head.c
# Hashes read in one go.
_PART = 20_000
_VERIFY = "Run `registry log verify` to see what was changed."


def listed(engine: Engine, *, after: int = 0, limit: int) -> list[SignedHead]:
    """Return the newest heads, at most `limit`, in rising order; only those with numbers above `after`.

    Raises:
        LedgerError: one can't be read.
    """
    with engine.connect() as connection:
        rows = connection.scalars(
            sa.select(_HEAD.signed).where(_HEAD.number > after).order_by(_HEAD.number.desc()).limit(limit)
        ).all()
    try:
        return [heads.read(text) for text in reversed(rows)]
    except ValueError as error:
        raise LedgerError(f"A head can't be read. {_VERIFY}") from error


def prove_event(
    engine: Engine, ring: KeyRing, event_id: int, *, number: int | None = None
) -> proof.Inclusion:
    """Prove that an event is in the log as it was sealed.

    Args:
        engine: the access database.
        ring: keys that are trusted.
        event_id: of the access event.
        number: of the head to prove it under; the newest if None.

    Raises:
        LedgerError: there is no such event or head, it is not sealed yet, or the proof would not hold.
    """
    leaf_row = access_ledger_leaf.c
    with engine.connect() as connection, leaves.as_it_is(connection):
        position = connection.scalar(sa.select(leaf_row.position).where(leaf_row.event_id == event_id))
        if position is None:
            there = connection.scalar(sa.select(access_event.c.id).where(access_event.c.id == event_id))
            raise LedgerError(
                f"Event {event_id} is not sealed yet."
                if there
                else f"There is no event {event_id} in the log."
            )
        head = _head(connection, number)
        if position >= head.head.size:
            raise LedgerError(f"Event {event_id} was sealed after head {head.head.number}.")
        (leaf,) = leaves.sealed(connection, position, position + 1)
        if leaf.data is None:
            raise LedgerError(f"Event {event_id} was sealed, but is not in the log any more. {_VERIFY}")
        path = _path(connection, inclusion_ranges(position, head.head.size), head.head.size)
    made = proof.Inclusion(leaf.data.decode(), position, path, head.text)
    _check(made, ring)
    return made


def prove_consistency(
    engine: Engine, ring: KeyRing, older: int, newer: int | None = None
) -> proof.Consistency:
    """Prove that all that was under head number `older` is unchanged under head number `newer` (the newest if None).

    Raises:
        LedgerError: there is no such head, they are in the wrong order, or the proof would not hold.
    """
    with engine.connect() as connection:
        first, last = _head(connection, older), _head(connection, newer)
        if first.head.size > last.head.size:
            raise LedgerError(
                f"Head {older} is newer than head {last.head.number}; give the older one first."
            )
        path = _path(connection, consistency_ranges(first.head.size, last.head.size), last.head.size)
    made = proof.Consistency(path, first.text, last.text)
    _check(made, ring)
    return made


def _head(connection: sa.Connection, number: int | None) -> SignedHead:
    query = sa.select(_HEAD.signed).order_by(_HEAD.number.desc()).limit(1)
    text = connection.scalar(query if number is None else query.where(_HEAD.number == number))
    if text is None:
        raise LedgerError(f"There is no head {number}." if number else "Nothing is sealed yet.")
    try:
        return heads.read(text)
    except ValueError as error:
        raise LedgerError(f"A head can't be read. {_VERIFY}") from error


def _path(connection: sa.Connection, ranges: Sequence[Range], size: int) -> list[str]:
    try:
        return [one.hex() for one in range_hashes(leaves.hashes(connection, size, _PART), ranges)]
    except ValueError as error:
        raise LedgerError(f"An entry of the ledger is missing. {_VERIFY}") from error


def _check(made: proof.Inclusion | proof.Consistency, ring: KeyRing) -> None:
    try:
        proof.check(msgspec.json.encode(made), ring)
    except LedgerError as error:
        raise LedgerError(f"{error.detail} {_VERIFY}") from error
