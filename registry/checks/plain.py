"""Facts as the plain values that answers are made of: JSON values, members named as in JSON, our words in both languages."""

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from registry.matching.notes import Note
from registry.records.facts import NameFacts, RestrictionFacts, Status
from registry.records.read import Feed, Licence
from registry.vocabulary import Vocabulary

Values = dict[str, Any]


def moment(at: datetime) -> str:
    """Write a moment as RFC 3339 in UTC with `Z`, to the second (DIGG REST profile DOT.02, DOT.04)."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def maybe_moment(at: datetime | None) -> str | None:
    """Write a moment, or null where there is none."""
    return moment(at) if at is not None else None


def word(code: str, sv: str, en: str) -> Values:
    """Show a code of ours with its name."""
    return {"code": code, "name": {"sv": sv, "en": en}}


# Words stand in every answer and are few, so each is made once; nobody changes what these return.
@lru_cache(maxsize=1024)
def profession(code: str, vocabulary: Vocabulary) -> Values:
    """Show a profession of our vocabulary."""
    return word(code, vocabulary.profession_label(code, "sv"), vocabulary.profession_label(code, "en"))


@lru_cache(maxsize=64)
def status(code: Status, vocabulary: Vocabulary) -> Values:
    """Show a status term of ours."""
    return word(code, vocabulary.status_label(code, "sv"), vocabulary.status_label(code, "en"))


def authority(authority_id: str, feed: Feed | None) -> Values:
    """Show an authority; its name stands with its feeds."""
    sv = feed.authority_name_sv if feed else authority_id
    en = feed.authority_name_en if feed else authority_id
    return {"id": authority_id, "name": {"sv": sv, "en": en}}


def birth_year(birth_date: str | None) -> str | None:
    """Return the year of a partial date: enough to tell namesakes apart, less than a birth date."""
    return birth_date[:4] if birth_date else None


def name(facts: NameFacts) -> Values:
    """Show a name and what it is to the person (official, former, alias)."""
    return {"use": facts.use, "text": facts.display()}


def notes(several: Iterable[Note]) -> list[Values]:
    """Show notes with their texts."""
    return [{"code": one.code, "text": {"sv": one.sv, "en": one.en}} for one in several]


def restriction(facts: RestrictionFacts, vocabulary: Vocabulary) -> Values:
    """Show a limit on a licence: our kind, the authority's own code and words."""
    kind = facts.kind
    return {
        **word(kind, vocabulary.restriction_label(kind, "sv"), vocabulary.restriction_label(kind, "en")),
        "rawCode": facts.code,
        "rawText": facts.text,
        "validFrom": facts.valid_from,
        "validTo": facts.valid_to,
    }


def licence(one: Licence, feed: Feed | None, vocabulary: Vocabulary) -> Values:
    """Show a licence with everything its authority says, and where we know it from."""
    facts = one.facts
    return {
        "number": facts.number or None,
        "profession": profession(facts.profession, vocabulary),
        "rawProfession": {"code": facts.raw_profession, "text": facts.raw_profession_text},
        "status": status(facts.status, vocabulary),
        "rawStatus": facts.raw_status,
        "jurisdiction": facts.jurisdiction or None,
        "issued": facts.issued,
        "validFrom": facts.valid_from,
        "validTo": facts.valid_to,
        "specialties": [
            {"code": s.code, "system": s.system or None, "text": s.text, "validFrom": s.valid_from}
            for s in facts.specialties
        ],
        "restrictions": [restriction(r, vocabulary) for r in facts.restrictions],
        "gone": one.gone,
        "authority": authority(one.authority_id, feed),
        "feed": one.feed_id,
        "held": one.held,
        "knownSince": moment(one.known_since),
    }


def feed(one: Feed, now: datetime) -> Values:
    """Show a feed: how complete it is, how fresh it was at `now`, and what its silence means."""
    state = "fresh" if one.fresh(now) else "stale"
    return {
        "id": one.id,
        "name": {"sv": one.name_sv, "en": one.name_en},
        "authority": authority(one.authority_id, one),
        "completeness": one.completeness,
        "mode": one.mode,
        "maxAgeHours": one.max_age_hours,
        "state": state if one.last_success_at is not None else "never",
        "lastSuccessAt": maybe_moment(one.last_success_at),
        "stamp": one.last_success_stamp,
        "lastRunAt": maybe_moment(one.last_run_at),
        "lastRunState": one.last_run_state,
        "held": one.held,
        "silence": {"sv": one.silence_sv, "en": one.silence_en},
    }
