"""What a row's own bytes tell before anybody reads it, and in which encodings an export may come."""

import csv
import io
from pathlib import Path
from typing import Literal

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from indexer.feeds import BadRow, MalformedFeedError, SourceRow
from indexer.feeds.options import SocrataOptions
from indexer.feeds.rows import canonical
from indexer.feeds.socrata_columns import Columns, fold_column
from tests.indexer.feeds.test_socrata_rows import (
    HEADER,
    LIMIT,
    ROW,
    as_csv,
    as_json,
    from_csv,
    options,
    parsed,
    told,
)

__all__ = ["options"]
NO_KEY = ["", *ROW[1:]]


def raw(rows: list[SourceRow | BadRow]) -> list[bytes]:
    assert all(isinstance(row, SourceRow) for row in rows)
    return [row.raw for row in rows if isinstance(row, SourceRow)]


def test_the_same_row_has_the_same_bytes_and_its_payload_is_made_when_asked_for(
    tmp_path: Path, options: SocrataOptions
) -> None:
    (first,) = from_csv(tmp_path, options, as_csv(ROW))
    (again,) = from_csv(tmp_path, options, as_csv(ROW))
    assert isinstance(first, SourceRow)
    assert isinstance(again, SourceRow)
    assert first.raw == again.raw
    assert first.make is not None
    assert orjson.loads(first.payload)["status"] == "Active"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (["RN1", "ab", "c"], ["RN1", "a", "bc"]),
        (["RN1", "a\x1fb", "c"], ["RN1", "a", "b\x1fc"]),
        (["RN1", 'a","b', "c"], ["RN1", "a", 'b","c']),
        (["RN1", "a", ""], ["RN1", "", "a"]),
    ],
)
def test_values_that_run_into_each_other_have_other_bytes(
    tmp_path: Path, options: SocrataOptions, one: list[str], other: list[str]
) -> None:
    first, second = (
        raw(from_csv(tmp_path, options, as_csv(ROW, [*row, *ROW[3:]])))[1] for row in (one, other)
    )
    assert first != second


def test_the_bytes_of_a_row_tell_which_column_is_which(tmp_path: Path, options: SocrataOptions) -> None:
    """Two columns that have changed places: the row looks the same and says something else."""
    turned = [*HEADER[:8], HEADER[9], HEADER[8], *HEADER[10:]]
    plain, other = (from_csv(tmp_path, options, as_csv(ROW, header=header)) for header in (HEADER, turned))
    assert told(plain) != told(other)
    assert raw(plain) != raw(other)


def test_the_bytes_of_a_row_tell_how_it_is_read(tmp_path: Path, options: SocrataOptions) -> None:
    other = replace(options, dates=())
    assert raw(from_csv(tmp_path, options, as_csv(ROW))) != raw(from_csv(tmp_path, other, as_csv(ROW)))
    assert raw(parsed(tmp_path, options, as_json(ROW))) != raw(parsed(tmp_path, other, as_json(ROW)))


def test_rows_after_the_first_are_read_the_same_way(tmp_path: Path, options: SocrataOptions) -> None:
    """Until every needed column has come rows are read at once, later ones when they are asked for."""
    empty = [*ROW[:10], "", "No"]
    rows = [[f"RN{n}", *empty[1:]] for n in range(3)]
    mixed = [*rows, ["RN3", *ROW[1:]], *([f"RN{n}", *empty[1:]] for n in range(4, 7))]
    from_pages = told(parsed(tmp_path, options, as_json(*mixed)))
    assert from_pages == told(from_csv(tmp_path, options, as_csv(*mixed)))
    payloads = [orjson.loads(payload) for _, _, payload in from_pages]
    assert payloads[0] | {"credentialnumber": "RN6"} == payloads[6]


VALUES = st.text(st.sampled_from('ab ,"\n\r\t;\x1f\u2028Ö'), max_size=6)


@given(
    st.lists(st.lists(VALUES, min_size=1, max_size=14), max_size=6),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_lines_without_quotes_are_split_as_a_csv_reader_does(
    tmp_path_factory: pytest.TempPathFactory,
    options: SocrataOptions,
    rows: list[list[str]],
    quoting: Literal[0, 1],
    end: str,
) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, quoting=quoting, lineterminator=end).writerows([HEADER, ROW, *rows])
    expected = [row for row in csv.reader(io.StringIO(text.getvalue(), newline="")) if row][1:]
    found = from_csv(tmp_path_factory.mktemp("quotes"), options, text.getvalue())
    columns = Columns(replace(options, export="csv"))
    folded = [fold_column(name) for name in HEADER]
    assert [row.row for row in found] == list(range(1, len(expected) + 1))
    for row, values in zip(found, expected, strict=True):
        if isinstance(row, SourceRow):
            assert row.payload == canonical(columns.record(zip(folded, values, strict=True)))
            assert row.key == values[0].strip() != ""
        else:
            assert len(values) != len(HEADER) or not values[0].strip()


