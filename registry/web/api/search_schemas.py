"""Schemas of a search answer."""

import marshmallow as ma

from registry.search.filters import FILTERS
from registry.web.api.fields import PART, Answer, Bilingual, Moment, about
from registry.web.api.schemas import (
    AuthoritySchema,
    LinkSchema,
    NameSchema,
    RawProfessionSchema,
    WordSchema,
    partial_date,
)

# The field of the policy that each filter and its facet tell of: who is not shown it may neither count nor filter by it.
FILTERED = {
    "profession": "licence.profession",
    "status": "licence.status",
    "authority": "licence.authority",
    "specialty": "licence.specialties",
    "county": "licence.county",
}


class LicenceSummarySchema(Answer):
    """What a list shows of a licence."""

    resource = "licence"

    number = ma.fields.String(required=True, allow_none=True)
    profession = ma.fields.Nested(WordSchema, required=True)
    raw_profession = ma.fields.Nested(RawProfessionSchema, required=True)
    status = ma.fields.Nested(
        WordSchema,
        required=True,
        metadata=about("As of today: dates and restrictions count. It is what the filter `status` looks at."),
    )
    raw_status = ma.fields.String(required=True, metadata=about("The authority's own word."))
    authority = ma.fields.Nested(AuthoritySchema, required=True)
    jurisdiction = ma.fields.String(required=True, allow_none=True)
    valid_to = partial_date("Valid to and including.")
    restrictions = ma.fields.List(
        ma.fields.String(), required=True, metadata=about("Kinds of the restrictions, over or not.")
    )
    gone = ma.fields.Boolean(required=True, metadata=about("The feed no longer holds it."))
    matched = ma.fields.Boolean(
        required=True, metadata=about("The licence through which the person was found.")
    )


class SearchNoteSchema(Answer):
    """Something to tell: a stable code and texts."""

    resource = PART

    code = ma.fields.String(required=True)
    text = ma.fields.Nested(Bilingual, required=True)


class SearchMatchSchema(Answer):
    """How well a person agrees with what was asked, and why. To choose by, never to verify by."""

    resource = "match"

    level = ma.fields.String(
        required=True,
        metadata=about(
            "A name alone is never more than `possible`; `none` is found by the search but is hardly meant.",
            enum=["exact", "strong", "possible", "none"],
        ),
    )
    score = ma.fields.Float(
        required=True,
        metadata=about("Bits: log2 of how much likelier what was seen is for one person than for two."),
    )
    name = ma.fields.Nested(
        NameSchema,
        required=True,
        allow_none=True,
        metadata=about("The recorded name that agrees best; its `use` tells a former name."),
    )
    notes = ma.fields.List(
        ma.fields.Nested(SearchNoteSchema),
        required=True,
        metadata=about("What agrees and what differs, with both spellings; never a birth date."),
    )


class SummarySchema(Answer):
    """What a list shows of a person."""

    resource = "practitioner"

    id = ma.fields.String(
        required=True, metadata=about("For `GET /v1/practitioners/{id}`; says nothing by itself.")
    )
    name = ma.fields.String(required=True)
    names = ma.fields.List(ma.fields.Nested(NameSchema), required=True)
    birth_year = ma.fields.String(required=True, allow_none=True, metadata=about("To tell namesakes apart."))
    deceased = ma.fields.Boolean(required=True)
    licences = ma.fields.List(ma.fields.Nested(LicenceSummarySchema), required=True)
    match = ma.fields.Nested(
        SearchMatchSchema,
        required=True,
        allow_none=True,
        metadata=about(
            "null where neither a name nor a number was asked for, and past the first people, who alone are compared."
        ),
    )
    links = ma.fields.Nested(LinkSchema, required=True)


class FacetValueSchema(Answer):
    """A value to filter by, and how many people choosing it would give."""

    resource = PART

    code = ma.fields.String(required=True)
    name = ma.fields.Nested(Bilingual, required=True)
    count = ma.fields.Integer(required=True)


