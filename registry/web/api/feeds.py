"""`GET /v1/feeds`: where the facts come from, how fresh they are, and what silence means."""

import marshmallow as ma

from registry.records.read import feeds as read_feeds
from registry.web.api import present
from registry.web.api.fields import ABOUT_NOBODY, Answer, Bilingual, Moment, about
from registry.web.api.operation import ApiBlueprint, operation
from registry.web.api.schemas import AuthoritySchema
from registry.web.context import context

blueprint = ApiBlueprint("feeds", "The authorities' feeds that the registry is made from.")


class FeedSchema(Answer):
    """One feed."""

    resource = ABOUT_NOBODY

    id = ma.fields.String(required=True)
    name = ma.fields.Nested(Bilingual, required=True)
    authority = ma.fields.Nested(AuthoritySchema, required=True)
    completeness = ma.fields.String(
        required=True,
        metadata=about(
            "Which licences the authority reports: all with their history, current and lapsed, or active ones only.",
            enum=["full_history", "current_and_lapsed", "active_only"],
        ),
    )
    mode = ma.fields.String(
        required=True,
        metadata=about(
            "Whole register each time, changes only, or asked one by one.",
            enum=["snapshot", "delta", "query"],
        ),
    )
    max_age_hours = ma.fields.Integer(
        required=True, metadata=about("The feed's promise: older than this is stale.")
    )
    state = ma.fields.String(
        required=True,
        metadata=about(
            "Whether the promise is kept now; never = no run has succeeded.", enum=["fresh", "stale", "never"]
        ),
    )
    last_success_at = Moment(
        required=True,
        allow_none=True,
        metadata=about("When the last successful run ended (UTC).", format="date-time"),
    )
    stamp = ma.fields.String(
        required=True,
        allow_none=True,
        metadata=about("The feed's own date of what it sent, where it gives one."),
    )
    last_run_at = Moment(
        required=True, allow_none=True, metadata=about("When the last run began (UTC).", format="date-time")
    )
    last_run_state = ma.fields.String(
        required=True,
        allow_none=True,
        metadata=about("How the last run ended: running, succeeded, unchanged, held, failed or abandoned."),
    )
    held = ma.fields.Boolean(
        required=True,
        metadata=about(
            "Removals or changes that the feed has sent wait for review: a licence they are about is answered `ask`."
        ),
    )
    silence = ma.fields.Nested(
        Bilingual, required=True, metadata=about("What it means that a person is not found in this feed.")
    )


class FeedsSchema(Answer):
    """All feeds."""

    resource = ABOUT_NOBODY

    items = ma.fields.List(ma.fields.Nested(FeedSchema), required=True)


EXAMPLE = {
    "items": [
        {
            "id": "hosp",
            "name": {"sv": "HOSP", "en": "HOSP"},
            "authority": {
                "id": "socialstyrelsen",
                "name": {"sv": "Socialstyrelsen", "en": "The National Board"},
            },
            "completeness": "current_and_lapsed",
            "mode": "snapshot",
            "maxAgeHours": 48,
            "state": "fresh",
            "lastSuccessAt": "2026-11-22T03:00:12Z",
            "stamp": "2026-11-22T01:00:00Z",
            "lastRunAt": "2026-11-22T02:58:40Z",
            "lastRunState": "succeeded",
            "held": False,
            "silence": {
                "sv": "Personen har ingen svensk legitimation.",
                "en": "The person has no Swedish licence.",
            },
        }
    ]
}


@operation(blueprint, "/feeds", operation_id="listFeeds", answer=FeedsSchema(), example=EXAMPLE)
def list_feeds() -> dict[str, list[present.Values]]:
    """List the feeds, how fresh they are, and what their silence means.

    Any valid access token will do.
    """
    ours = context()
    with ours.truth.connect() as connection:
        known = read_feeds(connection)
    return {"items": [present.feed(each, ours.now()) for each in known.values()]}
