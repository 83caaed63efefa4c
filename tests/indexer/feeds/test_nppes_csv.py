"""The NPPES files; each quirk that is known of them is a case."""

import csv
import io
from pathlib import Path

import orjson
import pytest

from indexer.feeds import BadRow, MalformedFeedError, SourceRow, TruncatedFeedError
from indexer.feeds.nppes_layout import NppesOptions
from indexer.sandbox.nppes import HEADER
from tests.indexer.feeds.nppes_text import (
    DEACTIVATED,
    ENTITY,
    FIRST,
    LAST,
    LIMIT,
    MIDDLE,
    NPIS,
    PERSON,
    REACTIVATED,
    line,
    quoted,
    read,
    read_one,
    slot,
    text,
)

EMPTIED = {"NPI": NPIS[0], DEACTIVATED: "09/13/2014"}
REPORT = ("NPI", "NPPES Deactivation Date")


def payload(row: SourceRow | BadRow) -> dict[str, str]:
    assert isinstance(row, SourceRow), row
    found: dict[str, str] = orjson.loads(row.payload)
    return found


def test_the_layout_of_version_2_has_330_columns_and_a_row_says_what_is_not_empty(tmp_path: Path) -> None:
    row = read_one(tmp_path, text({**PERSON, **slot(1, "163W00000X", "RN177251", "GA", "Y")}))
    assert len(HEADER) == 330
    assert row.key == NPIS[0]
    assert payload(row) == {
        "npi": NPIS[0],
        "entitytypecode": "1",
        "providerlastnamelegalname": "KETCHAM",
        "providerfirstname": "JENNIFER ANNE",
        "providermiddlename": "TENORIO",
        "healthcareprovidertaxonomycode1": "163W00000X",
        "providerlicensenumber1": "RN177251",
        "providerlicensenumberstatecode1": "GA",
        "healthcareproviderprimarytaxonomyswitch1": "Y",
    }


def test_organisations_are_counted_and_passed_over(tmp_path: Path) -> None:
    clinic = {"NPI": NPIS[1], ENTITY: "2", "Provider Organization Name (Legal Business Name)": "CLINIC LLC"}
    unsaid = {**clinic, ENTITY: "", DEACTIVATED: "01/01/2020"}
    rows = read(tmp_path, text(clinic, unsaid, PERSON))
    assert [(row.row, row.key) for row in rows] == [(3, NPIS[0])]


@pytest.mark.parametrize(
    "renamed",
    [
        ("Provider Sex Code", "Provider Gender Code"),
        ("Provider Last Name (Legal Name)", "Provider Last Name  (Legal-Name)"),
        ("NPI Deactivation Date", "NPI  Deactivation - Date"),
        ("Provider License Number_3", "Provider License Number 3"),
    ],
)
def test_a_header_that_is_written_otherwise_gives_the_same_records(
    tmp_path: Path, renamed: tuple[str, str]
) -> None:
    row = {**PERSON, **slot(3, "163W00000X", "1", "GA"), "Provider Sex Code": "F"}
    told = dict((renamed,))
    header = tuple(told.get(name, name) for name in HEADER)
    usual = read_one(tmp_path, text(row))
    other = read_one(
        tmp_path, text({told.get(name, name): value for name, value in row.items()}, header=header)
    )
    assert (other.payload, other.raw) == (usual.payload, usual.raw)


def test_the_order_of_columns_does_not_matter_but_is_never_read_with_the_meaning_of_another(
    tmp_path: Path,
) -> None:
    swapped = tuple({LAST: FIRST, FIRST: LAST}.get(name, name) for name in HEADER)
    usual, other = read_one(tmp_path, text(PERSON)), read_one(tmp_path, text(PERSON, header=swapped))
    assert other.payload == usual.payload
    assert other.raw != usual.raw
    turned = {**PERSON, LAST: PERSON[FIRST], FIRST: PERSON[LAST]}
    assert read_one(tmp_path, text(turned, header=swapped)).raw != usual.raw


def test_the_number_may_stand_in_any_column(tmp_path: Path) -> None:
    header = (*HEADER[2:], *HEADER[:2])
    row = read_one(tmp_path, text(PERSON, header=header))
    assert row.key == NPIS[0]
    assert row.payload == read_one(tmp_path, text(PERSON)).payload


