"""Folding a person's source records into the practitioner, and telling the outbox that something changed."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from indexer.heads import PERSON_FIELDS
from registry.records import bulk
from registry.records import tables as t
from registry.records.allocate import allocate


def fold_people(connection: sa.Connection, people: Iterable[int]) -> None:
    """Recompute what several records say together and give every person a new version.

    A new person with one record needs neither: the row was written from that record, with a fresh number.
    """
    ids = sorted(people)
    if not ids:
        return
    folded = _folded(connection, ids)
    nothing = _fold(())  # of someone whose records have all been joined to another
    bulk.update_rows(
        connection,
        t.practitioner,
        ("version", *PERSON_FIELDS),
        [
            (person, version, *(folded.get(person, nothing)[name] for name in PERSON_FIELDS))
            for person, version in zip(ids, allocate(connection, len(ids)), strict=True)
        ],
    )


def tell_outbox(
    connection: sa.Connection, people: Iterable[int], now: datetime, *, made: Collection[int] = ()
) -> None:
    """Write that these people's documents must be published anew.

    Args:
        made: those of them whom this very change has made, all from records seen for the first time: of them no document
            can stand in the index that would have to be deleted.
    """
    bulk.insert_rows(
        connection,
        t.outbox,
        ("practitioner_id", "created_at", "fresh"),
        [(i, now, i in made) for i in sorted(people)],
    )


def _folded(connection: sa.Connection, ids: list[int]) -> dict[int, dict[str, Any]]:
    """Fold the source records of each person: any record's protection or death counts, the oldest date stands."""
    record = t.source_record
    rows = connection.execute(
        sa.select(
            record.c.practitioner_id,
            record.c.birth_date,
            record.c.deceased,
            record.c.deceased_date,
            record.c.protected,
            record.c.county,
        )
        .where(record.c.practitioner_id.in_(bulk.ids(connection, ids)))
        .order_by(record.c.id)
    )
    grouped: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        grouped[row.practitioner_id].append(row)
    return {person: _fold(records) for person, records in grouped.items()}


def _fold(records: Iterable[Any]) -> dict[str, Any]:
    records = list(records)
    dates = [r.birth_date for r in records if r.birth_date]
    return {
        # The most exact date; two feeds that disagree are both kept in their source records.
        "birth_date": max(dates, key=len) if dates else None,
        "deceased": any(r.deceased for r in records),
        "deceased_date": next((r.deceased_date for r in records if r.deceased_date), None),
        "protected": any(r.protected for r in records),
        "county": next((r.county for r in records if r.county), ""),
    }
