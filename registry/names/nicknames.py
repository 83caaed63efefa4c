"""Short forms and pet forms of given names: a weak hint that two given names may be one person's."""

from functools import lru_cache
from pathlib import Path

import msgspec

from registry.names.lists import read, typed_keys
from registry.names.words import Word
from registry.settings import CONFIG

NICKNAMES = CONFIG / "names" / "nicknames.toml"
_NONE: frozenset[str] = frozenset()


class _Group(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    names: tuple[str, ...]
    short: tuple[str, ...]


class _Nicknames(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    groups: tuple[_Group, ...]


def nicknames(word: Word) -> frozenset[str]:
    """Return the typed keys of the names that this one is a short form of, and of its own short forms.

    Symmetric: when "kalle" stands among those of "karl", "karl" stands among those of "kalle". Two short forms of
    one name, or two spellings of it, are not linked with each other.
    """
    linked = _linked()
    if len(word.typed) == 1:
        return linked.get(word.typed[0], _NONE)
    return _NONE.union(*(linked.get(key, _NONE) for key in word.typed))


@lru_cache(maxsize=4)
def _linked(path: Path = NICKNAMES) -> dict[str, frozenset[str]]:
    linked: dict[str, set[str]] = {}
    for group in read(path, _Nicknames).groups:
        names = {key for name in group.names for key in typed_keys(name, path)}
        short = {key for name in group.short for key in typed_keys(name, path)}
        for name in names:
            for form in short - {name}:
                linked.setdefault(name, set()).add(form)
                linked.setdefault(form, set()).add(name)
    return {key: frozenset(others) for key, others in linked.items()}
