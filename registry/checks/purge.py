"""Deleting what is kept no longer: evidence, keys, counts of quotas and refusals, unusual callers, consents, texts of requests, and lists.

Run daily by `registry purge-evidence`. The access log stays: what may be deleted there is another question.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from registry.access.tables import access_refusal
from registry.checks import subject_requests
from registry.checks.lists import queue
from registry.checks.tables import (
    check_evidence,
    check_quota,
    check_unusual,
    idempotency_key,
    identity_consent,
)
from registry.database import writing
from registry.settings import Checks

# Rows deleted in one transaction: on SQLite nobody else can write meanwhile.
_PART = 5000
# Windows of quotas that ended so long ago count for nobody, whatever his clock says.
_QUOTA = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Purged:
    """How many rows were deleted."""

    evidence: int
    keys: int
    quotas: int
    unusual: int
    consents: int
    texts: int
    refusals: int
    lists: int


def purge(engine: Engine, settings: Checks, now: datetime) -> Purged:
    """Delete what is older than the settings say; safe to repeat, to end at any time, and beside a running service.

    Args:
        engine: the access database, without the service's statement timeout.
        settings: section `[checks]`.
        now: this moment, UTC.
    """
    kept = timedelta(days=settings.evidence_keep_days)
    # A key leads to evidence, so it goes with it at the latest.
    keys = min(kept, timedelta(hours=settings.idempotency_keep_hours))
    ended = identity_consent.c.expires_at < now - timedelta(days=settings.consents.keep_days)
    noticed = check_unusual.c.noticed_at < now - timedelta(days=settings.unusual.keep_days)
    refused = now - timedelta(days=settings.oversight.refusals_keep_days)
    return Purged(
        evidence=_delete(engine, check_evidence.c.event_id, check_evidence.c.created_at < now - kept),
        keys=_delete(engine, idempotency_key.c.digest, idempotency_key.c.began_at < now - keys),
        quotas=_delete(engine, check_quota.c.owner, check_quota.c.window_start < (now - _QUOTA).timestamp()),
        unusual=_delete(engine, check_unusual.c.id, noticed & (check_unusual.c.slowed_until < now)),
        consents=_delete(engine, identity_consent.c.id, ended),
        texts=subject_requests.forget(engine, settings.subject_requests, now),
        refusals=_delete(engine, access_refusal.c.day, access_refusal.c.day < refused.date()),
        lists=queue.purge(engine, now),
    )


def _delete(engine: Engine, key: sa.Column[Any], old: sa.ColumnElement[bool]) -> int:
    """Delete in parts; `key` chooses the rows of one part, all of which must be old."""
    deleted = 0
    chosen = sa.select(key).where(old).distinct().limit(_PART)
    while True:
        with writing(engine).begin() as connection:
            part = connection.execute(sa.delete(key.table).where(key.in_(chosen), old)).rowcount
        deleted += part
        if not part:
            return deleted
