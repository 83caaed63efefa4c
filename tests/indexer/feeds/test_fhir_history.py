import tomllib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from indexer.feeds import (
    FeedChangedError,
    FeedTooLargeError,
    FeedUnavailableError,
    Fetched,
    MalformedFeedError,
    Previous,
    TruncatedFeedError,
    load_feed,
)
from indexer.feeds.fhir_sources import FhirHistorySource
from indexer.feeds.options import FhirOptions
from indexer.feeds.sources import WebSource
from registry.settings import CONFIG, Indexer
from tests.indexer.feeds.conftest import Fetch
from tests.indexer.feeds.fhir_answers import (
    Json,
    changed,
    deleted,
    history,
    keys,
    lines,
    match,
    outcome,
    page,
    practitioner,
)
from tests.indexer.feeds.source import Answer, Source

PATH = "/r4/Practitioner"
HISTORY = PATH + "/_history"
NOW = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def following(server: Source, **changes: Any) -> FhirHistorySource:  # noqa: ANN401 - keys of the source
    return replace(FhirHistorySource(url=server.url + PATH, page_size=2), **changes)


@pytest.fixture
def first(fetched: Fetch, source: Source) -> Previous:
    """What the first pull of three practitioners leaves for the next."""
    source.gives(PATH, page(match("1"), match("2"), match("3"), at=NOW))
    result = fetched(following(source))
    assert (keys(result.parts), result.complete, source.paths()) == (["1", "2", "3"], None, [PATH])
    return Previous(result.etag, result.digest)


def after(fetched: Fetch, source: Source, first: Previous, *entries: Json | None, **more: Any) -> Fetched:  # noqa: ANN401
    """Fetch what a history with these entries tells after the first pull."""
    source.gives(HISTORY, history(*entries, at=NOW, **more))
    return fetched(following(source), first)


def test_later_pulls_ask_for_what_has_happened_since(fetched: Fetch, source: Source, first: Previous) -> None:
    source.gives(HISTORY, history(changed("2"), at=NOW))
    second = fetched(following(source, overlap_s=30), first)
    assert (keys(second.parts), second.complete) == (["2"], False)
    asked = source.asked[-1]
    assert asked.path == HISTORY
    assert asked.query["_count"] == "2"
    assert datetime.fromisoformat(NOW) - datetime.fromisoformat(asked.query["_since"]) == timedelta(
        seconds=30
    )


def test_the_servers_time_moves_on_and_never_back(fetched: Fetch, source: Source, first: Previous) -> None:
    now = NOW.replace(".000", "")
    second = after(fetched, source, first, changed("2"))
    source.gives(HISTORY, history(at="2026-01-01T00:00:00Z"))
    third = fetched(following(source), Previous(second.etag, second.digest))
    assert (second.stamp, third.stamp, third.etag) == (now, now, second.etag)


def test_of_each_record_only_the_newest_version_is_taken(
    fetched: Fetch, source: Source, first: Previous
) -> None:
    result = after(
        fetched,
        source,
        first,
        changed("2", family="Newest", version="5"),
        changed("1"),
        changed("2", family="Older", version="4"),
    )
    assert keys(result.parts) == ["1", "2"]
    (part,) = result.parts
    assert lines(part.read_bytes())[1]["name"] == [{"family": "Newest"}]


EARLY, LATE = "2024-04-30T10:00:00Z", "2024-04-30T12:00:00+01:00"
ORDERS: dict[str, tuple[list[Json], str]] = {
    "the server's order where nothing else tells": (
        [changed("1", family="A"), changed("1", family="B")],
        "A",
    ),
    "a counted version against the order": (
        [changed("1", family="A", version="9"), changed("1", family="B", version="10")],
        "B",
    ),
    "time against the order": ([changed("1", family="A", at=EARLY), changed("1", family="B", at=LATE)], "B"),
    "time before a count that began anew": (
        [changed("1", family="A", version="7", at=EARLY), changed("1", family="B", version="1", at=LATE)],
        "B",
    ),
    "a count where the times are equal": (
        [changed("1", family="A", version="2", at=EARLY), changed("1", family="B", version="3", at=EARLY)],
        "B",
    ),
    "versions that are no numbers tell nothing": (
        [changed("1", family="A", version="a1"), changed("1", family="B", version="b2")],
        "A",
    ),
    "a deletion by its ETag": ([deleted("Practitioner/1", etag='W/"2"'), changed("1", version="3")], "Doe"),
    "a deletion by its address": ([changed("1", version="3"), deleted("Practitioner/1/_history/4")], "-"),
    "a deletion by its time": ([changed("1", at=EARLY), deleted("Practitioner/1", at=LATE)], "-"),
    "a deletion by its place": ([deleted("Practitioner/1"), changed("1", version="3")], "-"),
    "a record made again": (
        [changed("1", version="3"), deleted("Practitioner/1", etag='W/"2"'), changed("1", version="1")],
        "Doe",
    ),
}


@pytest.mark.parametrize(("entries", "expected"), ORDERS.values(), ids=ORDERS)
def test_which_version_is_the_newest(
    fetched: Fetch, source: Source, first: Previous, entries: list[Json], expected: str
) -> None:
    (part,) = after(fetched, source, first, *entries).parts
    (line,) = lines(part.read_bytes())
    assert (line["name"][0]["family"] if "name" in line else "-") == expected


def test_versions_on_different_pages_are_one_record(fetched: Fetch, source: Source, first: Previous) -> None:
    source.gives("/r4", history(changed("2", family="Old", version="1"), changed("1"), at=NOW))
    result = after(
        fetched, source, first, changed("2", family="New", version="2"), following="/r4?_getpages=1"
    )
    assert keys(result.parts) == ["1", "2"]
    assert b"New" in result.parts[0].read_bytes()


