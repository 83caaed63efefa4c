"""Who is left out before names are compared closely: only those of whom nothing could come."""

import random

import pytest

from registry.matching.candidate import Candidate
from registry.matching.model import load_model
from registry.matching.question import Question
from registry.matching.score import NameCounts, Scorer
from registry.records.facts import NameFacts
from registry.verification.by_name import _is_like
from tests.registry.matching.rows import Shares

WORDS = [
    "Anna",
    "Karin",
    "Annakarin",
    "Anna-Karin",
    "Lind",
    "Qvist",
    "Lindqvist",
    "Berg",
    "Li",
    "A",
    "Å",
    "von",
    "Bo",
    "Xu",
    "Zoe",
    "Olle",
    "Per-Erik",
    "Pererik",
    "Sten",
    "Ek",
    "Nils",
    "Maj",
    "Britt",
    "Majbritt",
    "Wu",
    "Zetterlund",
    "Q",
]
BORN = ["1980-05-13", "1980-05", "1980", None, "1980-05-31"]


@pytest.mark.parametrize("counts", [None, Shares()], ids=["uncounted", "counted"])
def test_whoever_is_left_out_would_be_nobody(counts: NameCounts | None) -> None:
    rnd = random.Random(5)
    scorer = Scorer(load_model(), counts)
    left_out = 0
    for _ in range(1500):
        asked = scorer.asked(
            Question(name=" ".join(rnd.sample(WORDS, rnd.choice([1, 2, 2, 3, 4]))), birth_date=BORN[0])
        )
        for _ in range(10):
            name = NameFacts(
                given=tuple(rnd.sample(WORDS, rnd.choice([0, 1, 2, 2]))),
                family=rnd.choice([*WORDS, ""]),
                middle=rnd.choice(["", "Olle"]),
            )
            candidate = Candidate((name,), rnd.choice(BORN))
            if not _is_like(asked, candidate):
                left_out += 1
                assert scorer.score(asked, candidate).level == "none", (asked.question.name, name)
    assert left_out > 3000


def test_who_has_no_name_is_not_left_out() -> None:
    asked = Scorer(load_model()).asked(Question(name="Anna Lind", birth_date=BORN[0]))
    assert _is_like(asked, Candidate((NameFacts(text="?"),), BORN[0]))