def test_further_columns_are_allowed(tmp_path: Path) -> None:
    header = (*HEADER, "Provider Favourite Colour")
    assert payload(
        read_one(tmp_path, text({**PERSON, "Provider Favourite Colour": "blue"}, header=header))
    ) == {
        **payload(read_one(tmp_path, text(PERSON))),
        "providerfavouritecolour": "blue",
    }


@pytest.mark.parametrize(
    "lost", ["Provider License Number_15", "NPI Reactivation Date", "Provider First Name", "Replacement NPI"]
)
def test_a_file_without_a_needed_column_is_refused(tmp_path: Path, lost: str) -> None:
    header = tuple(name for name in HEADER if name != lost)
    with pytest.raises(MalformedFeedError, match="has no column '"):
        read(tmp_path, text(PERSON, header=header))


def test_a_column_that_stands_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MalformedFeedError, match="twice in its header"):
        read(tmp_path, text(PERSON, header=(*HEADER, "provider first name")))


@pytest.mark.parametrize("mask", ["$$$$$$$$$", "********", "_________", "<UNAVAIL>", "--", "  "])
def test_masked_numbers_are_empty(tmp_path: Path, mask: str) -> None:
    row = {**PERSON, **slot(1, "163W00000X", mask, "GA"), "Employer Identification Number (EIN)": mask}
    assert {"providerlicensenumber1", "employeridentificationnumberein"}.isdisjoint(
        payload(read_one(tmp_path, text(row)))
    )


def test_inner_double_quotes_come_as_single_ones(tmp_path: Path) -> None:
    assert payload(read_one(tmp_path, text({**PERSON, MIDDLE: "'BOB'"})))["providermiddlename"] == "'BOB'"


