from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from indexer.feeds import (
    FeedChangedError,
    FeedTooLargeError,
    FeedUnavailableError,
    MalformedFeedError,
    Previous,
    TruncatedFeedError,
)
from indexer.feeds.fhir_sources import FhirSearchSource
from tests.indexer.feeds.conftest import Fetch
from tests.indexer.feeds.fhir_answers import changed, history, keys, lines, match, outcome, page, practitioner
from tests.indexer.feeds.source import Answer, Asked, Source

PATH = "/r4/Practitioner"
LONG_AGO = "2020-01-01T00:00:00.000Z"


def searching(server: Source, **changes: Any) -> FhirSearchSource:  # noqa: ANN401 - keys of the source
    return replace(FhirSearchSource(url=server.url + PATH, page_size=2), **changes)


@pytest.fixture
def server(source: Source) -> Source:
    """Three practitioners on two pages."""
    following = source.url + "/r4?_getpages=7&_getpagesoffset=2"
    source.gives(PATH, page(match("1"), match("2"), following=following, total=3))
    source.gives("/r4", page(match("3"), total=3, at="2024-05-01T12:00:09.000Z"))
    return source


def test_all_pages_are_read_to_the_one_without_a_next(fetched: Fetch, server: Source) -> None:
    result = fetched(searching(server))
    assert keys(result.parts) == ["1", "2", "3"]
    assert server.paths() == [PATH, "/r4"]
    first, second = server.asked
    assert first.query == {"_count": "2"}
    assert first.headers["accept"].startswith("application/fhir+json")
    assert second.query == {"_getpages": "7", "_getpagesoffset": "2"}


@pytest.mark.parametrize(
    ("times", "stamp"),
    [
        (("Wed, 01 May 2024 12:00:07 GMT", "2024-05-01T12:00:00.500Z"), "2024-05-01T12:00:00Z"),
        (("Wed, 01 May 2024 12:00:00 GMT", "2024-05-01T12:00:00.999Z"), "2024-05-01T12:00:00Z"),
        (("Wed, 01 May 2024 12:00:00 GMT", "2024-05-01T14:00:01.000+01:00"), "2024-05-01T12:00:00Z"),
        (("Wed, 01 May 2024 12:00:07 GMT", "2024-05-01T12:00:00"), "2024-05-01T12:00:07Z"),
        (("Wed, 01 May 2024 12:00:07 GMT", "noon"), "2024-05-01T12:00:07Z"),
        (("soon", "2024-05-01T12:00:00.500Z"), "2024-05-01T12:00:00Z"),
        (("soon", ""), None),
    ],
)
def test_the_stamp_is_the_servers_time_of_the_first_page_the_earlier_of_two(
    fetched: Fetch,
    server: Source,
    monkeypatch: pytest.MonkeyPatch,
    times: tuple[str, str],
    stamp: str | None,
) -> None:
    of_message, of_bundle = times
    monkeypatch.setattr(BaseHTTPRequestHandler, "date_time_string", lambda *_: of_message)
    server.gives(PATH, page(match("1"), following="/r4", at=of_bundle))
    server.gives("/r4", page(match("2"), at=LONG_AGO))
    result = fetched(searching(server))
    assert (result.stamp, bool(result.etag), result.complete) == (stamp, bool(stamp), None)


def test_a_query_of_the_feed_file_is_kept(fetched: Fetch, server: Source) -> None:
    source = searching(server, url=server.url + PATH + "?active=true&_sort=_id")
    fetched(source)
    assert server.asked[0].query == {"active": "true", "_sort": "_id", "_count": "2"}


def test_an_unchanged_register_is_not_modified(fetched: Fetch, server: Source) -> None:
    first = fetched(searching(server))
    assert fetched(searching(server), Previous(first.etag, first.digest)).not_modified


def test_what_is_sent_along_is_left_out(fetched: Fetch, server: Source) -> None:
    role = {"resourceType": "PractitionerRole", "id": "9"}
    included = {"resource": practitioner("8"), "search": {"mode": "include"}}
    note = {"resource": outcome("information"), "search": {"mode": "outcome"}}
    bare = {"resource": practitioner("2")}
    remark = {"resource": outcome("warning")}
    server.gives(PATH, page(match("1"), included, note, bare, remark, {"resource": role}, total=2))
    assert keys(fetched(searching(server)).parts) == ["1", "2"]


