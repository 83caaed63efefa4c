"""`GET /v1/suggestions`: what might be meant, while it is typed."""

from typing import Any

import marshmallow as ma
import orjson
from flask import Response

from registry.web import suggestions
from registry.web.api import search
from registry.web.api.fields import ABOUT_NOBODY, Answer, CamelCase, Text, about
from registry.web.api.operation import operation
from registry.web.context import context

# Names that several people bear don't come and go; the answer is the caller's own all the same.
_CACHED = "private, max-age=60"


class SuggestQuerySchema(CamelCase):
    """What has been typed so far."""

    q = Text(
        required=True,
        max_length=search.MAX_TEXT,
        metadata=about(
            "The text of the box so far; its end is completed. Never a personal identity number.",
            example="anna lindq",
        ),
    )


class SuggestionSchema(Answer):
    """A text that might be meant."""

    resource = "suggestion"

    text = ma.fields.String(required=True, metadata=about("The whole text, for `q` of the search."))
    kind = ma.fields.String(
        required=True, metadata=about("What its end is.", enum=["given", "family", "profession"])
    )


class SuggestionsSchema(Answer):
    """Suggestions, the likeliest first."""

    resource = ABOUT_NOBODY

    items = ma.fields.List(ma.fields.Nested(SuggestionSchema), required=True)


@operation(
    search.blueprint,
    "/suggestions",
    operation_id="suggest",
    scope="registry:search",
    query=SuggestQuerySchema(),
    answer=SuggestionsSchema(),
    example={"items": [{"text": "Anna Lindqvist", "kind": "family"}]},
    problems=("search-unavailable",),
    needs=("practitioner.name", "suggestion.text"),
)
def suggest(asked: dict[str, Any]) -> Response:
    """Suggest what might be meant, while it is typed.

    Only names that several people bear together, and words for professions: a suggestion never tells whether a certain
    person is in the registry, and so leaves no line in the access log. May be kept for a minute, by the caller only.
    """
    found = suggestions.suggest(context(), asked["q"])
    values = {"items": [{"text": one.text, "kind": one.kind} for one in found]}
    response = Response(orjson.dumps(values), mimetype="application/json")
    response.headers["Cache-Control"] = _CACHED
    response.vary.add("Authorization")
    return response
