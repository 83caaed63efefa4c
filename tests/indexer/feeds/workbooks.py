"""Workbooks for tests: real ones, written by openpyxl, and ones made by hand that no program would write."""

import io
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import openpyxl

Cell = str | int | float | bool | None | object
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"


def written(*rows: Sequence[Cell], title: str = "Lista") -> openpyxl.Workbook:
    """Return a workbook of one sheet."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = title
    for row in rows:
        sheet.append(list(row))
    return book


def saved(book: openpyxl.Workbook) -> bytes:
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()


def xlsx(*rows: Sequence[Cell]) -> bytes:
    """Return the bytes of a workbook with one sheet, as openpyxl writes it."""
    return saved(written(*rows))


def by_hand(
    sheet: str,
    shared: str = "",
    styles: str = "",
    book: str = '<sheet name="Lista" sheetId="1" r:id="rId1"/>',
    extra: str = "",
) -> bytes:
    """Return a workbook whose sheetData (and what stands around it) is `sheet`."""
    links = [("rId1", "worksheet", "worksheets/sheet1.xml")]
    parts = {
        "_rels/.rels": relations([("rId1", "officeDocument", "xl/workbook.xml")]),
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}">{extra}<sheets>{book}</sheets></workbook>',
        "xl/worksheets/sheet1.xml": sheet
        if sheet.startswith("<!")
        else f'<worksheet xmlns="{MAIN}">{sheet}</worksheet>',
    }
    if shared:
        links.append(("rId2", "sharedStrings", "/xl/sharedStrings.xml"))
        parts["xl/sharedStrings.xml"] = (
            shared if shared.startswith("<!") else f'<sst xmlns="{MAIN}">{shared}</sst>'
        )
    if styles:
        links.append(("rId3", "styles", "styles.xml"))
        parts["xl/styles.xml"] = f'<styleSheet xmlns="{MAIN}">{styles}</styleSheet>'
    parts["xl/_rels/workbook.xml.rels"] = relations(links)
    return zipped(parts)


def relations(links: Iterable[tuple[str, str, str]]) -> str:
    inner = "".join(f'<Relationship Id="{i}" Type="{OFFICE}/{kind}" Target="{to}"/>' for i, kind, to in links)
    return f'<Relationships xmlns="{PACKAGE}">{inner}</Relationships>'


def zipped(parts: dict[str, str]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return data.getvalue()


def one_cell(cell: str) -> str:
    """Return a sheet with one row and one cell, the cell's XML given."""
    return f'<sheetData><row r="1">{cell}</row></sheetData>'


def put(folder: Path, data: bytes, name: str = "list.xlsx") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path