class _Facets(Answer):
    """The values of each filter, the commonest first. None while somebody who was counted may not be shown any more."""

    resource = "licence"


FacetsSchema = type(
    "FacetsSchema",
    (_Facets,),
    {
        "__doc__": _Facets.__doc__,
        **{
            one.name: ma.fields.List(
                ma.fields.Nested(FacetValueSchema), required=True, metadata={"policy": FILTERED[one.name]}
            )
            for one in FILTERS
        },
    },
)


class PageLinksSchema(LinkSchema):
    """Other pages of the answer."""

    first = ma.fields.String(required=True)
    last = ma.fields.String(required=True, metadata=about("The last page that can be had."))
    previous = ma.fields.String(required=True, allow_none=True)
    next = ma.fields.String(required=True, allow_none=True)


class IndexSchema(Answer):
    """How far the search index lags behind the database. It can make a person be missed, never a fact be wrong."""

    resource = PART

    up_to_date = ma.fields.Boolean(required=True)
    oldest_pending_at = Moment(
        required=True,
        allow_none=True,
        metadata=about(
            "When the oldest change that is not in the index yet was made (UTC).", format="date-time"
        ),
    )


class PieceSchema(Answer):
    """A piece of `q` and what it was understood as."""

    resource = PART

    kind = ma.fields.String(
        required=True, metadata=about("What it is.", enum=["number", "name", "birth-date", "profession"])
    )
    written = ma.fields.String(required=True, metadata=about("The piece as it was sent."))
    value = ma.fields.String(required=True, metadata=about("What is searched for."))
    text = ma.fields.Nested(Bilingual, required=True)


class UnderstoodSchema(Answer):
    """What `q` was understood as."""

    resource = PART

    name = ma.fields.String(required=True, allow_none=True)
    birth_date = partial_date("Birth date.")
    licence_number = ma.fields.String(required=True, allow_none=True)
    professions = ma.fields.List(ma.fields.String(), required=True, metadata=about("Codes."))
    pieces = ma.fields.List(ma.fields.Nested(PieceSchema), required=True)
    as_name = ma.fields.String(
        required=True,
        allow_none=True,
        metadata=about("The `q` that searches for all of it as a name; null where it already does."),
    )


class AdviceSchema(SearchNoteSchema):
    """Something to try."""

    q = ma.fields.String(required=True, allow_none=True, metadata=about("The `q` to try."))


class FeedFreshnessSchema(Answer):
    """How fresh a feed is."""

    resource = PART

    id = ma.fields.String(required=True)
    name = ma.fields.Nested(Bilingual, required=True)
    last_success_at = Moment(required=True, allow_none=True, metadata=about("UTC.", format="date-time"))
    fresh = ma.fields.Boolean(required=True, metadata=about("Younger than the feed's promise."))


class EmptySchema(Answer):
    """What was searched for in vain, in what, and what to try. Nobody found is no proof: see `silence` of the feeds."""

    resource = PART

    searched_terms = ma.fields.List(ma.fields.Nested(SearchNoteSchema), required=True)
    tips = ma.fields.List(
        ma.fields.Nested(AdviceSchema), required=True, metadata=about("The likeliest first.")
    )
    feeds = ma.fields.List(ma.fields.Nested(FeedFreshnessSchema), required=True)


