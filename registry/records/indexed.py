"""Reading people from SQL truth for the search index alone: the few columns that documents are made of, fast.

A rebuild reads every person of a register, so what documents don't need is left where it is: sealed identifiers,
provenance, histories. Each table is asked once for all people at hand, by a range of keys or by one list
as one parameter, and rows stay the tuples they are. What is shown to anyone is read by `registry.records.read`.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple

import msgspec
import sqlalchemy as sa

from registry.identifiers import PUBLIC_SYSTEMS
from registry.records import tables as t
from registry.records.read import NAME_ORDER, Practitioner


class IndexedName(msgspec.Struct, frozen=True, gc=False):
    """One name of a person; `given` holds the given names separated by a space."""

    use: str
    text: str
    family: str
    given: str
    middle: str


class IndexedRestriction(msgspec.Struct, frozen=True, gc=False):
    """One limit on a licence, with partial dates."""

    kind: str
    valid_from: str | None
    valid_to: str | None


class IndexedLicence(msgspec.Struct, frozen=True, gc=False):
    """One licence, with partial dates.

    Attributes:
        gone: the feed no longer holds it.
        issued: when the licence was given; None: the authority does not say.
        specialties: their names in the authority's words, or the code of one that has no name.
    """

    id: int
    gone: bool
    restrictions: Sequence[IndexedRestriction]
    specialties: Sequence[str]
    number: str
    jurisdiction: str
    profession: str
    authority_id: str
    status: str
    issued: str | None
    valid_from: str | None
    valid_to: str | None


class IndexedPerson(msgspec.Struct, frozen=True, gc=False):
    """One person as the index knows them.

    Attributes:
        listed: False: protected or merged into another, the index must hold nothing about them.
        names: official ones first, each kind in the order of SQL truth; one may stand there several times.
        numbers: (system, value) of identifiers that are meant to be public.
    """

    id: int
    version: int
    listed: bool
    deceased: bool
    birth_date: str | None
    county: str
    names: Sequence[IndexedName]
    numbers: Sequence[tuple[str, str]]
    licences: Sequence[IndexedLicence]


def indexed(person: Practitioner) -> IndexedPerson:
    """Return what the index needs of a person who has been read in full."""
    return IndexedPerson(
        person.id,
        person.version,
        person.listed,
        person.deceased,
        person.birth_date,
        person.county,
        [IndexedName(n.use, n.text, n.family, " ".join(n.given), n.middle) for n in person.names],
        [(i.system, i.value) for i in person.identifiers if i.value and i.system in PUBLIC_SYSTEMS],
        [
            IndexedLicence(
                one.id,
                one.gone,
                [IndexedRestriction(r.kind, r.valid_from, r.valid_to) for r in one.facts.restrictions],
                [specialty.text or specialty.code for specialty in one.facts.specialties],
                one.facts.number,
                one.facts.jurisdiction,
                one.facts.profession,
                one.authority_id,
                one.facts.status,
                one.facts.issued,
                one.facts.valid_from,
                one.facts.valid_to,
            )
            for one in person.licences
        ],
    )


_person, _name, _licence = t.practitioner.c, t.practitioner_name.c, t.licence.c
_LISTED = ~_person.protected & _person.merged_into_id.is_(None)
_PEOPLE = sa.select(
    _person.id, _person.version, _LISTED, _person.deceased, _person.birth_date, _person.county
)
_NAMES = sa.select(
    _name.practitioner_id, _name.use, _name.text, _name.family, _name.given, _name.middle
).order_by(_name.id)
_NUMBERS = (
    sa.select(t.identifier.c.practitioner_id, t.identifier.c.system, t.identifier.c.value)
    .where(t.identifier.c.system.in_(sorted(PUBLIC_SYSTEMS)) & (t.identifier.c.value != ""))
    .order_by(t.identifier.c.id)
)
_LICENCES = sa.select(
    _licence.practitioner_id,
    _licence.id,
    _licence.gone_run_id.is_not(None),
    _licence.number,
    _licence.jurisdiction,
    _licence.profession,
    _licence.authority_id,
    _licence.status,
    _licence.issued,
    _licence.valid_from,
    _licence.valid_to,
).order_by(_licence.id)
_RESTRICTIONS = (
    sa.select(
        t.restriction.c.licence_id, t.restriction.c.kind, t.restriction.c.valid_from, t.restriction.c.valid_to
    )
    .join(t.licence, _licence.id == t.restriction.c.licence_id)
    .order_by(t.restriction.c.id)
)
_SPECIALTIES = (
    sa.select(t.specialty.c.licence_id, t.specialty.c.code, t.specialty.c.text)
    .join(t.licence, _licence.id == t.specialty.c.licence_id)
    .order_by(t.specialty.c.id)
)
_NEXT = _PEOPLE.where(_person.id > sa.bindparam("after")).order_by(_person.id).limit(sa.bindparam("limit"))


class _Parts(NamedTuple):
    """The statements for what hangs on people, for one way to say whose."""

    names: sa.Select[Any]
    numbers: sa.Select[Any]
    licences: sa.Select[Any]
    restrictions: sa.Select[Any]
    specialties: sa.Select[Any]


Way = Literal["range", "array", "json"]


def _whose(way: Way, column: sa.Column[Any]) -> sa.ColumnElement[bool]:
    """Return the condition that a key is one of those asked for; a list of any length is one parameter."""
    if way == "range":
        return column.between(sa.bindparam("low"), sa.bindparam("high"))
    if way == "array":
        return column == sa.any_(sa.bindparam("ids", type_=sa.ARRAY(sa.BigInteger)))
    each = sa.func.json_each(sa.bindparam("ids", type_=sa.JSON))
    return column.in_(sa.select(each.table_valued(sa.column("value", sa.BigInteger)).c.value))


def _parts(way: Way) -> _Parts:
    return _Parts(
        names=_NAMES.where(_whose(way, _name.practitioner_id)),
        numbers=_NUMBERS.where(_whose(way, t.identifier.c.practitioner_id)),
        licences=_LICENCES.where(_whose(way, _licence.practitioner_id)),
        restrictions=_RESTRICTIONS.where(_whose(way, _licence.practitioner_id)),
        specialties=_SPECIALTIES.where(_whose(way, _licence.practitioner_id)),
    )


# Statements are built once: building one costs more than running most of them.
_IN_RANGE = _parts("range")
_LISTED_BY: dict[str, Way] = {"postgresql": "array", "sqlite": "json"}
_IN_LIST = {name: (_PEOPLE.where(_whose(way, _person.id)), _parts(way)) for name, way in _LISTED_BY.items()}


def people(connection: sa.Connection, ids: Iterable[int]) -> list[IndexedPerson]:
    """Read people by id, in any order; ids that SQL does not know are left out."""
    wanted, parts = _IN_LIST[connection.dialect.name]
    asked = {"ids": list(ids)}
    # The people first: should a change be committed between two of these statements, the documents get a version that
    # is older than what they hold, and the change's own publishing replaces them.
    return _put_together(connection, _rows(connection, wanted, asked), parts, asked)


def people_after(connection: sa.Connection, after: int, limit: int) -> list[IndexedPerson]:
    """Read the next `limit` people whose id is above `after`, in the order of their ids; none: there are no more."""
    found = _rows(connection, _NEXT, {"after": after, "limit": limit})
    if not found:
        return []
    return _put_together(connection, found, _IN_RANGE, {"low": found[0][0], "high": found[-1][0]})


def _rows(connection: sa.Connection, statement: sa.Select[Any], asked: dict[str, Any]) -> Sequence[Any]:
    """Return rows as the driver gives them; making SQLAlchemy's own of them takes as long again."""
    result = connection.execute(statement, asked)
    rows = result.cursor.fetchall()
    result.close()
    return rows


