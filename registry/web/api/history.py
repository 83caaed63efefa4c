"""`GET /v1/practitioners/{id}/history`: what the registry has known of one person's licences, from when to when."""

import marshmallow as ma

from registry.records.history import licence_history
from registry.records.read import feeds as read_feeds
from registry.web.api import present
from registry.web.api.asking import check_query_purpose
from registry.web.api.fields import Answer, Moment, about
from registry.web.api.operation import operation
from registry.web.api.practitioners import EXAMPLE as PRACTITIONER
from registry.web.api.practitioners import ID, QUERY, blueprint, logged_person, read_person
from registry.web.api.schemas import AuthoritySchema, LicenceFactsSchema, LinkSchema
from registry.web.context import context

# No practitioner has it; read in place of none, so that no hit costs the same statements as a hit.
_NOBODY = -1


class LicenceVersionSchema(LicenceFactsSchema):
    """What was known of a licence for some time."""

    undone = ma.fields.Boolean(
        required=True,
        metadata=about(
            "It came by a reading of the feed that was taken back as wrong: it says nothing about the person."
        ),
    )
    known_from = Moment(
        required=True, metadata=about("When the registry learnt it (UTC).", format="date-time")
    )
    known_to = Moment(
        required=True,
        allow_none=True,
        metadata=about("When the registry learnt otherwise (UTC); null = still known.", format="date-time"),
    )


class LicenceHistorySchema(Answer):
    """One licence and every version of it, the oldest first."""

    resource = "licence"

    authority = ma.fields.Nested(AuthoritySchema, required=True)
    feed = ma.fields.String(
        required=True, metadata=about("Id of the feed it comes from, see `GET /v1/feeds`.")
    )
    versions = ma.fields.List(ma.fields.Nested(LicenceVersionSchema), required=True)


class HistorySchema(Answer):
    """What the registry has known of a person's licences."""

    resource = "practitioner"

    id = ma.fields.String(required=True)
    licences = ma.fields.List(ma.fields.Nested(LicenceHistorySchema), required=True)
    links = ma.fields.Nested(LinkSchema, required=True)


_LICENCE = PRACTITIONER["licences"][0]  # type: ignore[index] # the example is a dict of known shape
_OF_NOW = {"authority", "feed", "held", "knownSince"}
_FACTS = {name: value for name, value in _LICENCE.items() if name not in _OF_NOW}
EXAMPLE = {
    "id": PRACTITIONER["id"],
    "licences": [
        {
            "authority": _LICENCE["authority"],
            "feed": _LICENCE["feed"],
            "versions": [
                {
                    **_FACTS,
                    "undone": False,
                    "knownFrom": "2026-01-10T03:00:00Z",
                    "knownTo": "2026-11-22T02:58:40Z",
                },
                {**_FACTS, "undone": False, "knownFrom": "2026-11-22T02:58:40Z", "knownTo": None},
            ],
        }
    ],
    "links": {"self": f"/v1/practitioners/{PRACTITIONER['id']}/history"},
}


@operation(
    blueprint,
    "/practitioners/<id>/history",
    operation_id="getPractitionerHistory",
    scope="registry:read",
    query=QUERY,
    answer=HistorySchema(),
    example=EXAMPLE,
    problems=("not-found", "access-log-unavailable", "purpose-not-allowed"),
    parameters=(ID,),
    needs=("practitioner.id", "licence.versions"),
)
def read_history(asked: dict[str, str], id: str) -> present.Values:  # noqa: A002 - its name in the API
    """Read what the registry has known of one person's licences, from when to when.

    Each version was known from `knownFrom` until, but not at, `knownTo`. What held in the world on a day is another
    question: the dates in the versions tell it as far as the authority does. Who may read it, and who is answered
    like one who does not exist, is as for `GET /v1/practitioners/{id}`.
    """
    ours = context()
    check_query_purpose(asked["purpose"], ours.settings.access, QUERY)
    with ours.truth.connect() as connection:
        person = read_person(connection, id)
        versions = licence_history(connection, _NOBODY if person is None else person.id)
        feeds = read_feeds(connection)
    shown = logged_person(person, asked["purpose"], {"id": id, "history": True}, ours)
    return present.history(shown, versions, feeds, ours.vocabulary)
