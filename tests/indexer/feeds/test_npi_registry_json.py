from pathlib import Path
from typing import Any

import orjson
import pytest

from indexer.feeds import BadRow, MalformedFeedError, SourceRow, TruncatedFeedError
from indexer.feeds.npi_registry_json import parse
from indexer.feeds.nppes_layout import NpiOptions

OPTIONS = NpiOptions(vocabulary="nucc")
LIMIT = 65_536
PERSON: dict[str, Any] = {"enumeration_type": "NPI-1", "number": 1003142399, "basic": {"status": "A"}}


def read(folder: Path, *lines: object, end: bytes = b"\n") -> list[SourceRow | BadRow]:
    part = folder / "feed.ndjson"
    written = [line if isinstance(line, bytes) else orjson.dumps(line) for line in lines]
    part.write_bytes(b"\n".join(written) + end)
    return list(parse([part], OPTIONS, LIMIT))


@pytest.mark.parametrize("number", [1003142399, "1003142399", " 1003142399 "])
def test_numbers_are_text_whether_json_says_so_or_not(tmp_path: Path, number: object) -> None:
    (row,) = read(tmp_path, {**PERSON, "number": number, "created_epoch": 1256083200})
    assert isinstance(row, SourceRow)
    assert row.key == "1003142399"
    assert orjson.loads(row.payload) == {
        **PERSON,
        "number": "1003142399",
        "created_epoch": "1256083200",
    }


def test_empty_values_say_nothing_and_the_order_of_keys_does_not_matter(tmp_path: Path) -> None:
    full = {"taxonomies": [{"state": None, "license": "", "primary": False}, {}], "other_names": [], **PERSON}
    one, two = read(tmp_path, full, {**PERSON, "taxonomies": [{"primary": False}]})
    assert isinstance(one, SourceRow)
    assert isinstance(two, SourceRow)
    assert one.payload == two.payload


def test_organisations_are_counted_and_passed_over(tmp_path: Path) -> None:
    rows = read(tmp_path, {**PERSON, "enumeration_type": "NPI-2"}, b"", PERSON)
    assert [(row.row, row.key) for row in rows] == [(2, "1003142399")]


@pytest.mark.parametrize(
    ("line", "key", "reason"),
    [
        (b"{", "", "no JSON"),
        (b"[]", "", "no result"),
        (b"7", "", "no result"),
        ({**PERSON, "number": None}, "", "has no NPI"),
        ({**PERSON, "number": True}, "", "has no NPI"),
        ({**PERSON, "number": [1]}, "", "has no NPI"),
        ({**PERSON, "enumeration_type": "NPI-3"}, "1003142399", "expected NPI-1 or NPI-2"),
        ({"number": 1003142399}, "1003142399", "expected NPI-1 or NPI-2"),
        (b" " * LIMIT + b"{}", "", "longer than"),
    ],
)
def test_a_line_that_can_t_be_read_is_told_of(tmp_path: Path, line: object, key: str, reason: str) -> None:
    rows = read(tmp_path, line, PERSON)
    bad = rows[0]
    assert isinstance(bad, BadRow)
    assert (bad.row, bad.key) == (1, key)
    assert reason in bad.reason
    assert isinstance(rows[1], SourceRow)


def test_a_file_that_ends_within_a_line_is_truncated(tmp_path: Path) -> None:
    with pytest.raises(TruncatedFeedError):
        read(tmp_path, PERSON, orjson.dumps(PERSON)[:-5], end=b"")
    assert len(read(tmp_path, PERSON, end=b"")) == 1


@pytest.mark.parametrize("answer", [{"result_count": 0, "results": []}, {"Errors": [{"number": "04"}]}])
def test_whole_answers_are_refused(tmp_path: Path, answer: object) -> None:
    with pytest.raises(MalformedFeedError, match="whole answers"):
        read(tmp_path, answer)


def test_what_is_nested_deeper_than_any_result_is_left_out(tmp_path: Path) -> None:
    line = orjson.dumps(PERSON)[:-1] + b',"deep":' + b"[" * 300 + b"1" + b"]" * 300 + b"}"
    (row,) = read(tmp_path, line)
    assert isinstance(row, SourceRow)
    assert "deep" not in orjson.loads(row.payload)
