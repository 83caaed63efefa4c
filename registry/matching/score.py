"""The scorer: adds up what a question and a candidate have in common, and says what the sum is worth."""

from collections.abc import Sequence
from math import log2
from typing import Protocol

from registry.matching.align import NO_NAME, NOBODY, Pair
from registry.matching.candidate import Candidate
from registry.matching.decide import Decision, decide
from registry.matching.explain import explain_match
from registry.matching.features import FEATURES, NAME_FEATURES, PERSON_FEATURES, Compared, compared
from registry.matching.kinds import Kind
from registry.matching.levels import level_of
from registry.matching.match import Match
from registry.matching.model import EXACT_KINDS, NEAR_KINDS, Model, Part, load_model
from registry.matching.open_words import left_over
from registry.matching.question import Asked, Question
from registry.matching.question import asked as prepare

# Names whose rarity is remembered, of each part.
_REMEMBERED = 65_536
TELLING_PEOPLE = 1000
Seen = tuple[tuple[str, str, float], ...]
_PARTS: dict[str, Part] = {"family_name": "family", "given_name": "given"}


class NameCounts(Protocol):
    """How common names are in the register."""

    def share(self, kind: Part, key: str) -> float:
        """Return how many of all people have the name with this typed key, 0 to 1; 0 where nothing is known."""
        ...


