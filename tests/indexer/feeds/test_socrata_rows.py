import csv
import io
import tracemalloc
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from indexer.feeds import (
    BadRow,
    GoneRow,
    MalformedFeedError,
    SourceRow,
    TruncatedFeedError,
    load_feed,
    one_by_one,
    socrata_rows,
)
from indexer.feeds.options import SocrataOptions
from registry.settings import CONFIG

LIMIT = 10_000
HEADER = [
    "CredentialNumber",
    "LastName",
    "FirstName",
    "MiddleName",
    "CredentialType",
    "Status",
    "BirthYear",
    "CEDueDate",
    "FirstIssueDate",
    "LastIssueDate",
    "ExpirationDate",
    "ActionTaken",
]
ROW = [
    "RN60574617",
    "Öberg",
    "Anna",
    "",
    "Registered Nurse License",
    "Active",
    "1980",
    "",
    "20050603",
    "20250101",
    "20271231",
    "No",
]


@pytest.fixture(scope="module")
def options() -> SocrataOptions:
    shipped = load_feed(CONFIG / "feeds" / "washington.toml").options
    assert isinstance(shipped, SocrataOptions)
    return shipped


def as_csv(*rows: list[str], header: list[str] = HEADER) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    return text.getvalue()


def as_json(*rows: list[str]) -> bytes:
    names = [name.lower() for name in HEADER]
    return orjson.dumps([{n: v for n, v in zip(names, row, strict=True) if v} for row in rows])


def parsed(folder: Path, options: SocrataOptions, *texts: str | bytes) -> list[SourceRow | BadRow]:
    parts = []
    for number, text in enumerate(texts):
        parts.append(folder / str(number))
        parts[-1].write_bytes(text if isinstance(text, bytes) else text.encode())
    return read(parts, options, LIMIT)


def read(parts: list[Path], options: SocrataOptions, limit: int) -> list[SourceRow | BadRow]:
    """Read every row; no export tells of records that are gone."""
    rows = one_by_one(socrata_rows.parse(parts, options, limit))
    return [row for row in rows if not isinstance(row, GoneRow)]


def from_csv(folder: Path, options: SocrataOptions, text: str | bytes) -> list[SourceRow | BadRow]:
    return parsed(folder, replace(options, export="csv"), text)


def told(rows: list[SourceRow | BadRow]) -> list[tuple[int, str, bytes]]:
    """What good rows say; the bytes that they came in may differ."""
    assert all(isinstance(row, SourceRow) for row in rows)
    return [(row.row, row.key, row.payload) for row in rows if isinstance(row, SourceRow)]


def test_a_row_becomes_one_record_with_its_number_as_key(tmp_path: Path, options: SocrataOptions) -> None:
    (row,) = parsed(tmp_path, options, as_json(ROW))
    assert isinstance(row, SourceRow)
    assert (row.row, row.key) == (1, "RN60574617")
    assert orjson.loads(row.payload) == {
        "actiontaken": "No",
        "birthyear": "1980",
        "credentialnumber": "RN60574617",
        "credentialtype": "Registered Nurse License",
        "expirationdate": "2027-12-31",
        "firstissuedate": "2005-06-03",
        "firstname": "Anna",
        "lastissuedate": "2025-01-01",
        "lastname": "Öberg",
        "status": "Active",
    }


def test_both_exports_give_the_same_record(tmp_path: Path, options: SocrataOptions) -> None:
    assert told(parsed(tmp_path, options, as_json(ROW))) == told(from_csv(tmp_path, options, as_csv(ROW)))


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=20)


