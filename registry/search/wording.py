"""How words become a question: per word the best of exact, former, prefix, alike in sound and misspelt; per name the sum.

The weights below order the ways to match. They are added per word, so that more and better matched words come
first; a sum is never compared with anything but other sums of the same question.
"""

from itertools import groupby
from typing import Literal

from registry.identifiers import fold_number
from registry.names import MAX_WORD, Word, sounds, words
from registry.search.document import FORMER_SOUND, whole_key
from registry.search.tree import Best, Fuzzy, Leaf, Node, Prefix, Sum, Term, Terms, either
from registry.settings import Search

Role = Literal["any", "given", "family"]

# A number is worth more than all words together; one that is only a piece of what was written, a little less.
NUMBER, PART_OF_NUMBER = 1000, 900
# The word as written; the word as typed (å as a or aa); as the other kind of name; a former name or alias.
WRITTEN, TYPED, SWAPPED, FORMER = 100, 96, 84, 80
# The beginning of a name, and of a former one; the same sound; one edit; two edits; a former name misspelt.
PREFIX, FORMER_PREFIX, SOUND, FORMER_SOUND_ALIKE, TYPO, TWO_TYPOS, FORMER_TYPO = 60, 56, 50, 46, 40, 20, 18
# Given name first and family name last (or parted by a comma the other way) over the same words swapped.
IN_ORDER = 3
# Nothing but these words, in this order, is the person's name; or the last of them is the given name.
WHOLE, WHOLE_SWAPPED = 4, 2

# Shorter words are not looked for by their sound, most of which is one consonant (Ali and Ale are one), but, when they have
# three letters, in their other spellings: Ewa for Eva, Anna for Ana, Thor for Tor, Pär (as typed: paer) for Per.
_SOUND_LENGTH, _RESPELT_LENGTH = 4, 3
_ALIKE = (
    ("v", "w"),
    ("c", "k"),
    ("i", "y"),
    ("i", "j"),
    ("y", "j"),
    ("s", "z"),
    ("k", "q"),
    ("f", "v"),
    ("ae", "e"),
)
# Shorter words get no typo tolerance ("Bo", "Eva" would match half the register), and two edits need a longer word.
_TYPO_LENGTH, _TWO_TYPOS_LENGTH = 4, 8
# With this many words one may be missing: middle names and married names are left out on one side or the other.
_ONE_MAY_MISS = 3
# Letters around a number ("RN 123", "leg nr 123") are no name when they are this short.
_LABEL_LENGTH = 3


def text_node(text: str, limits: Search) -> Node:
    """Return what a one-box text asks for: its names, its numbers, or either, best both.

    `text` must hold at least one word.
    """
    found = words(text)
    numeric = [word for word in found if _is_number(word)]
    if not numeric:
        return _names(text, found, limits)
    numbers = _numbers(text, found)
    others = tuple(word for word in found if not _is_number(word))
    if all(len(word.written) <= _LABEL_LENGTH for word in others):
        return numbers
    return Sum((numbers, _names("", others, limits)), 1)


def name_node(found: tuple[Word, ...], role: Role, limits: Search) -> Sum:
    """Return what the words of a name ask for; the last one may be a beginning.

    Of a name whose kind is known one word is enough: people have several given names, and double surnames.
    """
    # A single letter alone is the beginning of a tenth of the register: it must then be the whole name.
    may_begin = len(found) > 1 or len(found[0].typed[0]) > 1
    missing = _parts_missing(found, role)
    children = tuple(
        _word(word, role, limits, last=may_begin and position == len(found) - 1, missing=missing)
        for position, word in enumerate(found)
    )
    if role == "any":
        needed = len(children) - 1 if len(children) >= _ONE_MAY_MISS else len(children)
        return Sum(children, needed, bonus=_in_order(found) if len(found) > 1 else ())
    return Sum(children, 1)


def _parts_missing(found: tuple[Word, ...], role: Role) -> int:
    """Return how many parts of a hyphenated word may be missing: as if they stood beside each other."""
    if role != "any":
        return max(len(word.parts) for word in found)
    in_all = sum(max(1, len(word.parts)) for word in found)
    return int(len(found) < _ONE_MAY_MISS <= in_all)


def _names(text: str, found: tuple[Word, ...], limits: Search) -> Node:
    family, comma, given = text.partition(",")
    if comma and words(family) and words(given):
        names = words(given), words(family)
        parts = (name_node(names[1], "family", limits), name_node(names[0], "given", limits))
        return Sum(parts, 2, bonus=(whole_name((*names[0], *names[1]), WHOLE),))
    return name_node(found, "any", limits)


def _is_number(word: Word) -> bool:
    return any(map(str.isdigit, word.written))


