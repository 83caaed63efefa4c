"""Rows of a sheet in an Excel workbook (XLSX, ECMA-376 SpreadsheetML), one at a time, in flat memory.

Read here and not by a library, for what a register needs of it is small and strict. Measured on 50,000 rows of twelve
columns: openpyxl's streaming reader takes two and a half times as long; python-calamine takes a seventh, but holds the
whole sheet in memory (1.2 kB a row). And both give a cell that says #REF!, or a formula that was never computed, as plain text
or nothing.

- A number comes back as its digits, without ".0"; that it was a number and no text is told (`Number`), for Excel
  drops leading zeros.
- A date cell becomes ISO. Formulas are never computed: their stored value is read.
- What can't be trusted is told (`Spoilt`): an error value, a formula without a value, a number longer than Excel keeps.
- Hidden rows and columns are rows and columns.
- Refused: a DOCTYPE, a member that unpacks to more than it may (constants below), a workbook with a password.
"""

import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Self

from lxml import etree

from indexer.feeds.errors import MalformedFeedError, TruncatedFeedError
from indexer.feeds.spreadsheet_parts import open_member, relations, small_part
from registry.spreadsheet_cells import Cells, Number, Spoilt, date_styles

__all__ = ["Number", "Sheet", "Spoilt"]

# Excel's own bounds.
MAX_COLUMNS = 16_384
MAX_ROWS = 1_048_576
# Unpacked bytes of the shared texts, which are held in memory.
MAX_SHARED_BYTES = 256 << 20
_OFFICE = "/officeDocument"
_PLACE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})\Z", re.ASCII)
_RANGE = re.compile(r"[A-Z]+([0-9]+)(?::[A-Z]+([0-9]+))?\Z", re.ASCII)
_PARSER: dict[str, Any] = {
    "resolve_entities": False,
    "load_dtd": False,
    "no_network": True,
    "huge_tree": False,
    "remove_comments": True,
    "remove_pis": True,
}


