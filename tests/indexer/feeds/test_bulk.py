from pathlib import Path
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from indexer.feeds import FeedUnavailableError, MalformedFeedError, Previous, TruncatedFeedError
from indexer.feeds.sources import FhirBulkSource
from registry.settings import Indexer
from tests.indexer.feeds.conftest import Fetch
from tests.indexer.feeds.source import Answer, Source

KICK_OFF, STATUS = "/fhir/Practitioner/$export", "/fhir/status/7"
LINES = b'{"resourceType":"Practitioner","id":"1"}\n{"resourceType":"Practitioner","id":"2"}\n'
NOW = {"Retry-After": "0"}


def manifest(source: Source, **changes: Any) -> Answer:  # noqa: ANN401 - members of a JSON document
    document = {
        "transactionTime": "2026-11-21T03:00:00.123+01:00",
        "request": source.url + KICK_OFF,
        "requiresAccessToken": False,
        "output": [{"type": "Practitioner", "url": source.url + "/files/1.ndjson", "count": 2}],
        "error": [],
    }
    return Answer(orjson.dumps(document | changes))


@pytest.fixture
def server(source: Source) -> Source:
    """A server that has an export ready after two polls."""
    source.gives(KICK_OFF, Answer(status=202, headers={"Content-Location": source.url + STATUS}))
    waiting = Answer(status=202, headers=NOW | {"X-Progress": "50 %"})
    source.gives(STATUS, waiting, waiting, manifest(source))
    source.gives("/files/1.ndjson", Answer(LINES))
    return source


def bulk(server: Source, **changes: Any) -> FhirBulkSource:  # noqa: ANN401 - as above
    return replace(FhirBulkSource(url=server.url + KICK_OFF + "?_type=Practitioner"), **changes)


def test_an_export_is_asked_for_waited_for_and_downloaded(fetched: Fetch, server: Source) -> None:
    result = fetched(bulk(server))
    assert [part.read_bytes() for part in result.parts] == [LINES]
    assert result.stamp == "2026-11-21T02:00:00Z"
    assert server.paths() == [KICK_OFF, STATUS, STATUS, STATUS, "/files/1.ndjson"]
    kick_off = server.asked[0]
    assert kick_off.headers["prefer"] == "respond-async"
    assert kick_off.headers["accept"] == "application/fhir+json"
    assert kick_off.query == {"_type": "Practitioner"}


def test_the_same_resources_in_a_new_export_are_not_modified(fetched: Fetch, server: Source) -> None:
    first = fetched(bulk(server))
    assert fetched(bulk(server), Previous(first.etag, first.digest)).not_modified


def test_only_files_of_practitioners_are_downloaded(fetched: Fetch, server: Source) -> None:
    output = [
        {"type": "Organization", "url": server.url + "/files/2.ndjson"},
        {"type": "Practitioner", "url": "../files/1.ndjson"},
    ]
    server.gives(STATUS, manifest(server, output=output))
    server.gives("/fhir/files/1.ndjson", Answer(LINES))
    assert [part.read_bytes() for part in fetched(bulk(server)).parts] == [LINES]
    assert "/files/2.ndjson" not in server.paths()


@pytest.mark.parametrize("required", [True, False])
def test_files_get_the_token_only_where_the_manifest_asks_for_it(
    fetched: Fetch, server: Source, tmp_path: Path, required: bool
) -> None:
    (tmp_path / "token").write_text("s3cret")
    server.gives(STATUS, manifest(server, requiresAccessToken=required))
    fetched(bulk(server, token_file=str(tmp_path / "token")))
    tokens = [asked.headers.get("authorization") for asked in server.asked]
    assert tokens == ["Bearer s3cret", "Bearer s3cret", "Bearer s3cret" if required else None]


