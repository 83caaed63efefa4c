"""Candidates for matching: everyone who might be meant, cheaply; who is meant decides `registry.matching`.

Recall comes first. A name may be misspelt, swapped, shortened or lack a part; a birth date may have day and month swapped,
one wrong digit or two swapped ones, or be known in part. Weights only say who is worth comparing when there are more than
the limit: they count words that agree in any way, and how far the date does.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from functools import lru_cache

from registry import names
from registry.errors import BadRequestError
from registry.names import Word, is_initial, is_particle, nicknames, sounds
from registry.search.document import FORMER_SOUND
from registry.search.tree import (
    Best,
    Fuzzy,
    Leaf,
    Node,
    Prefix,
    Sum,
    Term,
    Terms,
    either,
    every,
    leaves,
    two_edits,
    without,
)
from registry.settings import Search

# A word as typed in its own field, in any, in a former name; its short forms; its sound; one and two edits.
_OWN, _ANY, _FORMER, _NICKNAME, _SOUND, _FORMER_SOUND, _TYPO, _TWO_TYPOS = 60, 56, 50, 30, 40, 36, 34, 24
# An initial for a name or the reverse: never enough, half the register has it.
_INITIAL = 8
# Words this long are looked for with one edit, and with two. Shorter ones than at the keyboard: the birth date, or that a
# person is compared afterwards, makes up for it.
_TYPO_LENGTH, _TWO_TYPOS_LENGTH = 3, 6
# The birth date itself; day and month swapped; one digit; known in part; the same month; the same year.
_BORN, _SWAPPED, _SLIP, _PARTLY, _MONTH, _YEAR = 100, 70, 60, 60, 30, 20
# The birth date itself without any word.
_BORN_ALONE = 50
_DAY, _YEAR_MONTH, _YEAR_ONLY = 8, 6, 4  # digits

Asked = tuple[tuple[str, str], ...]
"""What was written, by kind of name: "any", "given" or "family"."""


def near(asked: Asked, born: str, limits: Search) -> Node:
    """Return who was born then or nearly then and shares a word in any way, and who was born that very day.

    Args:
        born: `YYYYMMDD`, `YYYYMM` or `YYYY`; "" makes it `wide`.
    """
    if not born:
        return wide(asked, born, limits)
    children, bonus = _words(asked, limits)
    found: list[Node] = []
    # Two edits are dear to find; where the date agrees in some way a sound, one edit or the other part of the name does.
    likely = [one for child in children if (one := without(child, two_edits(child)))]
    if likely:
        found.append(every(Sum(tuple(likely), 1, bonus=bonus), _around(born)))
    if len(born) == _DAY:
        found.append(Term("born", born, _BORN_ALONE))
    if not found:
        raise BadRequestError("Write a name, or a whole birth date.")
    return either(*found)


def day(asked: Asked, born: str, limits: Search) -> Node:
    """Return who was born that very day, and who may have been and has a word of the name as asked. Cheap to find.

    Args:
        asked: the name.
        born: `YYYYMMDD`.
        limits: as everywhere.
    """
    if len(born) != _DAY:
        raise BadRequestError("Write a whole birth date.")
    children, _ = _words(asked, limits)
    alike = [one for child in children if (one := without(child, _misspellings(child)))]
    then: Node = Term("born", born, _BORN)
    if not alike:
        return then
    partly = every(Sum(tuple(alike), 1), Terms("born", (born[:_YEAR_MONTH], born[:_YEAR_ONLY]), _PARTLY))
    return either(then, partly)


def _misspellings(node: Node) -> frozenset[Leaf]:
    return frozenset(leaf for leaf in leaves(node) if isinstance(leaf, Fuzzy))


def likely_from(words: int) -> int:
    """Return what somebody scores at least among `near` who was born on the very day and shares two words, or the only one.

    Where the last candidate of a full page scores less, nobody like that was left out.

    Args:
        words: of the name that was asked for.
    """
    return _BORN + min(words, 2) * min(_OWN, _ANY, _FORMER, _NICKNAME, _SOUND, _FORMER_SOUND, _TYPO)


def wide(asked: Asked, born: str, limits: Search) -> Node:
    """Return who shares a word in any way; a birth date that agrees lifts."""
    children, bonus = _words(asked, limits)
    if not children:
        raise BadRequestError("Write a name: at least one word of two letters.")
    return Sum(children, 1, bonus=(*bonus, _around(born)) if born else bonus)


def _words(asked: Asked, limits: Search) -> tuple[tuple[Node, ...], tuple[Node, ...]]:
    """Return the ways in which each word may match, and what adds to them."""
    found: dict[tuple[str, str], tuple[str, Word]] = {}
    for role, text in asked:
        if len(text) > limits.max_query_length:
            raise BadRequestError(
                f"The search is too long: write at most {limits.max_query_length} characters."
            )
        for word in names.words(text):
            for one in word.parts or (word,):
                found.setdefault((role, one.written), (role, one))
    # Particles and initials say too little; a name that has nothing else is looked for by them.
    telling = [pair for pair in found.values() if not (is_initial(pair[1]) or is_particle(pair[1]))]
    initials = [word for _, word in found.values() if is_initial(word)]
    used = (telling or list(found.values()))[: limits.candidate_words]
    bonus: list[Node] = [Prefix("given", word.typed[0], _INITIAL) for word in initials if telling]
    bonus += [Term("names", key[0], _INITIAL) for _, word in used if len(key := word.typed[0]) > 1]
    return tuple(_word(word, role, limits) for role, word in used), tuple(bonus[: limits.candidate_words])


def _word(word: Word, role: str, limits: Search) -> Node:
    ways: list[Node] = [Terms("names", word.typed, _ANY), Terms("former", word.typed, _FORMER)]
    if role != "any":
        ways.insert(0, Terms(role, word.typed, _OWN))
    if heard := sounds(word):
        ways.append(Terms("sound", heard, _SOUND))
        ways.append(Terms("sound", tuple(FORMER_SOUND + key for key in heard), _FORMER_SOUND))
    if short := nicknames(word):
        ways.append(Terms("names", tuple(sorted(short)), _NICKNAME))
    ways += _misspelt(word.typed[0], limits)
    return Best(tuple(ways))


def _misspelt(key: str, limits: Search) -> list[Leaf]:
    if not _TYPO_LENGTH <= len(key) <= limits.max_fuzzy_length:
        return []
    if len(key) < _TWO_TYPOS_LENGTH:
        return [Fuzzy("names", key, 1, _TYPO)]
    return [
        Fuzzy("names", key, 1, _TYPO),
        Fuzzy("names", key, 2, _TWO_TYPOS),
        Fuzzy("former", key, 2, _TWO_TYPOS),
    ]


@lru_cache(maxsize=4096)
def _around(born: str) -> Node:
    """Return the birth dates that may be meant by one."""
    year, month = born[:_YEAR_ONLY], born[:_YEAR_MONTH]
    if len(born) == _YEAR_ONLY:
        return Prefix("born", year, _PARTLY)
    if len(born) == _YEAR_MONTH:
        return Best((Prefix("born", month, _PARTLY), Term("born", year, _MONTH), Prefix("born", year, _YEAR)))
    ways: list[Node] = [
        Term("born", born, _BORN),
        Terms("born", (month, year), _PARTLY),
        Prefix("born", month, _MONTH),
    ]
    if swapped := _dates([month[:_YEAR_ONLY] + born[_YEAR_MONTH:] + born[_YEAR_ONLY:_YEAR_MONTH]], born):
        ways.append(Terms("born", swapped, _SWAPPED))
    ways.append(Terms("born", _dates(_slips(born), born), _SLIP))
    return Best(tuple(ways))


def _slips(born: str) -> Iterator[str]:
    """Give the date with one digit wrong, and with two neighbours swapped."""
    for place, right in enumerate(born):
        for digit in "0123456789":
            if digit != right:
                yield born[:place] + digit + born[place + 1 :]
        if place and born[place - 1] != right:
            yield born[: place - 1] + right + born[place - 1] + born[place + 1 :]


def _dates(written: Sequence[str] | Iterator[str], born: str) -> tuple[str, ...]:
    """Return those that are days of the calendar, without `born` itself."""
    return tuple(dict.fromkeys(one for one in written if one != born and _is_date(one)))


def _is_date(digits: str) -> bool:
    try:
        date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return False
    return True
