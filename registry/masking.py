"""What may be a personal identity number in something that is logged, however it is written, and a fixed mark in its place.

Logs are copied to places that were never meant to hold personal data, so the log's own rule is wider than the one for what people
type (`registry.identifiers`): digits of any script, characters that nobody sees, and the escapes of URLs, JSON, Python and
HTML are read as what they stand for. It is narrower where that rule would hide what operators need: the digits must begin with
a date, and where they touch letters or more digits, as in an id or a hash, their check digit must be right. Pure functions, no I/O.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from registry.identifiers import MASK, check_digit, mask_personal_numbers

# The fewest digits of a number; and of digits that are written in another way (`%38`, `\u0038`), some are ASCII, too.
_FEWEST = 10
_NO_DIGITS = str.maketrans("", "", "0123456789")
_BYTE = r"(?:%|\\+x)([0-9A-Fa-f]{2})"
_ESCAPED = re.compile(
    rf"((?:{_BYTE})+)|\\+u([0-9A-Fa-f]{{4}})|\\+U([0-9A-Fa-f]{{8}})|&#[xX]([0-9A-Fa-f]{{1,6}});|&#([0-9]{{1,7}});"
)
# What is escaped may be escaped again by what logs it.
_MOST_LAYERS = 4
_DASHES = "\\-\u00ad\u2010-\u2015\u2212+"
# Between date and birth number people, lists and tables put up to four of these.
_GAP = rf"[\s{_DASHES}.,;:_/|'\"()\[\]]{{0,4}}"
_DATE = r"(?:\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]|6[0-9]|[78]\d|9[01])|\d{2}00(?:6\d|[78]\d|9[01]))"
_NUMBER = re.compile(rf"(?<!\d)((?:1[89]|20)?{_DATE})({_GAP})(\d{{4}})(?!\d)", re.ASCII)
# In a longer run of digits only whole numbers, with their century.
_IN_RUN = re.compile(rf"(?=((?:1[89]|20){_DATE}\d{{4}}))", re.ASCII)
_TOUCHING = re.compile(r"[A-Za-z0-9]")


def mask(text: str) -> str:
    """Return a text with `[personal number]` in place of all that may be a personal identity or coordination number.

    Lone surrogates become `?`, so that whatever writes the text can encode it.
    """
    text = text.encode("utf-8", "replace").decode()
    if text.isascii() and len(text) - len(text.translate(_NO_DIGITS)) < _FEWEST:
        return text
    view, starts, ends = _seen(text)
    parts, done = [], 0
    for first, last in _numbers(view):
        if starts[first] >= done:
            parts += [text[done : starts[first]], MASK]
        done = max(done, ends[last - 1])
    return mask_personal_numbers("".join((*parts, text[done:]))) if parts else text


def mask_value(value: Any) -> Any:  # noqa: ANN401 - any value that a caller logs
    """Return a value for a log in types of JSON, with `mask` over every text and number in it, keys included.

    Numbers of ten digits or more stay numbers unless they are one with a right check digit. Two neighbours in a list that make a number
    together are masked together. Whatever has no type of JSON becomes its text.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return _mask_number(value)
    if isinstance(value, Mapping):
        return {mask(str(key)): mask_value(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return _mask_items([mask_value(each) for each in value])
    return mask(_text(value))


def _mask_number(value: float) -> float | str:
    """Mask a number with a right check digit: a count may begin with a date by chance, and nine of ten such have none."""
    digits = str(abs(int(value))) if abs(value) < 1e16 else ""  # noqa: PLR2004 - above, digits are not exact anyhow
    whole = len(digits) == _FEWEST or (len(digits) == _FEWEST + 2 and digits[:2] in {"18", "19", "20"})
    if not whole or not _NUMBER.fullmatch(digits) or not _checks(digits):
        return value
    return MASK


def _mask_items(items: list[Any]) -> list[Any]:
    """Mask neighbours that make a number together: the two halves of one, taken apart by whoever logs them."""
    masked = list(items)
    for place, (one, other) in enumerate(pairwise(items)):
        if isinstance(one, str | int) and isinstance(other, str | int):
            joined = f"{one}-{other}"
            if MASK not in joined and mask(joined) != joined:
                masked[place] = masked[place + 1] = MASK
    return masked


def _text(value: object) -> str:
    """Return the text of a value of any type; one that has none must not cost the line."""
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode("utf-8", "replace")
    try:
        return str(value)
    except Exception as error:  # noqa: BLE001 - `__str__` of anybody
        return f"{type(value).__name__} without a text ({type(error).__name__})"


def _seen(text: str) -> tuple[str, list[int], list[int]]:
    """Return what a reader, or a program that reads on, sees in a text; and where each character of that begins and ends in it."""
    view, starts, ends = text, list(range(len(text))), list(range(1, len(text) + 1))
    for _ in range(_MOST_LAYERS):
        if not _ESCAPED.search(view):
            break
        view, starts, ends = _unescaped(view, starts, ends)
    kept: list[tuple[str, int, int]] = []
    for char, start, end in zip(view, starts, ends, strict=True):
        for plain in char if char.isascii() else unicodedata.normalize("NFKC", char):
            if unicodedata.category(plain) not in {"Cf", "Mn", "Me"}:
                kept.append((_plain_digit(plain), start, end))  # noqa: PERF401 - two loops and a condition read better so
    return "".join(each[0] for each in kept), [each[1] for each in kept], [each[2] for each in kept]


def _plain_digit(char: str) -> str:
    return str(unicodedata.digit(char)) if not char.isascii() and char.isdigit() else char


def _unescaped(view: str, starts: list[int], ends: list[int]) -> tuple[str, list[int], list[int]]:
    told: list[str] = []
    begins: list[int] = []
    stops: list[int] = []
    done = 0

    def keep(until: int) -> None:
        told.extend(view[done:until])
        begins.extend(starts[done:until])
        stops.extend(ends[done:until])

    for match in _ESCAPED.finditer(view):
        keep(match.start())
        done = match.end()
        for char, start, end in _meant(match):
            told.append(char)
            begins.append(starts[start])
            stops.append(ends[end - 1])
    keep(len(view))
    return "".join(told), begins, stops


def _meant(match: re.Match[str]) -> Iterator[tuple[str, int, int]]:
    """Yield the characters that an escape, or a run of escaped bytes, stands for, each with where it is written."""
    if match[1]:
        yield from _decoded(match[1], match.start())
        return
    code = int(match[6]) if match[6] else int(match[3] or match[4] or match[5], 16)
    # What is no character is a sign like any other: it parts what is around it.
    valid = code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF  # noqa: PLR2004 - Unicode's bounds
    yield chr(code) if valid else "?", *match.span()


def _decoded(run: str, offset: int) -> Iterator[tuple[str, int, int]]:
    """Yield the characters of escaped UTF-8; a byte that is in none is `?`."""
    spans = [each.span() for each in re.finditer(_BYTE, run)]
    raw = bytes(int(each[1], 16) for each in re.finditer(_BYTE, run))
    place = 0
    while place < len(raw):
        length = 1 + (raw[place] >= 0xC2) + (raw[place] >= 0xE0) + (raw[place] >= 0xF0)  # noqa: PLR2004 - RFC 3629 section 3
        char = raw[place : place + length].decode("utf-8", "replace")
        if len(char) > 1 or char == "\ufffd":
            char, length = "?", 1
        yield char, offset + spans[place][0], offset + spans[place + length - 1][1]
        place += length


def _numbers(view: str) -> Iterator[tuple[int, int]]:
    """Yield where numbers begin and end, in order; they may overlap."""
    found = []
    for match in _NUMBER.finditer(view):
        around = view[match.start() - 1 : match.start()] + view[match.end() : match.end() + 1]
        if not _TOUCHING.search(around) or match[2] or _checks(match[1] + match[3]):
            found.append(match.span())
    # A run of more digits than a number has.
    for run in re.finditer(r"\d{13,}", view, re.ASCII):
        for match in _IN_RUN.finditer(run[0]):
            if _checks(match[1]):
                start = run.start() + match.start()
                found.append((start, start + len(match[1])))
    yield from sorted(found)


def _checks(digits: str) -> bool:
    ten = digits[-_FEWEST:]
    return check_digit(ten[:9]) == int(ten[9])
