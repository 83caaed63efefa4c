"""What happens to a name and a birth date between a register and a question, each as a named function with a rate.

The rates are assumptions, set so that about two questions of five are asked without any error and each kind is
frequent enough to be counted; they say nothing about how often people err. Each is the chance that the error is tried
on a question; it leaves alone what it does not apply to (no diacritics, no second given name), and says so.
"""

import random
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from anyascii import anyascii

from tests.eval.names import is_latin, nicknames, spellings

_SHORTEST = 3
_PARTICLES = frozenset({"von", "af", "de", "al", "el", "abd", "del"})
# Neighbours on a Swedish keyboard, row by row; keys of two rows meet as they stand, half a key apart.
_ROWS = ("qwertyuiopå", "asdfghjklöä", "zxcvbnm")
# Swedish spellings that sound the same, or nearly so: what is heard is written as one is used to.
SOUNDS = (
    ("qv", "kv"), ("qu", "kv"), ("kv", "qv"), ("w", "v"), ("v", "w"), ("c", "k"), ("k", "c"), ("ck", "k"), ("k", "ck"), ("ph", "f"),
    ("f", "ph"), ("z", "s"), ("x", "ks"), ("ks", "x"), ("th", "t"), ("t", "th"), ("å", "o"), ("o", "å"), ("ä", "e"), ("e", "ä"), ("é", "e"),
    ("sson", "son"), ("son", "sson"), ("ss", "s"), ("ll", "l"), ("l", "ll"), ("nn", "n"), ("n", "nn"), ("tt", "t"), ("mm", "m"), ("dh", "d"),
    ("gh", "g"), ("hj", "j"), ("dj", "j"), ("lj", "j"), ("sj", "sch"), ("sch", "sk"), ("stj", "sj"), ("i", "y"), ("y", "i"), ("i", "j"), ("j", "i"),
    ("ou", "u"), ("oo", "u"), ("ee", "i"), ("dt", "t"), ("rdh", "rd"), ("sh", "sch"), ("ch", "k"), ("ö", "e"), ("gn", "ngn"),
)  # fmt: skip


@dataclass
class Draft:
    """A question being written; starts as the record.

    Attributes:
        given: given names, the first one the one used.
        former_family: an earlier family name that the register holds; "" without one.
        other_family: a family name that the register does not know, for those who have taken one.
        other_given: a given name that the register does not know.
        swapped: asked with the family name first, and in the other's box.
    """

    given: list[str]
    family: str
    birth_date: str | None
    former_family: str = ""
    other_family: str = ""
    other_given: str = ""
    swapped: bool = False

    @property
    def words(self) -> list[str]:
        """All words of the name."""
        return [*self.given, *self.family.split()]


Change = Callable[[Draft, random.Random], bool]


@dataclass(frozen=True)
class Error:
    """One kind of error: its name, its rate, and the function, which tells whether it changed anything."""

    name: str
    rate: float
    change: Change
    about: str


def _on_a_word(edit: Callable[[str, random.Random], str]) -> Change:
    """Apply an edit to one word of the name, family name or given name alike."""

    def change(draft: Draft, chance: random.Random) -> bool:
        places: list[tuple[str, int]] = [("given", i) for i in range(len(draft.given))]
        places += [("family", i) for i in range(len(draft.family.split()))]
        chance.shuffle(places)
        for part, i in places:
            held = draft.given if part == "given" else draft.family.split()
            word = held[i]
            if len(word) < _SHORTEST or not is_latin(word):
                continue
            new = edit(word, chance)
            if new.casefold() == word.casefold():
                continue
            held[i] = new[:1].upper() + new[1:] if word[:1].isupper() else new
            if part == "family":
                draft.family = " ".join(held)
            return True
        return False

    return change


def _place(word: str, chance: random.Random) -> int:
    """Draw a place in a word; the first letter is mistyped less often than the others."""
    return 0 if chance.random() < 1 / (3 * len(word)) else chance.randrange(1, len(word))


