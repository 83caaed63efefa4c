"""Consent codes, for people with a protected identity: letting one employer finish one check."""

from dataclasses import dataclass

from flask import Response, redirect, request, url_for
from flask import make_response as flask_response

from registry.access.claims import is_sole_trader
from registry.access.guard import current_caller, requires_scope
from registry.access.log import loggable
from registry.checks import consents
from registry.checks.consent_code import written
from registry.checks.errors import ConsentLimitError
from registry.checks.organisation import read_organisation
from registry.errors import NotFoundError
from registry.records import read
from registry.records.read import Practitioner
from registry.web.context import context
from registry.web.pages.blueprints import pages
from registry.web.pages.check_form import MAX_LENGTH, FormError
from registry.web.pages.common import OWN_RECORD, Option, log_access
from registry.web.pages.language import Language
from registry.web.pages.render import current_language, page

_DAY = 24
_UNUSABLE = 422
# The one button that needs a script: copying the code, which stands there as text.
_SCRIPTS = ("copy.js",)


@dataclass(frozen=True, slots=True)
class ConsentRow:
    """One consent as the list shows it; `withdrawal` is an address, "" where there is nothing to withdraw."""

    organisation: str
    state: str
    made: str
    until: str
    used: str
    withdrawal: str


@pages.get("/me/consents")
@requires_scope("registry:self")
def own_consents() -> Response:
    """Show the form that makes a code, and the codes that were made."""
    people = _own()
    log_access("own-record", OWN_RECORD, {"consents": True}, f"{len(people)} records", _ids(people))
    return _page(people)


@pages.post("/me/consents")
@requires_scope("registry:self")
def make_consent() -> Response:
    """Make a code and show it, once; the answer has no address that could be opened again."""
    shared, people = context(), _own()
    if not people:
        raise NotFoundError
    typed, hours = " ".join(request.form.get("organisation", "").split()), request.form.get("hours", "")
    try:
        organisation = read_organisation(typed, shared.sealer.digest)
    except ValueError:
        return _page(people, typed=typed, hours=hours, error=FormError("organisation", "wrong.organisation"))
    if hours not in (choices := [option.value for option in _lives()]):
        return _page(people, typed=typed, hours=choices[0], error=FormError("hours", "wrong.hours"))
    person = people[0]
    try:
        made = consents.make(
            shared.access,
            shared.sealer,
            shared.settings.checks.consents,
            practitioner_id=person.id,
            organisation=organisation,
            hours=int(hours),
            now=shared.now(),
        )
    except ConsentLimitError:
        return _page(
            people, typed=typed, hours=hours, error=FormError("organisation", "wrong.too-many-codes")
        )
    asked = {"consent": made.id, "organisation": loggable(organisation)}
    log_access("own-record", OWN_RECORD, asked, "consent code made", [person.id])
    language = current_language()
    return page(
        "consent.html",
        scripts=_SCRIPTS,
        code=written(made.code),
        organisation=_told(organisation, language),
        until=language.moment(made.expires_at, shared.settings.zone),
    )


@pages.post("/me/consents/<consent_id>/withdrawal")
@requires_scope("registry:self")
def withdraw_consent(consent_id: str) -> Response:
    """Withdraw a code that nobody has used."""
    shared, people = context(), _own()
    done = consents.withdraw(shared.access, consent_id, _ids(people), shared.now())
    asked = {"consent": loggable(consent_id)}
    log_access("own-record", OWN_RECORD, asked, "withdrawn" if done else "not found", _ids(people))
    return flask_response(redirect(url_for("pages.own_consents"), 303))


def _own() -> list[Practitioner]:
    """Read the reader's own records that are protected; others need no code."""
    number, shared = current_caller().personal_number, context()
    if number is None:
        return []
    with shared.truth.connect() as connection:
        ids = read.ids_by_personal_number(connection, shared.sealer, number.reveal())
        found = read.practitioners(connection, ids).values()
    return [person for person in found if person.protected and person.merged_into_id is None]


def _ids(people: list[Practitioner]) -> list[int]:
    return [person.id for person in people]


def _page(
    people: list[Practitioner], *, typed: str = "", hours: str = "", error: FormError | None = None
) -> Response:
    shared, language = context(), current_language()
    with shared.access.connect() as connection:
        made = consents.of_people(connection, _ids(people))
    return page(
        "consents.html",
        status=_UNUSABLE if error else 200,
        is_protected=bool(people),
        # A sole trader's number is a personal identity number: it is not shown again.
        organisation="" if loggable(typed) != typed else typed[:MAX_LENGTH],
        hours=hours,
        lives=_lives(),
        errors=() if error is None else (error,),
        rows_shown=[_row(one, language) for one in made],
    )


def _lives() -> list[Option]:
    """Return for how long a code may be good: a day, or the longest that the settings allow."""
    language, longest = current_language(), context().settings.checks.consents.max_hours
    hours = [each for each in (_DAY, longest) if each <= longest]
    return [Option(str(each), _life(each, language)) for each in dict.fromkeys(hours)]


def _life(hours: int, language: Language) -> str:
    if hours % _DAY:
        return language.text("consent.hours", number=hours)
    return (
        language.text("consent.day") if hours == _DAY else language.text("consent.days", number=hours // _DAY)
    )


def _row(one: consents.Consent, language: Language) -> ConsentRow:
    shared = context()
    zone, state = shared.settings.zone, one.state(shared.now())
    unused = state == "unused"
    return ConsentRow(
        organisation=_told(one.organisation, language),
        state=language.text(f"consent.state-{state}"),
        made=language.moment(one.created_at, zone),
        until=language.moment(one.expires_at, zone),
        used=language.moment(one.used_at, zone) if one.used_at else "",
        withdrawal=url_for("pages.withdraw_consent", consent_id=one.id) if unused else "",
    )


def _told(organisation: str, language: Language) -> str:
    if is_sole_trader(organisation):
        return language.text("consent.sole-trader")
    return f"{organisation[:6]}-{organisation[6:]}"
