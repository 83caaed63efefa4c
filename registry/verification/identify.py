"""Finding the one person each question is about, or saying that it can't be told. Many questions are looked up together.

Numbers are looked up in SQL and never touch the search engine. For a name the engine finds candidates, SQL tells who they
are, and `registry.matching` how well each answers to the question. A protected person (like what is left of one merged into
another) is dropped as soon as read, before anything is compared, so that such a hit goes the same way and costs the same
searches and statements as no hit at all; only the ids for the access log differ.

When is a person known well enough?

- By number: the number leads to one person, and name and birth date do not contradict the record where they
  were given. Where it leads to several (numbers are unique only within a board), authority, profession, name and birth
  date may leave one.
- By name: one candidate is `exact` or `strong`, and clearly better than every other (`registry.matching.decide`). A
  question with more likely candidates than the engine may give is never answered about one of them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date

import sqlalchemy as sa

from registry.errors import RegistryError
from registry.matching.score import Scorer
from registry.matching.unrivalled import Unrivalled
from registry.records import listed, read
from registry.records.read import Practitioner
from registry.sealing import Sealer
from registry.search.port import SearchPage
from registry.search.query import Candidates
from registry.verification.by_name import ByName
from registry.verification.by_number import by_number, of_authority
from registry.verification.finding import NOBODY, Finding, SearchMany, visible
from registry.verification.question import CheckedQuestion
from registry.verification.unlisted import unlisted

Found = dict[int, Finding | RegistryError]
"""Place of a question -> whom it is about, or why that could not be found out."""
Placed = Sequence[tuple[int, CheckedQuestion]]


@dataclass(frozen=True, slots=True)
class Identifier:
    """Finds the people that questions are about.

    Attributes:
        search: asks the engine; called for names only.
        max_candidates: people the engine is asked for at a time, at most `search.candidate_limit`.
        scorer: gives what compares names and birth dates; called where there are any.
        today: the day it is.
        read_ahead: everyone that the number of the one question there is leads to, where that is read already.
    """

    connection: sa.Connection
    sealer: Sealer
    search: SearchMany
    max_candidates: int
    scorer: Callable[[], Scorer]
    today: date
    read_ahead: dict[int, Practitioner] | None = None

    def identify(self, questions: Placed) -> Found:
        """Find the people of questions, each under its place.

        An error is a SearchUnavailableError (the engine can't be reached) or BadRequestError (it takes no such name).
        """
        numbered = [(i, one) for i, one in questions if one.personal_number or one.licence_number]
        named = [(i, one) for i, one in questions if not (one.personal_number or one.licence_number)]
        return {
            **(self._by_number(numbered) if numbered else {}),
            **(self._by_name(named) if named else {}),
        }

    def _by_number(self, questions: Placed) -> Found:
        hits = self._hits(questions)
        people = self._read({one for ids in hits.values() for one in ids})
        found: Found = {}
        for place, question in questions:
            hit = [people[one] for one in hits[place] if one in people]
            if not question.personal_number:
                hit = of_authority(hit, question)
            found[place] = by_number(hit, question, self.scorer)
        return found

    def _hits(self, questions: Placed) -> dict[int, list[int]]:
        """Return the ids that the numbers lead to."""
        if self.read_ahead is not None:
            return {place: list(self.read_ahead) for place, _ in questions}
        personal = {i: one.personal_number for i, one in questions if one.personal_number}
        others = {i: one.licence_number for i, one in questions if not one.personal_number}
        hits: dict[int, list[int]] = {}
        if personal:
            ids = read.ids_by_personal_numbers(self.connection, self.sealer, set(personal.values()))
            hits |= {place: ids[number] for place, number in personal.items()}
        if others:
            ids = read.ids_by_licence_numbers(self.connection, set(others.values()))
            hits |= {place: ids[number] for place, number in others.items()}
        return hits

    def _by_name(self, questions: Placed) -> Found:
        scorer = self.scorer()
        looking = {place: ByName(self.max_candidates, scorer, question) for place, question in questions}
        unrivalled = Unrivalled(scorer)
        born = {place: one for place, one in looking.items() if one.has_day}
        found = self._look("day", born) if born else {}
        open_ = {
            place: one
            for place, one in looking.items()
            if place not in found and not (place in born and one.is_settled(unrivalled))
        }
        if open_:
            found |= self._look("near", open_)
        unsure = {place: one for place, one in open_.items() if place not in found and one.unsure}
        if unsure:
            found |= self._look("wide", unsure)
        leads = {place: one.lead() for place, one in looking.items() if place not in found}
        people = self._read({lead.person_id for lead in leads.values() if lead.person_id is not None})
        also = unlisted(self.connection, {place: looking[place] for place in leads})
        for place, lead in leads.items():
            person = people.get(lead.person_id or NOBODY)
            finding = lead.finding(person if person and visible([person]) else None)
            found[place] = replace(finding, ids=(*finding.ids, *also[place]))
        return found

    def _look(self, stage: Candidates, looking: dict[int, ByName]) -> Found:
        """Let candidates be found, read and compared, of all questions together; return what went wrong."""
        answers = self.search([one.query(stage) for one in looking.values()], self.today)
        wrong: Found = {}
        pages: dict[int, tuple[SearchPage, list[int]]] = {}
        for (place, one), answer in zip(looking.items(), answers, strict=True):
            if isinstance(answer, RegistryError):
                wrong[place] = answer
            else:
                pages[place] = (answer, one.new(answer))
        ids = {each for _, new in pages.values() for each in new}
        # Whom nobody may be told of is left out there, before anything is compared.
        people = listed.people(self.connection, sorted(ids) or [NOBODY])
        for place, (page, new) in pages.items():
            looking[place].compare(stage, page, new, people)
        return wrong

    def _read(self, ids: set[int]) -> dict[int, Practitioner]:
        if self.read_ahead is not None:
            return self.read_ahead
        return read.practitioners(self.connection, sorted(ids) or [NOBODY], identifiers=False)
