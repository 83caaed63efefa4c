"""Which DPoP proofs have been used: table `dpop_proof` of the access database, which all workers share."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Engine

from registry.access.tables import dpop_proof
from registry.database import writing

# How often a process clears away the proofs that are too old to be taken anyway; and how much older they must be, because the
# clock of another worker, which takes them still, may be behind this one's.
_PURGE_SECONDS = 60.0
_PURGE_LEEWAY_SECONDS = 300.0
_DIGEST = sa.bindparam("digest", type_=dpop_proof.c.digest.type)
_EXPIRES_AT = sa.bindparam("expires_at", type_=dpop_proof.c.expires_at.type)
_TAKE = {
    "postgresql": postgresql.insert(dpop_proof)
    .values(digest=_DIGEST, expires_at=_EXPIRES_AT)
    .on_conflict_do_nothing()
    .returning(dpop_proof.c.expires_at),
    "sqlite": sqlite.insert(dpop_proof)
    .values(digest=_DIGEST, expires_at=_EXPIRES_AT)
    .on_conflict_do_nothing()
    .returning(dpop_proof.c.expires_at),
}
_PURGE = dpop_proof.delete().where(
    dpop_proof.c.expires_at < sa.bindparam("now", type_=dpop_proof.c.expires_at.type)
)


class ProofStore:
    """Remembers used proofs for as long as they could come again.

    Args:
        engine: database of access events and sessions.
        clock: seconds since 1970.

    Errors of the database are raised as they are (sqlalchemy.exc.SQLAlchemyError): nothing is taken for new unseen.
    """

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._clock = clock
        self._purged_at = clock()

    def use_once(self, digest: bytes, until: float) -> bool:
        """Note a proof as used; tell whether it had not been before.

        Args:
            digest: what it is known by, 32 bytes.
            until: seconds since 1970 up to which it could come again.
        """
        now = self._clock()
        with writing(self._engine).begin() as connection:
            if now - self._purged_at >= _PURGE_SECONDS:
                connection.execute(_PURGE, {"now": datetime.fromtimestamp(now - _PURGE_LEEWAY_SECONDS, UTC)})
                self._purged_at = now
            return take(connection, digest, until)


def take(connection: sa.Connection, digest: bytes, until: float) -> bool:
    """Note something as used within a transaction of the caller's; arguments and answer as `ProofStore.use_once`."""
    values = {"digest": digest, "expires_at": datetime.fromtimestamp(until, UTC)}
    return connection.execute(_TAKE[connection.dialect.name], values).first() is not None
