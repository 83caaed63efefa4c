"""The current state of source records, as loading needs it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from registry.records import bulk
from registry.records import tables as t

_RECORD = t.source_record
# What a record says of its person beside names and identifiers; folded into the practitioner (`indexer.fold`).
PERSON_FIELDS = ("birth_date", "deceased", "deceased_date", "protected", "county")
_COLUMNS = (
    _RECORD.c.key,
    _RECORD.c.id,
    _RECORD.c.practitioner_id,
    _RECORD.c.digest,
    _RECORD.c.facts_digest,
    _RECORD.c.person_digest,
    _RECORD.c.fingerprint,
    _RECORD.c.gone_run_id,
    _RECORD.c.checked_run_id,
    _RECORD.c.held_run_id,
    _RECORD.c.run_id,
    *(_RECORD.c[name] for name in PERSON_FIELDS),
)


@dataclass(frozen=True, slots=True)
class Head:
    """The current state of a source record.

    Attributes:
        key: as SQL keeps it.
        gone: the feed no longer holds it.
        checked: the last run that had to look at it.
        held: the run that put something about it aside.
        run_id: the run that brought what stands now.
        person: the values of PERSON_FIELDS.
    """

    id: int
    key: str
    practitioner_id: int
    digest: bytes
    facts_digest: bytes | None
    person_digest: bytes | None
    fingerprint: int | None
    gone: bool
    checked: int | None
    held: int | None
    run_id: int
    person: tuple[str | None, bool, str | None, bool, str]


def heads_by_key(connection: sa.Connection, feed_id: str, keys: Sequence[str]) -> dict[str, Head]:
    """Read the records of a feed that have these keys."""
    if not keys:
        return {}
    rows = connection.execute(
        sa.select(*_COLUMNS).where(
            (_RECORD.c.feed_id == feed_id) & _RECORD.c.key.in_(bulk.keys(connection, keys))
        )
    )
    return {row.key: _head(row) for row in rows}


def heads_by_id(connection: sa.Connection, ids: Sequence[int]) -> dict[int, Head]:
    """Read records by id."""
    if not ids:
        return {}
    rows = connection.execute(sa.select(*_COLUMNS).where(_RECORD.c.id.in_(bulk.ids(connection, ids))))
    return {row.id: _head(row) for row in rows}


def _head(row: Any) -> Head:  # noqa: ANN401 - a row of _COLUMNS
    return Head(
        id=row.id,
        key=row.key,
        practitioner_id=row.practitioner_id,
        digest=bytes(row.digest),
        facts_digest=bytes(row.facts_digest) if row.facts_digest is not None else None,
        person_digest=bytes(row.person_digest) if row.person_digest is not None else None,
        fingerprint=row.fingerprint,
        gone=row.gone_run_id is not None,
        checked=row.checked_run_id,
        held=row.held_run_id,
        run_id=row.run_id,
        person=(row.birth_date, row.deceased, row.deceased_date, row.protected, row.county),
    )


def latest_payloads(connection: sa.Connection, record_ids: Sequence[int]) -> dict[int, bytes]:
    """Read the newest payload of records, sealed, by record id."""
    if not record_ids:
        return {}
    version = t.source_record_version
    newest = (
        sa.select(sa.func.max(version.c.id))
        .where(version.c.source_record_id.in_(bulk.ids(connection, record_ids)))
        .group_by(version.c.source_record_id)
    )
    rows = connection.execute(
        sa.select(version.c.source_record_id, version.c.payload).where(version.c.id.in_(newest))
    )
    return {row.source_record_id: bytes(row.payload) for row in rows}
