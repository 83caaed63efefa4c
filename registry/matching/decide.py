"""Which candidate it is, if any: one, none, or several that can't be told apart."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from registry.matching.match import Match

Result = Literal["one", "ambiguous", "none"]
_LIKELY = ("exact", "strong")


@dataclass(frozen=True, slots=True)
class Decision:
    """Whom a question is about.

    Attributes:
        result: `one`: the match at `position` is exact or strong and clearly better than every other; `ambiguous`: someone
            may be meant, and it can't be told who or whether; `none`: nobody is.
        position: in the matches given; only for `one`.
        rivals: positions of those it may be, the best first; for `one` just that one, for `none` nobody.
    """

    result: Result
    position: int | None = None
    rivals: tuple[int, ...] = ()


def decide(matches: Sequence[Match], ambiguous_bits: float) -> Decision:
    """Choose among matches in any order; `ambiguous_bits` is the model's.

    One that is possible at best is never chosen, however alone it is: a person has to look.
    """
    there = [i for i, match in enumerate(matches) if match.level != "none"]
    if not there:
        return Decision("none")
    likely = sorted((i for i in there if matches[i].level in _LIKELY), key=lambda i: (-matches[i].score, i))
    ranked = sorted(there, key=lambda i: (matches[i].level not in _LIKELY, -matches[i].score, i))
    if not likely:
        return Decision("ambiguous", rivals=tuple(ranked))
    best = likely[0]
    # Whom the record names just so is never passed by for somebody with a better score.
    near = [
        i
        for i in ranked
        if i != best
        and (matches[i].level == "exact" or matches[i].score >= matches[best].score - ambiguous_bits)
    ]
    if near:
        return Decision("ambiguous", rivals=(best, *near))
    return Decision("one", best, (best,))
