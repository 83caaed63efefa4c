import gzip
from collections.abc import Callable
from pathlib import Path

import msgspec
import orjson
import pytest

from indexer.feeds import (
    FeedChangedError,
    FeedUnavailableError,
    MalformedFeedError,
    Previous,
    TruncatedFeedError,
)
from indexer.feeds.sources import SocrataSource
from tests.indexer.feeds.conftest import Fetch
from tests.indexer.feeds.source import Answer, Asked, Source

PATH = "/resource/qxh8-f4bd.json"
ROWS = [{"credentialnumber": f"RN{n}"} for n in range(7)]
VERSION = {"X-SODA2-Truth-Last-Modified": "Sat, 21 Nov 2026 02:00:00 GMT"}


def dataset(rows: list[dict[str, str]] = ROWS, counted: int | None = None) -> Callable[[Asked], Answer]:
    """Answer as SODA 2 does."""

    def answer(asked: Asked) -> Answer:
        if "$select" in asked.query:
            return Answer(
                orjson.dumps([{"count": str(len(rows) if counted is None else counted)}]), headers=VERSION
            )
        assert asked.query["$order"] == ":id"
        start = int(asked.query["$offset"])
        return Answer(orjson.dumps(rows[start : start + int(asked.query["$limit"])]), headers=VERSION)

    return answer


def pages_of(parts: tuple[Path, ...]) -> list[dict[str, str]]:
    return [row for part in parts for row in orjson.loads(part.read_bytes())]


@pytest.mark.parametrize(("page_size", "pages"), [(3, 3), (7, 2), (50, 1)])
def test_pages_are_read_until_one_is_short(
    fetched: Fetch, source: Source, page_size: int, pages: int
) -> None:
    source.routes[PATH] = dataset()
    result = fetched(SocrataSource(url=source.url + PATH, page_size=page_size))
    assert pages_of(result.parts) == ROWS
    assert len(result.parts) == pages
    assert result.stamp == "2026-11-21T02:00:00Z"


def test_a_dataset_that_has_not_changed_is_left_after_the_first_page(fetched: Fetch, source: Source) -> None:
    source.routes[PATH] = dataset()
    first = fetched(SocrataSource(url=source.url + PATH, page_size=3))
    source.asked.clear()
    again = fetched(SocrataSource(url=source.url + PATH, page_size=3), Previous(first.etag, first.digest))
    assert again.not_modified
    assert (again.etag, again.digest) == (first.etag, first.digest)
    assert len(source.asked) == 2


def test_without_a_time_of_change_the_bytes_decide(fetched: Fetch, source: Source) -> None:
    rows = list(ROWS)
    source.routes[PATH] = lambda asked: Answer(dataset(rows)(asked).body)
    address = SocrataSource(url=source.url + PATH, page_size=3)
    first = fetched(address)
    assert (first.stamp, first.etag) == (None, "")
    assert fetched(address, Previous("", first.digest)).not_modified
    rows[6] = {"credentialnumber": "RN6", "status": "Revoked"}
    assert not fetched(address, Previous("", first.digest)).not_modified


def test_an_unchanged_first_page_alone_proves_nothing(fetched: Fetch, source: Source) -> None:
    """An ETag stands for one page; what has changed may be on another."""
    source.routes[PATH] = lambda asked: Answer(dataset()(asked).body, headers={"ETag": '"page"'})
    result = fetched(SocrataSource(url=source.url + PATH, page_size=3), Previous('"page"', "0" * 64))
    assert not result.not_modified
    assert all("if-none-match" not in asked.headers for asked in source.asked)


def test_fewer_rows_than_the_source_counts_are_refused(fetched: Fetch, source: Source) -> None:
    """A server that bounds pages below what was asked would look like a register that has shrunk."""
    source.routes[PATH] = dataset(counted=2_400_000)
    with pytest.raises(TruncatedFeedError, match="counts 2400000 rows but gave 7"):
        fetched(SocrataSource(url=source.url + PATH, page_size=50))


def test_the_count_can_be_left_out(fetched: Fetch, source: Source) -> None:
    source.routes[PATH] = dataset(counted=2_400_000)
    result = fetched(SocrataSource(url=source.url + PATH, page_size=50, check_count=False))
    assert pages_of(result.parts) == ROWS
    assert all("$select" not in asked.query for asked in source.asked)


@pytest.mark.parametrize("body", [b"[]", b"{}", b'[{"count":"many"}]', b"[{}]", b"no json"])
def test_a_source_that_can_not_count_is_told_of(fetched: Fetch, source: Source, body: bytes) -> None:
    source.gives(PATH, Answer(body))
    with pytest.raises(FeedUnavailableError, match=r"source\.check_count = false"):
        fetched(SocrataSource(url=source.url + PATH))


def test_a_dataset_that_changes_between_pages_is_read_again(fetched: Fetch, source: Source) -> None:
    old, new = [{"credentialnumber": f"OLD{n}"} for n in range(7)], ROWS
    rebuilt = {"X-SODA2-Truth-Last-Modified": "Sun, 22 Nov 2026 02:00:00 GMT"}

    def answer(asked: Asked) -> Answer:
        before = len(source.asked) <= 2
        reply = dataset(old if before else new)(asked)
        return reply if before else Answer(reply.body, headers=rebuilt)

    source.routes[PATH] = answer
    result = fetched(SocrataSource(url=source.url + PATH, page_size=3))
    assert pages_of(result.parts) == new
    assert result.stamp == "2026-11-22T02:00:00Z"


