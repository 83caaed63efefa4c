"""`/problems/{slug}`: what each problem type means, in both languages, for programs and for people."""

from flask import Blueprint, Response, current_app, render_template_string, request

from registry.access.guard import public
from registry.errors import NotFoundError
from registry.web.api.present import Values
from registry.web.context import context
from registry.web.problem_types import PROBLEM_TYPES, ProblemType
from registry.web.problems import type_uri

blueprint = Blueprint("problems", __name__)
public(blueprint, why="it documents kinds of errors and holds nothing about any person")

_CACHE = {"Cache-Control": "public, max-age=3600", "Vary": "Accept"}
_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ kind.slug }}: {{ kind.title }}</title>
<main><h1>{{ kind.title }}</h1>
<p>Problem type <code>{{ kind.slug }}</code>, HTTP status {{ kind.status }}</p>
<p>{{ kind.meaning_en }}</p><p>{{ kind.remedy_en }}</p>
<section lang="sv"><h2>På svenska</h2><p>{{ kind.meaning_sv }}</p><p>{{ kind.remedy_sv }}</p></section></main></html>
"""


@blueprint.get("/problems/")
def list_problems() -> Response:
    """List every problem type."""
    return _json({"items": [_values(kind) for kind in PROBLEM_TYPES.values()]})


@blueprint.get("/problems/<slug>")
def show_problem(slug: str) -> Response:
    """Tell what one problem type means: JSON, or HTML for a browser."""
    kind = PROBLEM_TYPES.get(slug)
    if kind is None:
        raise NotFoundError("There is no such problem type; GET /problems/ lists them all.")
    if request.accept_mimetypes.best_match(["application/json", "text/html"]) == "text/html":
        return Response(
            render_template_string(_PAGE, kind=kind), content_type="text/html; charset=utf-8", headers=_CACHE
        )
    return _json(_values(kind))


def _json(values: Values) -> Response:
    return Response(current_app.json.dumps(values), content_type="application/json", headers=_CACHE)


def _values(kind: ProblemType) -> Values:
    return {
        "type": type_uri(context().settings, kind.slug),
        "status": kind.status,
        "title": kind.title,
        "meaning": {"sv": kind.meaning_sv, "en": kind.meaning_en},
        "remedy": {"sv": kind.remedy_sv, "en": kind.remedy_en},
    }
