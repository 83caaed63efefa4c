import io
import tracemalloc
import zipfile
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from indexer.feeds import FeedError, FeedTooLargeError, MalformedFeedError, TruncatedFeedError
from indexer.feeds import spreadsheet_parts as bounds
from indexer.feeds.spreadsheet import Number, Sheet, Spoilt
from tests.indexer.feeds.workbooks import Cell, by_hand, one_cell, put, saved, written, xlsx, zipped


def rows(folder: Path, data: bytes, sheet: str = "") -> list[list[str]]:
    with Sheet(put(folder, data), sheet) as found:
        return list(found)


def cell(folder: Path, xml: str, shared: str = "", styles: str = "", extra: str = "") -> str:
    ((found,),) = rows(folder, by_hand(one_cell(xml), shared, styles, extra=extra))
    return found


@pytest.mark.parametrize(
    ("value", "text", "kind"),
    [
        ("Åsa Öberg", "Åsa Öberg", str),
        ("00123", "00123", str),
        ("NA", "NA", str),
        ("a < b & c\nd", "a < b & c\nd", str),
        ("_x000D_", "\r", str),
        (123, "123", Number),
        (123.0, "123", Number),
        (198001019802, "198001019802", Number),
        (198001019802.0, "198001019802", Number),
        (0, "0", Number),
        (-7, "-7", Number),
        (0.5, "0.5", Number),
        (True, "true", str),
        (False, "false", str),
        (date(2005, 6, 3), "2005-06-03", str),
        (datetime.fromisoformat("2005-06-03T14:30"), "2005-06-03", str),
        (date(1900, 1, 1), "1900-01-01", str),
        ("=1+1", "a formula without a stored value", Spoilt),
    ],
)
def test_what_a_real_workbook_holds(tmp_path: Path, value: Cell, text: str, kind: type) -> None:
    ((found, end),) = rows(tmp_path, xlsx([value, "end"]))
    assert (found, type(found), end) == (text, kind, "end")