@given(
    st.lists(
        st.tuples(TEXT, TEXT, st.dates().map(lambda day: day.strftime("%Y%m%d"))), min_size=1, max_size=5
    )
)
def test_both_exports_give_the_same_records_whatever_they_hold(
    tmp_path_factory: pytest.TempPathFactory, options: SocrataOptions, values: list[tuple[str, str, str]]
) -> None:
    folder = tmp_path_factory.mktemp("exports")
    rows = [
        [f"RN{n}", f"x{family}", given, *ROW[3:10], day, "No"]
        for n, (family, given, day) in enumerate(values)
    ]
    from_json = told(parsed(folder, options, as_json(*rows)))
    assert from_json == told(from_csv(folder, options, as_csv(*rows)))


@pytest.mark.parametrize(
    "written", ["20271231", "2027-12-31", "2027-12-31T00:00:00.000", "12/31/2027", "12/31/2027 12:00:00 AM"]
)
def test_a_date_is_the_same_however_the_export_writes_it(
    tmp_path: Path, options: SocrataOptions, written: str
) -> None:
    row = [*ROW[:7], written, *ROW[8:10], written, "No"]
    (found,) = from_csv(tmp_path, options, as_csv(row))
    assert isinstance(found, SourceRow)
    record = orjson.loads(found.payload)
    assert (record["expirationdate"], record["ceduedate"]) == ("2027-12-31", "2027-12-31")


def test_what_is_no_date_stays_for_the_normalizer_to_judge(tmp_path: Path, options: SocrataOptions) -> None:
    (found,) = from_csv(tmp_path, options, as_csv([*ROW[:10], "someday", "No"]))
    assert isinstance(found, SourceRow)
    assert orjson.loads(found.payload)["expirationdate"] == "someday"


@pytest.mark.parametrize(
    "header",
    [
        [name.lower() for name in HEADER],
        ["Credential Number", "Last Name", "First Name", "Middle Name", "Credential Type", *HEADER[5:]],
        [
            "credential_number",
            "last_name",
            "first_name",
            "middle_name",
            "credential_type",
            "status",
            "birth_year",
            *HEADER[7:],
        ],
    ],
)
def test_spelling_of_column_names_does_not_matter(
    tmp_path: Path, options: SocrataOptions, header: list[str]
) -> None:
    spelt = told(from_csv(tmp_path, options, as_csv(ROW, header=header)))
    assert spelt == told(from_csv(tmp_path, options, as_csv(ROW)))


def test_order_of_columns_byte_order_mark_and_line_ends_do_not_matter(
    tmp_path: Path, options: SocrataOptions
) -> None:
    plain = told(from_csv(tmp_path, options, as_csv(ROW)))
    turned = as_csv(ROW[::-1], header=HEADER[::-1]).replace("\n", "\r\n")
    assert told(from_csv(tmp_path, options, b"\xef\xbb\xbf" + turned.encode())) == plain


def test_values_are_trimmed_and_json_values_read_as_the_csv_writes_them(
    tmp_path: Path, options: SocrataOptions
) -> None:
    row = orjson.loads(as_json(ROW))[0]
    strange = row | {
        "credentialnumber": " RN60574617 ",
        "birthyear": 1980,
        "middlename": None,
        "actiontaken": "No",
        ":id": "row-abc",
        ":@computed_region": "7",
    }
    plain = told(parsed(tmp_path, options, as_json(ROW)))
    assert told(parsed(tmp_path, options, orjson.dumps([strange]))) == plain


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "true"), (False, "false"), (1.5, "1.5"), ({"b": 1, "a": [2]}, '{"a":[2],"b":1}')],
)
def test_other_json_values_become_text(
    tmp_path: Path, options: SocrataOptions, value: object, text: str
) -> None:
    row = orjson.loads(as_json(ROW))[0] | {"extra": value}
    (found,) = parsed(tmp_path, options, orjson.dumps([row]))
    assert isinstance(found, SourceRow)
    assert orjson.loads(found.payload)["extra"] == text


def test_a_quoted_value_may_hold_commas_quotes_and_line_ends(tmp_path: Path, options: SocrataOptions) -> None:
    row = ["RN1", 'Öberg, "Ann"\nJr', *ROW[2:]]
    (found,) = from_csv(tmp_path, options, as_csv(row))
    assert isinstance(found, SourceRow)
    assert orjson.loads(found.payload)["lastname"] == 'Öberg, "Ann"\nJr'


