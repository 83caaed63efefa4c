"""What the organisation has checked: a list that names nobody, the page of one check, and asking it again."""

from dataclasses import dataclass

from flask import Response, g, redirect, request, url_for
from flask import make_response as flask_response

from registry.access.guard import current_caller, requires_scope
from registry.access.log import loggable
from registry.checks import past
from registry.checks.evidence import Kept
from registry.errors import BadRequestError
from registry.web.context import context
from registry.web.pages.answer_page import answer_page
from registry.web.pages.blueprints import pages
from registry.web.pages.check_form import MAX_LENGTH
from registry.web.pages.common import purpose_label, purposes
from registry.web.pages.language import Language
from registry.web.pages.render import current_language, page

CHECKS_A_PAGE = 50


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One check of the list: nothing about the person."""

    url: str
    given: str
    verdict: str
    reference: str
    purpose: str
    again: bool


@pages.get("/checks")
@requires_scope("registry:verify")
def checks() -> Response:
    """List what the organisation has checked, the newest first; with `reference`, what was checked under it."""
    reference, number = _reference(request.args.get("reference", "")), _page_number()
    found, more = past.recent(
        context(),
        current_caller(),
        # The list tells of nobody; the purpose that is the most general one says why it was read.
        purpose=purposes()[-1],
        request_id=g.request_id,
        reference=reference or None,
        limit=CHECKS_A_PAGE,
        offset=(number - 1) * CHECKS_A_PAGE,
    )
    language = current_language()
    return page(
        "checks.html",
        rows=[_row(each, language) for each in found],
        reference=reference,
        errors=(),
        newer=_url(reference, number - 1) if number > 1 else "",
        older=_url(reference, number + 1) if more else "",
    )


@pages.post("/checks")
@requires_scope("registry:verify")
def filter_checks() -> Response:
    """Take the filter: what may be a personal identity number is masked, as it is kept, before it becomes an address."""
    return flask_response(redirect(_url(_reference(request.form.get("reference", ""))), 303))


@pages.get("/checks/<check_id>")
@requires_scope("registry:verify")
def kept_check(check_id: str) -> Response:
    """Show a check as it was answered. It is one of the organisation's own, else there is none."""
    found = past.fetch(context(), current_caller(), check_id, request_id=g.request_id)
    consented = found.kept.consent_id is not None
    return answer_page(found.answer, found.asked.question(), fresh=False, consented=consented)


@pages.post("/checks/<check_id>/again")
@requires_scope("registry:verify")
def check_again(check_id: str) -> Response:
    """Ask the same again; the page of the new answer tells what has changed."""
    checked = past.ask_again(context(), current_caller(), check_id, request_id=g.request_id)
    return flask_response(redirect(url_for("pages.kept_check", check_id=checked.id), 303))


def _reference(given: str) -> str:
    return loggable(" ".join(given.split())[:MAX_LENGTH])


def _page_number() -> int:
    """Return the page asked for, from 1.

    Raises:
        BadRequestError: it is none, or lies beyond what is listed.
    """
    text = request.args.get("page", "1")
    most = context().settings.search.max_window // CHECKS_A_PAGE
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and 1 <= int(text) <= most):  # noqa: PLR2004 - no number of that length
        raise BadRequestError("page must be a number of a page.")
    return int(text)


def _url(reference: str, number: int = 1) -> str:
    return url_for("pages.checks", reference=reference or None, page=number if number > 1 else None)


def _row(one: Kept, language: Language) -> CheckRow:
    return CheckRow(
        url=url_for("pages.kept_check", check_id=one.id),
        given=language.moment(one.created_at, context().settings.zone),
        verdict=one.verdict,
        reference=one.reference,
        purpose=purpose_label(one.purpose, language),
        again=one.previous_id is not None,
    )