class Sheet:
    """One sheet of a workbook. Use it in a `with` statement and go through it once.

    Attributes:
        row: Excel's own number of the row given last, from 1.
        merged: (first row, last row) of merged cells; known once all rows have been given.

    Args:
        part: the file.
        name: of the sheet; "" if the workbook has only one.

    Raises:
        MalformedFeedError: no such workbook or sheet, or one that can't be read as such.
        TruncatedFeedError: the file ends in the middle.
        FeedTooLargeError: it unpacks to more than allowed.
    """

    def __init__(self, part: Path, name: str = "") -> None:
        self.row = 0
        self.merged: list[tuple[int, int]] = []
        self._part = part
        self._name = name

    def __enter__(self) -> Self:
        self._archive = _open(self._part)
        try:
            with self._told():
                self._find()
        except BaseException:
            self._archive.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._archive.close()

    def __iter__(self) -> Iterator[list[str]]:
        """Yield each row as its cells' texts, up to the last cell it has."""
        with self._told(), open_member(self._archive, self._sheet, self._part) as source:
            first = True
            for _, element in etree.iterparse(
                source, events=("end",), tag=("{*}row", "{*}mergeCell"), **_PARSER
            ):
                if first:
                    _refuse_doctype(element, self._part)
                    first = False
                if element.tag.endswith("}row"):
                    source.record_ends()
                    yield self._cells(element)
                else:
                    self._merge(element)
                _forget(element)

    def _cells(self, row: etree._Element) -> list[str]:
        number = row.get("r")
        self.row = int(number) if number else self.row + 1
        if not 1 <= self.row <= MAX_ROWS:
            raise ValueError("row")
        texts: list[str] = []
        for cell in row:
            if not cell.tag.endswith("}c"):
                continue
            place = cell.get("r")
            column = _column(place) if place else len(texts) + 1
            if not len(texts) < column <= MAX_COLUMNS:
                raise ValueError("column")
            texts.extend([""] * (column - 1 - len(texts)))
            texts.append(self._values.text(cell))
        return texts

    def _merge(self, element: etree._Element) -> None:
        match = _RANGE.match(element.get("ref", ""))
        if match is None:
            raise ValueError("mergeCell")
        self.merged.append((int(match[1]), int(match[2] or match[1])))

    def _find(self) -> None:
        """Find the sheet, and what its cells refer to."""
        packages = relations(self._archive, "", self._part).values()
        book = next((path for kind, path in packages if kind.endswith(_OFFICE)), "")
        root = small_part(self._archive, book, self._part)
        targets = relations(self._archive, book, self._part)
        self._sheet = targets[self._chosen(root)][1]
        others = {kind.rpartition("/")[2]: path for kind, path in targets.values()}
        texts = self._shared(others["sharedStrings"]) if "sharedStrings" in others else []
        dates: frozenset[int] = frozenset()
        if "styles" in others:
            dates = date_styles(small_part(self._archive, others["styles"], self._part))
        settings = next(root.iter("{*}workbookPr"), None)
        from_1904 = settings is not None and settings.get("date1904", "") in ("1", "true")
        self._values = Cells(texts, dates, from_1904=from_1904)

    def _chosen(self, book: etree._Element) -> str:
        """Return the id of the relation that the asked sheet has."""
        sheets = {
            sheet.get("name", ""): next((str(v) for k, v in sheet.items() if str(k).endswith("}id")), "")
            for sheet in book.iter("{*}sheet")
        }
        if self._name in sheets:
            return sheets[self._name]
        if not self._name and len(sheets) == 1:
            return next(iter(sheets.values()))
        asked = f"no sheet {self._name!r}" if self._name else f"{len(sheets)} sheets"
        raise MalformedFeedError(
            f"{self._part.name} has {asked}. Set options.sheet to one of: {', '.join(map(repr, sheets))}."
        )

    def _shared(self, path: str) -> list[str]:
        """Read the workbook's shared texts; cells name them by number."""
        texts: list[str] = []
        with open_member(self._archive, path, self._part, MAX_SHARED_BYTES) as source:
            for _, element in etree.iterparse(source, events=("end",), tag="{*}si", **_PARSER):
                if not texts:
                    _refuse_doctype(element, self._part)
                source.record_ends()
                texts.append(Cells.rich_text(element))
                _forget(element)
        return texts

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn what the libraries raise on broken files into one error of the feed."""
        try:
            yield
        except (EOFError, zlib.error, etree.XMLSyntaxError) as error:
            raise MalformedFeedError(
                f"{self._part.name} is a broken workbook ({type(error).__name__}). Fetch it again, or ask the authority "
                "for a new file."
            ) from error
        except (
            zipfile.BadZipFile,
            NotImplementedError,
            RuntimeError,
            OSError,
            KeyError,
            ValueError,
            OverflowError,
        ) as error:
            raise MalformedFeedError(
                f"{self._part.name} can't be read as an Excel workbook ({type(error).__name__}). Ask the authority for a "
                "new file, saved as .xlsx without a password."
            ) from error


def _open(part: Path) -> zipfile.ZipFile:
    with part.open("rb") as file:
        start = file.read(4)
    if start != b"PK\x03\x04":
        raise MalformedFeedError(
            f'{part.name} is no .xlsx workbook: an old .xls, one with a password, or other data. Set options.form = "csv" '
            "if it is text, or ask for .xlsx without a password."
        )
    try:
        return zipfile.ZipFile(part)
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError, OverflowError) as error:
        # The directory of a zip file stands at its end.
        raise TruncatedFeedError(
            f"{part.name} is a workbook that ends in the middle. Fetch it again."
        ) from error


def _refuse_doctype(element: etree._Element, part: Path) -> None:
    if element.getroottree().docinfo.internalDTD is not None:
        raise MalformedFeedError(
            f"{part.name} has a DOCTYPE inside, which no workbook needs and which may hide entities."
        )


def _forget(element: etree._Element) -> None:
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]


def _column(place: str) -> int:
    match = _PLACE.match(place)
    if match is None:
        raise ValueError("cell")
    return _number_of(match[1])


@cache
def _number_of(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number
