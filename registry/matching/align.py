"""Laying the words of a name as asked beside those of a recorded one: which stands for which, and what is left.

Order, hyphens, particles and words that only one side has don't hinder. Words that are written together on one side
and apart on the other are found first; then each word gets at most one partner, so that all pairs together are as
alike as can be.
"""

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from registry.matching.candidate import Recorded
from registry.matching.kinds import Kind
from registry.matching.question import Asked, Role
from registry.matching.units import Unit
from registry.records.facts import NameFacts

Order = Literal["free", "straight", "crossed", "swapped"]
# What a pair is worth beside others when partners are chosen; not what it weighs in the score.
_WORTHS = {
    Kind.WRITTEN: 1.0,
    Kind.TYPED: 0.99,
    Kind.JOINED: 0.98,
    Kind.SOUND: 0.9,
    Kind.ONE_EDIT: 0.88,
    Kind.TWO_EDITS: 0.7,
    Kind.CLOSE: 0.6,
    Kind.NICKNAME: 0.5,
    Kind.INITIAL: 0.4,
    Kind.SOUND_FAR: 0.35,
    Kind.ALIKE: 0.3,
    Kind.DIFFERENT: 0.0,
}
# By position: looking an enumeration's member up in a dict runs Python code.
_WORTH = tuple(_WORTHS[kind] for kind in Kind)
# A given name that stands where given names stand: a little better, decides between equals.
_AT_HOME = 0.05
# Fewer words without an equal, both sides together, can't be one word here and two there.
_JOINS_FROM = 2
_INITIAL, _TYPED = Kind.INITIAL, Kind.TYPED
# More pairs than these to choose from are chosen from greedily: the time is bounded whatever was typed.
_MAX_TRIED = 10


class Pair(NamedTuple):
    """Two words that stand for each other: positions in the question and in the record."""

    asked: int
    recorded: int
    kind: Kind


class Aligned(NamedTuple):
    """A question beside a recorded name.

    Attributes:
        roles: of the recorded words.
        order: `free`: one box, or nothing met; else whether given and family names stand where they belong.
        given: pairs on recorded given names, the best first.
        middle: pairs on recorded middle names.
        family: pairs on recorded family names.
        open_asked: positions of asked words without a partner, particles left out.
        open_recorded: the same of recorded words.
        loose: a particle has no partner.
    """

    roles: tuple[Role, ...]
    order: Order
    given: tuple[Pair, ...]
    middle: tuple[Pair, ...]
    family: tuple[Pair, ...]
    open_asked: tuple[int, ...]
    open_recorded: tuple[int, ...]
    loose: bool


NOBODY = Recorded(NameFacts(), (), ())
NO_NAME = Aligned((), "free", (), (), (), (), (), loose=False)


def worth(aligned: Aligned) -> float:
    """Tell how much of a name is met: about one for each word."""
    return sum([_WORTH[p.kind] for p in (*aligned.given, *aligned.middle, *aligned.family)])


def align(question: Asked, recorded: Recorded) -> Aligned:
    """Find the best partners."""
    pairs = _partners(question, recorded)
    given: list[Pair] = []
    middle: list[Pair] = []
    family: list[Pair] = []
    asked = there = 0
    for pair in pairs:
        asked |= 1 << pair.asked
        there |= 1 << pair.recorded
        role = recorded.roles[pair.recorded]
        (given if role == "given" else family if role == "family" else middle).append(pair)
    if len(given) > 1:
        given.sort(key=_best_first)
    open_asked, loose = _open(question.units, asked)
    open_recorded, loose_too = _open(recorded.units, there)
    return Aligned(
        recorded.roles,
        _order(question, recorded, pairs) if question.apart else "free",
        tuple(given),
        tuple(middle),
        tuple(family),
        open_asked,
        open_recorded,
        loose or loose_too,
    )


def _best_first(pair: Pair) -> tuple[int, int]:
    return -pair.kind, pair.recorded


def _open(words: tuple[Unit, ...], met: int) -> tuple[tuple[int, ...], bool]:
    """Return the words not met (a set as bits) that are no particles, and whether there are particles besides."""
    if met == (1 << len(words)) - 1:
        return (), False
    left = [i for i in range(len(words)) if not met >> i & 1]
    full = [i for i in left if not words[i].particle]
    # Alone it is a name: there are people called De and Van.
    if len(words) == 1 or len(full) == len(left):
        return tuple(left), False
    return tuple(full), True


def _order(question: Asked, recorded: Recorded, pairs: Sequence[Pair]) -> Order:
    home = away = 0
    for pair in pairs:
        role = recorded.roles[pair.recorded]
        if role == question.roles[pair.asked]:
            home += 1
        elif role != "middle":
            away += 1
    if not away:
        return "straight" if home else "free"
    return "crossed" if home else "swapped"


