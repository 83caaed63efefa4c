"""Which names of other languages sound alike: one key for the spellings that one name gets on its way to Sweden.

An implementation of our own in the manner of Lawrence Philips' double metaphone (2000): letters and groups of letters
become the signs of broad sounds, vowels count only once, and where a spelling has two readings both keys are made.
Where it differs, it does so for the languages of a Swedish register: Arabic, Persian, Kurdish, Somali, Turkish, Slavic,
Greek and Spanish names in the transliterations that are met, beside Germanic ones.

A key is the consonants' signs with the first vowel among them: `A` for an open or front one (a e i), `O` for a rounded
one (o u), since those two are seldom confused (Hassan, Hussein) and the vowels within each often are (Ahmad, Ehmed).

The signs: P B · T D · K G · F (f v w ph) · S (s z) · X (sh ch č) · J (y dj) · H · L · M · N · R. B, D and G stand at
the beginning only: later in a word, languages and transliterations differ in voice (Ahmed, Ahmet; Yaqub, Yakup).
"""

import re
from collections.abc import Iterator

from registry.names.scripts import to_ascii

_LONGEST = 12  # signs of a key; longer names differ before
_MOST_KEYS = 4
_SEPARATOR, _SEPARATORS = ".", (".",)  # a vowel that does not count: keeps two equal sounds apart (Sasa, Ssa)

# (1) Readings. A mark that changes a consonant's sound is written out; people leave marks out too, so the word is also
# read without. Vowels become the letter of their class.
_WRITTEN_OUT = str.maketrans(
    {
        **dict.fromkeys("šşśșŝ", "sh"),
        **dict.fromkeys("čćçĉ", "tch"),
        **dict.fromkeys("žźż", "zh"),
        **dict.fromkeys("đђћ", "dj"),
    }
)
_VOWELS = str.maketrans({"å": "o", "ä": "e", "æ": "e", "ð": "d", "þ": "th"})
_NOT_LETTERS = re.compile(r"[^a-z]+")
_DOUBLE = re.compile(r"(.)\1+")
# Somali writes X for the H of Ahmed and Hussein (Axmed, Xuseen), and C for a sound that others leave out (Cali).
_SOMALI = re.compile(r"\Ax(?=[aeiou])|x(?=am|med|mad)|(?<=[lr]a)x\Z")
_SOMALI_AYN = re.compile(r"\Ac(?=abd|ali\Z|ali[yi]|umar|usma|isma|aisha|awale)|c(?=aa|ii|id\Z)")
# Two names with more spellings than rules can give: Mohammed's first vowel, and the article within Abd al-Rahman, which
# is Abdul, Abdel or nothing, and sounds like the letter after it (Abderrahman, Abdessalam).
_MOHAMMED = re.compile(r"\Am[aeu]h(?=[ae]m)")
_ABD_AL = re.compile(r"\Aabd[aeiou]l(?=[rnszd])")

