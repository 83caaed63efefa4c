"""Every form in which a staff list comes: encodings, delimiters, line ends, workbooks, and files meant to do harm."""

import io
import subprocess
import sys
import zipfile
from datetime import date
from typing import Any

import msgspec
import openpyxl
import pytest

from registry.checks.lists import sheet_rows
from registry.checks.lists.errors import ListColumnsError, ListTooLargeError, UnreadableListError
from registry.checks.lists.reading import read_table
from registry.spreadsheet_cells import Number, Spoilt
from tests.indexer.feeds.workbooks import by_hand
from tests.registry.checks.lists.sheets import HEADER, LIMITS, ROWS, csv_text, read, utf16, xlsx

TEXT = csv_text(HEADER, *ROWS)
# As empty cells at the end are left out.
EXPECTED = [(2, list(ROWS[0])), (3, ["8", "", "", "RN-100.1"])]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(TEXT.encode(), id="utf-8"),
        pytest.param(TEXT.encode("utf-8-sig"), id="utf-8 with a mark"),
        pytest.param(TEXT.encode("cp1252"), id="windows-1252"),
        pytest.param(utf16(TEXT), id="utf-16"),
        pytest.param(utf16(TEXT, mark=False), id="utf-16 without a mark"),
        pytest.param(b"\xfe\xff" + TEXT.encode("utf-16-be"), id="utf-16, big end first"),
        pytest.param(TEXT.encode("utf-16-be"), id="utf-16, big end first, without a mark"),
        pytest.param(csv_text(HEADER, *ROWS, delimiter=",").encode(), id="commas"),
        pytest.param(csv_text(HEADER, *ROWS, delimiter="\t").encode(), id="tabs"),
        pytest.param(csv_text(HEADER, *ROWS, delimiter="|").encode(), id="bars"),
        pytest.param(utf16(csv_text(HEADER, *ROWS, delimiter="\t")), id="Excel's Unicode text"),
        pytest.param(csv_text(HEADER, *ROWS, end="\n").encode(), id="line feeds"),
        pytest.param(csv_text(HEADER, *ROWS, end="\r").encode(), id="carriage returns"),
        pytest.param(TEXT.encode().rstrip(b"\r\n"), id="no end of the last line"),
        pytest.param(b"sep=;\r\n" + TEXT.encode(), id="with Excel's order"),
        pytest.param(TEXT.replace("Åsa Öberg", '"Åsa Öberg"').encode(), id="quoted"),
        pytest.param(TEXT.replace("Åsa Öberg", " Åsa\u00a0Öberg ").encode(), id="spaces"),
        pytest.param(xlsx(HEADER, *ROWS), id="xlsx"),
        pytest.param(xlsx(HEADER, *([cell or None for cell in row] for row in ROWS)), id="xlsx, empty cells"),
    ],
)
def test_every_form_gives_the_same_rows(data: bytes) -> None:
    found, rows = read(data)
    assert (found.row, found.headers) == (1, HEADER)
    assert rows == EXPECTED


def test_rows_are_numbered_as_the_spreadsheet_numbers_them() -> None:
    data = csv_text(["Personal på avdelning 4"], [""], HEADER, ROWS[0], ["", ""], ROWS[1]).encode()
    found, rows = read(data)
    assert found.row == 3
    assert [number for number, _ in rows] == [4, 6]
    book = xlsx(["Personal"], [], HEADER, ROWS[0], [], ROWS[1])
    assert [number for number, _ in read(book)[1]] == [4, 6]


def test_rows_that_were_only_formatted_are_no_rows() -> None:
    filled = "".join(f'<c t="inlineStr"><is><t>{text}</t></is></c>' for text in ("Leg.nr", "Namn"))
    data = by_hand(f'<sheetData><row>{filled}</row><row>{filled}</row><row r="1048576"/></sheetData>')
    assert read(data)[1] == [(2, ["Leg.nr", "Namn"])]


def test_a_cell_may_hold_line_breaks_and_quotes() -> None:
    _, rows = read(csv_text(HEADER, ["1", 'Anna "Ann"\nBerg', "1980-05-03"], ROWS[1]).encode())
    assert rows[0] == (2, ["1", 'Anna "Ann" Berg', "1980-05-03"])
    assert rows[1][0] == 3


