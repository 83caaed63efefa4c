"""What comparisons of the index with SQL truth leave here: how they ended, and what must be published again."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from registry.records import bulk, outbox
from registry.records import tables as t
from registry.records.allocate import renew
from registry.records.index_tables import index_comparison


@dataclass
class Repair:
    """What must be published again.

    Attributes:
        people: practitioners whose documents differ.
        renewed: those of them who need a version above all that the index remembers, or it would refuse their documents.
        unknown: keys of documents that SQL knows nothing of.
    """

    people: set[int] = field(default_factory=set)
    renewed: set[int] = field(default_factory=set)
    unknown: set[int] = field(default_factory=set)


def queue(connection: sa.Connection, repair: Repair, now: datetime) -> None:
    """Put a repair in the outbox; what waits there already is not put there twice."""
    renew(connection, repair.renewed)
    row = t.outbox.c
    people = _not_waiting(connection, repair.people, row.practitioner_id)
    unknown = _not_waiting(connection, repair.unknown, row.document_key)
    bulk.insert_rows(
        connection,
        t.outbox,
        ("practitioner_id", "created_at", "document_key"),
        [(person, now, None) for person in people] + [(0, now, key) for key in unknown],
    )


def _not_waiting(connection: sa.Connection, ids: Collection[int], column: sa.Column[int]) -> list[int]:
    """Return those for whom a row is needed. What was given up is tried again in its own row, from the beginning."""
    if not ids:
        return []
    theirs: sa.ColumnElement[bool] = column.in_(bulk.ids(connection, ids))
    if column is t.outbox.c.document_key:
        # Of nobody; this column has an index, the key has none.
        theirs &= t.outbox.c.practitioner_id == 0
    dead = connection.scalars(sa.select(t.outbox.c.id).where(theirs & t.outbox.c.dead)).all()
    if dead:
        outbox.revive(connection, dead)
    waiting = set(connection.scalars(sa.select(column).where(theirs)))
    return sorted(set(ids) - waiting)


def record(connection: sa.Connection, row: dict[str, object], keep: int) -> None:
    """Record how a comparison ended, and forget all but the newest `keep`."""
    table = index_comparison
    connection.execute(sa.insert(table).values(row))
    oldest = sa.select(table.c.id).order_by(table.c.id.desc()).limit(1).offset(keep)
    connection.execute(sa.delete(table).where(table.c.id <= oldest.scalar_subquery()))
