"""SFTP against a real server: who it is, who we are, what is taken, and lines that break."""

import gzip
import hashlib
import io
import os
import random
import zipfile

import asyncssh
import pytest
from msgspec.structs import replace

from indexer.feeds import (
    FeedChangedError,
    FeedError,
    FeedTooLargeError,
    FeedUnavailableError,
    Previous,
    TruncatedFeedError,
)
from indexer.feeds.sources import SftpSource
from registry.settings import Indexer
from tests.indexer.feeds.conftest import Fetch
from tests.indexer.feeds.sftp_server import OLD, Sftp, at, put, stall

BODY = random.Random(3).randbytes(3_000_000)


def test_a_file_is_fetched_whole(fetched: Fetch, sftp: Sftp, sftp_source: SftpSource) -> None:
    put(sftp, "feed.csv", BODY)
    result = fetched(replace(sftp_source, stamp="mtime"))
    assert [part.read_bytes() for part in result.parts] == [BODY]
    assert result.digest == hashlib.sha256(BODY).hexdigest()
    assert (result.stamp, result.name) == ("2023-11-14T22:13:20Z", "feed.csv")
    assert result.parts[0].stat().st_mode & 0o777 == 0o600


def test_several_files_come_in_order_of_name(fetched: Fetch, sftp: Sftp, sftp_source: SftpSource) -> None:
    for name in ("b.csv", "a.csv", "c.txt", ".a.csv"):
        put(sftp, name, name.encode())
    (sftp.folder / "out" / "folder.csv").mkdir()
    (sftp.folder / "out" / "link.csv").symlink_to("a.csv")
    assert [part.read_bytes() for part in fetched(sftp_source).parts] == [b"a.csv", b"b.csv", b"a.csv"]


@pytest.mark.parametrize("path", ["out/*.csv", "/out/feed.csv", ("out/feed.csv", "/out/none*")])
def test_paths_may_be_relative_and_several(
    fetched: Fetch, sftp: Sftp, sftp_source: SftpSource, path: str | tuple[str, ...]
) -> None:
    put(sftp, "feed.csv", b"x")
    assert fetched(replace(sftp_source, path=path)).parts[0].read_bytes() == b"x"


def test_deltas_are_taken_in_order_one_a_run(fetched: Fetch, sftp: Sftp, sftp_source: SftpSource) -> None:
    source = replace(
        sftp_source,
        pick="each",
        delta="*_delta_*",
        stamp="name",
        stamp_pattern=r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)\.csv$",
    )
    for name in ("lrmp_delta_20261117.csv", "lrmp_full_20261115.csv", "lrmp_delta_20261116.csv"):
        put(sftp, name, name.encode())
    taken, previous = [], None
    for _ in range(4):
        result = fetched(source, previous)
        taken.append((result.name if result.parts else "", result.complete, result.more))
        previous = Previous(result.etag, result.digest, result.stamp, result.name)
    assert taken == [
        ("lrmp_full_20261115.csv", True, True),
        ("lrmp_delta_20261116.csv", False, True),
        ("lrmp_delta_20261117.csv", False, False),
        ("", None, False),
    ]


def test_an_unchanged_file_is_not_carried_again(fetched: Fetch, sftp: Sftp, sftp_source: SftpSource) -> None:
    put(sftp, "feed.csv", BODY)
    first = fetched(sftp_source)
    sftp.reads.clear()
    previous = Previous(first.etag, first.digest, None, first.name)
    assert fetched(sftp_source, previous).not_modified
    assert not sftp.reads
    put(sftp, "feed.csv", BODY, OLD + 1)
    again = fetched(sftp_source, previous)
    assert again.not_modified  # the same bytes
    assert sftp.reads
    assert again.etag != first.etag


def test_a_file_that_has_just_changed_is_carried_again(
    fetched: Fetch, sftp: Sftp, sftp_source: SftpSource
) -> None:
    """Its time tells seconds; it may change twice in one."""
    path = put(sftp, "feed.csv", b"1")
    os.utime(path)
    first = fetched(sftp_source)
    path.write_bytes(b"2")
    assert fetched(sftp_source, Previous(first.etag, first.digest)).parts[0].read_bytes() == b"2"


# --- lines that break ---


def test_a_line_that_breaks_is_opened_again_and_the_file_gone_on_with(
    fetched: Fetch, sftp: Sftp, sftp_source: SftpSource
) -> None:
    put(sftp, "feed.csv", BODY)
    sftp.on_read = at(1_500_000, sftp.drop)
    assert fetched(sftp_source).digest == hashlib.sha256(BODY).hexdigest()
    assert sftp.lines == 2
    assert sftp.reads.count(0) == 1  # nothing was read twice from its beginning


def test_a_packed_file_is_gone_on_with_too(fetched: Fetch, sftp: Sftp, sftp_source: SftpSource) -> None:
    put(sftp, "feed.csv.gz", gzip.compress(BODY))
    sftp.on_read = at(1_500_000, sftp.drop)
    assert fetched(replace(sftp_source, path="/out/*.gz")).parts[0].read_bytes() == BODY


def test_a_line_that_always_breaks_ends_the_run(fetched: Fetch, sftp: Sftp, sftp_source: SftpSource) -> None:
    put(sftp, "feed.csv", BODY)
    sftp.on_read = at(0, sftp.drop, times=1000)
    with pytest.raises(FeedUnavailableError, match=r"can't be reached or broke off .* also after 3 attempts"):
        fetched(sftp_source)


