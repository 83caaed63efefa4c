"""Drawing from weighted lists, the same with the same seed on every machine."""

import random
from bisect import bisect
from collections.abc import Sequence
from itertools import accumulate
from typing import Generic, TypeVar

T = TypeVar("T")


def source(*seed: object) -> random.Random:
    """Return a source of chance of its own for every seed; Mersenne Twister gives the same everywhere."""
    return random.Random("/".join(map(str, seed)))


class Weighted(Generic[T]):
    """Values with weights."""

    def __init__(self, values: Sequence[tuple[T, float]]) -> None:
        self._values = [value for value, _ in values]
        self._sums = list(accumulate(weight for _, weight in values))

    def draw(self, chance: random.Random) -> T:
        """Return one value, as often as its weight says."""
        return self._values[min(bisect(self._sums, chance.random() * self._sums[-1]), len(self._values) - 1)]