def test_a_workbook_tells_numbers_dates_and_lost_values() -> None:
    data = xlsx(
        ("Legitimationsnummer", "Födelsedatum", "Personnummer"),
        (4711, date(1980, 5, 3), 198005039808),
        ("=A2", 29344, 1.5e20),
    )
    _, rows = read(data)
    assert rows[0] == (2, ["4711", "1980-05-03", "198005039808"])
    assert [type(cell) for cell in rows[0][1]] == [Number, str, Number]
    assert [type(cell) for cell in rows[1][1]] == [Spoilt, Number, Spoilt]


def test_shared_texts_are_read() -> None:
    cells = "".join(f'<c t="s"><v>{place}</v></c>' for place in (1, 0))
    data = by_hand(
        f"<sheetData><row>{cells}</row><row>{cells}</row></sheetData>",
        shared="<si><t>Namn</t></si><si><r><t>Leg</t></r><r><t>.nr</t></r></si>",
    )
    found, rows = read(data)
    assert found.headers == ("Leg.nr", "Namn")
    assert rows == [(2, ["Leg.nr", "Namn"])]


def test_the_first_sheet_that_shows_is_read() -> None:
    book = openpyxl.Workbook()
    hidden = book.active
    assert hidden is not None
    hidden.append(["secret"])
    hidden.sheet_state = "hidden"
    shown = book.create_sheet("Lista")
    shown.append(list(HEADER))
    shown.append(list(ROWS[0]))
    data = io.BytesIO()
    book.save(data)
    assert read(data.getvalue())[1] == [EXPECTED[0]]


def _zip(**members: bytes) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return data.getvalue()


_LAUGHS = (
    '<!DOCTYPE sheet [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row><c t="inlineStr"><is><t>&b;</t>'
    "</is></c></row></sheetData></worksheet>"
)
_ROW = '<row><c t="inlineStr"><is><t>Namn</t></is></c></row>'


@pytest.mark.parametrize(
    ("data", "error"),
    [
        pytest.param(b"", ListColumnsError, id="nothing"),
        pytest.param(b"\r\n\r\n;;\r\n", ListColumnsError, id="only empty rows"),
        pytest.param(b"\xd0\xcf\x11\xe0rest", UnreadableListError, id="old Excel, or a password"),
        pytest.param(b"PK\x03\x04 no zip", UnreadableListError, id="a torn zip"),
        pytest.param(xlsx(HEADER)[:-40], UnreadableListError, id="a cut workbook"),
        pytest.param(_zip(hello=b"world"), UnreadableListError, id="another zip"),
        pytest.param(_zip(**{"../../etc/x": b"x"}), UnreadableListError, id="a zip that climbs"),
        pytest.param(by_hand(_LAUGHS), UnreadableListError, id="entities that multiply"),
        pytest.param(
            by_hand("<sheetData/>", book='<sheet name="A" sheetId="1" r:id="rId9"/>'),
            UnreadableListError,
            id="no sheet",
        ),
        pytest.param(
            by_hand(f'<sheetData><row r="7">{_ROW}</row><row r="3"/></sheetData>'),
            UnreadableListError,
            id="rows go back",
        ),
        pytest.param(
            by_hand('<sheetData><row r="x"/></sheetData>'), UnreadableListError, id="no number of a row"
        ),
        pytest.param(
            by_hand('<sheetData><row r="1048576000"/></sheetData>'), UnreadableListError, id="a row far below"
        ),
        pytest.param(
            by_hand(
                '<sheetData><row><c r="B1" t="n"><v>1</v></c><c r="A1" t="n"><v>2</v></c></row></sheetData>'
            ),
            UnreadableListError,
            id="columns go back",
        ),
        pytest.param(
            by_hand('<sheetData><row><c r="ÅÄ1" t="n"><v>1</v></c></row></sheetData>'),
            UnreadableListError,
            id="no column",
        ),
        pytest.param(
            by_hand('<sheetData><row><c t="s"><v>99999</v></c></row></sheetData>'),
            UnreadableListError,
            id="no such text",
        ),
        pytest.param(
            by_hand("<sheetData>" + _ROW.replace("<row>", '<row r="1000000">') + "</sheetData>"),
            ListTooLargeError,
            id="mostly empty rows",
        ),
        pytest.param(
            by_hand('<sheetData><row><c r="XFD1" t="n"><v>1</v></c></row></sheetData>'),
            ListTooLargeError,
            id="too wide",
        ),
        pytest.param(
            by_hand("<sheetData>" + " " * 3_000_000 + "</sheetData>"), ListTooLargeError, id="a bomb"
        ),
        pytest.param(b'a;b\r\n"never closed;1\r\n', UnreadableListError, id="a quote that is never closed"),
        pytest.param(b"Namn;\x00\x01\x02\r\n", UnreadableListError, id="zero bytes"),
        pytest.param(b"\xff\xfeN", UnreadableListError, id="half a character"),
        pytest.param(b"Namn;x\x81\r\n", UnreadableListError, id="no encoding"),
        pytest.param("Namn\r\nÃ\u0085sa Ã–berg\r\n".encode(), UnreadableListError, id="garbled"),
        pytest.param("Namn\r\nB\ufffdrje\r\n".encode(), UnreadableListError, id="letters lost"),
        pytest.param(b"Namn\r\n" + b"x" * 3000 + b"\r\n", ListTooLargeError, id="a long cell"),
        pytest.param(b"Namn" + b";" * 300 + b"x\r\n", ListTooLargeError, id="many columns"),
    ],
)
def test_what_can_not_be_read_says_what_to_do(data: bytes, error: type[Exception]) -> None:
    limits = msgspec.structs.replace(LIMITS, max_unpacked_bytes=2_000_000, max_rows=1000)
    with pytest.raises(error) as raised:
        list(read_table(data, limits).rest)
    said: Any = raised.value
    assert len(said.detail) > 20
    assert "sa Ã" not in said.detail


