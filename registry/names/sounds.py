"""The sounds of a word: phonetic keys under which spellings of one name meet.

Two algorithms, since a Swedish register holds names from everywhere: `sfinxbis` for Swedish, `other_sounds` for the
rest. Their keys have a letter each in front, so that a key of one never meets a key of the other.
"""

from functools import lru_cache

from registry.names.kinds import is_particle
from registry.names.other_sounds import other_sounds
from registry.names.sfinxbis import sfinxbis
from registry.names.words import Word

SWEDISH, OTHER = "s", "m"
_SHORTEST_CODE = 3
# As many words as are remembered taken apart.
_CACHED_WORDS = 65_536


@lru_cache(maxsize=_CACHED_WORDS)
def sounds(word: Word) -> tuple[str, ...]:
    """Return the phonetic keys of one word, without doubles; of its parts only as they sound together.

    Nothing for what has no sound to speak of: one letter, words with digits, particles, and what would give a key that
    too much of the register would share: a Swedish code of one or two signs (Jan, Jenny and Johan are J5), a key of
    the other kind of one sign.

    The keys stand in the index: whoever changes what they are raises `_meta.documents` in `config/search/mapping.json`.
    """
    written = word.written
    if len(written) == 1 or is_particle(word):
        return ()
    # Combining marks are no letters, yet part of many scripts' words: only digits make a word soundless.
    if not written.isalpha() and any(map(str.isdigit, written)):
        return ()
    swedish = sfinxbis(written)
    keys = [SWEDISH + swedish] if len(swedish) >= _SHORTEST_CODE else []
    keys += [OTHER + key for key in other_sounds(written)]
    return tuple(keys)
