"""A person's own record, who has been shown something about them, and all of it as a file (GDPR article 15)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from flask import Response, current_app, request, url_for

from registry.access.guard import current_caller, requires_scope
from registry.access.log import AccessEvent
from registry.errors import BadRequestError
from registry.records import read
from registry.records.history import licence_history
from registry.records.read import Feed, KnownIdentifier, Practitioner
from registry.sealing import IDENTIFIER
from registry.web.api import present
from registry.web.api.history import HistorySchema
from registry.web.api.practitioners import PractitionerSchema
from registry.web.api.shown import own_audience
from registry.web.context import context
from registry.web.pages.blueprints import pages
from registry.web.pages.common import OWN_RECORD, Today, known_feeds, log_access, viewer
from registry.web.pages.history_view import HistoryView, history_views
from registry.web.pages.look_ups import EventView, event_view, events_of, look_up
from registry.web.pages.own_people import own_people
from registry.web.pages.render import current_language, page
from registry.web.pages.subject_requests import own_requests_of, shown_request
from registry.web.pages.views import LicenceView, PersonView, Viewer

# Of events read at once for the file, and digits of an id (63 bits).
_EVENTS_AT_ONCE, _LONGEST_ID = 1000, 18
_EVENTS = "events-title"
# Events on a page of one's own, the latest first.
EVENTS_A_PAGE = 50


@dataclass(frozen=True, slots=True)
class OwnRecord:
    """One record that holds the reader's own number."""

    person: PersonView
    licences: list[LicenceView]
    history: list[HistoryView]


@pages.get("/me")
@requires_scope("registry:self")
def me() -> Response:
    """Show the reader's own record, protected or not, and who has been shown something about them (`before`: earlier ones)."""
    before = _before()
    view = viewer(known_feeds())
    people = own_people()
    today = Today(view)
    records = [
        OwnRecord(_person(view, person), today.licences(person), _history(person, view)) for person in people
    ]
    events = events_of(people, EVENTS_A_PAGE + 1, before)
    more = len(events) > EVENTS_A_PAGE
    asked = own_requests_of(people)
    reports = {one.event_id: one.id for one in asked}
    log_access("own-record", OWN_RECORD, {}, f"{len(people)} records", [person.id for person in people])
    return page(
        "me.html",
        records=records,
        has_number=current_caller().personal_number is not None,
        sources=view.sources(),
        has_requests=bool(asked),
        events=[_event(event, view, reports) for event in events[:EVENTS_A_PAGE]],
        newer=url_for("pages.me", _anchor=_EVENTS) if before is not None else "",
        older=url_for("pages.me", before=events[EVENTS_A_PAGE - 1].id, _anchor=_EVENTS) if more else "",
    )


@pages.get("/me/export")
@requires_scope("registry:self")
def export_own() -> Response:
    """Everything held about the reader as a JSON file: records with their sources and history, and who has been shown something."""
    number = current_caller().personal_number
    people = own_people()
    log_access(
        "own-record", OWN_RECORD, {"export": True}, f"{len(people)} records", [person.id for person in people]
    )
    with context().truth.connect() as connection:
        feeds = read.feeds(connection)
        records = [_exported(connection, person, feeds) for person in people]
    whole = {
        "exported": datetime.now(UTC).isoformat(timespec="seconds"),
        "personalIdentityNumber": number.reveal() if number else None,
        "records": records,
        "lookUps": [look_up(event, current_caller(), own_audience()) for event in _all_events(people)],
        "requests": [shown_request(one, people) for one in own_requests_of(people)],
    }
    name = f"{current_language().text('me.file')}.json"
    response = Response(current_app.json.dumps(whole), content_type="application/json")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "no-store"
    return response


def _exported(connection: sa.Connection, person: Practitioner, feeds: Mapping[str, Feed]) -> dict[str, Any]:
    vocabulary = context().vocabulary
    history = present.history(person, licence_history(connection, person.id), feeds, vocabulary)
    told: dict[str, Any] = PractitionerSchema().dump(present.practitioner(person, feeds, vocabulary))
    told |= {"protected": person.protected, "history": HistorySchema().dump(history)["licences"]}
    # Addresses in the interface of employers: nothing to follow for the person.
    del told["links"]
    return told


def _all_events(people: list[Practitioner]) -> Iterator[AccessEvent]:
    before: int | None = None
    while some := events_of(people, _EVENTS_AT_ONCE, before):
        yield from some
        before = some[-1].id


def _before() -> int | None:
    """Return where the page of events before this one ended, None for the first page.

    Raises:
        BadRequestError: it is no id of an event.
    """
    text = request.args.get("before")
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= _LONGEST_ID):
        raise BadRequestError("before must be the id of an event.")
    return int(text)


def _history(person: Practitioner, view: Viewer) -> list[HistoryView]:
    with context().truth.connect() as connection:
        return history_views(licence_history(connection, person.id), view)


def _person(view: Viewer, person: Practitioner) -> PersonView:
    return view.person(person, numbers=_opened(person))


def _opened(person: Practitioner) -> dict[KnownIdentifier, str]:
    """Open the sealed numbers of the reader's own record."""
    sealer = context().sealer
    return {
        identifier: _written(sealer.open(identifier.sealed, context=IDENTIFIER).decode())
        for identifier in person.identifiers
        if identifier.sealed is not None
    }


def _written(digits: str) -> str:
    return f"{digits[:8]}-{digits[8:]}"


def _event(event: AccessEvent, view: Viewer, reports: Mapping[int | None, str]) -> EventView:
    one = look_up(event, current_caller(), own_audience())
    reported = reports.get(event.id)
    return event_view(
        one,
        view,
        report="" if one.get("yourself") or reported else url_for("pages.report", event_id=event.id),
        reported=url_for("pages.own_requests", _anchor=reported) if reported else "",
    )
