from datetime import date
from pathlib import Path

import openpyxl
import orjson
import pytest

from indexer.feeds import BadRow, MalformedFeedError, SourceRow
from tests.indexer.feeds.lists import HEADER, OTHER, ROW, as_csv, options, parsed, records
from tests.indexer.feeds.workbooks import Cell, saved, written, xlsx

EXCEL = options(form="xlsx")


def merged(*cells: str) -> bytes:
    """Return a workbook with titles, a header, two records and a note, and cells merged in it."""
    book = written(["Lista"], [], HEADER, ROW, OTHER, [], ["Källa"])
    for each in cells:
        book.worksheets[0].merge_cells(each)
    return saved(book)


def test_a_workbook_gives_the_same_records_as_csv(tmp_path: Path) -> None:
    assert records(parsed(tmp_path, EXCEL, xlsx(HEADER, ROW, OTHER))) == records(
        parsed(tmp_path, options(), as_csv(ROW, OTHER))
    )


def test_dates_come_as_iso_and_numbers_as_digits(tmp_path: Path) -> None:
    row: list[Cell] = [12345, *ROW[1:5], date(2005, 6, 3), 20271231]
    (found,) = parsed(tmp_path, EXCEL, xlsx(HEADER, row))
    assert isinstance(found, SourceRow)
    assert found.key == "12345"
    record = orjson.loads(found.payload)
    assert (record["från"], record["till"]) == ("2005-06-03", "20271231")


@pytest.mark.parametrize("number", [12345, 12345.0, "0012345"])
def test_zeros_that_excel_dropped_come_back_where_the_width_is_known(tmp_path: Path, number: Cell) -> None:
    (found,) = parsed(tmp_path, options(form="xlsx", widths={"Nummer": 7}), xlsx(HEADER, [number, *ROW[1:]]))
    assert found.key == "0012345"


def test_text_is_never_filled_up(tmp_path: Path) -> None:
    (found,) = parsed(tmp_path, options(form="xlsx", widths={"Nummer": 7}), xlsx(HEADER, ["12345", *ROW[1:]]))
    assert found.key == "12345"


def test_rows_may_end_early_and_empty_rows_are_none(tmp_path: Path) -> None:
    data = xlsx(["Titel"], [], HEADER, OTHER[:6], [None, " "], [*ROW, None, " "])
    found = parsed(tmp_path, options(form="xlsx", header_within=2), data)
    assert [row.key for row in found] == [OTHER[0], ROW[0]]
    assert all(isinstance(row, SourceRow) for row in found)


def test_a_value_beyond_the_header_is_a_bad_row(tmp_path: Path) -> None:
    bad, good = parsed(tmp_path, EXCEL, xlsx(HEADER, [*ROW, "x"], OTHER))
    assert isinstance(bad, BadRow)
    assert bad.reason == "7 columns were expected, 8 came"
    assert isinstance(good, SourceRow)


@pytest.mark.parametrize("value", ["=A2", 1234567890123456])
def test_a_cell_that_can_not_be_trusted_is_a_bad_row_where_it_matters(tmp_path: Path, value: Cell) -> None:
    rows = [[*ROW[:4], value, *ROW[5:], "x"], [*OTHER, value]]
    bad, good = parsed(tmp_path, EXCEL, xlsx([*HEADER, "Ort"], *rows))
    assert isinstance(bad, BadRow)
    assert (bad.key, bad.field) == (ROW[0], "Status")
    assert isinstance(good, SourceRow)
    assert "ort" not in orjson.loads(good.payload)


@pytest.mark.parametrize("cells", ["E4:E5", "E4:F4", "A5:A6", "A3:A4"])
def test_cells_merged_over_records_refuse_the_list(tmp_path: Path, cells: str) -> None:
    with pytest.raises(MalformedFeedError, match="merged cells in rows"):
        parsed(tmp_path, options(form="xlsx", header_within=3), merged(cells))


def test_cells_merged_above_and_below_the_records_do_no_harm(tmp_path: Path) -> None:
    found = parsed(
        tmp_path, options(form="xlsx", header_within=3, totals=["Källa"]), merged("A1:G2", "A6:C6", "A7:G7")
    )
    assert len(records(found)) == 2


def test_of_several_sheets_the_named_one_is_read(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.create_sheet("Lista").append(HEADER)
    book["Lista"].append(ROW)
    with pytest.raises(MalformedFeedError, match="2 sheets"):
        parsed(tmp_path, EXCEL, saved(book))
    assert len(records(parsed(tmp_path, options(form="xlsx", sheet="Lista"), saved(book)))) == 1


def test_a_sheet_without_the_header_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(MalformedFeedError, match=r"no column 'Till'.*Found: 'Nummer'"):
        parsed(tmp_path, EXCEL, xlsx(HEADER[:6], ROW[:6]))
    with pytest.raises(MalformedFeedError, match="no header"):
        parsed(tmp_path, EXCEL, xlsx())


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MalformedFeedError, match="two columns that are called 'till'"):
        parsed(tmp_path, EXCEL, xlsx([*HEADER, "till"], [*ROW, "x"]))
