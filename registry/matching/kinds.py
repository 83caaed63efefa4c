"""The kinds of likeness between two words, best first, and which one two words have."""

from enum import IntEnum

from registry.matching.spelling import FEW_EDITS, edits, likeness, swapped
from registry.matching.units import Unit

# A shorter word has too many one-edit neighbours that are names of their own (Bo, Eva, Åsa), a word shorter than
# six too many neighbours two edits away.
_ONE_EDIT_LENGTH = 4
_TWO_EDITS_LENGTH = 6
# When they sound the same too, three letters are enough (Eva, Ewa).
_HEARD_LENGTH = 3
# Jaro-Winkler bands (Winkler 1990, Cohen et al. 2003: above .9 mostly the same name, below .8 hardly ever).
_CLOSE = 0.9
# Words with fewer letters in common, of all they have, are not measured: hardly any would reach the lower band.
_COMMON = 0.6
_ALIKE = 0.8


class Kind(IntEnum):
    """How two words are alike; a higher one is more alike."""

    DIFFERENT = 0
    INITIAL = 1
    ALIKE = 2
    SOUND_FAR = 3
    NICKNAME = 4
    CLOSE = 5
    TWO_EDITS = 6
    ONE_EDIT = 7
    SOUND = 8
    JOINED = 9
    TYPED = 10
    WRITTEN = 11

    @property
    def outcome(self) -> str:
        """The word for it in the model file."""
        return _OUTCOMES[self]


# By position: looking an enumeration's member up in a dict runs Python code.
_OUTCOMES = tuple(kind.name.lower().replace("_", "-") for kind in Kind)
# The same name, however it is typed.
SAME = (Kind.WRITTEN, Kind.TYPED, Kind.JOINED)


def kind_of(one: Unit, two: Unit) -> Kind:
    """Tell how two words are alike; the same whichever is first."""
    if one.written == two.written:
        return Kind.WRITTEN
    if one.keys[0] in two.keys or one.keys[-1] in two.keys:
        return Kind.TYPED
    if one.initial or two.initial:
        return Kind.INITIAL if one.key[:1] == two.key[:1] else Kind.DIFFERENT
    # Fingers swap two letters, ears don't: "Ekhlom" is a slip for "Ekholm", though phonetic keys are too coarse to tell.
    slip = one.letters == two.letters and len(one.key) >= _ONE_EDIT_LENGTH and swapped(one.key, two.key)
    heard = not (slip or one.sounds.isdisjoint(two.sounds))
    found = _hinted(one, two, heard=heard)
    # Few letters in common: not worth a look. Two changed letters change four members of the sets at most.
    if 2 * (one.letters & two.letters).bit_count() < (one.letters | two.letters).bit_count():
        return found
    alike = (one.letters & two.letters).bit_count() >= _COMMON * (one.letters | two.letters).bit_count()
    for a in one.keys:
        for b in two.keys:
            found = max(found, _keys(a, b, heard=heard, alike=alike))
    return found


def nothing_in_common(one: Unit, two: Unit) -> bool:
    """Tell at a glance that two words are different; False when it takes a closer look."""
    return (
        2 * (one.letters & two.letters).bit_count() < (one.letters | two.letters).bit_count()
        and one.sounds.isdisjoint(two.sounds)
        and not (one.telling and two.telling)
        and not (one.initial or two.initial)
    )


def _hinted(one: Unit, two: Unit, *, heard: bool) -> Kind:
    """Tell what speaks for two words that may be written quite differently: weak hints only."""
    if one.nicknames and (two.key in one.nicknames or one.key in two.nicknames):
        return Kind.NICKNAME
    if heard:
        return Kind.SOUND_FAR
    return Kind.ALIKE if one.stem and one.stem == two.stem else Kind.DIFFERENT


def _keys(one: str, two: str, *, heard: bool, alike: bool) -> Kind:
    count = edits(one, two)
    shortest = min(len(one), len(two))
    if heard and (
        (count <= FEW_EDITS and shortest >= _ONE_EDIT_LENGTH) or (count == 1 and shortest >= _HEARD_LENGTH)
    ):
        return Kind.SOUND
    if count == 1 and shortest >= _ONE_EDIT_LENGTH:
        return Kind.ONE_EDIT
    if count <= FEW_EDITS and shortest >= _TWO_EDITS_LENGTH:
        return Kind.TWO_EDITS
    close = likeness(one, two) if alike else 0.0
    if close < _ALIKE:
        return Kind.DIFFERENT
    if heard:
        return Kind.SOUND
    return Kind.CLOSE if close >= _CLOSE else Kind.ALIKE