class Scorer:
    """Scores candidates by a model.

    Args:
        model: see `registry.matching.model.load_model`.
        counts: None: every name is taken as equally common, and no misspelt given name is ever `strong`.
        people: size of the register; None: what the model assumes.
    """

    def __init__(self, model: Model, counts: NameCounts | None = None, people: int | None = None) -> None:
        self.model = model
        self.counts = counts
        levels = model.levels
        self.prior_bits = log2(max(levels.people if people is None else people, levels.fewest_people))
        weights = {feature.name: model.weights(feature.name) for feature in FEATURES}
        self._weights = weights
        self._name_looks = [(f.name, f.look, weights[f.name], f.name in _PARTS) for f in NAME_FEATURES]
        self._person_looks = [(f.name, f.look, weights[f.name]) for f in PERSON_FEATURES]
        # The birth date stands first; what is seldom asked about is not looked at when it was not.
        self._silent: Seen = tuple((f.name, "not-asked", 0.0) for f in PERSON_FEATURES[1:])
        self._rarities: dict[Part, dict[str, float]] = {"given": {}, "family": {}}

    def asked(self, question: Question) -> Asked:
        """Prepare a question for many candidates.

        Raises:
            ValueError: the birth date is no date.
        """
        return prepare(question)

    def score(self, question: Question | Asked, candidate: Candidate) -> Match:
        """Compare a question with a candidate.

        Raises:
            ValueError: the question's birth date is no date.
        """
        asked = prepare(question) if isinstance(question, Question) else question
        there = compared(asked, candidate) if asked.units else []
        if there:
            best, seen, bits = self._best(there)
        else:
            best, seen, bits = Compared(asked, candidate, NOBODY, NO_NAME, left_over(asked, NO_NAME)), (), 0.0
        person, more = self._person(best)
        score, seen = bits + more, seen + person
        told = {feature: outcome for feature, outcome, _ in seen}
        level = level_of(best, told, score, self)
        name = best.recorded.name if there else None
        # Where the number agrees, what contradicts it is told.
        explained = level != "none" or told["licence_number"] == "same"
        return Match(level, explain_match(best, told) if explained else (), name, score, seen)

    def rank(self, question: Question | Asked, candidates: Sequence[Candidate]) -> list[tuple[int, Match]]:
        """Score candidates; return (position, match), equals in the order given.

        `exact` stands before `strong`, and that before all others; of those the likelier first. Between `possible` and `none`
        the level is no order: who is only possible because the record has no birth date may be less likely than somebody
        whose date contradicts by a digit.
        """
        asked = prepare(question) if isinstance(question, Question) else question
        found = [(i, self.score(asked, candidate)) for i, candidate in enumerate(candidates)]
        return sorted(found, key=_best_first)

    def decide(self, matches: Sequence[Match]) -> Decision:
        """Choose among matches in any order, with the model's margin; see `registry.matching.decide`."""
        return decide(matches, self.model.levels.ambiguous_bits)

    def own_name(self, part: Part, pair: Pair, asked: Asked) -> bool:
        """Tell whether a name as asked is a name of its own, or nothing is known about that."""
        if self.counts is None:
            return True
        share = self.counts.share(part, asked.units[pair.asked].key)
        return share <= 0 or share >= self.model.levels.own_name_share

    def _best(self, there: list[Compared]) -> tuple[Compared, Seen, float]:
        best = there[0]
        seen, most = self._name(best)
        for other in there[1:]:
            others, bits = self._name(other)
            # The first of equals: the one that is met best, then the official one.
            if bits > most:
                best, seen, most = other, others, bits
        return best, seen, most

    def _name(self, this: Compared) -> tuple[Seen, float]:
        seen, total = [], 0.0
        for name, look, weights, part in self._name_looks:
            outcome = look(this)
            bits = weights[outcome]
            if part and outcome in _MOVED and self.counts is not None:
                bits = self._moved(name, outcome, bits, this)
            total += bits
            seen.append((name, outcome, bits))
        return tuple(seen), total

    def _person(self, this: Compared) -> tuple[Seen, float]:
        asked = this.asked
        looks = self._person_looks
        silent: Seen = ()
        if not (asked.number or asked.county or asked.question.profession):
            looks, silent = looks[:1], self._silent
        seen, total = [], 0.0
        for name, look, weights in looks:
            outcome = look(this)
            bits = weights[outcome]
            total += bits
            seen.append((name, outcome, bits))
        return (*seen, *silent), total

    def _moved(self, name: str, outcome: str, bits: float, this: Compared) -> float:
        """Return the weight of an agreement on this very name, by how common it is."""
        part = _PARTS[name]
        if part == "given":
            move = self._move(name, part, this.aligned.given[0], this)
        else:
            move = max([self._move(name, part, pair, this) for pair in this.aligned.family], default=0.0)
        weights, near = self._weights[name], self.model.rarity[name].near
        floor = weights["close"] if outcome != "part" else weights["missing"]
        if outcome in EXACT_KINDS:
            lesser = max(weights["sound"], weights.get("part", weights["sound"])) + near * move
            return max(bits + move, lesser, floor)
        return max(bits + near * move, floor)

    def _move(self, name: str, part: Part, pair: Pair, this: Compared) -> float:
        bits = self._rarity(part, this.recorded.units[pair.recorded].key)
        if pair.kind < Kind.JOINED:
            # A name of its own is seldom a misspelling of another: the more common of the two counts.
            bits = min(bits, self._rarity(part, this.asked.units[pair.asked].key))
        rarity = self.model.rarity[name]
        return max(-rarity.commonest_bits, min(bits, rarity.rarest_bits))

    def _rarity(self, part: Part, key: str) -> float:
        """Return how much rarer than the mean a name is, in bits; 0 where nothing is known."""
        known = self._rarities[part]
        found = known.get(key)
        if found is None:
            share = self.counts.share(part, key) if self.counts else 0.0
            mean = self.model.features[f"{part}_name"]["written"].u
            if len(known) >= _REMEMBERED:
                known.clear()
            found = known[key] = log2(mean / share) if share > 0 else 0.0
        return found


_MOVED = EXACT_KINDS | NEAR_KINDS
_SURE = {"exact": 0, "strong": 1}


def _best_first(each: tuple[int, Match]) -> tuple[int, float]:
    return _SURE.get(each[1].level, len(_SURE)), -each[1].score


class Counted(NameCounts, Protocol):
    """Counts of names, and of how many people they are."""

    @property
    def people(self) -> int:
        """How many there are; 0: they have not been counted."""
        ...


def scorer_of(counts: Counted, model: Model | None = None) -> Scorer:
    """Return the scorer of a register with these counts; `model`: the shipped one if None.

    Fewer people than `TELLING_PEOPLE` do not tell how common a name is: in a register of thirty every name is borne by one
    in thirty.
    """
    telling = counts if counts.people >= TELLING_PEOPLE else None
    return Scorer(model or load_model(), telling, counts.people or None)
