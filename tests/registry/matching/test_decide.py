import pytest

from registry.matching.decide import Decision, decide
from registry.matching.match import Level, Match
from registry.matching.score import Scorer


def match(level: Level, score: float) -> Match:
    return Match(level, (), score=score)


@pytest.mark.parametrize(
    ("matches", "decision"),
    [
        ([], Decision("none")),
        ([match("none", 40)], Decision("none")),
        ([match("exact", 30)], Decision("one", 0, (0,))),
        ([match("none", 50), match("strong", 28)], Decision("one", 1, (1,))),
        # A likeness is never chosen, however alone.
        ([match("possible", 40)], Decision("ambiguous", None, (0,))),
        ([match("possible", 20), match("possible", 22)], Decision("ambiguous", None, (1, 0))),
        # Two near-equal; one clearly best.
        ([match("strong", 30), match("strong", 27)], Decision("ambiguous", None, (0, 1))),
        ([match("strong", 30), match("strong", 25)], Decision("one", 0, (0,))),
        ([match("exact", 30), match("exact", 30)], Decision("ambiguous", None, (0, 1))),
        ([match("exact", 30), match("possible", 29)], Decision("ambiguous", None, (0, 1))),
        ([match("exact", 30), match("possible", 20)], Decision("one", 0, (0,))),
        # Whom the record names just so is never passed by.
        ([match("exact", 24), match("strong", 31)], Decision("ambiguous", None, (1, 0))),
        ([match("exact", 30), match("exact", 20)], Decision("ambiguous", None, (0, 1))),
    ],
)  # fmt: skip
def test_decision(matches: list[Match], decision: Decision) -> None:
    assert decide(matches, 4.0) == decision


def test_the_scorer_decides_with_the_margin_of_its_model(scorer: Scorer) -> None:
    margin = scorer.model.levels.ambiguous_bits
    assert scorer.decide([match("strong", 30), match("strong", 30 - margin)]).result == "ambiguous"
    assert scorer.decide([match("strong", 30), match("strong", 29.9 - margin)]).position == 0
