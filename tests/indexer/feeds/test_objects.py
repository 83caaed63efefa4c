"""Object storage against a real server that speaks S3: who we are, what is there, and objects that change under us."""

import gzip
import hashlib
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
import stamina
from msgspec.structs import replace

from indexer.feeds import FeedChangedError, FeedTooLargeError, FeedUnavailableError, Previous
from indexer.feeds.sources import ObjectSource
from registry.errors import SettingsError
from registry.settings import Indexer
from tests.indexer.feeds.conftest import Fetch
from tests.indexer.feeds.object_store import BUCKET, KEY, REGION, SECRET, Store, Way, storing, way_to

BODY = random.Random(5).randbytes(20_000_000)  # three pieces


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with storing(tmp_path_factory.mktemp("storage")) as running:
        yield running


@pytest.fixture
def way(store: Store) -> Iterator[Way]:
    """The way to an empty bucket."""
    store.empty()
    with stamina.set_testing(testing=True, attempts=100, cap=True), way_to(store) as proxy:
        yield proxy


@pytest.fixture
def ours(way: Way, tmp_path: Path) -> ObjectSource:
    """A source that is right in all."""
    (tmp_path / "keys").write_text(f"{KEY}\n{SECRET}\n")
    return ObjectSource(
        bucket=BUCKET,
        endpoint_url=way.url,
        region=REGION,
        access_key_file=str(tmp_path / "keys"),
        path="in/*.csv",
    )


def test_an_object_is_read_whole_piece_by_piece(
    fetched: Fetch, store: Store, way: Way, ours: ObjectSource
) -> None:
    store.put("in/feed.csv", BODY)
    result = fetched(replace(ours, stamp="mtime"))
    assert result.digest == hashlib.sha256(BODY).hexdigest()
    assert [part.name for part in result.parts] == ["00000-feed.csv"]
    assert result.parts[0].stat().st_mode & 0o777 == 0o600
    assert result.stamp
    assert way.reads() == ["bytes=0-8388607", "bytes=8388608-16777215", "bytes=16777216-19999999"]


def test_only_what_matches_is_read_in_order_of_name(fetched: Fetch, store: Store, ours: ObjectSource) -> None:
    for name in ("in/b.csv", "in/a.csv", "in/a.csv.part", "in/deep/c.csv", "inner/d.csv", "e.csv"):
        store.put(name, name.encode())
    assert [part.read_bytes() for part in fetched(ours).parts] == [b"in/a.csv", b"in/b.csv"]
    deep = fetched(replace(ours, path="in/**/*.csv"))
    assert [part.read_bytes() for part in deep.parts] == [b"in/a.csv", b"in/b.csv", b"in/deep/c.csv"]
    assert fetched(replace(ours, path="*.csv")).parts[0].read_bytes() == b"e.csv"
    assert fetched(replace(ours, path=("e.csv", "inner/d.csv"))).parts[1].read_bytes() == b"inner/d.csv"


def test_deltas_are_taken_in_order_one_a_run(fetched: Fetch, store: Store, ours: ObjectSource) -> None:
    dated = r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)\.csv"
    source = replace(
        ours, path="in/*.csv.gz", pick="each", delta="*_delta_*", stamp="name", stamp_pattern=dated
    )
    for name in ("lrmp_delta_20261116.csv.gz", "lrmp_full_20261115.csv.gz", "lrmp_delta_20261114.csv.gz"):
        store.put(f"in/{name}", gzip.compress(name.encode()))
    taken, previous = [], None
    for _ in range(3):
        result = fetched(source, previous)
        taken.append([part.read_bytes() for part in result.parts])
        previous = Previous(result.etag, result.digest, result.stamp, result.name)
    assert taken == [[b"lrmp_full_20261115.csv.gz"], [b"lrmp_delta_20261116.csv.gz"], []]


def test_an_unchanged_object_is_not_read_again(
    fetched: Fetch, store: Store, way: Way, ours: ObjectSource
) -> None:
    store.put("in/feed.csv", b"1")
    first = fetched(ours)
    assert len(way.reads()) == 1
    assert fetched(ours, Previous(first.etag, first.digest)).not_modified
    assert len(way.reads()) == 1
    store.put("in/feed.csv", b"2")
    assert fetched(ours, Previous(first.etag, first.digest)).parts[0].read_bytes() == b"2"


# --- who we are ---


@pytest.mark.parametrize("wrong", ["key", "secret", "nobody"])
def test_who_is_not_let_in_is_told_so_at_once(
    fetched: Fetch, store: Store, way: Way, ours: ObjectSource, wrong: str
) -> None:
    store.put("in/feed.csv", b"1")
    keys = Path(ours.access_key_file)
    keys.write_text(f"AKIAOTHER\n{SECRET}" if wrong == "key" else f"{KEY}\nhunter2")
    source = replace(ours, access_key_file="") if wrong == "nobody" else ours
    with pytest.raises(
        FeedUnavailableError, match=r"does not let us in: see source\.access_key_file"
    ) as caught:
        fetched(source)
    assert "hunter2" not in str(caught.value.detail)
    assert SECRET not in str(caught.value.detail)
    assert len(way.asked) == 1


@pytest.mark.parametrize("text", [None, b"", b"only-an-id\n", b"1\n2\n3\n4\n", b"\xff\n\xff"])
def test_a_file_without_keys_is_told_of(fetched: Fetch, ours: ObjectSource, text: bytes | None) -> None:
    keys = Path(ours.access_key_file)
    keys.unlink() if text is None else keys.write_bytes(text)
    with pytest.raises(SettingsError, match=r"source\.access_key_file"):
        fetched(ours)


