"""Is this the person asked about? A question of name and birth date against a candidate from SQL truth.

The index finds candidates by likeness; this decides what a likeness is worth:

- a name alone is never more than `possible`: there are namesakes;
- the birth date must agree: one that differs makes `none`, one that is unknown or partial on either side leaves
  `possible`;
- a misspelt word is never more than `possible`;
- a former name or alias counts, and is said.
"""

from typing import Literal

from registry import dates
from registry.matching.match import Level, Match
from registry.matching.name import NameMatch, compare_name
from registry.matching.notes import NOTES, Note
from registry.records.read import Practitioner

__all__ = ["NOTES", "DateLikeness", "Level", "Match", "Note", "compare", "compare_birth_date", "explain"]

DateLikeness = Literal["same", "open", "unknown", "different", "not-asked"]
_FULL_DATE = 10


def compare(name: str, birth_date: str | None, candidate: Practitioner) -> Match:
    """Decide whether a candidate is the person asked about.

    Args:
        name: as people write it, in any order.
        birth_date: a partial date, or None when the question has none.
        candidate: as read from SQL.
    """
    found = compare_name(name, candidate.names)
    born = compare_birth_date(birth_date, candidate.birth_date)
    return Match(_level(found, born), explain(found, born), found.name)


def compare_birth_date(asked: str | None, recorded: str | None) -> DateLikeness:
    """Compare two partial dates; only two whole dates can be `same`."""
    if not asked:
        return "not-asked"
    if not recorded:
        return "unknown"
    if not dates.agree(asked, recorded):
        return "different"
    return "same" if len(asked) == len(recorded) == _FULL_DATE else "open"


def _level(found: NameMatch, born: DateLikeness) -> Level:
    if found.likeness == "different" or born == "different":
        return "none"
    if found.likeness == "alike" or born != "same":
        return "possible"
    official = found.name is not None and found.name.use == "official"
    return "exact" if found.likeness == "same" and official else "strong"


def explain(found: NameMatch | None, born: DateLikeness) -> tuple[Note, ...]:
    """Return what agrees and what differs; `found` is None when no name was asked."""
    codes = []
    if found:
        codes.append("name-typo" if found.typo else f"name-{found.likeness}")
        if found.likeness != "different" and found.name and found.name.use != "official":
            codes.append(f"name-{found.name.use}")
    if born != "not-asked":
        codes.append(f"birth-date-{born}")
    return tuple(NOTES[code] for code in codes)
