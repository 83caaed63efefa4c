from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.indexer.feeds.fuzzing import EXAMPLES, assert_holds, mutated
from tests.indexer.feeds.lists import HEADER, OTHER, ROW, as_csv, options
from tests.indexer.feeds.workbooks import by_hand, xlsx

FULL = {
    "restrictions": [{"column": "Beslut", "valid_from": "Från"}],
    "specialties": [{"column": "Ämne", "separator": ","}],
    "totals": ["Totalt"],
    "header_within": 3,
    "widths": {"Nummer": 7},
    "dates": "swedish",
}
COLUMNS = {"personal_number": "Pnr", "protected": "Skyddad"}
WIDE = [*HEADER, "Beslut", "Ämne", "Pnr", "Skyddad"]
ROWS = [[*ROW, "Nej", "Bild, Musik", "19800101-9804", ""], [*OTHER, "Prövotid", "", "19700101-9806", "Ja"]]
TEXT = "Lista\n" + as_csv(*ROWS, header=WIDE) + "Totalt 2\n"
SAMPLES = (
    TEXT.encode(),
    TEXT.encode("utf-8-sig"),
    TEXT.encode("utf-16"),
    TEXT.encode("cp1252"),
    TEXT.replace("\n", "\r").encode(),
    TEXT.replace(";", '";"').encode(),
)
WORKBOOK = xlsx(["Lista"], WIDE, *ROWS, ["Totalt 2"])
EACH = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@EACH
@given(
    data=mutated(*SAMPLES), encoding=st.sampled_from(["utf-8", "utf-16", "utf-16-le", "cp1252", "iso-8859-1"])
)
def test_any_bytes_give_rows_quarantine_or_one_clear_error(
    tmp_path: Path, data: bytes, encoding: str
) -> None:
    form = options(COLUMNS, **FULL, encoding=encoding, delimiter="auto", final_newline=False)
    assert_holds("tabular", form, tmp_path, data)


@EACH
@given(data=mutated(WORKBOOK))
def test_any_workbook_gives_rows_quarantine_or_one_clear_error(tmp_path: Path, data: bytes) -> None:
    assert_holds("tabular", options(COLUMNS, **FULL, form="xlsx"), tmp_path, data)


SHEET = (
    '<sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>Nummer</t></is></c>'
    '<c r="B1" t="s"><v>0</v></c></row><row r="2"><c r="A2"><v>12345</v></c>'
    '<c r="B2" s="1"><f>A2</f><v>38506</v></c></row></sheetData><mergeCells><mergeCell ref="A9:B9"/></mergeCells>'
)
SHARED = "<si><t>Efternamn</t></si><si><r><t>x</t></r></si>"
STYLES = '<numFmts><numFmt numFmtId="164" formatCode="yyyy"/></numFmts><cellXfs><xf/><xf numFmtId="164"/></cellXfs>'
TWO_COLUMNS = options(
    {"given": "", "profession": "", "status": "", "valid_from": "", "valid_to": ""},
    form="xlsx",
    profession="Lärare",
    status="Giltig",
)


@EACH
@given(
    sheet=mutated(SHEET.encode()).map(lambda data: data.decode("utf-8", "replace")),
    shared=st.one_of(
        st.just(SHARED), mutated(SHARED.encode()).map(lambda data: data.decode("utf-8", "replace"))
    ),
    styles=st.one_of(
        st.just(STYLES), mutated(STYLES.encode()).map(lambda data: data.decode("utf-8", "replace"))
    ),
)
def test_a_workbook_with_any_xml_inside_gives_rows_quarantine_or_one_clear_error(
    tmp_path: Path, sheet: str, shared: str, styles: str
) -> None:
    data = by_hand(sheet, shared, styles)
    assert_holds("tabular", TWO_COLUMNS, tmp_path, data)


@pytest.mark.parametrize("data", SAMPLES[:3])
def test_the_samples_themselves_are_read(tmp_path: Path, data: bytes) -> None:
    form = options(COLUMNS, **FULL, delimiter="auto", final_newline=False)
    assert assert_holds("tabular", form, tmp_path, data) == {"rows": 2, "bad": 0, "gone": 0, "refused": 0}


def test_the_sample_workbooks_are_read(tmp_path: Path) -> None:
    form = options(COLUMNS, **FULL, form="xlsx")
    assert assert_holds("tabular", form, tmp_path, WORKBOOK)["rows"] == 2
    assert assert_holds("tabular", TWO_COLUMNS, tmp_path, by_hand(SHEET, SHARED, STYLES))["rows"] == 1