def test_a_resource_in_many_lines_becomes_one_and_stays_as_it_was(fetched: Fetch, server: Source) -> None:
    body = orjson.dumps(orjson.loads(page(match("1", family="Å\nB")).body), option=orjson.OPT_INDENT_2)
    server.gives(PATH, Answer(body.replace(b"\n", b"\r\n")))
    (part,) = fetched(searching(server)).parts
    assert lines(part.read_bytes()) == [practitioner("1", family="Å\nB")]


def test_a_byte_order_mark_before_a_page_does_not_matter(fetched: Fetch, server: Source) -> None:
    server.gives(PATH, Answer(b"\xef\xbb\xbf" + page(match("1")).body))
    assert keys(fetched(searching(server)).parts) == ["1"]


def test_an_empty_register_is_read_as_such(fetched: Fetch, server: Source) -> None:
    server.gives(PATH, page(total=0))
    assert keys(fetched(searching(server)).parts) == []


@pytest.mark.parametrize("mode", ["outcome", "match"])
@pytest.mark.parametrize("severity", ["error", "fatal"])
def test_an_error_among_the_records_ends_the_run_without_its_text(
    fetched: Fetch, server: Source, severity: str, mode: str
) -> None:
    note = {"resource": outcome(severity, "incomplete"), "search": {"mode": mode}}
    server.gives(PATH, page(match("1"), note))
    with pytest.raises(MalformedFeedError, match=rf"among its answers: {severity} \(incomplete\)") as raised:
        fetched(searching(server))
    assert "9804" not in str(raised.value.detail)


def test_an_outcome_that_cannot_be_read_is_an_error(fetched: Fetch, server: Source) -> None:
    server.gives(PATH, page({"resource": {"issue": 7}, "search": {"mode": "outcome"}}))
    with pytest.raises(MalformedFeedError, match="an outcome that can't be read"):
        fetched(searching(server))


@pytest.mark.parametrize("total", [2, 4])
def test_a_page_that_lost_or_won_a_resource_is_refused(fetched: Fetch, server: Source, total: int) -> None:
    server.gives(PATH, page(match("1"), match("2"), following=server.url + "/r4", total=total))
    server.gives("/r4", page(match("3"), total=total))
    with pytest.raises(TruncatedFeedError, match=rf"counts {total} resources but gave 3.*_total=accurate"):
        fetched(searching(server))
    assert len(fetched(searching(server, check_total=False)).parts) == 1


def test_a_page_without_its_next_link_is_a_lost_page_where_the_server_counts(
    fetched: Fetch, server: Source
) -> None:
    server.gives(PATH, page(match("1"), match("2"), total=3))
    with pytest.raises(TruncatedFeedError, match="counts 3 resources but gave 2"):
        fetched(searching(server))


def test_a_server_that_counts_nothing_is_believed_at_its_last_page(fetched: Fetch, server: Source) -> None:
    server.gives(PATH, page(match("1"), match("2"), following="/r4"))
    server.gives("/r4", page(match("3")))
    assert keys(fetched(searching(server)).parts) == ["1", "2", "3"]


CHANGES = {
    "the count changes": [page(match("1"), following="/r4", total=2), page(match("2"), total=3)],
    "a resource comes twice": [page(match("1"), match("2"), following="/r4"), page(match("2"))],
    "the rest is gone": [page(match("1"), following="/r4"), Answer(status=410)],
}


@pytest.mark.parametrize("pages", CHANGES.values(), ids=CHANGES)
def test_a_register_that_changes_between_two_pages_is_read_again(
    fetched: Fetch, server: Source, pages: list[Answer]
) -> None:
    server.gives(PATH, pages[0], page(match("1"), match("2"), match("3"), total=3))
    server.gives("/r4", pages[1])
    assert keys(fetched(searching(server)).parts) == ["1", "2", "3"]
    assert server.paths() == [PATH, "/r4", PATH]


@pytest.mark.parametrize("pages", CHANGES.values(), ids=CHANGES)
def test_a_register_that_never_holds_still_ends_the_run(
    fetched: Fetch, server: Source, pages: list[Answer]
) -> None:
    server.gives(PATH, pages[0])
    server.gives("/r4", pages[1])
    with pytest.raises(FeedChangedError, match=r"at each of 3 readings.*\?_sort=_id"):
        fetched(searching(server))


def test_a_first_page_that_is_gone_is_a_wrong_address(fetched: Fetch, server: Source) -> None:
    server.gives(PATH, Answer(status=410))
    with pytest.raises(FeedUnavailableError, match="answers 410"):
        fetched(searching(server))


