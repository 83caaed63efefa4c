"""Schemas of what people see about who looked, and of what they ask for about their own record.

Pages and files are made from these (`registry.web.pages`); no operation of the API answers them, since no system asks for a person.
"""

import marshmallow as ma

from registry.access.log import ACTIONS
from registry.access.policy import Shape
from registry.checks.subject_requests import FACTS, KINDS, STATES
from registry.web.api.fields import PART, Answer, Moment, about
from registry.web.api.shown import shape_of


class LookUpSchema(Answer):
    """One time that somebody was shown something about the person."""

    resource = "lookUp"

    id = ma.fields.Integer(required=True, metadata=about("Of the event in the access log."))
    at = Moment(required=True, metadata=about("When (UTC).", format="date-time"))
    action = ma.fields.String(required=True, metadata=about("What was done.", enum=list(ACTIONS)))
    answer = ma.fields.String(required=True, metadata=about("What was answered."))
    purpose = ma.fields.String(required=True, metadata=about("Why, as stated."))
    organisation = ma.fields.String(
        required=True, allow_none=True, metadata=about("Number of the organisation it was done for.")
    )
    yourself = ma.fields.Boolean(required=True, metadata=about("The person themselves looked."))
    issuer = ma.fields.String(required=True, metadata=about("The identity provider of who looked."))
    caller = ma.fields.String(required=True, metadata=about("Who looked, as that provider calls them."))
    client = ma.fields.String(required=True, metadata=about("The system they looked with; empty: a browser."))


class StepSchema(Answer):
    """A step of a request."""

    resource = PART

    at = Moment(required=True, metadata=about("When (UTC).", format="date-time"))
    state = ma.fields.String(required=True, metadata=about("What became of it.", enum=list(STATES)))
    words = ma.fields.String(required=True, metadata=about("What was written; empty: nothing."))
    yourself = ma.fields.Boolean(required=True, metadata=about("By the person themselves."))


class SubjectRequestSchema(Answer):
    """What somebody asks for about their own record."""

    resource = "subjectRequest"

    id = ma.fields.String(required=True)
    kind = ma.fields.String(required=True, metadata=about("What is asked for.", enum=list(KINDS)))
    state = ma.fields.String(required=True, metadata=about("What has become of it.", enum=list(STATES)))
    created_at = Moment(required=True, metadata=about("When it was made (UTC).", format="date-time"))
    due_at = Moment(
        required=True, metadata=about("Until when it is to be answered (UTC).", format="date-time")
    )
    practitioner = ma.fields.Integer(required=True, metadata=about("Whose record, by its number here."))
    steps = ma.fields.List(ma.fields.Nested(StepSchema), required=True)


class ReportSchema(SubjectRequestSchema):
    """A look-up that somebody does not understand."""

    look_up = ma.fields.Nested(LookUpSchema, required=True, allow_none=True)


class CorrectionSchema(SubjectRequestSchema):
    """A fact that somebody says is wrong."""

    fact = ma.fields.String(required=True, metadata=about("What is wrong.", enum=list(FACTS)))
    authority = ma.fields.String(required=True, metadata=about("Id of the authority that owns the fact."))
    licence = ma.fields.Integer(
        required=True, allow_none=True, metadata=about("Of the licence, if it is one.")
    )


# What the policy must know beside the answers of the API.
SHAPES: tuple[Shape, ...] = tuple(
    shape_of(schema()) for schema in (LookUpSchema, ReportSchema, CorrectionSchema)
)
