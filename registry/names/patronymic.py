"""Family names that once said whose child somebody was: which father's name stands in them."""

import re
from functools import lru_cache

from registry.names.words import Word

_CACHED_WORDS = 65_536

# Son and daughter in the Nordic countries, the Netherlands, Germany and England, with the genitive before them.
_CHILD_OF = re.compile(
    r"(?P<father>.+?)(?:[sz]+(?:on|en|ohn)|s?(?:dott[ei]r|datter|dohter|tochter|dtr|dot))\Z"
)
# Rosen, Jason, Mason: what is left before -son and -sen is too short, and ends as no such father's name does.
_NO_FATHER = re.compile(r".|[^aeiouyåäö]?[aeiouyåäö]")
_SPELLINGS = (
    (re.compile(r"ph"), "f"),
    (re.compile(r"ch(?=[rl])|ck|c(?![eiy])|q"), "k"),
    (re.compile(r"[cz]"), "s"),
    (re.compile(r"w"), "v"),
    (re.compile(r"h(?![aeiouyåäö])"), ""),
    (re.compile(r"ie"), "i"),
    (re.compile(r"(.)\1+"), r"\1"),
)
_NORDIC = str.maketrans({"æ": "ä", "ø": "ö", "é": "e", "ó": "o", "á": "a", "í": "i", "ú": "u", "ý": "y"})


@lru_cache(maxsize=_CACHED_WORDS)
def patronymic(word: Word) -> str:
    """Return the father's name that a patronymic holds, in one spelling, or "" when the word is none.

    "Karlsson", "Carlson", "Karlsen" and "Karlsdotter" all give "karl"; "Jönsson", "Jonsson" and "Jansson" give
    three stems: three fathers. A son's and a daughter's form share the stem, so an equal stem is a weak hint only.
    """
    found = _CHILD_OF.match(word.written.translate(_NORDIC))
    if not found or _NO_FATHER.fullmatch(found["father"]):
        return ""
    father = found["father"]
    for spelling, plain in _SPELLINGS:
        father = spelling.sub(plain, father)
    return father