def test_without_a_file_of_keys_nothing_is_signed(
    fetched: Fetch, store: Store, way: Way, ours: ObjectSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the feed file does not name is not used: a machine's own identity may read more than the feed should."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    signed = []

    def fault(_path: str, headers: dict[str, str]) -> int:
        signed.append("authorization" in headers)
        return 403

    way.fault = fault
    for source in (replace(ours, access_key_file=""), ours):
        with pytest.raises(FeedUnavailableError, match="does not let us in"):
            fetched(source)
    assert signed == [False, True]


# --- what is there ---


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ({"bucket": "no-such-bucket"}, "bucket no-such-bucket does not exist"),
        ({"path": "in/none*.csv"}, r"No file matches in/none\*\.csv"),
        ({"endpoint_url": "http://127.0.0.1:1"}, "can't be reached or broke off, also after 3 attempts"),
    ],
)
def test_what_is_not_there_is_told_of(
    fetched: Fetch, store: Store, ours: ObjectSource, keys: dict[str, str], problem: str
) -> None:
    store.put("in/feed.csv", b"1")
    with pytest.raises(FeedUnavailableError, match=problem):
        fetched(replace(ours, **keys))


def test_limits_hold(fetched: Fetch, store: Store, ours: ObjectSource, settings: Indexer) -> None:
    store.put("in/feed.csv", bytes(2_000_000))
    with pytest.raises(FeedTooLargeError, match="max_feed_bytes"):
        fetched(ours, settings=replace(settings, max_feed_bytes=1_000_000))
    store.put("in/bomb.csv.gz", gzip.compress(bytes(60_000_000)))
    with pytest.raises(FeedTooLargeError, match="max_expansion_ratio"):
        fetched(replace(ours, path="in/bomb*"))


# --- what changes or breaks on the way ---


def test_an_object_that_is_replaced_while_it_is_read_is_read_anew(
    fetched: Fetch, store: Store, way: Way, ours: ObjectSource
) -> None:
    store.put("in/feed.csv", BODY)
    new = BODY[::-1][:9_000_000]

    def replace_it(_path: str, headers: dict[str, str]) -> None:
        if headers.get("range", "").startswith("bytes=8388608-1677"):
            store.put("in/feed.csv", new)

    way.fault = replace_it
    assert fetched(ours).parts[0].read_bytes() == new


def test_an_object_that_never_stops_changing_ends_the_run(
    fetched: Fetch, store: Store, way: Way, ours: ObjectSource
) -> None:
    store.put("in/feed.csv", b"0")
    contents = iter(range(1, 100))
    way.fault = lambda _path, headers: (
        store.put("in/feed.csv", str(next(contents)).encode()) if headers.get("range") else None
    )
    with pytest.raises(FeedChangedError, match="at each of 3 readings"):
        fetched(ours)


def test_an_object_that_is_removed_while_it_is_read_ends_the_run(
    fetched: Fetch, store: Store, way: Way, ours: ObjectSource
) -> None:
    store.put("in/feed.csv", b"0")

    def remove(_path: str, headers: dict[str, str]) -> None:
        if headers.get("range"):
            store.remove("in/feed.csv")

    way.fault = remove
    with pytest.raises(FeedUnavailableError, match="the object has been removed"):
        fetched(ours)


@pytest.mark.parametrize("fault", [429, 500, 503, "cut"])
def test_a_passing_fault_is_tried_again_where_it_happened(
    fetched: Fetch, store: Store, way: Way, ours: ObjectSource, fault: int | str
) -> None:
    store.put("in/feed.csv", BODY)
    left = [fault]
    way.fault = lambda _path, headers: (
        left.pop() if left and headers.get("range", "").startswith("bytes=8388608-") else None
    )
    assert fetched(ours).digest == hashlib.sha256(BODY).hexdigest()
    assert [span.split("-")[0] for span in way.reads()] == [
        "bytes=0",
        "bytes=8388608",
        "bytes=8388608",
        "bytes=16777216",
    ]


@pytest.mark.parametrize("when", ["listing", "reading"])
def test_a_lasting_fault_ends_the_run_after_the_last_attempt(
    fetched: Fetch, store: Store, way: Way, ours: ObjectSource, when: str
) -> None:
    store.put("in/feed.csv", b"0")
    way.fault = lambda _path, headers: 503 if (when == "listing") or headers.get("range") else None
    with pytest.raises(FeedUnavailableError, match="answers 503, also after 3 attempts"):
        fetched(ours)
    assert len([path for path, _ in way.asked if "list-type" in path]) == (3 if when == "listing" else 1)


def test_a_region_that_is_another_is_told_of(
    fetched: Fetch, store: Store, way: Way, ours: ObjectSource
) -> None:
    way.fault = lambda _path, _headers: 301
    with pytest.raises(FeedUnavailableError, match=r"answers 301: see source\.region"):
        fetched(ours)


def test_a_storage_that_is_too_slow_is_given_up(
    fetched: Fetch, store: Store, way: Way, ours: ObjectSource
) -> None:
    store.put("in/feed.csv", BODY)
    with pytest.raises(FeedUnavailableError, match=r"within 1e-06 s.*source\.max_fetch_s"):
        fetched(replace(ours, max_fetch_s=1e-06))


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ({"bucket": ""}, "bucket is empty"),
        ({"endpoint_url": "http://s3.example"}, "endpoint_url must be an https address"),
        ({"endpoint_url": "s3.example"}, "endpoint_url must be an https address"),
        ({"path": ""}, "path is empty"),
        ({"endpoint_url": "https://s3.example"}, ""),
        ({}, ""),
    ],
)
def test_keys_that_make_no_sense_are_told_of(keys: dict[str, str], problem: str) -> None:
    told = replace(ObjectSource(bucket="b", path="x"), **keys).problem()
    assert problem in told
    assert bool(told) == bool(problem)
