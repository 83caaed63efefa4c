"""Checking a licence: one form, one verdict. The answer is sent at once, so that no address ever names a person."""

from datetime import date, datetime, time

from flask import Response, g, redirect, request, url_for
from flask import make_response as flask_response

from registry.access.guard import current_caller, requires_scope
from registry.checks import one
from registry.checks.errors import ConsentRefusedError
from registry.errors import BadRequestError
from registry.verification.question import Question as AskedQuestion
from registry.web.context import context
from registry.web.pages.answer_page import answer_page
from registry.web.pages.blueprints import pages
from registry.web.pages.check_form import Choices, FormError, Question, read_check_form
from registry.web.pages.common import known_feeds, profession_codes, purposes
from registry.web.pages.start import start_page

_UNUSABLE = 422


@pages.get("/check")
@requires_scope("registry:verify")
def check_form() -> Response:
    """Lead to the form: a fresh answer has no address of its own; it is kept under `/checks/`."""
    return flask_response(redirect(url_for("pages_public.start"), 303))


@pages.post("/check")
@requires_scope("registry:verify")
def check() -> Response:
    """Answer the form, or show it again with what is wrong."""
    authorities = {feed.authority_id for feed in known_feeds().values()}
    choices = Choices(profession_codes(), authorities, purposes())
    form = read_check_form(request.form, choices, context().today())
    if form.question is None:
        return start_page(form.typed, form.errors, _UNUSABLE)
    try:
        return answer(form.question)
    except ConsentRefusedError as refused:
        context().refusals.add(refused.slug, current_caller())
        return start_page(form.typed, (FormError("consent-code", "wrong.consent-code-refused"),), _UNUSABLE)
    except BadRequestError:
        # What only the verification can tell: its own words are for programmers.
        way = form.typed.way
        return start_page(
            form.typed, (FormError("family" if way == "name" else way, f"wrong.{way}"),), _UNUSABLE
        )


def answer(question: Question) -> Response:
    """Return the page that answers a question, once its access event is written.

    Raises:
        BadRequestError: the question can't be answered as it is.
        ConsentRefusedError: the consent code is not good for the question.
        QuotaExceededError: the organisation has asked too much.
        SearchUnavailableError: it asks by name, and the search engine is down.
        AccessLogUnavailableError: the event can't be written.
    """
    asked = AskedQuestion(
        licence_number=question.licence_number,
        personal_number=question.personal_number,
        name=question.name,
        birth_date=question.birth_date,
        profession=question.profession,
        authority=question.authority,
        on_date=question.on_date,
        known_at=_end_of(question.known_on),
    )
    checked = one.check(
        context(),
        current_caller(),
        asked,
        purpose=question.purpose,
        reference=question.reference or None,
        request_id=g.request_id,
        consent_code=question.consent_code,
    )
    return answer_page(checked.answer, asked, fresh=True, consented=question.consent_code is not None)


def _end_of(day: date | None) -> datetime | None:
    """Return the last moment of a past day: what was known on it is what was known when it ended."""
    shared = context()
    if day is None or day >= shared.today():
        return None
    return datetime.combine(day, time.max, shared.settings.zone)
