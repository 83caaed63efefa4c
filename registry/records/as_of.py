"""A person as they are to be judged on a day in the past, or with the knowledge of a moment in the past.

`registry.records.history` tells what held of a licence on a day as known at a moment. Here that becomes one `Licence`, in the
shape in which licences of today are read, so that one set of rules judges both:

- On the last day that is known (the day of the moment of knowledge), the facts are simply those known at that moment.
- What the licence is for, its status and its specialties carry no date: those that stood at the end of the day count.
- Dates and dated restrictions: the latest word counts, also when it came after the day (a backdated revocation).
- A status that came with a last day before the day asked about counts with it: revoked as of March, learnt in June, is revoked
  in April.
- Where what stood says that the licence had ended, and a later word says that it was in force all the same (a late renewal),
  neither is believed: the facts are taken as learnt later, and the rules ask.
- Of a licence that the registry did not know on the day, the first facts it knew later are shown as learnt later.
- Facts that no longer stand are proof of a day for as long after its feed was last read as the feed's own promise says.

When the registry learnt of a death is not kept by itself. It had if the record that tells it has stood so since; else licences
tell: whoever reads a record makes the status `deceased` of every licence on which its holder could practise.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, tzinfo

import msgspec
import sqlalchemy as sa

from registry.dates import earliest, latest
from registry.records import tables as t
from registry.records.facts import LicenceFacts, Status
from registry.records.history import HeldLicence, LicenceVersion, held_on, histories
from registry.records.read import Licence, Practitioner
from registry.records.rows import ByKeys, instant

UNKNOWN = "unknown"
# Statuses of a licence that has ended or does not hold, which a last day before the day asked about dates.
_ENDINGS: frozenset[Status] = frozenset({"suspended", "revoked", "lapsed", "surrendered", "deceased"})
# A record of someone who has died leaves no licence with one of these.
_OF_THE_LIVING: frozenset[Status] = frozenset({"active", "restricted"})

_BEGAN, _ENDED = t.feed_run.alias("hold_began"), t.feed_run.alias("hold_ended")
_HOLDS = ByKeys(
    t.source_record.c.practitioner_id,
    sa.select(t.hold.c.source_record_id, _BEGAN.c.finished_at, _ENDED.c.finished_at)
    .join(t.source_record, t.source_record.c.id == t.hold.c.source_record_id)
    .join(_BEGAN, _BEGAN.c.id == t.hold.c.run_id)
    .outerjoin(_ENDED, _ENDED.c.id == t.hold.c.ended_run_id)
    .order_by(t.hold.c.id),
)
_STANDS = t.feed_run.alias("stands")
_DEATHS = ByKeys(
    t.source_record.c.practitioner_id,
    sa.select(t.source_record.c.practitioner_id, _STANDS.c.finished_at)
    .join(_STANDS, _STANDS.c.id == t.source_record.c.run_id)
    .where(t.source_record.c.deceased | t.source_record.c.deceased_date.is_not(None)),
)
# Of one record: from when to when something about it waited; None: still.
Span = tuple[datetime, datetime | None]


@dataclass(frozen=True, slots=True)
class Past:
    """What history holds of some people.

    Attributes:
        versions: person -> every version of their licences.
        holds: source record -> when something about it waited.
        deaths: person -> since when at the latest their death has been known (UTC).
    """

    versions: Mapping[int, Sequence[LicenceVersion]]
    holds: Mapping[int, Sequence[Span]]
    deaths: Mapping[int, datetime]


def read_past(connection: sa.Connection, ids: Sequence[int]) -> Past:
    """Read the history of people, in three statements."""
    holds: dict[int, list[Span]] = {}
    for record, began, ended in _HOLDS.rows(connection, ids):
        # A run that is not at its end has held nothing yet that anybody could see.
        if began:
            holds.setdefault(record, []).append((instant(began), instant(ended) if ended else None))
    deaths: dict[int, datetime] = {}
    for person, ended in _DEATHS.rows(connection, ids):
        if ended:
            told = instant(ended)
            deaths[person] = min(told, deaths.get(person, told))
    return Past(histories(connection, ids), holds, deaths)


@dataclass(frozen=True, slots=True)
class Look:
    """From where one looks back.

    Attributes:
        on: the day in the world.
        known: the moment of knowledge.
        zone: where the days of moments are counted (`service.time_zone`).
        pulls: when each feed was last read before the end of `on`, and first after it (`feeds.pulls_around`).
        earlier: `known` was asked for; else it is now.
    """

    on: date
    known: datetime
    zone: tzinfo
    pulls: Mapping[str, Collection[datetime]]
    earlier: bool = False


def as_of(person: Practitioner, past: Past, look: Look) -> Practitioner:
    """Return a person with their licences, and their death, as history tells them; all else as it is known today."""
    versions = past.versions.get(person.id, ())
    held = held_on(versions, look.on, look.known, look.zone)
    licences = tuple(_licence(each, past, look) for each in held)
    changed = replace(person, licences=licences)
    if not look.earlier or not (person.deceased or person.deceased_date):
        return changed
    known = {each.known.facts.status for each in held}
    stands = past.deaths.get(person.id)
    if "deceased" in known or (stands is not None and stands <= look.known):
        return changed
    return replace(changed, deceased=False, deceased_date=None, perhaps_deceased=not known <= _OF_THE_LIVING)


def _licence(held: HeldLicence, past: Past, look: Look) -> Licence:
    known = held.known
    waited = _waited(past.holds.get(known.source_record_id, ()), look.known)
    if look.on >= look.known.astimezone(look.zone).date():
        return _as_known(known, waited=waited)
    shown = held.stood
    if shown is None or _is_contradicted(held, shown, look.on):
        shown = held.known if held.stood is None else held.dated
    limits = held.restrictions
    return Licence(
        id=known.licence_id,
        facts=_facts(held, shown, look.on),
        feed_id=known.feed_id,
        authority_id=known.authority_id,
        gone=shown.gone,
        known_since=shown.known_from,
        held=waited,
        run_id=shown.run_id,
        stamp=shown.stamp,
        known_to=shown.known_to if shown.known_to and shown.known_to <= look.known else None,
        confirmed_at=_confirmed(held, shown, look),
        doubtful=tuple(limit.facts for limit in limits if not limit.certain),
        learnt_at=max(held.learnt_at, shown.known_from),
    )


def _as_known(known: LicenceVersion, *, waited: bool) -> Licence:
    return Licence(
        id=known.licence_id,
        facts=known.facts,
        feed_id=known.feed_id,
        authority_id=known.authority_id,
        gone=known.gone,
        known_since=known.known_from,
        held=waited,
        run_id=known.run_id,
        stamp=known.stamp,
    )


def _is_contradicted(held: HeldLicence, stood: LicenceVersion, on: date) -> bool:
    """Tell whether a later word has the licence in force on a day on which it had ended by the word of that day."""
    if held.dated.known_from <= stood.known_from or held.term != "in-force":
        return False
    new, old = held.dated.facts, stood.facts
    new_term = new.valid_from is not None and new.valid_from not in {old.valid_from, old.issued}
    if old.status == "lapsed":
        # The same first day as ever is no word on the time between.
        return new_term
    return not new_term and bool(old.valid_to) and on > latest(old.valid_to or "")


def _facts(held: HeldLicence, shown: LicenceVersion, on: date) -> LicenceFacts:
    """Put together what held on the day."""
    known, dated, then = held.known.facts, held.dated.facts, shown.facts
    what = known if then.profession == UNKNOWN else then
    of_status = dated if _ended_as(held, on) else then
    later = tuple(r for r in known.restrictions if r.valid_from and on < earliest(r.valid_from))
    return msgspec.structs.replace(
        then,
        number=known.number,
        profession=what.profession,
        raw_profession=what.raw_profession,
        raw_profession_text=what.raw_profession_text,
        status=of_status.status,
        raw_status=of_status.raw_status,
        issued=known.issued or dated.issued,
        valid_from=dated.valid_from,
        valid_to=dated.valid_to,
        restrictions=(*(limit.facts for limit in held.restrictions), *later),
    )


def _ended_as(held: HeldLicence, on: date) -> bool:
    """Tell whether the version that dates the licence says that it had ended by the day, and as what."""
    facts = held.dated.facts
    return facts.status in _ENDINGS and bool(facts.valid_to) and on > latest(facts.valid_to or "")


def _confirmed(held: HeldLicence, shown: LicenceVersion, look: Look) -> datetime | None:
    """Tell when the feed last said what stood on the day, where it has said otherwise since."""
    if held.after is None or shown is not held.stood:
        return None
    told = [at for at in look.pulls.get(shown.feed_id, ()) if at < held.after.known_from]
    return max([shown.first_told, *told])


def _waited(spans: Sequence[Span], known: datetime) -> bool:
    return any(began <= known and (ended is None or known < ended) for began, ended in spans)
