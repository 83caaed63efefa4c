"""How a record answers to a question, in words and with a mark of its own shape."""

from dataclasses import dataclass
from typing import Literal, get_args

from registry.matching.match import Match
from registry.matching.notes import sentence
from registry.web.pages.language import Language

Mark = Literal["exact", "near", "former", "other", "part", "like", "unlike"]
MARKS: tuple[Mark, ...] = get_args(Mark)
# Notes that say no more than that something agrees, however it was typed.
_AGREES = frozenset(
    {
        *("number-same", "name-same", "birth-date-same", "profession-same", "county-same"),
        *("family-typed", "family-joined", "given-typed", "given-joined"),
    }
)
# Notes that say no more than that one side leaves something out.
_SHORTER = frozenset(
    {
        *("given-missing", "family-missing", "further-fewer", "family-part"),
        *("initials-agree", "given-initial", "name-begins", "birth-date-open", "birth-date-unknown"),
    }
)
# The note that comes first where a number led to the record: whatever else it says, the rest may be another person's.
_LED_HERE = "number-same"
_ANOTHER: dict[str, Mark] = {"former-name": "former", "other-name": "other"}


@dataclass(frozen=True, slots=True)
class MatchView:
    """A match as shown: an icon and a word for how good it is, and a sentence that says why."""

    mark: Mark
    label: str
    text: str


def match_view(match: Match | None, language: Language) -> MatchView | None:
    """Write a match; None where there is nothing to say."""
    if match is None or not match.notes:
        return None
    mark = _mark(match)
    return MatchView(mark, language.text(f"match.{mark}"), sentence(match.notes, language.code))


def _mark(match: Match) -> Mark:
    """Tell how good it is by what is said: a number makes sure who it is, and yet the name may be spelt otherwise."""
    differs = {note.code for note in match.notes} - _AGREES
    if not differs:
        return "exact"
    if match.level == "none" and match.notes[0].code == _LED_HERE:
        return "unlike"
    for code, mark in _ANOTHER.items():
        if code in differs and differs - {code} <= _SHORTER:
            return mark
    if match.level in {"exact", "strong"}:
        return "near"
    return "part" if differs <= _SHORTER else "like"
