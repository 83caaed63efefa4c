"""Search by name: the form, its answer with filters, facets and pages.

The form is sent with POST and answered with a redirect to the address of the search, so that what was typed is looked at
before it can become part of an address: a number that may be a personal identity number is checked at once instead.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import ceil
from typing import Any

from flask import Response, make_response, redirect, request, url_for

from registry.access.challenges import InsufficientScopeError
from registry.access.guard import current_caller, requires_scope
from registry.access.log import loggable
from registry.errors import BadRequestError
from registry.identifiers import fold_number, holds_personal_number, parse_personal_number
from registry.records.read import Practitioner, practitioners
from registry.search.filters import FILTERS, Filter
from registry.search.port import SearchPage
from registry.search.query import SearchQuery
from registry.vocabulary import STATUSES
from registry.web.context import context
from registry.web.pages.blueprints import pages
from registry.web.pages.check import answer
from registry.web.pages.check_form import FormError, Question
from registry.web.pages.common import Today, known_feeds, log_access, purpose_options, purposes, viewer
from registry.web.pages.render import current_language, page
from registry.web.pages.search_form import SearchTyped, read_search
from registry.web.pages.views import LicenceView, Viewer

_UNUSABLE = 422


@dataclass(frozen=True, slots=True)
class PersonFound:
    """One person of the list: enough to tell namesakes apart, no more."""

    name: str
    url: str
    birth_year: str
    other_names: tuple[str, ...]
    licences: list[LicenceView]


@dataclass(frozen=True, slots=True)
class ValueView:
    """One value of a filter and where choosing it (or taking it away) leads."""

    label: str
    url: str
    count: str = ""


@dataclass(frozen=True, slots=True)
class FacetView:
    """The values of one filter that can be chosen."""

    label: str
    values: tuple[ValueView, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """One page of an answer."""

    heading: str
    people: list[PersonFound]
    chosen: list[ValueView]
    facets: list[FacetView]
    page: str
    pages: str
    previous_url: str
    next_url: str
    cut_off: bool


@pages.post("/search")
@requires_scope("registry:search")
def send_search() -> Response:
    """Take the form: names go on to the address of the search, numbers of people are answered here."""
    typed = read_search(request.form)
    if errors := _errors(typed):
        return _form(_without_numbers(typed), errors)
    if holds_personal_number(typed.q):
        return _check_number(typed)
    return make_response(redirect(_url(typed), 303))


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
        found = context().search.search(_query(typed), context().today())
    except BadRequestError:
        # Its detail is English for programmers.
        return _form(typed, (FormError("q", "wrong.query"),))
    return _show(typed, found)


def _errors(typed: SearchTyped) -> tuple[FormError, ...]:
    errors = []
    if not typed.q and not typed.filters:
        errors.append(FormError("q", "wrong.query-missing"))
    if typed.purpose not in purposes():
        errors.append(FormError("search-purpose", "wrong.purpose"))
    return tuple(errors)


def _form(typed: SearchTyped, errors: tuple[FormError, ...], status: int = _UNUSABLE) -> Response:
    return page("search.html", status=status, found=None, errors=errors, **_form_values(typed))


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
    return replace(SearchQuery(text=typed.q, page=int(typed.page)), **filters)


def _show(typed: SearchTyped, found: SearchPage) -> Response:
    people = _people(found)
    view = viewer(known_feeds())
    today = Today(view)
    log_access(
        "search",
        typed.purpose,
        {"q": loggable(typed.q), "filters": typed.filters, "page": typed.page},
        str(found.total),
        [person.id for person in people],
    )
    return page(
        "search.html",
        errors=(),
        found=_found(typed, found, people, today),
        today=today.written(),
        **_form_values(typed),
    )


def _people(found: SearchPage) -> list[Practitioner]:
    """Read who was found from SQL; who was protected or merged a moment ago is left out, whatever the index says."""
    with context().truth.connect() as connection:
        people = practitioners(connection, [hit.practitioner_id for hit in found.hits])
    return [person for person in people.values() if person.listed]


def _found(typed: SearchTyped, found: SearchPage, people: list[Practitioner], today: Today) -> Found:
    language, limits = current_language(), context().settings.search
    total = max(0, found.total - (len(found.hits) - len(people)))
    reachable = min(total, limits.max_window)
    last = max(1, ceil(reachable / found.limit))
    about = language.text("search.hits.about", number=language.number(total))
    return Found(
        heading=language.count("search.hits", total) if found.total_is_exact else about,
        people=[_person(person, today, typed.purpose) for person in people],
        chosen=list(_chosen(typed, today.view)),
        facets=list(_facets(typed, found, today.view)),
        page=language.number(found.page),
        pages=language.number(last),
        previous_url=_url(typed.on_page(found.page - 1)) if found.page > 1 else "",
        next_url=_url(typed.on_page(found.page + 1)) if found.page < last else "",
        cut_off=total > limits.max_window and found.page == last,
    )


def _person(person: Practitioner, today: Today, purpose: str) -> PersonFound:
    language = today.view.language
    return PersonFound(
        name=today.view.name(person),
        url=url_for("pages.practitioner", public_id=person.public_id, purpose=purpose),
        birth_year=(person.birth_date or "")[:4],
        other_names=tuple(
            language.text("person.former", name=name.display()) if name.use == "former" else name.display()
            for name in person.names[1:]
        ),
        licences=today.licences(person),
    )


def _chosen(typed: SearchTyped, view: Viewer) -> Iterator[ValueView]:
    for one in FILTERS:
        for value in typed.chosen.get(one.parameter, ()):
            yield ValueView(_label(one, value, view), _url(typed.without_value(one.parameter, value)))


def _facets(typed: SearchTyped, found: SearchPage, view: Viewer) -> Iterator[FacetView]:
    for one in FILTERS:
        values = tuple(
            ValueView(
                _label(one, each.value, view),
                _url(typed.with_value(one.parameter, each.value)),
                view.language.number(each.count),
            )
            for each in found.facets.get(one.name, ())
            if each.count and each.value not in typed.chosen.get(one.parameter, ())
        )
        if values:
            yield FacetView(one.label_sv if view.language.code == "sv" else one.label_en, values)


def _label(one: Filter, value: str, view: Viewer) -> str:
    """Return a filter value in the reader's words; the code itself where there are none."""
    words, code = view.vocabulary, view.language.code
    match one.name:
        case "profession":
            return words.profession_label(value, code)
        case "status":
            return next((words.status_label(s, code) for s in STATUSES if s == value), value)
        case "authority":
            return next(
                (view.source(f).authority for f in view.feeds.values() if f.authority_id == value), value
            )
    return value


def _url(typed: SearchTyped) -> str:
    return f"{url_for('pages.search')}?{typed.query_string()}"
