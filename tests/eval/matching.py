"""The seam between the evaluation and the matcher: from a question and people of SQL truth to a ranked list."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from registry.matching.candidate import Candidate
from registry.matching.decide import decide
from registry.matching.match import Match
from registry.matching.model import Model
from registry.matching.question import Question
from registry.matching.score import Scorer, scorer_of
from registry.records import name_counts
from registry.records.read import Practitioner
from tests.eval.model import Asked


@dataclass
class Matching:
    """The registry's scorer, with a register's own counts of names."""

    scorer: Scorer

    @classmethod
    def of(cls, connection: sa.Connection, model: Model | None = None) -> "Matching":
        """Prepare for a register as the service does; `model`: the shipped one if None."""
        return cls(scorer_of(name_counts.read(connection), model))

    def rank(
        self, asked: Asked, people: Sequence[Practitioner], *, parts: bool
    ) -> tuple[list[tuple[int, Match]], str]:
        """Rank people for a question; return (place in `people`, match) best first, and what is decided."""
        prepared = self.scorer.asked(question(asked, parts=parts))
        ranked = self.scorer.rank(prepared, [Candidate.of(person) for person in people])
        bits = self.scorer.model.levels.ambiguous_bits
        return ranked, decide([match for _, match in ranked], bits).result


def question(asked: Asked, *, parts: bool) -> Question:
    """Return the question in the matcher's words."""
    if parts:
        return Question(given=asked.given, family=asked.family, birth_date=asked.birth_date)
    return Question(name=asked.name, birth_date=asked.birth_date)
