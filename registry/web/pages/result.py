"""The result of a check as the page shows it: one headline, one sentence, reasons, and what they rest on.

The words promise no more than the verdict: a yes is about a licence, on one day, according to one source.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from registry.records.read import Licence
from registry.verification.reasons import Reason
from registry.verification.ruleset import Answer, OutcomeId
from registry.verification.verify import CheckedLicence, Verification
from registry.vocabulary import UNKNOWN
from registry.web.pages.check_form import Question
from registry.web.pages.match_view import MatchView, match_view
from registry.web.pages.views import LicenceView, PersonView, ReasonView, SourceView, Viewer

# Where the service's users work; licences from elsewhere are said to be so.
_HOME = "SE"
_HIDDEN = "-••••"
# Outcomes of config/verdict that a fuller or corrected question may do away with.
_TOO_LITTLE: frozenset[OutcomeId] = frozenset(
    {
        "ambiguous",
        "uncertain-match",
        "name-differs",
        "birth-date-differs",
        "number-for-other-profession",
        "professions-differ",
        "authorities-differ",
    }
)


@dataclass(frozen=True, slots=True)
class ResultView:
    """A check's answer in words.

    Attributes:
        next: what to do now: yes, no, ask, death (of the person), or again (the same question with more in it may be
            answered).
        asked: what was asked, as label and value; a personal identity number without its last four digits.
        licences: those the question was about; others: the rest of the person's.
        sources: feeds whose silence is to be told; empty when the person's licences tell their own.
    """

    answer: Answer
    next: str
    headline: str
    sentence: str
    reasons: tuple[ReasonView, ...]
    asked: tuple[tuple[str, str], ...]
    person: PersonView | None
    match: MatchView | None
    licences: tuple[LicenceView, ...]
    others: tuple[LicenceView, ...]
    sources: tuple[SourceView, ...]


def result_view(question: Question, found: Verification, view: Viewer, person_url: str) -> ResultView:
    """Write the answer to a check."""
    person = found.practitioner
    told = set(found.reasons)
    licences = [(each, _licence(each, view, told)) for each in found.licences]
    return ResultView(
        answer=found.answer,
        next=_next(found),
        headline=_Words(found, view).headline(),
        sentence=_Words(found, view).sentence(),
        reasons=tuple(view.reason(reason) for reason in found.reasons),
        asked=tuple(_asked(question, view)),
        person=view.person(person, url=person_url) if person else None,
        match=match_view(found.match, view.language) if person else None,
        licences=tuple(written for each, written in licences if each.verdict.relevant),
        others=tuple(written for each, written in licences if not each.verdict.relevant),
        sources=() if any(each.verdict.relevant for each in found.licences) else _sources(found, view),
    )


def _may_be_answered(found: Verification) -> bool:
    """Tell whether it is the question that falls short, not the authority's facts."""
    return found.answer == "ask" and any(reason.code in _TOO_LITTLE for reason in found.reasons)


def _next(found: Verification) -> str:
    if _may_be_answered(found):
        return "again"
    died = found.answer == "no" and any(reason.nature == "death" for reason in found.reasons)
    return "death" if died else found.answer


def _licence(each: CheckedLicence, view: Viewer, told: set[Reason]) -> LicenceView:
    """Write a licence; reasons that stand above already are not said twice."""
    reasons = [reason for reason in each.verdict.reasons if reason not in told]
    return view.licence(each.verdict.licence, each.verdict.answer, reasons)


def _sources(found: Verification, view: Viewer) -> tuple[SourceView, ...]:
    return tuple(view.source(source.feed) for source in found.sources)


