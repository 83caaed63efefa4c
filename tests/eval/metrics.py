"""What is counted: shares with their confidence intervals, and recall at a bounded rate of false accepts."""

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_Z = 1.959964  # 95 % of the normal distribution
NOTHING = -math.inf  # the score of a question without any candidate


@dataclass(frozen=True)
class Share:
    """So many of so many."""

    count: int
    of: int

    @property
    def value(self) -> float:
        """The share; 0 of nothing."""
        return self.count / self.of if self.of else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % confidence interval (Wilson, 1927): sound also near 0 and 1 and with few cases."""
        if not self.of:
            return 0.0, 1.0
        n, p, z2 = self.of, self.value, _Z * _Z
        middle = (p + z2 / (2 * n)) / (1 + z2 / n)
        half = _Z * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n)) / (1 + z2 / n)
        return max(0.0, middle - half), min(1.0, middle + half)


@dataclass(frozen=True)
class Scored:
    """The best candidate of one question.

    Attributes:
        score: its score; `NOTHING` without a candidate.
        right: it is the person asked about.
    """

    score: float
    right: bool


@dataclass(frozen=True)
class Accepting:
    """What comes of accepting the best candidate from a score on.

    Attributes:
        threshold: the lowest score that is accepted; infinite where none keeps the bound.
        recall: right ones accepted, of all questions about people who are in the register.
        wrong: others accepted for people who are in the register.
        false: accepts of anybody for people who are not.
    """

    threshold: float
    recall: Share
    wrong: Share
    false: Share

    @property
    def precision(self) -> Share:
        """The right ones of all accepts, with as many absent people as present ones."""
        return Share(self.recall.count, self.recall.count + self.wrong.count + self.false.count)


def accepting(present: Sequence[Scored], absent: Sequence[Scored], threshold: float) -> Accepting:
    """Count what accepting from `threshold` on gives."""
    taken = [one for one in present if one.score >= threshold and one.score > NOTHING]
    right = sum(one.right for one in taken)
    false = sum(one.score >= threshold and one.score > NOTHING for one in absent)
    return Accepting(
        threshold,
        Share(right, len(present)),
        Share(len(taken) - right, len(present)),
        Share(false, len(absent)),
    )


def at_rate(present: Sequence[Scored], absent: Sequence[Scored], rate: float) -> Accepting:
    """Find the lowest threshold at which at most `rate` of the absent are taken for somebody, and what it gives.

    Raises:
        ValueError: nobody is absent, so that no rate can be measured.
    """
    if not absent:
        raise ValueError("nobody is absent")
    scores = sorted(one.score for one in absent)
    levels = sorted({one.score for one in (*present, *absent) if one.score > NOTHING})
    # Accepting less is accepting fewer: the first level that keeps the bound is the lowest.
    kept = int(rate * len(absent) + 1e-9)
    low, high = 0, len(levels)
    while low < high:
        middle = (low + high) // 2
        if len(scores) - bisect_left(scores, levels[middle]) <= kept:
            high = middle
        else:
            low = middle + 1
    return accepting(present, absent, levels[low] if low < len(levels) else math.inf)


def within(ranks: Iterable[int | None], first: int) -> Share:
    """Count the ranks (0 is first, None is nowhere) among the first so many."""
    every = list(ranks)
    return Share(sum(rank is not None and rank < first for rank in every), len(every))
