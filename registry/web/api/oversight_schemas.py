"""Schemas of what a privacy officer or auditor reads about how the registry is used."""

from typing import Any

import marshmallow as ma

from registry.checks.unusual import KINDS
from registry.web.api.fields import PART, Answer, Moment, about

_ORGANISATION = "Its number; empty for callers without one, `*` for those who are not counted apart."


def _text(told: str) -> ma.fields.String:
    return ma.fields.String(required=True, metadata=about(told))


def _number(told: str) -> ma.fields.Integer:
    return ma.fields.Integer(required=True, metadata=about(told))


class CountedSchema(Answer):
    """How many there were of one kind."""

    resource = PART

    name = _text("Of the kind.")
    count = _number("How many.")


def _counts(told: str) -> ma.fields.List[Any]:
    return ma.fields.List(ma.fields.Nested(CountedSchema), required=True, metadata=about(told))


class UseSchema(Answer):
    """How much one organisation asked."""

    resource = "oversight"

    organisation = _text(_ORGANISATION)
    events = _number("Answers it was given.")
    callers = _number("People and systems that asked for it.")
    purposes = _counts("Answers by purpose, the commonest first.")
    actions = _counts("Answers by what was done.")
    answers = _counts(
        "Verdicts (`yes`, `no`, `ask`), records that were `not found`, and `consent code refused`; other answers are numbers of hits."
    )


class OutlierSchema(Answer):
    """A day on which an organisation asked, or was refused, far more often than it is."""

    resource = "oversight"

    organisation = _text(_ORGANISATION)
    day = ma.fields.Date(required=True, metadata=about("The day (UTC)."))
    events = _number("How often on that day.")
    usual = ma.fields.Float(
        required=True, metadata=about("The median of its other days among those asked for.")
    )
    bound = ma.fields.Float(required=True, metadata=about("What was passed."))


class AttemptsSchema(Answer):
    """Whose requests were refused."""

    resource = "oversight"

    organisation = _text(_ORGANISATION)
    issuer = _text("Who vouched for them, or would have had to; empty where nobody.")
    client = _text("The client; empty where it is not known.")
    refused = _number("How often.")
    kinds = _counts("By the slug of the problem that they were answered with.")


class UnusualSchema(Answer):
    """A caller who asked as nobody does who checks staff."""

    resource = "oversight"

    noticed_at = Moment(required=True, metadata=about("When (UTC).", format="date-time"))
    kind = ma.fields.String(required=True, metadata=about("What was noticed.", enum=list(KINDS)))
    seen = _number("How many there were in the window.")
    bound = _number("From how many on it is unusual.")
    organisation = _text(_ORGANISATION)
    issuer = _text("Who vouches for the caller.")
    caller = _text("The caller, as the issuer calls them.")
    client = _text("The client; empty where there is none.")
    closed_at = Moment(
        required=True,
        allow_none=True,
        metadata=about("When an officer found it honest; null = not.", format="date-time"),
    )


class OversightSchema(Answer):
    """How the registry was used; nobody who was looked up is named."""

    resource = "oversight"

    from_ = ma.fields.Date(required=True, metadata=about("The first day (UTC)."))
    to = ma.fields.Date(required=True, metadata=about("The last day."))
    events = _number("Answers of these days.")
    organisations = ma.fields.List(
        ma.fields.Nested(UseSchema), required=True, metadata=about("Who asked, those who asked most first.")
    )
    outliers = ma.fields.List(
        ma.fields.Nested(OutlierSchema),
        required=True,
        metadata=about("Days that stand out by what was asked."),
    )
    refused = _number("Requests that were refused.")
    attempts = ma.fields.List(
        ma.fields.Nested(AttemptsSchema),
        required=True,
        metadata=about("Who was refused, those refused most often first, at most 200."),
    )
    refused_outliers = ma.fields.List(
        ma.fields.Nested(OutlierSchema), required=True, metadata=about("Days that stand out by refusals.")
    )
    unusual_checks = ma.fields.List(
        ma.fields.Nested(UnusualSchema),
        required=True,
        metadata=about("Unusual checks, the newest first, at most 100."),
    )


_DAY = {"organisation": "2120000142", "day": "2026-11-12", "events": 500, "usual": 40.0, "bound": 78.2}
EXAMPLE = {
    "from": "2026-11-01",
    "to": "2026-11-30",
    "events": 1620,
    "organisations": [
        {
            "organisation": "2120000142",
            "events": 1620,
            "callers": 3,
            "purposes": [{"name": "employment", "count": 1620}],
            "actions": [{"name": "verify", "count": 1620}],
            "answers": [{"name": "yes", "count": 1590}, {"name": "not found", "count": 30}],
        }
    ],
    "outliers": [_DAY],
    "refused": 61,
    "attempts": [
        {
            "organisation": "2120000142",
            "issuer": "https://id.region.example",
            "client": "staff-system",
            "refused": 61,
            "kinds": [{"name": "insufficient-scope", "count": 61}],
        }
    ],
    "refusedOutliers": [{**_DAY, "events": 60, "usual": 0.0, "bound": 6.0}],
    "unusualChecks": [
        {
            "noticedAt": "2026-11-12T13:04:05Z",
            "kind": "consecutive",
            "seen": 31,
            "bound": 30,
            "organisation": "2120000142",
            "issuer": "https://id.region.example",
            "caller": "staff-system",
            "client": "staff-system",
            "closedAt": None,
        }
    ],
}
