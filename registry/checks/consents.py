"""Consent codes: somebody with a protected identity lets one organisation finish one check.

    made = make(desk.access, desk.sealer, settings, practitioner_id=7, organisation="2120000142", hours=24, now=...)
    made.code                                              # shown once, to the person; nothing keeps it

A code is kept as a keyed digest. It is good for one check by one organisation, until it expires or is withdrawn; using it is
one conditional UPDATE in the transaction that keeps the answer, so that of several workers one gets it. Nothing tells a code
that is wrong from one that is used, expired, withdrawn or another organisation's.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from registry.checks.consent_code import new_code
from registry.checks.errors import ConsentLimitError, ConsentRefusedError
from registry.checks.ids import new_id
from registry.checks.tables import identity_consent
from registry.checks.writing import one_write
from registry.database import writing
from registry.records.read import as_utc
from registry.sealing import Sealer
from registry.settings_asking import Consents

State = Literal["unused", "used", "withdrawn", "expired"]
_DIGEST = b"consent-code\0"
_ROW = identity_consent.c
_UNUSED = _ROW.used_at.is_(None) & _ROW.revoked_at.is_(None)


@dataclass(frozen=True, slots=True)
class Consent:
    """A consent as its person sees it; times are UTC."""

    id: str
    practitioner_id: int
    organisation: str
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None
    evidence_id: str | None
    revoked_at: datetime | None

    def state(self, now: datetime) -> State:
        """Tell what has become of it."""
        if self.used_at is not None:
            return "used"
        if self.revoked_at is not None:
            return "withdrawn"
        return "expired" if self.expires_at <= now else "unused"


@dataclass(frozen=True, slots=True)
class Made:
    """A new consent with its code, which is told this once. No repr: whoever reads it could use it."""

    id: str
    code: str
    expires_at: datetime

    def __repr__(self) -> str:
        return f"Made({self.id!r})"


@dataclass(frozen=True, slots=True)
class Standing:
    """A consent that may be used now, and whom it is about."""

    id: str
    practitioner_id: int


_COLUMNS = [_ROW[name] for name in Consent.__dataclass_fields__]


_TURN = sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:person, 0))")


def make(
    engine: Engine,
    sealer: Sealer,
    settings: Consents,
    *,
    practitioner_id: int,
    organisation: str,
    hours: int,
    now: datetime,
) -> Made:
    """Make a consent and its code.

    Args:
        engine: the access database.
        sealer: codes are kept as keyed digests.
        settings: section `[checks.consents]`.
        practitioner_id: the person who consents.
        organisation: whose check it lets through, as callers' organisations are written.
        hours: for how long; at most `max_hours`.
        now: this moment, UTC.

    Raises:
        ConsentLimitError: the person has `max_unused` codes that are still good.
    """
    if not 0 < hours <= settings.max_hours:
        raise ValueError("longer than a consent may last")
    made = Made(new_id("con"), new_code(), now + timedelta(hours=hours))
    good = sa.select(sa.func.count()).where(
        _ROW.practitioner_id == practitioner_id, _UNUSED, _ROW.expires_at > now
    )
    with writing(engine).begin() as connection:
        if connection.dialect.name == "postgresql":
            # Codes of one person are made one after another, so that they are counted; SQLite has one writer anyway.
            connection.execute(_TURN, {"person": f"identity_consent {practitioner_id}"})
        if (connection.scalar(good) or 0) >= settings.max_unused:
            raise ConsentLimitError(
                f"You have {settings.max_unused} codes that nobody has used. Withdraw one, or wait until one has expired."
            )
        connection.execute(
            identity_consent.insert().values(
                id=made.id,
                code_digest=sealer.record_digest(_DIGEST + made.code.encode()),
                practitioner_id=practitioner_id,
                organisation=organisation,
                created_at=now,
                expires_at=made.expires_at,
            )
        )
    return made


def of_people(connection: sa.Connection, practitioner_ids: Collection[int]) -> list[Consent]:
    """Return what people have consented to, the newest first."""
    query = sa.select(*_COLUMNS).where(_ROW.practitioner_id.in_(practitioner_ids))
    return [_consent(row) for row in connection.execute(query.order_by(_ROW.created_at.desc(), _ROW.id))]


def _consent(row: sa.Row[Any]) -> Consent:
    values: list[Any] = [as_utc(value) if isinstance(value, datetime) else value for value in row]
    return Consent(*values)


def withdraw(engine: Engine, consent_id: str, practitioner_ids: Collection[int], now: datetime) -> bool:
    """Withdraw a consent of one of these people; False if it is none of theirs, or used or withdrawn already."""
    statement = (
        identity_consent.update()
        .where(_ROW.id == consent_id, _ROW.practitioner_id.in_(practitioner_ids), _UNUSED)
        .values(revoked_at=now)
    )
    with one_write(engine) as connection:
        return connection.execute(statement).rowcount == 1


_STANDING = sa.select(_ROW.id, _ROW.practitioner_id).where(
    _ROW.code_digest == sa.bindparam("digest"),
    _ROW.organisation == sa.bindparam("organisation"),
    _ROW.expires_at > sa.bindparam("now", type_=_ROW.expires_at.type),
    _UNUSED,
)


def standing(engine: Engine, sealer: Sealer, code: str, organisation: str, now: datetime) -> Standing | None:
    """Return the consent that a code of an organisation is good for now; None, by the same statement, for any other code.

    Args:
        engine: the access database.
        sealer: codes are kept as keyed digests.
        code: 16 characters, from `registry.checks.consent_code.read_code`.
        organisation: who asks; "" has no codes.
        now: this moment, UTC.
    """
    values = {
        "digest": sealer.record_digest(_DIGEST + code.encode()),
        "organisation": organisation,
        "now": now,
    }
    with engine.connect() as connection:
        row = connection.execute(_STANDING, values).one_or_none()
    return None if row is None or not organisation else Standing(row.id, row.practitioner_id)


_USE = (
    identity_consent.update()
    .where(
        _ROW.id == sa.bindparam("consent"),
        _ROW.expires_at > sa.bindparam("now", type_=_ROW.expires_at.type),
        _UNUSED,
    )
    .values(used_at=sa.bindparam("now", type_=_ROW.used_at.type), evidence_id=sa.bindparam("evidence"))
)


def use(connection: sa.Connection, consent_id: str, evidence_id: str, now: datetime) -> None:
    """Use a consent up, in the transaction that keeps the answer.

    Raises:
        ConsentRefusedError: it was used, withdrawn or has expired meanwhile; keep nothing.
    """
    values = {"consent": consent_id, "now": now, "evidence": evidence_id}
    if connection.execute(_USE, values).rowcount != 1:
        raise ConsentRefusedError
