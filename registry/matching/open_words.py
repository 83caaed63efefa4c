"""What is left of a question and a name when words have found their partners, and what that says of each part."""

from typing import Literal, NamedTuple

from registry.matching.align import Aligned, Pair
from registry.matching.kinds import Kind
from registry.matching.question import Asked

Lone = Literal["none", "extra", "conflict"]


class Left(NamedTuple):
    """The two parts of a name, and the words that stand for nothing.

    Attributes:
        family: outcome of the family name.
        given: outcome of the given name.
        asked: asked words left that are no initials and no other spelling of a part.
        recorded: recorded words beside the two parts that nothing was asked about.
        opposed: an asked word and a recorded one are left that could have been each other.
        initials: whether an asked initial is left: `conflict` with recorded given names, or just `extra`.
    """

    family: str
    given: str
    asked: int
    recorded: int
    opposed: bool
    initials: Lone


def left_over(question: Asked, aligned: Aligned) -> Left:
    """Tell what is left, and whether a part without a partner was asked for otherwise or not at all."""
    rest = list(aligned.open_asked)
    if rest:
        rest = [i for i in rest if not question.units[i].initial]
    open_family = open_given = 0
    for j in aligned.open_recorded:
        if aligned.roles[j] == "family":
            open_family += 1
        else:
            open_given += 1
    lone: Lone = "none"
    if len(rest) < len(aligned.open_asked):
        lone = "conflict" if open_given else "extra"
    family, rest = _part("family", question, aligned, _family_pairs(question, aligned), rest)
    # Recorded words that are left count with their part; a whole part that is not met is told as that.
    if open_family and family in _NEAR:
        family = "part"
    given, rest = _part("given", question, aligned, aligned.given, rest)
    if open_given and not aligned.given:
        open_given -= 1
    opposed = bool(rest) and _opposed(
        question, aligned, rest, open_given, open_family if family == "part" else 0
    )
    return Left(family, given, len(rest), open_given, opposed, lone)


_NEAR = frozenset(kind.outcome for kind in Kind if kind >= Kind.ONE_EDIT)


def _family_pairs(question: Asked, aligned: Aligned) -> tuple[Pair, ...]:
    """Give the pairs of the family name; a Swedish middle name asked for as family name is a part of it."""
    if aligned.family or not question.apart:
        return aligned.family
    return tuple(pair for pair in aligned.middle if question.roles[pair.asked] == "family")


def _part(
    part: str, question: Asked, aligned: Aligned, met: tuple[Pair, ...], rest: list[int]
) -> tuple[str, list[int]]:
    """Return the outcome of a part, and the asked words that are left when one stands for the part."""
    if part not in aligned.roles:
        return "unknown", rest
    if met:
        if part == "given":
            return met[0].kind.outcome, rest
        return _several(met) if aligned.family else "part", rest
    for i in rest:
        if _could_be(part, question, aligned, i):
            return "different", [other for other in rest if other != i]
    return "missing", rest


def _several(met: tuple[Pair, ...]) -> str:
    """Tell the outcome of several family names: the least alike while all are near, else that one is met."""
    kinds = [pair.kind for pair in met]
    worst, best = min(kinds), max(kinds)
    if worst >= Kind.ONE_EDIT or worst == best:
        return worst.outcome
    return "part" if best >= Kind.ONE_EDIT else best.outcome


def _could_be(part: str, question: Asked, aligned: Aligned, position: int) -> bool:
    role = question.roles[position]
    if aligned.order == "swapped":
        role = "given" if role == "family" else "family"
    return role in {"any", part}


def _opposed(question: Asked, aligned: Aligned, rest: list[int], open_given: int, open_family: int) -> bool:
    return any(
        (open_given and _could_be("given", question, aligned, i))
        or (open_family and _could_be("family", question, aligned, i))
        for i in rest
    )
