"""Schemas of runs and receipts."""

import marshmallow as ma

from registry.web.api.fields import ABOUT_NOBODY, PART, Answer, Moment, about
from registry.web.api.schemas import LinkSchema
from registry.web.api.search_schemas import PageLinksSchema

KINDS = ["pull", "approve", "rollback", "renormalize", "unjoin", "rejoin"]
STATES = ["running", "succeeded", "unchanged", "held", "failed", "abandoned"]
FAULTS = ["unreadable", "conflict", "test-person"]
WAITING = ["removal", "change", "conflict", "unreadable"]


def _count(text: str) -> ma.fields.Integer:
    return ma.fields.Integer(required=True, metadata=about(text))


class RunCountsSchema(Answer):
    """What a run did, in source records."""

    resource = PART

    read = _count("Rows read.")
    added = _count("Seen for the first time, or again after being gone.")
    changed = _count("Said something else than before.")
    unchanged = _count("Said what they said.")
    removed = _count("No longer held by the feed.")
    removals_withheld = _count("Removals put aside because the run was held.")
    changes_withheld = _count("Changes put aside because the run was held.")
    quarantined = _count("Rows that could not be read, or contradicted an earlier one.")
    duplicates = _count("Rows that repeated an earlier one.")
    test_people = _count("Refused because nobody real is meant.")
    skipped = _count("Not approved or not taken back, because the record has changed since.")


class RunLinksSchema(LinkSchema):
    """Where to read more."""

    errors = ma.fields.String(required=True, metadata=about("Address of the rows that were not taken in."))


class FeedRunSchema(Answer):
    """One run of a feed."""

    resource = "feedRun"

    id = ma.fields.Integer(required=True)
    feed = ma.fields.String(required=True, metadata=about("Id of the feed, see `GET /v1/feeds`."))
    kind = ma.fields.String(required=True, metadata=about("What was done.", enum=KINDS))
    state = ma.fields.String(required=True, metadata=about("How it ended.", enum=STATES))
    started_at = Moment(required=True, metadata=about("When it began (UTC).", format="date-time"))
    finished_at = Moment(
        required=True, allow_none=True, metadata=about("When it ended (UTC).", format="date-time")
    )
    duration_seconds = ma.fields.Float(required=True, allow_none=True)
    stamp = ma.fields.String(
        required=True, allow_none=True, metadata=about("The feed's own date of what it sent.")
    )
    source_name = ma.fields.String(
        required=True, allow_none=True, metadata=about("The source's own name of what was taken.")
    )
    digest = ma.fields.String(
        required=True, allow_none=True, metadata=about("Digest of the content that was read.")
    )
    complete = ma.fields.Boolean(
        required=True,
        allow_none=True,
        metadata=about("The whole register was read, so that absence meant something; null = not known."),
    )
    held_reason = ma.fields.String(
        required=True, allow_none=True, metadata=about("Why the run was held: which limit was passed.")
    )
    notes = ma.fields.List(
        ma.fields.String(),
        required=True,
        metadata=about("What was to be said beside, e.g. that a file came too late and was passed over."),
    )
    error = ma.fields.String(required=True, allow_none=True, metadata=about("Why the run failed."))
    of_run = ma.fields.Integer(
        required=True, allow_none=True, metadata=about("The run that this one approves or takes back.")
    )
    undone_by = ma.fields.Integer(
        required=True, allow_none=True, metadata=about("The run that took this one back.")
    )
    counts = ma.fields.Nested(RunCountsSchema, required=True)
    links = ma.fields.Nested(RunLinksSchema, required=True)


class QuarantinedSchema(Answer):
    """How many rows were put aside for one reason."""

    resource = PART

    kind = ma.fields.String(required=True, metadata=about("What kind of fault.", enum=FAULTS))
    field = ma.fields.String(
        required=True, metadata=about("The authority's name of the field that is wrong.")
    )
    reason = ma.fields.String(required=True)
    count = ma.fields.Integer(required=True)


class WaitingSchema(Answer):
    """How many changes of one kind wait."""

    resource = PART

    kind = ma.fields.String(required=True, metadata=about("What waits.", enum=WAITING))
    count = ma.fields.Integer(required=True)


class ReceiptSchema(FeedRunSchema):
    """A run with what it did not take in."""

    row_errors = ma.fields.List(
        ma.fields.Nested(QuarantinedSchema),
        required=True,
        metadata=about("Rows put aside by reason, the commonest first, at most 50 reasons."),
    )
    waiting_changes = ma.fields.List(
        ma.fields.Nested(WaitingSchema),
        required=True,
        metadata=about(
            "What this run put aside and is still to be decided: removals and changes by a person, conflicting and "
            "unreadable rows by the feed itself."
        ),
    )


class FeedRunsSchema(Answer):
    """One page of runs."""

    resource = ABOUT_NOBODY

    items = ma.fields.List(ma.fields.Nested(FeedRunSchema), required=True)
    total = ma.fields.Integer(required=True, metadata=about("Runs in the whole answer."))
    page = ma.fields.Integer(required=True)
    limit = ma.fields.Integer(required=True)
    links = ma.fields.Nested(PageLinksSchema, required=True)


_RUN = {
    "id": 4711,
    "feed": "hosp",
    "kind": "pull",
    "state": "held",
    "startedAt": "2026-11-22T02:58:40Z",
    "finishedAt": "2026-11-22T03:00:12Z",
    "durationSeconds": 92.4,
    "stamp": "2026-11-22T01:00:00Z",
    "sourceName": "hosp-20261122.xml",
    "digest": "sha256:9f86d081884c7d65",
    "complete": True,
    "heldReason": "9120 of 412233 records are absent (limit 2.0%)",
    "notes": [],
    "error": None,
    "ofRun": None,
    "undoneBy": None,
    "counts": {
        "read": 403114,
        "added": 1,
        "changed": 12,
        "unchanged": 403100,
        "removed": 0,
        "removalsWithheld": 9120,
        "changesWithheld": 0,
        "quarantined": 1,
        "duplicates": 0,
        "testPeople": 0,
        "skipped": 0,
    },
    "links": {"self": "/v1/feed-runs/4711", "errors": "/v1/feed-runs/4711/errors"},
}
EXAMPLE = {
    **_RUN,
    "rowErrors": [
        {"kind": "unreadable", "field": "legitimationsDatum", "reason": "expected a date", "count": 1}
    ],
    "waitingChanges": [{"kind": "removal", "count": 9120}],
}
LIST_EXAMPLE = {
    "items": [_RUN],
    "total": 1,
    "page": 1,
    "limit": 20,
    "links": {
        "self": "/v1/feed-runs?feed=hosp&page=1",
        "first": "/v1/feed-runs?feed=hosp&page=1",
        "last": "/v1/feed-runs?feed=hosp&page=1",
        "previous": None,
        "next": None,
    },
}