def insert(word: str, chance: random.Random) -> str:
    """A letter too many: one doubled, or one from nowhere."""
    at = _place(word, chance)
    letter = word[at] if chance.random() < 0.5 else chance.choice("abcdefghijklmnoprstuvyåäö")
    return word[: at + 1] + letter.lower() + word[at + 1 :]


def delete(word: str, chance: random.Random) -> str:
    """A letter left out."""
    at = _place(word, chance)
    return word[:at] + word[at + 1 :]


def substitute(word: str, chance: random.Random) -> str:
    """Another letter."""
    at = _place(word, chance)
    return word[:at] + chance.choice("abcdefghijklmnoprstuvyåäö") + word[at + 1 :]


def swap(word: str, chance: random.Random) -> str:
    """Two neighbouring letters change places."""
    at = min(_place(word, chance), len(word) - 2)
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def neighbours(letter: str) -> str:
    """Return the keys beside a letter's key."""
    for number, row in enumerate(_ROWS):
        if (at := row.find(letter)) >= 0:
            around = row[max(0, at - 1) : at] + row[at + 1 : at + 2]
            if number:
                around += _ROWS[number - 1][at : at + 2]
            if number + 1 < len(_ROWS):
                around += _ROWS[number + 1][max(0, at - 1) : at + 1]
            return around
    return ""


def keyboard(word: str, chance: random.Random) -> str:
    """The key beside the right one (Swedish layout)."""
    at = _place(word, chance)
    near = neighbours(word[at].lower())
    return word[:at] + chance.choice(near) + word[at + 1 :] if near else word


def phonetic(word: str, chance: random.Random) -> str:
    """Written as it sounds: another known spelling of the name, or a rule of `SOUNDS`."""
    known = [one for one in spellings()[word].latin if one != word] if word in spellings() else []
    if known and chance.random() < 0.5:
        return chance.choice(known)
    lower = word.lower()
    rules = [(old, new) for old, new in SOUNDS if old in lower]
    if not rules:
        return word
    old, new = chance.choice(rules)
    at = lower.rfind(old)
    return lower[:at] + new + lower[at + len(old) :]


def plain(draft: Draft, _: random.Random) -> bool:
    """All diacritics lost (å becomes a; letters that are not a letter with a mark, as ø and ł, become their neighbours)."""

    def bare(text: str) -> str:
        marks = unicodedata.normalize("NFD", text)
        kept = "".join(letter for letter in marks if not unicodedata.combining(letter))
        return anyascii(kept) if is_latin(text) else text

    before = draft.words
    draft.given, draft.family = [bare(name) for name in draft.given], bare(draft.family)
    return draft.words != before


def spelt_out(draft: Draft, _: random.Random) -> bool:
    """å, ä, ö and their like as two letters, as in machine-readable passports (ICAO 9303)."""
    table = str.maketrans({"å": "aa", "ä": "ae", "ö": "oe", "ø": "oe", "æ": "ae", "ü": "ue", "Å": "Aa", "Ä": "Ae", "Ö": "Oe", "Ø": "Oe"})  # fmt: skip
    before = draft.words
    draft.given = [name.translate(table) for name in draft.given]
    draft.family = draft.family.translate(table)
    return draft.words != before


def former_name(draft: Draft, _: random.Random) -> bool:
    """Asked by a family name from before marriage, which the register holds as a former one."""
    if not draft.former_family:
        return False
    draft.family = draft.former_family
    return True


def new_name(draft: Draft, _: random.Random) -> bool:
    """Asked by a family name that was taken at marriage, which the register does not know."""
    if not draft.other_family:
        return False
    draft.family = draft.other_family
    return True


def double_family(draft: Draft, chance: random.Random) -> bool:
    """A second family name beside the recorded one, which the register does not know."""
    if not draft.other_family or draft.family == draft.other_family:
        return False
    draft.family = chance.choice((" ", "-")).join((draft.family, draft.other_family))
    return True


def more_given(draft: Draft, _: random.Random) -> bool:
    """A further given name that the register does not hold."""
    if not draft.other_given or draft.other_given in draft.given:
        return False
    draft.given.append(draft.other_given)
    return True


