"""Units: the single words that names are compared by, each prepared once and remembered.

A hyphenated or apostrophed word is taken apart ("Anna-Karin" is two units), since people write it in every way; what is
written together on one side and apart on the other is found by `registry.matching.align`.
"""

from dataclasses import dataclass
from functools import lru_cache

from registry.names import Word, is_initial, is_particle, nicknames, patronymic, sounds, words

# Distinct words of a register: some ten thousand given names, some hundred thousand surnames.
_CACHED_UNITS = 65_536
_CACHED_TEXTS = 16_384


@dataclass(frozen=True, slots=True, eq=False)
class Unit:
    """One word of a name with all that comparing needs; one object for each word, known by its identity.

    Attributes:
        written: as in `registry.names.Word`.
        keys: the typed keys.
        key: the first typed key, which similarity is measured on.
        letters: a set of the key's characters, as bits.
        sounds: phonetic keys, of several algorithms in spaces of their own.
        initial: a letter that stands for a name.
        particle: von, af, de la: people leave it out and put it elsewhere.
        nicknames: typed keys of names that this is a short form of, or the reverse.
        stem: the father's name in a patronymic, else empty.
        telling: has short forms or a stem, and so may be alike a word that is written quite differently.
    """

    written: str
    keys: tuple[str, ...]
    key: str
    letters: int
    sounds: frozenset[str]
    initial: bool
    particle: bool
    nicknames: frozenset[str]
    stem: str
    telling: bool


@lru_cache(maxsize=_CACHED_UNITS)
def unit(word: Word) -> Unit:
    """Prepare one word."""
    key = word.typed[0]
    letters = 0
    for character in key:
        # Five bits of the code tell Latin letters apart; that others may share a bit only costs a comparison.
        letters |= 1 << (ord(character) & 31)
    short, stem = nicknames(word), patronymic(word)
    return Unit(
        word.written,
        word.typed,
        key,
        letters,
        frozenset(sounds(word)),
        is_initial(word),
        is_particle(word),
        short,
        stem,
        bool(short or stem),
    )


@lru_cache(maxsize=_CACHED_TEXTS)
def units(text: str) -> tuple[Unit, ...]:
    """Take a text apart into units, in its order."""
    return tuple(unit(part) for word in words(text) for part in word.parts or (word,))
