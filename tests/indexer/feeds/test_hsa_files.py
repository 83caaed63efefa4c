"""Files of HSA answers, whole, cut, spoilt, and of any bytes."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings

from indexer.feeds import BadRow, GoneRow, MalformedFeedError, SourceRow, TruncatedFeedError
from indexer.feeds.hsa_credentials import HsaOptions
from tests.indexer.feeds import hsa_text as t
from tests.indexer.feeds.fuzzing import EXAMPLES, assert_holds, mutated
from tests.indexer.feeds.hsa_rows import FULL, OPTIONS, OTHER_NAMES, PROXY, line, record, refused, rows, soap


def test_files_of_many_people_are_read_in_every_form(tmp_path: Path) -> None:
    xml = t.envelope(
        t.response(), t.response(t.BO), t.response(t.BO, t.licence("SJ", "Sjuksköterska")), t.EMPTY
    )
    listed = json.dumps([t.answer(), t.answer(t.BO, healthCareProfessionalLicence=[]), {}])
    lines = f"\ufeff\n{json.dumps(t.answer())}\n\n{json.dumps(t.answer(t.BO))}"
    found = rows(tmp_path, xml, listed, lines, json.dumps(t.answer(t.BO), indent=2), "")
    assert [(type(row), row.row, row.key) for row in found] == [
        (SourceRow, 1, t.ANNA),
        (SourceRow, 2, t.BO),
        (SourceRow, 3, t.ANNA),
        (GoneRow, 4, t.BO),
        (SourceRow, 5, t.ANNA),
        (SourceRow, 6, t.BO),
        (SourceRow, 7, t.BO),
    ]
    assert len(record(found[1])["healthCareProfessionalLicence"]) == 2


def test_bad_answers_of_a_file_are_bad_rows(tmp_path: Path) -> None:
    listed = [t.answer("12"), t.answer(""), t.answer(feignedPerson="?"), t.answer(t.BO)]
    kinds = {(type(row), row.key) for row in rows(tmp_path, json.dumps(listed))}
    assert kinds == {(BadRow, ""), (BadRow, t.ANNA), (SourceRow, t.BO)}


def test_bad_lines_of_a_file_are_bad_rows_and_the_others_go_on(tmp_path: Path) -> None:
    text = (
        f'{json.dumps(t.answer())}\n{{"a": \n"text"\n{{"x": 1}}\n{"x" * 4000}\n{json.dumps(t.answer(t.BO))}\n'
    )
    first, cut, wrong, unknown, long, last = rows(tmp_path, text, limit=500)
    assert refused(cut) == ("", "", "the line is no JSON")
    assert refused(wrong) == ("", "", "no object where an answer belongs")
    assert refused(unknown)[2].startswith("nothing of an answer")
    assert refused(long) == ("", "", "the line is longer than 2000 bytes")
    assert [type(row) for row in (first, last)] == [SourceRow, SourceRow]


def test_a_record_above_the_limit_is_a_bad_row(tmp_path: Path) -> None:
    many = "".join(f"<r:educationCode>{code}</r:educationCode>" for code in range(100))
    (bad,) = rows(tmp_path, soap(t.response(inner=t.licence() + many)), limit=500)
    assert refused(bad) == ("", "", "the line is longer than 2000 bytes")
    (bad,) = rows(tmp_path, t.envelope(t.response(inner=t.licence() + many)), limit=500)
    assert refused(bad) == (t.ANNA, "", "the record is larger than 500 bytes")


def test_a_document_above_its_limit_is_refused_whole(tmp_path: Path) -> None:
    with pytest.raises(MalformedFeedError, match=r"larger than 50 bytes.*max_document_bytes"):
        rows(tmp_path, t.envelope(t.response()), options=HsaOptions(vocabulary="hsa", max_document_bytes=50))


@pytest.mark.parametrize(
    "whole",
    [
        t.envelope(t.response(inner=FULL)),
        json.dumps([t.answer(), t.answer(t.BO)], indent=1),
        json.dumps(t.answer(), indent=1),
        json.dumps(t.answer()) + "\n" + json.dumps(t.answer(t.BO)),
    ],
)
def test_a_document_cut_anywhere_is_told_of(tmp_path: Path, whole: str) -> None:
    data = whole.encode()
    for kept in range(60, len(data), 97):
        with pytest.raises(TruncatedFeedError, match="ends in the middle"):
            rows(tmp_path, data[:kept])


BOMB = "".join(f'<!ENTITY b{n} "{f"&b{n - 1};" * 10}">' for n in range(1, 10))


@pytest.mark.parametrize(
    ("doctype", "used"),
    [
        (f'<!DOCTYPE answer [<!ENTITY b0 "ha">{BOMB}]>', "&b9;"),
        ('<!DOCTYPE answer [<!ENTITY file SYSTEM "file:///etc/passwd">]>', "&file;"),
        ('<!DOCTYPE answer SYSTEM "http://127.0.0.1:1/evil.dtd">', "Läkare"),
        ("<!DOCTYPE answer>", "Läkare"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_and_doctypes_are_refused(tmp_path: Path, doctype: str, used: str, encoding: str) -> None:
    text = t.envelope(t.response()).replace("?>\n", f"?>\n{doctype}\n").replace("Läkare", used)
    with pytest.raises(MalformedFeedError, match="DOCTYPE"):
        rows(tmp_path, text.replace("UTF-8", encoding).encode(encoding))


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    for text in ("<html><body>Log in</body></html>", "personnummer;yrke\n", '"text"', t.FAULT):
        with pytest.raises(
            MalformedFeedError, match=r"must hold answers to GetHospCredentialsForPerson|fault"
        ):
            rows(tmp_path, text)


SPOOL = (
    soap(t.response(inner=FULL)) + line(t.BO, json=t.answer(t.BO)) + line(unanswered="status 503")
).encode()
SAMPLES = (
    SPOOL,
    t.envelope(t.response(inner=FULL), t.response(t.BO)).encode(),
    json.dumps([PROXY | {"personalIdentityNumber": t.ANNA}, t.answer(t.BO)]).encode(),
    json.dumps(OTHER_NAMES | {"personalIdentityNumber": t.ANNA}, indent=1).encode(),
)


@given(data=mutated(*SAMPLES))
@settings(max_examples=EXAMPLES, deadline=None)
def test_any_bytes_give_rows_quarantine_or_one_clear_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    found = assert_holds("hsa-credentials", OPTIONS, tmp_path_factory.getbasetemp(), data)
    assert found["refused"] in (0, 1)


@pytest.mark.parametrize("sample", SAMPLES)
def test_the_whole_samples_give_rows(tmp_path: Path, sample: bytes) -> None:
    found = assert_holds("hsa-credentials", OPTIONS, tmp_path, sample)
    assert found["rows"] >= 1
    assert found["refused"] == 0