def test_gaps_are_empty_and_rows_have_excel_s_own_numbers(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet["B2"], sheet["D2"], sheet["A5"] = "b", "d", "a"
    with Sheet(put(tmp_path, saved(book))) as found:
        numbered = [(row, found.row) for row in found]
    assert numbered == [(["", "b", "", "d"], 2), (["a"], 5)]


def test_hidden_rows_and_columns_are_rows_and_columns(tmp_path: Path) -> None:
    book = written(["a", "b"], ["c", "d"])
    book.worksheets[0].row_dimensions[2].hidden = True
    book.worksheets[0].column_dimensions["B"].hidden = True
    assert rows(tmp_path, saved(book)) == [["a", "b"], ["c", "d"]]


def test_merged_cells_are_told_after_the_last_row(tmp_path: Path) -> None:
    book = written(["a", "b"], ["c", "d"], ["e", "f"])
    book.worksheets[0].merge_cells("A2:A3")
    with Sheet(put(tmp_path, saved(book))) as found:
        assert len(list(found)) == 3
        assert found.merged == [(2, 3)]


def test_a_workbook_that_counts_from_1904(tmp_path: Path) -> None:
    book = written([date(2005, 6, 3)])
    book.epoch = CALENDAR_MAC_1904
    assert rows(tmp_path, saved(book)) == [["2005-06-03"]]


@pytest.mark.parametrize(
    ("form", "shows_date"),
    [
        ("yyyy-mm-dd", True),
        ("d/m/yy", True),
        ("[$-41D]d mmmm yyyy;@", True),
        ('"day" 0', False),
        ("0.00", False),
        ("General", False),
        ("[Red]0", False),
        ("hh:mm", False),
        (r"0\d", False),
        ("@", False),
    ],
)
def test_a_number_is_a_date_if_its_cell_shows_one(tmp_path: Path, form: str, shows_date: bool) -> None:
    book = written([38506])
    book.worksheets[0]["A1"].number_format = form
    assert rows(tmp_path, saved(book)) == [["2005-06-03" if shows_date else "38506"]]


@pytest.mark.parametrize(
    ("serial", "text"),
    [
        ("1", "1900-01-01"),
        ("59", "1900-02-28"),
        ("60", "a date that Excel can't count"),
        ("61", "1900-03-01"),
        ("38506.75", "2005-06-03"),
        ("0.5", "a date that Excel can't count"),
        ("-1", "a date that Excel can't count"),
        ("2958465", "9999-12-31"),
        ("2958466", "a date that Excel can't count"),
        ("1E+300", "a date that Excel can't count"),
        ("NaN", "a date that Excel can't count"),
    ],
)
def test_serial_numbers_of_days(tmp_path: Path, serial: str, text: str) -> None:
    styles = '<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs>'
    assert cell(tmp_path, f'<c r="A1" s="1"><v>{serial}</v></c>', styles=styles) == text


@pytest.mark.parametrize(
    ("xml", "text"),
    [
        ('<c r="A1"><v>1.98001019802E11</v></c>', "198001019802"),
        ('<c r="A1"><v>7.0</v></c>', "7"),
        ('<c r="A1"><v>1234567890123456</v></c>', "a number of more digits than Excel keeps"),
        ('<c r="A1"><v>1E+400</v></c>', "a number of more digits than Excel keeps"),
        ('<c r="A1"><v>INF</v></c>', "a number of more digits than Excel keeps"),
        ('<c r="A1" t="e"><v>#REF!</v></c>', "an error value of Excel"),
        ('<c r="A1" t="str"><f>A2&amp;"x"</f><v>7x</v></c>', "7x"),
        ('<c r="A1"><f>A2</f></c>', "a formula without a stored value"),
        ('<c r="A1" t="inlineStr"><is><t>Åsa</t></is></c>', "Åsa"),
        ('<c r="A1" t="inlineStr"><is><r><t>Å</t></r><r><t>sa</t></r><rPh><t>no</t></rPh></is></c>', "Åsa"),
        ('<c r="A1" t="d"><v>2005-06-03</v></c>', "2005-06-03"),
        ('<c r="A1" t="b"><v>1</v></c>', "true"),
        ('<c r="A1" t="s"><v>1</v></c>', "two"),
        ('<c r="A1"/>', ""),
        ("<c><v>5</v></c>", "5"),
        ('<c r="A1" t="str"><v>_x0041__x005F_x0041__xD800_</v></c>', "A_x0041__xD800_"),
    ],
)
def test_every_kind_of_cell(tmp_path: Path, xml: str, text: str) -> None:
    shared = "<si><t>one</t></si><si><r><t>t</t></r><r><t>wo</t></r><rPh><t>no</t></rPh></si>"
    assert cell(tmp_path, xml, shared) == text


@pytest.mark.parametrize(
    "xml",
    [
        '<c r="A1" t="s"><v>9</v></c>',
        '<c r="A1" t="s"><v>-1</v></c>',
        '<c r="A1" t="s"><v>x</v></c>',
        '<c r="A1"><v>seven</v></c>',
        '<c r="1A"><v>1</v></c>',
        '<c r="ZZZ1"><v>1</v></c>',
        '<c r="B1"><v>1</v></c><c r="A1"><v>1</v></c>',
        '<c r="A1" s="x"><v>1</v></c>',
    ],
)
def test_a_cell_that_no_program_writes_refuses_the_workbook(tmp_path: Path, xml: str) -> None:
    with pytest.raises(MalformedFeedError, match="can't be read as an Excel workbook"):
        cell(tmp_path, xml, "<si><t>one</t></si>")


@pytest.mark.parametrize(
    ("sheet", "words"),
    [
        ('<sheetData><row r="0"/></sheetData>', "can't be read as an Excel workbook"),
        ('<sheetData><row r="9999999"/></sheetData>', "can't be read as an Excel workbook"),
        ('<sheetData/><mergeCells><mergeCell ref="?"/></mergeCells>', "can't be read as an Excel workbook"),
        ("<sheetData><row>", "broken workbook"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><w><row/></w>', "DOCTYPE"),
    ],
)
def test_a_sheet_that_can_not_be_read_is_told_of(tmp_path: Path, sheet: str, words: str) -> None:
    with pytest.raises(MalformedFeedError, match=words):
        rows(tmp_path, by_hand(sheet))


def test_an_entity_bomb_among_the_shared_texts_is_refused(tmp_path: Path) -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><sst><si><t>&b;</t></si></sst>'
    with pytest.raises(MalformedFeedError, match="DOCTYPE"):
        rows(tmp_path, by_hand(one_cell("<c/>"), bomb))


def test_a_doctype_in_the_list_of_sheets_is_refused(tmp_path: Path) -> None:
    parts = {"_rels/.rels": '<!DOCTYPE x [<!ENTITY a "b">]><Relationships/>'}
    with pytest.raises(MalformedFeedError, match="DOCTYPE"):
        rows(tmp_path, zipped(parts))


@pytest.mark.parametrize(
    ("asked", "words"),
    [("", "2 sheets"), ("Tredje", "no sheet 'Tredje'")],
)
def test_of_several_sheets_one_must_be_named(tmp_path: Path, asked: str, words: str) -> None:
    book = written(["a"], title="Första")
    book.create_sheet("Andra").append(["b"])
    with pytest.raises(MalformedFeedError) as caught:
        rows(tmp_path, saved(book), asked)
    assert words in caught.value.detail
    assert "'Första', 'Andra'" in caught.value.detail
    assert rows(tmp_path, saved(book), "Andra") == [["b"]]


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        (b"", MalformedFeedError, r"no \.xlsx workbook"),
        (b"Nummer;Namn\n", MalformedFeedError, 'options.form = "csv"'),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, MalformedFeedError, "password"),
        (xlsx(["a"])[:-30], TruncatedFeedError, "ends in the middle"),
        (xlsx(["a"])[:200], TruncatedFeedError, "ends in the middle"),
        (zipped({"hello.txt": "x"}), MalformedFeedError, "no Excel workbook"),
        (zipped({"_rels/.rels": "<Relationships/>"}), MalformedFeedError, "lacks"),
        (zipped({"_rels/.rels": "<Relation"}), MalformedFeedError, "broken workbook"),
    ],
)
def test_what_is_no_workbook_is_told_of(
    tmp_path: Path, data: bytes, error: type[FeedError], words: str
) -> None:
    with pytest.raises(error, match=words):
        rows(tmp_path, data)


