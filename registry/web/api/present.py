"""Facts from SQL as plain values for the answer schemas, with our words in both languages."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import groupby
from typing import Any, cast

from registry.checks.plain import authority, name, profession, status, word
from registry.records.facts import LicenceFacts, RestrictionFacts, Status
from registry.records.history import LicenceVersion
from registry.records.read import Feed, Licence, Practitioner
from registry.vocabulary import Vocabulary

Values = dict[str, Any]


def restriction(facts: RestrictionFacts, vocabulary: Vocabulary) -> Values:
    """Show a limit on a licence: our kind, the authority's own code and words."""
    return {
        **word(
            facts.kind,
            vocabulary.restriction_label(facts.kind, "sv"),
            vocabulary.restriction_label(facts.kind, "en"),
        ),
        "raw_code": facts.code,
        "raw_text": facts.text,
        "valid_from": facts.valid_from,
        "valid_to": facts.valid_to,
    }


def licence(one: Licence, feeds: Mapping[str, Feed], vocabulary: Vocabulary) -> Values:
    """Show a licence with everything its authority says, and where we know it from."""
    return {
        **licence_facts(one.facts, vocabulary),
        "authority": authority(one.authority_id, feeds.get(one.feed_id)),
        "feed": one.feed_id,
        "gone": one.gone,
        "held": one.held,
        "known_since": one.known_since,
    }


def licence_facts(facts: LicenceFacts, vocabulary: Vocabulary) -> Values:
    """Show what an authority says of a licence."""
    return {
        "number": facts.number or None,
        "profession": profession(facts.profession, vocabulary),
        "raw_profession": {"code": facts.raw_profession, "text": facts.raw_profession_text},
        "status": status(facts.status, vocabulary),
        "raw_status": facts.raw_status,
        "jurisdiction": facts.jurisdiction or None,
        "issued": facts.issued,
        "valid_from": facts.valid_from,
        "valid_to": facts.valid_to,
        "specialties": [
            {"code": s.code, "system": s.system or None, "text": s.text, "valid_from": s.valid_from}
            for s in facts.specialties
        ],
        "restrictions": [restriction(r, vocabulary) for r in facts.restrictions],
    }


def history(
    person: Practitioner,
    versions: Iterable[LicenceVersion],
    feeds: Mapping[str, Feed],
    vocabulary: Vocabulary,
) -> Values:
    """Show the versions of each licence of a person, in the order in which they were known."""
    return {
        "id": person.public_id,
        "licences": [
            {
                "authority": authority(authority_id, feeds.get(feed_id)),
                "feed": feed_id,
                "versions": [_version(each, vocabulary) for each in some],
            }
            for (_, authority_id, feed_id), some in groupby(
                versions, lambda each: (each.licence_id, each.authority_id, each.feed_id)
            )
        ],
        "links": {"self": f"{path_of(person)}/history"},
    }


def _version(one: LicenceVersion, vocabulary: Vocabulary) -> Values:
    return {
        **licence_facts(one.facts, vocabulary),
        "gone": one.gone,
        "undone": one.undone,
        "known_from": one.known_from,
        "known_to": one.known_to,
    }


def practitioner(person: Practitioner, feeds: Mapping[str, Feed], vocabulary: Vocabulary) -> Values:
    """Show everything that may be shown about one person; personal identity numbers are not among it."""
    return {
        "id": person.public_id,
        "name": person.name,
        "names": [name(each) for each in person.names],
        "birth_date": person.birth_date,
        "deceased": person.deceased,
        "deceased_date": person.deceased_date,
        "identifiers": [
            {"system": each.system, "value": each.value, "use": each.use}
            for each in person.identifiers
            if each.value is not None
        ],
        "licences": [licence(each, feeds, vocabulary) for each in person.licences],
        "links": {"self": path_of(person)},
    }


def label(filter_name: str, code: str, feeds: Mapping[str, Feed], vocabulary: Vocabulary) -> Values:
    """Show a value of a filter with its name; the code itself where it has none."""
    match filter_name:
        case "profession":
            return profession(code, vocabulary)
        case "status":
            return status(cast("Status", code), vocabulary)
        case "authority":
            named = authority(code, next((f for f in feeds.values() if f.authority_id == code), None))
            return {"code": code, "name": named["name"]}
    return word(code, code, code)


def path_of(person: Practitioner) -> str:
    """Return the address of a person in this API."""
    return f"/v1/practitioners/{person.public_id}"


def feed(one: Feed, now: datetime) -> Values:
    """Show a feed: how complete it is, how fresh, and what its silence means."""
    state = "fresh" if one.fresh(now) else "stale"
    if one.last_success_at is None:
        state = "never"
    return {
        "id": one.id,
        "name": {"sv": one.name_sv, "en": one.name_en},
        "authority": authority(one.authority_id, one),
        "completeness": one.completeness,
        "mode": one.mode,
        "max_age_hours": one.max_age_hours,
        "state": state,
        "last_success_at": one.last_success_at,
        "stamp": one.last_success_stamp,
        "last_run_at": one.last_run_at,
        "last_run_state": one.last_run_state,
        "held": one.held,
        "silence": {"sv": one.silence_sv, "en": one.silence_en},
    }
