"""Schemas of a search answer."""

import marshmallow as ma

from registry.web.api.fields import Answer, Bilingual, Moment, about
from registry.web.api.schemas import (
    AuthoritySchema,
    LinkSchema,
    NameSchema,
    RawProfessionSchema,
    WordSchema,
    partial_date,
)


class LicenceSummarySchema(Answer):
    """What a list shows of a licence."""

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


class SummarySchema(Answer):
    """What a list shows of a person."""

    id = ma.fields.String(
        required=True, metadata=about("For `GET /v1/practitioners/{id}`; says nothing by itself.")
    )
    name = ma.fields.String(required=True)
    names = ma.fields.List(ma.fields.Nested(NameSchema), required=True)
    birth_year = ma.fields.String(required=True, allow_none=True, metadata=about("To tell namesakes apart."))
    deceased = ma.fields.Boolean(required=True)
    licences = ma.fields.List(ma.fields.Nested(LicenceSummarySchema), required=True)
    links = ma.fields.Nested(LinkSchema, required=True)


class FacetValueSchema(Answer):
    """A value to filter by, and how many people choosing it would give."""

    code = ma.fields.String(required=True)
    name = ma.fields.Nested(Bilingual, required=True)
    count = ma.fields.Integer(required=True)


class FacetsSchema(Answer):
    """The values of each filter, the commonest first."""

    profession = ma.fields.List(ma.fields.Nested(FacetValueSchema), required=True)
    status = ma.fields.List(ma.fields.Nested(FacetValueSchema), required=True)
    authority = ma.fields.List(ma.fields.Nested(FacetValueSchema), required=True)


class PageLinksSchema(LinkSchema):
    """Other pages of the answer."""

    first = ma.fields.String(required=True)
    last = ma.fields.String(required=True, metadata=about("The last page that can be had."))
    previous = ma.fields.String(required=True, allow_none=True)
    next = ma.fields.String(required=True, allow_none=True)


class IndexSchema(Answer):
    """How far the search index lags behind the database. It can make a person be missed, never a fact be wrong."""

    up_to_date = ma.fields.Boolean(required=True)
    oldest_pending_at = Moment(
        required=True,
        allow_none=True,
        metadata=about(
            "When the oldest change that is not in the index yet was made (UTC).", format="date-time"
        ),
    )


class SearchAnswerSchema(Answer):
    """One page of people."""

    items = ma.fields.List(ma.fields.Nested(SummarySchema), required=True)
    total = ma.fields.Integer(required=True, metadata=about("People in the whole answer."))
    total_is_exact = ma.fields.Boolean(required=True, metadata=about("False if `total` is an estimate."))
    page = ma.fields.Integer(required=True)
    limit = ma.fields.Integer(required=True)
    facets = ma.fields.Nested(FacetsSchema, required=True)
    links = ma.fields.Nested(PageLinksSchema, required=True)
    index = ma.fields.Nested(IndexSchema, required=True)


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
    },
    "links": {
        "self": "/v1/practitioners?name=anna+lindqvist&page=1",
        "first": "/v1/practitioners?name=anna+lindqvist&page=1",
        "last": "/v1/practitioners?name=anna+lindqvist&page=1",
        "previous": None,
        "next": None,
    },
    "index": {"upToDate": True, "oldestPendingAt": None},
}
