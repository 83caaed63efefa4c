"""A consent code as people say and type it: four groups of four characters, such as `7KQM-2XWD-RT4N-9HB5`.

Fifteen characters of Crockford's base 32 (no I, L, O or U, which are misheard and misread) are random, 75 bits; the last is a
check character. It is a weighted sum in the field of 32 elements: any one wrong character, and any two neighbours that changed
places, are noticed without asking anybody, so a slip of the pen never counts as a wrong code.
"""

import re
import secrets

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
RANDOM = 15
LENGTH = RANDOM + 1
GROUP = 4
# What is read in place of what was meant (Crockford).
_MEANT = str.maketrans({"O": "0", "I": "1", "L": "1"})
_NOISE = re.compile(r"[\s\-‐-―−_.·]+")
# x^5 + x^2 + 1, a primitive polynomial over two elements: doubling runs through all 31 weights.
_POLYNOMIAL, _TOP = 0b100101, 0b100000


def new_code() -> str:
    """Return a new random code, 16 characters without hyphens."""
    random = "".join(secrets.choice(ALPHABET) for _ in range(RANDOM))
    return random + _check(random)


def _check(random: str) -> str:
    total = 0
    for character in random:
        total = (total ^ ALPHABET.index(character)) << 1
        if total & _TOP:
            total ^= _POLYNOMIAL
    return ALPHABET[total]


def written(code: str) -> str:
    """Return a code in its groups, to be read and said."""
    return "-".join(code[start : start + GROUP] for start in range(0, LENGTH, GROUP))


def read_code(text: str) -> str:
    """Return the 16 characters of a code as somebody typed it: any case, hyphens and spaces, O for 0, I and L for 1.

    Raises:
        ValueError: it is none, or mistyped; the message says what to do and repeats nothing.
    """
    code = _NOISE.sub("", text).upper().translate(_MEANT)
    if len(code) != LENGTH or any(character not in ALPHABET for character in code):
        raise ValueError(
            f"a consent code has {LENGTH} letters and digits in groups of {GROUP}; write it as you got it"
        )
    if _check(code[:RANDOM]) != code[RANDOM]:
        raise ValueError("a character of the consent code is wrong; compare it with what you got")
    return code
