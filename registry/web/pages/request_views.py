"""A request about one's own record as it is shown: to the person, in files, and to those who answer it."""

import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, cast

from registry.access.policy import Audience
from registry.checks.subject_requests import Fact, State, SubjectRequest
from registry.records.authorities import authority_urls
from registry.records.read import Practitioner
from registry.web.api.shown import shape_of
from registry.web.api.subject_request_schemas import CorrectionSchema, ReportSchema
from registry.web.context import context
from registry.web.pages.check_form import FormError
from registry.web.pages.look_ups import EventView
from registry.web.pages.views import Viewer

_SHAPES = {"look-up": shape_of(ReportSchema()), "correction": shape_of(CorrectionSchema())}


@dataclass(frozen=True, slots=True)
class StepView:
    """A step: when, what, and what was written."""

    at: str
    label: str
    words: str
    yourself: bool


@dataclass(frozen=True, slots=True)
class RequestView:
    """A request; what the policy does not show of it is "" or None.

    Attributes:
        about: of a correction, the fact in words.
        authority, authority_url: who owns it, and where that authority tells how to reach it.
        event: of a report.
        withdrawal: an address, "" where it can't be withdrawn.
    """

    id: str
    title: str
    state: str
    made: str
    due: str
    about: str
    authority: str
    authority_url: str
    event: EventView | None
    steps: tuple[StepView, ...]
    withdrawal: str = ""


def as_shown(one: SubjectRequest, seen: Mapping[str, Any] | None, audience: Audience) -> Mapping[str, Any]:
    """Return a request as its schema, with what an audience sees of it.

    Args:
        one: the request.
        seen: the look-up that it reports, with what the audience sees of that.
        audience: who reads.
    """
    settings = context().settings.checks.subject_requests
    whole: dict[str, Any] = {
        "id": one.id,
        "kind": one.kind,
        "state": one.state,
        "createdAt": one.created_at.isoformat(timespec="seconds"),
        "dueAt": one.due(settings).isoformat(timespec="seconds"),
        "practitioner": one.practitioner_id,
        "steps": [
            {
                "at": each.at.isoformat(timespec="seconds"),
                "state": each.state,
                "words": each.words,
                "yourself": (each.issuer, each.subject) == ("", ""),
            }
            for each in one.steps
        ],
    }
    if one.kind == "look-up":
        whole["lookUp"] = seen
    else:
        whole |= {"fact": one.fact, "authority": one.authority_id, "licence": one.licence_id}
    shown: Mapping[str, Any] = audience.show(_SHAPES[one.kind], whole)
    return shown


def request_view(
    one: SubjectRequest, view: Viewer, *, about: str, event: EventView | None = None, withdrawal: str = ""
) -> RequestView:
    """Write a request that the reader is shown whole."""
    language, zone = view.language, view.zone
    return RequestView(
        id=one.id,
        title=language.text(f"request.kind-{one.kind}"),
        state=state_label(one.state, view),
        made=language.moment(one.created_at, zone),
        due=language.day(one.due(context().settings.checks.subject_requests).astimezone(zone).date()),
        about=about,
        authority=view.authority(one.authority_id) if one.authority_id else "",
        authority_url=authority_addresses().get(one.authority_id, ""),
        event=event,
        steps=tuple(
            StepView(
                at=language.moment(each.at, zone),
                label=state_label(each.state, view),
                words=each.words,
                yourself=(each.issuer, each.subject) == ("", ""),
            )
            for each in one.steps
        ),
        withdrawal=withdrawal,
    )


def state_label(state: State, view: Viewer) -> str:
    """Write what became of a request."""
    return view.language.text(f"request.state-{state}")


def read_words(typed: str, *, needed: bool) -> tuple[str, FormError | None]:
    """Return what somebody wrote, in one form (NFC, line ends of one character), and what is wrong with it.

    Args:
        typed: as the browser sends it.
        needed: whether nothing is wrong.
    """
    text = unicodedata.normalize("NFC", typed).replace("\r\n", "\n").replace("\r", "\n").strip()
    kept = "".join(each for each in text if each == "\n" or unicodedata.category(each) not in {"Cc", "Cs"})
    if needed and not kept:
        return kept, FormError("words", "wrong.words")
    if len(kept) > context().settings.checks.subject_requests.max_text:
        return kept, FormError("words", "wrong.too-long")
    return kept, None


def about_of(one: SubjectRequest, people: Collection[Practitioner], view: Viewer) -> str:
    """Write what a correction is about, as far as the record still has it."""
    if one.kind != "correction":
        return ""
    authority = view.authority(one.authority_id)
    for person in people:
        for each in person.licences:
            if each.id == one.licence_id:
                profession = view.profession(each.facts)
                return view.language.text("request.fact-licence", profession=profession, authority=authority)
    fact = cast("Fact", one.fact)
    if fact == "licence":
        return view.language.text("request.fact-licence-gone", authority=authority)
    return view.language.text(f"request.fact-{fact}", authority=authority)


def authority_addresses() -> dict[str, str]:
    """Return where authorities tell about themselves, by their ids."""
    with context().truth.connect() as connection:
        return authority_urls(connection)
