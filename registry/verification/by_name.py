"""Whom a name and a birth date are about: the engine finds candidates, SQL tells who they are, matching compares them.

Both levels that say who it is, `exact` and `strong`, demand the same whole birth date. So people born nearly then, or on
the very day, are compared first; people of a like name born at another or an unknown time only where nobody of these is
likely, to tell that somebody may be meant. When the engine may have left out somebody likely, nobody is found.

Candidates that can't be told apart are never guessed between (`registry.matching.decide`). Whom the record names just so is
told apart from those whose names are spelt otherwise, however little: they would be the one only if a slip had made just
that person's name. It is not told apart from a namesake with one given name more: names are left out all the time.
"""

from dataclasses import dataclass, field

import sqlalchemy as sa

from registry import names
from registry.matching import question as matching
from registry.matching.candidate import Candidate
from registry.matching.match import Match
from registry.matching.score import Scorer
from registry.records import read
from registry.records.read import Practitioner
from registry.search.candidates import likely_from
from registry.search.port import SearchPage
from registry.search.query import Candidates, SearchQuery
from registry.verification.finding import Finding, Search, visible
from registry.verification.question import CheckedQuestion

# Levels that say who it is.
_LIKELY = frozenset({"exact", "strong"})
# A name that is spelt otherwise, or another name; not one that is only shorter on one side.
_SPELT_OTHERWISE = frozenset({"sound", "one-edit", "two-edits", "close", "alike", "sound-far", "different"})
# No practitioner has it; read in place of none, so that no hit costs the same statements as a hit.
NOBODY = -1


@dataclass(slots=True)
class ByName:
    """Looks for one person.

    Attributes:
        max_candidates: people the engine is asked for at a time, at most `search.candidate_limit`.
        people, matches: who has been compared so far, and how they answer.
        complete: nobody likely can have been left out by the engine.
    """

    connection: sa.Connection
    search: Search
    max_candidates: int
    scorer: Scorer
    question: CheckedQuestion
    people: list[Practitioner] = field(default_factory=list)
    matches: list[Match] = field(default_factory=list)
    complete: bool = True
    _seen: set[int] = field(default_factory=set)

    def find(self) -> Finding:
        """Find the person.

        Raises:
            SearchUnavailableError: the engine can't be reached.
            BadRequestError: the engine takes no such name.
        """
        asked = self.scorer.asked(
            matching.Question(name=self.question.name, birth_date=self.question.birth_date)
        )
        page = self._compare("near", asked)
        self.complete = _holds_all_likely(page, self.question.name)
        if not any(match.level in _LIKELY for match in self.matches):
            self._compare("wide", asked)
        return self._finding()

    def _compare(self, stage: Candidates, asked: matching.Asked) -> SearchPage:
        query = SearchQuery(
            text=self.question.name,
            birth_date=self.question.birth_date or "",
            limit=self.max_candidates,
            candidates=stage,
        )
        page = self.search(query, self.question.moment.today)
        ids = [hit.practitioner_id for hit in page.hits if hit.practitioner_id not in self._seen]
        self._seen.update(ids)
        found = read.practitioners(self.connection, ids or [NOBODY])
        people = visible(list(found.values()))
        self.people += people
        self.matches += [self.scorer.score(asked, Candidate.of(person)) for person in people]
        return page

    def _finding(self) -> Finding:
        self._keep_rivals()
        decision = self.scorer.decide(self.matches)
        if decision.result == "none" and self.complete:
            return Finding("notFound", "not-found")
        if decision.position is not None and self.complete:
            person = self.people[decision.position]
            return Finding("found", None, person, self.matches[decision.position], (person.id,))
        likely = tuple(self.people[i].id for i in decision.rivals if self.matches[i].level in _LIKELY)
        if likely or len(decision.rivals) != 1:
            return Finding("ambiguous", "ambiguous", ids=likely)
        only = (self.people[decision.rivals[0]].id,)
        return Finding("ambiguous", "uncertain-match" if self.complete else "ambiguous", ids=only)

    def _keep_rivals(self) -> None:
        """Leave out those who are told apart from the one whom the record names just so."""
        if [match.level for match in self.matches].count("exact") == 1:
            kept = [i for i, match in enumerate(self.matches) if not _is_spelt_otherwise(match)]
            self.people = [self.people[i] for i in kept]
            self.matches = [self.matches[i] for i in kept]


def _is_spelt_otherwise(match: Match) -> bool:
    outcomes = match.outcomes
    return not _SPELT_OTHERWISE.isdisjoint({outcomes.get("family_name"), outcomes.get("given_name")})


def _holds_all_likely(page: SearchPage, name: str) -> bool:
    """Tell whether everyone who may be likely is on the page: it holds everyone, or its last is less likely than that."""
    return page.total_is_exact or page.hits[-1].score < likely_from(len(names.words(name)))