def half_family(draft: Draft, chance: random.Random) -> bool:
    """One of two family names left out."""
    parts = draft.family.replace("-", " ").split()
    if len(parts) < 2 or parts[0].lower() in _PARTICLES:
        return False
    draft.family = chance.choice(parts)
    return True


def no_particle(draft: Draft, _: random.Random) -> bool:
    """The particle of a family name left out (von, af, de, al)."""
    first, *rest = draft.family.replace("-", " ", 1).split(" ", 1)
    if first.lower() not in _PARTICLES or not rest:
        return False
    draft.family = rest[0]
    return True


def swapped(draft: Draft, _: random.Random) -> bool:
    """Family name first, and the boxes mixed up."""
    draft.swapped = bool(draft.family and draft.given)
    return draft.swapped


def fewer_given(draft: Draft, _: random.Random) -> bool:
    """Only the first given name."""
    if len(draft.given) < 2:
        return False
    del draft.given[1:]
    return True


def other_given(draft: Draft, _: random.Random) -> bool:
    """Only the second given name, by which some people go."""
    if len(draft.given) < 2:
        return False
    del draft.given[0]
    return True


def initials(draft: Draft, chance: random.Random) -> bool:
    """Given names as initials: all of them, or all but the first."""
    kept = 1 if len(draft.given) > 1 and chance.random() < 0.7 else 0
    changed = [*draft.given[:kept], *(name[:1] for name in draft.given[kept:])]
    done = changed != draft.given and all(map(is_latin, draft.given))
    draft.given = changed if done else draft.given
    return done


def another_given(draft: Draft, _: random.Random) -> bool:
    """A given name that the register does not know: changed by law, or adopted for daily use."""
    if not draft.other_given or draft.other_given in draft.given:
        return False
    draft.given = [draft.other_given]
    return True


def no_given(draft: Draft, _: random.Random) -> bool:
    """Only the family name."""
    return _without(draft, "given")


def no_family(draft: Draft, _: random.Random) -> bool:
    """Only the given names."""
    return _without(draft, "family")


def _without(draft: Draft, part: str) -> bool:
    if not (draft.given and draft.family):
        return False
    if part == "given":
        draft.given = []
    else:
        draft.family = ""
    return True


def parted(draft: Draft, chance: random.Random) -> bool:
    """A space where there is none."""

    def part(word: str, chance: random.Random) -> str:
        at = chance.randrange(1, len(word))
        return f"{word[:at]} {word[at:]}"

    return _on_a_word(part)(draft, chance)


def run_together(draft: Draft, _: random.Random) -> bool:
    """The space between given names and family name lost."""
    if not (draft.given and draft.family):
        return False
    draft.given[-1] += draft.family.lower()
    draft.family = ""
    return True


def nickname(draft: Draft, chance: random.Random) -> bool:
    """The short form of the first given name."""
    known = nicknames().get(draft.given[0]) if draft.given else None
    if not known:
        return False
    draft.given[0] = chance.choice(known)
    return True


def joined(draft: Draft, chance: random.Random) -> bool:
    """A hyphen lost: "Anna-Karin" as "Anna Karin" or "Annakarin"."""
    joint = chance.choice((" ", ""))

    def without(name: str) -> str:
        first, *rest = name.split("-")
        return joint.join([first, *(part if joint else part.lower() for part in rest)])

    before = draft.words
    draft.given, draft.family = [without(name) for name in draft.given], without(draft.family)
    return draft.words != before


def _respelt(draft: Draft, chance: random.Random, form: str) -> bool:
    def other(name: str) -> str:
        known = spellings().get(name)
        # Swedish names have other spellings too, but were never transliterated.
        if known is None or not known.original:
            return name
        choices = [one for one in getattr(known, form) if one != name]
        return chance.choice(choices) if choices else name

    before = draft.words
    draft.given, draft.family = [other(name) for name in draft.given], other(draft.family)
    return draft.words != before


def transliterated(draft: Draft, chance: random.Random) -> bool:
    """A name from another script in other Latin letters (Yusuf, Youssef)."""
    return _respelt(draft, chance, "latin")


def original_script(draft: Draft, chance: random.Random) -> bool:
    """A name from another script written in it."""
    return _respelt(draft, chance, "original")