@pytest.mark.parametrize(
    "entry",
    [
        deleted("Practitioner/2"),
        deleted("Practitioner/2/_history/9"),
        deleted("https://fhir.example/r4/Practitioner/2"),
        {"request": {"method": "delete", "url": "Practitioner/2"}},
        {"fullUrl": "https://fhir.example/r4/Practitioner/2", "request": {"method": "DELETE"}},
        {"resource": practitioner("2"), "request": {"method": "DELETE"}},
    ],
)
def test_a_deletion_is_told_however_the_server_names_it(
    fetched: Fetch, source: Source, first: Previous, entry: Json
) -> None:
    assert keys(after(fetched, source, first, entry).parts) == ["-2"]


def test_deletions_of_other_resources_and_remarks_are_left_out(
    fetched: Fetch, source: Source, first: Previous
) -> None:
    role = {"resource": {"resourceType": "PractitionerRole", "id": "2"}, "request": {"method": "PUT"}}
    remark = {"resource": outcome("information"), "search": {"mode": "outcome"}}
    assert keys(after(fetched, source, first, changed("3"), role, remark).parts) == ["3"]


BROKEN = {
    "a deletion of nothing": (deleted(""), "without saying of what"),
    "a change without its content": (
        {"request": {"method": "PUT", "url": "Practitioner/2"}},
        "without its resource",
    ),
    "an error": ({"resource": outcome("error")}, "tells of an error"),
    "an empty entry": (None, "an empty entry"),
}


@pytest.mark.parametrize(("entry", "message"), BROKEN.values(), ids=BROKEN)
def test_a_history_that_does_not_say_enough_ends_the_run(
    fetched: Fetch, source: Source, first: Previous, entry: Json | None, message: str
) -> None:
    with pytest.raises(MalformedFeedError, match=message):
        after(fetched, source, first, changed("1"), entry)


def test_resources_without_an_id_stay_bad_rows_of_their_own(
    fetched: Fetch, source: Source, first: Previous
) -> None:
    nameless = {"resource": {"resourceType": "Practitioner"}, "request": {"method": "PUT"}}
    (part,) = after(fetched, source, first, nameless, nameless).parts
    assert len(lines(part.read_bytes())) == 2


def test_a_history_with_nothing_new_tells_nothing(fetched: Fetch, source: Source, first: Previous) -> None:
    quiet = after(fetched, source, first, total=0)
    assert (keys(quiet.parts), quiet.complete, quiet.not_modified) == ([], False, False)
    assert after(fetched, source, Previous(quiet.etag, quiet.digest)).not_modified


def test_a_history_that_lost_a_page_is_refused(fetched: Fetch, source: Source, first: Previous) -> None:
    with pytest.raises(TruncatedFeedError, match="counts 2 versions but gave 1"):
        after(fetched, source, first, changed("1"), total=2)
    assert keys(fetched(following(source, check_total=False), first).parts) == ["1"]


def test_changes_that_come_while_pages_are_read_push_versions_along_and_lose_none(
    fetched: Fetch, source: Source, first: Previous
) -> None:
    source.gives("/r4", history(changed("2"), changed("1"), at=NOW, total=4))
    result = after(fetched, source, first, changed("3"), changed("2"), total=3, following="/r4")
    assert keys(result.parts) == ["1", "2", "3"]


def test_a_history_thrown_away_while_it_is_read_ends_the_run(
    fetched: Fetch, source: Source, first: Previous
) -> None:
    source.gives("/r4", Answer(status=410))
    with pytest.raises(FeedChangedError, match="Pull again later"):
        after(fetched, source, first, changed("1"), following="/r4")


def test_a_server_without_a_history_is_told_of(fetched: Fetch, source: Source, first: Previous) -> None:
    with pytest.raises(FeedUnavailableError, match=r"_history answers 404"):
        fetched(following(source), first)


def test_a_history_larger_than_allowed_is_refused(
    fetched: Fetch, source: Source, first: Previous, settings: Indexer
) -> None:
    source.gives(HISTORY, history(changed("1", family="x" * 5000), at=NOW))
    with pytest.raises(FeedTooLargeError, match="max_feed_bytes"):
        fetched(following(source), first, settings=replace(settings, max_feed_bytes=4000))


def test_all_is_read_again_when_it_is_time(fetched: Fetch, source: Source) -> None:
    source.gives(PATH, page(match("1"), at="2020-01-01T00:00:00Z"))
    old = fetched(following(source))
    assert fetched(following(source), Previous(old.etag, old.digest)).not_modified
    assert source.paths() == [PATH, PATH]


def test_a_history_can_not_be_limited_by_a_query() -> None:
    source = FhirHistorySource(url="https://fhir.example/r4/Practitioner")
    assert source.problem() == ""
    assert "fhir-search" in replace(source, url=source.url + "?active=true").problem()
    assert "ends in /Practitioner" in replace(source, url="https://fhir.example/r4").problem()


def test_the_example_of_a_feed_file_shows_every_key_of_its_own() -> None:
    path = CONFIG / "feeds" / "fhir-directory.toml"
    feed, written = load_feed(path), tomllib.loads(path.read_text("utf-8"))
    assert isinstance(feed.source, FhirHistorySource)
    assert isinstance(feed.options, FhirOptions)
    own = set(FhirHistorySource.__struct_fields__) - set(WebSource.__struct_fields__) | {"url", "transport"}
    assert set(written["source"]) == own
    assert set(written["options"]) == set(FhirOptions.__struct_fields__) - {"encoding"}
    assert feed.source == FhirHistorySource(url=feed.source.url)
    assert "inte hittas" in feed.silence_sv
    assert "not found" in feed.silence_en.lower()
