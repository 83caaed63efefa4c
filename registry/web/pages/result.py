"""The result of a check as the page shows it: one headline, one sentence, reasons, what to do, and what they rest on.

It is made from the plain answer alone, so that a fetched one looks as it did when it was given.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from registry.dates import parse_compact
from registry.verification.question import Question
from registry.verification.ruleset import Answer
from registry.web.pages.answer_view import AnswerReader, Values
from registry.web.pages.answer_words import Words
from registry.web.pages.match_view import MatchView
from registry.web.pages.next_steps import Contact, contacts, steps
from registry.web.pages.views import LicenceView, ReasonView, SourceView, Viewer

_HIDDEN = "-••••"


@dataclass(frozen=True, slots=True)
class FoundView:
    """Who was found: as much as tells namesakes apart."""

    name: str
    birth_year: str
    deceased: bool
    url: str


@dataclass(frozen=True, slots=True)
class ResultView:
    """A check's answer in words.

    Attributes:
        next: what to do now: yes, no, ask, death (of the person), or again (the same question with more in it may be
            answered).
        times: both times in words where the answer is not about today as known today; else "".
        steps, contacts: what to do about each kind of reason, and whom to ask.
        asked: what was asked, as label and value; a personal identity number without its last four digits.
        licences: those the question was about; others: the rest of the person's.
        sources: feeds whose silence is to be told; empty when the person's licences tell their own.
    """

    answer: Answer
    next: str
    headline: str
    sentence: str
    times: str
    reasons: tuple[ReasonView, ...]
    steps: tuple[str, ...]
    contacts: tuple[Contact, ...]
    asked: tuple[tuple[str, str], ...]
    person: FoundView | None
    match: MatchView | None
    licences: tuple[LicenceView, ...]
    others: tuple[LicenceView, ...]
    sources: tuple[SourceView, ...]


def result_view(
    answer: Values, question: Question, view: Viewer, *, person_url: str, urls: Mapping[str, str]
) -> ResultView:
    """Write the answer to a check.

    Args:
        answer: as `registry.checks.answer` describes it.
        question: what was asked.
        view: the reader's language, and the feeds as they are now (for names of authorities asked about).
        person_url: where the whole record is, "" if it is not linked.
        urls: addresses of authorities by their ids.
    """
    reader = AnswerReader(answer, view)
    words = Words(reader)
    told = answer["reasons"]
    licences = [(each["relevant"], reader.licence(each, told)) for each in answer["licences"]]
    return ResultView(
        answer=answer["verdict"],
        next=words.next,
        headline=words.headline(),
        sentence=words.sentence(),
        times=words.times(),
        reasons=tuple(map(reader.reason, told)),
        steps=steps(reader),
        contacts=contacts(reader, words, urls),
        asked=tuple(_asked(question, view)),
        person=_person(answer["practitioner"], view, person_url),
        match=reader.match(),
        licences=tuple(written for relevant, written in licences if relevant),
        others=tuple(written for relevant, written in licences if not relevant),
        sources=() if any(relevant for relevant, _ in licences) else reader.sources(),
    )


def _person(person: Mapping[str, Any] | None, view: Viewer, url: str) -> FoundView | None:
    if person is None:
        return None
    name = person["name"] or view.language.text("person.nameless")
    return FoundView(name, person["birthYear"] or "", person["deceased"], url)


def _asked(question: Question, view: Viewer) -> Iterable[tuple[str, str]]:
    text, day = view.language.text, view.language.day
    if question.personal_number:
        # Kept questions hold it as it was written to the API.
        birth_date = "".join(filter(str.isdigit, question.personal_number))[:-4]
        yield text("asked.personal-number"), birth_date + _HIDDEN
    if question.licence_number:
        yield text("asked.licence-number"), question.licence_number
    if question.name:
        yield text("asked.name"), question.name
    if question.birth_date:
        yield text("asked.birth-date"), day(parse_compact(question.birth_date))
    if question.profession:
        code = view.vocabulary.find_profession(question.profession) or question.profession
        yield text("asked.profession"), view.vocabulary.profession_label(code, view.language.code)
    if question.authority:
        yield text("asked.authority"), view.authority(question.authority)
    if question.on_date:
        yield text("asked.on-date"), day(question.on_date)
    if question.known_at:
        yield text("asked.known-at"), view.language.moment(question.known_at, view.zone)
