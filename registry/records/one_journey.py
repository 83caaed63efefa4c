"""Everything that one question by number needs, in one journey to the database: the feeds, whom the number leads to, and who that is.

It reads, of people who may be shown, what `registry.records.feeds.feeds`, `read.ids_by_...` and `read.practitioners` read, with the same selections; a test
holds it against them. A single check is mostly journeys, so that one is a quarter of the time of eight. What is read of each
table comes as one JSON array of rows. One statement also is one snapshot, and costs the same for nobody as for somebody.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from registry.identifiers import fold_number
from registry.prepared import Prepared
from registry.records import feeds as f
from registry.records import read
from registry.records import tables as t
from registry.records.feeds import Feed
from registry.records.read import Practitioner
from registry.records.rows import among, instant
from registry.sealing import Sealer

By = Literal["licence", "person"]


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read.

    Attributes:
        feeds: all, by id.
        people: everyone the number leads to, in the order of their ids; without identifiers, and of somebody with a protected
            identity nothing but that.
    """

    feeds: dict[str, Feed]
    people: dict[int, Practitioner]


def by_licence_number(connection: sa.Connection, number: str) -> Reading:
    """Read whom a licence number, or another public number such as an NPI, leads to."""
    key = fold_number(number)
    written = sorted({number.strip(), number.strip().upper(), key}) if key else []
    # No key leads nowhere: licences without a number have an empty one.
    return _read(connection, "licence", {"key": key or None, "written": written})


def by_personal_number(connection: sa.Connection, sealer: Sealer, digits: str) -> Reading:
    """Read whom a 12-digit personal identity or coordination number leads to, current or former."""
    return _read(connection, "person", {"digest": sealer.digest(digits)})


def _read(connection: sa.Connection, by: By, values: dict[str, Any]) -> Reading:
    if connection.dialect.name == "sqlite":
        parts: Sequence[str] = _in_sqlite(connection, by, values)
    else:
        parts = _PREPARED[by].row(connection, values) or ()
    people, licences, specialties, feeds, protected = map(orjson.loads, parts)
    found = dict(read.folded(people, {}, read.licences_of(licences, specialties)))
    found.update((number, replace(_PROTECTED, id=number)) for (number,) in protected)
    return Reading({row[0]: _feed(row) for row in feeds}, {one: found[one] for one in sorted(found)})


def _feed(row: Sequence[Any]) -> Feed:
    values = list(row)
    for place in _TIMES:
        values[place] = instant(values[place]) if values[place] else None
    values[-1] = bool(values[-1])
    return Feed(*values)


# What is read of somebody with a protected identity: that they are there.
_PROTECTED = Practitioner(
    id=0,
    public_id="",
    birth_date=None,
    deceased=False,
    deceased_date=None,
    protected=True,
    county="",
    version=0,
    names=(),
    identifiers=(),
    licences=(),
)
# Where a row of `_feeds` has times: when the last good run ended, when the last one began.
_TIMES = (11, 13)


def _hits(dialect: str, by: By) -> sa.CTE:
    """Select the ids that the number leads to."""
    licence, number = t.licence.c, t.identifier.c
    if by == "person":
        digest = sa.bindparam("digest", None, type_=sa.LargeBinary)
        return sa.select(number.practitioner_id.label("id")).where(number.digest == digest).cte("hit")
    key = sa.bindparam("key", None, type_=sa.Text)
    licensed = sa.select(licence.practitioner_id.label("id")).where(licence.number_key == key)
    public = read.BY_IDENTIFIER.select.with_only_columns(number.practitioner_id.label("id"))
    return sa.union_all(licensed, public.where(among(dialect, number.value, "written"))).cte("hit")


