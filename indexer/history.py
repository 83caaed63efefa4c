"""Licence rows and their append-only versions."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from registry.identifiers import fold_number
from registry.records import bulk
from registry.records import tables as t
from registry.records.facts import LicenceFacts

# The number's column has an index, the others have none: an update that leaves it out is several times as cheap.
NUMBER_FIELDS = ("number", "number_key")
PLAIN_FIELDS = (
    "jurisdiction",
    "profession",
    "raw_profession",
    "raw_profession_text",
    "status",
    "raw_status",
    "issued",
    "valid_from",
    "valid_to",
)
LICENCE_FIELDS = (*NUMBER_FIELDS, *PLAIN_FIELDS)

_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(LicenceFacts)


def encode(facts: LicenceFacts) -> str:
    """Return licence facts as the JSON text that history keeps and that tells whether anything changed."""
    return _ENCODER.encode(facts).decode()


def decode(text: str) -> LicenceFacts:
    """Return the licence facts that history keeps, the reverse of `encode`."""
    return _DECODER.decode(text)


def licence_row(facts: LicenceFacts) -> tuple[Any, ...]:
    """Return the values of LICENCE_FIELDS."""
    return (*number_row(facts), *plain_row(facts))


def number_row(facts: LicenceFacts) -> tuple[str, str]:
    """Return the values of NUMBER_FIELDS."""
    return facts.number, fold_number(facts.number)


def plain_row(facts: LicenceFacts) -> tuple[Any, ...]:
    """Return the values of PLAIN_FIELDS."""
    return (
        facts.jurisdiction,
        facts.profession,
        facts.raw_profession,
        facts.raw_profession_text,
        facts.status,
        facts.raw_status,
        facts.issued,
        facts.valid_from,
        facts.valid_to,
    )


def licences_of(connection: sa.Connection, record_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Return the licences of source records: record id → licence key → row with id and gone_run_id."""
    if not record_ids:
        return {}
    table = t.licence
    rows = connection.execute(
        sa.select(table.c.source_record_id, table.c.key, table.c.id, table.c.gone_run_id).where(
            table.c.source_record_id.in_(bulk.ids(connection, record_ids))
        )
    )
    found: dict[int, dict[str, Any]] = defaultdict(dict)
    for row in rows:
        found[row.source_record_id][row.key] = row
    return found


def current_facts(connection: sa.Connection, licence_ids: Sequence[int]) -> dict[int, str]:
    """Return what is known now of each licence, as JSON text."""
    if not licence_ids:
        return {}
    table = t.licence_version
    rows = connection.execute(
        sa.select(table.c.licence_id, table.c.facts).where(
            table.c.licence_id.in_(bulk.ids(connection, licence_ids)) & table.c.known_to_run_id.is_(None)
        )
    )
    return {row.licence_id: row.facts for row in rows}


def close(connection: sa.Connection, licence_ids: Sequence[int], run_id: int) -> None:
    """Say that the current version was known until this run."""
    table = t.licence_version
    connection.execute(
        sa.update(table)
        .where(table.c.licence_id.in_(bulk.ids(connection, licence_ids)) & table.c.known_to_run_id.is_(None))
        .values(known_to_run_id=run_id)
    )


def open_versions(
    connection: sa.Connection, facts: Sequence[tuple[int, str]], run_id: int, *, gone: bool
) -> None:
    """Append what is known from this run on."""
    bulk.insert_rows(
        connection,
        t.licence_version,
        ("licence_id", "known_from_run_id", "gone", "facts"),
        [(licence_id, run_id, gone, text) for licence_id, text in facts],
    )
