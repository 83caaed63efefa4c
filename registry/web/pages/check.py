"""Checking a licence: one form, one verdict. The answer is sent at once, so that no address ever names a person."""

from typing import Any

from flask import Response, redirect, request, url_for
from flask import make_response as flask_response

from registry.access.guard import requires_scope
from registry.access.log import loggable
from registry.errors import BadRequestError
from registry.verification.question import Question as AskedQuestion
from registry.verification.verify import Answered
from registry.web.context import context
from registry.web.pages.blueprints import pages
from registry.web.pages.check_form import Choices, FormError, Question, read_check_form
from registry.web.pages.common import evidence, known_feeds, log_access, profession_codes, purposes, viewer
from registry.web.pages.render import page
from registry.web.pages.result import result_view
from registry.web.pages.start import start_page

_UNUSABLE = 422


@pages.get("/check")
@requires_scope("registry:verify")
def check_form() -> Response:
    """Lead to the form: an answer has no address of its own."""
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
        SearchUnavailableError: it asks by name, and the search engine is down.
        AccessLogUnavailableError: the event can't be written.
    """
    answered = _verify(question)
    found = answered.verification
    log_access("verify", question.purpose, _loggable(question), found.answer, answered.ids)
    view = viewer(known_feeds())
    person = found.practitioner
    url = (
        url_for("pages.practitioner", public_id=person.public_id, purpose=question.purpose) if person else ""
    )
    return page(
        "result.html",
        result=result_view(question, found, view, url),
        evidence=evidence(question.purpose, found.rule_version, view),
    )


def _verify(question: Question) -> Answered:
    asked = AskedQuestion(
        licence_number=question.licence_number,
        personal_number=question.personal_number,
        name=question.name,
        birth_date=question.birth_date,
        profession=question.profession,
        authority=question.authority,
        on_date=question.on_date,
    )
    return context().verify(asked)


def _loggable(question: Question) -> dict[str, Any]:
    """Return the question for the access log: how the person was named, never their personal identity number."""
    asked = {
        "by": "personal number"
        if question.personal_number
        else "licence number"
        if question.licence_number
        else "name",
        "licenceNumber": loggable(question.licence_number or ""),
        "name": loggable(question.name),
        "birthDate": question.birth_date or "",
        "profession": question.profession or "",
        "authority": question.authority or "",
        "onDate": question.on_date.isoformat() if question.on_date else "",
    }
    return {name: value for name, value in asked.items() if value}