def test_pages_in_a_circle_are_noticed(fetched: Fetch, server: Source) -> None:
    server.gives(PATH, page(match("1"), following="/r4?page=2"))
    server.gives("/r4", page(following="/r4?page=2"))
    with pytest.raises(MalformedFeedError, match="in a circle"):
        fetched(searching(server))


def test_pages_without_end_are_stopped(fetched: Fetch, server: Source) -> None:
    def endless(asked: Asked) -> Answer:
        return page(following=f"{server.url}{PATH}?page={int(asked.query.get('page', 0)) + 1}")

    server.routes[PATH] = endless
    with pytest.raises(FeedTooLargeError, match=r"more than 5 pages.*source\.max_pages"):
        fetched(searching(server, max_pages=5))
    assert len(server.asked) == 5


def test_a_page_larger_than_allowed_is_not_read_to_its_end(fetched: Fetch, server: Source) -> None:
    server.gives(PATH, page(match("1", family="x" * 200_000)))
    with pytest.raises(FeedTooLargeError, match=r"larger than 100000 bytes.*source\.page_size"):
        fetched(searching(server, max_page_bytes=100_000))


BAD_PAGES = {
    "no JSON": (Answer(b"<Bundle xmlns='http://hl7.org/fhir'/>"), "gives no JSON"),
    "an error with status 200": (Answer(orjson.dumps(outcome("error", "login"))), r"error \(login\)"),
    "another resource": (Answer(orjson.dumps(practitioner("1"))), "no Bundle of type searchset"),
    "a list": (Answer(b"[]"), "gives no Bundle"),
    "a history": (history(changed("1")), "no Bundle of type searchset"),
    "entries of another form": (page(entry=7), "gives no Bundle"),
    "an empty entry": (page(None), "gives an empty entry"),
    "an entry without resource": (page({"search": {"mode": "match"}}), "without its resource"),
    "an entry with nothing": (page({"resource": None}), "without its resource"),
    "deep": (Answer(b'{"x":' * 100_000), "gives no JSON"),
}


@pytest.mark.parametrize(("answer", "message"), BAD_PAGES.values(), ids=BAD_PAGES)
def test_what_is_no_page_ends_the_run(fetched: Fetch, server: Source, answer: Answer, message: str) -> None:
    server.gives(PATH, answer)
    with pytest.raises(MalformedFeedError, match=message):
        fetched(searching(server))


@pytest.mark.parametrize("fault", [Answer(status=503), Answer(page(match("1")).body, cut=30)])
def test_a_passing_fault_of_one_page_is_tried_again(fetched: Fetch, server: Source, fault: Answer) -> None:
    server.gives("/r4", fault, page(match("3"), total=3))
    assert keys(fetched(searching(server)).parts) == ["1", "2", "3"]
    assert server.paths() == [PATH, "/r4", "/r4"]


def test_a_page_cut_short_again_and_again_ends_the_run(fetched: Fetch, server: Source) -> None:
    whole = page(match("1")).body
    server.gives(PATH, Answer(whole[:-20]))
    with pytest.raises(TruncatedFeedError, match="ends in the middle"):
        fetched(searching(server))
    assert server.paths() == [PATH] * 3