# (2) Sounds by the letter they begin with: the spelling and its readings, the likelier first. The first rule that
# fits counts; at the beginning of a word those of `_BEGINNING` come before the others. A letter that is not listed, or
# that no rule fits, is read as in `_PLAIN`.
_OPEN, _ROUNDED = ("A",), ("O",)
_Rules = dict[str, tuple[tuple[str, tuple[str, ...]], ...]]
_BEGINNING: _Rules = {
    "b": ((r"bh?", ("B",)),),
    "c": (
        (r"cs", ("X",)),  # Csaba
        (r"ch(?=aral|atz|aim)", ("K", "H")),  # Charalambos, Haralambos
    ),
    "d": (
        (r"(?:dzh|dj|dz)(?:[ei](?=[aou]))?", ("J",)),  # Djamal, Dzemal, Djordje
        (r"dh?", ("D",)),
    ),
    "g": (
        (r"gn", ("N",)),
        (r"g[ei](?=[aou])", ("J", "G")),  # Georgiou, Giovanni
        (r"gu(?=[ei])", ("G",)),  # Guillermo
        (r"g(?=[eiy])", ("G", "J")),
        (r"gh(?=[aeiou])", ("G", "K")),  # Ghaffari
        (r"gh?", ("G",)),
    ),
    "h": (
        (r"h(?=[aeiouy])", ("H",)),
        (r"h(?=r)", ("", "K")),  # Hristo, Christo
    ),
    "i": ((r"i(?=[aou])", ("J",)),),  # Iosif
    "j": (
        (r"j[ei](?=[aou])", ("J",)),
        (r"j(?=e(?:len|kat|vg|gor|rem|fi))", ("J", "")),  # Jelena, Elena
        (r"j", ("J",)),
    ),
    "k": (
        (r"kn", ("N",)),
        (r"kh(?=[aeiou])", ("K", "H")),  # Khaled
    ),
    "n": ((r"ngu(?=[ey])|ng", ("N",)),),  # Nguyen
    "o": ((r"ou(?=[ae])", ("F",)),),  # Ouafa, Wafa
    "p": ((r"pn", ("N",)), (r"ps", ("S",)), (r"pf", ("F",))),  # Psarras, Pfister
    "s": ((r"sc?h(?=[^aeiouy])", ("S",)),),  # Schmidt, Smit
    "w": ((r"wr", ("R",)),),
    "x": ((r"x", ("S", "X")),),
    "y": (
        (r"y[ei]?(?=[aou])", ("J",)),  # Yusuf, Yeorgiou
        (r"y(?=[ei])", ("J", "")),  # Yelena, Elena
    ),
    "z": ((r"zh", ("J", "S")),),
}
_ANYWHERE: _Rules = {
    "a": (
        (r"a(?=ou(?:[^aeiouy]|\Z))", _OPEN),
        (r"a[aeiouy]*", _OPEN),
    ),
    "b": ((r"[bp]h?", ("P",)),),
    "c": (
        (r"(?<=[vw]i)(?:ch|cz|c)\Z", ("X",)),  # the Slavic ending -ić
        (r"(?<=i)c\Z", ("X", "K")),  # Babic, Eric
        (r"cz|cs\Z", ("X",)),  # Kovacs; Ericsson has KS
        (r"ch(?=[rlmnt])", ("K",)),
        (r"ch", ("K", "X")),
        (r"c(?=[eiy])", ("S",)),
        (r"c[kq]?", ("K",)),
    ),
    "d": (
        (r"dzh|dj|dz", ("J",)),
        (r"ds", ("S",)),
        (r"dt|dh?", ("T",)),
    ),
    "e": ((r"e[aeiouy]*", _OPEN),),
    "f": ((r"[fvw]+", ("F",)),),
    "g": (
        (r"ght", ("T",)),
        (r"gu(?=[eiy])|gh?", ("K",)),
    ),
    "h": ((r"(?<=[aeiouy])h(?=[aeiouyj])", ("H",)),),  # only between vowels
    "i": ((r"i[aeiouy]*", _OPEN),),
    "j": ((r"(?<=[aeiou])j(?=[aeiou])", ("", "J")),),  # Maja, Maya; Khadija
    "k": (
        (r"kh(?=[aeiou])", ("K", "H")),  # Mikhail
        (r"kh?", ("K",)),
    ),
    "o": (
        (r"(?<=a)ou(?![aeiouy])", ("", "F")),  # Daoud, Dawood
        (r"o[aeiouy]*", _ROUNDED),
    ),
    "p": (
        (r"p[hf]", ("F",)),
        (r"(?<=m)p(?=[st])", ("",)),  # Thompson
        (r"p", ("P",)),
    ),
    "q": (
        (r"qu(?=[eiy])", ("KF", "K")),  # Lindquist, Enrique
        (r"qu(?=[ao])", ("KF",)),
        (r"q", ("K",)),
    ),
    "r": (
        (r"rz", ("RS", "R")),  # Schwarzer, Andrzej
        (r"r", ("R",)),
    ),
    "s": (
        (r"shch|szcz|s[kt]j|stie(?=r)|sch|sh|sj", ("X",)),  # Stjernström, Gyllenstierna
        (r"sz", ("S", "X")),
        (r"sc(?=[eiy])|s", ("S",)),
    ),
    "t": (
        (r"(?<=[vw]i)(?:tsch|tch|tz|ts|tj)\Z", ("X",)),  # the Slavic ending -ić
        (r"tsch|tch|tsj|tsh|tj", ("X",)),
        (r"t[sz]", ("S",)),
        (r"th?", ("T",)),
    ),
    "u": ((r"u[aeiouy]*", _ROUNDED),),
    "v": ((r"[fvw]+", ("F",)),),
    "w": (
        (r"w(?=[dnrt])", ("",)),  # Chowdhury
        (r"(?<=[aeiou])w\Z", ("F", "")),  # Romanow, Matthew
        (r"[fvw]+", ("F",)),
    ),
    "y": ((r"y[aeiouy]*", _OPEN),),
    "z": ((r"zh?", ("S",)),),
}
_PLAIN = {"l": ("L",), "m": ("M",), "n": ("N",), "h": ("",), "j": ("",), "x": ("KS",)}


