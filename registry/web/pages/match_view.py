"""How a record answers to a question, in words and with a mark of its own shape."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from registry.matching.match import Match
from registry.matching.notes import Note, sentence
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
    return written_match(match.level, match.notes, language) if match else None


def written_match(level: str, notes: Sequence[Note], language: Language) -> MatchView | None:
    """Write a match by its level and notes; None where there is nothing to say."""
    if not notes:
        return None
    mark = _mark(level, notes)
    return MatchView(mark, language.text(f"match.{mark}"), sentence(notes, language.code))


def _mark(level: str, notes: Sequence[Note]) -> Mark:
    """Tell how good it is by what is said: a number makes sure who it is, and yet the name may be spelt otherwise."""
    differs = {note.code for note in notes} - _AGREES
    if not differs:
        return "exact"
    if level == "none" and notes[0].code == _LED_HERE:
        return "unlike"
    for code, mark in _ANOTHER.items():
        if code in differs and differs - {code} <= _SHORTER:
            return mark
    if level in {"exact", "strong"}:
        return "near"
    return "part" if differs <= _SHORTER else "like"
