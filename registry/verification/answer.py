"""What a verification answers: the verdict, the licences with where they are known from, and what silence means."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from registry.matching.match import Match
from registry.records.read import Feed, Practitioner
from registry.verification.finding import Finding, Outcome
from registry.verification.question import CheckedQuestion
from registry.verification.reasons import Asked, Basis, Reason, outcome_reason, remarks, told_feeds
from registry.verification.ruleset import Answer
from registry.verification.verdict import LicenceVerdict, Verdict, verdict


@dataclass(frozen=True, slots=True)
class Source:
    """A feed that the answer rests on or whose silence it tells, and whether it kept its promise at the moment of knowledge."""

    feed: Feed
    fresh: bool


@dataclass(frozen=True, slots=True)
class Provenance:
    """How the registry knows a licence: who told, and when. When it held in the world its own dates tell.

    Attributes:
        feed_id: the feed that told.
        run_id: the run of the feed that brought what is shown, as `GET /v1/feeds/{id}/runs` lists it.
        stamp: the feed's own "as of" of that run (RFC 3339), where the feed gives one.
        known_since: when that run began (UTC): since then the registry has known it.
        known_to: when a later run said otherwise (UTC); None: it stood still at the moment of knowledge.
        learnt_at: when the registry learnt the last of what is shown (UTC): `known_since`, or later where a date that was
            made known afterwards (a backdated revocation, a renewal) changes what held on the day.
    """

    feed_id: str
    run_id: int
    stamp: str | None
    known_since: datetime
    known_to: datetime | None
    learnt_at: datetime


@dataclass(frozen=True, slots=True)
class CheckedLicence:
    """A licence with its own answer and where it comes from (None when the feed is no longer described)."""

    verdict: LicenceVerdict
    source: Source | None

    @property
    def provenance(self) -> Provenance:
        """How the registry knows it."""
        known = self.verdict.licence
        return Provenance(
            feed_id=known.feed_id,
            run_id=known.run_id,
            stamp=known.stamp,
            known_since=known.known_since,
            known_to=known.known_to,
            learnt_at=known.learnt_at or known.known_since,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The answer to a question.

    Attributes:
        outcome: `found`, `notFound`, `ambiguous` (several, or not surely the one) or `mismatch` (the number
            exists, but name or birth date contradict the record).
        on_date: the day the answer is about: when it held in the world.
        known_at: with what knowledge it was given (UTC): that of the moment asked about, else of `checked_at`.
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
    known_at: datetime
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


def answer(question: CheckedQuestion, finding: Finding, basis: Basis, checked_at: datetime) -> Answered:
    """Answer a question about the person who was found, or say why nobody was.

    Args:
        question: as checked.
        finding: whom it is about; of a question about the past, with licences as history tells them.
        basis: feeds, rules and words.
        checked_at: when the answer is given (UTC).
    """
    asked = Asked(
        moment=question.moment,
        profession=question.profession,
        authority=question.authority,
        number=question.licence_number or None,
        certain=bool(question.licence_number or question.personal_number),
    )
    found = _judged(asked, finding, basis)
    feeds, moment = basis.feeds, asked.moment
    told = _told(found, asked, basis, finding.person.withheld if finding.person else ())
    sources = {
        each: Source(feeds[each], feeds[each].fresh(moment.now))
        for each in {*told, *(one.licence.feed_id for one in found.licences)}
        if each in feeds
    }
    verification = Verification(
        answer=found.answer,
        outcome=finding.outcome,
        reasons=found.reasons,
        rule_version=found.rule_version,
        on_date=moment.on_date,
        known_at=moment.now,
        checked_at=checked_at,
        profession=asked.profession,
        authority=asked.authority,
        practitioner=finding.person,
        licences=tuple(CheckedLicence(each, sources.get(each.licence.feed_id)) for each in found.licences),
        match=finding.match,
        sources=tuple(sources[feed_id] for feed_id in told),
    )
    return Answered(verification, finding.ids)


def _judged(asked: Asked, finding: Finding, basis: Basis) -> Verdict:
    if finding.person is not None:
        return verdict(finding.person, asked, basis)
    reason = outcome_reason(finding.reason or "not-found", asked, basis)
    beside = remarks(asked, basis, told_feeds(asked, basis))
    return Verdict("ask", (reason, *beside), basis.rules.version, ())


def _told(found: Verdict, asked: Asked, basis: Basis, withheld: Collection[str]) -> list[str]:
    """Return the feeds to tell about, in the order of their ids."""
    held = {each.licence.feed_id for each in found.licences}
    if any(each.relevant for each in found.licences):
        return sorted(held & basis.feeds.keys())
    if asked_of := set(withheld) & basis.feeds.keys() & told_feeds(asked, basis):
        # What the others don't hold is not what is missing.
        return sorted(asked_of | (held & basis.feeds.keys()))
    return sorted(told_feeds(asked, basis) | (held & basis.feeds.keys()))
