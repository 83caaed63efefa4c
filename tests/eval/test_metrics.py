"""The counting, on small examples whose results are known."""

import math

import pytest

from tests.eval.metrics import NOTHING, Scored, Share, accepting, at_rate, within


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    [
        # Newcombe, Statistics in Medicine 17 (1998), table I: method 3 (Wilson without continuity correction).
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_intervals_are_those_of_the_literature(count: int, of: int, low: float, high: float) -> None:
    assert Share(count, of).interval == pytest.approx((low, high), abs=0.0001)


def test_nothing_of_nothing_tells_nothing() -> None:
    assert Share(0, 0).value == 0.0
    assert Share(0, 0).interval == (0.0, 1.0)


PRESENT = [Scored(9, right=True), Scored(7, right=True), Scored(5, right=False), Scored(NOTHING, right=False)]
ABSENT = [
    Scored(8, right=False),
    Scored(4, right=False),
    Scored(2, right=False),
    Scored(NOTHING, right=False),
]


def test_accepting_counts_right_wrong_and_false() -> None:
    made = accepting(PRESENT, ABSENT, 4)

    assert (made.recall, made.wrong, made.false) == (Share(2, 4), Share(1, 4), Share(2, 4))
    assert made.precision == Share(2, 5)


@pytest.mark.parametrize(
    ("rate", "threshold", "recall", "false"),
    [(0.0, 9, 1, 0), (0.25, 5, 2, 1), (0.5, 4, 2, 2), (1.0, 2, 2, 3)],
)
def test_the_lowest_threshold_that_keeps_a_rate_is_found(
    rate: float, threshold: float, recall: int, false: int
) -> None:
    made = at_rate(PRESENT, ABSENT, rate)

    assert (made.threshold, made.recall.count, made.false.count) == (threshold, recall, false)


def test_where_no_threshold_keeps_the_rate_nobody_is_accepted() -> None:
    made = at_rate([Scored(1, right=True)], [Scored(3, right=False)], 0.1)

    assert made.threshold == math.inf
    assert made.recall == Share(0, 1)


def test_equal_scores_are_accepted_together_or_not_at_all() -> None:
    tied = [Scored(5, right=True), Scored(5, right=True)]

    assert at_rate(tied, [Scored(5, right=False), Scored(1, right=False)], 0.4).recall == Share(0, 2)


def test_without_absent_people_there_is_no_rate() -> None:
    with pytest.raises(ValueError, match="absent"):
        at_rate(PRESENT, [], 0.01)


def test_ranks_are_counted_from_the_first() -> None:
    assert within([0, 1, 9, 10, None], 10) == Share(3, 5)
    assert within([0, 1, 9, 10, None], 1) == Share(1, 5)