def _numbers(text: str, found: tuple[Word, ...]) -> Node:
    """Look for the whole text as one number, each run of words with digits, and each such word."""
    numbers = {fold_number(text): NUMBER}
    for numeric, run in groupby(found, _is_number):
        if numeric:
            parts = [word.written for word in run]
            numbers.setdefault("".join(parts), NUMBER)
            for part in parts:
                numbers.setdefault(part, PART_OF_NUMBER)
    return either(*(Term("number", n, weight) for n, weight in numbers.items() if len(n) <= MAX_WORD))


def _word(word: Word, role: Role, limits: Search, *, last: bool, missing: int) -> Node:
    whole = _variants(word, role, limits, last=last, times=max(1, len(word.parts)))
    if not word.parts:
        return whole
    parts = tuple(
        _variants(part, role, limits, last=last and position == len(word.parts) - 1)
        for position, part in enumerate(word.parts)
    )
    return Best((whole, Sum(parts, max(1, len(parts) - missing))))


def _variants(word: Word, role: Role, limits: Search, *, last: bool, times: int = 1) -> Best:
    """Return the ways in which one word may match. `times`: how many words it stands for ("Anna-Karin": two)."""
    variants: list[Node] = []
    if role == "any":
        variants.append(Term("written", word.written, WRITTEN * times))
        variants += (Term(f, key, TYPED * times) for f in ("given", "family") for key in word.typed)
    else:
        written = (Term("written", word.written, (WRITTEN - TYPED) * times),)
        typed = either(*(Term(role, key, TYPED * times) for key in word.typed))
        other = "family" if role == "given" else "given"
        variants.append(Sum((typed,), 1, bonus=written))
        variants += (Term(other, key, SWAPPED * times) for key in word.typed)
    variants += (Term("former", key, FORMER * times) for key in word.typed)
    if last:
        field = "names" if role == "any" else role
        variants += (Prefix(field, key, PREFIX * times) for key in word.typed)
        variants += (Prefix("former", key, FORMER_PREFIX * times) for key in word.typed)
    variants += _alike(word, times)
    variants += _misspelt(word.typed[0], limits, times)
    return Best(tuple(variants))


def _alike(word: Word, times: int) -> list[Leaf]:
    if len(word.typed[0]) == _RESPELT_LENGTH and (respelt := _respelt(word)):
        return [Terms("names", respelt, SOUND * times), Terms("former", respelt, FORMER_SOUND_ALIKE * times)]
    heard = sounds(word) if len(word.typed[0]) >= _SOUND_LENGTH else ()
    if not heard:
        return []
    former = tuple(FORMER_SOUND + key for key in heard)
    return [
        Terms("sound", heard, SOUND * times),
        Terms("sound", former, FORMER_SOUND_ALIKE * times),
    ]


def _respelt(word: Word) -> tuple[str, ...]:
    """Return the words in which one letter is another that sounds so, stands twice, or has a mute H behind it."""
    found: list[str] = []
    for key in word.typed:
        for one, other in _ALIKE:
            found.append(key.replace(one, other))
            # Ä as typed holds an E already.
            found += [key.replace(other, one)] if one not in key else []
        places = range(1, len(key) + 1)
        found += [f"{key[:place]}{more}{key[place:]}" for place in places for more in (key[place - 1], "h")]
    return tuple(dict.fromkeys(one for one in found if one not in word.typed))


def _misspelt(key: str, limits: Search, times: int) -> list[Leaf]:
    if not _TYPO_LENGTH <= len(key) <= limits.max_fuzzy_length:
        return []
    if len(key) < _TWO_TYPOS_LENGTH:
        return [Fuzzy("names", key, 1, TYPO * times), Fuzzy("former", key, 1, FORMER_TYPO * times)]
    # Of former names, which are few, nobody needs to know how far they are off.
    return [
        Fuzzy("names", key, 1, TYPO * times),
        Fuzzy("names", key, 2, TWO_TYPOS * times),
        Fuzzy("former", key, 2, FORMER_TYPO * times),
    ]


def _in_order(found: tuple[Word, ...]) -> tuple[Node, ...]:
    first, last = found[0], found[-1]
    given = either(*(Term("given", key, IN_ORDER) for key in first.typed))
    family = either(*(Term("family", key, IN_ORDER) for key in last.typed))
    swapped = whole_name((*found[1:], first), WHOLE_SWAPPED)
    return (Sum((given, family), 2), either(whole_name(found, WHOLE), swapped))


def whole_name(found: tuple[Word, ...], weight: int) -> Term:
    """Return whose name is made up of these words and no other; see `document`."""
    return Term("written", whole_key(found), weight)
