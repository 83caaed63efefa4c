"""One verification: a question in, an answer out that says how it is known.

The caller writes the access event (with `Answered.ids`) before the answer leaves; this module only reads.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, tzinfo

import sqlalchemy as sa

from registry.matching.match import Match
from registry.matching.model import load_model
from registry.matching.score import Scorer
from registry.records import read
from registry.records.read import Feed, Practitioner
from registry.sealing import Sealer
from registry.verification.finding import Finding, Outcome, Search
from registry.verification.identify import Identifier
from registry.verification.question import CheckedQuestion, Question, check_question
from registry.verification.reasons import Asked, Basis, Reason, outcome_reason
from registry.verification.rules import RuleBook
from registry.verification.ruleset import Answer
from registry.verification.situation import Moment
from registry.verification.verdict import LicenceVerdict, Verdict, verdict
from registry.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class Source:
    """A feed that the answer rests on or whose silence it tells, and whether it keeps its promise now."""

    feed: Feed
    fresh: bool


@dataclass(frozen=True, slots=True)
class CheckedLicence:
    """A licence with its own answer and where it comes from (None when the feed is no longer described)."""

    verdict: LicenceVerdict
    source: Source | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The answer to a question.

    Attributes:
        outcome: `found`, `notFound`, `ambiguous` (several, or not surely the one) or `mismatch` (the number
            exists, but name or birth date contradict the record).
        on_date: the day the answer is about.
        checked_at: when it was given (UTC).
        profession: our code for the profession asked about.
        practitioner, licences: only when the outcome is `found`.
        match: how the record answers to the question: by number, `exact` or (with outcome `mismatch`) `none`; by
            name, `exact` or `strong`. None for the other outcomes. It tells spellings and dates of the record only when
            the outcome is `found`.
        sources: the feeds of the person's licences; when nothing was found that answers the question, every feed that
            could have held it, so that its silence and freshness can be told.
    """

    answer: Answer
    outcome: Outcome
    reasons: tuple[Reason, ...]
    rule_version: str
    on_date: date
    checked_at: datetime
    profession: str | None
    authority: str | None
    practitioner: Practitioner | None
    licences: tuple[CheckedLicence, ...]
    match: Match | None
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer, and the ids of everyone the question hit, also protected persons: for the access log only."""

    verification: Verification
    ids: tuple[int, ...]


def _plain_scorer() -> Scorer:
    return Scorer(load_model())


@dataclass(frozen=True, slots=True)
class Verifier:
    """Answers questions.

    Attributes:
        search: asks the search engine, `SearchEngine.search`; called for questions by name only.
        zone: where "today" is decided (`service.time_zone`).
        max_candidates: people asked of the engine for a name at a time, at most `search.candidate_limit`.
        scorer: gives what compares names; without it names are all taken as equally common.
    """

    sealer: Sealer
    search: Search
    rules: RuleBook
    vocabulary: Vocabulary
    zone: tzinfo
    max_candidates: int
    scorer: Callable[[], Scorer] = _plain_scorer

    def verify(self, question: Question, connection: sa.Connection, now: datetime) -> Answered:
        """Answer one question from SQL truth.

        Args:
            question: who, as what, for when.
            connection: to SQL truth; one transaction, so that all facts are of one moment.
            now: the instant of the question, with its zone.

        Raises:
            BadRequestError: the question can't be answered as it is; says what to change.
            SearchUnavailableError: a question by name while the engine is down; numbers are never affected.
        """
        today = Moment(date.min, now, self.zone).today
        moment = Moment(question.on_date or today, now, self.zone)
        feeds = read.feeds(connection)
        checked = check_question(question, moment, feeds, self.vocabulary)
        identifier = Identifier(connection, self.sealer, self.search, self.max_candidates, self.scorer)
        finding = identifier.identify(checked)
        basis = Basis(feeds, self.rules.on(moment.on_date), self.vocabulary)
        return Answered(_answer(checked, finding, basis), finding.ids)


def _answer(question: CheckedQuestion, finding: Finding, basis: Basis) -> Verification:
    asked = Asked(
        moment=question.moment,
        profession=question.profession,
        authority=question.authority,
        number=question.licence_number or None,
        certain=bool(question.licence_number or question.personal_number),
    )
    found = _judged(asked, finding, basis)
    sources = {each.id: Source(each, each.fresh(asked.moment.now)) for each in basis.feeds.values()}
    told = _told(found, asked, basis.feeds)
    return Verification(
        answer=found.answer,
        outcome=finding.outcome,
        reasons=found.reasons,
        rule_version=found.rule_version,
        on_date=asked.moment.on_date,
        checked_at=asked.moment.now,
        profession=asked.profession,
        authority=asked.authority,
        practitioner=finding.person,
        licences=tuple(CheckedLicence(each, sources.get(each.licence.feed_id)) for each in found.licences),
        match=finding.match,
        sources=tuple(sources[feed_id] for feed_id in told),
    )


def _judged(asked: Asked, finding: Finding, basis: Basis) -> Verdict:
    if finding.person is not None:
        return verdict(finding.person, asked, basis)
    reason = outcome_reason(finding.reason or "not-found", asked, basis)
    return Verdict("ask", (reason,), basis.rules.version, ())


def _told(found: Verdict, asked: Asked, feeds: Mapping[str, Feed]) -> list[str]:
    """Return the feeds to tell about, in the order of their ids."""
    held = {each.licence.feed_id for each in found.licences}
    if any(each.relevant for each in found.licences):
        return sorted(held & feeds.keys())
    could = {feed.id for feed in feeds.values() if asked.authority in {None, feed.authority_id}}
    return sorted(could | (held & feeds.keys()))