def test_the_token_is_not_taken_to_another_server(fetched: Fetch, server: Source, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3cret")
    elsewhere = server.url.replace("127.0.0.1", "localhost") + STATUS
    server.gives(KICK_OFF, Answer(status=202, headers={"Content-Location": elsewhere}))
    with pytest.raises(FeedUnavailableError, match="with our token; it is not sent there"):
        fetched(bulk(server, token_file=str(tmp_path / "token")))
    assert server.paths() == [KICK_OFF]


def test_files_on_another_server_get_the_token_only_if_the_feed_file_says_so(
    fetched: Fetch, server: Source, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("s3cret")
    there = server.url.replace("127.0.0.1", "localhost")
    output = [{"type": "Practitioner", "url": there + "/files/1.ndjson"}]
    server.gives(STATUS, manifest(server, output=output, requiresAccessToken=True))
    source = bulk(server, token_file=str(tmp_path / "token"))
    with pytest.raises(FeedUnavailableError, match=r"name it in source\.token_origins"):
        fetched(source)
    assert "/files/1.ndjson" not in server.paths()
    assert fetched(replace(source, token_origins=(there,))).parts
    assert server.asked[-1].headers["authorization"] == "Bearer s3cret"
    server.gives(STATUS, manifest(server, output=output, requiresAccessToken=False))
    assert fetched(source).parts
    assert "authorization" not in server.asked[-1].headers


def test_a_server_that_asks_to_poll_more_slowly_is_obeyed(fetched: Fetch, server: Source) -> None:
    server.gives(STATUS, Answer(status=429, headers=NOW), manifest(server))
    assert fetched(bulk(server)).parts


def test_a_fault_while_waiting_is_tried_again(fetched: Fetch, server: Source) -> None:
    server.gives(STATUS, Answer(status=503), manifest(server))
    assert fetched(bulk(server)).parts


def test_an_export_that_never_gets_ready_ends_the_run(fetched: Fetch, server: Source) -> None:
    server.gives(STATUS, Answer(status=202))
    with pytest.raises(FeedUnavailableError, match="has not finished the export within 0 s"):
        fetched(bulk(server, max_wait_s=0.0, poll_s=1.0))


@pytest.mark.parametrize(
    "answer", [Answer(LINES), Answer(status=202), Answer(b"{}", headers={"Content-Location": "/x"})]
)
def test_a_server_that_does_not_start_an_export_is_told_of(
    fetched: Fetch, server: Source, answer: Answer
) -> None:
    server.gives(KICK_OFF, answer)
    with pytest.raises(FeedUnavailableError, match=r'source\.transport = "http"'):
        fetched(bulk(server))


@pytest.mark.parametrize("status", [401, 404, 500])
def test_a_refused_export_ends_the_run(fetched: Fetch, server: Source, status: int) -> None:
    server.gives(KICK_OFF, Answer(status=status))
    with pytest.raises(FeedUnavailableError, match=f"answers {status}"):
        fetched(bulk(server))


@pytest.mark.parametrize("body", [b"{}", b"[]", b"no json", b'{"transactionTime":"yesterday"}'])
def test_what_is_no_manifest_ends_the_run(fetched: Fetch, server: Source, body: bytes) -> None:
    server.gives(STATUS, Answer(body))
    with pytest.raises(MalformedFeedError, match="gives no manifest"):
        fetched(bulk(server))


def test_an_export_with_errors_is_refused_unless_accepted(fetched: Fetch, server: Source) -> None:
    error = [{"type": "OperationOutcome", "url": server.url + "/files/errors.ndjson"}]
    server.gives(STATUS, manifest(server, error=error))
    with pytest.raises(MalformedFeedError, match=r"source\.accept_errors = true"):
        fetched(bulk(server))
    assert fetched(bulk(server, accept_errors=True)).parts


def test_a_manifest_in_several_parts_is_refused(fetched: Fetch, server: Source) -> None:
    server.gives(STATUS, manifest(server, link=[{"relation": "next", "url": server.url + "/more"}]))
    with pytest.raises(MalformedFeedError, match="several parts"):
        fetched(bulk(server))


def test_a_file_with_fewer_resources_than_promised_is_refused(fetched: Fetch, server: Source) -> None:
    server.gives("/files/1.ndjson", Answer(LINES[:41]))
    with pytest.raises(TruncatedFeedError, match="gave 1 resources; the manifest says 2"):
        fetched(bulk(server))


def test_a_file_without_a_last_newline_is_whole(fetched: Fetch, server: Source) -> None:
    server.gives("/files/1.ndjson", Answer(LINES.rstrip()))
    assert fetched(bulk(server)).parts[0].read_bytes() == LINES.rstrip()


@pytest.mark.parametrize(
    "url", ["http://files.example/1", "http://[", "https://files.example:port/1", "ftp://x/1"]
)
def test_files_over_plain_http_elsewhere_are_refused(fetched: Fetch, server: Source, url: str) -> None:
    server.gives(STATUS, manifest(server, output=[{"type": "Practitioner", "url": url}]))
    with pytest.raises(FeedUnavailableError, match="must come over HTTPS"):
        fetched(bulk(server))


def test_pauses_are_taken_from_the_server_within_limits(
    fetched: Fetch, server: Source, settings: Indexer, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("indexer.feeds.bulk.time.sleep", pauses.append)
    waits = [Answer(status=202, headers={"Retry-After": text}) for text in ("7", "9999")]
    server.gives(STATUS, *waits, Answer(status=202), manifest(server))
    assert fetched(bulk(server, poll_s=3.0, max_retry_after_s=60.0), settings=settings).parts
    assert pauses == [7.0, 60.0, 3.0]


@pytest.mark.parametrize("answer", [b"<html>", b'{"output\xff":[]}', b"[" * 200_000, b'{"output":1}'])
def test_what_is_no_manifest_is_told_of(fetched: Fetch, server: Source, answer: bytes) -> None:
    server.gives(STATUS, Answer(answer))
    with pytest.raises(MalformedFeedError, match="no manifest of an export"):
        fetched(bulk(server))
