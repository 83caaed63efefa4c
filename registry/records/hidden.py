"""Who may not be told of now: asked where something about a person was kept when the person still could be shown."""

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from registry.records import tables as t

_IDS: sa.BindParameter[Any] = sa.bindparam("ids", expanding=True)


def _steps() -> sa.CTE:
    """Select where each id that is asked about leads, through every merge. `UNION` ends even a ring, which leads to nobody."""
    person = t.practitioner
    steps = (
        sa.select(person.c.id.label("asked"), person.c.id, person.c.merged_into_id, person.c.protected)
        .where(person.c.id.in_(_IDS))
        .cte("steps", recursive=True)
    )
    return steps.union(
        sa.select(
            steps.c.asked, person.c.id, person.c.merged_into_id, person.c.protected | steps.c.protected
        ).join(steps, steps.c.merged_into_id == person.c.id)
    )


_STEPS = _steps()
_SHOWN = sa.select(_STEPS.c.asked).where(_STEPS.c.merged_into_id.is_(None), ~_STEPS.c.protected)
_PROTECTED = sa.select(_STEPS.c.asked).where(_STEPS.c.protected).distinct()


def _all_protected() -> sa.Select[Any]:
    person = t.practitioner
    found = sa.select(person.c.id).where(person.c.protected).cte("found", recursive=True)
    found = found.union(sa.select(person.c.id).join(found, person.c.merged_into_id == found.c.id))
    return sa.select(found.c.id)


_ALL_PROTECTED = _all_protected()
_LAST_HIDDEN = sa.select(sa.func.max(t.practitioner.c.version)).where(t.practitioner.c.id.in_(_ALL_PROTECTED))
_LISTED = sa.select(t.practitioner.c.id).where(
    t.practitioner.c.id.in_(_IDS),
    ~t.practitioner.c.protected,
    t.practitioner.c.merged_into_id.is_(None),
)


def hidden(connection: sa.Connection, ids: Collection[int]) -> frozenset[int]:
    """Return which of these people may not be told of: protected, merged into someone protected, or not there at all.

    One statement, also for nobody: what it costs does not tell whether somebody is there.
    """
    return frozenset(ids) - frozenset(connection.scalars(_SHOWN, {"ids": list(ids) or [-1]}))


def protected(connection: sa.Connection, ids: Collection[int]) -> frozenset[int]:
    """Return which of these people are known to be protected, or merged into someone protected.

    Who is `hidden` and not `protected` is not there: an older copy of the data was restored, say.
    """
    return frozenset(connection.scalars(_PROTECTED, {"ids": list(ids) or [-1]}))


def all_protected(connection: sa.Connection) -> frozenset[int]:
    """Return everyone who is known to be protected, or merged into someone protected: few, whatever the register's size."""
    return frozenset(connection.scalars(_ALL_PROTECTED))


def last_hidden(connection: sa.Connection) -> int:
    """Return the highest version of anyone who is known to be protected, or merged into someone protected; 0: nobody is."""
    return connection.scalar(_LAST_HIDDEN) or 0


def listed(connection: sa.Connection, ids: Collection[int]) -> list[int]:
    """Return those of these people who may be told of: neither protected nor merged into another."""
    return sorted(connection.scalars(_LISTED, {"ids": list(ids) or [-1]}))
