"""Examples of what a run changed: enough to see what kind of news a feed brings, nothing that tells who is meant."""

from dataclasses import dataclass
from typing import Any

import msgspec
import sqlalchemy as sa

from registry.identifiers import mask_personal_numbers
from registry.records import tables as t
from registry.records.facts import LicenceFacts

_DECODE = msgspec.json.Decoder(LicenceFacts).decode
# What an example compares; in the order in which it is told.
_TOLD = ("status", "raw_status", "valid_from", "valid_to", "profession", "number", "jurisdiction")


@dataclass(frozen=True, slots=True)
class Example:
    """One licence. `kind`: added, changed or removed; `text`: what it says now, and what it said before."""

    kind: str
    licence: str
    text: str


def examples_of(connection: sa.Connection, run_id: int, each: int) -> list[Example]:
    """Return up to `each` examples of every kind, from the licence versions of a run."""
    new = t.licence_version.alias("new")
    old = t.licence_version.alias("old")
    before = (old.c.licence_id == new.c.licence_id) & (old.c.known_to_run_id == run_id)
    statement = (
        sa.select(new.c.facts, new.c.gone, old.c.facts.label("before"))
        .select_from(new.outerjoin(old, before))
        .where(new.c.known_from_run_id == run_id)
        .order_by(new.c.id)
        .limit(each)
    )
    kinds = {
        "added": old.c.id.is_(None),
        "changed": old.c.id.is_not(None) & ~new.c.gone,
        "removed": new.c.gone,
    }
    return [
        _example(kind, row)
        for kind, condition in kinds.items()
        for row in connection.execute(statement.where(condition))
    ]


def _example(kind: str, row: Any) -> Example:  # noqa: ANN401 - a row of the statement above
    facts = _DECODE(row.facts)
    name = mask_personal_numbers(f"{facts.profession} {facts.number}".strip())
    if kind == "changed":
        return Example(kind, name, _difference(_DECODE(row.before), facts))
    return Example(kind, name, f"{facts.status} ({facts.raw_status})" if facts.raw_status else facts.status)


def _difference(before: LicenceFacts, now: LicenceFacts) -> str:
    parts = [
        f"{name}: {getattr(before, name) or 'none'} -> {getattr(now, name) or 'none'}"
        for name in _TOLD
        if getattr(before, name) != getattr(now, name)
    ]
    for name in ("restrictions", "specialties"):
        was, has = len(getattr(before, name)), len(getattr(now, name))
        if getattr(before, name) != getattr(now, name):
            parts.append(f"{name}: {was} -> {has}")
    return mask_personal_numbers("; ".join(parts)) or "details"
