from pathlib import Path

import orjson
import pytest

from indexer.feeds import BadRow, SourceRow, TruncatedFeedError, fhir_ndjson

LIMIT = 2000
ONE = b'{"resourceType":"Practitioner","id":"1","name":[{"family":"Doe"}]}\n'
TWO = ONE.replace(b'"1"', b'"2"')


def rows(folder: Path, *texts: bytes) -> list[SourceRow | BadRow]:
    parts = []
    for number, text in enumerate(texts):
        parts.append(folder / f"{number}.ndjson")
        parts[-1].write_bytes(text)
    return list(fhir_ndjson.parse(parts, LIMIT))


def test_each_line_becomes_one_record_with_its_id_as_key(tmp_path: Path) -> None:
    one, two = rows(tmp_path, ONE + TWO)
    assert isinstance(one, SourceRow)
    assert (one.row, one.key, two.row, two.key) == (1, "1", 2, "2")
    assert orjson.loads(one.payload) == orjson.loads(ONE)


def test_order_of_members_and_space_change_no_record(tmp_path: Path) -> None:
    turned = b'{ "name": [{"family": "D\\u006fe"}], "id": "1", "resourceType": "Practitioner" }\r\n'
    assert rows(tmp_path, ONE) == rows(tmp_path, turned)


def test_blank_lines_byte_order_marks_and_a_missing_last_newline_do_not_matter(tmp_path: Path) -> None:
    assert rows(tmp_path, ONE + TWO) == rows(tmp_path, b"\xef\xbb\xbf" + ONE + b"\n\r\n" + TWO.rstrip())


def test_rows_are_counted_over_files_and_other_resources_passed_over(tmp_path: Path) -> None:
    organization = ONE.replace(b"Practitioner", b"Organization")
    found = rows(tmp_path, organization + ONE, TWO)
    assert [(row.row, row.key) for row in found] == [(2, "1"), (3, "2")]


@pytest.mark.parametrize(
    ("line", "field", "reason"),
    [
        (b'{"resourceType":"Practitioner","id"', "", "the line is no JSON"),
        (b"\xff\xfe", "", "the line is no JSON"),
        (b"[]", "", "the line is no resource"),
        (b'{"id":"1"}', "resourceType", "does not say what it is"),
        (b'{"resourceType":7,"id":"1"}', "resourceType", "does not say what it is"),
        (b'{"resourceType":"Practitioner"}', "id", "has no id"),
        (b'{"resourceType":"Practitioner","id":7}', "id", "has no id"),
        (
            b'{"id":"1","resourceType":"Practitioner","x":"' + b"x" * LIMIT + b'"}',
            "",
            "longer than 2000 bytes",
        ),
    ],
)
def test_a_bad_line_is_a_bad_row_and_the_others_go_on(
    tmp_path: Path, line: bytes, field: str, reason: str
) -> None:
    bad, good = rows(tmp_path, line + b"\n" + TWO)
    assert isinstance(bad, BadRow)
    assert (bad.row, bad.key, bad.field) == (1, "", field)
    assert reason in bad.reason
    assert (good.row, good.key) == (2, "2")


def test_a_line_that_is_no_json_is_known_by_its_beginning_and_so_not_taken_for_removed(
    tmp_path: Path,
) -> None:
    cut = b'{"resourceType":"Practitioner","id":"a-1","name":[{"family":"Secret"}],"identifier":"198001019804"\n'
    long = b'{"resourceType":"Practitioner","id":"a-2","x":"' + b"x" * LIMIT + b'"}\n'
    broken, oversized = rows(tmp_path, cut + long)
    assert isinstance(broken, BadRow)
    assert (broken.key, broken.echo, oversized.key) == ("a-1", "Practitioner a-1", "a-2")


def test_an_echo_holds_neither_name_nor_personal_number(tmp_path: Path) -> None:
    line = {
        "resourceType": "Practitioner",
        "name": [{"family": "Secret"}],
        "identifier": [{"value": "198001019804"}],
        "qualification": [{"code": {"text": "Nurse 19800101-9804"}}],
    }
    (bad,) = rows(tmp_path, orjson.dumps(line) + b"\n")
    assert isinstance(bad, BadRow)
    assert "Nurse" in bad.echo
    assert "9804" not in bad.echo
    assert "Secret" not in bad.echo


@pytest.mark.parametrize("cut", [2, 20, 60])
def test_a_last_line_cut_short_is_told_of(tmp_path: Path, cut: int) -> None:
    with pytest.raises(TruncatedFeedError, match="ends in the middle of a line"):
        rows(tmp_path, ONE + TWO[:-cut])


def test_a_last_line_cut_short_is_told_of_in_every_file(tmp_path: Path) -> None:
    with pytest.raises(TruncatedFeedError, match=r"0\.ndjson"):
        rows(tmp_path, ONE[:-5], TWO)
