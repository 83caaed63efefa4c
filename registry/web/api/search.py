"""`GET /v1/practitioners`: find people by name, licence number or birth date. The index finds, SQL tells."""

from typing import Any
from urllib.parse import urlencode

import marshmallow as ma
import sqlalchemy as sa
from flask import g, request

from registry.access.guard import current_caller
from registry.access.log import record_access
from registry.records.index_state import oldest_pending_at
from registry.records.read import Feed, Practitioner, practitioners
from registry.records.read import feeds as read_feeds
from registry.search.by_number import search_by_number
from registry.search.filters import FILTERS, Filter
from registry.search.port import SearchPage
from registry.search.query import SORTS, SearchQuery
from registry.search.status import as_day
from registry.web.api import present, search_schemas
from registry.web.api.asking import check_query_purpose, loggable_question
from registry.web.api.fields import CamelCase, Count, Text, about
from registry.web.api.operation import ApiBlueprint, operation
from registry.web.api.parsing import raise_for_query
from registry.web.context import Context, context

blueprint = ApiBlueprint("search", "Find people.")
_MAX_TEXT = 200
_PURPOSE = "lookup"


class SearchQuerySchema(CamelCase):
    """What may be asked. All conditions count; those about a licence must hold for one and the same licence."""

    name = Text(
        max_length=_MAX_TEXT,
        metadata=about(
            "Name or names in any order, or `family, given`; the beginning of the last word will do, and small "
            "spelling mistakes are forgiven.",
            example="anna lindqvist",
        ),
    )
    given_name = Text(max_length=_MAX_TEXT, metadata=about("Given name."))
    family_name = Text(max_length=_MAX_TEXT, metadata=about("Family name."))
    licence_number = Text(
        max_length=_MAX_TEXT,
        metadata=about(
            "Licence number or another public number (NPI, HSA-id), whole. Answered from the database, also while "
            "search by name is unavailable.",
            example="RN60123456",
        ),
    )
    birth_date = Text(
        max_length=10,
        metadata=about("`YYYY`, `YYYY-MM` or `YYYY-MM-DD`.", example="1980-05"),
    )
    sort = ma.fields.String(
        validate=ma.validate.OneOf(SORTS),
        metadata=about("Default: relevance where a name or number is given, else name."),
    )
    page = Count(low=1, load_default=1, metadata=about("Page of the answer, from 1."))
    limit = Count(low=1, metadata=about("People a page.", default=20))
    purpose = Text(
        max_length=50, load_default=_PURPOSE, metadata=about("Why you ask; written to the access log.")
    )


def _filter_field(one: Filter) -> ma.fields.Field[Any]:
    return ma.fields.List(
        Text(max_length=64, choices=one.values),
        metadata=about(
            f"{one.label_en}: a code as the facets list them. Several may be given; any of them will do."
        ),
    )


QUERY: ma.Schema = type(
    "SearchQuerySchema", (SearchQuerySchema,), {one.name: _filter_field(one) for one in FILTERS}
)()


@operation(
    blueprint,
    "/practitioners",
    operation_id="searchPractitioners",
    scope="registry:search",
    query=QUERY,
    answer=search_schemas.SearchAnswerSchema(),
    example=search_schemas.EXAMPLE,
    problems=("search-unavailable", "access-log-unavailable"),
)
def search(asked: dict[str, Any]) -> present.Values:
    """Find people by name, licence number or birth date.

    The answer tells enough to choose the right person, with the birth year to tell namesakes apart. People with a
    protected identity are never listed. Whether a person may practise is answered by `POST /v1/verifications`.
    """
    ours = context()
    purpose = asked.pop("purpose")
    check_query_purpose(purpose, ours.settings.access, QUERY)
    _check_professions(asked.get("profession", []), ours)
    query = _query(asked)
    with ours.truth.connect() as connection:
        found = _find(connection, query, ours)
        people = practitioners(connection, [hit.practitioner_id for hit in found.hits])
        feeds = read_feeds(connection)
        pending = oldest_pending_at(connection)
    answer = _answer(found, people, feeds, ours)
    record_access(
        ours.access,
        ours.settings.access,
        current_caller(),
        purpose=purpose,
        action="search",
        question=loggable_question(asked),
        answer=str(answer["total"]),
        practitioner_ids=[person.id for person in people.values() if person.listed],
        request_id=g.request_id,
    )
    return {**answer, "index": {"oldest_pending_at": pending, "up_to_date": pending is None}}


def _check_professions(codes: list[str], ours: Context) -> None:
    if any(code not in ours.vocabulary.professions for code in codes):
        raise_for_query(
            {"profession": ["There is no such profession; use a code as the facets list them."]}, QUERY
        )


def _query(asked: dict[str, Any]) -> SearchQuery:
    given = dict(asked)
    filters: dict[str, Any] = {one.name: tuple(given.pop(one.name, ())) for one in FILTERS}
    return SearchQuery(text=given.pop("name", ""), **given, **filters)


def _find(connection: sa.Connection, query: SearchQuery, ours: Context) -> SearchPage:
    if query.licence_number:
        return search_by_number(connection, query, ours.settings.search, ours.today())
    return ours.search.search(query, ours.today())


def _answer(
    found: SearchPage, people: dict[int, Practitioner], feeds: dict[str, Feed], ours: Context
) -> present.Values:
    """Put the facts of SQL in the order of the index.

    Who is protected, merged or gone since the index was written is neither shown nor counted, or the count would tell of them.
    """
    day = as_day(ours.today())
    shown = [
        present.summary(people[hit.practitioner_id], feeds, ours.vocabulary, hit.document, day)
        for hit in found.hits
        if hit.practitioner_id in people and people[hit.practitioner_id].listed
    ]
    missing = len(found.hits) - len(shown)
    total = found.total - missing
    return {
        "items": shown,
        "total": total,
        "total_is_exact": found.total_is_exact,
        "page": found.page,
        "limit": found.limit,
        "facets": {one.name: [] if missing else _facet(one, found, feeds, ours) for one in FILTERS},
        "links": _links(found.page, found.limit, total, ours),
    }


def _facet(one: Filter, found: SearchPage, feeds: dict[str, Feed], ours: Context) -> list[present.Values]:
    return [
        {**present.label(one.name, each.value, feeds, ours.vocabulary), "count": each.count}
        for each in found.facets.get(one.name, ())
    ]


def _links(page: int, limit: int, total: int, ours: Context) -> present.Values:
    last = max(1, -(-min(total, ours.settings.search.max_window) // limit))
    return {
        "self": _address(page),
        "first": _address(1),
        "last": _address(last),
        "previous": _address(min(page - 1, last)) if page > 1 else None,
        "next": _address(page + 1) if page < last else None,
    }


def _address(page: int) -> str:
    asked = [(name, value) for name, value in request.args.items(multi=True) if name != "page"]
    return f"{request.path}?{urlencode([*asked, ('page', str(page))])}"
