"""One operation of the API, said once: its route, who may call it, what it takes and answers, and its documentation.

From the same words come the route, the check of scopes, the parsing of the request and the OpenAPI document, so that
none of them can say something else than the others.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from itertools import chain
from typing import Any, ParamSpec, TypeVar

import flask_smorest  # type: ignore[import-untyped]
import marshmallow as ma
from flask import Response, g, make_response

from registry.access.guard import any_caller, public, requires_scope, requires_token
from registry.access.policy import Shape
from registry.web.api.parsing import StrictParser
from registry.web.api.shown import audience, narrowed, shape_of

P = ParamSpec("P")
R = TypeVar("R")
# Where an operation keeps the slugs of its problems until the document is made.
PROBLEMS_KEY = "x-problems"
_ALWAYS = (
    "bad-request",
    "invalid-query",
    "personal-number-in-url",
    "uri-too-long",
    "headers-too-large",
    "internal",
)
_TOKEN = (
    "unauthorized",
    "invalid-token",
    "insufficient-scope",
    "too-many-requests",
    "identity-provider-unavailable",
)
_DATA = ("database-unavailable",)
_BODY = ("invalid-json", "body-too-large", "unsupported-media-type", "invalid-body")
_NO_QUERY = ma.Schema()
# What answers there are: the policy must know every field of them.
SHAPES: list[Shape] = []


@dataclass(frozen=True, slots=True)
class File:
    """An answer that is no JSON: what it holds, and the beginning of one."""

    description: str
    example: str


class ApiBlueprint(flask_smorest.Blueprint):  # type: ignore[misc]
    """A blueprint under `/v1` whose requests are parsed strictly.

    Args:
        name: also the tag of its operations.
        description: of the tag.
        open_because: why everyone may call it; "" = callers need an access token.
    """

    ARGUMENTS_PARSER = StrictParser()

    def __init__(self, name: str, description: str, *, open_because: str = "") -> None:
        super().__init__(name, __name__, url_prefix="/v1", description=description)
        self.needs_token = not open_because
        if open_because:
            public(self, why=open_because)
        else:
            requires_token(self)


def operation(
    blueprint: ApiBlueprint,
    rule: str,
    *,
    operation_id: str,
    answer: ma.Schema | None = None,
    example: Any = None,  # noqa: ANN401 - any JSON
    files: Mapping[str, File] | None = None,
    method: str = "GET",
    scope: str | None = None,
    query: ma.Schema | None = None,
    body: ma.Schema | None = None,
    body_examples: Mapping[str, Any] | None = None,
    bodies: Mapping[str, Any] | None = None,
    status: int = 200,
    answer_headers: Mapping[str, str] | None = None,
    problems: tuple[str, ...] = (),
    needs: tuple[str, ...] = (),
    asks: Mapping[str, tuple[str, ...]] | None = None,
    parameters: tuple[Mapping[str, Any], ...] = (),
    headers: tuple[Mapping[str, Any], ...] = (),
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a view an operation of the API. Its docstring's first line is the summary, the rest the description.

    Args:
        blueprint: where it belongs.
        rule: the route below `/v1`.
        operation_id: stable name for generated clients.
        answer: schema of the answer with status 200; the view returns what it dumps.
        example: a whole answer.
        files: instead of these, what the view answers as a file, by media type.
        method: HTTP method.
        scope: the scope a caller needs; None = any caller whom the blueprint admits.
        query: schema of the query string; what it loads is the view's first argument.
        body: schema of the JSON body; likewise.
        body_examples: whole bodies by name, each `{"summary": ..., "value": ...}`.
        bodies: instead of `body`, what the view reads by itself, by media type: `{"schema": ..., "example": ...}`.
        status: of the answer when all is well; 204 has no body.
        answer_headers: headers of that answer beside those of every answer, with what they tell.
        problems: slugs of the problems that this operation has beyond those of every operation like it.
        needs: fields of the policy that a caller must be shown to call it at all.
        asks: fields of the policy that a caller must be shown to use a parameter of the query, by its name in what `query` loads.
        parameters: path parameters as OpenAPI describes them.
        headers: headers of the request, likewise.
    """
    slugs = {*_ALWAYS, *problems}
    slugs.update((*_TOKEN, *_DATA) if blueprint.needs_token else ())
    slugs.update(("not-shown",) if needs or asks else ())
    slugs.update(_BODY if body or bodies else ())
    documented: dict[str, Any] = {
        "operationId": operation_id,
        "security": [{"accessToken": [scope] if scope else []}] if blueprint.needs_token else [],
        PROBLEMS_KEY: sorted(slugs),
    }

    documented |= {"parameters": [dict(one) for one in headers]} if headers else {}
    if bodies:
        documented["requestBody"] = {"required": True, "content": dict(bodies)}
    told = {
        name: {"schema": {"type": "string"}, "description": text}
        for name, text in (answer_headers or {}).items()
    }

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        made: Callable[..., Any] = view
        if blueprint.needs_token:
            made = _within(view, needs, asks or {})
            made = requires_scope(scope)(made) if scope else any_caller(made)
        if answer is not None:
            made = blueprint.response(status, answer, example=example, headers=told or None)(made)
            made = _narrowed(made, shape_of(answer))
        elif not files:
            made = blueprint.response(status)(made)
        for media_type, file in (files or {}).items():
            schema = {"type": "string", "description": file.description}
            made = blueprint.response(200, schema, content_type=media_type, example=file.example)(made)
        if query:
            made = blueprint.arguments(query, location="query", error_status_code=400)(made)
        else:
            # Whoever sends a parameter expects it to count, so one that doesn't is refused here too.
            strict = {"location": "query", "error_status_code": 400, "as_kwargs": True}
            made = blueprint.arguments(_NO_QUERY, **strict)(made)
        if body:
            made = blueprint.arguments(body, location="json", examples=body_examples)(made)
        made = blueprint.doc(**documented)(made)
        blueprint.add_url_rule(
            rule, view_func=made, methods=[method], parameters=[dict(p) for p in parameters]
        )
        return view

    return decorate


def _within(
    view: Callable[..., R], needs: tuple[str, ...], asks: Mapping[str, tuple[str, ...]]
) -> Callable[..., R]:
    """Call a view only with what its caller may ask about, and remember the purpose for what they may see."""

    @wraps(view)
    def within(*args: Any, **kwargs: Any) -> R:  # noqa: ANN401 - passed on
        loaded: list[dict[str, Any]] = [each for each in args if isinstance(each, dict)]
        # As the view finds it; a purpose that nobody knows is the view's to refuse, and shows the least until then.
        g.registry_purpose = next((each["purpose"] for each in loaded if each.get("purpose")), None)
        if needs or asks:
            used = (asks.get(name, ()) for each in loaded for name in each)
            audience().require(*needs, *chain.from_iterable(used))
        return view(*args, **kwargs)

    return within


def _narrowed(view: Callable[..., Any], shape: Shape) -> Callable[..., Any]:
    """Leave in the answer what its caller may see, whoever wrote it: the schema, or the view itself."""
    SHAPES.append(shape)

    @wraps(view)
    def shown(*args: Any, **kwargs: Any) -> Response:  # noqa: ANN401 - passed on
        return narrowed(make_response(view(*args, **kwargs)), shape)

    return shown
