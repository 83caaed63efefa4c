"""Cells of a sheet as text: what ECMA-376 part 1, 18.3.1.4 (c), 18.18.11 (ST_CellType) and 18.8.30 (numFmt) say."""

import re
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation

from lxml import etree

# Excel keeps fifteen digits of a number; of a longer one the last are lost.
EXCEL_DIGITS = 15
# Number formats without a definition of their own that show a date (18.8.30); 27-36 and 50-58 are East Asian.
_DATE_FORMATS = frozenset({14, 15, 16, 17, 22, *range(27, 37), *range(50, 59)})
# What a number format shows as it stands: quoted text, one escaped letter, colours and locales.
_LITERAL = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]')
_DATE_LETTER = re.compile(r"[dy]", re.IGNORECASE)
# The escape of characters that XML can't hold (22.4.2.4, ST_Xstring).
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_SURROGATES = range(0xD800, 0xE000)
# Serial 60 is 29 February 1900, a day that never was; what comes before it is one day off.
_NO_SUCH_DAY = 60
_LAST_SERIAL = 2_958_465


class Number(str):
    """A number's digits: the cell held a number, so that leading zeros it may have had are gone."""

    __slots__ = ()


class Spoilt(str):
    """A cell whose value can't be trusted; the text says why."""

    __slots__ = ()


class Cells:
    """Reads cells.

    Args:
        shared: the workbook's shared texts.
        dates: numbers of the cell styles that show dates.
        from_1904: whether the workbook counts days from 1904, as old ones for Macintosh do.
    """

    def __init__(self, shared: Sequence[str], dates: frozenset[int], *, from_1904: bool) -> None:
        self._shared = shared
        self._dates = dates
        self._from_1904 = from_1904

    def text(self, cell: etree._Element) -> str:
        """Return a cell's text; "" for an empty one.

        Raises:
            ValueError: the cell is not of a form that there is.
        """
        kind, value, formula = cell.get("t", "n"), "", False
        for child in cell:
            tag = child.tag
            if tag.endswith("}v"):
                value = child.text or ""
            elif tag.endswith("}is"):
                return self.rich_text(child) if kind == "inlineStr" else ""
            elif tag.endswith("}f"):
                formula = True
        if not value:
            return Spoilt("a formula without a stored value") if formula else ""
        return self._value(kind, value, cell.get("s"))

    def _value(self, kind: str, value: str, style: str | None) -> str:
        if kind == "s":
            return self._of_shared(value)
        if kind == "n":
            return self._number(value, style)
        if kind == "b":
            return "true" if value == "1" else "false"
        if kind == "e":
            return Spoilt("an error value of Excel")
        return unescape(value)

    def _of_shared(self, value: str) -> str:
        place = int(value)
        if not 0 <= place < len(self._shared):
            raise ValueError("shared text")
        return self._shared[place]

    def _number(self, value: str, style: str | None) -> str:
        try:
            number = Decimal(value)
        except InvalidOperation as error:
            raise ValueError("number") from error
        if style is not None and int(style) in self._dates:
            return excel_date(number, from_1904=self._from_1904) or Spoilt("a date that Excel can't count")
        if not number.is_finite() or number.adjusted() >= EXCEL_DIGITS:
            return Spoilt("a number of more digits than Excel keeps")
        return Number(number.quantize(Decimal(1))) if number == number.to_integral_value() else Number(value)

    @staticmethod
    def rich_text(element: etree._Element) -> str:
        """Return the text of a shared or inline text, without its phonetic readings."""
        parts = []
        for child in element:
            if child.tag.endswith("}t"):
                parts.append(child.text or "")
            elif child.tag.endswith("}r"):
                parts.extend(t.text or "" for t in child if t.tag.endswith("}t"))
        return unescape("".join(parts))


def unescape(text: str) -> str:
    """Undo `_x000D_` and the like."""
    return _ESCAPED.sub(_character, text) if "_x" in text else text


def _character(match: re.Match[str]) -> str:
    code = int(match[1], 16)
    return match[0] if code in _SURROGATES else chr(code)


def excel_date(serial: Decimal, *, from_1904: bool = False) -> str:
    """Return the day of a serial number as ISO; "" for one that is no day."""
    if not serial.is_finite():
        return ""
    days = int(serial.to_integral_value(rounding="ROUND_FLOOR")) if abs(serial) <= _LAST_SERIAL else -1
    if from_1904:
        return (date(1904, 1, 1) + timedelta(days)).isoformat() if days >= 0 else ""
    if days < 1 or days == _NO_SUCH_DAY:
        return ""
    first = date(1899, 12, 30) if days > _NO_SUCH_DAY else date(1899, 12, 31)
    return (first + timedelta(days)).isoformat()


def date_styles(styles: etree._Element) -> frozenset[int]:
    """Return the numbers of the cell styles that show dates (18.8.10, cellXfs)."""
    formats = {
        int(element.get("numFmtId", "0")): element.get("formatCode", "")
        for element in styles.iter("{*}numFmt")
    }
    dates = set()
    for cell_formats in styles.iter("{*}cellXfs"):
        for number, style in enumerate(cell_formats.iterchildren("{*}xf")):
            shown = int(style.get("numFmtId", "0"))
            if shown in _DATE_FORMATS or _shows_date(formats.get(shown, "")):
                dates.add(number)
    return frozenset(dates)


def _shows_date(code: str) -> bool:
    return _DATE_LETTER.search(_LITERAL.sub("", code.partition(";")[0])) is not None
