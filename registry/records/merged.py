"""Practitioners who were found to be one person: an absorbed one keeps its id, and points to where its records are.

A join can be undone, so nothing here is remembered anywhere else.
"""

from typing import Any

import sqlalchemy as sa

from registry.records import tables as t


def _to_where_merged() -> sa.Select[Any]:
    """Follow a public id through every merge to the person whose records it leads to now.

    One statement whether there is such an id or not. `UNION` ends even a ring, which then leads to nobody.
    """
    person = t.practitioner
    steps = (
        sa.select(person.c.id, person.c.merged_into_id)
        .where(person.c.public_id == sa.bindparam("public_id"))
        .cte("steps", recursive=True)
    )
    steps = steps.union(
        sa.select(person.c.id, person.c.merged_into_id).join(steps, steps.c.merged_into_id == person.c.id)
    )
    return sa.select(steps.c.id).where(steps.c.merged_into_id.is_(None))


def _from_merged() -> sa.Select[Any]:
    person = t.practitioner
    steps = (
        sa.select(person.c.id)
        .where(person.c.merged_into_id == sa.bindparam("id"))
        .cte("steps", recursive=True)
    )
    return sa.select(
        steps.union(sa.select(person.c.id).join(steps, steps.c.id == person.c.merged_into_id)).c.id
    )


BY_PUBLIC_ID = _to_where_merged()
_MERGED = _from_merged()


def merged_into(connection: sa.Connection, practitioner_id: int) -> list[int]:
    """Return who was merged into this practitioner, also by way of others.

    What was logged about them is about this person.
    """
    return sorted(connection.scalars(_MERGED, {"id": practitioner_id}))