def _put_together(
    connection: sa.Connection, found: Sequence[Any], parts: _Parts, whose: dict[str, Any]
) -> list[IndexedPerson]:
    names: dict[int, list[IndexedName]] = defaultdict(list)
    for person_id, use, text, family, given, middle in _rows(connection, parts.names, whose):
        names[person_id].append(IndexedName(use, text, family, given, middle))
    numbers: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for person_id, system, value in _rows(connection, parts.numbers, whose):
        numbers[person_id].append((system, value))
    restrictions: dict[int, list[IndexedRestriction]] = defaultdict(list)
    for licence_id, kind, valid_from, valid_to in _rows(connection, parts.restrictions, whose):
        restrictions[licence_id].append(IndexedRestriction(kind, valid_from, valid_to))
    specialties: dict[int, list[str]] = defaultdict(list)
    for licence_id, code, text in _rows(connection, parts.specialties, whose):
        specialties[licence_id].append(text or code)
    licences: dict[int, list[IndexedLicence]] = defaultdict(list)
    for person_id, licence_id, gone, *facts in _rows(connection, parts.licences, whose):
        limits, theirs = restrictions.get(licence_id, ()), specialties.get(licence_id, ())
        licences[person_id].append(IndexedLicence(licence_id, bool(gone), limits, theirs, *facts))
    return [
        IndexedPerson(
            person_id,
            version,
            bool(listed),
            bool(deceased),
            birth_date,
            county,
            _official_first(names.get(person_id, ())),
            numbers.get(person_id, ()),
            licences.get(person_id, ()),
        )
        for person_id, version, listed, deceased, birth_date, county in found
    ]


def _official_first(names: Sequence[IndexedName]) -> Sequence[IndexedName]:
    return names if len(names) < 2 else sorted(names, key=lambda name: NAME_ORDER.get(name.use, 9))  # noqa: PLR2004
