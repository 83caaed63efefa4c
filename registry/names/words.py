"""Names, taken apart and folded for search: pure functions, no I/O.

Two keys are made of every word of a name, and both stand in the index:

- *written*: as people write it (Unicode NFKC, case folded). Å, Ä and Ö are letters of their own in Swedish and
  stay apart from A and O, so that a search for "Åsa" shows the Åsas before the Asas.
- *typed*: as people type it who lack the key or the habit: a plain ASCII key (å→a, ä→a, ö→o, é→e, ß→ss, ð→d, þ→th)
  and, where it differs, the two-letter spelling (å→aa, ä→ae, ö→oe, ü→ue), as passports have it (ICAO Doc 9303-3,
  section 6). Two words meet when they share one typed key, so "Östergård" and "Østergaard" find each other, and
  "Mueller" finds "Müller" but not "Muller".

A typed key is a spelling. What is only alike to the ear ("Tor" for "Þór", "Muller" for "Mueller", "Ostergaard" for
"Östergård") meets by its sound, see `registry.names.sounds`.

Other scripts are transliterated (`registry.names.scripts`). A hyphenated or apostrophed word is known whole and in its
parts ("O'Brien": obrien, o, brien), since people write it all three ways.
"""

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

from registry.names.scripts import to_ascii

# Longer words are cut, in documents and in questions alike. The longest real ones have some forty letters.
MAX_WORD = 64
# Distinct words of a register: some ten thousand given names, some hundred thousand surnames.
_CACHED_WORDS = 65_536
_CACHED_NAMES = 16_384

_APOSTROPHES = "'’‘ʼʹ`´′＇"
_HYPHENS = "-‐‑‒–—−﹣－"
_JOINERS = str.maketrans(dict.fromkeys(_APOSTROPHES + _HYPHENS, "-"))
_FORMAT = "Cf"  # soft hyphens, direction marks, zero-width joiners: never part of a name's spelling

_SHORT = str.maketrans({"å": "a", "ä": "a", "æ": "a", "ö": "o", "ø": "o", "ü": "u"})
# Russian Ё is E to some and JO to others, in both languages (Fjodor, Fedor).
_LONG = str.maketrans({"å": "aa", "ä": "ae", "æ": "ae", "ö": "oe", "ø": "oe", "ü": "ue", "ё": "jo"})
# The Swedish alphabet ends in å, ä, ö; ü sorts as y. The three signs are ASCII's next after z.
_ORDER = str.maketrans({"å": "{", "ä": "|", "æ": "|", "ö": "}", "ø": "}", "ü": "y"})
_NOT_KEY = re.compile(r"[^0-9a-z]+")
_NOT_ORDER = re.compile(r"[^0-9a-z{|}]+")


class Word(NamedTuple):
    """One word of a name.

    Attributes:
        written: the word in lower case with its diacritics, parts joined ("annakarin", "obrien", "åsa").
        typed: one or two ASCII keys, the plain one first.
        parts: the words between hyphens and apostrophes; empty for a simple word.
    """

    written: str
    typed: tuple[str, ...]
    parts: tuple["Word", ...] = ()


class Tokens(NamedTuple):
    """All keys of a name, without doubles, in the order of the name."""

    written: tuple[str, ...]
    typed: tuple[str, ...]


@lru_cache(maxsize=_CACHED_NAMES)
def words(name: str) -> tuple[Word, ...]:
    """Take a name apart into its words, in their order; punctuation and control characters part words."""
    text = unicodedata.normalize("NFKC", name.translate(_JOINERS)).casefold()
    text = unicodedata.normalize("NFKC", text).translate(_CHARACTERS)
    return tuple(_word(chunk) for chunk in text.split() if any(map(str.isalnum, chunk)))


@lru_cache(maxsize=_CACHED_NAMES)
def tokens(name: str) -> Tokens:
    """Return every key of a name: of whole words and of the parts of hyphenated ones."""
    written: dict[str, None] = {}
    typed: dict[str, None] = {}
    for whole in words(name):
        for word in (whole, *whole.parts):
            written[word.written] = None
            typed.update(dict.fromkeys(word.typed))
    return Tokens(tuple(written), tuple(typed))


def fold(name: str) -> str:
    """Return the name in plain ASCII lower case, its words parted by one space ("Åsa O'Brien" → "asa obrien")."""
    return " ".join(word.typed[0] for word in words(name))


def order_key(family: str, given: str) -> str:
    """Return a key whose byte order is the Swedish alphabet's: family name, then given name; "" without a name."""
    return " ".join(part for part in (_order(family), _order(given)) if part)


def _order(name: str) -> str:
    # "!" sorts after the space between family and given name, so that Lind comes before Lind Berg.
    return "!".join(_order_word(word.written) for word in words(name))


@lru_cache(maxsize=_CACHED_WORDS)
def _order_word(written: str) -> str:
    return _ascii(written.translate(_ORDER), _NOT_ORDER)


@lru_cache(maxsize=_CACHED_WORDS)
def _word(chunk: str) -> Word:
    parts = [part[:MAX_WORD] for part in chunk.split("-") if part]
    whole = "".join(parts)[:MAX_WORD]
    if len(parts) == 1:
        return Word(whole, _typed(whole))
    return Word(whole, _typed(whole), tuple(Word(part, _typed(part)) for part in parts))


def _typed(word: str) -> tuple[str, ...]:
    short = _ascii(word.translate(_SHORT), _NOT_KEY) or word
    long = _ascii(word.translate(_LONG), _NOT_KEY) or word
    return (short,) if short == long else (short, long)


def _ascii(word: str, unwanted: re.Pattern[str]) -> str:
    return unwanted.sub("", to_ascii(word))[:MAX_WORD]


class _Characters(dict[int, int | None]):
    """Which characters make up words: letters, digits, combining marks and the joiner; all others part them."""

    def __missing__(self, code: int) -> int | None:
        character = chr(code)
        category = unicodedata.category(character)
        kept: int | None = code
        if category == _FORMAT:
            kept = None
        elif not (character.isalnum() or category[0] == "M" or character == "-"):
            kept = ord(" ")
        if code < 0x3000:  # noqa: PLR2004 - alphabets are remembered; ideographs and rarities are too many
            self[code] = kept
        return kept


_CHARACTERS = _Characters()
