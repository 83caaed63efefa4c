"""Search: one box for names, numbers, birth dates and professions, its answer with filters, orders and pages.

The form is sent with POST and answered with a redirect to the address of the search, so that what was typed is looked at
before it can become part of an address: a number that may be a personal identity number is checked at once instead.
"""

from dataclasses import replace
from typing import Any

from flask import Response, jsonify, make_response, redirect, request

from registry.access.challenges import InsufficientScopeError
from registry.access.guard import current_caller, requires_scope
from registry.access.log import loggable
from registry.errors import BadRequestError
from registry.identifiers import fold_number, holds_personal_number, parse_personal_number
from registry.records.read import Practitioner, practitioners
from registry.search.filters import FILTERS
from registry.search.query import SearchQuery
from registry.web.context import context
from registry.web.finding import Found, find
from registry.web.pages.blueprints import pages
from registry.web.pages.check import answer
from registry.web.pages.check_form import FormError, Question
from registry.web.pages.common import Today, known_feeds, log_access, purpose_options, purposes, viewer
from registry.web.pages.render import page
from registry.web.pages.search_answer import Writer, search_url
from registry.web.pages.search_form import SearchTyped, read_search
from registry.web.suggestions import suggest

_UNUSABLE = 422
_SCRIPTS = ("suggest.js",)


@pages.post("/search")
@requires_scope("registry:search")
def send_search() -> Response:
    """Take the form: names go on to the address of the search, numbers of people are answered here."""
    typed = read_search(request.form)
    if errors := _errors(typed):
        return _form(_without_numbers(typed), errors)
    if holds_personal_number(typed.q):
        return _check_number(typed)
    return make_response(redirect(search_url(typed), 303))


@pages.get("/search")
@requires_scope("registry:search")
def search() -> Response:
    """Show the form, and the answer when there is a question in the address."""
    typed = read_search(request.args)
    if not typed.q and not typed.filters:
        return _form(typed, (), status=200)
    if errors := _errors(typed):
        return _form(typed, errors)
    try:
        found = find(context(), _query(typed), box=typed.q)
    except BadRequestError:
        # Its detail is English for programmers.
        return _form(typed, (FormError("q", "wrong.query"),))
    return _show(typed, found)


@pages.get("/search/suggestions")
@requires_scope("registry:search")
def suggestions() -> Response:
    """Complete what is being typed, for the page's script: names that several people share, words for professions."""
    return jsonify([each.text for each in suggest(context(), request.args.get("q", ""))])


def _errors(typed: SearchTyped) -> tuple[FormError, ...]:
    errors = []
    if not typed.q and not typed.filters:
        errors.append(FormError("q", "wrong.query-missing"))
    elif typed.q and not any(map(str.isalnum, typed.q)):
        errors.append(FormError("q", "wrong.query"))
    if typed.purpose not in purposes():
        errors.append(FormError("search-purpose", "wrong.purpose"))
    return tuple(errors)


def _form(typed: SearchTyped, errors: tuple[FormError, ...], status: int = _UNUSABLE) -> Response:
    return page(
        "search.html", status=status, scripts=_SCRIPTS, found=None, errors=errors, **_form_values(typed)
    )


def _form_values(typed: SearchTyped) -> dict[str, Any]:
    return {
        "search": typed,
        "purposes": purpose_options(),
        "max_query_length": context().settings.search.max_query_length,
    }


def _without_numbers(typed: SearchTyped) -> SearchTyped:
    return SearchTyped("", typed.purpose) if holds_personal_number(typed.q) else typed


def _check_number(typed: SearchTyped) -> Response:
    """Answer a check for what looks like a personal identity number; it never becomes part of an address."""
    if not current_caller().may("registry:verify"):
        raise InsufficientScopeError("registry:verify")
    try:
        digits = parse_personal_number(typed.q, today=context().today())
    except ValueError:
        if not fold_number(typed.q).isdigit():
            return _form(_without_numbers(typed), (FormError("q", "wrong.query-personal"),))
        return answer(Question(purpose=typed.purpose, licence_number=typed.q))
    return answer(Question(purpose=typed.purpose, personal_number=digits))


def _query(typed: SearchTyped) -> SearchQuery:
    if not typed.page.isdecimal():
        raise BadRequestError("page must be a number.")
    filters: dict[str, Any] = {one.name: tuple(typed.chosen.get(one.parameter, ())) for one in FILTERS}
    return replace(SearchQuery(sort=typed.sort, page=int(typed.page)), **filters)


def _show(typed: SearchTyped, found: Found) -> Response:
    people = _people(found)
    # Licences are judged by how fresh their feeds are now.
    today = Today(viewer(known_feeds()))
    asked = {"q": loggable(typed.q), "filters": typed.filters, "page": typed.page}
    if typed.sort:
        asked["sort"] = typed.sort
    log_access("search", typed.purpose, asked, str(found.total), list(people))
    return page(
        "search.html",
        scripts=_SCRIPTS,
        errors=(),
        found=Writer(typed, found, people, today).answer(),
        today=today.written(),
        **_form_values(typed),
    )


def _people(found: Found) -> dict[int, Practitioner]:
    """Read the people of the list in full, as each licence is judged; who became protected a moment ago is left out."""
    with context().truth.connect() as connection:
        people = practitioners(connection, [each.person.id for each in found.people])
    return {one.id: one for one in people.values() if one.listed}
