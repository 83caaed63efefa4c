"""What an HTTP source may do to us: web pages for data, redirects, bombs, slowness; and who gets our credentials."""

import gzip
import io
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from indexer.feeds import FeedTooLargeError, FeedUnavailableError, MalformedFeedError
from indexer.feeds.download import TransientAnswerError, Web, body
from indexer.feeds.sources import HttpSource
from registry.errors import SettingsError
from registry.settings import Indexer
from tests.indexer.feeds.conftest import Fetch
from tests.indexer.feeds.source import Answer, Source, running

BODY = b"<register/>" * 1000
PAGE = b"<!DOCTYPE html><html><title>Log in</title></html>"


@pytest.fixture
def elsewhere() -> Iterator[Source]:
    """Another server, and so another origin."""
    with running() as server:
        yield server


def test_a_login_page_with_status_200_is_no_feed(fetched: Fetch, source: Source) -> None:
    url = source.gives("/feed", Answer(PAGE, headers={"Content-Type": "text/html; charset=utf-8"}))
    with pytest.raises(
        MalformedFeedError, match=r"text/html instead of the feed, a web page.*source\.expect"
    ):
        fetched(HttpSource(url=url))
    assert len(source.asked) == 1
    assert fetched(HttpSource(url=url, expect=("text/html",))).parts[0].read_bytes() == PAGE


@pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf", b"\r\n  "])
@pytest.mark.parametrize("path", ["/feed.csv", "/feed.csv.gz", "/feed.zip"])
def test_a_page_that_calls_itself_data_is_no_feed(
    fetched: Fetch, source: Source, path: str, before: bytes
) -> None:
    page = before + PAGE
    url = source.gives(
        path,
        Answer(gzip.compress(page) if path.endswith("gz") else page, headers={"Content-Type": "text/csv"}),
    )
    with pytest.raises(MalformedFeedError, match="a web page instead of the feed"):
        fetched(HttpSource(url=url))


@pytest.mark.parametrize(
    ("expect", "told", "believed"),
    [
        ((), "text/csv", True),
        ((), "", True),
        ((), "application/xhtml+xml", False),
        (("text/csv",), "text/csv; charset=utf-8", True),
        (("text/*", "application/xml"), "Application/XML", True),
        (("text/csv",), "application/json", False),
        (("text/csv",), "", False),
    ],
)
def test_only_an_expected_type_is_believed(
    fetched: Fetch, source: Source, expect: tuple[str, ...], told: str, believed: bool
) -> None:
    url = source.gives("/feed", Answer(BODY, headers={"Content-Type": told} if told else {}))
    if believed:
        assert fetched(HttpSource(url=url, expect=expect)).parts[0].read_bytes() == BODY
    else:
        with pytest.raises(MalformedFeedError, match="instead of the feed"):
            fetched(HttpSource(url=url, expect=expect))


def test_a_redirect_loop_ends(fetched: Fetch, source: Source) -> None:
    url = source.gives("/feed", Answer(status=302, headers={"Location": "/feed"}))
    with pytest.raises(FeedUnavailableError, match="redirects more than 5 times"):
        fetched(HttpSource(url=url))


@pytest.mark.parametrize("location", ["http://registers.example/feed", "ftp://registers.example/feed"])
def test_a_redirect_to_where_others_could_change_the_answer_is_not_followed(
    fetched: Fetch, source: Source, location: str
) -> None:
    url = source.gives("/feed", Answer(status=302, headers={"Location": location}))
    with pytest.raises(FeedUnavailableError, match=r"registers\.example"):
        fetched(HttpSource(url=url))


@pytest.mark.parametrize("location", ["http://", "https://:0x/", "http://[::1/"])
def test_a_redirect_to_nowhere_is_told_of(fetched: Fetch, source: Source, location: str) -> None:
    url = source.gives("/feed", Answer(status=302, headers={"Location": location}))
    with pytest.raises(FeedUnavailableError):
        fetched(HttpSource(url=url))


def test_a_redirect_on_this_machine_is_followed(fetched: Fetch, source: Source) -> None:
    source.gives("/new", Answer(BODY))
    url = source.gives("/feed", Answer(status=302, headers={"Location": "/new"}))
    assert fetched(HttpSource(url=url)).parts[0].read_bytes() == BODY


