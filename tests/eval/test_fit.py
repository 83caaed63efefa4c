"""How weights and thresholds come from counts and from people who are absent."""

import pytest

from registry.matching.candidate import Candidate
from registry.matching.model import load_model
from registry.matching.question import Question, asked
from registry.matching.score import Scorer
from registry.records.facts import NameFacts
from tests.eval.asking import Answer, Ranked
from tests.eval.estimate import PRIOR, Shares, _beside, _left
from tests.eval.fit import LEAST_STRONG, MOST_POSSIBLE, STRONG, thresholds
from tests.eval.model import Asked

NOBODY = Asked(person="x", name="", given="", family="", birth_date=None)
LEVELS = load_model().levels


def absent(level: str, score: float) -> Answer:
    return Answer(NOBODY, ranked=[Ranked("y", level, score, ())])


def test_a_threshold_lies_above_all_but_the_few_that_may_reach_it() -> None:
    # Two in a thousand are taken for sure at 30 bits: only one may be.
    answers = [absent("strong", 30.0)] * 2 + [absent("none", 0.0)] * 998

    found = thresholds(LEVELS, answers, prior=13.0)

    assert found.strong_bits == pytest.approx(17.1, abs=0.11)
    assert sum(answer.best.score >= 13.0 + found.strong_bits for answer in answers) <= STRONG * len(answers)


def test_strong_asks_for_a_hundred_to_one_even_where_nobody_absent_came_near() -> None:
    assert thresholds(LEVELS, [absent("none", 0.0)] * 100, prior=13.0).strong_bits == LEAST_STRONG


def test_five_to_one_is_possible_however_many_absent_people_come_near() -> None:
    assert thresholds(LEVELS, [absent("possible", 30.0)] * 100, prior=13.0).possible_bits == MOST_POSSIBLE


def test_the_prior_weighs_as_much_as_what_was_counted() -> None:
    assert _beside({"same": 90, "different": 10}, {"same": 0.5, "different": 0.5}) == {
        "same": 140,
        "different": 60,
    }


def test_a_near_agreement_in_a_common_name_counts_for_less_than_in_a_rare_one() -> None:
    def person(family: str) -> Candidate:
        return Candidate((NameFacts(given=("Siv",), family=family),), "1980-05-03")

    people = [person("Carlsson")] * 900 + [person("Lindqvist")] * 3 + [person("Ek")] * 97
    scorer = Scorer(load_model(PRIOR), Shares.of(people), len(people))

    common = _left(scorer, asked(Question("Siv Karlsson")), people[0])
    rare = _left(scorer, asked(Question("Siv Lindkvist")), people[901])

    assert common["family_name"] < 1
    assert common["family_name"] < rare["family_name"]
    assert _left(scorer, asked(Question("Siv Ek")), people[-1]).get("family_name", 1.0) == 1.0
