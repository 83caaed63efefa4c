"""What kind of word a word of a name is: an initial, a particle, or neither."""

import unicodedata
from functools import lru_cache
from pathlib import Path

import msgspec

from registry.names.lists import read, typed_keys
from registry.names.words import MAX_WORD, Word, words
from registry.settings import CONFIG

PARTICLES = CONFIG / "names" / "particles.toml"
# What is left of "Dennis" without "de" is no name; what is left of "Vonessen" is.
_SHORTEST_REST = 4
_MOST_UNGLUED = 3
_MOST_JOINED = 4  # particles in a row: "van de der", "abd al"


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    glued: tuple[str, ...]
    particles: dict[str, tuple[str, ...]]


class _Particles(msgspec.Struct, frozen=True):
    all: frozenset[str]
    glued: tuple[str, ...]  # the longest first


def is_initial(word: Word) -> bool:
    """Tell whether a word is a lone letter of an alphabet ("J", "Å"); a lone Chinese sign is a whole name."""
    written = word.written
    if len(written) != 1 or not written.isalpha():
        return False
    # Scripts without upper and lower case: those whose letters stand for one sound have a one-letter key.
    return len(word.typed[0]) == 1 or unicodedata.category(written) == "Ll"


def is_particle(word: Word) -> bool:
    """Tell whether a word is one that goes before a family name and is left out, moved or glued at will ("von")."""
    return word.typed[0] in _particles().all


def joined(found: tuple[Word, ...]) -> tuple[Word, ...]:
    """Return the words that particles make with what follows, when written together.

    "de la Croix" gives "delacroix" and "lacroix", "Abdul Rahman" "abdulrahman"; a name without any gives none.
    For the question's side: a register holds the name in one of the ways only.
    """
    made: dict[Word, None] = {}
    for end, word in enumerate(found):
        start = end
        while start and end - start < _MOST_JOINED and _goes_before(found[start - 1]):
            start -= 1
        if start < end and not is_particle(word):
            for first in range(start, end):
                made.update(dict.fromkeys(words("".join(one.written for one in found[first : end + 1]))))
    return tuple(made)


def _goes_before(word: Word) -> bool:
    known = _particles()
    return word.typed[0] in known.all or word.typed[0] in known.glued


def unglued(word: Word) -> tuple[Word, ...]:
    """Return what may be the name in a word that begins with a glued particle, the shortest rest first.

    "delacroix" gives "croix" and "lacroix", "vonessen" gives "essen". Guesses for the question's side: "vanessa" gives
    "essa" too, so a name found so must agree in something else.
    """
    written = word.written
    rests = [written[len(one) :] for one in _particles().glued if written.startswith(one)]
    return tuple(
        made
        for rest in [rest for rest in rests if len(rest) >= _SHORTEST_REST][:_MOST_UNGLUED]
        for made in words(rest[:MAX_WORD])
    )


@lru_cache(maxsize=4)
def _particles(path: Path = PARTICLES) -> _Particles:
    listed = read(path, _File)
    every = frozenset(
        key for names in listed.particles.values() for n in names for key in typed_keys(n, path)
    )
    glued = sorted({typed_keys(name, path)[0] for name in listed.glued}, key=lambda key: (-len(key), key))
    return _Particles(every, tuple(glued))
