"""The names nearest to a word that nobody bears, among those that are counted; bounded however the word looks."""

from registry.records.name_counts import NameCounts
from registry.search.in_memory import within

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
# Shorter words have too many neighbours to guess; longer ones are no names.
_SHORTEST, _LONGEST, _TWO_EDITS = 3, 24, 6
_MOST = 4
_LETTERS_OFF = 4
# Names of each kind that are looked through at most: some milliseconds, and only when a search found nobody.
_COMPARED = 3000


def nearest(key: str, counts: NameCounts) -> list[tuple[int, str]]:
    """Return (edits, key) of the nearest names, the nearest and of these the commonest first; none if all are far.

    All names one edit away; if there are none and the word is long, those two edits away that begin alike.
    """
    if not _SHORTEST <= len(key) <= _LONGEST or not key.isalpha():
        return []
    found = [(1, one) for one in _one_edit(key) if counts.bearers(one)]
    if not found and len(key) >= _TWO_EDITS:
        letters = set(key)
        # An edit changes two letters of the set at most; most names are out by that.
        alike = (
            one for one in counts.begun_alike(key[0], _COMPARED) if len(letters ^ set(one)) <= _LETTERS_OFF
        )
        found = [(2, one) for one in alike if within(key, one, 2)]
    return sorted(found, key=lambda one: (one[0], -counts.bearers(one[1]), one[1]))[:_MOST]


def _one_edit(key: str) -> set[str]:
    """Return every word one edit away (a swap of neighbours is one): some 53 for a letter."""
    cuts = [(key[:place], key[place:]) for place in range(len(key) + 1)]
    found = {before + after[1:] for before, after in cuts if after}
    found |= {before + after[1] + after[0] + after[2:] for before, after in cuts if len(after) > 1}
    found |= {before + letter + after[1:] for before, after in cuts if after for letter in _LETTERS}
    found |= {before + letter + after for before, after in cuts for letter in _LETTERS}
    return found - {key}
