"""Who may not be told of now: asked where something about a person was kept when the person still could be shown."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from registry.records import tables as t
from registry.records.facts import NameFacts

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
_NAME = t.practitioner_name.c
_BORN_ON = (
    sa.select(
        t.practitioner.c.id,
        t.practitioner.c.birth_date,
        _NAME.use,
        _NAME.family,
        _NAME.given,
        _NAME.middle,
        _NAME.prefix,
        _NAME.suffix,
        _NAME.text,
    )
    .join(t.practitioner_name, _NAME.practitioner_id == t.practitioner.c.id)
    .where(
        t.practitioner.c.protected,
        t.practitioner.c.birth_date.in_(sa.bindparam("days", expanding=True)),
    )
    .order_by(t.practitioner.c.id, _NAME.id)
)
_LISTED = sa.select(t.practitioner.c.id).where(
    t.practitioner.c.id.in_(_IDS),
    ~t.practitioner.c.protected,
    t.practitioner.c.merged_into_id.is_(None),
)


@dataclass(frozen=True, slots=True, repr=False)
class Unlisted:
    """Names and birth date of somebody who is protected. Without a repr: it is for nobody's eyes.

    Attributes:
        birth_date: `YYYY-MM-DD`.
    """

    id: int
    birth_date: str
    names: tuple[NameFacts, ...]


def protected_born_on(connection: sa.Connection, days: Collection[str]) -> dict[str, list[Unlisted]]:
    """Return the protected people who were born on these days (`YYYY-MM-DD`), by day: to tell them that they were asked about.

    One statement, also for no day. What it gives goes to the access log only.
    """
    names: dict[tuple[int, str], list[NameFacts]] = defaultdict(list)
    for person, born, use, family, given, middle, prefix, suffix, text in connection.execute(
        _BORN_ON, {"days": list(days) or [""]}
    ):
        names[person, born].append(
            NameFacts(
                use=use,
                family=family,
                given=tuple(given.split()),
                middle=middle,
                prefix=prefix,
                suffix=suffix,
                text=text,
            )
        )
    found: dict[str, list[Unlisted]] = defaultdict(list)
    for (person, born), theirs in names.items():
        found[born].append(Unlisted(person, born, tuple(theirs)))
    return found


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
