"""Rows of a CSV file (RFC 4180, and what spreadsheets make of it)."""

import csv
from collections.abc import Iterator

from registry.checks.lists.errors import ListTooLargeError, UnreadableListError
from registry.checks.lists.text import decoded, delimiter_of


def csv_rows(data: bytes, *, max_cell: int) -> Iterator[list[str]]:
    """Yield each row, also empty ones, so that the n-th is the spreadsheet's row n.

    Args:
        data: the file.
        max_cell: longest cell in characters.

    Raises:
        UnreadableListError: no text, or a quote that is never closed.
        ListTooLargeError: a cell is too long.
    """
    text = decoded(data)
    delimiter = delimiter_of(text)
    number = 0
    rows = csv.reader(_lines(text), delimiter=delimiter, strict=True)
    while True:
        number += 1
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            raise UnreadableListError(
                f"Row {number} can't be read as CSV: a quotation mark stands where none may, or is never closed. "
                "Mend the row, or send the list as .xlsx."
            ) from error
        if any(len(cell) > max_cell for cell in row):
            raise ListTooLargeError(
                f"Row {number} has a cell of more than {max_cell} characters. Is a quotation mark never closed?"
            )
        # Excel's order to itself is no row of the list, and it does not show it as one.
        if number == 1 and len(row) <= 2 and row and row[0].casefold().startswith("sep="):  # noqa: PLR2004 - sep=, gives two cells
            number = 0
            continue
        yield row


def _lines(text: str) -> Iterator[str]:
    """Give lines with any of the three line ends; a quoted cell may hold them too."""
    start, length = 0, len(text)
    bare = "\r" in text and "\n" not in text
    end = "\r" if bare else "\n"
    while start < length:
        found = text.find(end, start)
        stop = length if found < 0 else found + 1
        yield text[start:stop]
        start = stop