class SearchAnswerSchema(Answer):
    """One page of people."""

    resource = "search"

    items = ma.fields.List(ma.fields.Nested(SummarySchema), required=True)
    total = ma.fields.Integer(required=True, metadata=about("People in the whole answer."))
    total_is_exact = ma.fields.Boolean(required=True, metadata=about("False if `total` is an estimate."))
    page = ma.fields.Integer(required=True)
    limit = ma.fields.Integer(required=True)
    facets = ma.fields.Nested(FacetsSchema, required=True)
    links = ma.fields.Nested(PageLinksSchema, required=True)
    index = ma.fields.Nested(IndexSchema, required=True)
    understood = ma.fields.Nested(
        UnderstoodSchema, required=True, allow_none=True, metadata=about("null without `q`.")
    )
    remarks = ma.fields.List(
        ma.fields.Nested(SearchNoteSchema),
        required=True,
        metadata=about("Where the answer is to another reading of `q` than `understood`: which, and why."),
    )
    did_you_mean = ma.fields.String(
        required=True,
        allow_none=True,
        metadata=about("Another spelling that several people bear, where nobody was found as asked."),
    )
    empty = ma.fields.Nested(
        EmptySchema, required=True, allow_none=True, metadata=about("null where somebody was found.")
    )


_NURSE = {"code": "registered-nurse", "name": {"sv": "Sjuksköterska", "en": "Registered nurse"}}
_ACTIVE = {"code": "active", "name": {"sv": "Gällande", "en": "Active"}}
_AUTHORITY = {
    "id": "socialstyrelsen",
    "name": {"sv": "Socialstyrelsen", "en": "The National Board of Health and Welfare"},
}
EXAMPLE = {
    "items": [
        {
            "id": "Zk3v9QhTb1aXw7RmPq5LdA",
            "name": "Anna Lindqvist",
            "names": [{"use": "official", "text": "Anna Lindqvist"}],
            "birthYear": "1980",
            "deceased": False,
            "licences": [
                {
                    "number": "123456",
                    "profession": _NURSE,
                    "rawProfession": {"code": "SJ", "text": ""},
                    "status": _ACTIVE,
                    "rawStatus": "",
                    "authority": _AUTHORITY,
                    "jurisdiction": "SE",
                    "validTo": None,
                    "restrictions": [],
                    "gone": False,
                    "matched": True,
                }
            ],
            "match": {
                "level": "possible",
                "score": 18.42,
                "name": {"use": "official", "text": "Anna Lindqvist"},
                "notes": [
                    {
                        "code": "family-sound",
                        "text": {
                            "sv": "Efternamn stavat annorlunda, låter lika: lindkvist/Lindqvist.",
                            "en": "Family name spelt differently, sounds alike: lindkvist/Lindqvist.",
                        },
                    }
                ],
            },
            "links": {"self": "/v1/practitioners/Zk3v9QhTb1aXw7RmPq5LdA"},
        }
    ],
    "total": 1,
    "totalIsExact": True,
    "page": 1,
    "limit": 20,
    "facets": {
        "profession": [{**_NURSE, "count": 1}],
        "status": [{**_ACTIVE, "count": 1}],
        "authority": [{"code": "socialstyrelsen", "name": _AUTHORITY["name"], "count": 1}],
        "specialty": [],
        "county": [{"code": "Uppsala län", "name": {"sv": "Uppsala län", "en": "Uppsala län"}, "count": 1}],
    },
    "links": {
        "self": "/v1/practitioners?q=ssk+anna+lindkvist&page=1",
        "first": "/v1/practitioners?q=ssk+anna+lindkvist&page=1",
        "last": "/v1/practitioners?q=ssk+anna+lindkvist&page=1",
        "previous": None,
        "next": None,
    },
    "index": {"upToDate": True, "oldestPendingAt": None},
    "understood": {
        "name": "anna lindkvist",
        "birthDate": None,
        "licenceNumber": None,
        "professions": ["registered-nurse"],
        "pieces": [
            {
                "kind": "profession",
                "written": "ssk",
                "value": "registered-nurse",
                "text": {"sv": "Yrke: Sjuksköterska.", "en": "Profession: Registered nurse."},
            },
            {
                "kind": "name",
                "written": "anna lindkvist",
                "value": "anna lindkvist",
                "text": {"sv": "Namn: anna lindkvist.", "en": "Name: anna lindkvist."},
            },
        ],
        "asName": '"ssk anna lindkvist"',
    },
    "remarks": [],
    "didYouMean": None,
    "empty": None,
}
