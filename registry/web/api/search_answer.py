"""A search answer as plain values, exactly as `search_schemas` describes them.

Made at every search for up to a hundred people, so it is written down directly: members are named as in JSON, and words
that stand in many answers are made once. Tests hold every answer against the OpenAPI document.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from registry.checks import plain
from registry.matching.match import Match
from registry.matching.notes import Note
from registry.records.listed import ListedLicence
from registry.records.read import Feed
from registry.search.box import Understood
from registry.search.document import document_id, licence_key
from registry.search.filters import FILTERS
from registry.search.standing import status_of
from registry.vocabulary import Vocabulary
from registry.web.api import present
from registry.web.api.fields import rfc3339
from registry.web.finding import Found, FoundPerson
from registry.web.finding_advice import Empty

Values = dict[str, Any]


def answer(found: Found, vocabulary: Vocabulary, day: int, now: datetime) -> Values:
    """Show a page of an answer, all but its links.

    Args:
        found: the page.
        vocabulary: our words.
        day: today as yyyymmdd, for the licences' status.
        now: by which feeds are called fresh.
    """
    facets = {one.name: _facet(one.name, found, vocabulary) for one in FILTERS}
    return {
        "items": [_person(one, found.feeds, vocabulary, day) for one in found.people],
        "total": found.total,
        "totalIsExact": found.total_is_exact,
        "page": found.page,
        "limit": found.limit,
        "facets": facets,
        "index": {
            "upToDate": found.pending is None,
            "oldestPendingAt": rfc3339(found.pending) if found.pending else None,
        },
        "understood": _understood(found.understood) if found.understood else None,
        "remarks": notes(found.remarks),
        "didYouMean": found.did_you_mean or None,
        "empty": _empty(found.empty, found.feeds, now) if found.empty else None,
    }


def notes(several: Iterable[Note]) -> list[Values]:
    """Show notes with their texts."""
    return [{"code": one.code, "text": {"sv": one.sv, "en": one.en}} for one in several]


def _person(found: FoundPerson, feeds: Mapping[str, Feed], vocabulary: Vocabulary, day: int) -> Values:
    person = found.person
    return {
        "id": person.public_id,
        "name": person.name,
        "names": [{"use": one.use, "text": one.display()} for one in person.names],
        "birthYear": plain.birth_year(person.birth_date),
        "deceased": person.deceased,
        "licences": [
            _licence(
                one,
                feeds.get(one.feed_id),
                plain.status(status_of(one, day, deceased=person.deceased), vocabulary),
                plain.profession(one.profession, vocabulary),
                matched=document_id(licence_key(one.id)) == found.document,
            )
            for one in found.licences
        ],
        "match": _match(found.match) if found.match else None,
        "links": {"self": f"/v1/practitioners/{person.public_id}"},
    }


def _licence(
    one: ListedLicence, feed: Feed | None, status: Values, profession: Values, *, matched: bool
) -> Values:
    return {
        "number": one.number or None,
        "profession": profession,
        "rawProfession": {"code": one.raw_profession, "text": one.raw_profession_text},
        "status": status,
        "rawStatus": one.raw_status,
        "authority": plain.authority(one.authority_id, feed),
        "jurisdiction": one.jurisdiction or None,
        "validTo": one.valid_to,
        "restrictions": [each.kind for each in one.restrictions],
        "gone": one.gone,
        "matched": matched,
    }


def _match(match: Match) -> Values:
    name = match.name
    return {
        "level": match.level,
        "score": round(match.score, 2),
        "name": {"use": name.use, "text": name.display()} if name else None,
        "notes": notes(match.notes),
    }


def _facet(name: str, found: Found, vocabulary: Vocabulary) -> list[Values]:
    return [
        {**present.label(name, each.value, found.feeds, vocabulary), "count": each.count}
        for each in found.facets.get(name, ())
    ]


def _understood(understood: Understood) -> Values:
    return {
        "name": understood.name or None,
        "birthDate": understood.birth_date or None,
        "licenceNumber": understood.number or None,
        "professions": list(understood.professions),
        "pieces": [
            {"kind": one.kind, "written": one.text, "value": one.value, "text": {"sv": one.sv, "en": one.en}}
            for one in understood.pieces
        ],
        "asName": understood.literal or None,
    }


def _empty(about: Empty, feeds: Mapping[str, Feed], now: datetime) -> Values:
    return {
        "searchedTerms": notes(about.searched),
        "tips": [
            {"code": one.code, "text": {"sv": one.sv, "en": one.en}, "q": one.q or None}
            for one in about.advice
        ],
        "feeds": [
            {
                "id": one.id,
                "name": {"sv": one.name_sv, "en": one.name_en},
                "lastSuccessAt": rfc3339(one.last_success_at) if one.last_success_at else None,
                "fresh": one.fresh(now),
            }
            for one in feeds.values()
        ],
    }