def test_a_dataset_that_grows_while_it_is_read_is_read_again(fetched: Fetch, source: Source) -> None:
    grown = [*ROWS, {"credentialnumber": "RN7"}]

    def answer(asked: Asked) -> Answer:
        return dataset(ROWS if len(source.asked) == 1 else grown)(asked)

    source.routes[PATH] = answer
    assert pages_of(fetched(SocrataSource(url=source.url + PATH, page_size=3)).parts) == grown


def test_a_dataset_that_never_rests_ends_the_run(fetched: Fetch, source: Source) -> None:
    def answer(asked: Asked) -> Answer:
        moment = f"Sat, 21 Nov 2026 02:00:{len(source.asked):02d} GMT"
        return Answer(dataset()(asked).body, headers={"X-SODA2-Truth-Last-Modified": moment})

    source.routes[PATH] = answer
    with pytest.raises(FeedChangedError, match="at each of 3 readings"):
        fetched(SocrataSource(url=source.url + PATH, page_size=3))


def test_an_error_object_with_status_200_is_an_error(fetched: Fetch, source: Source) -> None:
    source.gives(
        PATH, Answer(b'{"code":"query.soql.no-such-column","error":true,"message":"No such column"}')
    )
    with pytest.raises(MalformedFeedError, match="No such column"):
        fetched(SocrataSource(url=source.url + PATH, check_count=False))


def test_a_page_cut_short_is_tried_again(fetched: Fetch, source: Source) -> None:
    whole = orjson.dumps(ROWS)
    url = source.gives(PATH, Answer(whole[:40]), Answer(whole))
    assert pages_of(fetched(SocrataSource(url=url, check_count=False)).parts) == ROWS


def test_a_page_always_cut_short_ends_the_run(fetched: Fetch, source: Source) -> None:
    url = source.gives(PATH, Answer(orjson.dumps(ROWS)[:40]))
    with pytest.raises(TruncatedFeedError, match="ends in the middle"):
        fetched(SocrataSource(url=url, check_count=False))


@pytest.mark.parametrize("body", [b"<html>Service unavailable</html>", b'"quiet"', b"[1,]"])
def test_a_page_that_is_no_list_of_rows_is_an_error(fetched: Fetch, source: Source, body: bytes) -> None:
    url = source.gives(PATH, Answer(body))
    with pytest.raises(MalformedFeedError):
        fetched(SocrataSource(url=url, check_count=False))


def test_a_limit_of_requests_is_waited_for(fetched: Fetch, source: Source) -> None:
    source.gives(PATH, Answer(status=429, headers={"Retry-After": "1"}), Answer(orjson.dumps(ROWS)))
    result = fetched(SocrataSource(url=source.url + PATH, check_count=False))
    assert pages_of(result.parts) == ROWS


def test_a_pause_that_is_too_long_ends_the_run(fetched: Fetch, source: Source) -> None:
    source.gives(PATH, Answer(status=429, headers={"Retry-After": "86400"}))
    with pytest.raises(FeedUnavailableError, match="answers 429"):
        fetched(SocrataSource(url=source.url + PATH, check_count=False, max_retry_after_s=60))
    assert len(source.asked) == 1


def test_compressed_pages_are_unpacked(fetched: Fetch, source: Source) -> None:
    source.gives(PATH, Answer(gzip.compress(orjson.dumps(ROWS)), headers={"Content-Encoding": "gzip"}))
    assert pages_of(fetched(SocrataSource(url=source.url + PATH, check_count=False)).parts) == ROWS


def test_an_app_token_is_sent_to_the_source_but_not_to_where_it_redirects(
    fetched: Fetch, source: Source, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("app-token")
    elsewhere = source.url.replace("127.0.0.1", "localhost") + "/elsewhere"
    source.gives("/elsewhere", Answer(orjson.dumps(ROWS)))
    url = source.gives(PATH, Answer(status=302, headers={"Location": elsewhere}))
    fetched(SocrataSource(url=url, check_count=False, app_token_file=str(tmp_path / "token")))
    first, second = source.asked
    assert first.headers["x-app-token"] == "app-token"
    assert "x-app-token" not in second.headers


def test_a_query_in_the_address_is_kept(fetched: Fetch, source: Source) -> None:
    source.gives(PATH, Answer(msgspec.json.encode(ROWS)))
    url = source.url + PATH + "?$where=credentialtype%20like%20%27Social%25%27"
    fetched(SocrataSource(url=url, check_count=False))
    assert source.asked[0].query["$where"] == "credentialtype like 'Social%'"
    assert source.asked[0].query["$limit"] == "50000"


def test_another_question_to_the_same_dataset_is_asked(fetched: Fetch, source: Source) -> None:
    """The time of change is the dataset's; with another $where it tells nothing about what we hold."""
    source.routes[PATH] = lambda asked: (
        Answer(b'[{"count":"1"}]') if "$select" in asked.query else Answer(b'[{"a":"1"}]', headers=VERSION)
    )
    first = fetched(SocrataSource(url=source.url + PATH))
    previous = Previous(first.etag, "of something else")
    assert fetched(SocrataSource(url=source.url + PATH), previous).parts == ()
    assert fetched(SocrataSource(url=source.url + PATH + "?$where=a='1'"), previous).parts
