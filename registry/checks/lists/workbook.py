"""Writing an Excel workbook (XLSX, ECMA-376) of one sheet of text, row by row in flat memory.

A few lines instead of a library: a sheet of texts needs six small parts. Every text is an inline string in a style with
`quotePrefix`, so that Excel never takes one for a formula, not even when the cell is edited. The first column is a number.
The same rows give the same bytes.
"""

import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, Any, cast
from xml.sax.saxutils import escape

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_PARTS = {
    "[Content_Types].xml": (
        f'<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPE}.worksheet+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/></Types>'
    ),
    "_rels/.rels": (
        f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
    ),
    "xl/workbook.xml": (
        f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets><sheet name="Resultat" sheetId="1" r:id="rId1"/></sheets>'
        "</workbook>"
    ),
    "xl/_rels/workbook.xml.rels": (
        f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="rId2" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>'
    ),
    # Styles: 0 plain, 1 header, 2 text that is never a formula.
    "xl/styles.xml": (
        f'<styleSheet xmlns="{_MAIN}"><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
        '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
        '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>'
        '<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>'
        '<cellXfs count="3"><xf xfId="0"/><xf xfId="0" fontId="1" applyFont="1"/>'
        '<xf xfId="0" numFmtId="49" applyNumberFormat="1" quotePrefix="1"/></cellXfs>'
        '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
    ),
}
_SHEET = (
    f'<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" '
    'activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><sheetData>'
)
# What XML 1.0 can't hold.
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# Excel's longest cell.
_MAX_CELL = 32_767
_EPOCH = (1980, 1, 1, 0, 0, 0)
_ROWS_A_PIECE = 500


def workbook(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[bytes]:
    """Give the bytes of a workbook, piece by piece; the first cell of each row is a number."""
    out = _Out()
    with zipfile.ZipFile(cast("IO[bytes]", out), "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in _PARTS.items():
            archive.writestr(_member(name), _HEAD + text)
        with archive.open(_member("xl/worksheets/sheet1.xml"), "w") as sheet:
            head = "".join(_text(each, 1) for each in headers)
            sheet.write(f"{_HEAD}{_SHEET}<row>{head}</row>".encode())
            waiting: list[str] = []
            for row in rows:
                texts = "".join(_text(each, 2) for each in row[1:])
                waiting.append(f"<row><c><v>{int(row[0])}</v></c>{texts}</row>")
                if len(waiting) >= _ROWS_A_PIECE:
                    sheet.write("".join(waiting).encode())
                    waiting.clear()
                    yield out.taken()
            sheet.write(("".join(waiting) + "</sheetData></worksheet>").encode())
    yield out.taken()


def _member(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _EPOCH)
    info.compress_type = zipfile.ZIP_DEFLATED
    return info


def _text(text: str, style: int) -> str:
    if not text:
        return "<c/>"
    plain = escape(_NO_XML.sub(" ", text)[:_MAX_CELL])
    return f'<c s="{style}" t="inlineStr"><is><t xml:space="preserve">{plain}</t></is></c>'


class _Out(io.RawIOBase):
    """A file that can't seek, whose bytes are taken as they come."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        """Tell that it is for writing."""
        return True

    def write(self, data: Any) -> int:  # noqa: ANN401 - any buffer
        """Take bytes."""
        self._pieces.append(bytes(data))
        return len(data)

    def taken(self) -> bytes:
        """Return what has come since the last time."""
        data = b"".join(self._pieces)
        self._pieces.clear()
        return data