def _last_run(name: str, *which: sa.ColumnElement[bool]) -> tuple[Any, sa.ColumnElement[bool]]:
    """Return a feed's last run of a kind, as an alias and what joins it to the feed."""
    run, last = t.feed_run.alias(name), t.feed_run
    newest = sa.select(sa.func.max(last.c.id)).where(last.c.feed_id == t.feed.c.id, *which)
    return run, run.c.id == newest.scalar_subquery()


def _feeds() -> sa.Select[Any]:
    """Select the fields of `Feed` in their order."""
    good, is_good = _last_run("good", *f.GOOD)
    last, is_last = _last_run("latest", *f.PULL)
    feed = t.feed.c
    return (
        sa.select(
            feed.id,
            feed.authority_id,
            t.authority.c.name_sv.label("authority_sv"),
            t.authority.c.name_en.label("authority_en"),
            feed.name_sv,
            feed.name_en,
            feed.completeness,
            feed.mode,
            feed.max_age_hours,
            feed.silence_sv,
            feed.silence_en,
            good.c.finished_at,
            good.c.stamp,
            last.c.started_at,
            last.c.state,
            f.WAITS.label("held"),
        )
        .select_from(t.feed)
        .join(t.authority, t.authority.c.id == feed.authority_id)
        .outerjoin(good, is_good)
        .outerjoin(last, is_last)
        .order_by(feed.id)
    )


def _array(dialect: str, rows: sa.Select[Any]) -> sa.ColumnElement[Any]:
    """Select rows as one JSON array of arrays, as text."""
    part = rows.subquery()
    func = sa.func
    if dialect == "sqlite":
        array: Any = func.json_group_array(func.json_array(*part.c))
    else:
        array = sa.cast(
            func.coalesce(func.json_agg(func.json_build_array(*part.c)), sa.text("'[]'")), sa.Text
        )
    return sa.select(array).scalar_subquery()


def _whole(dialect: str, by: By) -> sa.Select[Any]:
    """Select everything in one row."""
    hit = _hits(dialect, by)
    person = t.practitioner.c
    # Of somebody with a protected identity nothing is read but that they are there, for the access log: reading it would take time
    # that tells them from nobody.
    open_ids = sa.select(person.id).where(person.id.in_(sa.select(hit.c.id)), ~person.protected)

    def among_hits(column: sa.Column[Any], ids: sa.Select[Any]) -> sa.ColumnElement[bool]:
        if dialect == "sqlite":
            return column.in_(ids)
        # An array is looked up in the index whatever the planner believes of how many there are.
        return column == sa.any_(sa.func.array(ids.scalar_subquery(), type_=sa.ARRAY(sa.BigInteger)))

    parts = [
        read.PEOPLE.select.where(among_hits(person.id, open_ids)),
        read.LICENCES.select.where(among_hits(t.licence.c.practitioner_id, open_ids)),
        read.SPECIALTIES.select.where(among_hits(t.licence.c.practitioner_id, open_ids)),
        _feeds(),
        sa.select(person.id).where(among_hits(person.id, sa.select(hit.c.id)), person.protected),
    ]
    return sa.select(*(_array(dialect, part).label(f"part_{place}") for place, part in enumerate(parts)))


_SQLITE: sa.Dialect = sqlite.dialect()
_PREPARED = {by: Prepared(_whole("postgresql", by)) for by in ("licence", "person")}


@cache
def _of_sqlite(by: By) -> tuple[str, list[str], dict[str, Any]]:
    """Return the statement's text, the order of its values, and those that it has already."""
    compiled: Any = _whole("sqlite", by).compile(dialect=_SQLITE, compile_kwargs={"render_postcompile": True})
    return str(compiled), list(compiled.positiontup), dict(compiled.params)


def _in_sqlite(connection: sa.Connection, by: By, values: dict[str, Any]) -> Sequence[str]:
    text, names, known = _of_sqlite(by)
    given = {**known, **values}
    if "written" in given:
        given["written"] = orjson.dumps(given["written"]).decode()
    return tuple(connection.exec_driver_sql(text, tuple(given[name] for name in names)).one())