def test_credentials_stay_with_the_server_they_are_meant_for(
    fetched: Fetch, source: Source, elsewhere: Source, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("s3cret")
    (tmp_path / "headers").write_text("# key of the register\nX-Api-Key: k3y\n\nCookie: c=1\n")
    away = Answer(status=302, headers={"Location": elsewhere.gives("/feed", Answer(BODY))})
    sent = HttpSource(
        url=source.gives("/feed", away),
        token_file=str(tmp_path / "token"),
        header_file=str(tmp_path / "headers"),
    )
    assert fetched(sent).parts[0].read_bytes() == BODY
    (here,), (there,) = source.asked, elsewhere.asked
    assert (here.headers["authorization"], here.headers["x-api-key"]) == ("Bearer s3cret", "k3y")
    assert here.headers["cookie"] == "c=1"
    assert {"authorization", "x-api-key", "cookie"} & set(there.headers) == set()


def test_what_is_asked_elsewhere_gets_only_what_is_given_for_it(
    settings: Indexer, source: Source, elsewhere: Source
) -> None:
    """The files of an export may lie on another server than the one that made it."""
    with Web(settings, 1.0, {"X-Api-Key": "k3y"}) as web:
        for url in (source.gives("/a", Answer()), elsewhere.gives("/b", Answer())):
            with web.get(url, {"Authorization": "Bearer for-this-one"}) as response:
                assert b"".join(body(response)) == b""
    assert source.asked[0].headers["x-api-key"] == "k3y"
    assert "x-api-key" not in elsewhere.asked[0].headers
    assert elsewhere.asked[0].headers["authorization"] == "Bearer for-this-one"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (None, "can't be read"),
        (b"", "holds no header"),
        (b"X-Key k3y", "line 1: write a header"),
        (b"# a\nX-Key: a\rb", "line 3: write a header"),
        (b"X-Key: \xff", "is not UTF-8"),
    ],
)
def test_a_header_file_that_holds_no_headers_is_told_of_without_its_text(
    fetched: Fetch, source: Source, tmp_path: Path, text: bytes | None, problem: str
) -> None:
    path = tmp_path / "headers"
    if text is not None:
        path.write_bytes(text)
    with pytest.raises(SettingsError, match=problem) as caught:
        fetched(HttpSource(url=source.url, header_file=str(path)))
    assert "k3y" not in str(caught.value.detail)


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ({"url": "https://user:pass@x.example/"}, "header_file"),
        ({"url": "http://x.example/"}, "https"),
        ({"url": "https://x.example:port/"}, "https"),
        ({"url": "https://["}, "https"),
        ({"url": "https:///feed"}, "https"),
        ({"url": "http://user:pass@x.example/"}, "https"),
        ({"pause_ms": -1}, "pause_ms is negative"),
        ({"requests_per_second": -1}, "requests_per_second is negative"),
        ({"max_fetch_s": -1}, "max_fetch_s is negative"),
        ({"client_key_file": "key.pem"}, "client_cert_file"),
        ({}, ""),
    ],
)
def test_keys_that_make_no_sense_are_told_of(keys: dict[str, object], problem: str) -> None:
    told = replace(HttpSource(url="https://x.example/"), **keys).problem()
    assert problem in told
    assert bool(told) == bool(problem)
    assert "pass@" not in told


def test_a_post_sends_its_content_and_reads_the_answer(settings: Indexer, source: Source) -> None:
    url = source.gives("/soap", Answer(b"<fault/>", 500), Answer(b"<answer/>"))
    with Web(settings, 1.0, {}) as web:
        with web.post(url, b"<ask/>", {"Content-Type": "text/xml"}, accept=(500,)) as response:
            assert (response.status_code, b"".join(body(response))) == (500, b"<fault/>")
        with web.post(url, b"<ask/>") as response:
            assert b"".join(body(response)) == b"<answer/>"
    assert [(asked.method, asked.content) for asked in source.asked] == [("POST", b"<ask/>")] * 2
    assert source.asked[0].headers["content-type"] == "text/xml"


def test_what_is_posted_goes_nowhere_else(settings: Indexer, source: Source, elsewhere: Source) -> None:
    url = source.gives("/soap", Answer(status=307, headers={"Location": elsewhere.url + "/soap"}))
    with (
        Web(settings, 1.0, {}) as web,
        pytest.raises(FeedUnavailableError, match="answers 307"),
        web.post(url, b"a personal identity number"),
    ):
        pass
    assert not elsewhere.asked


def test_a_passing_fault_of_a_post_may_be_tried_again(settings: Indexer, source: Source) -> None:
    url = source.gives("/soap", Answer(status=500))
    with Web(settings, 1.0, {}) as web, pytest.raises(TransientAnswerError), web.post(url, b""):
        pass


