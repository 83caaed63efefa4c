"""The OpenAPI 3.1 document: made once from the operations, with every refusal an operation can give."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from itertools import groupby
from typing import Any

import orjson
from flask import Blueprint, Flask, Response, current_app

from registry.access.guard import public
from registry.access.purposes import stateable
from registry.settings import Settings
from registry.web.api.info import API_VERSION
from registry.web.api.operation import PROBLEMS_KEY
from registry.web.context import Context
from registry.web.problem_types import PROBLEM_TYPES, ProblemType
from registry.web.problems import MEDIA_TYPE, problem_body

OPENAPI_VERSION = "3.1.0"
TITLE = "Registry of licensed welfare staff"
_DOCUMENT = "registry-openapi"
_CACHE = "public, max-age=3600"

DESCRIPTION = """\
May this person practise as X, today or on a given date, and how do you know?

The registry answers from records that licensing authorities own. `POST /v1/verifications` gives a verdict with reasons
and the facts it rests on; `GET /v1/practitioners` finds people by name or licence number.

**Never send a personal identity number in a URL.** It goes in the body of `POST /v1/verifications`; a URL that holds
one is refused.

**Not found is not a no.** It means what `silence` of each feed says. A person with a protected identity is answered
exactly like one who is not in the registry.

Every answer about a person is written to an access log, with who asked and for what purpose, before it is given.

What a caller sees of an answer is decided by their role and the purpose they state: members that they may not see are left
out, also where a schema says that they are required, and what is not shown whole can't be searched, filtered or sorted by (403
`not-shown`).

Errors are RFC 9457 problem details (`application/problem+json`); match on the last segment of `type`, which never
changes its meaning. Answers with 503 carry `Retry-After` in seconds. `traceparent` (W3C Trace Context) is accepted
and returned; `X-Request-Id` names the request in the registry's logs.

Limits: a body may hold {max_body_bytes} bytes; a page {max_limit} people; paging reaches {max_window} people deep, so
narrow a search rather than page through it. Unknown parameters and fields are refused.

