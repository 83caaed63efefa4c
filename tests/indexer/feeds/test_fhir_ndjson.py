from pathlib import Path

import orjson
import pytest

from indexer.feeds import BadRow, GoneRow, Row, SourceRow, TruncatedFeedError, fhir_ndjson
from indexer.feeds.options import FhirOptions

LIMIT = 2000
ONE = b'{"resourceType":"Practitioner","id":"1","name":[{"family":"Doe"}]}\n'
TWO = ONE.replace(b'"1"', b'"2"')


def rows(folder: Path, *texts: bytes) -> list[Row]:
    parts = []
    for number, text in enumerate(texts):
        parts.append(folder / f"{number}.ndjson")
        parts[-1].write_bytes(text)
    return list(fhir_ndjson.parse(parts, FhirOptions(vocabulary="nucc"), LIMIT))


def said(found: list[Row]) -> list[tuple[int, str, bytes]]:
    return [(row.row, row.key, row.payload) for row in found if isinstance(row, SourceRow)]


def test_each_line_becomes_one_record_with_its_id_as_key(tmp_path: Path) -> None:
    one, two = rows(tmp_path, ONE + TWO)
    assert isinstance(one, SourceRow)
    assert (one.row, one.key, two.row, two.key) == (1, "1", 2, "2")
    assert orjson.loads(one.payload) == orjson.loads(ONE)


def test_order_of_members_and_space_change_no_record(tmp_path: Path) -> None:
    turned = b'{ "name": [{"family": "D\\u006fe"}], "id": "1", "resourceType": "Practitioner" }\r\n'
    assert said(rows(tmp_path, ONE)) == said(rows(tmp_path, turned))


def test_blank_lines_byte_order_marks_and_a_missing_last_newline_do_not_matter(tmp_path: Path) -> None:
    assert rows(tmp_path, ONE + TWO) == rows(tmp_path, b"\xef\xbb\xbf" + ONE + b"\n\r\n" + TWO.rstrip())


@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b"  \n", b""])
def test_a_record_has_the_same_bytes_whatever_ends_its_line(tmp_path: Path, ending: bytes) -> None:
    (row,) = rows(tmp_path, ONE.rstrip() + ending)
    assert isinstance(row, SourceRow)
    assert row.raw == ONE.rstrip()


def test_a_practitioner_role_is_no_record_though_it_names_a_practitioner(tmp_path: Path) -> None:
    role = b'{"resourceType":"PractitionerRole","id":"9","practitioner":{"reference":"Practitioner/1"}}\n'
    assert [row.key for row in rows(tmp_path, role + ONE)] == ["1"]


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


def bundle(*entries: object) -> bytes:
    return orjson.dumps({"resourceType": "Bundle", "type": "transaction", "entry": list(entries)}) + b"\n"


def deletion(reference: object) -> object:
    return {"request": {"method": "DELETE", "url": reference}}


@pytest.mark.parametrize(
    "reference", ["Practitioner/7", "Practitioner/7/_history/2", "https://fhir.example/r4/Practitioner/7"]
)
def test_a_deletion_in_a_bundle_says_that_a_record_is_gone(tmp_path: Path, reference: str) -> None:
    assert rows(tmp_path, ONE + bundle(deletion(reference)) + TWO)[1] == GoneRow(2, "7")


def test_every_entry_of_a_bundle_is_a_row(tmp_path: Path) -> None:
    one = {"resource": orjson.loads(ONE)}
    line = bundle(deletion("Practitioner/7"), one, {"resource": {"resourceType": "Organization", "id": "5"}})
    found = rows(tmp_path, line + TWO)
    assert [(row.row, row.key, type(row)) for row in found] == [
        (1, "7", GoneRow),
        (2, "1", SourceRow),
        (4, "2", SourceRow),
    ]
    assert said(found[1:2])[0][2] == said(rows(tmp_path, ONE))[0][2]


def test_deletions_of_other_resources_are_passed_over(tmp_path: Path) -> None:
    assert rows(tmp_path, bundle(deletion("PractitionerRole/7"), deletion("Patient/7"))) == []


