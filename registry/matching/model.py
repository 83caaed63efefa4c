"""The model: what each outcome of each feature weighs, and how sure is sure enough. Parameters are data.

Fellegi and Sunter 1969: an outcome that comes with probability m when question and record are of one person, and with
probability u when they are of two, weighs log2(m / u) bits, and the bits of all features are added. For the words of a
name u depends on how common the name is: agreeing on Andersson is worth less than agreeing on Zetterberg.

The file is checked when it is loaded: each outcome of each feature is there, no other is, and weights keep the orders
that `registry.matching.features` states, so that more agreement never lowers a score.
"""

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from itertools import pairwise
from math import log2
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from registry.errors import SettingsError
from registry.matching.features import BY_NAME, FEATURES, Feature
from registry.settings import CONFIG
from registry.struct_types import ready

MODEL = CONFIG / "matching" / "model.toml"
# Rounding in the file must not make two pooled outcomes seem out of order, nor a sum seem above one.
_ROUNDING = 0.01

Part = Literal["given", "family"]
Bits = Annotated[float, msgspec.Meta(ge=0, le=60)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the file; an unknown key is an error, so that a misspelt one is noticed."""


class Odds(_Table, frozen=True):
    """How often an outcome comes among pairs of one person (m) and of two (u)."""

    m: float
    u: float

    @property
    def bits(self) -> float:
        """The weight of the outcome."""
        return log2(self.m / self.u)


class Provenance(_Table, frozen=True):
    """Where the parameters come from: how they were estimated, from which data, on which day."""

    how: str
    data: str
    when: str


class Rarity(_Table, frozen=True):
    """How a name's frequency moves the weight of agreeing on it.

    The move is log2(mean share / share of this name) bits, where the mean share is u of `written`. It never takes an
    agreement below a lesser one.

    Attributes:
        rarest_bits: most that a rare name adds. Names seen once or never are rarer in the table than in the world.
        commonest_bits: most that a common name takes away.
        near: part of the move that a near agreement (sound, one edit, two edits, part) gets.
    """

    rarest_bits: Bits
    commonest_bits: Bits
    near: Share


class Levels(_Table, frozen=True):
    """What is sure enough. A score is compared with log2(people) and a number of bits beside.

    In a register of n people an absent person has n chances to be mistaken for somebody, so thresholds rise with its size.

    Attributes:
        people: assumed where the size of the register is not known.
        fewest_people: a smaller register is taken as one of this size.
        strong_bits: above log2(people) for `strong`.
        possible_bits: above log2(people) for `possible` when both birth dates are whole and something differs; may be
            negative.
        name_bits: for `possible` when nothing differs: no part of the name, and no birth date but an open one.
        ambiguous_bits: two candidates whose scores differ by no more are not told apart.
        strong_family: outcomes of the family name that leave `strong` open.
        strong_given: outcomes of the given name that do.
        strong_further: outcomes of further names that do.
        own_name_share: a name held by at least this share of people is a name of its own, not a misspelling of
            another: Lind and Lund are two families, and twins are given names one letter apart.
    """

    people: Annotated[int, msgspec.Meta(ge=1)]
    fewest_people: Annotated[int, msgspec.Meta(ge=1)]
    strong_bits: float
    possible_bits: float
    name_bits: float
    ambiguous_bits: Bits
    strong_family: frozenset[str]
    strong_given: frozenset[str]
    strong_further: frozenset[str]
    own_name_share: Share


@ready
class Model(_Table, frozen=True):
    """All parameters, as in the file."""

    provenance: Provenance
    levels: Levels
    rarity: dict[str, Rarity]
    features: dict[str, dict[str, Odds]]

    def weights(self, feature: str) -> dict[str, float]:
        """Return the bits of every outcome of a feature, neutral ones too."""
        bits = {outcome: odds.bits for outcome, odds in self.features[feature].items()}
        return bits | dict.fromkeys(BY_NAME[feature].neutral, 0.0)


@lru_cache(maxsize=4)
def load_model(path: Path = MODEL) -> Model:
    """Read and check the model file.

    Raises:
        SettingsError: the file is missing or not a model; the message says what is wrong and where.
    """
    try:
        found = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Model)
    except OSError as error:
        raise SettingsError(f"{path.name}: can't be read; it belongs in config/matching") from error
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path.name}: {error}") from error
    if wrong := faults(found):
        raise SettingsError(f"{path.name}: " + "; ".join(wrong))
    return found


def faults(model: Model) -> list[str]:
    """Return what is wrong with a model, in words for the one who edits the file; empty for a good one."""
    wrong = _names(model.features, [feature.name for feature in FEATURES], "features")
    wrong += _names(model.rarity, [name for name, _ in _PARTS], "rarity")
    for feature in FEATURES:
        if feature.name in model.features:
            wrong += _outcomes(feature, model.features[feature.name])
    if wrong:
        return wrong
    for feature in FEATURES:
        wrong += _chains(feature, model.weights(feature.name))
    for name, part in _PARTS:
        if unknown := sorted(getattr(model.levels, part) - set(BY_NAME[name].outcomes)):
            wrong.append(f"levels.{part}: {name} has no outcome {', '.join(unknown)}")
    if unknown := sorted(model.levels.strong_further - set(BY_NAME["further_names"].outcomes)):
        wrong.append(f"levels.strong_further: further_names has no outcome {', '.join(unknown)}")
    if model.levels.possible_bits > model.levels.strong_bits:
        wrong.append("levels: possible_bits must not be above strong_bits")
    return wrong


_PARTS = (("family_name", "strong_family"), ("given_name", "strong_given"))
EXACT_KINDS = frozenset({"written", "typed", "joined"})
NEAR_KINDS = frozenset({"sound", "one-edit", "two-edits", "part"})


def _names(there: Mapping[str, object], expected: list[str], table: str) -> list[str]:
    missing = [f"{table}.{name} is missing" for name in expected if name not in there]
    return missing + [f"{table}.{name} is unknown" for name in there if name not in expected]


def _outcomes(feature: Feature, odds: dict[str, Odds]) -> list[str]:
    weighed = [outcome for outcome in feature.outcomes if outcome not in feature.neutral]
    wrong = _names(odds, weighed, f"features.{feature.name}")
    wrong += [
        f"features.{feature.name}.{outcome}: m and u must be above 0 and at most 1"
        for outcome, each in odds.items()
        if not (0 < each.m <= 1 and 0 < each.u <= 1)
    ]
    for letter in ("m", "u"):
        total = sum(getattr(each, letter) for each in odds.values())
        if not wrong and abs(total - 1) > _ROUNDING:
            wrong.append(f"features.{feature.name}: the values of {letter} add up to {total:.4f}, not 1")
    return wrong


def _chains(feature: Feature, bits: dict[str, float]) -> list[str]:
    return [
        f"features.{feature.name}: {more} weighs {bits[more]:.2f} bits, which must not be less than {less} "
        f"({bits[less]:.2f})"
        for chain in feature.chains
        for more, less in pairwise(chain)
        if bits[more] < bits[less] - _ROUNDING
    ]
