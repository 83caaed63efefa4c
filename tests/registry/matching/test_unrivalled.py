"""Who needs not be looked for: whatever other names and birth dates there are, nobody left out comes near."""

import random

import pytest

from registry.matching.candidate import Candidate
from registry.matching.model import load_model
from registry.matching.question import Question
from registry.matching.score import NameCounts, Scorer
from registry.matching.unrivalled import Unrivalled
from registry.names import words
from registry.records.facts import NameFacts, NameUse
from tests.registry.matching.rows import Shares

BORN = "1980-05-13"
OTHERS = [
    "1980-05-31",
    "1980-05-23",
    "1980-06-13",
    "1981-05-13",
    "1980-05-14",
    "1961-11-30",
    "1980-03-05",
    None,
]
PARTLY = ["1980-05", "1980"]
GIVEN = [
    "Anna",
    "Hanna",
    "Ana",
    "Maria",
    "Marie",
    "Karl",
    "Carl",
    "Kalle",
    "Anna-Karin",
    "Annakarin",
    "A",
    "Liselott",
]
FAMILY = [
    "Lind",
    "Lindh",
    "Linde",
    "Lindqvist",
    "Lindkvist",
    "Berg",
    "Bergh",
    "Berg-Lind",
    "Andersson",
    "Anna",
    "Zetterlund",
]


USES: tuple[NameUse, ...] = ("official", "official", "alias", "former")


def some_name(rnd: random.Random) -> NameFacts:
    given = tuple(rnd.sample(GIVEN, rnd.choice([1, 1, 2, 2, 3])))
    use = rnd.choice(USES)
    return NameFacts(use=use, given=given, family=rnd.choice(FAMILY))


def shared(asked: str, candidate: Candidate) -> bool:
    """Whether a word of the names is as asked, so that it would be found by the day's own search."""
    mine = {key for word in words(asked) for one in (word, *word.parts) for key in one.typed}
    theirs = {
        key
        for name in candidate.names
        for word in words(name.display())
        for one in (word, *word.parts)
        for key in one.typed
    }
    return bool(mine & theirs)


@pytest.mark.parametrize("counts", [None, Shares()], ids=["uncounted", "counted"])
def test_nobody_left_out_comes_near(counts: NameCounts | None) -> None:
    rnd = random.Random(3)
    scorer = Scorer(load_model(), counts)
    unrivalled = Unrivalled(scorer)
    margin = scorer.model.levels.ambiguous_bits
    settled = 0
    for _ in range(300):
        one = some_name(rnd)
        name = " ".join([*rnd.sample(one.given, rnd.choice([1, len(one.given)])), one.family])
        if rnd.random() < 0.3:
            name = " ".join(reversed(name.split()))
        asked = scorer.asked(Question(name=name, birth_date=BORN))
        best = scorer.score(asked, Candidate((one,), BORN))
        if best.level not in {"exact", "strong"} or not unrivalled.is_beyond(asked, best):
            continue
        settled += 1
        for _ in range(120):
            rival = Candidate((some_name(rnd), some_name(rnd)), rnd.choice([*OTHERS, *PARTLY]))
            if rival.birth_date in PARTLY and shared(name, rival):
                continue
            told = scorer.score(asked, rival)
            if "joined" in {told.outcomes.get("given_name"), told.outcomes.get("family_name")}:
                continue
            assert told.level != "exact"
            assert told.level == "none" or told.score < best.score - margin, (name, rival)
    assert settled > 60


@pytest.mark.parametrize(
    ("name", "settled"),
    [
        ("Anna Lindqvist", True),
        ("Lindqvist, Anna", True),
        ("Anna Maria Lindqvist", True),
        ("A Lindqvist", False),
        ("Lindqvist", False),
        ("Anna von Lindqvist", False),
        ("Anna Maria Eva Sofia Lindqvist", False),
    ],
)
def test_only_plain_names_of_two_to_four_words_settle_it(name: str, settled: bool) -> None:
    scorer = Scorer(load_model())
    asked = scorer.asked(Question(name=name, birth_date=BORN))
    plain = name.replace("Lindqvist,", "").split()
    family = "Lindqvist" if "," in name else plain.pop()
    best = scorer.score(asked, Candidate((NameFacts(given=tuple(plain), family=family),), BORN))
    assert Unrivalled(scorer).is_beyond(asked, best) is settled


def test_one_who_is_only_spelt_alike_does_not_settle_it() -> None:
    scorer = Scorer(load_model())
    asked = scorer.asked(Question(name="Anna Lindkvist", birth_date=BORN))
    best = scorer.score(asked, Candidate((NameFacts(given=("Anna",), family="Lindqvist"),), BORN))
    assert best.level == "strong"
    assert not Unrivalled(scorer).is_beyond(asked, best)
