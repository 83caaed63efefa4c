"""Reading a practitioner from SQL truth: every fact that is shown to anyone comes from here."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

import sqlalchemy as sa

from registry.identifiers import PUBLIC_SYSTEMS, fold_number
from registry.records import tables as t
from registry.records.facts import (
    LicenceFacts,
    NameFacts,
    RestrictionFacts,
    SpecialtyFacts,
)
from registry.records.feeds import Feed, feeds
from registry.records.merged import BY_PUBLIC_ID
from registry.records.person import KnownIdentifier, Licence, Practitioner
from registry.records.rows import ByKeys, Row, as_utc, instant
from registry.sealing import Sealer

__all__ = [
    "NAME_ORDER",
    "Feed",
    "KnownIdentifier",
    "Licence",
    "Practitioner",
    "as_utc",
    "feeds",
    "id_by_public_id",
    "ids_by_licence_number",
    "ids_by_licence_numbers",
    "ids_by_personal_number",
    "ids_by_personal_numbers",
    "practitioners",
]

# People read at a time.
CHUNK = 1000
NAME_ORDER = {"official": 0, "alias": 1, "former": 2}
_person, _name, _number, _licence, _limit = (
    t.practitioner.c,
    t.practitioner_name.c,
    t.identifier.c,
    t.licence.c,
    t.restriction.c,
)
# The rows of one key stand together: `groupby` reads them.
PEOPLE = ByKeys(
    _person.id,
    sa.select(
        _person.id,
        _person.public_id,
        _person.birth_date,
        _person.deceased,
        _person.deceased_date,
        _person.protected,
        _person.county,
        _person.version,
        _person.merged_into_id,
        _name.use,
        _name.family,
        _name.given,
        _name.middle,
        _name.prefix,
        _name.suffix,
        _name.text,
    )
    .outerjoin(t.practitioner_name, _name.practitioner_id == _person.id)
    .order_by(_person.id, _name.id),
)
# Where the columns of a name begin in a row of `PEOPLE`, those of provenance and of a restriction in one of `LICENCES`.
_NAMED, _KNOWN, _LIMITED = 9, 13, 20
_IDENTIFIERS = ByKeys(
    _number.practitioner_id,
    sa.select(
        _number.practitioner_id,
        _number.system,
        _number.use,
        _number.value,
        _number.digest,
        _number.sealed,
    ).order_by(_number.id),
)
LICENCES = ByKeys(
    _licence.practitioner_id,
    sa.select(
        _licence.id,
        _licence.practitioner_id,
        _licence.key,
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
        _licence.gone_run_id,
        _licence.run_id,
        t.feed_run.c.started_at,
        t.feed_run.c.stamp,
        t.source_record.c.held_run_id,
        _limit.kind,
        _limit.code,
        _limit.text,
        _limit.valid_from,
        _limit.valid_to,
    )
    .join(t.feed_run, t.feed_run.c.id == _licence.run_id)
    .join(t.source_record, t.source_record.c.id == _licence.source_record_id)
    .outerjoin(t.restriction, _limit.licence_id == _licence.id)
    .order_by(_licence.id, _limit.id),
)
SPECIALTIES = ByKeys(
    _licence.practitioner_id,
    sa.select(
        t.specialty.c.licence_id,
        t.specialty.c.code,
        t.specialty.c.system,
        t.specialty.c.text,
        t.specialty.c.valid_from,
    )
    .join(t.licence, _licence.id == t.specialty.c.licence_id)
    .order_by(t.specialty.c.id),
)
_BY_NUMBER = ByKeys(_licence.number_key, sa.select(_licence.number_key, _licence.practitioner_id))
BY_IDENTIFIER = ByKeys(
    _number.value,
    sa.select(_number.value, _number.practitioner_id).where(
        _number.system.in_([sa.literal_column(f"'{one}'") for one in sorted(PUBLIC_SYSTEMS)])
    ),
)
_BY_DIGEST = ByKeys(_number.digest, sa.select(_number.digest, _number.practitioner_id))


def practitioners(
    connection: sa.Connection, ids: Sequence[int], *, identifiers: bool = True
) -> dict[int, Practitioner]:
    """Read practitioners by id, in the order asked for; unknown ids are left out.

    Args:
        connection: to SQL truth.
        ids: whom. How many statements it costs does not tell whether somebody is there.
        identifiers: False leaves them out, for who does not look at them.
    """
    found: dict[int, Practitioner] = {}
    for start in range(0, len(ids), CHUNK):
        found.update(_chunk(connection, ids[start : start + CHUNK], identifiers=identifiers))
    return {i: found[i] for i in ids if i in found}


def _chunk(
    connection: sa.Connection, ids: Sequence[int], *, identifiers: bool
) -> Iterable[tuple[int, Practitioner]]:
    people = PEOPLE.rows(connection, ids)
    numbers = _identifiers(connection, ids) if identifiers else {}
    licences = licences_of(LICENCES.rows(connection, ids), SPECIALTIES.rows(connection, ids))
    return folded(people, numbers, licences)


def folded(
    people: Sequence[Row],
    numbers: Mapping[int, Sequence[KnownIdentifier]],
    licences: Mapping[int, Sequence[Licence]],
) -> Iterator[tuple[int, Practitioner]]:
    """Make people of rows as `PEOPLE` selects them, with what is known of each by id."""
    for number, several in groupby(people, key=itemgetter(0)):
        rows = list(several)
        (
            _,
            public_id,
            birth_date,
            deceased,
            deceased_date,
            protected,
            county,
            version,
            merged_into_id,
        ) = rows[0][:_NAMED]
        person = Practitioner(
            id=number,
            public_id=public_id,
            birth_date=birth_date,
            deceased=bool(deceased),
            deceased_date=deceased_date,
            protected=bool(protected),
            county=county,
            version=version,
            names=_names(rows),
            identifiers=tuple(numbers.get(number, ())),
            licences=tuple(licences.get(number, ())),
            merged_into_id=merged_into_id,
        )
        yield number, person


def _names(rows: Sequence[Row]) -> tuple[NameFacts, ...]:
    names = []
    for row in rows:
        use, family, given, middle, prefix, suffix, text = row[_NAMED:]
        if use is not None:
            names.append(
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
    if len(names) > 1:
        names = sorted(dict.fromkeys(names), key=lambda name: NAME_ORDER.get(name.use, 9))
    return tuple(names)


def _identifiers(connection: sa.Connection, ids: Sequence[int]) -> dict[int, list[KnownIdentifier]]:
    found: dict[int, list[KnownIdentifier]] = defaultdict(list)
    seen: set[tuple[int, str, str | bytes]] = set()
    for person, system, use, value, digest, sealed in _IDENTIFIERS.rows(connection, ids):
        # Two authorities may both send the same number; seals differ, digests tell.
        same = (person, system, value if value is not None else bytes(digest))
        if same not in seen:
            seen.add(same)
            found[person].append(
                KnownIdentifier(system, use, value, None if sealed is None else bytes(sealed))
            )
    return found


def licences_of(rows: Sequence[Row], specialty_rows: Sequence[Row]) -> dict[int, list[Licence]]:
    """Make licences by person of rows as `LICENCES` and `SPECIALTIES` select them."""
    specialties = _specialties(specialty_rows)
    found: dict[int, list[Licence]] = defaultdict(list)
    for number, several in groupby(rows, key=itemgetter(0)):
        same = list(several)
        first = same[0]
        limits = tuple(
            RestrictionFacts(kind=kind, code=code, text=text, valid_from=begins, valid_to=ends)
            for kind, code, text, begins, ends in (row[_LIMITED:] for row in same)
            if kind is not None
        )
        feed_id, authority_id, gone, run_id, started_at, stamp, held = first[_KNOWN:_LIMITED]
        found[first[1]].append(
            Licence(
                number,
                _facts(first, tuple(specialties.get(number, ())), limits),
                feed_id,
                authority_id,
                gone is not None,
                instant(started_at),
                held is not None,
                run_id,
                stamp,
            )
        )
    return found


def _facts(
    row: Row, specialties: tuple[SpecialtyFacts, ...], limits: tuple[RestrictionFacts, ...]
) -> LicenceFacts:
    return LicenceFacts(
        key=row[2],
        number=row[3],
        jurisdiction=row[4],
        profession=row[5],
        raw_profession=row[6],
        raw_profession_text=row[7],
        status=row[8],
        raw_status=row[9],
        issued=row[10],
        valid_from=row[11],
        valid_to=row[12],
        specialties=specialties,
        restrictions=limits,
    )


def _specialties(rows: Sequence[Row]) -> dict[int, list[SpecialtyFacts]]:
    found: dict[int, list[SpecialtyFacts]] = defaultdict(list)
    for licence, code, system, text, valid_from in rows:
        found[licence].append(SpecialtyFacts(code=code, system=system, text=text, valid_from=valid_from))
    return found


def ids_by_licence_number(connection: sa.Connection, number: str) -> list[int]:
    """Find practitioners by licence number, or by another public number such as an NPI. The index is not asked."""
    return ids_by_licence_numbers(connection, [number])[number]


def ids_by_licence_numbers(connection: sa.Connection, numbers: Iterable[str]) -> dict[str, list[int]]:
    """Find practitioners by many numbers, as `ids_by_licence_number` by one: number as given -> ids."""
    keys = {number: fold_number(number) for number in numbers}
    by_key = _people_of(_BY_NUMBER.rows(connection, sorted(set(keys.values()) - {""})))
    # Other public numbers are kept as the authority writes them.
    written = {number: {number.strip(), number.strip().upper(), key} for number, key in keys.items() if key}
    by_value = _people_of(BY_IDENTIFIER.rows(connection, sorted(set().union(*written.values()))))
    return {
        number: sorted(
            by_key.get(key, set()).union(*(by_value.get(one, ()) for one in written.get(number, ())))
        )
        for number, key in keys.items()
    }


def ids_by_personal_number(connection: sa.Connection, sealer: Sealer, digits: str) -> list[int]:
    """Find practitioners by a 12-digit personal identity or coordination number, current or former."""
    return ids_by_personal_numbers(connection, sealer, [digits])[digits]


def ids_by_personal_numbers(
    connection: sa.Connection, sealer: Sealer, numbers: Iterable[str]
) -> dict[str, list[int]]:
    """Find practitioners by many numbers, as `ids_by_personal_number` by one: digits -> ids."""
    digests = {digits: sealer.digest(digits) for digits in numbers}
    found = _people_of(
        (bytes(digest), person) for digest, person in _BY_DIGEST.rows(connection, list(digests.values()))
    )
    return {digits: sorted(found.get(digest, ())) for digits, digest in digests.items()}


def _people_of(rows: Iterable[Row]) -> dict[Any, set[int]]:
    found: dict[Any, set[int]] = defaultdict(set)
    for key, person in rows:
        found[key].add(person)
    return found


def id_by_public_id(connection: sa.Connection, public_id: str) -> int | None:
    """Find a practitioner by the id that URLs use; one that was merged leads to the person with its records now.

    Whether that person may be shown is for the caller to ask: a protected one is answered as nobody.
    """
    found: int | None = connection.scalar(BY_PUBLIC_ID, {"public_id": public_id})
    return found
