"""Rows of an Excel workbook (XLSX) that somebody sends: bounded in every direction, formulas never computed.

Beside it stands the reader of registers (indexer.feeds.spreadsheet), which reads gigabytes from a known authority. What
comes from anyone is small, and each bound is a setting.
"""

import io
import posixpath
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, Any, Self

from lxml import etree

from registry.checks.lists.errors import ListTooLargeError, UnreadableListError
from registry.spreadsheet_cells import Cells, date_styles

# Texts that cells refer to by number; all are held in memory.
MAX_SHARED = 1_000_000
MAX_SHARED_CHARACTERS = 16_000_000
# Excel's own last row and column.
_LAST_ROW, _LAST_COLUMN = 1_048_576, 16_384
# Elements outside rows: widths of columns, links (Excel allows 65,530), merged cells.
_MOST_OUTSIDE = 200_000
# Elements of a part in all: three for each cell, so a hundred thousand rows of thirty columns.
_MOST_ELEMENTS = 10_000_000
# Parts that are held whole: bytes, and elements. Excel allows 64,000 formats of cells.
_WHOLE_BYTES, _WHOLE_ELEMENTS = 8_388_608, 300_000
# Parts that a workbook may have; each is held by name before anything is read.
_MOST_PARTS = 5000
ZIP = b"PK\x03\x04"
_PART = b"PK\x01\x02"
_PARSER: dict[str, Any] = {
    "resolve_entities": False,
    "load_dtd": False,
    "no_network": True,
    "huge_tree": False,
    "remove_comments": True,
    "remove_pis": True,
}
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    etree.LxmlError,
    NotImplementedError,
    RuntimeError,
    EOFError,
    OSError,
    LookupError,
    ValueError,
    ArithmeticError,
    AttributeError,
)
_ADVICE = "Open it in Excel, save it again as .xlsx without a password, or send it as CSV."


def sheet_rows(data: bytes, *, max_unpacked: int, max_columns: int, max_cell: int) -> Iterator[list[str]]:
    """Yield each row of the first sheet that shows, empty ones too, so that the n-th is Excel's row n.

    Args:
        data: the file.
        max_unpacked: bytes that any of its parts may unpack to.
        max_columns: cells a row may have.
        max_cell: characters a cell may have.

    Raises:
        UnreadableListError: no workbook, or one that can't be read.
        ListTooLargeError: it unpacks to too much, is too wide, or has too long a text.
    """
    if data.count(_PART) > _MOST_PARTS:
        raise ListTooLargeError(
            f"The workbook has more than {_MOST_PARTS} parts. Save only the sheet with the list."
        )
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            yield from _Book(archive, max_unpacked, max_columns, max_cell).rows()
    except _BROKEN as error:
        raise UnreadableListError(
            f"The file is no Excel workbook that can be read here. {_ADVICE}"
        ) from error


