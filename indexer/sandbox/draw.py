"""Repeatable chance: every person is a function of (seed, what for, index), so any one can be made alone.

That is what keeps memory flat: nothing has to be remembered to make person 199,999, or to let one
authority's record speak of another authority's person.
"""

import math
import random
from bisect import bisect
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Generic, Self, TypeVar

T = TypeVar("T")
_MASK = (1 << 64) - 1


def mix(*parts: int) -> int:
    """Return 64 well-mixed bits of the parts (the finalizer of SplitMix64, chained)."""
    state = 0
    for part in parts:
        state = (state + 0x9E3779B97F4A7C15 + part) & _MASK
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
        state ^= state >> 31
    return state


class Draw(random.Random):
    """A stream of chance that belongs to one person and one purpose."""

    def __new__(cls, *_parts: int) -> Self:
        """`random.Random` takes at most one argument here, and seeds with it only to be seeded again."""
        return super().__new__(cls)

    def __init__(self, *parts: int) -> None:
        super().__init__(mix(*parts))

    def chance(self, share: float) -> bool:
        """Return true in that share of the cases."""
        return self.random() < share

    def within(self, low: int, high: int) -> int:
        """Return a whole number from low to high, both included; low if there is none between."""
        return low + int(self.random() * (high - low + 1)) if high > low else low

    def one(self, options: Sequence[T]) -> T:
        """Return one of the options, all equally likely."""
        return options[int(self.random() * len(options))]


class Weighted(Generic[T]):
    """Options of unequal weight."""

    def __init__(self, weights: Mapping[T, float]) -> None:
        self.options = tuple(weights)
        self._until = tuple(accumulate(weights.values()))

    def pick(self, draw: Draw) -> T:
        """Return one option, each as often as its weight says."""
        return self.options[bisect(self._until, draw.random() * self._until[-1])]


def weighted_names(text: str) -> Weighted[str]:
    """Read `Name weight` pairs separated by commas; a name without a weight has the weight of the one before."""
    weights: dict[str, float] = {}
    weight = 1.0
    for part in text.replace("\n", " ").split(","):
        words = part.split()
        if words and words[-1].replace(".", "").isdigit():
            weight = float(words.pop())
        if words:
            weights[" ".join(words)] = weight
    return Weighted(weights)


class Shuffle:
    """A one-to-one shuffle of 0..n-1 that needs no memory: i -> (a*i + b) mod n, with a prime to n."""

    def __init__(self, n: int, *seed: int) -> None:
        self.n = n
        # Near the golden section neighbours land far apart.
        self._a = int(n * 0.6180339887) or 1
        while math.gcd(self._a, n) != 1:
            self._a += 1
        self._b = mix(*seed) % n

    def __getitem__(self, i: int) -> int:
        if not 0 <= i < self.n:
            raise IndexError(f"{i} is outside 0..{self.n - 1}")
        return (self._a * i + self._b) % self.n
