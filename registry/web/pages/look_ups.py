"""Who has been shown something about somebody, as the person themselves and those who answer them read it, by the policy."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from registry.access.caller import Caller
from registry.access.log import AccessEvent, events_about
from registry.access.policy import Audience
from registry.records.merged import merged_into
from registry.records.read import Practitioner
from registry.web.api.shown import shape_of
from registry.web.api.subject_request_schemas import LookUpSchema
from registry.web.context import context
from registry.web.pages.common import purpose_label
from registry.web.pages.language import Language
from registry.web.pages.views import Viewer

_VERDICTS = frozenset({"yes", "no", "ask"})
_SHAPE = shape_of(LookUpSchema())
LookUp = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class EventView:
    """One line of who was shown something; what the policy does not show of it is "".

    Attributes:
        answer: in words, "" where the action says it all.
        who: who looked, as their identity provider calls them.
        report: the address where the person reports it, "" where there is nothing to report.
        reported: the address of their report, "" where there is none.
    """

    at: str
    at_iso: str
    action: str
    answer: str
    purpose: str
    organisation: str
    who: str
    report: str = ""
    reported: str = ""


def look_up(event: AccessEvent, caller: Caller | None, audience: Audience) -> LookUp:
    """Return an event as `LookUpSchema`, with what an audience sees of it.

    Args:
        event: of the access log.
        caller: the person it is about, if they are the one who reads.
        audience: who reads.
    """
    mine = caller is not None and (event.issuer, event.subject) == (caller.issuer, caller.subject)
    whole = {
        "id": event.id,
        "at": event.at.isoformat(timespec="seconds"),
        "action": event.action,
        "answer": event.answer,
        "purpose": event.purpose,
        "organisation": event.organisation or None,
        "yourself": mine,
        "issuer": event.issuer,
        "caller": event.subject,
        "client": event.client_id,
    }
    shown: LookUp = audience.show(_SHAPE, whole)
    return shown


def every_id(people: Collection[Practitioner]) -> set[int]:
    """Return the ids of these records, also those since merged into them."""
    with context().truth.connect() as connection:
        return {one for person in people for one in (person.id, *merged_into(connection, person.id))}


def events_of(people: Collection[Practitioner], limit: int, before: int | None = None) -> list[AccessEvent]:
    """Return who was shown something about any of the records, the latest first, also under an id since merged.

    Args:
        people: the records.
        limit: events at most.
        before: only those written before the event of this id.
    """
    ids = every_id(people)
    if not ids:
        return []
    with context().access.connect() as connection:
        return events_about(connection, ids, limit, before=before)


def event_about(people: Collection[Practitioner], event_id: int) -> AccessEvent | None:
    """Return one event if it showed something about one of these records."""
    found = events_of(people, 1, event_id + 1)
    return found[0] if found and found[0].id == event_id else None


def event_view(one: LookUp, view: Viewer, *, report: str = "", reported: str = "") -> EventView:
    """Write what is shown of an event."""
    language = view.language
    at = datetime.fromisoformat(one["at"]) if "at" in one else None
    action, purpose = one.get("action"), one.get("purpose")
    return EventView(
        at=language.moment(at, view.zone) if at else "",
        at_iso=at.astimezone(view.zone).isoformat(timespec="minutes") if at else "",
        action=language.text(f"action.{action}") if action else "",
        answer=_answered(one, language),
        purpose=purpose_label(purpose, language) if purpose else "",
        organisation=_organisation(one, language),
        who=", ".join(part for part in (one.get("caller"), one.get("client"), one.get("issuer")) if part),
        report=report,
        reported=reported,
    )


def _answered(one: LookUp, language: Language) -> str:
    """Say what the answer was: the verdict, among how many one was shown, or that nothing was given out."""
    answer = one.get("answer", "")
    if answer in _VERDICTS:
        return language.text("me.answered", answer=language.text(f"answer.{answer}"))
    if one.get("action") == "search" and answer.isdecimal():
        return language.text("me.answered-search", number=answer)
    return language.text("me.answered-nothing") if answer == "not found" else ""


def _organisation(one: LookUp, language: Language) -> str:
    if one.get("yourself"):
        return language.text("me.yourself")
    if "organisation" not in one:
        return ""
    if one["organisation"]:
        return language.text("me.organisation", number=one["organisation"])
    return language.text("me.unknown-organisation")
