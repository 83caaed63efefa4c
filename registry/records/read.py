"""Reading a practitioner from SQL truth: every fact that is shown to anyone comes from here."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from registry.identifiers import PUBLIC_SYSTEMS, fold_number
from registry.records import tables as t
from registry.records.facts import (
    IdentifierUse,
    LicenceFacts,
    NameFacts,
    RestrictionFacts,
    SpecialtyFacts,
)
from registry.records.merged import BY_PUBLIC_ID
from registry.sealing import Sealer

# Bound variables per statement; SQLite's own limit is 32,766 in the versions we meet.
CHUNK = 1000
NAME_ORDER = {"official": 0, "alias": 1, "former": 2}
# Statements are built once: building one costs more than running most of them.
_IDS: sa.BindParameter[Any] = sa.bindparam("ids", expanding=True)
_PEOPLE = sa.select(t.practitioner).where(t.practitioner.c.id.in_(_IDS))
_NAMES = (
    sa.select(t.practitioner_name)
    .where(t.practitioner_name.c.practitioner_id.in_(_IDS))
    .order_by(t.practitioner_name.c.id)
)
_IDENTIFIERS = (
    sa.select(t.identifier).where(t.identifier.c.practitioner_id.in_(_IDS)).order_by(t.identifier.c.id)
)
_LICENCES = (
    sa.select(
        t.licence, t.feed_run.c.started_at.label("known_since"), t.source_record.c.held_run_id.label("held")
    )
    .join(t.feed_run, t.feed_run.c.id == t.licence.c.run_id)
    .join(t.source_record, t.source_record.c.id == t.licence.c.source_record_id)
    .where(t.licence.c.practitioner_id.in_(_IDS))
    .order_by(t.licence.c.id)
)
_SPECIALTIES = sa.select(t.specialty).where(t.specialty.c.licence_id.in_(_IDS)).order_by(t.specialty.c.id)
_RESTRICTIONS = (
    sa.select(t.restriction).where(t.restriction.c.licence_id.in_(_IDS)).order_by(t.restriction.c.id)
)
_BY_NUMBER = sa.select(t.licence.c.practitioner_id).where(t.licence.c.number_key == sa.bindparam("key"))
_BY_IDENTIFIER = sa.select(t.identifier.c.practitioner_id).where(
    t.identifier.c.system.in_(sorted(PUBLIC_SYSTEMS))
    & t.identifier.c.value.in_(sa.bindparam("values", expanding=True))
)
_BY_DIGEST = sa.select(t.identifier.c.practitioner_id).where(t.identifier.c.digest == sa.bindparam("digest"))
# Rows that can't be read wait too, but for the feed to say something clear: only these wait for a person.
_WAITS = t.held_change.c.kind.in_(("removal", "change"))
_FEEDS = (
    sa.select(
        t.feed,
        t.authority.c.name_sv.label("authority_sv"),
        t.authority.c.name_en.label("authority_en"),
        sa.exists().where((t.held_change.c.feed_id == t.feed.c.id) & _WAITS).label("held"),
    )
    .join(t.authority, t.authority.c.id == t.feed.c.authority_id)
    .order_by(t.feed.c.id)
)


def _last_runs(*where: sa.ColumnElement[bool]) -> sa.Select[Any]:
    run = t.feed_run
    return sa.select(run).where(
        run.c.id.in_(sa.select(sa.func.max(run.c.id)).where(*where).group_by(run.c.feed_id))
    )


_LAST_RUNS = _last_runs(t.feed_run.c.kind == "pull")
# Held runs too: all that is bad news for people has been applied, and what waits is marked person by person.
_GOOD = t.feed_run.c.state.in_(("succeeded", "unchanged", "held"))
_LAST_GOOD_RUNS = _last_runs(_GOOD & (t.feed_run.c.kind == "pull") & t.feed_run.c.undone_run_id.is_(None))


@dataclass(frozen=True, slots=True)
class KnownIdentifier:
    """An identifier as stored: a plain value, or for a personal identity number a sealed one."""

    system: str
    use: IdentifierUse
    value: str | None
    sealed: bytes | None


@dataclass(frozen=True, slots=True)
class Licence:
    """A licence with its provenance.

    Attributes:
        gone: the feed no longer holds it; `facts` are the last known.
        known_since: when the run that brought the current facts began (UTC).
        held: the feed has sent something newer about this licence that waits for a person's approval.
    """

    id: int
    facts: LicenceFacts
    feed_id: str
    authority_id: str
    gone: bool
    known_since: datetime
    held: bool = False


@dataclass(frozen=True, slots=True)
class Practitioner:
    """A person with all names, identifiers and licences, folded from every source record about them.

    Attributes:
        merged_into_id: all records of this person belong to another one now, found to be the same by an exact
            identifier; nothing is left here but the id. None for everyone else.
    """

    id: int
    public_id: str
    birth_date: str | None
    deceased: bool
    deceased_date: str | None
    protected: bool
    county: str
    version: int
    names: tuple[NameFacts, ...]
    identifiers: tuple[KnownIdentifier, ...]
    licences: tuple[Licence, ...]
    merged_into_id: int | None = None

    @property
    def listed(self) -> bool:
        """Whether others than the person may be shown anything: neither protected nor merged into another."""
        return not self.protected and self.merged_into_id is None

    @property
    def name(self) -> str:
        """The name to show: the first official one."""
        return self.names[0].display() if self.names else ""


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed and how its last runs went. Times are UTC.

    Attributes:
        held: removals or changes that it has sent wait for a person's decision.
    """

    id: str
    authority_id: str
    authority_name_sv: str
    authority_name_en: str
    name_sv: str
    name_en: str
    completeness: str
    mode: str
    max_age_hours: int
    silence_sv: str
    silence_en: str
    last_success_at: datetime | None
    last_success_stamp: str | None
    last_run_at: datetime | None
    last_run_state: str | None
    held: bool = False

    def fresh(self, now: datetime) -> bool:
        """Tell whether the last successful run is younger than the feed's promise."""
        return self.last_success_at is not None and now - self.last_success_at <= timedelta(
            hours=self.max_age_hours
        )


