"""Whatever a FHIR server or a file gives: rows, bad rows or one clear error."""

from pathlib import Path

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from indexer.feeds import FeedError
from indexer.feeds.fhir_bundle import Kind, read_bundle, versions
from indexer.feeds.options import FhirOptions
from tests.indexer.feeds.fhir_answers import changed, deleted, history, match, outcome, page, practitioner
from tests.indexer.feeds.fuzzing import EXAMPLES, assert_holds, mutated

OPTIONS = FhirOptions(
    vocabulary="hosp",
    status_from="extension",
    status_extension=("outer", "status"),
    state_extension=("outer", "state"),
    identifier_systems={"NPI": "http://hl7.org/fhir/sid/us-npi"},
)
RICH = {
    "resourceType": "Practitioner",
    "id": "se-1",
    "meta": {"versionId": "3", "lastUpdated": "2024-05-01T12:00:00Z", "security": [None, {"code": "R"}]},
    "active": True,
    "identifier": [
        {"system": "urn:oid:1.2.752.129.2.1.3.1", "value": "198001019804"},
        {"use": "old", "system": "NPI", "value": 1679576722},
    ],
    "name": [{"use": "official", "family": "Öberg", "given": ["Åsa", None], "suffix": [None]}],
    "birthDate": "1980-01-01",
    "deceasedDateTime": "2026-01",
    "qualification": [
        {
            "identifier": [{"system": "urn:oid:1.2.752.116.3.1.1", "value": "123456", "state": "SE"}],
            "code": {"text": "Läkare", "coding": [None, {"system": "x", "code": "LK"}]},
            "period": {"start": "1999-01-01T00:00:00", "end": "9999"},
            "status": {"coding": [{"code": "active"}]},
            "extension": [{"url": "outer", "extension": [{"url": "status", "valueCode": "active"}]}],
            "modifierExtension": [],
        }
    ],
}
DELETIONS = {"resourceType": "Bundle", "type": "transaction", "entry": [deleted("Practitioner/1"), {}]}
NDJSON = b"\n".join(orjson.dumps(each) for each in (RICH, practitioner("2"), DELETIONS)) + b"\n"
SEARCHSET = page(match("1"), {"resource": RICH}, {"resource": outcome("warning")}, following="/r4", total=2)
HISTORY = history(
    changed("1", version="2", at="2024-05-01T12:00:00Z"), deleted("Practitioner/2/_history/3", etag='W/"3"')
)


@given(data=mutated(NDJSON, NDJSON.rstrip(), orjson.dumps(RICH, option=orjson.OPT_INDENT_2)))
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_give_rows_or_one_clear_error(tmp_path: Path, data: bytes) -> None:
    found = assert_holds("fhir-bulk-ndjson", OPTIONS, tmp_path, data)
    assert sum(found.values()) <= data.count(b"\n") + data.count(b"{") + 1


def test_what_the_fuzzing_starts_from_is_whole(tmp_path: Path) -> None:
    assert assert_holds("fhir-bulk-ndjson", OPTIONS, tmp_path, NDJSON) == {
        "rows": 2,
        "bad": 1,
        "gone": 1,
        "refused": 0,
    }


@given(
    kind=st.sampled_from(("searchset", "history")),
    data=mutated(
        SEARCHSET.body, HISTORY.body, orjson.dumps(orjson.loads(HISTORY.body), option=orjson.OPT_INDENT_2)
    ),
)
@settings(max_examples=EXAMPLES, deadline=None)
def test_any_page_gives_versions_or_one_clear_error(kind: Kind, data: bytes) -> None:
    try:
        bundle = read_bundle(data, kind, "the server")
        found = list(versions(bundle, kind, "the server"))
        assert isinstance(bundle.next_url(), str)
    except FeedError as refused:
        told = refused.detail
    else:
        for version in found:
            assert version.key or not version.deleted
            assert bool(version.line) is not version.deleted
            assert b"\n" not in version.line
            assert not version.is_newer_than(version)
        return
    assert told.startswith("the server"), "an error says where and what"
    assert "9804" not in told, "an error holds no personal identity number"
