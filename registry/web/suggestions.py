"""Suggestions while typing in the box, for API and pages: names that several people share, and words for professions.

They leave no line in the access log, since they are no search and name no single person: a name is suggested only when at
least `search.suggest_min_people` people in the index bear all of its words (`registry.search.suggesting`), and words
for professions are the vocabulary's own.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from registry.search import suggesting
from registry.search.box import Understood, understand
from registry.search.suggesting import Suggest
from registry.vocabulary import UNKNOWN, Vocabulary, fold_word
from registry.web.context import Context

# Shorter beginnings fit too many words, and at most so many professions stand beside the names.
_SHORTEST, _PROFESSIONS = 3, 3
# A profession has some five words.
_MOST_WORDS = 5


@dataclass(frozen=True, slots=True)
class Suggested:
    """A whole text of the box that might be meant.

    Attributes:
        kind: what its end is: a given name, a family name or a profession.
    """

    text: str
    kind: Literal["given", "family", "profession"]


def suggest(ours: Context, text: str) -> tuple[Suggested, ...]:
    """Complete what has been typed so far; nothing for what is too long or ends in a number, a date or a space.

    Raises:
        SearchUnavailableError: the engine is down.
    """
    limits = ours.settings.search
    if len(text) > limits.max_query_length or not text[-1:].strip() or '"' in text:
        return ()
    professions = [Suggested(one, "profession") for one in _professions(text, ours.vocabulary)]
    names: list[Suggested] = []
    understood = understand(text, ours.vocabulary, ours.today())
    if _ends_in_name(understood):
        start = text.removesuffix(understood.name)
        found = suggesting.suggest(ours.search, ours.names.get(), Suggest(text=understood.name), limits)
        names = [Suggested(start + one.text, one.kind) for one in found]
    most = limits.suggest_limit
    return (*names[: max(most - len(professions), 0)], *professions)[:most]


def _ends_in_name(understood: Understood) -> bool:
    return bool(understood.name) and understood.text.endswith(understood.name)


def _professions(text: str, vocabulary: Vocabulary) -> Iterator[str]:
    """Give the text with its last words completed to a profession's; the longest beginning counts."""
    words = text.split(" ")
    for count in range(min(len(words), _MOST_WORDS), 0, -1):
        start = fold_word(" ".join(words[-count:]))
        if len(start) < _SHORTEST:
            return
        # One word for a profession: its others begin alike, and mean the same.
        found: dict[str, str] = {}
        for folded, word, code in _known(vocabulary):
            if folded.startswith(start) and folded != start:
                found[code] = min(found.get(code, word), word, key=len)
        if found:
            before = "".join(f"{word} " for word in words[:-count])
            yield from (before + word for word in sorted(found.values(), key=len)[:_PROFESSIONS])
            return


@lru_cache(maxsize=4)
def _known(vocabulary: Vocabulary) -> tuple[tuple[str, str, str], ...]:
    """Return the words for every profession, folded and as shown (in lower case, as in a sentence), with its code."""
    shown: dict[str, tuple[str, str]] = {}
    for code, profession in vocabulary.professions.items():
        if code != UNKNOWN:
            for word in (profession.label.sv, profession.label.en, *profession.synonyms):
                shown.setdefault(fold_word(word), (word if word.isupper() else word.lower(), code))
    return tuple((folded, word, code) for folded, (word, code) in shown.items())
