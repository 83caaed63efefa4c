"""Schemas of a verification: the question and the answer."""

from typing import Any

import marshmallow as ma

from registry.verification.question import MAX_NAME, MAX_NUMBER
from registry.web.api.feeds import FeedSchema
from registry.web.api.fields import PART, Answer, Bilingual, CamelCase, Day, Instant, Moment, Text, about
from registry.web.api.schemas import AuthoritySchema, LicenceSchema, LinkSchema, NameSchema, WordSchema

ID_PATTERN = r"^ver_[A-Za-z0-9_-]{22}$"
_ONE_OF = "Give one of licenceNumber, personalIdentityNumber, or name with birthDate."


class QuestionSchema(CamelCase):
    """Who is asked about, as what, for which day and why."""

    licence_number = Text(
        max_length=2 * MAX_NUMBER, metadata=about("Licence number or another public number, such as an NPI.")
    )
    personal_identity_number = Text(
        max_length=20,
        metadata=about("Swedish personal identity or coordination number, `YYYYMMDD-NNNN` or `YYMMDD-NNNN`."),
    )
    name = Text(
        max_length=MAX_NAME,
        metadata=about("With birthDate; beside a number it is checked against the record."),
    )
    birth_date = Text(
        max_length=10, metadata=about("`YYYY-MM-DD`. Beside a number it is checked against the record.")
    )
    profession = Text(
        max_length=100,
        metadata=about("Code of a profession (see the search facets), or its Swedish or English name."),
    )
    authority = Text(
        max_length=64, metadata=about("Id of the authority whose licence is meant, see `GET /v1/feeds`.")
    )
    on_date = Day(
        metadata=about(
            "The day asked about, today or earlier: when it held in the world. Today when left out, or the day of `knownAt`."
        )
    )
    known_at = Instant(
        metadata=about(
            "What the registry knew at this moment, instead of what it knows now; with its offset from UTC.",
            format="date-time",
        )
    )
    purpose = Text(required=True, max_length=50, metadata=about("Why you ask; written to the access log."))
    reference = Text(
        max_length=200,
        metadata=about(
            "Your own reference; it is given back and written to the access log. No personal data."
        ),
    )

    consent_code = Text(
        max_length=40,
        metadata=about(
            "Given to you by a person with a protected identity, for one check by your organisation: 16 letters and digits."
        ),
    )

    @ma.validates_schema
    def _names_someone(self, data: dict[str, Any], **_kwargs: object) -> None:
        ways = ("licence_number" in data) + ("personal_identity_number" in data)
        if ways > 1 or (not ways and not {"name", "birth_date"} <= data.keys()):
            raise ma.ValidationError(_ONE_OF)


class ReasonSchema(Answer):
    """Why: the first reason decided."""

    resource = PART

    code = ma.fields.String(required=True, metadata=about("Stable name of the rule."))
    answer = ma.fields.String(
        required=True,
        allow_none=True,
        metadata=about("The answer it speaks for; null for a remark.", enum=["yes", "no", "ask", None]),
    )
    nature = ma.fields.String(
        required=True,
        metadata=about(
            "What kind of fact it is, so that an unpaid fee is never taken for a sanction.",
            enum=["sanction", "surrender", "administrative", "death", "uncertain", "valid"],
        ),
    )
    text = ma.fields.Nested(Bilingual, required=True)
    source = ma.fields.Nested(
        Bilingual, required=True, metadata=about("The law, decision or rule it rests on.")
    )
    licence = ma.fields.Integer(
        required=True,
        allow_none=True,
        metadata=about("Which of `licences` it is about, from 0; null: about none of them alone."),
    )


class ProvenanceSchema(Answer):
    """How the registry knows what it shows: who told, and when."""

    resource = PART

    feed = ma.fields.String(required=True, metadata=about("Id of the feed that told."))
    run = ma.fields.Integer(required=True, metadata=about("The run of the feed that brought it."))
    stamp = ma.fields.String(
        required=True,
        allow_none=True,
        metadata=about('The feed\'s own "as of" of that run, where it gives one.'),
    )
    known_since = Moment(
        required=True, metadata=about("When that run began (UTC): known since then.", format="date-time")
    )
    known_to = Moment(
        required=True,
        allow_none=True,
        metadata=about(
            "When a later run said otherwise (UTC); null: it stood at `knownAt`.", format="date-time"
        ),
    )
    learnt_at = Moment(
        required=True,
        metadata=about(
            "When the registry learnt the last of what is shown (UTC): `knownSince`, or later where a date made known "
            "afterwards changes what held on the day.",
            format="date-time",
        ),
    )