def as_csv(*rows: dict[str, str], quoting: int = csv.QUOTE_MINIMAL) -> str:
    """What another program makes of the same rows."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=quoting)  # type: ignore[arg-type]
    writer.writerow(HEADER)
    writer.writerows([row.get(name, "") for name in HEADER] for row in rows)
    return out.getvalue()


def test_a_file_whose_values_are_not_all_quoted_gives_the_same_records(tmp_path: Path) -> None:
    rows = (
        {**PERSON, MIDDLE: "A, B"},
        {**PERSON, "NPI": NPIS[1]},
        {"NPI": NPIS[2], DEACTIVATED: "01/02/2020"},
    )
    usual, other = read(tmp_path, text(*rows)), read(tmp_path, as_csv(*rows))
    assert [(row.key, payload(row)) for row in other] == [(row.key, payload(row)) for row in usual]
    assert [row.raw for row in other if isinstance(row, SourceRow)] == [
        row.raw for row in usual if isinstance(row, SourceRow)
    ]


def test_double_quotes_within_a_value_are_read_where_a_program_has_doubled_them(tmp_path: Path) -> None:
    row = read_one(tmp_path, as_csv({**PERSON, MIDDLE: 'ROBERT "BOB", JR'}, quoting=csv.QUOTE_ALL))
    assert payload(row)["providermiddlename"] == 'ROBERT "BOB", JR'
    other = read_one(tmp_path, as_csv({**PERSON, MIDDLE: 'ROBERT "BOB" JR'}, quoting=csv.QUOTE_ALL))
    assert row.raw != other.raw


def test_a_line_end_within_a_value_is_part_of_it(tmp_path: Path) -> None:
    rows = read(tmp_path, text({**PERSON, MIDDLE: "A\nB"}, {**PERSON, "NPI": NPIS[1]}))
    assert payload(rows[0])["providermiddlename"] == "A\nB"
    assert [(row.row, row.key) for row in rows] == [(1, NPIS[0]), (2, NPIS[1])]


def test_a_quote_that_is_never_closed_spoils_its_own_row_only(tmp_path: Path) -> None:
    broken = line(PERSON)[:-1]
    rows = read(
        tmp_path,
        f"{quoted(HEADER)}\n{broken}\n{line({**PERSON, 'NPI': NPIS[1]})}\n{line({**PERSON, 'NPI': NPIS[2]})}\n",
    )
    assert isinstance(rows[0], BadRow)
    assert (rows[0].row, rows[0].key) == (1, NPIS[0])
    assert "does not end" in rows[0].reason
    assert [row.key for row in rows[1:] if isinstance(row, SourceRow)] == [NPIS[1], NPIS[2]]


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda written: written + ',"more"', "330 columns were expected, 331 came"),
        (lambda written: written[:-3], "330 columns were expected, 329 came"),
        (lambda written: written + "x", "can't be split"),
        (lambda written: written.replace('"1"', '"3"', 1), "expected 1"),
        (lambda written: written.replace('"1"', '""', 1), "the column is empty"),
    ],
)
def test_a_row_that_can_t_be_read_is_told_of_with_its_number(
    tmp_path: Path, spoil: object, reason: str
) -> None:
    assert callable(spoil)
    rows = read(tmp_path, f"{quoted(HEADER)}\n{spoil(line(PERSON))}\n{line({**PERSON, 'NPI': NPIS[1]})}\n")
    bad = rows[0]
    assert isinstance(bad, BadRow)
    assert reason in bad.reason
    assert (bad.row, bad.key) == (1, NPIS[0])
    assert "KETCHAM" not in bad.echo
    assert isinstance(rows[1], SourceRow)


def test_a_row_without_a_number_is_told_of(tmp_path: Path) -> None:
    (bad,) = read(tmp_path, text({**PERSON, "NPI": ""}))
    assert isinstance(bad, BadRow)
    assert (bad.field, bad.key) == ("npi", "")


def test_an_empty_row_of_a_number_that_is_not_deactivated_is_told_of(tmp_path: Path) -> None:
    (bad,) = read(tmp_path, text({"NPI": NPIS[0]}))
    assert isinstance(bad, BadRow)
    assert "not deactivated" in bad.reason


def test_a_row_that_is_too_long_is_told_of_and_the_next_one_read(tmp_path: Path) -> None:
    for long in ("x" * LIMIT, "x\n" * LIMIT):
        rows = read(tmp_path, text({**PERSON, MIDDLE: long}, {**PERSON, "NPI": NPIS[1]}))
        assert isinstance(rows[0], BadRow)
        assert rows[0].key == NPIS[0]
        assert isinstance(rows[-1], SourceRow)
        assert rows[-1].key == NPIS[1]


def test_a_row_that_is_too_long_is_told_of_in_every_encoding(tmp_path: Path) -> None:
    written = text({**PERSON, MIDDLE: "x" * 3 * LIMIT}, {**PERSON, "NPI": NPIS[1]})
    bad, good = read(tmp_path, written.encode("utf-16"))
    assert isinstance(bad, BadRow)
    assert (bad.key, bad.reason) == (NPIS[0], f"the row is longer than {LIMIT} bytes")
    assert good.key == NPIS[1]


def test_blank_lines_are_no_rows(tmp_path: Path) -> None:
    assert read_one(tmp_path, f"{quoted(HEADER)}\n\n{line(PERSON)}\n\n").row == 1


def test_identical_and_conflicting_rows_of_one_number_both_come(tmp_path: Path) -> None:
    """Which of them counts is for the loader to say."""
    rows = read(tmp_path, text(PERSON, PERSON, {**PERSON, LAST: "OTHER"}))
    assert [row.key for row in rows] == [NPIS[0]] * 3
    raws = [row.raw for row in rows if isinstance(row, SourceRow)]
    assert raws[0] == raws[1] != raws[2]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_line_end_gives_the_same_records(tmp_path: Path, end: str) -> None:
    rows = read(tmp_path, text(PERSON, EMPTIED, end=end))
    assert [row.raw for row in rows if isinstance(row, SourceRow)] == [
        row.raw for row in read(tmp_path, text(PERSON, EMPTIED)) if isinstance(row, SourceRow)
    ]


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("utf-8-sig", "cp1252"),
        ("utf-16", "utf-8"),
        ("utf-16-be", "utf-16-be"),
        ("cp1252", "cp1252"),
    ],
)
def test_every_encoding_gives_the_same_records(tmp_path: Path, encoding: str, declared: str) -> None:
    written = text({**PERSON, LAST: "PEÑA"})
    options = NppesOptions(vocabulary="nucc", encoding=declared)  # type: ignore[arg-type]
    (row,) = read(tmp_path, written.encode(encoding), options=options)
    assert isinstance(row, SourceRow)
    assert row.raw == read_one(tmp_path, written).raw
    assert payload(row)["providerlastnamelegalname"] == "PEÑA"


def test_a_letter_of_another_encoding_spoils_its_row_only(tmp_path: Path) -> None:
    rows = read(tmp_path, text({**PERSON, LAST: "PEÑA"}, {**PERSON, "NPI": NPIS[1]}).encode("cp1252"))
    assert payload(rows[0])["providerlastnamelegalname"] == "PE\ufffdA"
    assert payload(rows[1])["providerlastnamelegalname"] == "KETCHAM"


def test_a_deactivated_number_is_emptied_and_the_report_says_the_same(tmp_path: Path) -> None:
    weekly = read_one(tmp_path, text({**EMPTIED, "Last Update Date": "09/14/2014"}))
    report = read_one(tmp_path, f"{quoted(REPORT)}\n{quoted((NPIS[0], '09/13/2014'))}\n")
    plain = read_one(tmp_path, f"NPI,NPPES Deactivation Date\n{NPIS[0]},9/13/2014\n")
    assert payload(weekly) == {"npi": NPIS[0], "npideactivationdate": "2014-09-13"}
    assert weekly.raw == report.raw == plain.raw
    assert weekly.key == report.key == plain.key


def test_an_emptied_row_keeps_what_tells_of_the_end(tmp_path: Path) -> None:
    row = {**EMPTIED, "Replacement NPI": NPIS[1], REACTIVATED: "01/02/2015"}
    assert payload(read_one(tmp_path, text(row))) == {
        "npi": NPIS[0],
        "npideactivationdate": "2014-09-13",
        "npireactivationdate": "2015-01-02",
        "replacementnpi": NPIS[1],
    }


def test_a_deactivated_row_that_still_names_the_person_is_kept_whole(tmp_path: Path) -> None:
    row = payload(read_one(tmp_path, text({**PERSON, ENTITY: "", DEACTIVATED: "09/13/2014"})))
    assert (row["providerlastnamelegalname"], row["npideactivationdate"]) == ("KETCHAM", "2014-09-13")


def test_a_file_cut_anywhere_is_truncated_or_lacks_whole_rows_only(tmp_path: Path) -> None:
    whole = text(PERSON, {**PERSON, "NPI": NPIS[1]}, {"NPI": NPIS[2], DEACTIVATED: "01/01/2020"})
    rows = read(tmp_path, whole)
    starts = [len(text()), len(text(PERSON)), len(text(PERSON, PERSON))]
    for cut in range(len(text()), len(whole), 37):
        expected = sum(cut >= start for start in starts[1:])
        try:
            found = read(tmp_path, whole[:cut])
        except TruncatedFeedError:
            continue
        assert cut in {*starts, *(start - 1 for start in starts)}
        assert [row.key for row in found] == [row.key for row in rows[:expected]]


@pytest.mark.parametrize("lost", [1, 2, 3, 4, 700])
def test_a_file_that_ends_within_its_last_row_is_refused(tmp_path: Path, lost: int) -> None:
    whole = text(PERSON, {**PERSON, "NPI": NPIS[1], "Certification Date": "01/02/2020"})
    if lost == 1:  # only the line end is gone
        assert len(read(tmp_path, whole[:-1])) == 2
        return
    with pytest.raises(TruncatedFeedError):
        read(tmp_path, whole[:-lost])


@pytest.mark.parametrize("last", ["01/02/20", "01/02/2020"])
def test_a_report_that_ends_without_a_line_end_may_be_cut(tmp_path: Path, last: str) -> None:
    with pytest.raises(TruncatedFeedError, match="may be cut"):
        read(tmp_path, f"NPI,NPPES Deactivation Date\n{NPIS[0]},{last}")


def test_rows_are_numbered_over_all_files(tmp_path: Path) -> None:
    rows = read(tmp_path, text(PERSON), text({**PERSON, "NPI": NPIS[1]}))
    assert [(row.row, row.key) for row in rows] == [(1, NPIS[0]), (2, NPIS[1])]


def test_the_payload_waits_until_it_is_asked_for(tmp_path: Path) -> None:
    row = read_one(tmp_path, text(PERSON))
    assert row.make is not None
    assert PERSON[LAST].encode() in row.raw
