"""The lists of names that the synthetic register is made of: data/names.toml and data/nicknames.toml."""

import random
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.eval.draw import Weighted

DATA = Path(__file__).with_name("data")
WOMAN, MAN = "women", "men"
# The commonest spelling is recorded for so many of a name's bearers, the others share the rest.
_FIRST_SPELLING = 0.82
_LATIN_ENDS = 0x0250
_VIETNAMESE = range(0x1E00, 0x1F00)
# Born before these years: the generation of the lists of Swedish given names.
GENERATIONS = ((1965, "old"), (1987, "mid"), (9999, "new"))
# Surnames of the long tail among Swedish ones.
TAIL = 0.38


@dataclass(frozen=True)
class Spellings:
    """One name in all its spellings, the commonest first.

    Attributes:
        latin: in Latin letters.
        original: in another script.
    """

    latin: tuple[str, ...]
    original: tuple[str, ...]

    def recorded(self, chance: random.Random) -> str:
        """Draw a spelling for the register."""
        if len(self.latin) == 1 or chance.random() < _FIRST_SPELLING:
            return self.latin[0]
        return chance.choice(self.latin[1:])


@dataclass(frozen=True)
class Group:
    """One group of names; lists by sex, of Swedish given names by sex and generation."""

    name: str
    share: float
    new_year: float
    two_given: float
    hyphen: float
    given: dict[str, Weighted[Spellings]]
    family: dict[str, Weighted[Spellings]]

    def given_names(self, sex: str, year: int) -> Weighted[Spellings]:
        """Return the given names of a sex and birth year."""
        if sex in self.given:
            return self.given[sex]
        generation = next(name for end, name in GENERATIONS if year < end)
        return self.given[f"{sex}_{generation}"]


def is_latin(text: str) -> bool:
    """Tell whether a name is written in Latin letters."""
    return all(ord(letter) < _LATIN_ENDS or ord(letter) in _VIETNAMESE for letter in text)


def _spellings(text: str) -> Spellings:
    every = text.split("/")
    return Spellings(
        tuple(one for one in every if is_latin(one)), tuple(one for one in every if not is_latin(one))
    )


def _entries(text: str) -> list[tuple[str, float]]:
    entries = []
    for entry in " ".join(text.split()).split(","):
        name, _, weight = entry.strip().rpartition(" ")
        entries.append((name, float(weight)))
    return entries


def _family(text: str, sex: str) -> list[tuple[Spellings, float]]:
    place = 1 if sex == WOMAN else 0
    found = []
    for names, weight in _entries(text):
        forms = names.split("|")
        found.append((_spellings(forms[min(place, len(forms) - 1)]), weight))
    return found


def _tail(first: str, last: str, weight: float) -> list[tuple[Spellings, float]]:
    """Return the long tail of two-part surnames: each rarer than the one before, all of them together `weight`."""
    made = list(dict.fromkeys(f"{one}{two}" for two in last.split() for one in first.split()))
    weights = [1 / (rank + 20) for rank in range(len(made))]
    return [
        (Spellings((name,), ()), weight * each / sum(weights))
        for name, each in zip(made, weights, strict=True)
    ]


@cache
def groups() -> tuple[Group, ...]:
    """Read all groups of names."""
    told = tomllib.loads((DATA / "names.toml").read_text("utf-8"))
    return tuple(_group(name, rest) for name, rest in told.items())


def _group(name: str, told: dict[str, object]) -> Group:
    def text(key: str) -> str:
        return str(told[key])

    given = {
        key: Weighted([(_spellings(one), weight) for one, weight in _entries(text(key))])
        for key in told
        if key.startswith((WOMAN, MAN))
    }
    family = {}
    for sex in (WOMAN, MAN):
        listed = _family(text("family"), sex)
        if "first_part" in told:
            common = sum(weight for _, weight in listed)
            listed += _tail(text("first_part"), text("last_part"), common * TAIL / (1 - TAIL))
        family[sex] = Weighted(listed)
    numbers = {key: float(text(key)) for key in ("share", "new_year", "two_given", "hyphen")}
    return Group(name, given=given, family=family, **numbers)


@cache
def spellings() -> dict[str, Spellings]:
    """Return the other spellings of a name, by each of its spellings."""
    found: dict[str, Spellings] = {}
    told = tomllib.loads((DATA / "names.toml").read_text("utf-8"))
    for group in told.values():
        for key, text in group.items():
            if key.startswith((WOMAN, MAN, "family")):
                for names, _ in _entries(str(text)):
                    for one in map(_spellings, names.split("|")):
                        found |= {name: one for name in (*one.latin, *one.original) if name not in found}
    return found


@cache
def nicknames() -> dict[str, tuple[str, ...]]:
    """Return the short forms of each given name."""
    found: dict[str, tuple[str, ...]] = {}
    for text in tomllib.loads((DATA / "nicknames.toml").read_text("utf-8")).values():
        for pair in " ".join(str(text).split()).split(","):
            full, short = pair.split()
            found[full] = (*found.get(full, ()), short)
    return found
