"""People, licences and feeds as SQL would give them, for tests of the pure functions."""

from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from registry.records.facts import LicenceFacts, NameFacts, RestrictionFacts, RestrictionKind
from registry.records.read import Feed, Licence, Practitioner
from registry.verification.reasons import Asked, Basis
from registry.verification.rules import RuleBook, load_rules
from registry.verification.situation import Moment
from registry.vocabulary import Vocabulary, load_vocabulary

ZONE = ZoneInfo("Europe/Stockholm")
TODAY = date(2026, 11, 22)
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
# When the facts of a licence reached the registry unless a test says otherwise.
KNOWN_SINCE = datetime(2026, 1, 10, 3, 0, tzinfo=UTC)
# When the registry first read its feeds.
BEGAN = datetime(2026, 1, 1, 3, 0, tzinfo=UTC)


@cache
def rule_book() -> RuleBook:
    return load_rules()


@cache
def vocabulary() -> Vocabulary:
    return load_vocabulary()


def feed(feed_id: str = "hosp", *, pulled_hours_ago: float | None = 5, **rest: object) -> Feed:
    """A fresh feed of the authority `<feed>-authority`, promised every 48 hours."""
    pulled = None if pulled_hours_ago is None else NOW - timedelta(hours=pulled_hours_ago)
    facts: dict[str, Any] = {
        "id": feed_id,
        "authority_id": f"{feed_id}-authority",
        "authority_name_sv": f"Myndigheten {feed_id}",
        "authority_name_en": f"The {feed_id} authority",
        "name_sv": f"Registret {feed_id}",
        "name_en": f"The {feed_id} register",
        "completeness": "current_and_lapsed",
        "mode": "snapshot",
        "max_age_hours": 48,
        "silence_sv": f"Tystnad i {feed_id}.",
        "silence_en": f"Silence in {feed_id}.",
        "last_success_at": pulled,
        "last_success_stamp": None,
        "last_run_at": pulled,
        "last_run_state": "succeeded" if pulled else None,
    }
    facts.update(rest)
    return Feed(**facts)


def restriction(
    kind: RestrictionKind, valid_from: str | None = None, valid_to: str | None = None, **rest: str
) -> RestrictionFacts:
    return RestrictionFacts(kind=kind, valid_from=valid_from, valid_to=valid_to, **rest)


def licence(
    licence_id: int = 1,
    *restrictions: RestrictionFacts,
    feed_id: str = "hosp",
    gone: bool = False,
    known_since: datetime = KNOWN_SINCE,
    held: bool = False,
    untold: bool = False,
    **facts: object,
) -> Licence:
    """An active physician's licence, issued in 2010, unless told otherwise."""
    given: dict[str, Any] = {
        "key": f"k{licence_id}",
        "number": f"N{licence_id}",
        "profession": "physician",
        "raw_profession": "LK",
        "status": "active",
        "raw_status": "giltigLegitimation=true",
        "issued": "2010-06-01",
        "restrictions": restrictions,
    }
    given.update(facts)
    return Licence(
        id=licence_id,
        facts=LicenceFacts(**given),
        feed_id=feed_id,
        authority_id=f"{feed_id}-authority",
        gone=gone,
        known_since=known_since,
        held=held,
        untold=untold,
    )


def person(*licences: Licence, **rest: object) -> Practitioner:
    facts: dict[str, Any] = {
        "id": 7,
        "public_id": "p7",
        "birth_date": "1980-05-03",
        "deceased": False,
        "deceased_date": None,
        "protected": False,
        "county": "",
        "version": 1,
        "names": (NameFacts(family="Ek", given=("Asta",)),),
        "identifiers": (),
        "licences": licences,
    }
    facts.update(rest)
    return Practitioner(**facts)


def asked(
    on_date: date = TODAY,
    *,
    profession: str | None = None,
    authority: str | None = None,
    number: str | None = None,
    certain: bool = True,
) -> Asked:
    return Asked(Moment(on_date, NOW, ZONE), profession, authority, number, certain)


def basis(*feeds: Feed, on_date: date = TODAY) -> Basis:
    given = feeds or (feed("hosp"), feed("wa"))
    known = {each.id: BEGAN for each in given}
    return Basis({each.id: each for each in given}, rule_book().on(on_date), vocabulary(), known)