def _asked(question: Question, view: Viewer) -> Iterable[tuple[str, str]]:
    text = view.language.text
    if question.personal_number:
        yield text("asked.personal-number"), question.personal_number[:8] + _HIDDEN
    if question.licence_number:
        yield text("asked.licence-number"), question.licence_number
    if question.name:
        yield text("asked.name"), question.name
    if question.birth_date:
        yield text("asked.birth-date"), view.language.day(question.birth_date)
    if question.profession:
        yield (
            text("asked.profession"),
            view.vocabulary.profession_label(question.profession, view.language.code),
        )
    if question.authority:
        yield text("asked.authority"), view.authority(question.authority)
    if question.on_date:
        yield text("asked.on-date"), view.language.day(question.on_date)


class _Words:
    """Chooses headline and sentence for a verdict."""

    def __init__(self, found: Verification, view: Viewer) -> None:
        self._found = found
        self._view = view
        self._today = found.on_date == found.checked_at.astimezone(view.zone).date()
        relevant = [each.verdict for each in found.licences if each.verdict.relevant]
        # An old licence that gave way to a new one speaks another answer; the words are about those that decided.
        self._deciding = [each.licence for each in relevant if each.answer == found.answer]
        # Whom to ask: where another licence turned a yes into an ask, that one's authority.
        told = {reason.licence_id for reason in found.reasons}
        doubtful = [
            each.verdict.licence
            for each in found.licences
            if each.verdict.answer != "yes" and each.verdict.licence.id in told
        ]
        self._to_ask = doubtful or [each.licence for each in relevant]

    def headline(self) -> str:
        """Return the answer in a few words."""
        if self._found.answer == "ask":
            return self._text("headline.again" if _may_be_answered(self._found) else "headline.ask")
        profession = self._profession()
        key = f"headline.{self._found.answer}{'' if self._today else '-then'}"
        return self._text(key, profession=profession) if profession else self._text(f"{key}-any")

    def _profession(self) -> str:
        """Return the one profession that the answer is about, "" where it is about several or none."""
        if self._found.profession:
            return self._view.profession_inside(self._found.profession)
        codes = {licence.facts.profession for licence in self._deciding}
        code = codes.pop() if len(codes) == 1 else UNKNOWN
        return "" if code == UNKNOWN else self._view.profession_inside(code)

    def sentence(self) -> str:
        """Return what the answer rests on."""
        match self._found.answer:
            case "yes":
                return " ".join((self._yes(), *self._places()))
            case "no":
                return self._text(
                    "sentence.no", date=self._date(), authority=self._authorities(self._deciding)
                )
        authority = self._authorities(self._to_ask)
        if _may_be_answered(self._found):
            return self._text("sentence.again")
        if authority:
            return self._text("sentence.ask-authority", date=self._date(), authority=authority)
        return self._text("sentence.ask", date=self._date())

    def _yes(self) -> str:
        professions = sorted({self._view.profession_inside(each.facts.profession) for each in self._deciding})
        key = "sentence.yes" if self._today else "sentence.yes-then"
        if len(professions) > 1:
            key += "-many"
        return self._text(
            key,
            date=self._date(),
            authority=self._authorities(self._deciding),
            professions=self._list(professions),
        )

    def _places(self) -> Iterable[str]:
        """Say where a licence from another country is valid: the word yes must not be read as about this one."""
        places = {licence.facts.jurisdiction for licence in self._deciding} - {"", _HOME}
        if places:
            yield self._text("sentence.place", place=self._list(sorted(map(self._view.place, places))))

    def _authorities(self, licences: Sequence[Licence]) -> str:
        names = {self._view.source_of(licence).authority for licence in licences}
        if not names and self._found.answer == "no":
            names = {self._view.source(source.feed).authority for source in self._found.sources}
        return self._list(sorted(names))

    def _date(self) -> str:
        return self._view.language.day(self._found.on_date)

    def _list(self, items: Sequence[str]) -> str:
        if len(items) < 2:  # noqa: PLR2004 - nothing to join
            return "".join(items)
        return self._text("sentence.list", first=", ".join(items[:-1]), last=items[-1])

    def _text(self, key: str, **values: str) -> str:
        return self._view.language.text(key, **values)
