"""What is asked of an engine, as a small tree that belongs to no engine.

Every leaf has a fixed integer weight: no word statistics, so that both engines, every shard and every replica give
the same document the same score, and the same question the same order tomorrow. How rare a name is counts later,
where candidates are compared.
"""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Term:
    """Documents whose field holds exactly this value."""

    field: str
    value: str | bool
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Terms:
    """Documents whose field holds any of these values; none at all where there are no values."""

    field: str
    values: tuple[str, ...]
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Prefix:
    """Documents whose field holds a value that starts so."""

    field: str
    value: str
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Fuzzy:
    """Documents whose field holds a value at most `distance` edits away (a swap of neighbours is one edit)."""

    field: str
    value: str
    distance: int
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Range:
    """Documents whose number lies between the bounds, both included; one without a number does not match."""

    field: str
    low: int | None = None
    high: int | None = None
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Best:
    """Documents that match any child; the score is the best child's."""

    children: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Sum:
    """Documents that match at least `minimum` children and nothing excluded; the score is the sum.

    A matching `bonus` adds to the score and is never needed. Without children everything not excluded matches.
    """

    children: tuple["Node", ...]
    minimum: int
    bonus: tuple["Node", ...] = ()
    excluded: tuple["Node", ...] = ()


Leaf = Term | Terms | Prefix | Fuzzy | Range
Node = Leaf | Best | Sum


def every(*nodes: Node, excluded: Iterable[Node] = ()) -> Sum:
    """Return the documents that match all nodes and nothing excluded."""
    return Sum(nodes, len(nodes), excluded=tuple(excluded))


def either(*nodes: Node) -> Node:
    """Return the documents that match at least one node."""
    return nodes[0] if len(nodes) == 1 else Best(nodes)


def leaves(node: Node) -> set[Leaf]:
    """Return every leaf of a tree."""
    match node:
        case Best(children):
            inner: Iterable[Node] = children
        case Sum(children, _, bonus, excluded):
            inner = (*children, *bonus, *excluded)
        case _:
            return {node}
    return set().union(*map(leaves, inner))


def two_edits(node: Node) -> frozenset[Leaf]:
    """Return the leaves of a tree that cost most and say least: words that are two edits away."""
    return frozenset(leaf for leaf in leaves(node) if isinstance(leaf, Fuzzy) and leaf.distance > 1)


def without(node: Node, absent: AbstractSet[Leaf]) -> Node | None:
    """Return the tree without leaves that are known to match nothing; None if nothing is left to match."""
    match node:
        case Best(children):
            kept = _kept(children, absent)
            return either(*kept) if kept else None
        case Sum(children, minimum, bonus, excluded):
            kept = _kept(children, absent)
            if len(kept) < minimum:
                return None
            left = Sum(kept, minimum, _kept(bonus, absent), _kept(excluded, absent))
            return kept[0] if left == every(*kept) and len(kept) == 1 else left
        case _:
            return None if node in absent else node


def _kept(nodes: Iterable[Node], absent: AbstractSet[Leaf]) -> tuple[Node, ...]:
    return tuple(left for node in nodes if (left := without(node, absent)) is not None)
