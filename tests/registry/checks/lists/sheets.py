"""Staff lists for tests, as people's programs write them."""

import codecs
import io
from collections.abc import Sequence

import openpyxl

from registry.checks.lists.columns import Columns, Recognised, mapped, recognise
from registry.checks.lists.reading import Row, read_table
from registry.settings import StaffLists, load_settings

LIMITS: StaffLists = load_settings({}).checks.lists
HEADER = ("Anställningsnummer", "Namn", "Födelsedatum", "Legitimationsnummer", "Yrke")
ROWS = (("7", "Åsa Öberg", "1980-05-03", "", "sjuksköterska"), ("8", "", "", "RN-100.1", ""))


def csv_text(*rows: Sequence[str], delimiter: str = ";", end: str = "\r\n") -> str:
    """Return rows as CSV, each cell that needs it quoted."""
    return end.join(delimiter.join(_quoted(cell, delimiter) for cell in row) for row in rows) + end


def _quoted(cell: str, delimiter: str) -> str:
    if any(each in cell for each in (delimiter, '"', "\n", "\r")):
        return '"' + cell.replace('"', '""') + '"'
    return cell


def xlsx(*rows: Sequence[object]) -> bytes:
    """Return a workbook as openpyxl writes it."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(list(row))
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()


def utf16(text: str, *, mark: bool = True) -> bytes:
    return (codecs.BOM_UTF16_LE if mark else b"") + text.encode("utf-16-le")


def read(data: bytes, limits: StaffLists = LIMITS) -> tuple[Recognised, list[Row]]:
    """Read a list and what its headers say."""
    table = read_table(data, limits)
    found = recognise(table)
    return found, list(table.below(found.row))


def columns_of(data: bytes, **given: str) -> Columns:
    table = read_table(data, LIMITS)
    return mapped(recognise(table, given.values()), given)
