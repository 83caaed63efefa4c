"""What comparing gives: a level, a score, what was seen, and the words for it."""

from dataclasses import dataclass, field
from typing import Literal

from registry.matching.notes import Note, unrevealing
from registry.records.facts import NameFacts

Level = Literal["exact", "strong", "possible", "none"]
LEVELS: tuple[Level, ...] = ("exact", "strong", "possible", "none")


@dataclass(frozen=True, slots=True)
class Match:
    """How well a candidate answers to a question, and why.

    Attributes:
        level: `exact`: the name as recorded and the birth date; `strong`: the birth date, and a name that a person who is
            not in the register hardly ever comes so near to; `possible`: may be the person; `none`: is not.
        notes: what agrees and what differs. They hold the record's own spellings and dates: show them only where the
            candidate itself is shown, else `plain_notes`. Empty for `none`, unless the licence number agrees.
        name: the recorded name that agrees best.
        score: bits, log2 of how much likelier all that was seen is for one person than for two; higher is surer.
        features: (feature, outcome, bits) of all that was looked at.
    """

    level: Level
    notes: tuple[Note, ...]
    name: NameFacts | None = None
    score: float = 0.0
    features: tuple[tuple[str, str, float], ...] = field(default=(), repr=False)

    @property
    def plain_notes(self) -> tuple[Note, ...]:
        """The notes for one who is not shown the candidate: that something agrees or differs, never how."""
        return unrevealing(self.notes)

    @property
    def outcomes(self) -> dict[str, str]:
        """The outcome of each feature."""
        return {name: outcome for name, outcome, _ in self.features}
