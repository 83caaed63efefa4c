"""A line that breaks off is gone on with where it broke, and never with another version of the document."""

import gzip
import hashlib
import random
import re
from dataclasses import dataclass, field

import pytest
from msgspec.structs import replace

from indexer.feeds import (
    FeedChangedError,
    FeedUnavailableError,
    MalformedFeedError,
    Previous,
    TruncatedFeedError,
)
from indexer.feeds.sources import HttpSource
from registry.settings import Indexer
from tests.indexer.feeds.conftest import Fetch
from tests.indexer.feeds.source import Answer, Asked, Source

BODY = random.Random(7).randbytes(300_000)  # packed or not, pieces can't be confused
OLD = "Sat, 21 Nov 2026 02:00:00 GMT"


@dataclass
class Document:
    """A document that a server gives whole or in ranges, as RFC 9110 14 says; each answer is cut where `cuts` says."""

    body: bytes = BODY
    headers: dict[str, str] = field(default_factory=lambda: {"ETag": '"v1"'})
    cuts: list[int] = field(default_factory=list)

    def answer(self, asked: Asked) -> Answer:
        start = int(re.findall(r"bytes=(\d+)-\Z", asked.headers.get("range", "bytes=0-"))[0])
        if asked.headers.get("if-range", "") not in ("", *self.headers.values()):
            start = 0
        cut = self.cuts.pop(0) if self.cuts else None
        if not start:
            return Answer(self.body, headers=self.headers, cut=cut)
        told = f"bytes {start}-{len(self.body) - 1}/{len(self.body)}"
        return Answer(self.body[start:], 206, self.headers | {"Content-Range": told}, cut=cut)

    def on(self, source: Source, path: str = "/feed") -> HttpSource:
        source.routes[path] = self.answer
        return HttpSource(url=source.url + path)


def ranges(source: Source) -> list[str]:
    return [asked.headers.get("range", "") for asked in source.asked]


def test_a_download_that_breaks_off_goes_on_where_it_broke(fetched: Fetch, source: Source) -> None:
    result = fetched(Document(cuts=[100_000, 150_000]).on(source))
    assert result.parts[0].read_bytes() == BODY
    assert result.digest == hashlib.sha256(BODY).hexdigest()
    assert ranges(source) == ["", "bytes=100000-", "bytes=250000-"]
    assert [asked.headers.get("if-range") for asked in source.asked] == [None, '"v1"', '"v1"']


def test_a_time_of_change_proves_the_version_where_there_is_no_etag(fetched: Fetch, source: Source) -> None:
    document = Document(
        headers={"Last-Modified": OLD, "Date": "Sat, 21 Nov 2026 03:00:00 GMT"}, cuts=[100_000]
    )
    assert fetched(document.on(source)).parts[0].read_bytes() == BODY
    assert ranges(source) == ["", "bytes=100000-"]
    assert source.asked[1].headers["if-range"] == OLD


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="none"),
        pytest.param({"ETag": 'W/"v1"'}, id="weak etag"),
        pytest.param({"ETag": '"v1"', "Accept-Ranges": "none"}, id="no ranges"),
    ],
)
def test_without_proof_of_the_version_everything_is_read_anew(
    fetched: Fetch, source: Source, headers: dict[str, str]
) -> None:
    assert fetched(Document(headers=headers, cuts=[100_000]).on(source)).parts[0].read_bytes() == BODY
    assert ranges(source) == ["", ""]


