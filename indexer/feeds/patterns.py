"""Patterns of file names: `*` and `?` stay within one folder, `**` crosses folders."""

import re
from functools import cache

Patterns = str | tuple[str, ...]
"""One pattern, or several of which one must match."""


def as_patterns(value: Patterns) -> tuple[str, ...]:
    """Return the patterns of a key that takes one or a list."""
    if isinstance(value, str):
        return (value,) if value else ()
    return value


def matches(name: str, patterns: Patterns) -> bool:
    """Tell whether a whole path or name matches one of the patterns; case counts."""
    return any(_compiled(pattern).fullmatch(name) for pattern in as_patterns(patterns))


def pattern_problem(patterns: Patterns) -> str:
    """Return what is wrong with a pattern, or ""."""
    for pattern in as_patterns(patterns):
        try:
            _compiled(pattern)
        except re.error as error:
            return f"{pattern!r} is no pattern: {error}."
    return ""


def literal_prefix(pattern: str) -> str:
    """Return what every match begins with: the pattern up to its first wildcard."""
    return re.split(r"[*?\[]", pattern, maxsplit=1)[0]


_PIECES = re.compile(r"(\*\*/|\*\*|\*|\?|\[!?\]?[^\]/]*\])")


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile("".join(_as_regex(piece) for piece in _PIECES.split(pattern)), re.DOTALL)


def _as_regex(piece: str) -> str:
    known = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    if piece in known:
        return known[piece]
    if piece.startswith("[") and piece.endswith("]"):
        negated, members = ("^", piece[2:-1]) if piece.startswith("[!") else ("", piece[1:-1])
        members = members.replace("\\", r"\\").replace("[", r"\[").replace("]", r"\]").replace("^", r"\^")
        return f"[{negated}{members}]"
    return re.escape(piece)
