"""The page of one answer, fresh or kept: the verdict at one glance, and everything it rests on."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Response, url_for

from registry.access.guard import current_caller
from registry.records.authorities import authority_urls
from registry.verification.question import Question
from registry.web.context import context
from registry.web.pages.answer_view import AnswerReader
from registry.web.pages.common import known_feeds, purpose_label, viewer
from registry.web.pages.render import page
from registry.web.pages.result import ResultView, result_view
from registry.web.pages.views import Viewer

# The one button that needs a script: copying the reference, which stands there as text.
_SCRIPTS = ("copy.js",)
Facts = Sequence[tuple[str, str]]


def answer_page(
    answer: Mapping[str, Any], question: Question, *, fresh: bool, consented: bool = False
) -> Response:
    """Return the page of an answer; its access event must have been written.

    Args:
        answer: as `registry.checks.answer` describes it, with `previous` and `changes` where it was asked again.
        question: what was asked.
        fresh: it has just been given; else it was fetched, and the page says that it may have changed.
        consented: it was answered by a consent code: the person has no page that may be shown, and the same question is answered
            otherwise without a new code.
    """
    view = viewer(known_feeds())
    result = result_view(
        answer, question, view, person_url="" if consented else _person_url(answer), urls=_urls()
    )
    reader = AnswerReader(answer, view)
    given = reader.moment(answer["checkedAt"])
    previous = answer.get("previous")
    return page(
        "result.html",
        scripts=_SCRIPTS,
        result=result,
        evidence=_evidence(answer, view, given, fresh=fresh),
        given="" if fresh else given,
        copied=_copied(answer, result, view, given),
        own_url=url_for("pages.kept_check", check_id=answer["id"]),
        consented=consented,
        again_url="" if consented else url_for("pages.check_again", check_id=answer["id"]),
        previous=previous
        and {
            "url": url_for("pages.kept_check", check_id=previous["id"]),
            "given": reader.moment(previous["checkedAt"]),
        },
        changes=[reader.said(each["text"]) for each in answer.get("changes", ())],
    )


def _urls() -> Mapping[str, str]:
    with context().truth.connect() as connection:
        return authority_urls(connection)


def _person_url(answer: Mapping[str, Any]) -> str:
    person = answer["practitioner"]
    if person is None or not current_caller().may("registry:read"):
        return ""
    return url_for("pages.practitioner", public_id=person["id"], purpose=answer["purpose"])


def _evidence(answer: Mapping[str, Any], view: Viewer, given: str, *, fresh: bool) -> Facts:
    """Return what proves the answer: when, by which rules, why, for whom, and the id to find it again."""
    caller, text = current_caller(), view.language.text
    # Who of the organisation asked for a kept one stands in the access log.
    who = [caller.name] if fresh else []
    if caller.organisation:
        who.append(text("me.organisation", number=caller.organisation))
    return (
        (text("result.evidence-id"), answer["id"]),
        (text("result.checked-at"), given),
        (text("result.own-reference"), answer["reference"] or ""),
        (text("result.purpose"), purpose_label(answer["purpose"], view.language)),
        (text("result.checked-by"), ", ".join(part for part in who if part)),
        (text("result.rules"), answer["ruleVersion"]),
    )


def _copied(answer: Mapping[str, Any], result: ResultView, view: Viewer, given: str) -> str:
    """Return the line that is copied into a staff system: no name and no number of the person."""
    text = view.language.text
    line = text("copied.line", headline=result.headline, moment=given, id=answer["id"])
    return (
        f"{line} {text('copied.reference', reference=answer['reference'])}" if answer["reference"] else line
    )