@pytest.mark.parametrize(
    ("entry", "field"),
    [
        (deletion(None), "request.url"),
        (deletion(""), "request.url"),
        (deletion(7), "request.url"),
        (deletion("Practitioner/198001019804"), "request.url"),
        (None, "entry"),
        ({}, "entry"),
        ({"resource": None}, "entry"),
        ({"resource": {"resourceType": "Practitioner"}}, "id"),
    ],
)
def test_an_entry_that_can_not_be_read_is_a_bad_row(tmp_path: Path, entry: object, field: str) -> None:
    bad, good = rows(tmp_path, bundle(entry) + TWO)
    assert isinstance(bad, BadRow)
    assert (bad.row, bad.field, good.row, good.key) == (1, field, 2, "2")
    assert "9804" not in f"{bad.key}{bad.echo}"


@pytest.mark.parametrize("entry", [b"null", b"{}", b"[]", b"7"])
def test_a_bundle_without_entries_is_no_row(tmp_path: Path, entry: bytes) -> None:
    line = b'{"resourceType":"Bundle","type":"history","entry":' + entry + b"}\n"
    assert [(row.row, row.key) for row in rows(tmp_path, line + TWO)] == [(1, "2")]


def test_a_resource_that_the_server_cut_down_is_not_taken_for_all_it_knows(tmp_path: Path) -> None:
    tag = {"tag": [None, {"code": "OTHER"}, {"code": "SUBSETTED"}]}
    bad, good = rows(tmp_path, orjson.dumps(orjson.loads(ONE) | {"meta": tag}) + b"\n" + TWO)
    assert isinstance(bad, BadRow)
    assert (bad.key, bad.field, good.key) == ("1", "meta.tag", "2")


@pytest.mark.parametrize("meta", [None, [], {"tag": None}, {"tag": {}}, {"tag": [{"code": "OTHER"}]}])
def test_other_tags_take_nothing_away(tmp_path: Path, meta: object) -> None:
    (row,) = rows(tmp_path, orjson.dumps(orjson.loads(ONE) | {"meta": meta}))
    assert isinstance(row, SourceRow)


@pytest.mark.parametrize("key", ["198001019804", "19800101-9804", "197010632391"])
def test_a_personal_identity_number_never_becomes_a_key(tmp_path: Path, key: str) -> None:
    line = ONE.replace(b'"1"', f'"{key}"'.encode())
    for bad in rows(tmp_path, line + line[:-5] + b"\n" + line.replace(b"Doe", b"x" * LIMIT)):
        assert isinstance(bad, BadRow)
        assert (bad.key, bad.echo) == ("", "")


@pytest.mark.parametrize("key", ["1679576722", "198001019805", "19801301980", "201912345678"])
def test_other_numbers_are_keys(tmp_path: Path, key: str) -> None:
    assert [row.key for row in rows(tmp_path, ONE.replace(b'"1"', f'"{key}"'.encode()))] == [key]


@pytest.mark.parametrize("depth", [300, 2000])
def test_a_resource_nested_too_deep_is_a_bad_row(tmp_path: Path, depth: int) -> None:
    deep = ONE.replace(b"[{", b"[" * depth + b"{", 1).replace(b"}]", b"}" + b"]" * depth, 1)
    parts = [tmp_path / "deep.ndjson"]
    parts[0].write_bytes(deep + TWO)
    bad, good = fhir_ndjson.parse(parts, FhirOptions(vocabulary="nucc"), 100_000)
    assert isinstance(bad, BadRow)
    assert (bad.key, good.key) == ("1", "2")


def test_a_long_resource_is_no_deep_one(tmp_path: Path) -> None:
    wide = ONE.replace(b'{"family":"Doe"}', b",".join([b"{}"] * 300))
    (row,) = rows(tmp_path, wide)
    assert isinstance(row, SourceRow)
    assert orjson.loads(row.payload)["id"] == "1"