def test_rows_are_counted_over_pages(tmp_path: Path, options: SocrataOptions) -> None:
    found = parsed(
        tmp_path, options, as_json(["RN1", *ROW[1:]], ["RN2", *ROW[1:]]), as_json(["RN3", *ROW[1:]]), b"[]"
    )
    assert [(row.row, row.key) for row in found] == [(1, "RN1"), (2, "RN2"), (3, "RN3")]


def test_several_columns_can_make_the_key(tmp_path: Path, options: SocrataOptions) -> None:
    both = replace(options, key=("CredentialType", "CredentialNumber"))
    (row,) = parsed(tmp_path, both, as_json(ROW))
    assert row.key == "Registered Nurse License|RN60574617"


@pytest.mark.parametrize("export", ["json", "csv"])
def test_a_row_without_key_is_a_bad_row_and_the_others_go_on(
    tmp_path: Path, options: SocrataOptions, export: str
) -> None:
    nameless = ["", "800101-9804", *ROW[2:]]
    bad, good = (
        parsed(tmp_path, options, as_json(nameless, ROW))
        if export == "json"
        else from_csv(tmp_path, options, as_csv(nameless, ROW))
    )
    assert isinstance(bad, BadRow)
    assert (bad.row, bad.key, bad.field) == (1, "", "credentialnumber")
    assert "Registered Nurse" in bad.echo
    assert "9804" not in bad.echo
    assert isinstance(good, SourceRow)


def test_a_json_row_that_is_no_object_is_a_bad_row(tmp_path: Path, options: SocrataOptions) -> None:
    page = b"[" + orjson.dumps(ROW) + b",7," + as_json(ROW)[1:]
    first, second, good = parsed(tmp_path, options, page)
    assert isinstance(first, BadRow)
    assert isinstance(second, BadRow)
    assert (first.reason, second.row) == ("the row is no object", 2)
    assert isinstance(good, SourceRow)


@pytest.mark.parametrize(
    ("line", "key", "reason"),
    [
        (",".join(ROW[:11]), "RN60574617", "12 columns were expected, 11 came"),
        (",".join([*ROW, "more"]), "RN60574617", "12 columns were expected, 13 came"),
        ('"RN1"x,' + ",".join(ROW[1:]), "", "the row can't be split into columns"),
        ('"' + "x" * 140_000 + '",' + ",".join(ROW[1:]), "", "the row can't be split into columns"),
    ],
)
def test_a_csv_line_that_does_not_fit_is_a_bad_row_and_the_others_go_on(
    tmp_path: Path, options: SocrataOptions, line: str, key: str, reason: str
) -> None:
    header, good = as_csv(ROW).splitlines()
    found = from_csv(tmp_path, options, f"{header}\n{line}\n{good}\n")
    bad = found[0]
    assert isinstance(bad, BadRow)
    assert (bad.row, bad.key) == (1, key)
    assert bad.reason.startswith(reason)
    assert isinstance(found[-1], SourceRow)


def test_blank_lines_are_no_rows(tmp_path: Path, options: SocrataOptions) -> None:
    assert len(from_csv(tmp_path, options, as_csv(ROW) + "\n\n")) == 1


def test_a_record_above_the_limit_is_a_bad_row(tmp_path: Path, options: SocrataOptions) -> None:
    (bad,) = parsed(tmp_path, options, as_json(["RN1", "x" * LIMIT, *ROW[2:]]))
    assert isinstance(bad, BadRow)
    assert (bad.key, bad.reason) == ("RN1", f"the record is larger than {LIMIT} bytes")
    assert len(bad.echo) == 200


