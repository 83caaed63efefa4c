"""A staff list as it was sent, as a table: header, and rows of cells as text.

    table = read_table(data, "csv", settings.checks.lists)
    table.header, table.first_row, list(table.rows)     # rows: (number as in the spreadsheet, cells)

Cells are kept as text. Where a spreadsheet held a number and no text, that is told (`Number`), since it drops leading
zeros; what can't be trusted (`Spoilt`) says why.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Literal

from registry.checks.lists.csv_rows import csv_rows
from registry.checks.lists.errors import ListColumnsError, ListTooLargeError, UnreadableListError
from registry.checks.lists.sheet_rows import ZIP, sheet_rows
from registry.settings import StaffLists
from registry.spreadsheet_cells import Number, Spoilt

Form = Literal["csv", "xlsx"]
Row = tuple[int, list[str]]
_OLD_EXCEL = b"\xd0\xcf\x11\xe0"
# Rows above the header: a title, a date, an empty row.
HEADER_WITHIN = 10
# Excel's last row; no text file that a spreadsheet can open has more.
MOST_ROWS = 1_048_576


@dataclass(frozen=True, slots=True)
class Table:
    """A list's rows, the first of which that may be a header among them.

    Attributes:
        top: the first rows that hold anything, at most `HEADER_WITHIN`; one of them is the header.
        rest: the rows after them, read as they are taken.
    """

    top: list[Row]
    rest: Iterator[Row]

    def below(self, header: int) -> Iterator[Row]:
        """Yield the rows below the header that stands in row `header`."""
        return chain((row for row in self.top if row[0] > header), self.rest)


def form_of(data: bytes) -> Form:
    """Return what a file is, by its first bytes.

    Raises:
        UnreadableListError: an old Excel file.
    """
    if data.startswith(_OLD_EXCEL):
        raise UnreadableListError(
            "The file is an old .xls workbook, or one with a password. Save it as .xlsx without a password, or as CSV."
        )
    return "xlsx" if data.startswith(ZIP) else "csv"


def read_table(data: bytes, limits: StaffLists) -> Table:
    """Read a CSV or XLSX file.

    Raises:
        UnreadableListError: it can't be read; says what to do.
        ListTooLargeError: it passes a limit. Both also while `rest` is taken.
    """
    if len(data) > limits.max_bytes:
        raise ListTooLargeError(f"The list may hold {limits.max_bytes} bytes at most.")
    if form_of(data) == "xlsx":
        rows = sheet_rows(
            data,
            max_unpacked=limits.max_unpacked_bytes,
            max_columns=limits.max_columns,
            max_cell=limits.max_cell,
        )
    else:
        rows = csv_rows(data, max_cell=limits.max_cell)
    given = _bounded(rows, limits)
    top = list(islice(given, HEADER_WITHIN))
    if not top:
        raise ListColumnsError("The list is empty. It needs a row of headers and a row for each person.")
    return Table(top, given)


def _bounded(rows: Iterable[Sequence[str]], limits: StaffLists) -> Iterator[Row]:
    """Yield rows with their numbers, without empty ones, within the limits."""
    given = characters = 0
    for number, row in enumerate(rows, start=1):
        # Before they are cleaned, which takes long for long ones.
        if any(len(cell) > limits.max_cell for cell in row):
            raise ListTooLargeError(f"Row {number} has a cell of more than {limits.max_cell} characters.")
        # Cells of a workbook may all refer to one text.
        characters += sum(map(len, row))
        if characters > limits.max_unpacked_bytes:
            raise ListTooLargeError(
                f"The list has more than {limits.max_unpacked_bytes} characters. Send it in parts."
            )
        cells = [cleaned(cell) for cell in row]
        while cells and not cells[-1]:
            cells.pop()
        if number > (limits.max_rows * 2 + 1000 if cells else MOST_ROWS):
            raise ListTooLargeError("The list has more empty rows than rows. Delete the empty ones.")
        if not cells:
            # Spreadsheets write rows that were only formatted, down to the last there is.
            continue
        given += 1
        # The header and what stands above it are no rows about anyone.
        if given > limits.max_rows + HEADER_WITHIN:
            raise ListTooLargeError(f"The list may have {limits.max_rows} rows at most. Send it in parts.")
        if len(cells) > limits.max_columns:
            raise ListTooLargeError(f"Row {number} has more than {limits.max_columns} columns.")
        yield number, cells


def cleaned(text: str) -> str:
    """Return a cell's text without control characters and the space around it; what Excel held it as is kept."""
    if isinstance(text, Number | Spoilt):
        return text
    if not text.isascii() or not text.isprintable():
        text = "".join(" " if unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"} else c for c in text)
        text = text.replace("\ufeff", "").replace("\u00a0", " ").replace("\u200b", "")
    return text.strip()
