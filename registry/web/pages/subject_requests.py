"""What people ask for about their own record: reporting a look-up, asking for a correction, and what became of it.

Those who answer have pages of their own (`registry.web.pages.answering`).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Response, redirect, request, url_for
from flask import make_response as flask_response

from registry.access.guard import current_caller, requires_scope
from registry.access.log import loggable
from registry.checks import subject_requests as requests
from registry.checks.errors import RequestLimitError
from registry.checks.subject_requests import FACTS, LookUp, SubjectRequest, Wrong
from registry.errors import NotFoundError
from registry.records.read import Practitioner
from registry.web.api.shown import own_audience
from registry.web.context import context
from registry.web.pages.blueprints import pages
from registry.web.pages.check_form import FormError
from registry.web.pages.common import OWN_RECORD, Option, known_feeds, log_access, viewer
from registry.web.pages.look_ups import EventView, event_about, event_view, every_id, look_up
from registry.web.pages.own_people import own_people
from registry.web.pages.render import page
from registry.web.pages.request_views import (
    RequestView,
    about_of,
    as_shown,
    authority_addresses,
    read_words,
    request_view,
)
from registry.web.pages.views import Viewer

_UNUSABLE = 422
# An id of an event, of 18 digits at most: as far as both databases count.
_MOST = 10**18 - 1


@pages.get(f"/me/look-ups/<int(max={_MOST}):event_id>/report")
@requires_scope("registry:self")
def report(event_id: int) -> Response:
    """Show a look-up and the form that reports it."""
    return _report_page(own_people(), event_id)


@pages.post(f"/me/look-ups/<int(max={_MOST}):event_id>/report")
@requires_scope("registry:self")
def send_report(event_id: int) -> Response:
    """Report a look-up; the second time the first report is shown."""
    people = own_people()
    _reportable(people, event_id)
    words, wrong = read_words(request.form.get("words", ""), needed=False)
    if wrong:
        return _report_page(people, event_id, words=words, error=wrong)
    return _made(people, people[0].id, LookUp(event_id), words) or _report_page(
        people, event_id, words=words, error=FormError("words", "wrong.too-many-requests")
    )


@pages.get("/me/corrections/new")
@requires_scope("registry:self")
def correction() -> Response:
    """Show the form that asks for a correction."""
    return _correction_page(own_people(), fact=request.args.get("fact", ""))


@pages.post("/me/corrections")
@requires_scope("registry:self")
def send_correction() -> Response:
    """Ask for a correction of what an authority has told."""
    people = own_people()
    fact, chosen = request.form.get("fact", ""), _choices(people, viewer(known_feeds()))
    words, wrong = read_words(request.form.get("words", ""), needed=True)
    if fact not in chosen:
        wrong = FormError("fact", "wrong.fact")
    if wrong:
        return _correction_page(people, fact=fact, words=words, error=wrong)
    return _made(people, chosen[fact].practitioner_id, chosen[fact].about, words) or _correction_page(
        people, fact=fact, words=words, error=FormError("words", "wrong.too-many-requests")
    )


@pages.get("/me/requests")
@requires_scope("registry:self")
def own_requests() -> Response:
    """Show what the reader has asked for, and what became of it."""
    people = own_people()
    log_access("own-record", OWN_RECORD, {"requests": True}, f"{len(people)} records", _ids(people))
    view = viewer(known_feeds())
    views = [_own_view(one, people, view) for one in own_requests_of(people)]
    return page("own_requests.html", requests=views, is_known=bool(people))


@pages.post("/me/requests/<request_id>/withdrawal")
@requires_scope("registry:self")
def withdraw_request(request_id: str) -> Response:
    """Withdraw a request that waits."""
    shared, people = context(), own_people()
    done = requests.withdraw(shared.access, shared.sealer, request_id, every_id(people), shared.now())
    asked = {"request": loggable(request_id)}
    log_access("own-record", OWN_RECORD, asked, "withdrawn" if done else "not found", _ids(people))
    return flask_response(redirect(url_for("pages.own_requests"), 303))


def own_requests_of(people: Collection[Practitioner]) -> list[SubjectRequest]:
    """Return what was asked for about these records, the newest first, also under an id since merged."""
    shared = context()
    with shared.access.connect() as connection:
        return requests.of_people(connection, shared.sealer, every_id(people))


def shown_request(one: SubjectRequest, people: Collection[Practitioner]) -> Mapping[str, Any]:
    """Return a request of the reader's own as `ReportSchema` or `CorrectionSchema`, with what they see of it."""
    event = event_about(people, one.event_id) if one.event_id is not None else None
    seen = look_up(event, current_caller(), own_audience()) if event else None
    return as_shown(one, seen, own_audience())


