"""Asking a house every question the way a verification does: near candidates, wide ones where those leave doubt, then scores."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, NamedTuple

from registry.errors import BadRequestError
from registry.search.query import SearchQuery
from tests.eval.dating import readable_date
from tests.eval.house import House
from tests.eval.matching import Matching
from tests.eval.metrics import NOTHING, Scored
from tests.eval.model import Asked

TODAY = date(2026, 5, 20)
# Levels that say who it is; below them the wide candidates are asked for as well.
SURE = frozenset({"exact", "strong"})


class Ranked(NamedTuple):
    """A candidate after scoring; `bits`: the weight of each feature's outcome."""

    person: str
    level: str
    score: float
    features: tuple[tuple[str, str, float], ...]


@dataclass(slots=True)
class Answer:
    """What came of one question.

    Attributes:
        candidates: persons the engine gave, near before wide, each in the engine's order.
        ranked: those after scoring, best first.
        decision: "one", "ambiguous" or "none".
        engine_s, read_s, score_s: seconds spent in the engine, in SQL and in scoring.
        refused: the engine takes no such question (neither letters nor digits).
    """

    question: Asked
    candidates: list[str] = field(default_factory=list)
    ranked: list[Ranked] = field(default_factory=list)
    decision: str = "none"
    wide: bool = False
    refused: bool = False
    engine_s: float = 0.0
    read_s: float = 0.0
    score_s: float = 0.0

    @property
    def seconds(self) -> float:
        """The whole time of the question."""
        return self.engine_s + self.read_s + self.score_s

    @property
    def candidate_rank(self) -> int | None:
        """Where the right person stands among the candidates, from 0."""
        person = self.question.person
        return self.candidates.index(person) if person in self.candidates else None

    @property
    def rank(self) -> int | None:
        """Where the right person stands after scoring, from 0."""
        return next((i for i, one in enumerate(self.ranked) if one.person == self.question.person), None)

    @property
    def best(self) -> Scored:
        """The best candidate."""
        if not self.ranked:
            return Scored(NOTHING, right=False)
        return Scored(self.ranked[0].score, right=self.ranked[0].person == self.question.person)

    @property
    def level(self) -> str:
        """The level of the best candidate."""
        return self.ranked[0].level if self.ranked else "none"


@dataclass
class Asker:
    """Asks one house. `parts`: given and family name in boxes of their own, not as one text."""

    house: House
    matching: Matching
    parts: bool = False

    def ask_all(self, questions: Sequence[Asked]) -> Iterator[Answer]:
        """Ask every question, one after the other."""
        return map(self.ask, questions)

    def ask(self, question: Asked) -> Answer:
        """Ask one question."""
        answer = Answer(question)
        found: dict[int, None] = {}
        try:
            self._stage(answer, found, "near")
            if not (answer.level in SURE and answer.decision == "one"):
                answer.wide = True
                self._stage(answer, found, "wide")
        except BadRequestError:
            answer.refused = True
        return answer

    def _stage(self, answer: Answer, found: dict[int, None], stage: Literal["near", "wide"]) -> None:
        began = time.perf_counter()
        page = self.house.engine.search(self._query(answer.question, stage), TODAY)
        answered = time.perf_counter()
        before = len(found)
        found |= dict.fromkeys(hit.practitioner_id for hit in page.hits)
        answer.engine_s += answered - began
        if len(found) == before:
            return
        people = self.house.practitioners(list(found))
        read = time.perf_counter()
        ranked, answer.decision = self.matching.rank(answer.question, people, parts=self.parts)
        answer.score_s += time.perf_counter() - read
        answer.read_s += read - answered
        answer.candidates = [self.house.people[person.id] for person in people]
        answer.ranked = [
            Ranked(answer.candidates[place], match.level, match.score, match.features)
            for place, match in ranked
        ]

    def _query(self, question: Asked, stage: Literal["near", "wide"]) -> SearchQuery:
        return SearchQuery(
            text="" if self.parts else question.name,
            given_name=question.given if self.parts else "",
            family_name=question.family if self.parts else "",
            # Some dates are none (19450493): whoever asks would have to leave out what can't be.
            birth_date=readable_date(question.birth_date or "") or "",
            candidates=stage,
            facets=False,
        )
