"""For the privacy officer: how organisations use the registry, which days stand out, who was refused. Nobody who was looked up is named."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, timedelta

from flask import Response, request

from registry.access.guard import current_caller, requires_scope
from registry.access.patterns import MAX_DAYS, YEARS, Attempts, Outlier, TooManyEventsError, Use
from registry.access.refusals import OTHERS
from registry.checks.oversight import Overseen, oversee
from registry.checks.unusual import Noticed
from registry.web.context import context
from registry.web.pages.blueprints import pages
from registry.web.pages.check_form import FormError
from registry.web.pages.common import known_feeds, purpose_label, viewer
from registry.web.pages.render import page
from registry.web.pages.views import Viewer

# Days that are shown when none are asked for: four weeks, so that every day of the week is there as often.
DAYS_SHOWN = 28
_UNUSABLE = 422


@dataclass(frozen=True, slots=True)
class UseView:
    """An organisation and what it asked; counts in words."""

    organisation: str
    events: str
    callers: str
    purposes: str
    actions: str
    answers: str


@dataclass(frozen=True, slots=True)
class OutlierView:
    """A day that stands out."""

    organisation: str
    day: str
    events: str
    usual: str


@dataclass(frozen=True, slots=True)
class AttemptsView:
    """Somebody who was refused, and why."""

    organisation: str
    client: str
    issuer: str
    refused: str
    kinds: str


@dataclass(frozen=True, slots=True)
class UnusualView:
    """A caller who asked as nobody does who checks staff."""

    at: str
    kind: str
    seen: str
    organisation: str
    caller: str
    closed: str


@dataclass(frozen=True, slots=True)
class OversightView:
    """Everything the page shows of the days asked for."""

    days: str
    events: str
    uses: Sequence[UseView]
    outliers: Sequence[OutlierView]
    refused: str
    attempts: Sequence[AttemptsView]
    refused_outliers: Sequence[OutlierView]
    unusual: Sequence[UnusualView]


@pages.get("/privacy")
@requires_scope("registry:oversight")
def privacy() -> Response:
    """Show how the registry was used in the days asked for; the last four weeks when none are."""
    shared = context()
    today = shared.now().astimezone(UTC).date()
    typed_end = request.args.get("to", "").strip()
    end, wrong_end = _day(typed_end, today)
    typed_begin = request.args.get("from", "").strip()
    begin, wrong_begin = _day(typed_begin, end - timedelta(days=DAYS_SHOWN - 1))
    errors = [
        FormError(name, "wrong.day") for name, wrong in (("from", wrong_begin), ("to", wrong_end)) if wrong
    ]
    if not errors and not 1 <= (end - begin).days + 1 <= MAX_DAYS:
        errors = [FormError("from", "wrong.days")]
    found = None
    if not errors:
        try:
            found = oversee(shared.access, shared.settings.checks.oversight, current_caller(), begin, end)
        except TooManyEventsError:
            errors = [FormError("from", "wrong.too-many-events")]
    view = viewer(known_feeds())
    return page(
        "oversight.html",
        status=_UNUSABLE if errors else 200,
        begin=typed_begin if wrong_begin else begin.isoformat(),
        end=typed_end if wrong_end else end.isoformat(),
        most_days=MAX_DAYS,
        errors=tuple(errors),
        found=_view(found, view) if found else None,
        may_answer=current_caller().may("registry:reports"),
    )


def _day(typed: str, otherwise: date) -> tuple[date, bool]:
    """Return the day that was typed, and whether it is none."""
    if not typed:
        return otherwise, False
    try:
        day = date.fromisoformat(typed)
    except ValueError:
        return otherwise, True
    # Other forms of ISO 8601, and years in which nobody can have asked, are not what was meant.
    wrong = day.isoformat() != typed or day.year not in YEARS
    return (otherwise if wrong else day), wrong


def _view(found: Overseen, view: Viewer) -> OversightView:
    told, language = found.patterns, view.language
    return OversightView(
        days=language.text("oversight.days", begin=language.day(told.begin), end=language.day(told.end)),
        events=language.number(told.events),
        uses=[_use(one, view) for one in told.uses],
        outliers=[_outlier(one, view) for one in told.outliers],
        refused=language.number(told.refused),
        attempts=[_attempts(one, view) for one in told.attempts],
        refused_outliers=[_outlier(one, view) for one in told.refused_outliers],
        unusual=[_unusual(one, view) for one in found.unusual],
    )


def _use(one: Use, view: Viewer) -> UseView:
    language = view.language
    return UseView(
        organisation=_organisation(one.organisation, view),
        events=language.number(one.events),
        callers=language.number(one.callers),
        purposes=_told(
            {purpose_label(name, language): number for name, number in one.by_purpose.items()}, view
        ),
        actions=_told(_named("oversight.action", one.by_action, view), view),
        answers=_told(_named("oversight.answer", one.by_answer, view), view),
    )


def _outlier(one: Outlier, view: Viewer) -> OutlierView:
    return OutlierView(
        organisation=_organisation(one.organisation, view),
        day=view.language.day(one.day),
        events=view.language.number(one.events),
        usual=view.language.number(round(one.usual)),
    )


def _attempts(one: Attempts, view: Viewer) -> AttemptsView:
    apart = one.organisation != OTHERS
    language = view.language
    return AttemptsView(
        organisation=_organisation(one.organisation, view),
        client=(one.client_id if apart else "") or "–",
        issuer=(one.issuer if apart else "") or "–",
        refused=language.number(one.refused),
        kinds=_told(_named("oversight.kind", one.by_kind, view), view),
    )


def _unusual(one: Noticed, view: Viewer) -> UnusualView:
    language = view.language
    return UnusualView(
        at=language.moment(one.noticed_at, view.zone),
        kind=language.known(f"oversight.unusual-{one.kind}", one.kind),
        seen=language.text(
            "oversight.seen", seen=language.number(one.seen), bound=language.number(one.bound)
        ),
        organisation=_organisation(one.organisation, view),
        caller=one.client_id or one.subject,
        closed=language.day(one.closed_at.astimezone(view.zone).date()) if one.closed_at else "",
    )


def _organisation(number: str, view: Viewer) -> str:
    if number == OTHERS:
        return view.language.text("oversight.others")
    return number or view.language.text("oversight.no-organisation")


def _named(key: str, counts: Mapping[str, int], view: Viewer) -> dict[str, int]:
    return {
        view.language.known(f"{key}-{name.replace(' ', '-')}", name): number
        for name, number in counts.items()
    }


def _told(counts: Mapping[str, int], view: Viewer) -> str:
    return ", ".join(f"{name} {view.language.number(number)}" for name, number in counts.items()) or "–"
