"""Comparing a name as asked with a name as recorded: word by word, in any order."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from registry.names import Word, words
from registry.records.facts import NameFacts

NameLikeness = Literal["same", "part", "alike", "different"]
_RANK: dict[NameLikeness, int] = {"same": 3, "part": 2, "alike": 1, "different": 0}
# A shorter word has too many one-edit neighbours that are names of their own (Bo, Eva, Åsa).
_TYPO_LENGTH = 4


@dataclass(frozen=True, slots=True)
class NameMatch:
    """How a name as asked is like one recorded name.

    Attributes:
        likeness: `same`: the same words, however ordered, hyphenated or accented; `part`: every word asked for is
            there, with the whole family name and a given name, while further given names were left out or
            given as initials; `alike`: one word is misspelt by one letter, or words are missing or too many;
            `different`: anything else.
        name: the recorded name; None when the person has none.
        typo: one word differs by one letter.
    """

    likeness: NameLikeness
    name: NameFacts | None = None
    typo: bool = False

    @property
    def rank(self) -> tuple[int, bool]:
        """Order of matches: the better likeness, then the official name."""
        return _RANK[self.likeness], self.name is not None and self.name.use == "official"


@dataclass(frozen=True, slots=True)
class _Recorded:
    """A recorded name as comparable words; `family` and `given` are sets of positions in `words`."""

    words: tuple[Word, ...]
    family: frozenset[int]
    given: frozenset[int]


# An answer by number asks for the same comparison twice: may the person be shown, and how does the name agree.
@lru_cache(maxsize=1024)
def compare_name(asked: str, names: tuple[NameFacts, ...]) -> NameMatch:
    """Return how the name asked for is like the recorded name that is most like it."""
    matches = [_compare(asked, name) for name in names]
    return max(matches, key=lambda match: match.rank, default=NameMatch("different"))


def _compare(asked: str, name: NameFacts) -> NameMatch:
    # "Anna-Karin" is written Anna-Karin, Anna Karin and Annakarin: compare part by part, then whole by whole.
    parted = _compare_words(_units(asked, split=True), _recorded(name, split=True), name)
    if parted.likeness == "same":
        return parted
    whole = _compare_words(_units(asked, split=False), _recorded(name, split=False), name)
    return max(parted, whole, key=lambda match: match.rank)


def _units(text: str, *, split: bool) -> tuple[Word, ...]:
    return tuple(unit for word in words(text) for unit in (word.parts if split and word.parts else (word,)))


def _recorded(name: NameFacts, *, split: bool) -> _Recorded:
    family = _units(name.family, split=split)
    given = _units(" ".join(name.given), split=split)
    middle = _units(name.middle, split=split)
    if not (family or given):
        # A name known only as a whole: by custom the family name stands last, or first before a comma.
        first, comma, rest = name.display().partition(",")
        ordered = f"{rest} {first}" if comma else first
        whole = _units(ordered, split=split)
        last = len(whole) - 1
        return _Recorded(whole, frozenset({last} if whole else ()), frozenset(range(last)))
    everything = (*given, *middle, *family)
    before = len(given) + len(middle)
    return _Recorded(
        everything,
        frozenset(range(before, len(everything))),
        frozenset(range(before if middle and not family else len(given))),
    )


def _compare_words(asked: tuple[Word, ...], recorded: _Recorded, name: NameFacts) -> NameMatch:
    matched: set[int] = set()
    initials = False
    open_words: list[Word] = []
    for word in asked:
        position = _find(word, recorded, matched)
        if position is None:
            open_words.append(word)
        else:
            matched.add(position)
    for word in list(open_words):
        position = _find_initial(word, recorded, matched)
        if position is not None:
            initials = True
            matched.add(position)
            open_words.remove(word)
    if not open_words:
        return NameMatch(_likeness(matched, recorded, initials=initials), name)
    if len(open_words) == 1:
        position = _find_typo(open_words[0], recorded, matched)
        if position is not None and _enough(matched | {position}, recorded):
            return NameMatch("alike", name, typo=True)
    return NameMatch("alike" if _enough(matched, recorded) else "different", name)


def _likeness(matched: set[int], recorded: _Recorded, *, initials: bool) -> NameLikeness:
    if not _enough(matched, recorded):
        # A family name alone contradicts nothing, and says little.
        return "alike" if matched else "different"
    if not initials and len(matched) == len(recorded.words):
        return "same"
    return "part" if recorded.family <= matched else "alike"


def _enough(matched: set[int], recorded: _Recorded) -> bool:
    """Tell whether both family name and given name were met, where the record has both."""
    return bool(matched) and all(matched & needed for needed in (recorded.family, recorded.given) if needed)


def _find(word: Word, recorded: _Recorded, taken: set[int]) -> int | None:
    keys = set(word.typed)
    for position, other in enumerate(recorded.words):
        if position not in taken and keys & set(other.typed):
            return position
    return None


def _find_initial(word: Word, recorded: _Recorded, taken: set[int]) -> int | None:
    """Match a lone letter with a word that starts with it, or the other way around; never with a family name."""
    for position, other in enumerate(recorded.words):
        if position in taken or position in recorded.family:
            continue
        one, two = word.typed[0], other.typed[0]
        if 1 in {len(one), len(two)} and one[0] == two[0]:
            return position
    return None


def _find_typo(word: Word, recorded: _Recorded, taken: set[int]) -> int | None:
    for position, other in enumerate(recorded.words):
        if position not in taken and any(one_edit(a, b) for a in word.typed for b in other.typed):
            return position
    return None


def one_edit(one: str, two: str) -> bool:
    """Tell whether two words of at least four letters differ by one letter: put in, left out, changed or swapped."""
    if min(len(one), len(two)) < _TYPO_LENGTH or abs(len(one) - len(two)) > 1 or one == two:
        return False
    start = next(
        (i for i, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), min(len(one), len(two))
    )
    rest, other = one[start:], two[start:]
    if len(rest) == len(other):
        swapped = rest[:2] == other[1::-1] and rest[2:] == other[2:]
        return rest[1:] == other[1:] or swapped
    longer, shorter = (rest, other) if len(rest) > len(other) else (other, rest)
    return longer[1:] == shorter
