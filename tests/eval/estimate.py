"""How often each outcome of each feature comes among pairs of one person (m) and of two (u), counted on synthetic people.

Fellegi and Sunter's m and u, from pairs whose truth is known: a question and its own record; a question and a record drawn
by chance. What is made of the counts stands in `registry.matching.estimate`.

Weights are added as if features were independent, which they nearly are for one person, and are not for two: where the
first given name differs, so do the others, and the order of words that don't agree means nothing. So what only shows
once a name is met is counted among the pairs where it is (`_ONCE_MET`): the question there is whether the further names
tell namesakes apart.

A near agreement (by sound, by an edit) is moved by how common the name is when it is weighed, and pairs drawn by chance agree
nearly in common names most of all (Jonsson, Johansson). So such a pair counts for as much as the scorer leaves of it: else
commonness would be held against the agreement twice.

Counts alone would make the generator's rates of errors a truth, and they are assumptions. So they are half of the model:
the odds set by hand (data/prior.toml) are added as if they had been counted on as many pairs (a Dirichlet prior). What
never came among the synthetic people keeps a sensible weight, too.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from registry.matching.birth_date import birth_date_outcome
from registry.matching.candidate import Candidate
from registry.matching.estimate import odds
from registry.matching.features import BY_NAME, FEATURES, outcomes
from registry.matching.model import NEAR_KINDS, Model, Odds, Part, load_model
from registry.matching.question import Asked
from registry.matching.question import asked as prepare
from registry.matching.score import Scorer
from tests.eval.draw import source
from tests.eval.house import facts
from tests.eval.matching import question
from tests.eval.model import Entry, EvalSet

Counts = dict[str, dict[str, float]]
PRIOR = Path(__file__).with_name("data") / "prior.toml"
# Pairs that the prior stands for, of each pair that was counted.
_PRIOR_PAIRS = 1.0
UNKNOWN = ("licence_number", "profession", "county")
"""Features that the synthetic people say nothing of."""
_ONCE_MET = {
    "further_names": ("given_name",),
    "initials": ("given_name",),
    "word_order": ("given_name", "family_name"),
    "name_use": ("given_name", "family_name"),
}
_NOT_MET = frozenset({"different", "missing", "unknown", "alike", "close"})
# Birth dates of two people agree seldom, and are compared fast: so many times the pairs of whole names.
_MORE_DATES = 10


def candidate(entry: Entry) -> Candidate:
    """Return an entry as it is compared."""
    told = facts(entry)
    return Candidate(told.names, told.birth_date)


def count(sets: Iterable[EvalSet], random_pairs: int) -> tuple[Counts, Counts]:
    """Count outcomes of pairs of one person, and of two: `random_pairs` a set, drawn with the set's seed.

    Every question is asked in one box and in two, in turn, so that features that need two have something to look at.
    """
    same: Counts = {feature.name: defaultdict(float) for feature in FEATURES}
    others: Counts = {feature.name: defaultdict(float) for feature in FEATURES}
    for set_ in sets:
        people = {entry.person: candidate(entry) for entry in set_.register}
        every = list(people.items())
        scorer = Scorer(load_model(PRIOR), Shares.of(people.values()), len(people))
        chance = source("pairs", set_.seed)
        each = max(1, random_pairs // len(set_.questions))
        for number, asked in enumerate(set_.questions):
            prepared = prepare(question(asked, parts=number % 2 == 1))
            _add(same, outcomes(prepared, people[asked.person]))
            for person, other in chance.choices(every, k=each):
                if person != asked.person:
                    _add(others, outcomes(prepared, other), _left(scorer, prepared, other))
            dates = others["birth_date"]
            for person, other in chance.choices(every, k=each * _MORE_DATES):
                if person != asked.person:
                    dates[birth_date_outcome(prepared.born, other.born)] += 1
    return same, others


def _add(counts: Counts, found: Mapping[str, str], left: Mapping[str, float] | None = None) -> None:
    for feature, outcome in found.items():
        needed = _ONCE_MET.get(feature)
        if needed is None or any(found[part] not in _NOT_MET for part in needed):
            counts[feature][outcome] += (left or {}).get(feature, 1.0)


def _left(scorer: Scorer, asked: Asked, other: Candidate) -> dict[str, float]:
    """Return what a near agreement counts for: two to the power of the bits by which the name's frequency moves it."""
    return {
        name: 2 ** (bits - scorer.model.features[name][outcome].bits)
        for name, outcome, bits in scorer.score(asked, other).features
        if name in scorer.model.rarity and outcome in NEAR_KINDS
    }


@dataclass(frozen=True)
class Shares:
    """How common names are among some people."""

    people: int
    bearers: Mapping[tuple[str, str], int]

    @classmethod
    def of(cls, people: Collection[Candidate]) -> "Shares":
        """Count who bears which name."""
        found: Counter[tuple[str, str]] = Counter()
        for one in people:
            words = [pair for name in one.recorded for pair in zip(name.roles, name.units, strict=True)]
            found.update({(role, unit.key) for role, unit in words})
        return cls(len(people), found)

    def share(self, kind: Part, key: str) -> float:
        """Return the part of all people who bear a name; of one nobody bears half a person does."""
        return self.bearers.get((kind, key), 0.5) / self.people


def weigh(
    features: Mapping[str, Mapping[str, Odds]],
    same: Counts,
    others: Counts,
    prior: Mapping[str, Mapping[str, Odds]],
) -> dict[str, dict[str, Odds]]:
    """Return the odds that counts and prior tell; features that nothing is known of stay as they are."""
    made = {name: dict(told) for name, told in features.items()}
    for feature in FEATURES:
        name = feature.name
        if name not in UNKNOWN:
            of_one = _beside(same[name], {outcome: each.m for outcome, each in prior[name].items()})
            of_two = _beside(others[name], {outcome: each.u for outcome, each in prior[name].items()})
            made[name] = _beside_neutral(name, odds(name, of_one, of_two))
    return made


def _beside(counts: Mapping[str, float], shares: Mapping[str, float]) -> dict[str, float]:
    """Return counts with the prior's beside them; outcomes without a share are neutral and not counted."""
    pairs = _PRIOR_PAIRS * sum(counts.get(outcome, 0) for outcome in shares)
    return {outcome: counts.get(outcome, 0) + pairs * share for outcome, share in shares.items()}


def _beside_neutral(name: str, told: dict[str, Odds]) -> dict[str, Odds]:
    """Let an outcome that its order puts above one that weighs nothing weigh nothing at least, and below it at most."""
    feature = BY_NAME[name]
    for chain in feature.chains:
        for place, neutral in enumerate(chain):
            if neutral not in feature.neutral:
                continue
            wrong = [o for o in chain[:place] if o in told and told[o].bits < 0]
            wrong += [o for o in chain[place + 1 :] if o in told and told[o].bits > 0]
            for outcome in wrong:
                told = _even(told, outcome)
    return told


def _even(told: dict[str, Odds], outcome: str) -> dict[str, Odds]:
    """Let an outcome weigh nothing; the others share what is left of m, their order unchanged."""
    m, u = told[outcome].m, told[outcome].u
    rest = (1 - u) / (1 - m)
    return {
        name: Odds(m=u, u=u) if name == outcome else Odds(m=min(1.0, each.m * rest), u=each.u)
        for name, each in told.items()
    }


def refitted(model: Model, same: Counts, others: Counts) -> Model:
    """Return the model with the weights that counts and prior tell."""
    prior = load_model(PRIOR).features
    return msgspec.structs.replace(model, features=weigh(model.features, same, others, prior))
