"""Names, taken apart, folded and sounded: pure functions over the words of a name.

Everything in the index stands as written and as typed (`words`); what this package infers besides (sounds, short
forms, patronymics) serves to find and to weigh, never to tell two people apart or to make them one.
"""

from registry.names.kinds import is_initial, is_particle, joined, unglued
from registry.names.nicknames import nicknames
from registry.names.patronymic import patronymic
from registry.names.sounds import sounds
from registry.names.words import MAX_WORD, Tokens, Word, fold, order_key, tokens, words

__all__ = [
    "MAX_WORD",
    "Tokens",
    "Word",
    "fold",
    "is_initial",
    "is_particle",
    "joined",
    "nicknames",
    "order_key",
    "patronymic",
    "sounds",
    "tokens",
    "unglued",
    "words",
]