def as_utc(moment: datetime) -> datetime:
    """SQLite gives naive datetimes back; all that is stored is UTC."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def practitioners(connection: sa.Connection, ids: Sequence[int]) -> dict[int, Practitioner]:
    """Read practitioners by id, in the order asked for; unknown ids are left out."""
    found: dict[int, Practitioner] = {}
    for start in range(0, len(ids), CHUNK):
        found.update(_chunk(connection, ids[start : start + CHUNK]))
    return {i: found[i] for i in ids if i in found}


def _chunk(connection: sa.Connection, ids: Sequence[int]) -> Iterable[tuple[int, Practitioner]]:
    people = connection.execute(_PEOPLE, {"ids": ids}).all()
    names = _names(connection, ids)
    identifiers = _identifiers(connection, ids)
    licences = _licences(connection, ids)
    for row in people:
        yield (
            row.id,
            Practitioner(
                id=row.id,
                public_id=row.public_id,
                birth_date=row.birth_date,
                deceased=row.deceased,
                deceased_date=row.deceased_date,
                protected=row.protected,
                county=row.county,
                version=row.version,
                names=tuple(names[row.id]),
                identifiers=tuple(identifiers[row.id]),
                licences=tuple(licences[row.id]),
                merged_into_id=row.merged_into_id,
            ),
        )


def _names(connection: sa.Connection, ids: Sequence[int]) -> dict[int, list[NameFacts]]:
    found: dict[int, list[NameFacts]] = defaultdict(list)
    rows = connection.execute(_NAMES, {"ids": ids})
    for row in sorted(rows, key=lambda r: NAME_ORDER.get(r.use, 9)):
        name = NameFacts(
            use=row.use,
            family=row.family,
            given=tuple(row.given.split()),
            middle=row.middle,
            prefix=row.prefix,
            suffix=row.suffix,
            text=row.text,
        )
        if name not in found[row.practitioner_id]:
            found[row.practitioner_id].append(name)
    return found


def _identifiers(connection: sa.Connection, ids: Sequence[int]) -> dict[int, list[KnownIdentifier]]:
    found: dict[int, list[KnownIdentifier]] = defaultdict(list)
    seen: set[tuple[int, str, str | bytes]] = set()
    for row in connection.execute(_IDENTIFIERS, {"ids": ids}):
        # Two authorities may both send the same number; seals differ, digests tell.
        same = (row.practitioner_id, row.system, row.value if row.value is not None else row.digest)
        if same not in seen:
            seen.add(same)
            found[row.practitioner_id].append(KnownIdentifier(row.system, row.use, row.value, row.sealed))
    return found


def _licences(connection: sa.Connection, ids: Sequence[int]) -> dict[int, list[Licence]]:
    rows = connection.execute(_LICENCES, {"ids": ids}).all()
    licence_ids = [row.id for row in rows]
    specialties = _specialties(connection, licence_ids)
    restrictions = _restrictions(connection, licence_ids)
    found: dict[int, list[Licence]] = defaultdict(list)
    for row in rows:
        facts = LicenceFacts(
            key=row.key,
            number=row.number,
            jurisdiction=row.jurisdiction,
            profession=row.profession,
            raw_profession=row.raw_profession,
            raw_profession_text=row.raw_profession_text,
            status=row.status,
            raw_status=row.raw_status,
            issued=row.issued,
            valid_from=row.valid_from,
            valid_to=row.valid_to,
            specialties=tuple(specialties[row.id]),
            restrictions=tuple(restrictions[row.id]),
        )
        found[row.practitioner_id].append(
            Licence(
                id=row.id,
                facts=facts,
                feed_id=row.feed_id,
                authority_id=row.authority_id,
                gone=row.gone_run_id is not None,
                known_since=as_utc(row.known_since),
                held=row.held is not None,
            )
        )
    return found


def _specialties(connection: sa.Connection, licence_ids: Sequence[int]) -> dict[int, list[SpecialtyFacts]]:
    found: dict[int, list[SpecialtyFacts]] = defaultdict(list)
    for row in _of_licences(connection, _SPECIALTIES, licence_ids):
        found[row.licence_id].append(
            SpecialtyFacts(code=row.code, system=row.system, text=row.text, valid_from=row.valid_from)
        )
    return found


def _restrictions(connection: sa.Connection, licence_ids: Sequence[int]) -> dict[int, list[RestrictionFacts]]:
    found: dict[int, list[RestrictionFacts]] = defaultdict(list)
    for row in _of_licences(connection, _RESTRICTIONS, licence_ids):
        found[row.licence_id].append(
            RestrictionFacts(
                kind=row.kind, code=row.code, text=row.text, valid_from=row.valid_from, valid_to=row.valid_to
            )
        )
    return found


def _of_licences(
    connection: sa.Connection, statement: sa.Select[Any], ids: Sequence[int]
) -> Iterable[sa.Row[Any]]:
    # Asked for nobody's licences too: how many statements a reading costs must not tell whether somebody is there.
    for start in range(0, max(1, len(ids)), CHUNK):
        yield from connection.execute(statement, {"ids": ids[start : start + CHUNK]})


def ids_by_licence_number(connection: sa.Connection, number: str) -> list[int]:
    """Find practitioners by licence number, or by another public number such as an NPI. The index is not asked."""
    key = fold_number(number)
    if not key:
        return []
    values = sorted({number.strip(), number.strip().upper(), key})
    return sorted(
        set(connection.scalars(_BY_NUMBER, {"key": key}))
        | set(connection.scalars(_BY_IDENTIFIER, {"values": values}))
    )


def ids_by_personal_number(connection: sa.Connection, sealer: Sealer, digits: str) -> list[int]:
    """Find practitioners by a 12-digit personal identity or coordination number, current or former."""
    return sorted(set(connection.scalars(_BY_DIGEST, {"digest": sealer.digest(digits)})))


def id_by_public_id(connection: sa.Connection, public_id: str) -> int | None:
    """Find a practitioner by the id that URLs use; one that was merged leads to the person with its records now.

    Whether that person may be shown is for the caller to ask: a protected one is answered as nobody.
    """
    found: int | None = connection.scalar(BY_PUBLIC_ID, {"public_id": public_id})
    return found


def feeds(connection: sa.Connection) -> dict[str, Feed]:
    """Read every feed with its last run and last successful run."""
    last = {row.feed_id: row for row in connection.execute(_LAST_RUNS)}
    last_good = {row.feed_id: row for row in connection.execute(_LAST_GOOD_RUNS)}
    rows = connection.execute(_FEEDS)
    return {row.id: _feed(row, last.get(row.id), last_good.get(row.id)) for row in rows}


def _feed(
    row: sa.Row[Any],
    last: sa.Row[Any] | None,
    good: sa.Row[Any] | None,
) -> Feed:
    return Feed(
        id=row.id,
        authority_id=row.authority_id,
        authority_name_sv=row.authority_sv,
        authority_name_en=row.authority_en,
        name_sv=row.name_sv,
        name_en=row.name_en,
        completeness=row.completeness,
        mode=row.mode,
        max_age_hours=row.max_age_hours,
        silence_sv=row.silence_sv,
        silence_en=row.silence_en,
        last_success_at=as_utc(good.finished_at) if good else None,
        last_success_stamp=good.stamp if good else None,
        last_run_at=as_utc(last.started_at) if last else None,
        last_run_state=last.state if last else None,
        held=row.held,
    )