def test_texts_of_a_workbook_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheet_rows, "MAX_SHARED", 3)
    with pytest.raises(ListTooLargeError, match="3 different texts"):
        read_table(by_hand(f"<sheetData>{_ROW}</sheetData>", shared="<si><t>x</t></si>" * 4), LIMITS)


@pytest.mark.parametrize(("rows", "fits"), [(20, True), (21, True), (31, False)])
def test_rows_are_bounded(rows: int, fits: bool) -> None:
    limits = msgspec.structs.replace(LIMITS, max_rows=20)
    data = csv_text(HEADER, *(ROWS[0] for _ in range(rows))).encode()
    if fits:
        assert len(read(data, limits)[1]) == rows
    else:
        with pytest.raises(ListTooLargeError):
            read(data, limits)


def test_bytes_are_bounded() -> None:
    limits = msgspec.structs.replace(LIMITS, max_bytes=10)
    with pytest.raises(ListTooLargeError):
        read_table(TEXT.encode(), limits)


_MEASURED = """
import resource, sys
from registry.checks.lists.errors import ListTooLargeError
from registry.checks.lists.reading import read_table
from tests.registry.checks.lists.sheets import LIMITS
data = sys.stdin.buffer.read()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    rows = list(read_table(data, LIMITS).rest)
except ListTooLargeError:
    print("refused", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
else:
    print("read", len(rows))
"""
_LONG_RUN = f"<r><t>{'x' * 1_000_000}</t></r>"
_TITLE = '<row><c t="inlineStr"><is><t>Namn</t></is></c></row>'


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(by_hand(f"<sheetData>{'<a/>' * 2_000_000}</sheetData>"), id="elements that are no rows"),
        pytest.param(by_hand(f"<sheetData><row>{'<c/>' * 2_000_000}</row></sheetData>"), id="a row of cells"),
        pytest.param(
            by_hand(f"<sheetData><row><c>{'<f/>' * 2_000_000}</c></row></sheetData>"), id="a cell of formulas"
        ),
        pytest.param(
            by_hand(f"<sheetData>{_TITLE}</sheetData>", shared=f"<si>{'<r/>' * 2_000_000}</si>"),
            id="a text of pieces",
        ),
        pytest.param(
            by_hand(f"<sheetData>{_TITLE}</sheetData>", shared=f"<si>{_LONG_RUN * 30}</si>"),
            id="a long text",
        ),
        pytest.param(
            by_hand(f"<sheetData>{_TITLE}</sheetData>", styles="<a/>" * 1_500_000),
            id="a part that is held whole",
        ),
        pytest.param(
            by_hand(
                "<sheetData><row " + " ".join(f'a{each:x}=""' for each in range(600_000)) + "/></sheetData>"
            ),
            id="a row of attributes",
        ),
    ],
)
def test_a_small_workbook_never_takes_much_memory(data: bytes) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED], input=data, capture_output=True, check=True, timeout=120
    )
    told, kibibytes = done.stdout.split()
    assert told == b"refused"
    assert int(kibibytes) < 60_000