@dataclass(frozen=True, slots=True)
class _Choice:
    """Something that can be wrong, and in whose record."""

    label: str
    about: Wrong
    practitioner_id: int


def _choices(people: Collection[Practitioner], view: Viewer) -> dict[str, _Choice]:
    """Return what the reader can say is wrong: each fact with the authority that owns it."""
    found: dict[str, _Choice] = {}
    text = view.language.text
    for person in people:
        for each in person.licences:
            label = text(
                "request.fact-licence",
                profession=view.profession(each.facts),
                authority=view.authority(each.authority_id),
            )
            about = Wrong("licence", each.authority_id, each.id)
            found[f"licence:{each.id}"] = _Choice(label, about, person.id)
    for person in people:
        for authority in dict.fromkeys(each.authority_id for each in person.licences):
            for fact in FACTS:
                if fact != "licence":
                    label = text(f"request.fact-{fact}", authority=view.authority(authority))
                    about = Wrong(fact, authority)
                    found[f"{fact}:{authority}:{person.id}"] = _Choice(label, about, person.id)
    return found


def _made(people: list[Practitioner], whose: int, about: LookUp | Wrong, words: str) -> Response | None:
    """Make the request and lead to it; None if too many wait."""
    shared = context()
    try:
        made = requests.make(
            shared.access,
            shared.sealer,
            shared.settings.checks.subject_requests,
            practitioner_id=whose,
            about=about,
            words=words,
            now=shared.now(),
        )
    except RequestLimitError:
        return None
    log_access("own-record", OWN_RECORD, {"request": made}, "request made", _ids(people))
    return flask_response(redirect(url_for("pages.own_requests", _anchor=made), 303))


def _reportable(people: list[Practitioner], event_id: int) -> EventView:
    """Return the look-up that is reported.

    Raises:
        NotFoundError: it is none of the reader's, or it was the reader.
    """
    event = event_about(people, event_id)
    one = look_up(event, current_caller(), own_audience()) if event else {}
    if not one or one.get("yourself"):
        raise NotFoundError
    return event_view(one, viewer(known_feeds()))


def _report_page(
    people: list[Practitioner], event_id: int, *, words: str = "", error: FormError | None = None
) -> Response:
    event = _reportable(people, event_id)
    log_access("own-record", OWN_RECORD, {"event": loggable(str(event_id))}, "1 look-up", _ids(people))
    return page(
        "report.html",
        status=_UNUSABLE if error else 200,
        event=event,
        words=words,
        longest=context().settings.checks.subject_requests.max_text,
        action=url_for("pages.send_report", event_id=event_id),
        errors=() if error is None else (error,),
    )


def _correction_page(
    people: list[Practitioner], *, fact: str, words: str = "", error: FormError | None = None
) -> Response:
    log_access("own-record", OWN_RECORD, {"correction": True}, f"{len(people)} records", _ids(people))
    view = viewer(known_feeds())
    choices = _choices(people, view)
    owners = dict.fromkeys(each.about.authority_id for each in choices.values())
    urls = authority_addresses()
    return page(
        "correction.html",
        status=_UNUSABLE if error else 200,
        options=[Option(key, each.label) for key, each in choices.items()],
        fact=fact if fact in choices else "",
        words=words,
        longest=context().settings.checks.subject_requests.max_text,
        owners=[(view.authority(each), urls.get(each, "")) for each in owners],
        errors=() if error is None else (error,),
    )


def _own_view(one: SubjectRequest, people: list[Practitioner], view: Viewer) -> RequestView:
    shown = shown_request(one, people)
    seen = shown.get("lookUp")
    return request_view(
        one,
        view,
        about=about_of(one, people, view),
        event=event_view(seen, view) if seen else None,
        withdrawal=url_for("pages.withdraw_request", request_id=one.id) if one.is_open else "",
    )


def _ids(people: Collection[Practitioner]) -> list[int]:
    return [person.id for person in people]
