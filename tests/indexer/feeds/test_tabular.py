import tracemalloc
from pathlib import Path

import orjson
import pytest

from indexer.feeds import BadRow, MalformedFeedError, SourceRow, TruncatedFeedError, tabular
from tests.indexer.feeds.lists import HEADER, LIMIT, OTHER, ROW, as_csv, options, parsed, records

RECORD = {
    "nummer": "0012345",
    "efternamn": "Öberg",
    "förnamn": "Åsa Märta",
    "titel": "Lärare",
    "status": "Giltig",
    "från": "2005-06-03",
    "till": "2027-12-31",
}


def only(rows: list[SourceRow | BadRow]) -> SourceRow | BadRow:
    (row,) = rows
    return row


def bad(rows: list[SourceRow | BadRow]) -> BadRow:
    found = [row for row in rows if isinstance(row, BadRow)]
    assert len(found) == 1, rows
    return found[0]


def test_a_row_becomes_one_record_with_what_it_says(tmp_path: Path) -> None:
    row = only(parsed(tmp_path, options(), as_csv(ROW)))
    assert isinstance(row, SourceRow)
    assert (row.row, row.key) == (1, "0012345")
    assert orjson.loads(row.payload) == RECORD


@pytest.mark.parametrize(
    ("codec", "declared"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("utf-8-sig", "cp1252"),
        ("utf-16", "utf-16"),
        ("utf-16", "utf-8"),
        ("utf-16-le", "utf-16-le"),
        ("cp1252", "cp1252"),
        ("iso-8859-1", "iso-8859-1"),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_every_encoding_and_line_end_gives_the_same_records(
    tmp_path: Path, codec: str, declared: str, newline: str
) -> None:
    plain = parsed(tmp_path, options(), as_csv(ROW, OTHER))
    data = as_csv(ROW, OTHER, newline=newline).encode(codec)
    found = parsed(tmp_path, options(encoding=declared), data)
    assert records(found) == records(plain)
    assert [row.raw for row in found if isinstance(row, SourceRow)] == [
        row.raw for row in plain if isinstance(row, SourceRow)
    ]


def test_the_wrong_encoding_is_told_of_and_not_guessed(tmp_path: Path) -> None:
    with pytest.raises(MalformedFeedError, match=r"no utf-8 text: byte \d+ .*options\.encoding"):
        parsed(tmp_path, options(), as_csv(ROW).encode("cp1252"))


@pytest.mark.parametrize(
    "header",
    [
        [name.upper() for name in HEADER],
        ["nummer ", "Efter-namn", "FÖRNAMN.", "titel:", "status*", " från", "Till\n"],
        ["Nummer", "Efternamn", "Fo\u0308rnamn", "Titel", "Status", "Fra\u030an", "Till"],
    ],
)
def test_case_spaces_and_punctuation_of_a_column_do_not_matter(tmp_path: Path, header: list[str]) -> None:
    assert records(parsed(tmp_path, options(), as_csv(ROW, header=header))) == records(
        parsed(tmp_path, options(), as_csv(ROW))
    )


def test_another_order_of_columns_is_the_same_record_but_read_anew(tmp_path: Path) -> None:
    plain, turned = (
        only(parsed(tmp_path, options(), as_csv(row, header=header)))
        for row, header in ((ROW, HEADER), (ROW[::-1], HEADER[::-1]))
    )
    assert isinstance(plain, SourceRow)
    assert isinstance(turned, SourceRow)
    assert (plain.key, plain.payload) == (turned.key, turned.payload)
    assert plain.raw != turned.raw


def test_the_same_fields_under_another_header_are_another_record(tmp_path: Path) -> None:
    swapped = [*HEADER[:5], "Till", "Från"]
    plain, other = (
        only(parsed(tmp_path, options(), as_csv(ROW, header=header))) for header in (HEADER, swapped)
    )
    assert isinstance(plain, SourceRow)
    assert isinstance(other, SourceRow)
    assert plain.raw[8:] == other.raw[8:]
    assert plain.raw != other.raw
    assert orjson.loads(other.payload)["till"] == "2005-06-03"


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_delimiter_is_found_by_the_header(tmp_path: Path, delimiter: str) -> None:
    found = parsed(tmp_path, options(delimiter="auto"), as_csv(ROW, OTHER, delimiter=delimiter))
    assert records(found) == records(parsed(tmp_path, options(), as_csv(ROW, OTHER)))


def test_a_list_of_one_column_needs_no_delimiter(tmp_path: Path) -> None:
    alone = options(
        {"family": "Nummer", "given": "", "profession": "", "status": "", "valid_from": "", "valid_to": ""},
        profession="Lärare",
        status="Giltig",
        delimiter="auto",
    )
    assert only(parsed(tmp_path, alone, "Nummer\n7\n")).key == "7"


def test_titles_above_the_header_are_skipped_where_the_feed_file_allows_it(tmp_path: Path) -> None:
    text = 'Legitimerade lärare\n\n"Uttag; 2026-11-22"\n' + as_csv(ROW)
    assert records(parsed(tmp_path, options(header_within=3), text)) == records(
        parsed(tmp_path, options(), as_csv(ROW))
    )
    with pytest.raises(MalformedFeedError, match="no header in one of the first 2 rows"):
        parsed(tmp_path, options(header_within=2), text)


@pytest.mark.parametrize("delimiter", [";", "auto"])
def test_a_renamed_column_is_told_of_with_what_was_found(tmp_path: Path, delimiter: str) -> None:
    header = [*HEADER[:6], "Giltig till"]
    with pytest.raises(MalformedFeedError) as caught:
        parsed(tmp_path, options(delimiter=delimiter), as_csv(ROW, header=header))
    assert "no column 'Till'" in caught.value.detail
    assert all(repr(name) in caught.value.detail for name in header)


def test_a_renamed_column_can_be_told_in_the_feed_file_and_changes_no_record(tmp_path: Path) -> None:
    renamed = as_csv(ROW, header=[*HEADER[:6], "Giltig t.o.m."])
    known = options(also_called={"Till": ["Giltig till", "Giltig t o m"]})
    assert records(parsed(tmp_path, known, renamed)) == records(parsed(tmp_path, known, as_csv(ROW)))


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    text = as_csv([*ROW, "2030-01-01"], header=[*HEADER, "TILL "])
    with pytest.raises(MalformedFeedError, match=r"two columns that are called 'till'.*'TILL'"):
        parsed(tmp_path, options(), text)


@pytest.mark.parametrize("text", ["<html>\nmoved\n</html>\n", as_csv(ROW).partition("\n")[2], "\n"])
def test_without_a_header_nobody_s_record_is_told(tmp_path: Path, text: str) -> None:
    with pytest.raises(MalformedFeedError) as caught:
        parsed(tmp_path, options(), text)
    assert "has no header" in caught.value.detail
    assert "Öberg" not in caught.value.detail


def test_a_column_may_be_missing_where_the_feed_file_says_so(tmp_path: Path) -> None:
    row = only(
        parsed(tmp_path, options(may_lack=["Från"]), as_csv([*ROW[:5], ROW[6]], header=[*HEADER[:5], "Till"]))
    )
    assert isinstance(row, SourceRow)
    assert "från" not in orjson.loads(row.payload)


def test_columns_that_are_left_out_are_neither_kept_nor_compared(tmp_path: Path) -> None:
    left_out = options(leave_out=["Uttagen"])
    one, two = (
        only(parsed(tmp_path, left_out, as_csv([*ROW, day], header=[*HEADER, "Uttagen"])))
        for day in ("2026-11-21", "2026-11-22")
    )
    assert isinstance(one, SourceRow)
    assert isinstance(two, SourceRow)
    assert (one.raw, one.payload) == (two.raw, two.payload)
    assert orjson.loads(one.payload) == RECORD


def test_columns_that_nobody_mapped_are_kept(tmp_path: Path) -> None:
    row = only(parsed(tmp_path, options(), as_csv([*ROW, " Umeå "], header=[*HEADER, "Ort"])))
    assert isinstance(row, SourceRow)
    assert orjson.loads(row.payload) == RECORD | {"ort": "Umeå"}


def test_a_value_in_a_column_without_a_name_is_a_bad_row(tmp_path: Path) -> None:
    rows = parsed(tmp_path, options(), as_csv([*ROW, " "], [*OTHER, "x"], header=[*HEADER, ""]))
    assert isinstance(rows[0], SourceRow)
    assert "without a name" in bad(rows).reason
    assert bad(rows).key == OTHER[0]


@pytest.mark.parametrize("word", ["NA", "N/A", "-", "null", "None"])
def test_no_word_is_empty_unless_the_feed_file_says_so(tmp_path: Path, word: str) -> None:
    text = as_csv([*ROW[:3], word, *ROW[4:]])
    kept, dropped = (only(parsed(tmp_path, options(empty=words), text)) for words in ((), (word,)))
    assert isinstance(kept, SourceRow)
    assert isinstance(dropped, SourceRow)
    assert orjson.loads(kept.payload)["titel"] == word
    assert "titel" not in orjson.loads(dropped.payload)


def test_a_row_without_its_key_is_a_bad_row_and_the_others_go_on(tmp_path: Path) -> None:
    found = parsed(tmp_path, options(empty=["-"]), as_csv(["-", *ROW[1:]], OTHER))
    assert (bad(found).row, bad(found).key, bad(found).field) == (1, "", "Nummer")
    assert isinstance(found[1], SourceRow)


@pytest.mark.parametrize(
    ("line", "key"),
    [(";".join(ROW[:6]), ROW[0]), (";".join([*ROW, "x"]), ROW[0])],
)
def test_a_row_of_another_width_is_a_bad_row(tmp_path: Path, line: str, key: str) -> None:
    found = parsed(tmp_path, options(), f"{as_csv(OTHER)}{line}\n{as_csv(OTHER).splitlines()[1]}\n")
    assert (bad(found).row, bad(found).key) == (2, key)
    assert "7 columns were expected" in bad(found).reason
    assert len(found) == 3


@pytest.mark.parametrize("text", ["x\x1fy", "x\0y", "x" * LIMIT])
def test_a_row_with_control_characters_or_too_much_is_a_bad_row(tmp_path: Path, text: str) -> None:
    # A text without zero bytes in its first 64 kB, beyond which the file is not looked at.
    filler = [[f"{n}", "x" * 5000, *ROW[2:]] for n in range(15)]
    found = parsed(tmp_path, options(), as_csv(*filler, [ROW[0], text, *ROW[2:]], OTHER))
    assert (bad(found).row, bad(found).key) == (16, ROW[0] if len(text) < LIMIT else "")
    assert isinstance(found[-1], SourceRow)


def test_several_columns_make_a_key_that_can_not_be_mistaken(tmp_path: Path) -> None:
    both = options(key=["Nummer", "Titel"])
    rows = [["a|b", *ROW[1:3], "c", *ROW[4:]], ["a", *ROW[1:3], "b|c", *ROW[4:]]]
    keys = [row.key for row in parsed(tmp_path, both, as_csv(*rows))]
    assert keys == ["a||b|c", "a|b||c"]
    assert bad(parsed(tmp_path, both, as_csv([ROW[0], *ROW[1:3], "", *ROW[4:]]))).field == "Titel"


@pytest.mark.parametrize(
    ("number", "key"),
    [
        ("19800101-9804", "198001019804"),
        ("198001019804", "198001019804"),
        (" 19800101 9804 ", "198001019804"),
        ("800101-9804", "198001019804"),
        ("800101+9804", "188001019804"),
        ("not a number", "notanumber"),
    ],
)
def test_a_personal_number_makes_the_same_key_however_it_is_written(
    tmp_path: Path, number: str, key: str
) -> None:
    personal = options({"personal_number": "Nummer"}, ten_digits_from=1930)
    assert personal.personal_keys
    assert only(parsed(tmp_path, personal, as_csv([number, *ROW[1:]]))).key == key


def test_a_bad_row_of_a_list_with_personal_numbers_tells_no_more_than_it_must(tmp_path: Path) -> None:
    personal = options({"personal_number": "Pnr"}, key=["Pnr"])
    header = ["Pnr", *HEADER]
    found = parsed(tmp_path, personal, as_csv(["", *ROW], ["19800101-9804", *ROW, "x"], header=header))
    assert [row.echo for row in found if isinstance(row, BadRow)] == ["0012345 Lärare Giltig", ""]


@pytest.mark.parametrize(("mark", "hidden"), [("Ja", True), ("x", True), ("Nej", False), ("", False)])
@pytest.mark.parametrize(
    ("start", "end"),
    [
        (["", *ROW[1:]], []),
        ([ROW[0], "x\x1fy", *ROW[2:]], []),
        (ROW, ["one more"]),
    ],
)
def test_a_bad_row_of_a_protected_person_is_handed_on_to_hide_them(
    tmp_path: Path, start: list[str], end: list[str], mark: str, hidden: bool
) -> None:
    marked = options({"protected": "Skyddad", "personal_number": "Pnr"}, may_lack=["Från"])
    header = [*HEADER, "Skyddad", "Pnr"]
    row = bad(parsed(tmp_path, marked, as_csv([*start, mark, "19800101-9804", *end], header=header)))
    assert bool(row.protected) is hidden
    if hidden:
        assert orjson.loads(row.protected)["pnr"] == "19800101-9804"
        assert row.echo == ""


def test_a_row_of_totals_ends_the_list(tmp_path: Path) -> None:
    total = options(totals=["Totalt", "Summa"])
    text = as_csv(ROW, OTHER) + "\nTotalt: 2\n;;;;;;\nKälla Skolverket\n;x;;;;;\n"
    assert len(records(parsed(tmp_path, total, text))) == 2
    with pytest.raises(MalformedFeedError, match="records after the row that ends the list"):
        parsed(tmp_path, total, text + as_csv(ROW).splitlines()[1] + "\n")
    assert isinstance(parsed(tmp_path, options(), text)[2], BadRow)


def test_rows_are_counted_over_all_files(tmp_path: Path) -> None:
    found = parsed(tmp_path, options(), as_csv(ROW), as_csv(OTHER[::-1], header=HEADER[::-1]))
    assert [(row.row, row.key) for row in found] == [(1, ROW[0]), (2, OTHER[0])]


@pytest.mark.parametrize("codec", ["utf-8", "utf-16", "cp1252"])
def test_a_file_that_does_not_end_with_a_newline_is_cut_short(tmp_path: Path, codec: str) -> None:
    data, declared = as_csv(ROW)[:-1].encode(codec), "cp1252" if codec == "cp1252" else "utf-8"
    with pytest.raises(TruncatedFeedError, match=r"options\.final_newline = false"):
        parsed(tmp_path, options(encoding=declared), data)
    assert len(records(parsed(tmp_path, options(encoding=declared, final_newline=False), data))) == 1


def test_garbled_letters_in_the_header_point_to_the_encoding(tmp_path: Path) -> None:
    with pytest.raises(MalformedFeedError, match=r"letters are garbled: see options\.encoding"):
        parsed(tmp_path, options(encoding="cp1252"), as_csv(ROW))


def test_a_quoted_value_may_hold_delimiters_quotes_and_line_ends(tmp_path: Path) -> None:
    name = 'Öberg; "Åsa"\nJr'
    row = only(parsed(tmp_path, options(), as_csv([ROW[0], name, *ROW[2:]])))
    assert isinstance(row, SourceRow)
    assert orjson.loads(row.payload)["efternamn"] == name


def test_quotes_are_letters_where_values_are_never_quoted(tmp_path: Path) -> None:
    text = ";".join(HEADER) + "\n" + ";".join([ROW[0], '"Öberg', *ROW[2:]]) + "\n"
    row = only(parsed(tmp_path, options(quotechar=""), text))
    assert isinstance(row, SourceRow)
    assert orjson.loads(row.payload)["efternamn"] == '"Öberg'


def lines(*rows: str) -> str:
    return "\n".join([";".join(HEADER), *rows, ""])


GOOD = [f"{n};Lind;Bo;Lärare;Giltig;2010-01-01;" for n in range(6)]


@pytest.mark.parametrize(
    "rows",
    [
        # Up to the next quote, which then stands where none may.
        [GOOD[0], '1;"Lind;Bo;Lärare;Giltig;2010-01-01;', GOOD[2], '3;"Berg";Bo;Lärare;Giltig;2010-01-01;'],
        # In the last column, and closed by a quote at the end of a later line: the row has the right width.
        [GOOD[0], '1;Lind;Bo;Lärare;Giltig;2010-01-01;"x', GOOD[2], GOOD[3] + '"', GOOD[4]],
        # Longer than the reader keeps.
        [GOOD[0], '1;"' + "\n".join(GOOD * 800), GOOD[2]],
    ],
)
def test_a_quote_that_is_not_closed_never_swallows_records_unseen(tmp_path: Path, rows: list[str]) -> None:
    with pytest.raises(MalformedFeedError, match="a quote in line 3 that is not closed"):
        parsed(tmp_path, options(), lines(*rows))


def test_a_quote_that_is_not_closed_before_the_end_is_a_file_cut_short(tmp_path: Path) -> None:
    with pytest.raises(TruncatedFeedError, match="inside a quoted value"):
        parsed(tmp_path, options(), lines(GOOD[0], '1;"Lind;Bo'))


def test_a_stray_quote_within_one_line_is_a_bad_row(tmp_path: Path) -> None:
    found = parsed(tmp_path, options(), lines(GOOD[0], '1;"Lind"x;Bo;Lärare;Giltig;2010-01-01;', GOOD[2]))
    assert "can't be split" in bad(found).reason
    assert [row.key for row in found] == ["0", "", "2"]


def test_pieces_of_an_endless_line_are_never_records(tmp_path: Path) -> None:
    # Cut at the limit, the pieces look like rows of the right width.
    filler = ";".join("x" * (LIMIT // 7 - 1) for _ in range(7)) + ";"
    found = parsed(tmp_path, options(), lines(GOOD[0], filler * 4, GOOD[2]))
    assert [row.key for row in found if isinstance(row, SourceRow)] == ["0", "2"]
    assert bad(found).reason == "a line is longer than a record may be"


def test_a_workbook_in_place_of_csv_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(MalformedFeedError, match=r'options\.form = "xlsx"'):
        parsed(tmp_path, options(), b"PK\x03\x04" + b"\0" * 100)


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "many.csv"
    path.write_text(as_csv(*([f"{n:07}", *ROW[1:]] for n in range(20_000))), "utf-8")
    tracemalloc.start()
    try:
        count = sum(1 for _ in tabular.parse([path], options(), LIMIT))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 20_000
    assert peak < path.stat().st_size / 4
