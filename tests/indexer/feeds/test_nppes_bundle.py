"""Which files of an NPPES bundle are read, and the report of deactivated numbers."""

import zipfile
from pathlib import Path

import pytest

from indexer.feeds import BadRow, MalformedFeedError, SourceRow
from indexer.feeds.nppes_csv import parse
from indexer.sandbox.nppes import REPORT_HEADER, write_bundle, write_workbook
from tests.indexer.feeds.nppes_text import DEACTIVATED, LIMIT, NPIS, OPTIONS, PERSON, read, read_one, text

EMPTIED = {"NPI": NPIS[0], DEACTIVATED: "09/13/2014"}


def test_the_report_comes_as_a_workbook_with_a_title(tmp_path: Path) -> None:
    path = tmp_path / "NPPES Deactivated NPI Report 20261109.xlsx"
    write_workbook(
        path, [("NPPES Deactivated NPI Records as of Nov 9 2026",), REPORT_HEADER, (NPIS[0], "09/13/2014")]
    )
    (row,) = parse([path], OPTIONS, LIMIT)
    assert isinstance(row, SourceRow)
    assert row.raw == read_one(tmp_path, text(EMPTIED)).raw


def test_a_workbook_that_is_no_report_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.xlsx"
    write_workbook(path, [("NPI", "Entity Type Code")])
    with pytest.raises(MalformedFeedError):
        list(parse([path], OPTIONS, LIMIT))
    write_workbook(path, [("NPI", "Endpoint Type")])
    with pytest.raises(MalformedFeedError, match="not the report of deactivated NPIs"):
        list(parse([path], OPTIONS, LIMIT))


def test_bad_rows_of_the_report_are_told_of(tmp_path: Path) -> None:
    rows = read(
        tmp_path,
        f'NPI,NPPES Deactivation Date\n{NPIS[0]},\n,01/01/2020\nNPI,x\n"{NPIS[1]}" x,1\n\n,\n{NPIS[2]},01/01/2020\n',
    )
    assert [(row.row, row.key, isinstance(row, BadRow)) for row in rows] == [
        (1, NPIS[0], True),
        (2, "", True),
        (3, "", True),
        (4, NPIS[1], True),
        (5, NPIS[2], False),
    ]


def test_of_a_bundle_only_the_people_are_read(tmp_path: Path) -> None:
    person = tmp_path / "npidata_pfile_20050523-20261108.csv"
    person.write_text(text(PERSON))
    with zipfile.ZipFile(write_bundle(tmp_path / "bundle.zip", person)) as bundle:
        bundle.extractall(tmp_path / "members")
    parts = sorted((tmp_path / "members").iterdir())
    assert len(parts) == 9
    assert [row.key for row in parse(parts, OPTIONS, LIMIT)] == [NPIS[0]]


def test_a_bundle_without_people_is_refused(tmp_path: Path) -> None:
    beside = tmp_path / "endpoint_pfile_20050523-20261108.csv"
    beside.write_text('"NPI","Endpoint Type"\n')
    header = tmp_path / "npidata_pfile_20050523-20261108_FileHeader.csv"
    header.write_text(text())
    with pytest.raises(MalformedFeedError, match="None of the files"):
        list(parse([beside, header], OPTIONS, LIMIT))


@pytest.mark.parametrize("content", ["", "\n", "<html>\n", '"a","b"\n"c","d"\n', "NPI\n", '"NPI"x,\n'])
def test_what_is_no_nppes_file_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(MalformedFeedError, match="begins like none of the NPPES files"):
        read(tmp_path, content)