def test_a_page_may_spell_a_column_twice(tmp_path: Path, options: SocrataOptions) -> None:
    (row,) = orjson.loads(as_json(ROW))
    twice = row | {"credential_number": "RN2", "CredentialNumber": ""}
    found = told(parsed(tmp_path, options, orjson.dumps([row, twice])))
    assert [key for _, key, _ in found] == ["RN60574617", "RN2"]


@pytest.mark.parametrize("export", ["json", "csv"])
def test_later_rows_without_a_key_are_bad_rows_too(
    tmp_path: Path, options: SocrataOptions, export: str
) -> None:
    both = replace(options, key=("CredentialNumber", "MiddleName"))
    for chosen in (options, both):
        rows = ([*ROW[:3], "K", *ROW[4:]], NO_KEY, ["RN2", *ROW[1:]])
        found = (
            parsed(tmp_path, chosen, as_json(*rows))
            if export == "json"
            else from_csv(tmp_path, chosen, as_csv(*rows))
        )
        assert [type(row) for row in found] == [SourceRow, BadRow, SourceRow]


def test_a_date_in_the_key_is_the_same_however_it_is_written(tmp_path: Path, options: SocrataOptions) -> None:
    dated = replace(options, key=("credentialnumber", "firstissuedate"))
    american = [*ROW[:8], "06/03/2005", *ROW[9:]]
    keys = {row.key for row in from_csv(tmp_path, dated, as_csv(ROW, american))}
    keys |= {row.key for row in parsed(tmp_path, dated, as_json(ROW, american))}
    assert keys == {"RN60574617|2005-06-03"}


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("utf-8-sig", "cp1252"),
        ("utf-16", "utf-8"),
        ("utf-16-le", "utf-16-le"),
        ("cp1252", "cp1252"),
        ("iso-8859-1", "iso-8859-1"),
    ],
)
def test_each_encoding_gives_the_same_rows(
    tmp_path: Path, options: SocrataOptions, encoding: str, declared: str
) -> None:
    plain = from_csv(tmp_path, options, as_csv(ROW))
    other = from_csv(tmp_path, replace(options, encoding=declared), as_csv(ROW).encode(encoding))
    assert (told(other), raw(other)) == (told(plain), raw(plain))


def test_an_utf_16_export_cut_short_is_told_of(tmp_path: Path, options: SocrataOptions) -> None:
    with pytest.raises(MalformedFeedError, match="does not end with a newline"):
        from_csv(tmp_path, options, as_csv(ROW).encode("utf-16")[:-2])


def test_a_line_longer_than_a_record_may_be_is_a_bad_row(tmp_path: Path, options: SocrataOptions) -> None:
    header, good = as_csv(ROW).splitlines()
    long = f"RN1,{'x' * (LIMIT + 10)},{','.join(ROW[2:])}"
    found = from_csv(tmp_path, options, f"{header}\n{long}\n{good}\n")
    assert isinstance(found[0], BadRow)
    assert (found[0].key, found[0].reason) == ("RN1", f"the line is longer than {LIMIT} characters")
    assert [row.key for row in found if isinstance(row, SourceRow)] == ["RN60574617"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [('a,"b"c\n', "a header that can't be read"), ("x" * (LIMIT + 1) + "\n", "a header longer than")],
)
def test_a_header_that_can_not_be_read_is_told_of(
    tmp_path: Path, options: SocrataOptions, text: str, problem: str
) -> None:
    with pytest.raises(MalformedFeedError, match=problem):
        from_csv(tmp_path, options, text)


def test_a_column_without_a_name_is_no_column(tmp_path: Path, options: SocrataOptions) -> None:
    text = as_csv([*ROW, "stray"], header=[*HEADER, ""])
    assert text.splitlines()[0].endswith("ActionTaken,")
    assert told(from_csv(tmp_path, options, text)) == told(from_csv(tmp_path, options, as_csv(ROW)))