def test_a_member_with_changed_bytes_is_told_of(tmp_path: Path) -> None:
    data = bytearray(by_hand(one_cell('<c r="A1"><v>1</v></c>') * 50))
    place = data.index(b"xl/worksheets/sheet1.xml") + 40
    data[place : place + 8] = b"\xff" * 8
    with pytest.raises(MalformedFeedError):
        rows(tmp_path, bytes(data))


def test_other_ways_of_packing_are_refused(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("_rels/.rels", "<Relationships/>")
    with pytest.raises(MalformedFeedError, match="Excel does not use"):
        rows(tmp_path, packed.getvalue())


def long_sheet(count: int) -> str:
    return "<sheetData>" + '<row><c t="str"><v>aaaaaaaaaa</v></c></row>' * count + "</sheetData>"


@pytest.mark.parametrize(
    ("bound", "value", "words"),
    [
        ("MAX_RATIO", 20, "unpacks to more"),
        ("MAX_SMALL_BYTES", 700, "a row or text"),
    ],
)
def test_a_bomb_is_refused_before_it_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str, value: int, words: str
) -> None:
    data = by_hand(long_sheet(20_000))
    monkeypatch.setattr(bounds, "RATIO_FROM", 100_000)
    assert len(rows(tmp_path, by_hand(long_sheet(10)))) == 10
    monkeypatch.setattr(bounds, bound, value)
    with pytest.raises(FeedTooLargeError, match=words):
        rows(tmp_path, data)


def test_memory_does_not_grow_with_the_sheet(tmp_path: Path) -> None:
    path = put(tmp_path, by_hand(long_sheet(30_000).replace("aaaaaaaaaa", "b" * 60)))
    tracemalloc.start()
    try:
        with Sheet(path) as sheet:
            count = sum(1 for _ in sheet)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 30_000
    assert peak < 1 << 20


def test_rows_without_numbers_are_counted(tmp_path: Path) -> None:
    shown: list[tuple[Sequence[str], int]] = []
    with Sheet(put(tmp_path, by_hand(long_sheet(2)))) as sheet:
        shown.extend((row, sheet.row) for row in sheet)
    assert shown == [(["aaaaaaaaaa"], 1), (["aaaaaaaaaa"], 2)]
