"""Bytes of a text file from a spreadsheet as text: whatever Excel, LibreOffice and payroll systems write.

A byte order mark always wins. Without one it is UTF-8 if it is valid as that, UTF-16 if every second byte is zero, and
otherwise Windows-1252, which Swedish Excel writes: text in cp1252 with å, ä or ö is as good as never valid UTF-8.
What can't be read as any of these is refused, as is text that was garbled before it came: Ã¶ for ö.
"""

import codecs
import csv
import re

from registry.checks.lists.errors import UnreadableListError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
DELIMITERS = (";", "\t", ",", "|")
# UTF-8 read as cp1252 and saved again: Ã¥ Ã¤ Ã¶ Ã… Ã„ Ã– Ã© Ã¼.
_GARBLED = re.compile("Ã[¥¤¶…„–©¼\u0085\u0084\u0096]|\ufffd")
# Characters looked at to tell which delimiter it is.
_LOOKED_AT = 65_536
_SAVE_AGAIN = "Save the list again as CSV UTF-8 (in Excel: CSV UTF-8, comma delimited) or as .xlsx."


def decoded(data: bytes) -> str:
    """Return the text.

    Raises:
        UnreadableListError: it is no text, or in no encoding that is read.
    """
    text = _decoded(data)
    if "\0" in text:
        raise UnreadableListError(f"The file is no text. {_SAVE_AGAIN}")
    if found := _GARBLED.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise UnreadableListError(
            f"Letters are garbled, first on line {line}: the file was saved in the wrong encoding before it came here. {_SAVE_AGAIN}"
        )
    return text


def _decoded(data: bytes) -> str:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _strictly(data[len(mark) :], encoding)
    if data and (guess := _utf16(data)):
        return _strictly(data, guess)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return _strictly(data, "cp1252")


def _utf16(data: bytes) -> str:
    """Tell UTF-16 without a mark: of the letters we write nearly all have a zero byte."""
    some = data[:4096]
    half = len(some) // 2
    for start, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        if half and some[start::2].count(0) > 0.6 * half and not some[1 - start :: 2].count(0):
            return encoding
    return ""


def _strictly(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise UnreadableListError(
            f"The file is in no encoding that is read here (UTF-8, UTF-16, Windows-1252). {_SAVE_AGAIN}"
        ) from error


def delimiter_of(text: str) -> str:
    """Return the delimiter: the one that splits the first lines into the most columns, the same number on each.

    `sep=;` on a line of its own, which Excel takes as an order, decides.
    """
    head = text[:_LOOKED_AT]
    first = head.split("\n", 1)[0].strip().strip('"').casefold()
    if first.startswith("sep=") and first[4:] in DELIMITERS:
        return first[4:]
    return max(DELIMITERS, key=lambda each: _fit(head, each))


def _fit(head: str, delimiter: str) -> tuple[int, int]:
    """Return how many columns most lines have, if more than one, and how many lines have so many."""
    lines = head.splitlines(keepends=True)
    if len(head) == _LOOKED_AT:
        lines = lines[:-1] or lines
    try:
        widths = [len(row) for row in csv.reader(lines, delimiter=delimiter) if any(row)]
    except csv.Error:
        return 0, 0
    if not widths or max(widths) == 1:
        return 0, 0
    usual = max(set(widths), key=lambda width: (widths.count(width), width))
    return (widths.count(usual) * 100 // len(widths) if usual > 1 else 0), usual
