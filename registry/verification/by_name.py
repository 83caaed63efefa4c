"""Whom a name and a birth date are about: the engine finds candidates, SQL tells who they are, matching compares them.

Both levels that say who it is, `exact` and `strong`, demand the same whole birth date. So people born on the very day are compared
first, then, unless one of them is beyond all rivals, people born nearly then; people of a like name born at another or an
unknown time only where nobody of these is likely, to tell that somebody may be meant. When the engine may have left out
somebody likely, nobody is found.

Candidates that can't be told apart are never guessed between (`registry.matching.decide`). Whom the record names just so is
told apart from those whose names are spelt otherwise, however little: they would be the one only if a slip had made just
that person's name. It is not told apart from a namesake with one given name more: names are left out all the time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from registry import names
from registry.matching import question as matching
from registry.matching.candidate import Candidate
from registry.matching.match import Match
from registry.matching.score import Scorer
from registry.matching.unrivalled import Unrivalled
from registry.records.listed import ListedPerson
from registry.search.candidates import likely_from
from registry.search.port import SearchPage
from registry.search.query import Candidates, SearchQuery
from registry.verification.finding import Lead
from registry.verification.question import CheckedQuestion

_WHOLE_DATE = len("2019-05-03")
# Levels that say who it is.
LIKELY = frozenset({"exact", "strong"})
# A name that is spelt otherwise, or another name; not one that is only shorter on one side.
_SPELT_OTHERWISE = frozenset({"sound", "one-edit", "two-edits", "close", "alike", "sound-far", "different"})


@dataclass
class ByName:
    """Looks for one person. The caller asks the engine and reads people, of many questions at once.

    Attributes:
        max_candidates: people the engine is asked for at a time, at most `search.candidate_limit`.
        people, matches: who has been compared so far, and how they answer.
        complete: nobody likely can have been left out by the engine.
    """

    max_candidates: int
    scorer: Scorer
    question: CheckedQuestion
    people: list[ListedPerson] = field(default_factory=list)
    matches: list[Match] = field(default_factory=list)
    complete: bool = True
    _seen: set[int] = field(default_factory=set)
    _day_complete: bool = False

    @cached_property
    def asked(self) -> matching.Asked:
        """The question as it is compared."""
        return self.scorer.asked(
            matching.Question(name=self.question.name, birth_date=self.question.birth_date)
        )

    def query(self, stage: Candidates) -> SearchQuery:
        """Return what to ask the engine: for people born on the day first, then nearly then, then for anybody."""
        return SearchQuery(
            text=self.question.name,
            birth_date=self.question.birth_date or "",
            limit=self.max_candidates,
            candidates=stage,
        )

    def new(self, page: SearchPage) -> list[int]:
        """Return those of a page who have not been compared, to be read."""
        ids = [hit.practitioner_id for hit in page.hits if hit.practitioner_id not in self._seen]
        self._seen.update(ids)
        return ids

    def compare(
        self, stage: Candidates, page: SearchPage, new: Sequence[int], read: Mapping[int, ListedPerson]
    ) -> None:
        """Compare the new people of a page with the question.

        Args:
            stage: what the page answers.
            page: from the engine.
            new: of it, from `new`.
            read: people of SQL truth; whom nobody may be told of is not among them.
        """
        for person in (read[one] for one in new if one in read):
            candidate = Candidate(person.names, person.birth_date)
            if _is_like(self.asked, candidate):
                self.people.append(person)
                self.matches.append(self.scorer.score(self.asked, candidate))
        if stage == "day":
            self._day_complete = page.total_is_exact
        elif stage == "near":
            self.complete = _holds_all_likely(page, self.question.name)

    @property
    def has_day(self) -> bool:
        """Whether a whole birth date was given."""
        return len(self.question.birth_date or "") == _WHOLE_DATE

    def is_settled(self, unrivalled: Unrivalled) -> bool:
        """Tell whether those born on the day decide, and nobody else needs to be looked for."""
        if not self._day_complete:
            return False
        position = self.scorer.decide(self.matches).position
        return position is not None and unrivalled.is_beyond(self.asked, self.matches[position])

    @property
    def unsure(self) -> bool:
        """Whether nobody likely has been met, so that anybody of the name must be looked for."""
        return not any(match.level in LIKELY for match in self.matches)

    def lead(self) -> Lead:
        """Tell whom the question is about."""
        self._keep_rivals()
        decision = self.scorer.decide(self.matches)
        if decision.result == "none" and self.complete:
            return Lead("notFound", "not-found")
        if decision.position is not None and self.complete:
            person = self.people[decision.position].id
            return Lead("found", None, person, self.matches[decision.position], (person,))
        likely = tuple(self.people[i].id for i in decision.rivals if self.matches[i].level in LIKELY)
        if likely or len(decision.rivals) != 1:
            return Lead("ambiguous", "ambiguous", ids=likely)
        only = (self.people[decision.rivals[0]].id,)
        return Lead("ambiguous", "uncertain-match" if self.complete else "ambiguous", ids=only)

    def _keep_rivals(self) -> None:
        """Leave out those who are told apart from the one whom the record names just so."""
        if [match.level for match in self.matches].count("exact") == 1:
            kept = [i for i, match in enumerate(self.matches) if not _is_spelt_otherwise(match)]
            self.people = [self.people[i] for i in kept]
            self.matches = [self.matches[i] for i in kept]


def _is_like(asked: matching.Asked, candidate: Candidate) -> bool:
    """Tell whether any word of a name is like any word that was asked for.

    Most who were born on a day have nothing else in common with the question; to work out how little would take most of the time.
    """
    if not any(len(unit.key) > 1 and not unit.particle for unit in asked.units):
        return True  # initials and particles alone contradict nobody
    likes = asked.likes
    for recorded in candidate.recorded:
        # Without a given and a family name, as some damaged record has it, nothing is contradicted either.
        if not {"given", "family"}.intersection(recorded.roles):
            return True
        for unit in recorded.units:
            like = likes[unit]
            if like.pairs or like.joinable:
                return True
    return False


def _is_spelt_otherwise(match: Match) -> bool:
    outcomes = match.outcomes
    return not _SPELT_OTHERWISE.isdisjoint({outcomes.get("family_name"), outcomes.get("given_name")})


def _holds_all_likely(page: SearchPage, name: str) -> bool:
    """Tell whether everyone who may be likely is on the page: it holds everyone, or its last is less likely than that."""
    return page.total_is_exact or page.hits[-1].score < likely_from(len(names.words(name)))
