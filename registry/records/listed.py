"""Reading what a list shows of people from SQL truth, and nothing else: few statements, built once, and plain rows.

A list is asked for at every search, so what it does not show is left where it is: identifiers, provenance, specialties.
What is shown of one person is read by `registry.records.read`, what the index is made of by `registry.records.indexed`.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from registry.database import fetch
from registry.identifiers import PUBLIC_SYSTEMS
from registry.records import tables as t
from registry.records.facts import NameFacts, Status
from registry.records.read import NAME_ORDER


class ListedRestriction(NamedTuple):
    """A limit on a licence, with partial dates."""

    kind: str
    valid_from: str | None
    valid_to: str | None


class ListedLicence(msgspec.Struct, frozen=True, gc=False):
    """What a list shows of a licence.

    Attributes:
        status: the authority's decision; dates and restrictions count besides (`registry.search.status`).
        gone: the feed no longer holds it.
    """

    id: int
    number: str
    jurisdiction: str
    profession: str
    raw_profession: str
    raw_profession_text: str
    status: Status
    raw_status: str
    issued: str | None
    valid_from: str | None
    valid_to: str | None
    feed_id: str
    authority_id: str
    gone: bool
    restrictions: tuple[ListedRestriction, ...]


class ListedPerson(msgspec.Struct, frozen=True, gc=False):
    """Someone who may be listed: neither protected nor merged into another person.

    Attributes:
        names: official ones first, as everywhere.
    """

    id: int
    public_id: str
    birth_date: str | None
    deceased: bool
    county: str
    names: tuple[NameFacts, ...]

    @property
    def name(self) -> str:
        """The name to show: the first official one."""
        return self.names[0].display() if self.names else ""


Licences = Mapping[int, tuple[ListedLicence, ...]]


def _among(dialect: str, column: sa.Column[Any]) -> sa.ColumnElement[bool]:
    """Return the condition that a key is one of those asked for; a list of any length is one parameter."""
    if dialect == "postgresql":
        return column == sa.any_(sa.bindparam("ids", type_=sa.ARRAY(sa.BigInteger)))
    each = sa.func.json_each(sa.bindparam("ids", type_=sa.JSON))
    return column.in_(sa.select(each.table_valued(sa.column("value", sa.BigInteger)).c.value))


_person, _name, _licence, _limit = (
    t.practitioner.c,
    t.practitioner_name.c,
    t.licence.c,
    t.restriction.c,
)


class _Statements(NamedTuple):
    """The statements as text, with one parameter for all ids."""

    people: str
    licences: str
    numbers: str


def _statements(dialect: sa.Dialect) -> _Statements:
    made = _COMPILED.get(dialect.name)
    if made is None:
        made = _COMPILED[dialect.name] = _made(dialect)
    return made


_COMPILED: dict[str, _Statements] = {}


def _made(dialect: sa.Dialect) -> _Statements:
    people = (
        sa.select(
            _person.id,
            _person.public_id,
            _person.birth_date,
            _person.deceased,
            _person.county,
            _name.use,
            _name.family,
            _name.given,
            _name.middle,
            _name.prefix,
            _name.suffix,
            _name.text,
        )
        .outerjoin(t.practitioner_name, _name.practitioner_id == _person.id)
        .where(_among(dialect.name, _person.id), ~_person.protected, _person.merged_into_id.is_(None))
        .order_by(_person.id, _name.id)
    )
    licences = (
        sa.select(
            _licence.practitioner_id,
            _licence.id,
            _licence.number,
            _licence.jurisdiction,
            _licence.profession,
            _licence.raw_profession,
            _licence.raw_profession_text,
            _licence.status,
            _licence.raw_status,
            _licence.issued,
            _licence.valid_from,
            _licence.valid_to,
            _licence.feed_id,
            _licence.authority_id,
            _licence.gone_run_id.is_not(None),
            _limit.kind,
            _limit.valid_from,
            _limit.valid_to,
        )
        .outerjoin(t.restriction, _limit.licence_id == _licence.id)
        .where(_among(dialect.name, _licence.practitioner_id))
        .order_by(_licence.practitioner_id, _licence.id, _limit.id)
    )
    public = t.identifier.c.system.in_([sa.literal_column(f"'{one}'") for one in sorted(PUBLIC_SYSTEMS)])
    numbers = sa.select(t.identifier.c.practitioner_id, t.identifier.c.value).where(
        _among(dialect.name, t.identifier.c.practitioner_id),
        public,
        t.identifier.c.value != sa.literal_column("''"),
    )
    return _Statements(*(str(one.compile(dialect=dialect)) for one in (people, licences, numbers)))


def people(connection: sa.Connection, ids: Sequence[int]) -> dict[int, ListedPerson]:
    """Read people with their names, in any order.

    Who may not be listed (protected, merged into another) and ids that SQL does not know are left out.
    """
    found = {}
    read = _rows(connection, _statements(connection.dialect).people, ids)
    for _, several in groupby(read, key=itemgetter(0)):
        same = list(several)
        person_id, public_id, birth_date, deceased, county, *_ = same[0]
        theirs = _ordered([_named(*row[_NAME:]) for row in same if row[_NAME] is not None])
        found[person_id] = ListedPerson(person_id, public_id, birth_date, bool(deceased), county, theirs)
    return found


# Where the columns of a name begin in a row about a person.
_NAME = 5


def _named(*parts: str) -> NameFacts:
    use, family, given, middle, prefix, suffix, text = parts
    return NameFacts(
        use=use,  # type: ignore[arg-type]  # as the loader wrote it
        family=family,
        given=tuple(given.split()),
        middle=middle,
        prefix=prefix,
        suffix=suffix,
        text=text,
    )


def licences(connection: sa.Connection, ids: Sequence[int]) -> Licences:
    """Read the licences of people, each person's in the order in which they became known."""
    found: dict[int, list[ListedLicence]] = defaultdict(list)
    read = _rows(connection, _statements(connection.dialect).licences, ids)
    for _, several in groupby(read, key=itemgetter(1)):
        same = list(several)
        limits = tuple(ListedRestriction(*row[-3:]) for row in same if row[-3] is not None)
        person_id, *facts, gone = same[0][:-3]
        values: list[Any] = [*facts, bool(gone), limits]
        found[person_id].append(ListedLicence(*values))
    return {person_id: tuple(theirs) for person_id, theirs in found.items()}


def public_numbers(connection: sa.Connection, ids: Sequence[int]) -> dict[int, list[str]]:
    """Read the numbers of people that are meant to be public, beside those of their licences."""
    found: dict[int, list[str]] = defaultdict(list)
    for person_id, value in _rows(connection, _statements(connection.dialect).numbers, ids):
        found[person_id].append(value)
    return found


def _rows(connection: sa.Connection, statement: str, ids: Iterable[int]) -> Sequence[Any]:
    listed = list(ids)
    if not listed:
        return ()
    if connection.dialect.name == "sqlite":
        return fetch(connection, statement, (msgspec.json.encode(listed).decode(),))
    return fetch(connection, statement, {"ids": listed})


def _ordered(names: Sequence[NameFacts]) -> tuple[NameFacts, ...]:
    if len(names) < 2:  # noqa: PLR2004 - nothing to order
        return tuple(names)
    return tuple(sorted(dict.fromkeys(names), key=lambda name: NAME_ORDER.get(name.use, 9)))
