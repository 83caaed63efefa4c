"""Schemas that several answers share. Dates are partial dates as the authority gave them; unknown values are null."""

import marshmallow as ma

from registry.web.api.fields import PART, Answer, Bilingual, Moment, about

PARTIAL_DATE = r"^\d{4}(-\d{2}(-\d{2})?)?$"


def partial_date(text: str) -> ma.fields.String:
    """Return a field for a partial date (`2019`, `2019-05`, `2019-05-03`) or null."""
    return ma.fields.String(
        required=True,
        allow_none=True,
        metadata=about(
            f"{text} YYYY, YYYY-MM or YYYY-MM-DD, as the authority gave it.", pattern=PARTIAL_DATE
        ),
    )


class WordSchema(Answer):
    """A term of the registry's vocabulary."""

    resource = PART

    code = ma.fields.String(
        required=True, metadata=about("Stable; `unknown` when the authority's word is not mapped.")
    )
    name = ma.fields.Nested(Bilingual, required=True)


class AuthoritySchema(Answer):
    """Who issues licences."""

    resource = PART

    id = ma.fields.String(required=True)
    name = ma.fields.Nested(Bilingual, required=True)


class NameSchema(Answer):
    """A name of a person."""

    resource = "name"

    use = ma.fields.String(required=True, metadata=about("What it is.", enum=["official", "former", "alias"]))
    text = ma.fields.String(required=True, metadata=about("In reading order."))


class IdentifierSchema(Answer):
    """An identifier that is public, such as an NPI; never a personal identity number."""

    resource = "identifier"

    system = ma.fields.String(required=True, metadata=about("URI of who gives it."))
    value = ma.fields.String(required=True)
    use = ma.fields.String(required=True, metadata=about("In use, or replaced.", enum=["official", "old"]))


class RawProfessionSchema(Answer):
    """The authority's own code and word for the profession."""

    resource = PART

    code = ma.fields.String(required=True)
    text = ma.fields.String(required=True)


class SpecialtySchema(Answer):
    """A specialty under a licence."""

    resource = PART

    code = ma.fields.String(required=True)
    system = ma.fields.String(required=True, allow_none=True, metadata=about("What the code belongs to."))
    text = ma.fields.String(required=True)
    valid_from = partial_date("Held from.")


class RestrictionSchema(WordSchema):
    """A limit that the authority has set on a licence. `revoked` ends the right to practise."""

    raw_code = ma.fields.String(required=True, metadata=about("The authority's own code."))
    raw_text = ma.fields.String(required=True, metadata=about("The authority's own words."))
    valid_from = partial_date("In force from.")
    valid_to = partial_date("In force to and including.")


class LicenceFactsSchema(Answer):
    """What an authority says of a licence."""

    resource = "licence"

    number = ma.fields.String(required=True, allow_none=True, metadata=about("As the authority writes it."))
    profession = ma.fields.Nested(WordSchema, required=True)
    raw_profession = ma.fields.Nested(RawProfessionSchema, required=True)
    status = ma.fields.Nested(WordSchema, required=True)
    raw_status = ma.fields.String(required=True, metadata=about("The authority's own word for the status."))
    jurisdiction = ma.fields.String(
        required=True, allow_none=True, metadata=about("Where it is valid, ISO 3166.")
    )
    issued = partial_date("First issued.")
    valid_from = partial_date("Valid from.")
    valid_to = partial_date("Valid to and including.")
    specialties = ma.fields.List(ma.fields.Nested(SpecialtySchema), required=True)
    restrictions = ma.fields.List(ma.fields.Nested(RestrictionSchema), required=True)
    gone = ma.fields.Boolean(
        required=True, metadata=about("The feed no longer holds it; the facts are the last known.")
    )


class LicenceSchema(LicenceFactsSchema):
    """A licence as its authority describes it.

    Its status is a decision, not an answer: dates, restrictions and the age of the feed count too, so ask
    `POST /v1/verifications` whether the person may practise.
    """

    authority = ma.fields.Nested(AuthoritySchema, required=True)
    feed = ma.fields.String(
        required=True, metadata=about("Id of the feed it comes from, see `GET /v1/feeds`.")
    )
    held = ma.fields.Boolean(
        required=True,
        metadata=about(
            "The feed has sent something newer about it that waits for review; ask the authority."
        ),
    )
    known_since = Moment(
        required=True, metadata=about("When the registry learnt these facts (UTC).", format="date-time")
    )


class LinkSchema(Answer):
    """Where to read more."""

    resource = PART

    self_ = ma.fields.String(
        required=True, attribute="self", metadata=about("Address of the resource itself.")
    )