@pytest.mark.parametrize("packing", ["gzip", "content-encoding", "zip"])
def test_a_bomb_is_stopped_early(
    fetched: Fetch, source: Source, settings: Indexer, tmp_path: Path, packing: str
) -> None:
    """60 MB out of 60 kB: within the size of a feed, but nothing that a register shrinks to."""
    zeros = bytes(60_000_000)
    if packing == "zip":
        with zipfile.ZipFile(packed := io.BytesIO(), "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("feed.csv", zeros)
        url = source.gives("/feed.zip", Answer(packed.getvalue()))
    elif packing == "gzip":
        url = source.gives("/feed.gz", Answer(gzip.compress(zeros)))
    else:
        url = source.gives("/feed", Answer(gzip.compress(zeros), headers={"Content-Encoding": "gzip"}))
    with pytest.raises(FeedTooLargeError, match=r"indexer\.max_expansion_ratio"):
        fetched(HttpSource(url=url))
    assert not any(path.is_file() for path in tmp_path.rglob("*"))
    trusting = replace(settings, max_expansion_ratio=0)
    assert fetched(HttpSource(url=url), settings=trusting).parts[0].stat().st_size == len(zeros)


def test_packed_pages_of_an_api_are_bounded_too(settings: Indexer, source: Source) -> None:
    url = source.gives(
        "/page", Answer(gzip.compress(bytes(60_000_000)), headers={"Content-Encoding": "gzip"})
    )
    with Web(settings, 1.0, {}) as web, web.get(url) as response, pytest.raises(FeedTooLargeError):
        for _ in body(response):
            pass


def test_an_endless_stream_of_empty_pieces_meets_the_limit(
    fetched: Fetch, source: Source, settings: Indexer
) -> None:
    url = source.gives("/feed.gz", Answer(gzip.compress(b"") * 10_000))
    with pytest.raises(FeedTooLargeError, match=r"indexer\.max_feed_bytes"):
        fetched(HttpSource(url=url), settings=replace(settings, max_feed_bytes=100_000))


@pytest.mark.parametrize("slow", ["head", "body"])
def test_a_server_that_only_drips_is_given_up(fetched: Fetch, source: Source, slow: str) -> None:
    """Each byte comes in time; all of them would take an hour."""
    answer = Answer(BODY, drip_s=0.05) if slow == "head" else Answer(BODY, headers={}, drip_s=0.004)
    url = source.gives("/feed", answer)
    with pytest.raises(FeedUnavailableError, match=r"within 0\.6 s.*source\.max_fetch_s"):
        fetched(HttpSource(url=url, max_fetch_s=0.6))
    assert len(source.asked) == 1


def test_a_server_that_says_nothing_is_given_up(fetched: Fetch, source: Source, settings: Indexer) -> None:
    ended = threading.Event()

    def silent(_: object) -> Answer:
        ended.wait(10)
        return Answer(BODY)

    source.routes["/feed"] = silent
    try:
        with pytest.raises(FeedUnavailableError, match="ReadTimeout"):
            fetched(
                HttpSource(url=source.url + "/feed"),
                settings=replace(settings, read_timeout_s=0.1, retries=1),
            )
    finally:
        ended.set()
    assert len(source.asked) == 2


def test_no_pause_goes_beyond_the_time_for_the_whole(settings: Indexer) -> None:
    source = HttpSource(url="https://x.example/", max_fetch_s=60)
    with Web(settings, 300.0, {}, source=source) as web:
        assert web._pause_after(TransientAnswerError("https://x.example/", 429, 30.0)) == 30.0
        assert web._pause_after(TransientAnswerError("https://x.example/", 429, 90.0)) is False


def test_requests_keep_their_distance(
    settings: Indexer, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr("indexer.feeds.transfer.time.sleep", waits.append)
    monkeypatch.setattr("indexer.feeds.transfer.time.monotonic", lambda: 1000.0 + sum(waits))
    url = source.gives("/page", Answer(b"{}"))
    with Web(settings, 1.0, {}, source=HttpSource(url=url, requests_per_second=2, max_fetch_s=0)) as web:
        for _ in range(3):
            with web.get(url):
                pass
    assert waits == [0.5, 0.5]
    waits.clear()
    with Web(settings, 1.0, {}, source=HttpSource(url=url, pause_ms=50, max_fetch_s=0)) as web:
        for _ in range(3):
            with web.post(url, b""):
                pass
    assert waits == pytest.approx([0.05, 0.05])
