"""What a question means, applied to one document at a time: for the few documents that are at hand without an engine.

The same trees as the engines get, with the same weights, so that an answer from SQL alone and one from an engine agree.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, cast, get_args

from registry.records.facts import Status
from registry.search.status import in_status
from registry.search.tree import Best, Fuzzy, Leaf, Node, Prefix, Range, Sum, Term, Terms

Body = Mapping[str, Any]


def score(node: Node, body: Body) -> int | None:
    """Return how well a document matches, None if it does not."""
    match node:
        case Best(children):
            found = _scores(children, body)
            return max(found) if found else None
        case Sum(children, minimum, bonus, excluded):
            found = _scores(children, body)
            if len(found) < minimum or _scores(excluded, body):
                return None
            return sum(found) + sum(_scores(bonus, body))
        case _:
            return node.weight if _matches(node, body) else None


def matches(nodes: Iterable[Node], body: Body) -> bool:
    """Tell whether a document matches all of `nodes`."""
    return all(score(node, body) is not None for node in nodes)


def status_on(day: int, body: Body) -> Status:
    """Return the status that a search on `day` (yyyymmdd) counts the document under."""
    for status, node in _statuses(day):
        if score(node, body) is not None:
            return status
    return "unknown"


@lru_cache(maxsize=4)
def _statuses(day: int) -> tuple[tuple[Status, Node], ...]:
    """Return the condition of each status; a list asks for them once a licence."""
    return tuple((cast("Status", status), in_status(status, day)) for status in get_args(Status))


def values_of(body: Body, field: str) -> list[Any]:
    """Return what a document holds in a field."""
    values = body.get(field)
    return values if isinstance(values, list) else [] if values is None else [values]


def _scores(nodes: Iterable[Node], body: Body) -> list[int]:
    return [found for node in nodes if (found := score(node, body)) is not None]


def _matches(leaf: Leaf, body: Body) -> bool:
    held = values_of(body, leaf.field)
    match leaf:
        case Term(value=value):
            return value in held
        case Terms(values=wanted):
            return any(value in held for value in wanted)
        case Prefix(value=value):
            return any(one.startswith(value) for one in held)
        case Fuzzy(value=value, distance=distance):
            return any(within(value, one, distance) for one in held)
        case Range(low=low, high=high):
            return any((low is None or one >= low) and (high is None or one <= high) for one in held)


def within(one: str, other: str, distance: int) -> bool:
    """Tell whether two words are at most `distance` edits apart.

    A swap of neighbours is one edit (optimal string alignment, as both engines count).
    """
    if abs(len(one) - len(other)) > distance:
        return False
    above: list[int] = []
    last = list(range(len(other) + 1))
    for i, letter in enumerate(one, start=1):
        row = [i]
        for j, theirs in enumerate(other, start=1):
            cost = min(row[j - 1] + 1, last[j] + 1, last[j - 1] + (letter != theirs))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == theirs:
                cost = min(cost, above[j - 2] + 1)
            row.append(cost)
        above, last = last, row
    return last[-1] <= distance
