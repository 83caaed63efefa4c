"""Headline and sentence of an answer.

The words promise no more than the verdict: a yes is about a licence, on one day, according to one source.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from registry.verification.ruleset import OutcomeId
from registry.vocabulary import UNKNOWN
from registry.web.pages.answer_view import AnswerReader, Values
from registry.web.pages.views import inside

# Where the service's users work; licences from elsewhere are said to be so.
_HOME = "SE"
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


class Words:
    """Chooses headline and sentence for an answer, and tells whom to ask."""

    def __init__(self, reader: AnswerReader) -> None:
        self._reader = reader
        self._answer = answer = reader.answer
        self._verdict: str = answer["verdict"]
        checked = datetime.fromisoformat(answer["checkedAt"]).astimezone(reader.view.zone).date()
        # A past day, or what was known at a past moment, is told in the past tense.
        self.now = answer["onDate"] == checked.isoformat() and answer["knownAt"] == answer["checkedAt"]
        relevant = [each for each in answer["licences"] if each["relevant"]]
        # An old licence that gave way to a new one speaks another answer; the words are about those that decided.
        self._deciding = [each for each in relevant if each["verdict"] == self._verdict]
        # Whom to ask: where another licence turned a yes into an ask, that one's authority.
        told = {reason["licence"] for reason in answer["reasons"]}
        doubtful = [
            each
            for place, each in enumerate(answer["licences"])
            if each["verdict"] != "yes" and place in told
        ]
        self.to_ask: list[Values] = doubtful or relevant

    @property
    def may_be_answered(self) -> bool:
        """Whether it is the question that falls short, not the authority's facts."""
        codes = {reason["code"] for reason in self._answer["reasons"]}
        return self._verdict == "ask" and not codes.isdisjoint(_TOO_LITTLE)

    @property
    def next(self) -> str:
        """What to do now, as `ResultView.next` tells it."""
        if self.may_be_answered:
            return "again"
        died = any(reason["nature"] == "death" for reason in self._answer["reasons"])
        return "death" if self._verdict == "no" and died else self._verdict

    def headline(self) -> str:
        """Return the answer in a few words."""
        if self._verdict == "ask":
            return self._text("headline.again" if self.may_be_answered else "headline.ask")
        profession = self._profession()
        key = f"headline.{self._verdict}{'' if self.now else '-then'}"
        return self._text(key, profession=profession) if profession else self._text(f"{key}-any")

    def _profession(self) -> str:
        """Return the one profession that the answer is about, "" where it is about several or none."""
        if asked := self._answer["profession"]:
            return self._inside(asked)
        by_code = {each["profession"]["code"]: each["profession"] for each in self._deciding}
        code, word = by_code.popitem() if len(by_code) == 1 else (UNKNOWN, None)
        return "" if code == UNKNOWN or word is None else self._inside(word)

    def _inside(self, word: Values) -> str:
        return inside(self._reader.said(word["name"]))

    def sentence(self) -> str:
        """Return what the answer rests on."""
        match self._verdict:
            case "yes":
                return " ".join((self._yes(), *self._places()))
            case "no":
                return self._text(
                    "sentence.no", date=self._date(), authority=self._authorities(self._deciding)
                )
        if self.may_be_answered:
            return self._text("sentence.again")
        if authority := self._authorities(self.to_ask):
            return self._text("sentence.ask-authority", date=self._date(), authority=authority)
        return self._text("sentence.ask", date=self._date())

    def _yes(self) -> str:
        professions = sorted({self._inside(each["profession"]) for each in self._deciding})
        key = "sentence.yes" if self.now else "sentence.yes-then"
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
        places = {each["jurisdiction"] or "" for each in self._deciding} - {"", _HOME}
        if places:
            yield self._text("sentence.place", place=self._list(sorted(map(self._reader.view.place, places))))

    def times(self) -> str:
        """Say both times in words where the answer is not about today as it is known today; else ""."""
        if self.now:
            return ""
        answer, moment = self._answer, self._reader.moment
        if answer["knownAt"] != answer["checkedAt"]:
            return self._text("times.known-at", date=self._date(), known=moment(answer["knownAt"]))
        return self._text("times.on-date", date=self._date(), known=moment(answer["checkedAt"]))

    def _authorities(self, licences: Sequence[Values]) -> str:
        names = {self._reader.said(each["authority"]["name"]) for each in licences}
        if not names and self._verdict == "no":
            names = {self._reader.said(feed["authority"]["name"]) for feed in self._answer["sources"]}
        return self._list(sorted(names))

    def _date(self) -> str:
        return self._reader.day(self._answer["onDate"])

    def _list(self, items: Sequence[str]) -> str:
        if len(items) < 2:  # noqa: PLR2004 - nothing to join
            return "".join(items)
        return self._text("sentence.list", first=", ".join(items[:-1]), last=items[-1])

    def _text(self, key: str, **values: str) -> str:
        return self._reader.view.language.text(key, **values)
