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
}
_LICENCE = PRACTITIONER_EXAMPLE["licences"][0]  # type: ignore[index] # the example above is a dict of known shape

ANSWER = {
    "verdict": "yes",
    "outcome": "found",
    "reasons": [_REASON],
    "ruleVersion": "2026-11-22",
    "onDate": "2026-11-22",
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
    "licences": [{**_LICENCE, "verdict": "yes", "reasons": [_REASON], "relevant": True}],
    "sources": FEEDS_EXAMPLE["items"],
}
