"""Finding the one person a question is about, or saying that it can't be told.

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
from dataclasses import dataclass

import sqlalchemy as sa

from registry.matching.score import Scorer
from registry.records import read
from registry.records.read import Practitioner
from registry.sealing import Sealer
from registry.verification.by_name import NOBODY, ByName
from registry.verification.by_number import by_number, of_authority
from registry.verification.finding import Finding, Search
from registry.verification.question import CheckedQuestion


@dataclass(frozen=True, slots=True)
class Identifier:
    """Finds the person a question is about.

    Attributes:
        search: asks the engine; called for names only, may raise SearchUnavailableError.
        max_candidates: people the engine is asked for at a time, at most `search.candidate_limit`.
        scorer: gives what compares names and birth dates; called where there are any.
    """

    connection: sa.Connection
    sealer: Sealer
    search: Search
    max_candidates: int
    scorer: Callable[[], Scorer]

    def identify(self, question: CheckedQuestion) -> Finding:
        """Find the person.

        Raises:
            SearchUnavailableError: the question needs the engine, which can't be reached.
            BadRequestError: the engine takes no such name.
        """
        if question.personal_number:
            ids = read.ids_by_personal_number(self.connection, self.sealer, question.personal_number)
            return by_number(self._read(ids), question, self.scorer)
        if question.licence_number:
            ids = read.ids_by_licence_number(self.connection, question.licence_number)
            return by_number(of_authority(self._read(ids), question), question, self.scorer)
        by_name = ByName(self.connection, self.search, self.max_candidates, self.scorer(), question)
        return by_name.find()

    def _read(self, ids: Sequence[int]) -> list[Practitioner]:
        return list(read.practitioners(self.connection, list(ids) or [NOBODY]).values())
