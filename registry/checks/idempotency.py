"""Asking once, whatever the network does: the header Idempotency-Key (draft-ietf-httpapi-idempotency-key-header).

A request that was sent again because its answer was lost gets the answer of the first one, byte for byte: nothing is asked,
logged or counted twice as a check. The key belongs to the caller, and to one operation. While the first request is under way another
one with its key is told to wait; a first request whose worker was killed frees its key after
`checks.idempotency_stale_s`, and could not end it any more then. All of it is held in the database, for every worker.
"""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Engine

from registry.access.caller import Caller
from registry.checks.errors import (
    IdempotencyKeyError,
    IdempotencyKeyInUseError,
    IdempotencyKeyReusedError,
)
from registry.checks.owner import caller_key, owner_of
from registry.checks.tables import idempotency_key
from registry.checks.writing import one_write
from registry.sealing import Sealer
from registry.settings import Checks

# Seconds told to whoever asks again while the first request is under way: a check takes some milliseconds.
RETRY_AFTER_S = 1
# A structured-field string (RFC 9651 section 3.3.3), as the draft asks for, or the bare value that many clients send.
_KEY = re.compile(r'"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\]){1,255})"|([\x21\x23-\x7e]{1,255})')


@dataclass(frozen=True, slots=True)
class Claim:
    """A key that this request holds until it ends it with its answer (`registry.checks.evidence.keep`) or frees it."""

    digest: bytes
    holder: str

    @property
    def ends(self) -> tuple[bytes, str]:
        """What `keep` takes."""
        return self.digest, self.holder


def read_key(header: str) -> str:
    """Return the key in the header's value.

    Raises:
        IdempotencyKeyError: it is none.
    """
    found = _KEY.fullmatch(header.strip())
    if found is None:
        raise IdempotencyKeyError(
            'Write the Idempotency-Key as 1 to 255 printable ASCII characters in quotes, e.g. "8e03978e-40d5-43dd-bc93-6894a57f9324".'
        )
    return found[1] or found[2]


def claim(
    engine: Engine,
    settings: Checks,
    sealer: Sealer,
    caller: Caller,
    *,
    operation: str,
    key: str,
    body: Any,  # noqa: ANN401 - any value with a JSON form
    now: datetime,
) -> Claim | str:
    """Take a key for a request, or find the answer that it has already.

    Args:
        engine: the access database.
        settings: section `[checks]`.
        sealer: keys and bodies are kept as keyed digests.
        caller: who asks; keys of different callers have nothing to do with each other.
        operation: what is asked for.
        key: as the client gave it.
        body: the request as read, so that another layout is the same request.
        now: this moment, UTC.

    Returns:
        The claim of a new request, or the id of the evidence or staff list that holds the answer.

    Raises:
        IdempotencyKeyReusedError: the key came with another body before.
        IdempotencyKeyInUseError: the first request is under way.
    """
    whose = "\0".join((owner_of(caller), caller_key(caller), operation, key))
    values: dict[str, Any] = {
        "digest": sealer.record_digest(b"idempotency-key\0" + whose.encode()),
        "body_digest": sealer.record_digest(
            b"idempotency-body\0" + msgspec.json.encode(body, order="deterministic")
        ),
        "holder": secrets.token_urlsafe(16),
        "began_at": now,
        "stale": now - timedelta(seconds=settings.idempotency_stale_s),
        "old": now - timedelta(hours=settings.idempotency_keep_hours),
    }
    if _taken(engine, values):
        return Claim(values["digest"], values["holder"])
    with engine.connect() as connection:
        row = connection.execute(_STANDING, {"digest": values["digest"]}).one_or_none()
    if row is not None and row.body_digest != values["body_digest"]:
        raise IdempotencyKeyReusedError(
            "The key came with another body before. Take a new key for a new request."
        )
    if row is None or row.evidence_id is None:
        raise IdempotencyKeyInUseError(RETRY_AFTER_S)
    return str(row.evidence_id)


def free(engine: Engine, held: Claim) -> None:
    """Give a key back whose request got no answer, so that it can be tried again."""
    with one_write(engine) as connection:
        connection.execute(_FREE, {"key_digest": held.digest, "key_holder": held.holder})


# Ends a key with the id of what holds its answer; no row for a key that is not held any more.
ENDING = (
    idempotency_key.update()
    .where(
        idempotency_key.c.digest == sa.bindparam("key_digest", None),
        idempotency_key.c.holder == sa.bindparam("key_holder", None),
        idempotency_key.c.evidence_id.is_(None),
    )
    .values(evidence_id=sa.bindparam("kept_id", None))
)


def end(connection: sa.Connection, held: Claim, answer_id: str) -> None:
    """End a key with the id of what holds its answer, in the transaction that keeps the answer.

    Raises:
        IdempotencyKeyInUseError: the request took so long that another one with its key took over; keep nothing.
    """
    values = {"key_digest": held.digest, "key_holder": held.holder, "kept_id": answer_id}
    if connection.execute(ENDING, values).rowcount == 0:
        raise IdempotencyKeyInUseError(RETRY_AFTER_S)


def _taking(insert: Any) -> Any:  # noqa: ANN401 - the insert of either database, which have no type in common
    """Return the statement that takes a key: a new one, one too old to count, or one whose worker was killed."""
    row = idempotency_key.c
    given: dict[str, Any] = {
        name: sa.bindparam(name) for name in ("digest", "body_digest", "holder", "began_at")
    }
    made = insert(idempotency_key).values(**given, evidence_id=None)
    old = sa.bindparam("old", type_=row.began_at.type)
    stale = sa.bindparam("stale", type_=row.began_at.type)
    same = row.body_digest == made.excluded.body_digest
    return made.on_conflict_do_update(
        index_elements=[row.digest],
        set_={
            "body_digest": made.excluded.body_digest,
            "holder": made.excluded.holder,
            "began_at": made.excluded.began_at,
            "evidence_id": None,
        },
        where=(row.began_at < old) | (row.evidence_id.is_(None) & (row.began_at < stale) & same),
    ).returning(row.digest)


_TAKE = {"postgresql": _taking(postgresql.insert), "sqlite": _taking(sqlite.insert)}
_STANDING = sa.select(idempotency_key.c.body_digest, idempotency_key.c.evidence_id).where(
    idempotency_key.c.digest == sa.bindparam("digest")
)
_FREE = idempotency_key.delete().where(
    idempotency_key.c.digest == sa.bindparam("key_digest"),
    idempotency_key.c.holder == sa.bindparam("key_holder"),
    idempotency_key.c.evidence_id.is_(None),
)


def _taken(engine: Engine, values: dict[str, Any]) -> bool:
    with one_write(engine) as connection:
        return connection.execute(_TAKE[engine.dialect.name], values).scalar() is not None
