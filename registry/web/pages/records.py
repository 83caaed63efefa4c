"""One practitioner's page, and a person's own record with who has looked at it."""

import re
from dataclasses import dataclass

from flask import Response, request

from registry.access.guard import current_caller, requires_scope
from registry.access.log import AccessEvent, events_about, loggable
from registry.errors import NotFoundError
from registry.records import read
from registry.records.history import licence_history
from registry.records.merged import merged_into
from registry.records.read import KnownIdentifier, Practitioner
from registry.sealing import IDENTIFIER
from registry.web.context import context
from registry.web.pages.blueprints import pages
from registry.web.pages.check_form import FormError
from registry.web.pages.common import (
    OWN_RECORD,
    Today,
    evidence,
    known_feeds,
    log_access,
    purpose_label,
    purpose_options,
    purposes,
    viewer,
)
from registry.web.pages.history_view import HistoryView, history_views
from registry.web.pages.language import Language
from registry.web.pages.render import page
from registry.web.pages.views import LicenceView, PersonView, Viewer

# What ids look like; anything else is none, and no value for a database.
_PUBLIC_ID = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
# No practitioner has it.
_NOBODY = -1
# Events shown on one's own page, the latest first.
MAX_EVENTS = 200


@pages.get("/practitioners/<public_id>")
@requires_scope("registry:read")
def practitioner(public_id: str) -> Response:
    """Show one practitioner with the answer for each licence today.

    Somebody with a protected identity is answered exactly as somebody who is not there: 404. The id of somebody whose
    records were joined to another's shows the person who has them now.
    """
    purpose = request.args.get("purpose", "")
    if purpose not in purposes():
        errors = [FormError("purpose", "wrong.purpose")] if purpose else []
        return page("purpose.html", purposes=purpose_options(), errors=errors)
    person = _read(public_id)
    shown = person is not None and person.listed
    # Also about a person who is not shown for protection: they may see that someone asked.
    ids = [] if person is None else [person.id]
    log_access("read", purpose, {"id": loggable(public_id)}, "found" if shown else "not found", ids)
    if person is None or not person.listed:
        raise NotFoundError
    view = viewer(known_feeds())
    today = Today(view)
    return page(
        "practitioner.html",
        person=view.person(person),
        licences=today.licences(person),
        today=today.written(),
        evidence=evidence(purpose, today.rule_version, view),
    )


def _read(public_id: str) -> Practitioner | None:
    with context().truth.connect() as connection:
        found = read.id_by_public_id(connection, public_id) if _PUBLIC_ID.match(public_id) else None
        # The same statements for a hit and for none, so that time tells nothing.
        return next(
            iter(read.practitioners(connection, [_NOBODY if found is None else found]).values()), None
        )


@dataclass(frozen=True, slots=True)
class OwnRecord:
    """One record that holds the reader's own number."""

    person: PersonView
    licences: list[LicenceView]
    history: list[HistoryView]


@dataclass(frozen=True, slots=True)
class EventView:
    """One line of who was shown something about the reader."""

    at: str
    at_iso: str
    action: str
    purpose: str
    organisation: str


@pages.get("/me")
@requires_scope("registry:self")
def me() -> Response:
    """Show the reader's own record, protected or not, and who has been shown something about them."""
    view = viewer(known_feeds())
    number = current_caller().personal_number
    people = _own(number.reveal()) if number else []
    today = Today(view)
    records = [
        OwnRecord(_person(view, person), today.licences(person), _history(person, view)) for person in people
    ]
    events = _events(people)
    log_access("own-record", OWN_RECORD, {}, f"{len(people)} records", [person.id for person in people])
    return page(
        "me.html",
        records=records,
        has_number=number is not None,
        sources=view.sources(),
        events=[_event(event, view) for event in events],
        more_events=len(events) == MAX_EVENTS,
    )


def _own(digits: str) -> list[Practitioner]:
    shared = context()
    with shared.truth.connect() as connection:
        ids = read.ids_by_personal_number(connection, shared.sealer, digits)
        return list(read.practitioners(connection, ids).values())


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


def _events(people: list[Practitioner]) -> list[AccessEvent]:
    """Return who was shown something about any of the records, the latest first, also under an id since merged."""
    with context().truth.connect() as connection:
        ids = {one for person in people for one in (person.id, *merged_into(connection, person.id))}
    with context().access.connect() as connection:
        found = [event for one in sorted(ids) for event in events_about(connection, one, MAX_EVENTS)]
    return sorted(set(found), key=lambda event: event.at, reverse=True)[:MAX_EVENTS]


def _event(event: AccessEvent, view: Viewer) -> EventView:
    language = view.language
    return EventView(
        at=language.moment(event.at, view.zone),
        at_iso=event.at.astimezone(view.zone).isoformat(timespec="minutes"),
        action=language.text(f"action.{event.action}"),
        purpose=purpose_label(event.purpose, language),
        organisation=_organisation(event, language),
    )


def _organisation(event: AccessEvent, language: Language) -> str:
    caller = current_caller()
    if (event.issuer, event.subject) == (caller.issuer, caller.subject):
        return language.text("me.yourself")
    if event.organisation:
        return language.text("me.organisation", number=event.organisation)
    return language.text("me.unknown-organisation")