class _Letter:
    """The rules of one letter as one pattern; the number of the group that matches is the rule's."""

    __slots__ = ("match", "readings")

    def __init__(self, rules: tuple[tuple[str, tuple[str, ...]], ...]) -> None:
        self.match = re.compile("|".join(f"({spelling})" for spelling, _ in rules)).match
        self.readings = ((), *(readings for _, readings in rules))


_LETTERS = {letter: _Letter(rules) for letter, rules in _ANYWHERE.items()}
_FIRST_LETTERS = {letter: _Letter(rules + _ANYWHERE.get(letter, ())) for letter, rules in _BEGINNING.items()}


def other_sounds(word: str) -> tuple[str, ...]:
    """Return one to four keys of a word in lower case, without doubles; none when fewer than two signs are left."""
    keys: dict[str, None] = {}
    for reading in _readings(word):
        keys.update(dict.fromkeys(key for key in _keys(reading) if len(key) > 1))
    return tuple(keys)[:_MOST_KEYS]


def _readings(word: str) -> Iterator[str]:
    """Give the spellings in a to z that a word is read by."""
    plain = written_out = _letters(word)
    if not word.isascii():
        written_out = _letters(word.translate(_WRITTEN_OUT))
    yield plain
    if written_out != plain:
        yield written_out
    if "x" in plain or "c" in plain:
        somali = _SOMALI_AYN.sub("", _SOMALI.sub("h", _NOT_LETTERS.sub("", to_ascii(word))))
        somali = _usual(somali)
        if somali != plain:
            yield somali


def _letters(word: str) -> str:
    return _usual(_NOT_LETTERS.sub("", to_ascii(word.translate(_VOWELS))))


def _usual(letters: str) -> str:
    text = _DOUBLE.sub(r"\1", letters)
    if text.startswith("m"):
        return _MOHAMMED.sub("moh", "mac" + text[2:] if text.startswith("mc") else text)
    return _ABD_AL.sub("abd", text)


def _keys(text: str) -> list[str]:
    keys = [""]
    certain: list[str] = []
    for readings in _sounds(text):
        if len(readings) == 1 or len(keys) * len(readings) > _MOST_KEYS:
            certain.append(readings[0])
        else:
            so_far = "".join(certain)
            keys = [key + so_far + reading for key in keys for reading in readings]
            certain.clear()
    rest = "".join(certain)
    return [_DOUBLE.sub(r"\1", key + rest).replace(_SEPARATOR, "")[:_LONGEST] for key in keys]


def _sounds(text: str) -> Iterator[tuple[str, ...]]:
    """Give the readings of one sound after the other; of vowels only the first one's, then separators."""
    position, vowel = 0, False
    letters = _FIRST_LETTERS
    while position < len(text):
        letter = text[position]
        rules = letters.get(letter) or _LETTERS.get(letter)
        letters = _LETTERS
        found = rules.match(text, position) if rules else None
        if not (rules and found):
            yield _PLAIN[letter]
            position += 1
            continue
        readings = rules.readings[found.lastindex or 0]
        position = found.end()
        if readings is _OPEN or readings is _ROUNDED:
            yield _SEPARATORS if vowel else readings
            vowel = True
        else:
            yield readings
