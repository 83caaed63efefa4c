"""For those who answer what people ask for about their own record: reports of look-ups (privacy officers), corrections (administrators).

They are shown what was asked and, of a report, who looked; never who the person is. Opening a request is written to the access log, so
that the person sees it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from flask import Response, redirect, request, url_for
from flask import make_response as flask_response

from registry.access.guard import current_caller, requires_scope
from registry.access.log import event_by_id
from registry.checks import subject_requests as requests
from registry.checks.errors import StepRefusedError
from registry.checks.subject_requests import SAYS_WHY, Kind, State, SubjectRequest
from registry.errors import BadRequestError
from registry.records import read
from registry.web.api.shown import audience
from registry.web.context import context
from registry.web.pages.blueprints import pages
from registry.web.pages.check_form import FormError
from registry.web.pages.common import OWN_RECORD, Option, known_feeds, log_access, viewer
from registry.web.pages.look_ups import EventView, event_view, look_up
from registry.web.pages.render import page
from registry.web.pages.request_views import about_of, read_words, request_view, state_label
from registry.web.pages.views import Viewer

REQUESTS_A_PAGE = 50
_UNUSABLE, _CONFLICT = 422, 409
_LONGEST_ID = 40


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request in the list; nothing about the person."""

    url: str
    made: str
    due: str
    late: bool
    state: str
    authority: str


@pages.get("/reports")
@requires_scope("registry:reports")
def reports() -> Response:
    """List the look-ups that people have reported."""
    return _list_page("look-up", "pages.reports", "pages.answer_report")


@pages.get("/reports/<request_id>")
@requires_scope("registry:reports")
def answer_report(request_id: str) -> Response:
    """Show a reported look-up, and the form that answers it."""
    return _request_page("look-up", request_id)


@pages.post("/reports/<request_id>/steps")
@requires_scope("registry:reports")
def send_report_step(request_id: str) -> Response:
    """Answer a report."""
    return _sent("look-up", request_id)


@pages.get("/corrections")
@requires_scope("registry:corrections")
def corrections() -> Response:
    """List the corrections that people have asked for."""
    return _list_page("correction", "pages.corrections", "pages.answer_correction")


@pages.get("/corrections/<request_id>")
@requires_scope("registry:corrections")
def answer_correction(request_id: str) -> Response:
    """Show what somebody says is wrong, and the form that answers it."""
    return _request_page("correction", request_id)


@pages.post("/corrections/<request_id>/steps")
@requires_scope("registry:corrections")
def send_correction_step(request_id: str) -> Response:
    """Answer a request for a correction."""
    return _sent("correction", request_id)


_ONE: Mapping[Kind, tuple[str, str, str]] = {
    "look-up": ("pages.answer_report", "pages.send_report_step", "pages.reports"),
    "correction": ("pages.answer_correction", "pages.send_correction_step", "pages.corrections"),
}


def _list_page(kind: Kind, here: str, one: str) -> Response:
    shared, view = context(), viewer(known_feeds())
    waiting = request.args.get("state") != "ended"
    with shared.access.connect() as connection:
        found = requests.listed(
            connection,
            kind,
            waiting=waiting,
            limit=REQUESTS_A_PAGE + 1,
            after=_after(request.args.get("after")),
        )
    more, found = len(found) > REQUESTS_A_PAGE, found[:REQUESTS_A_PAGE]
    state = None if waiting else "ended"
    return page(
        "requests.html",
        kind=kind,
        waiting=waiting,
        rows_shown=[_row(each, one, view) for each in found],
        newer=url_for(here, state=state) if "after" in request.args else "",
        older=url_for(here, after=_mark(found[-1]), state=state) if more else "",
        other=url_for(here, state="ended" if waiting else None),
    )


def _row(one: SubjectRequest, endpoint: str, view: Viewer) -> Waiting:
    settings = context().settings.checks.subject_requests
    due = one.due(settings)
    return Waiting(
        url=url_for(endpoint, request_id=one.id),
        made=view.language.moment(one.created_at, view.zone),
        due=view.language.day(due.astimezone(view.zone).date()),
        late=one.is_open and due < context().now(),
        state=state_label(one.state, view),
        authority=view.authority(one.authority_id) if one.authority_id else "",
    )


def _mark(one: SubjectRequest) -> str:
    return f"{one.created_at.astimezone(UTC).isoformat()}_{one.id}"


def _after(text: str | None) -> tuple[datetime, str] | None:
    """Return where the page before ended.

    Raises:
        BadRequestError: it is no such place.
    """
    if text is None:
        return None
    at, _, request_id = text.partition("_")
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or not 0 < len(request_id) <= _LONGEST_ID:
        raise BadRequestError("after must be as a page of this list gave it.")
    return moment, request_id


def _request_page(
    kind: Kind, request_id: str, *, words: str = "", state: str = "", error: FormError | None = None
) -> Response:
    """Show a request whole. It is written to the log first: the person sees that somebody has read it."""
    shared, view = context(), viewer(known_feeds())
    with shared.access.connect() as connection:
        found = requests.find(connection, shared.sealer, request_id, kind)
    log_access("subject-request", OWN_RECORD, {"request": found.id}, found.state, [found.practitioner_id])
    event = _event(found, view)
    with shared.truth.connect() as connection:
        people = list(read.practitioners(connection, [found.practitioner_id]).values())
    _, steps, listed = _ONE[kind]
    status = 200 if error is None else _CONFLICT if error.key == "wrong.step" else _UNUSABLE
    return page(
        "request.html",
        status=status,
        request=request_view(found, view, about=about_of(found, people, view), event=event),
        person=found.practitioner_id,
        is_open=found.is_open,
        seen=len(found.steps),
        options=[Option(each, state_label(each, view)) for each in found.next],
        state=state,
        words=words,
        longest=shared.settings.checks.subject_requests.max_text,
        action=url_for(steps, request_id=found.id),
        back=url_for(listed),
        errors=() if error is None else (error,),
    )


def _event(found: SubjectRequest, view: Viewer) -> EventView | None:
    if found.event_id is None:
        return None
    with context().access.connect() as connection:
        event = event_by_id(connection, found.event_id)
    return None if event is None else event_view(look_up(event, None, audience()), view)


def _sent(kind: Kind, request_id: str) -> Response:
    shared, caller = context(), current_caller()
    with shared.access.connect() as connection:
        found = requests.find(connection, shared.sealer, request_id, kind)
    state, seen = request.form.get("state", ""), request.form.get("seen", "")
    words, wrong = read_words(request.form.get("words", ""), needed=state in SAYS_WHY)
    if state not in requests.STATES or state == "withdrawn":
        wrong = FormError("state", "wrong.state")
    if wrong:
        return _request_page(kind, request_id, words=words, state=state, error=wrong)
    try:
        requests.step(
            shared.access,
            shared.sealer,
            found.id,
            seen=int(seen) if seen.isascii() and seen.isdecimal() and len(seen) < _LONGEST_ID else 0,
            state=cast("State", state),
            words=words,
            by=(caller.issuer, caller.subject),
            now=shared.now(),
        )
    except StepRefusedError:
        return _request_page(kind, request_id, words=words, error=FormError("state", "wrong.step"))
    log_access("subject-request", OWN_RECORD, {"request": found.id}, state, [found.practitioner_id])
    return flask_response(redirect(url_for(_ONE[kind][0], request_id=found.id), 303))