def test_the_token_goes_with_every_page(fetched: Fetch, server: Source, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3cret")
    fetched(searching(server, token_file=str(tmp_path / "token")))
    assert [asked.headers["authorization"] for asked in server.asked] == ["Bearer s3cret"] * 2


def test_the_token_is_not_taken_to_another_server(fetched: Fetch, server: Source, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3cret")
    elsewhere = server.url.replace("127.0.0.1", "localhost") + "/r4"
    server.gives(PATH, page(match("1"), following=elsewhere))
    with pytest.raises(FeedUnavailableError, match="our credentials are not sent"):
        fetched(searching(server, token_file=str(tmp_path / "token")))
    assert server.paths() == [PATH]
    assert keys(fetched(searching(server, check_total=False)).parts) == ["1", "3"]


def test_a_next_page_over_plain_http_elsewhere_is_refused(fetched: Fetch, server: Source) -> None:
    server.gives(PATH, page(match("1"), following="http://fhir.example/r4?page=2"))
    with pytest.raises(FeedUnavailableError, match="no HTTPS"):
        fetched(searching(server))


@pytest.mark.parametrize(
    "following", ["https://[bad", "https://fhir.example:port/", "http://\x00", "https://x/" + "y" * 70_000]
)
def test_a_next_page_that_is_no_address_ends_the_run(fetched: Fetch, server: Source, following: str) -> None:
    server.gives(PATH, page(match("1"), following=following))
    with pytest.raises(MalformedFeedError, match="a next page that is no address"):
        fetched(searching(server))


def recent(ago: timedelta = timedelta()) -> str:
    return (datetime.now(UTC) - ago).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def test_after_the_first_pull_only_what_changed_is_asked_for(fetched: Fetch, server: Source) -> None:
    now = recent()
    server.gives(PATH, page(match("1"), match("2"), at=now), page(match("2"), at=now))
    source = searching(server, changes_only=True, overlap_s=60)
    first = fetched(source)
    second = fetched(source, Previous(first.etag, first.digest))
    asked = datetime.fromisoformat(server.asked[-1].query["_lastUpdated"].removeprefix("ge"))
    assert datetime.fromisoformat(now) - asked == timedelta(seconds=60)
    assert (first.complete, second.complete) == (None, False)
    assert keys(second.parts) == ["2"]


def test_all_is_read_again_when_it_is_time(fetched: Fetch, server: Source) -> None:
    for full, asks in ((recent(timedelta(hours=25)), False), (recent(timedelta(hours=23)), True)):
        server.gives(PATH, page(match("1"), at=full))
        source = searching(server, changes_only=True, full_every_h=24)
        first = fetched(source)
        second = fetched(source, Previous(first.etag, first.digest))
        assert ("_lastUpdated" in server.asked[-1].query) is asks
        assert second.complete is (False if asks else None)


def test_zero_hours_mean_that_all_is_never_read_again(fetched: Fetch, server: Source) -> None:
    server.gives(PATH, page(match("1"), at=LONG_AGO))
    source = searching(server, changes_only=True, full_every_h=0)
    first = fetched(source)
    assert fetched(source, Previous(first.etag, first.digest)).complete is False


@pytest.mark.parametrize(
    "etag", ["", 'W/"3"', "x y z", "{server} yesterday today", "{server} 2026-01-01 2026-01-01"]
)
def test_a_state_that_says_nothing_means_a_full_read(fetched: Fetch, server: Source, etag: str) -> None:
    source = searching(server, changes_only=True)
    digest = fetched(source).etag.split()[0]
    assert fetched(source, Previous(etag.format(server=digest), "0")).complete is None


def test_another_servers_state_is_no_beginning(fetched: Fetch, server: Source) -> None:
    server.gives(PATH, page(match("1"), at=recent()))
    server.gives("/other/Practitioner", page(match("1"), at=recent()))
    first = fetched(searching(server, changes_only=True))
    moved = searching(server, changes_only=True, url=server.url + "/other/Practitioner")
    assert fetched(moved, Previous(first.etag, first.digest)).complete is None


def test_changes_are_not_taken_for_a_register_of_the_same_bytes(fetched: Fetch, server: Source) -> None:
    """Else a record that vanished would stay: the last changes happened to be all that is left."""
    server.gives(PATH, page(match("1"), at=recent()))
    source = searching(server, changes_only=True)
    first = fetched(source)
    changes = fetched(source, Previous(first.etag, first.digest))
    assert (changes.not_modified, changes.digest == first.digest) == (False, False)
    assert fetched(source, Previous(changes.etag, changes.digest)).not_modified
    assert not fetched(
        replace(source, changes_only=False), Previous(changes.etag, changes.digest)
    ).not_modified


def test_a_server_that_tells_no_time_is_read_whole_each_time(
    fetched: Fetch, server: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BaseHTTPRequestHandler, "date_time_string", lambda *_: "")
    server.gives(PATH, page(match("1"), at=""))
    source = searching(server, changes_only=True)
    first = fetched(source)
    assert (first.stamp, first.etag) == (None, "")
    assert fetched(source, Previous(first.etag, first.digest)).complete is None


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"url": "https://fhir.example/r4"}, "ends in /Practitioner"),
        ({"url": "https://fhir.example/r4/Practitioner?_count=5"}, "_count"),
        ({"url": "https://fhir.example/r4/Practitioner?_elements:below"}, "_elements:below"),
        ({"url": "http://fhir.example/r4/Practitioner"}, "https"),
        ({"page_size": 0}, "page_size"),
        ({"overlap_s": -1}, "overlap_s"),
        ({"full_every_h": -1}, "full_every_h"),
    ],
)
def test_a_source_that_can_not_work_says_what_to_do(changes: dict[str, Any], problem: str) -> None:
    source = FhirSearchSource(url="https://fhir.example/r4/Practitioner?active=true")
    assert source.problem() == ""
    assert problem in replace(source, **changes).problem()