class _Book:
    def __init__(self, archive: zipfile.ZipFile, max_unpacked: int, max_columns: int, max_cell: int) -> None:
        self._archive, self._limit, self._columns, self._cell = archive, max_unpacked, max_columns, max_cell
        # A row, or a shared text, stands in memory until it ends: what it may have of elements (formats may reach to the last
        # column there is) and of bytes, since an element takes some thirty times the bytes that it is written with.
        self._most_elements = 16 * max_columns + 1000 + _LAST_COLUMN
        self._most_bytes = 8 * max_columns * max_cell + 1_048_576

    def rows(self) -> Iterator[list[str]]:
        book = next((path for kind, path in self._related("").values() if kind.endswith("/officeDocument")))
        root = self._whole(book)
        targets = self._related(book)
        others = {kind.rpartition("/")[2]: path for kind, path in targets.values()}
        cells = self._cells(root, others)
        expected = 1
        for row in self._parsed(targets[_first_shown(root)][1], "row"):
            number = int(row.get("r") or expected)
            if not expected <= number <= _LAST_ROW:
                raise ValueError("row")
            for _ in range(number - expected):
                yield []
            yield self._texts(row, cells)
            expected = number + 1

    def _cells(self, book: etree._Element, others: dict[str, str]) -> Cells:
        texts: list[str] = []
        if "sharedStrings" in others:
            held = 0
            for each in self._parsed(others["sharedStrings"], "si"):
                # Too long a text is refused where a cell of the list has it: it may be one of another sheet.
                texts.append(Cells.rich_text(each)[: self._cell + 1])
                held += len(texts[-1])
                if len(texts) > MAX_SHARED or held > MAX_SHARED_CHARACTERS:
                    raise ListTooLargeError(f"The workbook has more than {MAX_SHARED:,} different texts.")
        dates = date_styles(self._whole(others["styles"])) if "styles" in others else frozenset()
        settings = next(book.iter("{*}workbookPr"), None)
        from_1904 = settings is not None and settings.get("date1904", "") in {"1", "true"}
        return Cells(texts, dates, from_1904=from_1904)

    def _texts(self, row: etree._Element, cells: Cells) -> list[str]:
        texts: list[str] = []
        for cell in row:
            if not cell.tag.endswith("}c"):
                continue
            column = _column(cell.get("r")) or len(texts) + 1
            if column > self._columns:
                # Formats may reach to the last column there is; what is empty there is no column of the list.
                if cells.text(cell):
                    raise ListTooLargeError(f"The list has more than {self._columns} columns.")
                continue
            if column <= len(texts):
                raise ValueError("column")
            texts.extend([""] * (column - 1 - len(texts)))
            texts.append(cells.text(cell))
            if len(texts[-1]) > self._cell:
                raise ListTooLargeError(f"The list has a cell of more than {self._cell} characters.")
        return texts

    def _parsed(self, path: str, name: str) -> Iterator[etree._Element]:
        """Yield each element of a name; of the others, and of those that were taken, nothing stays in memory."""
        depth = elements = outside = done = 0
        with self._open(path, self._limit, self._most_bytes) as source:
            for event, element in etree.iterparse(source, events=("start", "end"), **_PARSER):
                if event == "start":
                    if not (elements or outside or done):
                        _refuse_doctype(element)
                    if depth or _local(element) == name:
                        depth, elements = depth + 1, elements + 1
                    else:
                        outside += 1
                    if elements > self._most_elements or outside > _MOST_OUTSIDE:
                        raise ListTooLargeError(
                            "The workbook has more cells in a row, or more around the rows, than any list. Copy the list "
                            "into a new workbook, as values only."
                        )
                    continue
                depth = max(depth - 1, 0)
                if depth:
                    continue
                if _local(element) == name:
                    yield element
                    done, elements = done + elements, 0
                    if done > _MOST_ELEMENTS:
                        raise ListTooLargeError(
                            "The workbook has more cells than any list. Send only the columns that are needed, or CSV."
                        )
                _forget(element)
                source.mark()

    def _whole(self, path: str) -> etree._Element:
        with self._open(path, min(self._limit, _WHOLE_BYTES)) as source:
            parsed = etree.iterparse(source, events=("start",), **_PARSER)
            root: etree._Element | None = None
            for number, (_, element) in enumerate(parsed):
                if root is None:
                    root = element
                    _refuse_doctype(root)
                if number > _WHOLE_ELEMENTS:
                    raise ListTooLargeError(
                        f"A part of the workbook has more than {_WHOLE_ELEMENTS:,} elements. Copy the list into a new workbook."
                    )
        if root is None:
            raise ValueError("an empty part")
        return root

    def _related(self, of: str) -> dict[str, tuple[str, str]]:
        """Return what a part refers to: id -> (kind, path)."""
        folder, name = posixpath.split(of)
        found = {}
        for each in self._whole(posixpath.join(folder, "_rels", f"{name}.rels")).iter("{*}Relationship"):
            path = posixpath.normpath(posixpath.join("/", folder, each.get("Target", "")))
            found[each.get("Id", "")] = (each.get("Type", ""), path.lstrip("/"))
        return found

    def _open(self, path: str, limit: int, between_marks: int | None = None) -> "_Bounded":
        info = self._archive.getinfo(path)
        if info.compress_type not in _METHODS or info.flag_bits & 1:
            raise ValueError("packing")
        return _Bounded(self._archive.open(info), limit, between_marks or limit)


class _Bounded:
    """A part that stops a bomb: it counts what it unpacks, whatever the directory says, in all and since the last mark."""

    def __init__(self, file: IO[bytes], limit: int, between_marks: int) -> None:
        self._file, self._limit, self._given = file, limit, 0
        self._between, self._marked = between_marks, 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def read(self, size: int = -1) -> bytes:
        # A negative size would unpack all before it is counted.
        data = self._file.read(size if size >= 0 else self._limit + 1)
        self._given += len(data)
        if self._given > self._limit or self._given - self._marked > self._between:
            raise ListTooLargeError(
                f"The workbook unpacks to more than {self._limit} bytes, or a row or text of it to more than {self._between}. "
                "Send only the rows and columns that are needed."
            )
        return data

    def mark(self) -> None:
        """Say that what was given so far is no longer held."""
        self._marked = self._given


def _local(element: etree._Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _forget(element: etree._Element) -> None:
    """Free an element that has ended, and what stands before it."""
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]


def _first_shown(book: etree._Element) -> str:
    """Return the relation of the first sheet that is not hidden."""
    sheets = list(book.iter("{*}sheet"))
    shown = next((each for each in sheets if each.get("state", "visible") == "visible"), sheets[0])
    return next(str(value) for key, value in shown.items() if str(key).endswith("}id"))


def _column(place: str | None) -> int:
    """Return the number of the column of a cell such as `AB12`; 0 where it says none."""
    number = 0
    for letter in (place or "").rstrip("0123456789"):
        if not "A" <= letter <= "Z" or number > _LAST_COLUMN:
            raise ValueError("cell")
        number = number * 26 + ord(letter) - 64
    return number


def _refuse_doctype(element: etree._Element) -> None:
    if element.getroottree().docinfo.internalDTD is not None:
        raise ValueError("a DOCTYPE, which no workbook needs and which may hide entities")