@pytest.mark.parametrize("cut", [1, 20, 100])
def test_a_json_page_cut_short_is_told_of(tmp_path: Path, options: SocrataOptions, cut: int) -> None:
    with pytest.raises(TruncatedFeedError):
        parsed(tmp_path, options, as_json(ROW)[:-cut])


def test_an_error_in_place_of_a_page_is_told_of(tmp_path: Path, options: SocrataOptions) -> None:
    with pytest.raises(MalformedFeedError, match="Query coordinator error"):
        parsed(tmp_path, options, b'{"error":true,"message":"Query coordinator error"}')


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (as_csv(ROW)[:-1], "does not end with a newline"),
        (as_csv(ROW)[:-30], "does not end with a newline"),
        (as_csv(["RN1", "Öberg, Ann", *ROW[2:]]).partition("Ann")[0] + "\n", "ends inside a quoted value"),
    ],
)
def test_a_csv_file_cut_short_is_told_of(
    tmp_path: Path, options: SocrataOptions, text: str, problem: str
) -> None:
    with pytest.raises(TruncatedFeedError, match=problem):
        from_csv(tmp_path, options, text)


def test_an_export_that_never_ends_with_a_newline_can_be_read(
    tmp_path: Path, options: SocrataOptions
) -> None:
    (row,) = from_csv(tmp_path, replace(options, final_newline=False), as_csv(ROW)[:-1])
    assert isinstance(row, SourceRow)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("<html>\nmoved\n</html>\n", "has no column 'actiontaken'"),
        (as_csv(ROW, header=[*HEADER[:10], "Expires", "ActionTaken"]), "has no column 'expirationdate'"),
        (as_csv(ROW, header=[*HEADER[:7], "Status", *HEADER[8:]]), "two columns of the same name"),
        (as_csv(ROW).encode("latin-1"), "no utf-8 text"),
    ],
)
def test_a_csv_file_of_another_form_is_told_of(
    tmp_path: Path, options: SocrataOptions, text: str | bytes, problem: str
) -> None:
    with pytest.raises(MalformedFeedError, match=problem):
        from_csv(tmp_path, options, text)


def test_a_renamed_json_column_is_told_of_before_anything_is_kept(
    tmp_path: Path, options: SocrataOptions
) -> None:
    renamed = as_json(ROW).replace(b'"status"', b'"credentialstatus"')
    with pytest.raises(MalformedFeedError, match="No row has the column 'status'"):
        parsed(tmp_path, options, renamed)


def test_a_json_column_that_never_comes_in_many_rows_is_told_of(
    tmp_path: Path, options: SocrataOptions
) -> None:
    def without_end(count: int) -> bytes:
        return as_json(*([f"RN{n}", *ROW[1:10], "", "No"] for n in range(count)))

    assert len(parsed(tmp_path, options, without_end(999))) == 999
    with pytest.raises(MalformedFeedError, match="No row has the column 'expirationdate'"):
        parsed(tmp_path, options, without_end(1000))


def test_memory_does_not_grow_with_the_file(tmp_path: Path, options: SocrataOptions) -> None:
    path = tmp_path / "many.csv"
    path.write_text(as_csv(*([f"RN{n}", *ROW[1:]] for n in range(50_000))))
    tracemalloc.start()
    try:
        count = sum(1 for _ in one_by_one(socrata_rows.parse([path], replace(options, export="csv"), LIMIT)))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 50_000
    assert peak < path.stat().st_size / 4


@pytest.mark.parametrize(
    "page",
    [b'{"message":"\xa9"}', b'{"message\xff":1}', b"[" * 200_000, b'{"a":' * 200_000, b"{}"],
    ids=["value", "key", "deep list", "deep object", "empty"],
)
def test_a_page_that_is_no_list_of_rows_gives_one_clear_error(
    tmp_path: Path, options: SocrataOptions, page: bytes
) -> None:
    with pytest.raises((MalformedFeedError, TruncatedFeedError)):
        parsed(tmp_path, options, page)