def _partners(question: Asked, recorded: Recorded) -> list[Pair]:
    edges: list[Pair] = []
    met_asked = met_there = sure_asked = sure_there = 0
    rivals = False
    roles, units = recorded.roles, recorded.units
    likes = question.likes
    for j, other in enumerate(units):
        for i, kind in likes[other].pairs:
            if kind == _INITIAL and roles[j] == "family":
                continue
            edges.append(Pair(i, j, kind))
            rivals = rivals or bool(met_asked >> i & 1 or met_there >> j & 1)
            met_asked |= 1 << i
            met_there |= 1 << j
            if kind >= _TYPED:
                sure_asked |= 1 << i
                sure_there |= 1 << j
    free_asked = [i for i in range(len(question.units)) if not sure_asked >> i & 1]
    free_there = [j for j in range(len(units)) if not sure_there >> j & 1]
    joined: list[Pair] = []
    if len(free_asked) + len(free_there) > _JOINS_FROM and any(likes[units[j]].joinable for j in free_there):
        joined = _joined(question, recorded, free_asked, free_there)
        taken, there = {p.asked for p in joined}, {p.recorded for p in joined}
        edges = [p for p in edges if p.asked not in taken and p.recorded not in there]
    return joined + (_chosen(edges, question, recorded) if rivals else edges)


def _joined(question: Asked, recorded: Recorded, asked: list[int], there: list[int]) -> list[Pair]:
    """Find words written together on one side and apart on the other, among those without an equal."""
    found: list[Pair] = []
    for i in asked:
        for run in _runs(question.units[i], recorded.units, recorded.roles, there):
            found += [Pair(i, j, Kind.JOINED) for j in run]
    met_asked, met_there = {pair.asked for pair in found}, {pair.recorded for pair in found}
    asked = [i for i in asked if i not in met_asked]
    for j in there:
        if j not in met_there:
            for run in _runs(recorded.units[j], question.units, question.roles, asked):
                found += [Pair(i, j, Kind.JOINED) for i in run]
    return found


def _runs(whole: Unit, parts: Sequence[Unit], roles: Sequence[Role], free: list[int]) -> Iterator[list[int]]:
    """Give the neighbours of one role that make the word when written together, and take them off the free ones."""
    for key in whole.keys:
        for start in free:
            if not key.startswith(parts[start].keys):
                continue
            run, end = [], 0
            for at in range(start, len(parts)):
                same = at in free and roles[at] == roles[start]
                piece = next((k for k in parts[at].keys if same and key.startswith(k, end)), "")
                if not piece:
                    break
                run.append(at)
                end += len(piece)
            if end == len(key) and len(run) > 1:
                free[:] = [at for at in free if at not in run]
                yield run
                return


def _chosen(pairs: list[Pair], question: Asked, recorded: Recorded) -> list[Pair]:
    """Choose pairs so that no word has two partners and the sum of their worth is greatest; the first of equals."""
    edges = []
    for pair in pairs:
        home = question.roles[pair.asked] == recorded.roles[pair.recorded]
        edges.append((_WORTH[pair.kind] + (_AT_HOME if home else 0), pair))
    edges.sort(key=_worthiest)
    if len(edges) > _MAX_TRIED:
        return _greedy(edges)
    return _best(edges, 0, 0, 0)[1]


def _worthiest(edge: tuple[float, Pair]) -> tuple[float, int, int]:
    return -edge[0], edge[1].asked, edge[1].recorded


def _greedy(edges: list[tuple[float, Pair]]) -> list[Pair]:
    asked = there = 0
    chosen = []
    for _, pair in edges:
        if not (asked >> pair.asked & 1 or there >> pair.recorded & 1):
            asked |= 1 << pair.asked
            there |= 1 << pair.recorded
            chosen.append(pair)
    return chosen


def _best(edges: list[tuple[float, Pair]], start: int, asked: int, there: int) -> tuple[float, list[Pair]]:
    """Try each pair from `start` on with and without; `asked` and `there` are sets of positions as bits."""
    while start < len(edges):
        worth, pair = edges[start]
        start += 1
        if asked >> pair.asked & 1 or there >> pair.recorded & 1:
            continue
        gained, chosen = _best(edges, start, asked | 1 << pair.asked, there | 1 << pair.recorded)
        rivals = any(
            other.asked == pair.asked or other.recorded == pair.recorded for _, other in edges[start:]
        )
        taken = (worth + gained, [pair, *chosen])
        if not rivals:
            return taken
        left = _best(edges, start, asked, there)
        return max(taken, left, key=lambda each: each[0])
    return 0.0, []
