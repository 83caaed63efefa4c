import gzip
import hashlib
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from msgspec.structs import replace

from indexer.feeds import FeedTooLargeError, FeedUnavailableError, Previous, TruncatedFeedError, fetch
from indexer.feeds.download import TransientAnswerError, Web, retry_after, where
from indexer.feeds.sources import HttpSource
from registry.errors import SettingsError
from registry.settings import Indexer
from tests.indexer.feeds.conftest import Described, Fetch
from tests.indexer.feeds.source import Answer, Asked, Source

BODY = b"<register/>" * 1000


def test_a_document_is_spooled_with_its_stamp_and_etag(fetched: Fetch, source: Source) -> None:
    headers = {"ETag": '"v1"', "Last-Modified": "Sat, 21 Nov 2026 02:00:00 GMT"}
    result = fetched(HttpSource(url=source.gives("/feed", Answer(BODY, headers=headers))))
    assert [part.read_bytes() for part in result.parts] == [BODY]
    assert result.parts[0].stat().st_mode & 0o777 == 0o600
    assert result.stamp == "2026-11-21T02:00:00Z"
    seen = orjson.loads(result.etag)
    assert (seen["etag"], seen["modified"]) == ('"v1"', "Sat, 21 Nov 2026 02:00:00 GMT")
    assert result.digest == hashlib.sha256(BODY).hexdigest()
    assert not result.not_modified


def test_an_unchanged_document_is_not_sent_again(fetched: Fetch, source: Source) -> None:
    def answer(asked: Asked) -> Answer:
        same = asked.headers.get("if-none-match") == '"v1"'
        return Answer(status=304, length=False) if same else Answer(BODY, headers={"ETag": '"v1"'})

    source.routes["/feed"] = answer
    first = fetched(HttpSource(url=source.url + "/feed"))
    again = fetched(HttpSource(url=source.url + "/feed"), Previous(first.etag, first.digest))
    assert again.not_modified
    assert (again.parts, again.etag, again.digest) == ((), first.etag, first.digest)


def test_the_same_bytes_under_a_new_etag_are_not_modified(fetched: Fetch, source: Source) -> None:
    url = source.gives("/feed", Answer(BODY, headers={"ETag": '"v2"'}))
    result = fetched(HttpSource(url=url), Previous('"v1"', hashlib.sha256(BODY).hexdigest()))
    assert result.not_modified
    assert orjson.loads(result.etag)["etag"] == '"v2"'


def test_not_modified_without_having_been_asked_is_an_error(fetched: Fetch, source: Source) -> None:
    url = source.gives("/feed", Answer(status=304, length=False))
    with pytest.raises(FeedUnavailableError, match="answers 304"):
        fetched(HttpSource(url=url))


@pytest.mark.parametrize("status", [202, 204, 206, 400, 401, 403, 404, 410, 501])
def test_an_answer_that_is_not_the_whole_feed_is_an_error(
    fetched: Fetch, source: Source, status: int
) -> None:
    url = source.gives("/feed", Answer(BODY if status == 206 else b"", status=status))
    with pytest.raises(FeedUnavailableError, match=f"answers {status}"):
        fetched(HttpSource(url=url))
    assert len(source.asked) == 1


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_passing_fault_is_tried_again(fetched: Fetch, source: Source, status: int) -> None:
    url = source.gives("/feed", Answer(status=status), Answer(status=status), Answer(BODY))
    assert fetched(HttpSource(url=url)).parts[0].read_bytes() == BODY
    assert len(source.asked) == 3


def test_a_lasting_fault_ends_the_run_after_the_last_attempt(fetched: Fetch, source: Source) -> None:
    url = source.gives("/feed", Answer(status=503))
    with pytest.raises(FeedUnavailableError, match="answers 503, also after 3 attempts"):
        fetched(HttpSource(url=url))
    assert len(source.asked) == 3


def test_a_body_cut_short_is_tried_again_and_never_taken_as_whole(fetched: Fetch, source: Source) -> None:
    url = source.gives("/feed", Answer(BODY, cut=500), Answer(BODY))
    result = fetched(HttpSource(url=url))
    assert [part.read_bytes() for part in result.parts] == [BODY]
    assert result.digest == hashlib.sha256(BODY).hexdigest()


def test_a_body_always_cut_short_ends_the_run(fetched: Fetch, source: Source) -> None:
    url = source.gives("/feed", Answer(BODY, cut=500))
    with pytest.raises(FeedUnavailableError, match="can't be reached or broke off"):
        fetched(HttpSource(url=url))