def test_a_compressed_download_goes_on_where_it_broke(fetched: Fetch, source: Source) -> None:
    packed = gzip.compress(BODY)
    coded = Document(packed, {"ETag": '"v1"', "Content-Encoding": "gzip"}, [len(packed) // 2])
    assert fetched(coded.on(source)).parts[0].read_bytes() == BODY
    assert (
        fetched(Document(packed, cuts=[len(packed) // 3]).on(source, "/feed.gz")).parts[0].read_bytes()
        == BODY
    )
    assert len(source.asked) == 4


def test_a_server_that_ignores_the_range_is_read_from_its_first_byte(fetched: Fetch, source: Source) -> None:
    whole = Answer(BODY, headers={"ETag": '"v1"'})
    url = source.gives("/feed", Answer(BODY, headers={"ETag": '"v1"'}, cut=100_000), whole)
    assert fetched(HttpSource(url=url)).parts[0].read_bytes() == BODY
    assert ranges(source) == ["", "bytes=100000-"]


def test_a_document_that_changed_meanwhile_is_read_from_its_first_byte(
    fetched: Fetch, source: Source
) -> None:
    new = BODY[::-1]
    before = Document(cuts=[100_000]).answer
    after = Document(new, {"ETag": '"v2"'}).answer

    def answer(asked: Asked) -> Answer:
        return after(asked) if source.asked[1:] else before(asked)

    source.routes["/feed"] = answer
    result = fetched(HttpSource(url=source.url + "/feed"))
    assert result.parts[0].read_bytes() == new
    assert '\\"v2\\"' in result.etag


PIECE = BODY[100_000:]
LAST = len(BODY) - 1


@pytest.mark.parametrize(
    "second",
    [
        pytest.param(
            Answer(PIECE, 206, {"Content-Range": f"bytes 99999-{LAST}/{len(BODY)}"}), id="starts elsewhere"
        ),
        pytest.param(
            Answer(PIECE, 206, {"Content-Range": f"bytes 100000-{LAST}/{len(BODY) + 5}"}), id="longer"
        ),
        pytest.param(Answer(PIECE, 206, {"Content-Range": "bytes 100000-200000/300000"}), id="only a middle"),
        pytest.param(Answer(PIECE, 206, {"Content-Range": "pages 1-2/3"}), id="no range of bytes"),
        pytest.param(Answer(PIECE, 206), id="no content-range"),
        pytest.param(
            Answer(PIECE, 206, {"Content-Range": f"bytes 100000-{LAST}/{len(BODY)}", "ETag": '"v2"'}),
            id="another version",
        ),
        pytest.param(
            Answer(
                PIECE, 206, {"Content-Range": f"bytes 100000-{LAST}/{len(BODY)}", "Content-Encoding": "gzip"}
            ),
            id="another encoding",
        ),
        pytest.param(Answer(b"", 416, {"Content-Range": f"bytes */{len(BODY)}"}), id="416"),
    ],
)
def test_a_piece_that_does_not_follow_is_not_put_together_with_the_rest(
    fetched: Fetch, source: Source, second: Answer
) -> None:
    first = Answer(BODY, headers={"ETag": '"v1"'}, cut=100_000)
    url = source.gives("/feed", first, second, Answer(BODY, headers={"ETag": '"v1"'}))
    assert fetched(HttpSource(url=url)).parts[0].read_bytes() == BODY
    assert ranges(source) == ["", "bytes=100000-", ""]


def test_a_server_that_never_gives_the_right_piece_ends_the_run(fetched: Fetch, source: Source) -> None:
    first, wrong = Answer(BODY, headers={"ETag": '"v1"'}, cut=100_000), Answer(PIECE, 206)
    url = source.gives("/feed", *[first, wrong] * 5)
    with pytest.raises(FeedChangedError, match="changed what it gives at each of 3 readings"):
        fetched(HttpSource(url=url))


def test_a_long_way_further_counts_the_attempts_anew(
    fetched: Fetch, source: Source, settings: Indexer
) -> None:
    """Retries bound how often nothing comes, not how large a feed may be over a bad line."""
    body = BODY * 20  # 6 MB, broken off every 1.5
    document = Document(body, cuts=[1_500_000] * 3)
    result = fetched(document.on(source), settings=replace(settings, retries=0))
    assert result.digest == hashlib.sha256(body).hexdigest()
    assert len(source.asked) == 4


def test_a_server_that_breaks_off_for_ever_at_the_same_place_ends_the_run(
    fetched: Fetch, source: Source
) -> None:
    url = source.gives("/feed", Answer(BODY * 20, cut=2_000_000))
    with pytest.raises(FeedUnavailableError, match="broke off"):
        fetched(HttpSource(url=url))
    assert len(source.asked) <= 4


# How a feed is cut short, and what is made of it.
CUT = {
    "length right, cut": Answer(BODY, cut=1000),
    "length one too long": Answer(BODY, headers={"X": "1"}, cut=len(BODY) - 1),
    "chunks without the last": Answer(BODY, chunked=True, cut=1000),
}


@pytest.mark.parametrize("answer", CUT.values(), ids=CUT.keys())
def test_what_is_cut_short_is_never_taken_for_whole(fetched: Fetch, source: Source, answer: Answer) -> None:
    with pytest.raises(FeedUnavailableError, match="broke off"):
        fetched(HttpSource(url=source.gives("/feed", answer)))


def test_chunks_to_the_last_are_whole(fetched: Fetch, source: Source) -> None:
    url = source.gives("/feed", Answer(BODY, chunked=True))
    assert fetched(HttpSource(url=url)).parts[0].read_bytes() == BODY


def test_a_document_that_ends_when_the_line_does_is_believed_only_on_demand(
    fetched: Fetch, source: Source
) -> None:
    url = source.gives("/feed", Answer(BODY, length=False, headers={"Connection": "close"}))
    with pytest.raises(MalformedFeedError, match=r"source\.believe_unsized"):
        fetched(HttpSource(url=url))
    assert fetched(HttpSource(url=url, believe_unsized=True)).parts[0].read_bytes() == BODY


def test_a_packed_document_cut_at_its_promised_length_is_read_anew(fetched: Fetch, source: Source) -> None:
    """HTTP alone would take it for whole: the length is right."""
    packed = gzip.compress(BODY)
    url = source.gives("/feed.gz", Answer(packed[:-9], headers={"ETag": '"v1"'}), Answer(packed))
    assert fetched(HttpSource(url=url)).parts[0].read_bytes() == BODY
    url = source.gives("/cut.gz", Answer(packed[:-9], headers={"ETag": '"v1"'}))
    with pytest.raises(TruncatedFeedError, match="ends in the middle"):
        fetched(HttpSource(url=url))


def test_the_document_is_asked_for_by_etag_and_by_time(fetched: Fetch, source: Source) -> None:
    headers = {"ETag": 'W/"v1"', "Last-Modified": OLD}
    url = source.gives("/feed", Answer(BODY, headers=headers), Answer(status=304, length=False))
    first = fetched(HttpSource(url=url))
    again = fetched(HttpSource(url=url), Previous(first.etag, first.digest, name="x"))
    assert (again.not_modified, again.etag, again.parts) == (True, first.etag, ())
    assert source.asked[1].headers["if-none-match"] == 'W/"v1"'
    assert source.asked[1].headers["if-modified-since"] == OLD


def test_a_server_that_knows_only_times_need_not_send_it_again(fetched: Fetch, source: Source) -> None:
    url = source.gives(
        "/feed", Answer(BODY, headers={"Last-Modified": OLD}), Answer(status=304, length=False)
    )
    first = fetched(HttpSource(url=url))
    assert fetched(HttpSource(url=url), Previous(first.etag, first.digest)).not_modified
    assert "if-none-match" not in source.asked[1].headers


@pytest.mark.parametrize("headers", [{"ETag": '"v\xe9"'}, {"Last-Modified": OLD + " \xe9"}])
def test_marks_that_can_not_be_sent_back_are_forgotten(
    fetched: Fetch, source: Source, headers: dict[str, str]
) -> None:
    url = source.gives("/feed", Answer(BODY, headers=headers, cut=1000), Answer(BODY, headers=headers))
    first = fetched(HttpSource(url=url))
    assert fetched(HttpSource(url=url), Previous(first.etag, "other")).parts[0].read_bytes() == BODY
    assert {"if-none-match", "if-modified-since", "if-range"} & {
        k for a in source.asked for k in a.headers
    } == set()


@pytest.mark.parametrize("change", ["url", "unpack", "members"])
def test_another_address_or_way_of_reading_asks_anew(fetched: Fetch, source: Source, change: str) -> None:
    """The other document may have the same ETag, or be older than what we saw."""
    source.gives("/other", Answer(BODY))
    url = source.gives("/feed", Answer(BODY, headers={"ETag": '"v1"', "Last-Modified": OLD}))
    first = fetched(HttpSource(url=url))
    changed = {"url": source.url + "/other", "unpack": "no", "members": ("a",)}[change]
    fetched(replace(HttpSource(url=url), **{change: changed}), Previous(first.etag, first.digest))
    assert {"if-none-match", "if-modified-since"} & set(source.asked[-1].headers) == set()


def test_state_that_is_not_of_this_transport_asks_anew(fetched: Fetch, source: Source) -> None:
    fetched(HttpSource(url=source.gives("/feed", Answer(BODY))), Previous('"v1"', "digest"))
    assert "if-none-match" not in source.asked[0].headers


def test_a_stamp_in_the_future_is_refused(fetched: Fetch, source: Source) -> None:
    """Taken, it would make every later feed look old."""
    url = source.gives("/feed", Answer(BODY, headers={"Last-Modified": "Sat, 21 Nov 2099 02:00:00 GMT"}))
    with pytest.raises(MalformedFeedError, match="in the future"):
        fetched(HttpSource(url=url))