class VerifiedLicenceSchema(LicenceSchema):
    """A licence with the answer for it alone."""

    provenance = ma.fields.Nested(ProvenanceSchema, required=True)
    verdict = ma.fields.String(
        required=True, metadata=about("For this licence alone.", enum=["yes", "no", "ask"])
    )
    reasons = ma.fields.List(ma.fields.Nested(ReasonSchema), required=True)
    relevant = ma.fields.Boolean(required=True, metadata=about("The question is about this licence."))


class VerifiedPersonSchema(Answer):
    """Who was found: enough to see that it is the right person."""

    resource = "practitioner"

    id = ma.fields.String(required=True)
    name = ma.fields.String(required=True)
    birth_year = ma.fields.String(required=True, allow_none=True)
    deceased = ma.fields.Boolean(required=True)
    links = ma.fields.Nested(LinkSchema, required=True)


class NoteSchema(Answer):
    """One thing that agrees or differs."""

    resource = PART

    code = ma.fields.String(required=True)
    text = ma.fields.Nested(Bilingual, required=True)


class MatchSchema(Answer):
    """How the record answers to the number, name and birth date of the question."""

    resource = "match"

    level = ma.fields.String(
        required=True, metadata=about("How well.", enum=["exact", "strong", "possible", "none"])
    )
    name = ma.fields.Nested(
        NameSchema, required=True, allow_none=True, metadata=about("The recorded name that was compared.")
    )
    score = ma.fields.Float(
        required=True,
        allow_none=True,
        metadata=about(
            "Bits: log2 of how much likelier all that was compared is for one person than for two. null where nothing was "
            "compared or nobody is shown. To put questions in order with; `level` and `outcome` say what it is worth."
        ),
    )
    features = ma.fields.List(
        ma.fields.String(),
        required=True,
        metadata=about("What was compared, such as `birth-date` and `family-name`."),
    )
    notes = ma.fields.List(
        ma.fields.Nested(NoteSchema),
        required=True,
        metadata=about(
            "What agrees and what differs, with both spellings where they differ. Where nobody is shown they tell only that "
            "something agrees or differs."
        ),
    )


class VerificationSchema(Answer):
    """The answer, why, and what it rests on."""

    resource = "verification"

    id = ma.fields.String(
        required=True,
        metadata=about("The evidence of this answer: your organisation can fetch it.", pattern=ID_PATTERN),
    )
    verdict = ma.fields.String(
        required=True,
        metadata=about(
            "yes: may practise. no: may not. ask: the registry can't tell; ask the authority. Never act on `ask` as on `no`.",
            enum=["yes", "no", "ask"],
        ),
    )
    outcome = ma.fields.String(
        required=True,
        metadata=about(
            "found; notFound; ambiguous: several people, or not surely the one; mismatch: the number exists, but name "
            "or birth date contradict the record.",
            enum=["found", "notFound", "ambiguous", "mismatch"],
        ),
    )
    reasons = ma.fields.List(ma.fields.Nested(ReasonSchema), required=True)
    rule_version = ma.fields.String(required=True, metadata=about("Version of the rule set that answered."))
    on_date = ma.fields.Date(required=True, metadata=about("The day the answer is about."))
    known_at = Moment(
        required=True,
        metadata=about(
            "With what knowledge (UTC): that of the moment asked about, else that of `checkedAt`.",
            format="date-time",
        ),
    )
    checked_at = Moment(required=True, metadata=about("When it was given (UTC).", format="date-time"))
    purpose = ma.fields.String(required=True)
    reference = ma.fields.String(required=True, allow_none=True, metadata=about("As you gave it."))
    profession = ma.fields.Nested(
        WordSchema, required=True, allow_none=True, metadata=about("The profession asked about.")
    )
    authority = ma.fields.Nested(
        AuthoritySchema, required=True, allow_none=True, metadata=about("The authority asked about.")
    )
    practitioner = ma.fields.Nested(VerifiedPersonSchema, required=True, allow_none=True)
    match = ma.fields.Nested(MatchSchema, required=True, allow_none=True)
    licences = ma.fields.List(
        ma.fields.Nested(VerifiedLicenceSchema), required=True, metadata=about("Every licence of the person.")
    )
    sources = ma.fields.List(
        ma.fields.Nested(FeedSchema),
        required=True,
        metadata=about("The feeds the answer rests on, or whose silence it tells."),
    )
    links = ma.fields.Nested(LinkSchema, required=True)
