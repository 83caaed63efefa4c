"""Is this the person asked about? A question of name and birth date against a candidate from SQL truth.

The index finds candidates by likeness; this decides what a likeness is worth:

- a name alone is never more than `possible`: there are namesakes;
- the birth date must agree: one that differs makes `none`, one that is unknown or partial on either side leaves
  `possible`;
- a misspelt word is never more than `possible`;
- a former name or alias counts, and is said.
"""

from dataclasses import dataclass
from typing import Literal

from registry import dates
from registry.matching.name import NameMatch, compare_name
from registry.records.facts import NameFacts
from registry.records.read import Practitioner

Level = Literal["exact", "strong", "possible", "none"]
DateLikeness = Literal["same", "open", "unknown", "different", "not-asked"]
_FULL_DATE = 10


@dataclass(frozen=True, slots=True)
class Note:
    """One thing that agrees or differs: a stable code and texts."""

    code: str
    sv: str
    en: str


@dataclass(frozen=True, slots=True)
class Match:
    """How well a candidate answers to a question, and why.

    Attributes:
        level: `exact`: the name as recorded and the birth date; `strong`: the same with given names left out, or
            by a former name; `possible`: may be the person; `none`: is not.
        name: the recorded name that was compared.
    """

    level: Level
    notes: tuple[Note, ...]
    name: NameFacts | None = None


NOTES = {
    note.code: note
    for note in (
        Note("number-same", "Numret stämmer.", "The number agrees."),
        Note("name-same", "Namnet stämmer.", "The name agrees."),
        Note(
            "name-part",
            "Namnet stämmer, men alla förnamn är inte utskrivna på båda sidor.",
            "The name agrees, but not every given name is written out on both sides.",
        ),
        Note("name-alike", "Namnet liknar registrets.", "The name is like the recorded one."),
        Note(
            "name-typo",
            "Ett ord i namnet skiljer sig med en bokstav från registrets.",
            "One word of the name differs by one letter from the record.",
        ),
        Note(
            "name-different",
            "Namnet stämmer inte med registrets.",
            "The name does not agree with the record.",
        ),
        Note("name-former", "Det är ett tidigare namn på personen.", "It is a former name of the person."),
        Note(
            "name-alias",
            "Det är ett annat namn som personen använder.",
            "It is another name the person uses.",
        ),
        Note("birth-date-same", "Födelsedatumet stämmer.", "The birth date agrees."),
        Note(
            "birth-date-open",
            "Födelsedatumet kan stämma; hela datumet är inte känt.",
            "The birth date may agree; the whole date is not known.",
        ),
        Note("birth-date-unknown", "Registret har inget födelsedatum.", "The record has no birth date."),
        Note(
            "birth-date-different",
            "Födelsedatumet stämmer inte med registrets.",
            "The birth date does not agree with the record.",
        ),
    )
}


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
