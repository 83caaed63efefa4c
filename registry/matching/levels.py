"""From a score to a level: what is sure enough, and what no score can make sure."""

from typing import TYPE_CHECKING

from registry.matching.align import Pair
from registry.matching.features import Compared
from registry.matching.kinds import Kind
from registry.matching.match import Level
from registry.matching.model import EXACT_KINDS, Part
from registry.matching.name import compare_name
from registry.matching.question import MAX_UNITS

if TYPE_CHECKING:
    from registry.matching.score import Scorer

_OPEN_DATES = frozenset({"not-asked", "unknown", "part-month", "part-year"})
# However rare the name: fathers and sons share it.
_OTHER_DAY = frozenset({"decade", "different"})
# The record has one part only, and that is met.
_MET = EXACT_KINDS | {"unknown"}


def level_of(this: Compared, seen: dict[str, str], score: float, scorer: "Scorer") -> Level:
    """Tell the level; `seen` holds the outcomes of the name that agrees best.

    The rules stand above the score: a name alone, or a birth date that is not the same whole date, is never more
    than `possible`; nor is another given name (twins), or a licence number that is not the person's.
    """
    number = seen["licence_number"]
    if number == "same":
        return _by_number(this, seen)
    named = bool(this.asked.units)
    if named and "family_name" not in seen:
        return "none"  # a name was asked for, and the record has none to agree with
    if named and seen["birth_date"] == "same" and number != "different" and not _cut(this):
        if _as_recorded(this, seen):
            return "exact"
        if _sure(this, seen, scorer) and score >= scorer.prior_bits + scorer.model.levels.strong_bits:
            return "strong"
    return "possible" if _possible(seen, score, scorer, named=named) else "none"


def _cut(this: Compared) -> bool:
    """Tell whether a name has so many words that some may not have been compared."""
    return max(len(this.asked.units), len(this.recorded.units)) >= MAX_UNITS


def _by_number(this: Compared, seen: dict[str, str]) -> Level:
    """Tell the level where the number says who it is, unless name or birth date contradict the record."""
    if seen["birth_date"] not in _OPEN_DATES | {"same"}:
        return "none"
    question = this.asked.question
    name = " ".join(part for part in (question.given, question.family) if part) or question.name
    if name and compare_name(name, this.candidate.names).likeness == "different":
        return "none"
    return "exact"


def _as_recorded(this: Compared, seen: dict[str, str]) -> bool:
    """Tell whether it is the official name, each word on both sides, however typed, hyphenated or ordered."""
    return (
        seen["name_use"] == "official"
        and seen["family_name"] in _MET
        and seen["given_name"] in _MET
        and seen["further_names"] in {"agree", "none"}
        and seen["initials"] == "none"
        and seen["word_order"] in {"free", "straight"}
        and not (this.aligned.loose or this.aligned.open_recorded or this.aligned.open_asked)
    )


def _sure(this: Compared, seen: dict[str, str], scorer: "Scorer") -> bool:
    """Tell whether nothing in the name contradicts: each part is met, nothing is left on both sides."""
    levels = scorer.model.levels
    if (
        seen["family_name"] not in levels.strong_family
        or seen["given_name"] not in levels.strong_given
        or seen["further_names"] not in levels.strong_further
        or seen["initials"] == "conflict"
    ):
        return False
    # What sounds alike is spelt in many ways in family names, but given names tell twins apart.
    doubtful: list[tuple[Part, Pair]] = [
        ("given", pair) for pair in this.aligned.given[:1] if pair.kind < Kind.JOINED
    ]
    doubtful += [("family", pair) for pair in this.aligned.family if pair.kind < Kind.SOUND]
    return not any(scorer.own_name(part, pair, this.asked) for part, pair in doubtful)


def _possible(seen: dict[str, str], score: float, scorer: "Scorer", *, named: bool) -> bool:
    levels = scorer.model.levels
    born = seen["birth_date"]
    if born in _OTHER_DAY:
        return False
    if not named:
        return score >= scorer.prior_bits + levels.possible_bits
    contradicted = "different" in {seen["family_name"], seen["given_name"], seen["licence_number"]} or (
        seen["further_names"] == "conflict"
    )
    # However big the register: one whom nothing speaks against must not be passed over in silence.
    if not contradicted and (born == "same" or born in _OPEN_DATES) and score >= levels.name_bits:
        return True
    return born not in _OPEN_DATES and score >= scorer.prior_bits + levels.possible_bits
