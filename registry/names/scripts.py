"""Other scripts and marked letters in plain ASCII letters.

`anyascii` reads one character after the other. For Greek that is not enough: pairs of letters have sounds of their own,
and passports write them so (ELOT 743, ISO 843 type 2: ου ou, αυ av, ευ ev, γγ ng, μπ b and ντ d at the beginning).
For what Latin letters become, both `anyascii` and this registry agree with ICAO Doc 9303-3, section 6: Ð is D, Þ is TH,
ß is SS, Đ is D, Ł is L.
"""

import re

from anyascii import anyascii

# All lower case and composed (NFKC), as words are. α-ω and the accented vowels; no other script lies between.
_GREEK = re.compile(r"[\u0370-\u03ff]")
_GREEK_PAIRS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile("ο[υύ]"), "ou"),
    (re.compile("(?<=[αεη])[υύ]"), "v"),
    (re.compile("γ(?=[γξχ])"), "n"),
    (re.compile(r"\Aμπ"), "b"),
    (re.compile(r"\Aντ"), "d"),
)


def to_ascii(word: str) -> str:
    """Return a word in lower case in plain ASCII characters, not all of them letters ("Наталья": natal'ya)."""
    if word.isascii():
        return word
    if _GREEK.search(word):
        for pair, latin in _GREEK_PAIRS:
            word = pair.sub(latin, word)
    return anyascii(word).lower()
