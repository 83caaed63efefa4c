"""Making a model's odds out of counted outcomes, and writing the model file.

Counts come from pairs known to be of one person and of two (see `tests/eval`). Where chance puts two outcomes in an order
that `registry.matching.features` forbids, their counts are pooled: they then weigh the same (the pool-adjacent-violators
way of isotonic regression, Ayer et al. 1955, here along several chains).
"""

from collections.abc import Mapping
from itertools import pairwise

from registry.matching.features import BY_NAME, FEATURES, Feature
from registry.matching.model import Levels, Model, Odds, Provenance, Rarity

# An outcome never seen may still come: half a pair is added to each (Jeffreys' prior).
_UNSEEN = 0.5
_DIGITS = 5


def odds(feature: str, same: Mapping[str, float], other: Mapping[str, float]) -> dict[str, Odds]:
    """Estimate the odds of a feature's outcomes.

    Args:
        feature: its name.
        same: how often each outcome came among pairs of one person; neutral outcomes are not counted.
        other: the same among pairs of two persons.

    Raises:
        ValueError: an outcome that the feature does not have.
    """
    kind = BY_NAME[feature]
    if unknown := (same.keys() | other.keys()) - set(kind.outcomes):
        raise ValueError(f"{feature} has no outcome {', '.join(sorted(unknown))}")
    weighed = [outcome for outcome in kind.outcomes if outcome not in kind.neutral]
    m, u = _shares(same, weighed), _shares(other, weighed)
    return _in_order(kind, m, u)


def _shares(counts: Mapping[str, float], weighed: list[str]) -> dict[str, float]:
    raised = {outcome: counts.get(outcome, 0) + _UNSEEN for outcome in weighed}
    total = sum(raised.values())
    return {outcome: count / total for outcome, count in raised.items()}


def _in_order(feature: Feature, m: dict[str, float], u: dict[str, float]) -> dict[str, Odds]:
    group = {outcome: frozenset({outcome}) for outcome in m}

    def ratio(outcome: str) -> float:
        return sum(m[each] for each in group[outcome]) / sum(u[each] for each in group[outcome])

    # A neutral outcome weighs nothing by definition; whether the others stand on its right sides is checked at load.
    links = [
        link
        for chain in feature.chains
        for link in pairwise([outcome for outcome in chain if outcome in group])
    ]
    while True:
        wrong = next(
            (link for link in links if group[link[0]] != group[link[1]] and ratio(link[0]) < ratio(link[1])),
            None,
        )
        if wrong is None:
            break
        both = group[wrong[0]] | group[wrong[1]]
        group.update(dict.fromkeys(both, both))
    return {outcome: Odds(m=m[outcome], u=m[outcome] / ratio(outcome)) for outcome in m}


def written(model: Model, comments: str = "") -> str:
    """Return the model as the text of its file; each feature is headed by the first line of its documentation."""
    lines = [f"# {line}".rstrip() for line in comments.splitlines()]
    lines += _table("provenance", model.provenance) + _table("levels", model.levels)
    for name, rarity in model.rarity.items():
        lines += _table(f"rarity.{name}", rarity)
    for feature in FEATURES:
        about = (feature.look.__doc__ or "").strip().splitlines()[0]
        lines += ["", f"# {about}", f"[features.{feature.name}]"]
        for outcome, each in model.features[feature.name].items():
            lines.append(
                f"{outcome} = {{ m = {_number(each.m)}, u = {_number(each.u)} }} # {each.bits:+.1f} bits"
            )
    return "\n".join(lines) + "\n"


def _table(name: str, values: Provenance | Levels | Rarity) -> list[str]:
    lines = ["", f"[{name}]"]
    for field in values.__struct_fields__:
        value = getattr(values, field)
        if isinstance(value, frozenset):
            text = "[" + ", ".join(f'"{each}"' for each in sorted(value)) + "]"
        elif isinstance(value, str):
            text = '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ") + '"'
        else:
            text = _number(value)
        lines.append(f"{field} = {text}")
    return lines


def _number(value: float) -> str:
    if isinstance(value, int):
        return str(value)
    text = f"{value:.{_DIGITS}g}"
    return text if any(sign in text for sign in ".e") else f"{text}.0"
