"""Schemas of earlier verifications: fetching, listing, asking again."""

import marshmallow as ma

from registry.web.api.fields import (
    ABOUT_NOBODY,
    PART,
    Answer,
    Bilingual,
    CamelCase,
    Count,
    Day,
    Moment,
    Text,
    about,
)
from registry.web.api.schemas import LinkSchema
from registry.web.api.verification_schemas import ID_PATTERN, VerificationSchema

ID = {
    "in": "path",
    "name": "id",
    "description": "The `id` of a verification of your organisation.",
    "schema": {"type": "string"},
}


class FetchQuerySchema(CamelCase):
    """Why a verification is read."""

    purpose = Text(
        max_length=50,
        metadata=about("Why you read it; why it was asked when left out. Written to the access log."),
    )


class ListQuerySchema(CamelCase):
    """Which verifications are listed."""

    reference = Text(max_length=200, metadata=about("Only those with this reference of yours."))
    since = Day(metadata=about("Only those of this day or later, in the service's time zone."))
    until = Day(metadata=about("Only those of this day or earlier, in the service's time zone."))
    purpose = Text(
        max_length=50, load_default="lookup", metadata=about("Why you ask; written to the access log.")
    )
    page = Count(low=1, load_default=1, metadata=about("Page of the answer, from 1; the newest first."))
    limit = Count(low=1, metadata=about("Verifications a page.", default=20))


class AgainSchema(CamelCase):
    """Why the same is asked again; all of it as it was when left out."""

    purpose = Text(max_length=50, metadata=about("Why you ask; why it was asked the first time if left out."))
    reference = Text(
        max_length=200, metadata=about("Your own reference; that of the first time if left out.")
    )


class PreviousSchema(Answer):
    """The verification that was asked again."""

    resource = PART

    id = ma.fields.String(required=True, metadata=about("Its id.", pattern=ID_PATTERN))
    verdict = ma.fields.String(required=True, metadata=about("Its verdict.", enum=["yes", "no", "ask"]))
    checked_at = Moment(required=True, metadata=about("When it was given (UTC).", format="date-time"))


class ChangeSchema(Answer):
    """One thing that differs."""

    resource = "change"

    field = ma.fields.String(
        required=True,
        metadata=about(
            "What: `verdict`, `outcome`, `reasons`, `name`, `licences`, `licence.status` and others."
        ),
    )
    licence = ma.fields.String(
        required=True, allow_none=True, metadata=about("Number of the licence it is about.")
    )
    before = ma.fields.String(
        required=True, allow_none=True, metadata=about("A code, a date or a name; null for nothing.")
    )
    after = ma.fields.String(required=True, allow_none=True, metadata=about("Likewise."))
    text = ma.fields.Nested(Bilingual, required=True)


class ReverificationSchema(VerificationSchema):
    """A verification; one that was asked again tells what has changed."""

    previous = ma.fields.Nested(
        PreviousSchema, metadata=about("The verification that was asked again; only where one was.")
    )
    changes = ma.fields.List(
        ma.fields.Nested(ChangeSchema),
        metadata=about("What differs from it; only where one was asked again."),
    )


class ListedVerificationSchema(Answer):
    """A verification in a list: nothing about the person."""

    resource = "verification"

    id = ma.fields.String(required=True, metadata=about("To fetch it.", pattern=ID_PATTERN))
    verdict = ma.fields.String(required=True, metadata=about("The answer.", enum=["yes", "no", "ask"]))
    outcome = ma.fields.String(
        required=True,
        metadata=about("As in the answer.", enum=["found", "notFound", "ambiguous", "mismatch"]),
    )
    checked_at = Moment(required=True, metadata=about("When it was given (UTC).", format="date-time"))
    purpose = ma.fields.String(required=True)
    reference = ma.fields.String(
        required=True,
        allow_none=True,
        metadata=about("Yours, with what looks like a personal identity number masked."),
    )
    rule_version = ma.fields.String(required=True, metadata=about("Version of the rule set that answered."))
    previous = ma.fields.String(
        required=True,
        allow_none=True,
        metadata=about("Id of the verification that was asked again, where one was."),
    )
    links = ma.fields.Nested(LinkSchema, required=True)


class VerificationLinksSchema(Answer):
    """Addresses of this page and others; null where there is none."""

    resource = PART

    self_ = ma.fields.String(required=True)
    first = ma.fields.String(required=True)
    previous = ma.fields.String(required=True, allow_none=True)
    next = ma.fields.String(required=True, allow_none=True)


class VerificationsSchema(Answer):
    """A page of verifications."""

    resource = ABOUT_NOBODY

    items = ma.fields.List(ma.fields.Nested(ListedVerificationSchema), required=True)
    page = ma.fields.Integer(required=True)
    limit = ma.fields.Integer(required=True)
    links = ma.fields.Nested(VerificationLinksSchema, required=True)