def test_nobody_at_the_address_is_told_of(
    fetched: Fetch, sftp_source: SftpSource, settings: Indexer, sftp: Sftp
) -> None:
    with pytest.raises(FeedUnavailableError, match="can't be reached"):
        fetched(replace(sftp_source, port=1), settings=replace(settings, retries=0))


def test_a_file_that_is_replaced_while_it_is_read_is_read_anew(
    fetched: Fetch, sftp: Sftp, sftp_source: SftpSource
) -> None:
    put(sftp, "feed.csv", BODY)
    new = BODY[::-1]
    sftp.on_read = at(1_000_000, lambda: put(sftp, "feed.csv", new, OLD + 60))
    assert fetched(sftp_source).parts[0].read_bytes() == new


def test_a_file_that_shrinks_while_it_is_read_is_read_anew(
    fetched: Fetch, sftp: Sftp, sftp_source: SftpSource
) -> None:
    put(sftp, "feed.csv", BODY)
    sftp.on_read = at(500_000, lambda: put(sftp, "feed.csv", b"short", OLD + 60))
    assert fetched(sftp_source).parts[0].read_bytes() == b"short"


def test_a_file_that_never_stops_changing_ends_the_run(
    fetched: Fetch, sftp: Sftp, sftp_source: SftpSource
) -> None:
    moments = iter(range(1, 100))
    put(sftp, "feed.csv", b"x" * 100)
    sftp.on_read = at(0, lambda: put(sftp, "feed.csv", b"x" * 100, OLD + 10 * next(moments)), times=100)
    with pytest.raises(FeedChangedError, match="at each of 3 readings"):
        fetched(sftp_source)


def test_a_server_that_stalls_is_given_up(
    fetched: Fetch, sftp: Sftp, sftp_source: SftpSource, settings: Indexer
) -> None:
    put(sftp, "feed.csv", b"x" * 10)
    sftp.on_read = at(0, lambda: stall(0.5)(0), times=1000)
    with pytest.raises(FeedUnavailableError, match="can't be reached or broke off"):
        fetched(sftp_source, settings=replace(settings, read_timeout_s=0.1, retries=1))


def test_a_server_too_slow_for_the_whole_is_given_up(
    fetched: Fetch, sftp: Sftp, sftp_source: SftpSource
) -> None:
    put(sftp, "feed.csv", BODY)
    sftp.on_read = stall(1.0)
    with pytest.raises(FeedUnavailableError, match=r"within 0\.7 s.*source\.max_fetch_s"):
        fetched(replace(sftp_source, max_fetch_s=0.7))


# --- what is there ---


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("/out/none*.csv", "No file matches"),
        ("/none/*.csv", "does not exist on 127"),
        ("none.csv", "No file"),
    ],
)
def test_what_is_not_there_is_told_of(
    fetched: Fetch, sftp: Sftp, sftp_source: SftpSource, path: str, problem: str
) -> None:
    put(sftp, "feed.csv", BODY)
    with pytest.raises(FeedUnavailableError, match=problem):
        fetched(replace(sftp_source, path=path))
    assert sftp.lines == 1


def test_limits_hold(fetched: Fetch, sftp: Sftp, sftp_source: SftpSource, settings: Indexer) -> None:
    put(sftp, "feed.csv", BODY)
    put(sftp, "bomb.csv.gz", gzip.compress(bytes(60_000_000)))
    put(sftp, "cut.csv.gz", gzip.compress(BODY)[:-5])
    with pytest.raises(FeedTooLargeError, match="max_feed_bytes"):
        fetched(sftp_source, settings=replace(settings, max_feed_bytes=1_000_000))
    with pytest.raises(FeedTooLargeError, match="max_expansion_ratio"):
        fetched(replace(sftp_source, path="/out/bomb*"))
    with pytest.raises(TruncatedFeedError):
        fetched(replace(sftp_source, path="/out/cut*"))


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ({"host_key": ()}, "host_key or known_hosts_file is needed"),
        ({"host": ""}, "host, username and port"),
        ({"port": 70_000}, "host, username and port"),
        ({"key_file": ""}, "key_file or password_file"),
        ({"password_file": "x"}, "one of them"),
        ({"path": "/in*/x.csv"}, "wildcard in its folder"),
        ({"path": ""}, "path is empty"),
        ({}, ""),
    ],
)
def test_keys_that_make_no_sense_are_told_of(keys: dict[str, object], problem: str) -> None:
    source = SftpSource(host="x.example", username="u", host_key="SHA256:x", key_file="id", path="/out/*.csv")
    told = replace(source, **keys).problem()
    assert problem in told
    assert bool(told) == bool(problem)


def test_no_fault_of_the_server_is_anything_but_a_feed_error(
    fetched: Fetch, sftp: Sftp, sftp_source: SftpSource
) -> None:
    put(sftp, "feed.csv", BODY)

    def fail() -> None:
        raise asyncssh.SFTPFailure("disk on fire")

    sftp.on_read = at(0, fail, times=1000)
    with pytest.raises(FeedError):
        fetched(sftp_source)


def test_a_zip_is_unpacked_after_it_has_come_whole(
    fetched: Fetch, sftp: Sftp, sftp_source: SftpSource
) -> None:
    with zipfile.ZipFile(packed := io.BytesIO(), "w") as archive:
        archive.writestr("feed.csv", BODY)
        archive.writestr("readme.txt", b"")
    put(sftp, "feed.zip", packed.getvalue())
    sftp.on_read = at(1_500_000, sftp.drop)
    result = fetched(replace(sftp_source, path="/out/*.zip", members="*.csv"))
    assert [part.read_bytes() for part in result.parts] == [BODY]
    assert sorted(path.name for path in result.parts[0].parent.iterdir()) == ["00000-feed.csv"]
