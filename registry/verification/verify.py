"""Verifications: questions in, answers out that say how they are known. One question is a list of one.

The caller writes the access events (with `Answered.ids`) before the answers leave; this module only reads.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo

import sqlalchemy as sa

from registry.errors import BadRequestError, RegistryError, SearchUnavailableError
from registry.identifiers import parse_personal_number
from registry.matching.model import load_model
from registry.matching.score import Scorer
from registry.records.as_of import Look, Past, as_of, read_past
from registry.records.feeds import Feed, feeds, feeds_at, first_pulls, pulls_around
from registry.records.one_journey import Reading, by_licence_number, by_personal_number
from registry.sealing import Sealer
from registry.search.port import SearchPage
from registry.search.query import SearchQuery
from registry.verification.admitted import Admitted
from registry.verification.answer import Answered, CheckedLicence, Source, Verification, answer
from registry.verification.finding import NOBODY, Finding, Search, SearchMany
from registry.verification.identify import Identifier
from registry.verification.question import MAX_NUMBER, CheckedQuestion, Question, check_question
from registry.verification.reasons import Basis
from registry.verification.rules import RuleBook
from registry.verification.ruleset import RuleSet
from registry.verification.situation import Moment
from registry.vocabulary import Vocabulary

__all__ = ["Answered", "CheckedLicence", "Source", "Then", "Verification", "Verifier"]

# Questions whose people are read together: enough that a statement costs little for each, few enough for flat memory.
CHUNK = 500


def _plain_scorer() -> Scorer:
    return Scorer(load_model())


@dataclass(frozen=True, slots=True)
class Then:
    """When an answer was given and by which rules, to be worked out again."""

    checked_at: datetime
    rules: RuleSet


@dataclass(frozen=True, slots=True)
class Verifier:
    """Answers questions.

    Attributes:
        search: asks the search engine, `SearchEngine.search`; called for questions by name only.
        zone: where "today" is decided (`service.time_zone`).
        max_candidates: people asked of the engine for a name at a time, at most `search.candidate_limit`.
        scorer: gives what compares names; without it names are all taken as equally common.
        search_many: `SearchEngine.search_many`; None: questions are searched for one by one with `search`.
    """

    sealer: Sealer
    search: Search
    rules: RuleBook
    vocabulary: Vocabulary
    zone: tzinfo
    max_candidates: int
    scorer: Callable[[], Scorer] = _plain_scorer
    search_many: SearchMany | None = None

    def verify(self, question: Question, connection: sa.Connection, now: datetime) -> Answered:
        """Answer one question from SQL truth.

        Args:
            question: who, as what, for when.
            connection: to SQL truth; one transaction of one moment, unless `takes_one_statement`.
            now: the instant of the question, with its zone.

        Raises:
            BadRequestError: the question can't be answered as it is; says what to change.
            SearchUnavailableError: a question by name while the engine is down; numbers are never affected.
        """
        return _only(self.verify_many([question], connection, now))

    def verify_admitted(
        self, question: Question, person_id: int, connection: sa.Connection, now: datetime
    ) -> Answered:
        """Answer one question about one person, who may be protected and has agreed to that; about anyone else "not found".

        Args:
            question: who, as what, for when; it must agree with the person.
            person_id: whom a consent code names; `NOBODY` for a code that is none, for the same work.
            connection: to SQL truth; one transaction of one moment.
            now: the instant of the question, with its zone.

        Raises:
            BadRequestError: as `verify`. The search engine is not asked.
        """
        admitted = Admitted(connection, self.sealer, self.scorer, self.max_candidates, person_id)
        [answered] = _Run(self, connection, now, None, None, admitted=admitted).answer([question])
        return _only([answered])

    def verify_many(
        self, questions: Sequence[Question], connection: sa.Connection, now: datetime
    ) -> list[Answered | RegistryError]:
        """Answer many questions from SQL truth, in few statements; each as `verify` would, in the order given.

        Args:
            questions: any number; what is read is read for some hundred at a time.
            connection: as for `verify`.
            now: as for `verify`.

        Returns:
            for each an answer, or the error that `verify` would raise.
        """
        return self._all(questions, connection, now, None)

    def takes_one_statement(self, question: Question, now: datetime) -> bool:
        """Tell whether a question is answered with what one statement reads: by number, about today as it is known.

        Any other is asked in a transaction of one moment (`registry.database.of_one_moment`).
        """
        numbers = [bool((one or "").strip()) for one in (question.licence_number, question.personal_number)]
        today = now.astimezone(self.zone).date()
        return sum(numbers) == 1 and question.known_at is None and question.on_date in {None, today}

    def recompute(
        self, question: Question, connection: sa.Connection, checked_at: datetime, rule_version: str
    ) -> Answered:
        """Work out again an answer that was given: with the knowledge of that moment, by the rules it names.

        Whom a number or name leads to, what records are joined to one person, names and birth dates, and what is configured
        of feeds are as they are known today; licences, restrictions, deaths, what waited, and the feeds' health as then.

        Args:
            question: as it was asked.
            connection: as for `verify`.
            checked_at: when it was answered.
            rule_version: of the answer.

        Raises:
            NotFoundError: there is no such rule set any more.
            BadRequestError, SearchUnavailableError: as `verify`.
        """
        then = Then(checked_at, self.rules.of_version(rule_version))
        return _only(self._all([question], connection, checked_at, then))

    def _all(
        self, questions: Sequence[Question], connection: sa.Connection, now: datetime, then: Then | None
    ) -> list[Answered | RegistryError]:
        run = _Run(self, connection, now, then, self._ahead(questions, connection, now))
        found: list[Answered | RegistryError] = []
        for start in range(0, len(questions), CHUNK):
            found += run.answer(questions[start : start + CHUNK])
        return found

    def _ahead(
        self, questions: Sequence[Question], connection: sa.Connection, now: datetime
    ) -> Reading | None:
        """Read what a single question by number needs, in one journey; None where that is not known beforehand."""
        if len(questions) != 1:
            return None
        asked = questions[0]
        # As `check_question` reads them: nothing may be read ahead for what turns out to be a question by name.
        number, personal = (asked.licence_number or "").strip(), (asked.personal_number or "").strip()
        if personal and not number:
            try:
                today = now.astimezone(self.zone).date()
                digits = parse_personal_number(personal, today=today)
            except ValueError:
                return None
            return by_personal_number(connection, self.sealer, digits)
        if number and not personal and len(number) <= 2 * MAX_NUMBER:
            return by_licence_number(connection, number)
        return None

    def ask(self, queries: Sequence[SearchQuery], today: date) -> list[SearchPage | RegistryError]:
        """Ask the search engine."""
        if self.search_many is not None and len(queries) > 1:
            return self.search_many(queries, today)
        found: list[SearchPage | RegistryError] = []
        down: SearchUnavailableError | None = None
        for query in queries:
            # An engine that is down is asked once: each further attempt would only take its time to fail.
            if down is not None:
                found.append(down)
                continue
            try:
                found.append(self.search(query, today))
            except BadRequestError as error:
                found.append(error)
            except SearchUnavailableError as error:
                down = error
                found.append(error)
        return found


def _only(answers: list[Answered | RegistryError]) -> Answered:
    [one] = answers
    if isinstance(one, RegistryError):
        raise one
    return one


class _Run:
    """Answers one list of questions; what all of them need is read once."""

    def __init__(
        self,
        verifier: Verifier,
        connection: sa.Connection,
        now: datetime,
        then: Then | None,
        ahead: Reading | None,
        *,
        admitted: Admitted | None = None,
    ) -> None:
        self._verifier = verifier
        self._connection = connection
        self._now = now
        self._then = then
        self._today = now.astimezone(verifier.zone).date()
        # Of today's knowledge (None) and of each earlier moment that is asked about.
        self._feeds: dict[datetime | None, dict[str, Feed]] = {} if ahead is None else {None: ahead.feeds}
        self._began: dict[str, datetime] = {}
        self._pulls: dict[Moment, dict[str, list[datetime]]] = {}
        # Most questions of a list are about the same day.
        self._moments: dict[tuple[date | None, datetime | None], Moment] = {}
        self._admitted = admitted
        self._identifier = admitted or Identifier(
            connection,
            verifier.sealer,
            verifier.ask,
            verifier.max_candidates,
            verifier.scorer,
            self._today,
            None if ahead is None else ahead.people,
        )

    def answer(self, questions: Sequence[Question]) -> list[Answered | RegistryError]:
        answers: dict[int, Answered | RegistryError] = {}
        checked: list[tuple[int, CheckedQuestion]] = []
        for place, asked in enumerate(questions):
            try:
                checked.append((place, self._checked(asked)))
            except BadRequestError as error:
                answers[place] = error
        looking_back = [(place, one) for place, one in checked if self._is_of_the_past(one)]
        if looking_back and not self._began:
            self._began = first_pulls(self._connection)
        found = self._identifier.identify(checked)
        if looking_back:
            self._look_back(looking_back, found)
        if self._admitted is not None:
            told = {place: one for place, one in found.items() if isinstance(one, Finding)}
            found |= {place: self._admitted.untold(one) for place, one in told.items()}
        for place, question in checked:
            finding = found[place]
            if isinstance(finding, RegistryError):
                answers[place] = finding
            else:
                answers[place] = answer(question, finding, self._basis(question), self._now)
        return [answers[place] for place in range(len(questions))]

    def _checked(self, question: Question) -> CheckedQuestion:
        times = question.on_date, question.known_at
        moment = self._moments.get(times)
        if moment is None:
            if len(self._moments) >= CHUNK:
                self._moments.clear()
            moment = self._moments[times] = question.moment(self._now, self._verifier.zone)
        known = self._feeds_of(None)
        return check_question(question, moment, known, self._verifier.vocabulary, self._today)

    def _is_of_the_past(self, question: CheckedQuestion) -> bool:
        return question.moment.past or question.moment.earlier or self._then is not None

    def _feeds_of(self, at: datetime | None) -> dict[str, Feed]:
        known = self._feeds.get(at)
        if known is None:
            read = feeds(self._connection) if at is None else feeds_at(self._connection, at)
            known = self._feeds[at] = read
        return known

    def _basis(self, question: CheckedQuestion) -> Basis:
        moment = question.moment
        earlier = moment.earlier or self._then is not None
        return Basis(
            self._feeds_of(moment.now if earlier else None),
            self._then.rules if self._then else self._verifier.rules.on(moment.on_date),
            self._verifier.vocabulary,
            self._began,
        )

    def _look_back(
        self, questions: Sequence[tuple[int, CheckedQuestion]], found: dict[int, Finding | RegistryError]
    ) -> None:
        """Put the people of questions about the past as history tells them in the place of those of today."""
        findings = {place: one for place, _ in questions if isinstance(one := found[place], Finding)}
        people = {one.person.id for one in findings.values() if one.person is not None}
        past = read_past(self._connection, sorted(people) or [NOBODY])
        for place, question in questions:
            pulls = self._pulls_around(question.moment)
            if place in findings:
                moment = question.moment
                earlier = moment.earlier or self._then is not None
                look = Look(moment.on_date, moment.now, moment.zone, pulls, earlier)
                found[place] = _in_the_past(findings[place], past, look)

    def _pulls_around(self, moment: Moment) -> dict[str, list[datetime]]:
        """Return when feeds were read about the end of the day; nobody asks about the last day that is known."""
        if not moment.past:
            return {}
        known = self._pulls.get(moment)
        if known is None:
            if len(self._pulls) >= CHUNK:
                self._pulls.clear()
            read = pulls_around(self._connection, moment.day_ends, moment.now)
            known = self._pulls[moment] = read
        return known


def _in_the_past(finding: Finding, past: Past, look: Look) -> Finding:
    if finding.person is None:
        return finding
    person = as_of(finding.person, past, look)
    return Finding(finding.outcome, finding.reason, person, finding.match, finding.ids)