def test_a_long_text_is_refused_only_where_the_list_has_it() -> None:
    shared = f"<si><t>Namn</t></si><si><t>{'x' * 100_000}</t></si>"
    row = '<row><c t="s"><v>0</v></c></row>'
    found, rows = read(by_hand(f"<sheetData>{row}{row}</sheetData>", shared=shared))
    assert (found.headers, rows) == (("Namn",), [(2, ["Namn"])])
    long = '<row><c t="s"><v>1</v></c></row>'
    with pytest.raises(ListTooLargeError, match="a cell of more than 2000 characters"):
        read(by_hand(f"<sheetData>{row}{long}</sheetData>", shared=shared))
    inline = f'<row><c t="inlineStr"><is><t>{"x" * 3000}</t></is></c></row>'
    with pytest.raises(ListTooLargeError, match="a cell of more than 2000 characters"):
        read(by_hand(f"<sheetData>{row}{inline}</sheetData>", shared=shared))


def test_one_text_in_every_cell_does_not_multiply() -> None:
    limits = msgspec.structs.replace(LIMITS, max_unpacked_bytes=1_000_000)
    row = "<row>" + '<c t="s"><v>0</v></c>' * 200 + "</row>"
    data = by_hand(f"<sheetData>{row * 4}</sheetData>", shared=f"<si><t>{'x' * 2000}</t></si>")
    with pytest.raises(ListTooLargeError, match="1000000 characters"):
        list(read_table(data, limits).rest)


def test_a_workbook_may_not_have_any_number_of_parts_or_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    many = {f"part{each}": b"" for each in range(6000)}
    with pytest.raises(ListTooLargeError, match="5000 parts"):
        read_table(_zip(**many), LIMITS)
    monkeypatch.setattr(sheet_rows, "_MOST_ELEMENTS", 20)
    with pytest.raises(ListTooLargeError, match="more cells than any list"):
        read(by_hand(f"<sheetData>{_TITLE * 10}</sheetData>"))


def test_what_stands_around_the_rows_is_not_in_the_way() -> None:
    cells = "".join(f'<c t="inlineStr"><is><t>{text}</t></is></c>' for text in ("Leg.nr", "Namn"))
    formatted = '<c s="1"/>' * 16_000
    links = "<hyperlinks>" + '<hyperlink ref="A1"/>' * 65_530 + "</hyperlinks>"
    data = by_hand(f"<cols><col/></cols><sheetData>{f'<row>{cells}{formatted}</row>' * 2}</sheetData>{links}")
    assert read(data)[1] == [(2, ["Leg.nr", "Namn"])]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(by_hand(f"<sheetData>{_TITLE}</sheetData>", book=""), id="no sheet at all"),
        pytest.param(
            by_hand('<sheetData><row><c t="n"><v>1e999999999999999999999</v></c></row></sheetData>'),
            id="a number beyond all numbers",
        ),
        pytest.param(_zip(**{"_rels/.rels": b"<a><!DOCTYPE"}), id="relations that are none"),
        pytest.param(_zip(**{"_rels/.rels": b""}), id="an empty part"),
    ],
)
def test_whatever_a_workbook_lacks_it_is_told_as_unreadable(data: bytes) -> None:
    with pytest.raises(UnreadableListError, match="no Excel workbook"):
        read_table(data, LIMITS)
