"""Is a match beyond all rivals who were not compared? Told by the model's weights alone.

Whoever was born on the very day is found at once; whoever was born on another, or on a day that is not known whole, only by
searching for every likeness of the name. When the best of that day is so good that nobody else's name could make up for the birth
date, there is nothing to search for: `registry.matching.decide` would decide the same among everybody. One thing is left out of
account: that another's given names, written apart, are the asked one written together; who was born on the very day is still meant.
"""

from collections.abc import Iterator

from registry.matching.candidate import Candidate
from registry.matching.match import Match
from registry.matching.question import Asked
from registry.matching.score import Scorer
from registry.names import is_initial, is_particle, words
from registry.records.facts import NameFacts

_FEWEST, _MOST = 2, 4  # words of a name: one says too little, of many there are too many readings
_PARTLY = ("part-month", "part-year")


class Unrivalled:
    """Tells by a scorer's weights who needs not be looked for."""

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer
        model = scorer.model
        born = model.weights("birth_date")
        others = max(bits for outcome, bits in born.items() if outcome not in {"same", *_PARTLY})
        partly = max(born[outcome] for outcome in _PARTLY)
        # A name no word of which is as asked loses at least this much, whatever it is like.
        unlike = sum(self._least_loss(f"{part}_name") for part in ("family", "given"))
        ambiguous = model.levels.ambiguous_bits
        self._most_lost = min(born["same"] - others, born["same"] - partly + unlike) - ambiguous

    def is_beyond(self, asked: Asked, match: Match) -> bool:
        """Tell whether nobody can come near a match who was neither born on the day that was asked for nor shares a word.

        Args:
            asked: with a whole birth date.
            match: of somebody born on that day, who is exact or strong.
        """
        names = list(_readings(asked.question.name))
        if not names or asked.apart or self._most_lost <= 0:
            return False
        perfect = [
            self._scorer.score(asked, Candidate((name,), asked.question.birth_date)).score for name in names
        ]
        return max(perfect) - match.score < self._most_lost

    def _least_loss(self, feature: str) -> float:
        """Return how much less than the asked name a name weighs that only sounds alike or has a slip, however common it is."""
        weights, rarity = self._scorer.model.weights(feature), self._scorer.model.rarity[feature]
        alike = max(weights["sound"], weights["one-edit"])
        common = rarity.commonest_bits
        return max(0.0, min(weights["typed"] - common, weights["typed"]) - (alike - rarity.near * common))


def _readings(name: str) -> Iterator[NameFacts]:
    """Give the names that a question may mean if each of its words is one: given names first, or last."""
    found = words(name)
    if not _FEWEST <= len(found) <= _MOST or any(is_initial(one) or is_particle(one) for one in found):
        return
    written = name.replace(",", " ").split()
    for cut in range(1, len(written)):
        first, last = written[:cut], written[cut:]
        yield NameFacts(given=tuple(first), family=" ".join(last))
        yield NameFacts(given=tuple(last), family=" ".join(first))
