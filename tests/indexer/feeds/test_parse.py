from pathlib import Path

import pytest
from msgspec.structs import replace

from indexer.feeds import FeedDescriptor, Fetched, MalformedFeedError, SourceRow, one_by_one, parse
from registry.settings import Indexer
from tests.indexer.feeds.conftest import Described
from tests.indexer.feeds.hosp_xml_text import document, person

NDJSON = b'{"resourceType":"Practitioner","id":"7"}\n'
JSON = b'[{"credentialnumber":"RN7","credentialtype":"Registered Nurse License","status":"Active","lastname":"Oberg"}]'


def fetched(path: Path, data: bytes) -> Fetched:
    path.write_bytes(data)
    return Fetched(parts=(path,), stamp=None, etag="", digest="", not_modified=False)


EACH = {
    "hosp": (document(person("7")).encode(), "7"),
    "washington": (JSON, "RN7"),
    "nppes-fhir": (NDJSON, "7"),
}


@pytest.mark.parametrize("name", EACH)
def test_each_format_is_read_by_its_own_parser(
    feed: Described, settings: Indexer, tmp_path: Path, name: str
) -> None:
    data, key = EACH[name]
    rows = list(one_by_one(parse(feed(name), fetched(tmp_path / "feed", data), settings)))
    assert [(type(row), row.key) for row in rows] == [(SourceRow, key)]


@pytest.mark.parametrize(
    ("name", "data"),
    [("hosp", document().encode()), ("washington", b"[]"), ("nppes-fhir", b""), ("nppes-fhir", b"\n")],
)
def test_a_snapshot_without_a_single_record_is_not_believed(
    feed: Described, settings: Indexer, tmp_path: Path, name: str, data: bytes
) -> None:
    with pytest.raises(MalformedFeedError, match="holds no record at all"):
        list(one_by_one(parse(feed(name), fetched(tmp_path / "feed", data), settings)))


def test_a_delta_may_be_empty(feed: Described, settings: Indexer, tmp_path: Path) -> None:
    delta: FeedDescriptor = replace(feed("nppes-fhir"), mode="delta")
    assert list(one_by_one(parse(delta, fetched(tmp_path / "feed", b""), settings))) == []