def test_compressed_content_is_unpacked(fetched: Fetch, source: Source) -> None:
    url = source.gives("/feed", Answer(gzip.compress(BODY), headers={"Content-Encoding": "gzip"}))
    assert fetched(HttpSource(url=url)).parts[0].read_bytes() == BODY


def test_compressed_content_without_its_end_is_refused(fetched: Fetch, source: Source) -> None:
    """The length is right, the gzip stream in it is not: HTTP alone would take it for whole."""
    cut = gzip.compress(BODY)[:-4]
    url = source.gives("/feed", Answer(cut, headers={"Content-Encoding": "gzip"}))
    with pytest.raises(TruncatedFeedError, match="ends in the middle"):
        fetched(HttpSource(url=url))
    assert len(source.asked) == 3


@pytest.mark.parametrize("path", ["/feed", "/feed.gz"])
def test_a_gzip_document_is_unpacked(fetched: Fetch, source: Source, path: str) -> None:
    url = source.gives(path, Answer(gzip.compress(BODY), headers={"Content-Type": "application/gzip"}))
    result = fetched(HttpSource(url=url, unpack="gzip" if path == "/feed" else "auto"))
    assert result.parts[0].read_bytes() == BODY


def test_an_encoding_nobody_asked_for_is_refused(fetched: Fetch, source: Source) -> None:
    url = source.gives("/feed", Answer(BODY, headers={"Content-Encoding": "br"}))
    with pytest.raises(FeedUnavailableError, match="encoding 'br'"):
        fetched(HttpSource(url=url))


def test_a_feed_above_the_limit_is_refused(fetched: Fetch, source: Source, settings: Indexer) -> None:
    url = source.gives("/feed", Answer(BODY))
    with pytest.raises(FeedTooLargeError):
        fetched(HttpSource(url=url), settings=replace(settings, max_feed_bytes=len(BODY) - 1))
    assert fetched(HttpSource(url=url), settings=replace(settings, max_feed_bytes=len(BODY))).parts


def test_nobody_at_the_address_is_told_of(fetched: Fetch, source: Source, settings: Indexer) -> None:
    with pytest.raises(FeedUnavailableError, match="ConnectError"):
        fetched(HttpSource(url="http://127.0.0.1:1/feed"), settings=replace(settings, retries=0))


def test_a_token_is_read_from_its_file_and_sent(fetched: Fetch, source: Source, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3cret\n")
    url = source.gives("/feed", Answer(BODY))
    fetched(HttpSource(url=url, token_file=str(tmp_path / "token")))
    assert source.asked[0].headers["authorization"] == "Bearer s3cret"


@pytest.mark.parametrize(("text", "problem"), [(None, "can't be read"), (" \n", "is empty")])
def test_a_token_file_without_a_token_is_told_of(
    fetched: Fetch, source: Source, tmp_path: Path, text: str | None, problem: str
) -> None:
    if text is not None:
        (tmp_path / "token").write_text(text)
    with pytest.raises(SettingsError, match=problem):
        fetched(HttpSource(url=source.url, token_file=str(tmp_path / "token")))


def test_progress_grows_to_the_size_of_the_feed(
    feed: Described, settings: Indexer, source: Source, tmp_path: Path
) -> None:
    url = source.gives("/feed", Answer(b"x" * 300_000))
    told: list[int] = []
    fetch(feed("washington", HttpSource(url=url)), settings, tmp_path / "spool", None, told.append)
    assert told == sorted(told)
    assert told[-1] == 300_000


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "Sun, 22 Nov 2026 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Sun, 22 Nov 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Fri, 31 Dec 9999 23:59:59 -2359"}, None),
        ({"retry-after": "Mon, 99 Jan 99999 00:00:00 GMT"}, None),
        ({"retry-after": "-5"}, None),
    ],
)
def test_retry_after_is_read_as_seconds_or_date(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, datetime(2026, 11, 22, 12, 0, tzinfo=UTC)) == seconds


@pytest.mark.parametrize(("pause", "answer"), [(None, True), (7.0, 7.0), (300.0, 300.0), (301.0, False)])
def test_retry_after_is_honoured_up_to_its_limit(
    settings: Indexer, pause: float | None, answer: bool | float
) -> None:
    with Web(settings, 300.0, {}) as web:
        assert web._pause_after(TransientAnswerError("https://x.example/", 429, pause)) == answer
        assert web._pause_after(ValueError()) is False


def test_messages_hold_neither_query_nor_user() -> None:
    assert where("https://user:secret@x.example:8443/a/b?token=1#f") == "https://x.example:8443/a/b"
    assert where("https://x.example:secret/") == where("http://[secret") == "(no address)"
