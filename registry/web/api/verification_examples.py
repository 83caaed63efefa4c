"""Whole questions and an answer for the documentation. Synthetic people, with numbers from the range kept for tests."""

from registry.web.api.feeds import EXAMPLE as FEEDS_EXAMPLE
from registry.web.api.practitioners import EXAMPLE as PRACTITIONER_EXAMPLE

QUESTIONS = {
    "byPersonalIdentityNumber": {
        "summary": "By personal identity number",
        "value": {
            "personalIdentityNumber": "19800503-9808",
            "profession": "registered-nurse",
            "purpose": "recruitment",
            "reference": "case 2026-114",
        },
    },
    "byLicenceNumber": {
        "summary": "By licence number, on a past day",
        "value": {
            "licenceNumber": "RN60123456",
            "authority": "wa-doh",
            "onDate": "2026-03-01",
            "purpose": "employment",
        },
    },
    "byNameAndBirthDate": {
        "summary": "By name and birth date",
        "value": {
            "name": "Anna Lindqvist",
            "birthDate": "1980-05-03",
            "profession": "sjuksköterska",
            "purpose": "recruitment",
        },
    },
}

_REASON = {
    "code": "valid",
    "answer": "yes",
    "nature": "valid",
    "text": {
        "sv": "Legitimationen som sjuksköterska gäller den 2026-11-22.",
        "en": "The licence as registered nurse is in force on 2026-11-22.",
    },
    "source": {"sv": "Myndighetens egen uppgift", "en": "The authority's own record"},
    "licence": 0,
}
_LICENCE = PRACTITIONER_EXAMPLE["licences"][0]  # type: ignore[index] # the example above is a dict of known shape

_PROVENANCE = {
    "feed": _LICENCE["feed"],
    "run": 412,
    "stamp": "2026-11-22T01:00:00Z",
    "knownSince": _LICENCE["knownSince"],
    "knownTo": None,
    "learntAt": _LICENCE["knownSince"],
}
ID = "ver_5aVd0m2sXq8Lr4YcT1wZkA"

ANSWER = {
    "id": ID,
    "verdict": "yes",
    "outcome": "found",
    "reasons": [_REASON],
    "ruleVersion": "2026-11-22",
    "onDate": "2026-11-22",
    "knownAt": "2026-11-22T09:15:30Z",
    "checkedAt": "2026-11-22T09:15:30Z",
    "purpose": "recruitment",
    "reference": "case 2026-114",
    "profession": {"code": "registered-nurse", "name": {"sv": "Sjuksköterska", "en": "Registered nurse"}},
    "authority": None,
    "practitioner": {
        "id": PRACTITIONER_EXAMPLE["id"],
        "name": "Anna Lindqvist",
        "birthYear": "1980",
        "deceased": False,
        "links": PRACTITIONER_EXAMPLE["links"],
    },
    "match": {
        "level": "exact",
        "score": None,
        "features": [],
        "name": None,
        "notes": [{"code": "number-same", "text": {"sv": "Numret stämmer.", "en": "The number agrees."}}],
    },
    "licences": [
        {**_LICENCE, "provenance": _PROVENANCE, "verdict": "yes", "reasons": [_REASON], "relevant": True}
    ],
    "sources": FEEDS_EXAMPLE["items"],
    "links": {"self": f"/v1/verifications/{ID}"},
}

_LATER = "ver_uQ3nB7eJkX0sTf6RyM9hDw"
AGAIN = {
    "asItWas": {"summary": "For the same purpose, with the same reference", "value": {}},
    "otherReference": {
        "summary": "With another reference",
        "value": {"purpose": "employment", "reference": "yearly check 2027"},
    },
}
ANSWER_AGAIN = {
    **ANSWER,
    "id": _LATER,
    "verdict": "no",
    "checkedAt": "2027-11-22T09:15:30Z",
    "onDate": "2027-11-22",
    "links": {"self": f"/v1/verifications/{_LATER}"},
    "previous": {"id": ID, "verdict": "yes", "checkedAt": "2026-11-22T09:15:30Z"},
    "changes": [
        {
            "field": "verdict",
            "licence": None,
            "before": "yes",
            "after": "no",
            "text": {"sv": "Svaret: ja → nej", "en": "The answer: yes → no"},
        }
    ],
}
LIST = {
    "items": [
        {
            "id": ID,
            "verdict": "yes",
            "outcome": "found",
            "checkedAt": "2026-11-22T09:15:30Z",
            "purpose": "recruitment",
            "reference": "case 2026-114",
            "ruleVersion": "2026-11-22",
            "previous": None,
            "links": {"self": f"/v1/verifications/{ID}"},
        }
    ],
    "page": 1,
    "limit": 20,
    "links": {
        "self": "/v1/verifications?page=1",
        "first": "/v1/verifications?page=1",
        "previous": None,
        "next": None,
    },
}