## Sammanfattning på svenska
Tjänsten svarar på om en person får utöva ett legitimationsyrke, i dag eller en viss dag, och varför. Uppgifterna kommer
från de myndigheter som utfärdar legitimationer. Personnummer får bara skickas i anropets innehåll (`POST
/v1/verifications`), aldrig i en webbadress. Att en person inte hittas betyder inte nej: vad tystnad betyder står för
varje källa. Varje svar om en person loggas innan det lämnas ut. Fel beskrivs enligt RFC 9457.
"""

PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "Problem details (RFC 9457).",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {
            "type": "string",
            "format": "uri",
            "description": "Which kind of problem; also where it is documented.",
        },
        "title": {"type": "string", "description": "The kind of problem in words, the same every time."},
        "status": {"type": "integer", "description": "The HTTP status code."},
        "detail": {"type": "string", "description": "What is wrong this time and what to do."},
        "instance": {"type": "string", "description": "Path of the request."},
        "errors": {
            "type": "array",
            "description": "Each wrong field (`pointer`, RFC 6901) or query parameter (`parameter`).",
            "items": {
                "type": "object",
                "required": ["detail"],
                "properties": {
                    "pointer": {"type": "string"},
                    "parameter": {"type": "string"},
                    "detail": {"type": "string"},
                },
                "additionalProperties": False,
            },
        },
        "scope": {"type": "string", "description": "The scopes that the request needs, separated by spaces."},
        "maxBytes": {"type": "integer", "description": "Largest body in bytes."},
        "quota": {"type": "string", "description": "The quota that is used up."},
        "rate": {"type": "string", "description": "The rate of requests that was passed."},
        "limit": {"type": "integer", "description": "What the quota or rate allows in its window."},
        "remaining": {"type": "integer", "description": "What is left of the quota."},
        "retryAfter": {"type": "integer", "description": "Seconds to wait, as the header Retry-After."},
    },
    "additionalProperties": False,
}

blueprint = Blueprint("openapi", __name__)
public(blueprint, why="it documents the API and holds nothing about any person")


@blueprint.get("/v1/openapi.json")
def document() -> Response:
    """Answer with the OpenAPI document."""
    data: bytes = current_app.extensions[_DOCUMENT]
    return Response(data, content_type="application/json", headers={"Cache-Control": _CACHE})


def spec_options(settings: Settings) -> dict[str, Any]:
    """Return what the document holds beside its operations."""
    issuer = settings.tokens.issuer or "the issuer that the operator names"
    return {
        "info": {
            "description": DESCRIPTION.format(
                max_body_bytes=settings.web.max_body_bytes,
                max_limit=settings.search.max_limit,
                max_window=settings.search.max_window,
            ),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": settings.service.base_url.rstrip("/")}],
        "components": {
            "securitySchemes": {
                "accessToken": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": (
                        f"Access token (RFC 9068) from {issuer}, with `aud` {settings.tokens.audience}. "
                        "Each operation names the scope it needs."
                    ),
                }
            },
            "schemas": {"Problem": PROBLEM_SCHEMA},
        },
    }


def finish(app: Flask, spec: Mapping[str, Any], ours: Context) -> None:
    """Complete the document that flask-smorest made, and keep it for answering.

    Purposes, limits and professions are the operator's, and refusals are the same words wherever they occur, so both are filled in here.
    """
    settings = ours.settings
    document = dict(spec)
    for operations in document["paths"].values():
        for name, operation in operations.items():
            if name != "parameters":
                slugs = operation.pop(PROBLEMS_KEY)
                _document_refusals(operation["responses"], [PROBLEM_TYPES[slug] for slug in slugs], settings)
    _fill_in(document, _decided(ours))
    # flask-smorest's own error shape and pagination, which are not ours.
    document["components"].pop("responses", None)
    for unused in ("Error", "PaginationMetadata"):
        document["components"]["schemas"].pop(unused, None)
    app.extensions[_DOCUMENT] = orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS)


def _document_refusals(responses: dict[str, Any], kinds: Iterable[ProblemType], settings: Settings) -> None:
    by_status = sorted(kinds, key=lambda kind: (kind.status, kind.slug))
    for status, group in groupby(by_status, key=lambda kind: kind.status):
        several = list(group)
        headers = {
            "X-Request-Id": {"schema": {"type": "string"}, "description": "Names the request in logs."}
        }
        if status in _WAIT or any(kind.slug in _WAIT_FOR for kind in several):
            headers["Retry-After"] = {"schema": {"type": "integer"}, "description": "Seconds to wait."}
        if status == HTTPStatus.UNAUTHORIZED:
            headers["WWW-Authenticate"] = {"schema": {"type": "string"}, "description": "RFC 6750."}
        responses[str(status)] = {
            "description": " ".join(f"`{kind.slug}`: {kind.meaning_en}" for kind in several),
            "headers": headers,
            "content": {
                MEDIA_TYPE: {
                    "schema": {"$ref": "#/components/schemas/Problem"},
                    "examples": {kind.slug: {"value": _example(kind, settings)} for kind in several},
                }
            },
        }


# Statuses and problems that say how long to wait.
_WAIT = frozenset({HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS})
_WAIT_FOR = frozenset({"idempotency-key-in-use"})
_EXTRA: dict[str, dict[str, Any]] = {
    "invalid-query": {"errors": [{"parameter": "limit", "detail": "Write a whole number."}]},
    "invalid-body": {"errors": [{"pointer": "/purpose", "detail": "Missing data for required field."}]},
    "insufficient-scope": {"scope": "registry:verify"},
    "body-too-large": {"maxBytes": 65536},
    "quota-exceeded": {"quota": "checks-per-minute", "limit": 300, "remaining": 0, "retryAfter": 17},
    "too-many-requests": {"rate": "requests-per-minute", "limit": 3000, "retryAfter": 17},
}


def _example(kind: ProblemType, settings: Settings) -> dict[str, Any]:
    return problem_body(
        settings, kind, detail="", instance="/v1/practitioners", extra=_EXTRA.get(kind.slug, {})
    )


def _decided(ours: Context) -> dict[str, dict[str, Any]]:
    """Return what the operator decides about parameters and fields, by their names."""
    search = ours.settings.search
    return {
        "purpose": {"enum": list(stateable(ours.settings.access))},
        "profession": {"items": {"type": "string", "enum": sorted(ours.vocabulary.professions)}},
        "limit": {"default": search.default_limit, "maximum": search.max_limit},
        "name": {"maxLength": search.max_query_length},
    }


def _fill_in(document: Mapping[str, Any], decided: Mapping[str, Mapping[str, Any]]) -> None:
    for operations in document["paths"].values():
        for operation in operations.values():
            for parameter in operation.get("parameters", []) if isinstance(operation, dict) else []:
                more = decided.get(parameter["name"], {})
                # One profession or several: what may stand in a list is said of lists.
                if "items" not in more or parameter["schema"].get("type") == "array":
                    parameter["schema"].update(more)
    for name in ("Question", "BatchQuestion"):
        document["components"]["schemas"][name]["properties"]["purpose"].update(decided["purpose"])


__all__ = ["API_VERSION", "OPENAPI_VERSION", "TITLE", "blueprint", "finish", "spec_options"]
