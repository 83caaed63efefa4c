"""SfinxBis: which Swedish names sound alike, in an implementation of our own.

Kjell Sjöö published SfinxBis for searching Swedish names (2009, 2010): a name is freed from the particles of the
nobility, given modern Swedish spelling, and becomes one sign for its first sound and a digit for every later consonant;
vowels and H don't count. The steps below are numbered in that order. The signs and digits are the published ones; the
single spelling rules are written from how Swedish is read, so codes of rare names may differ from those of other
implementations. They are never exchanged with anyone, and `registry.names.sounds` puts a letter of ours in front.

The first sound's sign: `$` any vowel, `#` the sj-sound (Sjöberg, Schiöler, Charlotte), `+` the tj-sound (Kjell,
Kerstin, Tjäder), else the letter of the sound (Gösta and Jösta J, Carl and Karl K, Cecilia and Zara S).
The digits: 1 B P · 2 G J K Q · 3 D T · 4 L · 5 M N · 6 R · 7 F V · 8 S Z and the sj- and tj-sounds.

Christopher is K68376, Schmidt and Smith are S53, Sjöberg is #162, Johansson and Jansson are J585.
"""

import re

from registry.names.scripts import to_ascii

_LONGEST = 12  # signs of a code; longer names differ before

_VOWELS = "aouåeiyäö"
_SOFT = "eiyäö"

# (1) One letter for the letters that Swedish reads alike; everything outside the alphabet by its ASCII spelling.
_ALIKE = str.maketrans({"æ": "ä", "ø": "ö", "ü": "y", "w": "v", "z": "s", "ð": "d", "þ": "th", "ß": "ss"})
_OUTSIDE = re.compile(r"[^a-zåäö]+")
_SWEDISH = re.compile(r"([åäö])")

# (2) Old and foreign spellings as modern Swedish spells them. One after the other: later rules see earlier ones' work.
# In front of each stands a letter without which it need not be tried.
_MODERN: tuple[tuple[str, re.Pattern[str], str], ...] = (
    ("", re.compile(r"(.)\1+"), r"\1"),
    ("i", re.compile(r"stiern"), "stjärn"),
    # Biörck, Hierta, Iohannes: I for J
    ("i", re.compile(r"i(?=[äö])|(?<=\Ah)i(?=[aeo])|\Ai(?=[aouå])"), "j"),
    ("l", re.compile(r"lilie"), "lilje"),
    ("q", re.compile(r"q[uv]?"), "kv"),
    ("h", re.compile(r"sch"), "sh"),
    ("h", re.compile(r"ph"), "f"),
    ("h", re.compile(r"th"), "t"),
    ("h", re.compile(r"ch(?=[rlmnkt])"), "k"),  # Christer; before a vowel CH is another sound
    ("h", re.compile(r"(?<![sc])h(?![aouåeiyäöj])"), ""),  # Öhrn, Bergh
)

# (3) The first sound. The first rule that fits counts.
_FIRST: tuple[tuple[str, str], ...] = (
    (r"[" + _VOWELS + r"]", "$"),
    (r"(?:stj|skj|shj|sj|tsj)", "#"),
    (r"sh(?=[" + _VOWELS + r"])", "#"),
    (r"sh", "S"),  # Schmidt
    (r"sk(?=[" + _SOFT + r"])", "#"),
    (r"ch(?=[" + _VOWELS + r"])", "#"),
    (r"(?:kj|tj)", "+"),
    (r"k(?=[" + _SOFT + r"])", "+"),
    (r"(?:dj|gj|hj|lj)", "J"),
    (r"g(?=[" + _SOFT + r"])", "J"),
    (r"c(?=[" + _SOFT + r"])", "S"),
    (r"ck?", "K"),
    (r"x", "S"),
    (r"f?v", "V"),
    (r"[bdfghjklmnprst]", ""),  # the letter itself
)

# (4) The later sounds: what is heard as S, and then every letter by itself. Vowels keep two equal sounds apart (Manninen
# is M555) and fall away at last, with 9, as does H.
_HISSING = re.compile(r"s[tkh]?j|sk(?=[yäö])|sh|[tk]j|[td]s|ch?(?=[" + _SOFT + r"])")
_DIGITS = str.maketrans(
    {
        **dict.fromkeys("bp", "1"),
        **dict.fromkeys("cgjkq", "2"),
        **dict.fromkeys("dt", "3"),
        "l": "4",
        **dict.fromkeys("mn", "5"),
        "r": "6",
        **dict.fromkeys("fv", "7"),
        "s": "8",
        "x": "28",
        **dict.fromkeys(_VOWELS, "9"),
        "h": "",
    }
)


def _together(rules: tuple[tuple[str, str], ...]) -> tuple[re.Pattern[str], tuple[str, ...]]:
    """Make one pattern of all rules; the number of the group that matched is the place of the rule's code."""
    return re.compile("|".join(f"({rule})" for rule, _ in rules)), ("", *(code for _, code in rules))


_FIRST_SOUND, _FIRST_CODES = _together(_FIRST)
_DOUBLE = re.compile(r"(.)\1+")


def sfinxbis(word: str) -> str:
    """Return the code of one word in lower case, or "" when there is nothing in it to sound.

    The particles of the nobility are words of their own and are no part of `word`.
    """
    text = word.translate(_ALIKE)
    if not (text.isascii() and text.isalpha()):
        # Å, Ä and Ö stay; what lies between them is read as a whole, since Greek has letters in pairs.
        text = "".join(piece if piece in "åäö" else to_ascii(piece) for piece in _SWEDISH.split(text))
        text = _OUTSIDE.sub("", text.translate(_ALIKE))
    for letter, spelling, modern in _MODERN:
        if letter in text:
            text = spelling.sub(modern, text)
    first = _FIRST_SOUND.match(text)
    if not first:
        return ""
    sign = _FIRST_CODES[first.lastindex or 0] or first[0].upper()
    rest = _HISSING.sub("s", text[first.end() :]).translate(_DIGITS)
    return (sign + _DOUBLE.sub(r"\1", rest).replace("9", ""))[:_LONGEST]
