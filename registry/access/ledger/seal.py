"""Sealing: what is not in the ledger yet goes in as leaves, and a signed head closes over the whole log."""

import os
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime

import sqlalchemy as sa
import structlog
from joserfc.jwk import OKPKey
from sqlalchemy.engine import Engine

from registry.access.ledger import heads, horizon, leaves
from registry.access.ledger.errors import LedgerError
from registry.access.ledger.hashing import Frontier, leaf_hash
from registry.access.ledger.heads import Head, SignedHead
from registry.access.ledger.keys import KeyRing
from registry.access.log import TURN
from registry.access.tables import access_ledger_head, access_ledger_leaf
from registry.database import writing
from registry.records import bulk

log = structlog.get_logger()
# Nobody else may use this number for an advisory lock: "LEDG".
_LOCK = 0x4C45_4447
# One seals, whoever else wants to does not wait; the lock goes with the transaction.
_TURN = sa.text("SELECT pg_try_advisory_xact_lock(:lock)")
_LEAF_COLUMNS = ("position", "event_id", "nonce", "hash")
_CHECK = "Do not seal on before that is understood: run `registry log verify`."


def seal(
    engine: Engine,
    key: OKPKey,
    ring: KeyRing,
    *,
    batch_events: int,
    stop: threading.Event | None = None,
    keep: Callable[[SignedHead], None] = lambda _head: None,
) -> int:
    """Seal all events that are committed and not sealed; return how many.

    Safe to repeat, to end at any time, and beside another one, which then has the work: it returns 0. On SQLite, where nobody
    else can write meanwhile, it pauses after each head for as long as that took. Each head is told to the log, whose collector is
    a witness that whoever has the database can't reach.

    Args:
        engine: the access database, without the service's statement timeout.
        key: what to sign with.
        ring: keys whose heads are built on.
        batch_events: leaves of one head at most.
        stop: ends it after the head at hand, once it is set.
        keep: is given each head once it is committed.

    Raises:
        LedgerError: the last head does not hold, so nothing is put on it.
        SQLAlchemyError: the database does not answer; what was sealed before stays.
    """
    total, stop = 0, stop or threading.Event()
    while True:
        began = time.monotonic()
        turn: AbstractContextManager[object] = TURN if engine.dialect.name == "sqlite" else nullcontext()
        with turn, writing(engine).begin() as connection:
            done, head = _one_head(connection, key, ring, batch_events)
        total += done
        if head:
            told = head.head
            log.info(
                "access_log_sealed", log=told.log, number=told.number, size=told.size, digest=head.digest
            )
            keep(head)
        if done < batch_events or stop.is_set():
            return total
        if engine.dialect.name == "sqlite":
            stop.wait(time.monotonic() - began)


def last_head(connection: sa.Connection, ring: KeyRing) -> tuple[SignedHead, Frontier] | None:
    """Return the last head and the edge of its tree, None before the first.

    Raises:
        LedgerError: they do not hold, or are signed with a key that is not trusted.
    """
    head = access_ledger_head.c
    row = connection.execute(
        sa.select(head.number, head.size, head.frontier, head.signed).order_by(head.number.desc()).limit(1)
    ).one_or_none()
    if row is None:
        return None
    try:
        signed = heads.read(row.signed)
        edge = Frontier.load(row.size, leaves.raw(row.frontier))
    except ValueError as error:
        raise LedgerError(f"The last head, number {row.number}, can't be read. {_CHECK}") from error
    if signed.kid not in ring.keys:
        raise LedgerError(
            f"The last head, number {row.number}, is signed with the key {signed.kid}, which is not trusted. If the key was "
            "changed, put the old one's public key in ledger.public_keys."
        )
    told = (signed.head.number, signed.head.size, signed.root)
    if told != (row.number, row.size, edge.root()) or not heads.holds(signed, ring):
        raise LedgerError(f"The last head, number {row.number}, is not what was signed. {_CHECK}")
    return signed, edge


def _one_head(
    connection: sa.Connection, key: OKPKey, ring: KeyRing, limit: int
) -> tuple[int, SignedHead | None]:
    if connection.dialect.name == "postgresql" and not connection.scalar(_TURN, {"lock": _LOCK}):
        return 0, None
    last = last_head(connection, ring)
    edge = last[1] if last else Frontier()
    where = horizon.look(connection)
    with leaves.as_it_is(connection):
        found = leaves.unsealed(connection, where.begin, limit, size=edge.size)
    if not found:
        return 0, None
    nonces, rows = os.urandom(leaves.NONCE_BYTES * len(found)), []
    for index, (event_id, event, people) in enumerate(found):
        nonce = nonces[index * leaves.NONCE_BYTES : (index + 1) * leaves.NONCE_BYTES]
        leaf = leaf_hash(leaves.encode(nonce, event, people))
        rows.append((edge.size, event_id, nonce, leaf))
        edge.append(leaf)
    bulk.insert_rows(connection, access_ledger_leaf, _LEAF_COLUMNS, rows)
    # A full batch may have left events behind that have higher ids than its last.
    upto = found[-1][0] if len(found) == limit else where.seen
    head = _signed(last[0] if last else None, edge, key)
    _put_head(connection, head, edge, where, upto)
    return len(found), head


def _signed(last: SignedHead | None, edge: Frontier, key: OKPKey) -> SignedHead:
    now = f"{datetime.now(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"
    head = Head(
        version=heads.VERSION,
        log=last.head.log if last else os.urandom(16).hex(),
        number=last.head.number + 1 if last else 1,
        size=edge.size,
        root=edge.root().hex(),
        previous=last.digest if last else "",
        sealed_at=max(now, last.head.sealed_at) if last else now,
    )
    return heads.sign(head, key)


def _put_head(
    connection: sa.Connection, signed: SignedHead, edge: Frontier, where: horizon.Horizon, upto: int
) -> None:
    connection.execute(
        access_ledger_head.insert(),
        {
            "number": signed.head.number,
            "size": signed.head.size,
            "signed": signed.text,
            "frontier": edge.dump(),
            "seen_id": min(where.seen, upto),
            "settled_id": min(where.then, upto),
            "running": where.running,
        },
    )
