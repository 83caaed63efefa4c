"""`GET /v1/practitioners`: find people by name, licence number or birth date. The index finds, SQL tells."""

from typing import Any
from urllib.parse import urlencode

import marshmallow as ma
import orjson
from flask import Response, g, request

from registry.access.guard import current_caller
from registry.access.log import record_access
from registry.search.document import MAX_LABEL
from registry.search.filters import FILTERS, Filter
from registry.search.query import SORTS, SearchQuery
from registry.search.status import as_day
from registry.web import finding
from registry.web.api import search_answer, search_schemas
from registry.web.api.asking import check_query_purpose, loggable_question
from registry.web.api.fields import CamelCase, Count, Text, about
from registry.web.api.operation import ApiBlueprint, operation
from registry.web.api.parsing import raise_for_query
from registry.web.context import Context, context

blueprint = ApiBlueprint("search", "Find people.")
MAX_TEXT = 200
_MAX_CODE = 64
_PURPOSE = "lookup"


class SearchQuerySchema(CamelCase):
    """What may be asked. All conditions count; those about a licence must hold for one and the same licence."""

    q = Text(
        max_length=MAX_TEXT,
        metadata=about(
            "One box for a licence number, a name, a birth date, a profession (also `doctor`, `ssk`), or several of them; "
            "`understood` says what was read as what. What stands between quotes is a name. The other parameters count "
            "beside it. Never a personal identity number.",
            example="läkare anna lindqvist 1980",
        ),
    )
    name = Text(
        max_length=MAX_TEXT,
        metadata=about(
            "Name or names in any order, or `family, given`; the beginning of the last word will do, and small "
            "spelling mistakes are forgiven.",
            example="anna lindqvist",
        ),
    )
    given_name = Text(max_length=MAX_TEXT, metadata=about("Given name."))
    family_name = Text(max_length=MAX_TEXT, metadata=about("Family name."))
    licence_number = Text(
        max_length=MAX_TEXT,
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
        metadata=about(
            "Default: relevance where a name or number is given, else name. `issued`: the newest licence first."
        ),
    )
    page = Count(low=1, load_default=1, metadata=about("Page of the answer, from 1."))
    limit = Count(low=1, metadata=about("People a page.", default=20))
    purpose = Text(
        max_length=50, load_default=_PURPOSE, metadata=about("Why you ask; written to the access log.")
    )


def _filter_field(one: Filter) -> ma.fields.Field[Any]:
    return ma.fields.List(
        Text(max_length=MAX_LABEL if one.free else _MAX_CODE, choices=one.values),
        metadata=about(
            f"{one.label_en}: a {'word' if one.free else 'code'} as the facets list them. Several may be given; any of "
            "them will do."
        ),
    )


QUERY: ma.Schema = type(
    "SearchQuerySchema", (SearchQuerySchema,), {one.name: _filter_field(one) for one in FILTERS}
)()


# What each condition tells of whoever is found, or is not.
_TELLS: dict[str, tuple[str, ...]] = {
    "q": ("licence.number", "identifier.value", "practitioner.birthDate", "licence.profession"),
    "licence_number": ("licence.number", "identifier.value"),
    "birth_date": ("practitioner.birthDate",),
    "sort": ("licence.issued",),
    **{name: (told,) for name, told in search_schemas.FILTERED.items()},
}


@operation(
    blueprint,
    "/practitioners",
    operation_id="searchPractitioners",
    scope="registry:search",
    query=QUERY,
    answer=search_schemas.SearchAnswerSchema(),
    example=search_schemas.EXAMPLE,
    problems=("search-unavailable", "access-log-unavailable", "purpose-not-allowed"),
    # People are found by name, and stand in the order of their names where nothing else is asked for.
    needs=("practitioner.id", "practitioner.name", "search.items"),
    asks=_TELLS,
)
def search(asked: dict[str, Any]) -> Response:
    """Find people by name, licence number or birth date.

    The answer tells enough to choose the right person, with the birth year to tell namesakes apart, and `match` says how
    well each of the first people agrees with what was asked, and why. People with a protected identity are never listed.
    Whether a person may practise is answered by `POST /v1/verifications`.
    """
    ours = context()
    purpose = asked.pop("purpose")
    check_query_purpose(purpose, ours.settings.access, QUERY)
    _check_professions(asked.get("profession", []), ours)
    box, query = _query(asked)
    found = finding.find(ours, query, box=box)
    record_access(
        ours.access,
        ours.settings.access,
        current_caller(),
        purpose=purpose,
        action="search",
        question=loggable_question(asked),
        answer=str(found.total),
        practitioner_ids=[one.person.id for one in found.people],
        request_id=g.request_id,
    )
    values = search_answer.answer(found, ours.vocabulary, as_day(ours.today()), ours.now())
    values["links"] = _links(found, ours)
    # Written as the schema says (tests hold it against that): the schema's own way costs more than finding people.
    return Response(orjson.dumps(values), mimetype="application/json")


def _check_professions(codes: list[str], ours: Context) -> None:
    if any(code not in ours.vocabulary.professions for code in codes):
        raise_for_query(
            {"profession": ["There is no such profession; use a code as the facets list them."]}, QUERY
        )


def _query(asked: dict[str, Any]) -> tuple[str, SearchQuery]:
    given = dict(asked)
    filters: dict[str, Any] = {one.name: tuple(given.pop(one.name, ())) for one in FILTERS}
    return given.pop("q", ""), SearchQuery(text=given.pop("name", ""), **given, **filters)


def _links(found: finding.Found, ours: Context) -> dict[str, str | None]:
    page = found.page
    last = max(1, -(-min(found.total, ours.settings.search.max_window) // found.limit))
    asked = [(name, value) for name, value in request.args.items(multi=True) if name != "page"]
    start = f"{request.path}?{urlencode(asked)}{'&' if asked else ''}page="
    return {
        "self": f"{start}{page}",
        "first": f"{start}1",
        "last": f"{start}{last}",
        "previous": f"{start}{min(page - 1, last)}" if page > 1 else None,
        "next": f"{start}{page + 1}" if page < last else None,
    }
