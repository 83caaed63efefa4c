import gzip
import hashlib
import os
from pathlib import Path

import pytest
from msgspec.structs import replace

from indexer.feeds import FeedTooLargeError, FeedUnavailableError, Previous, TruncatedFeedError
from indexer.feeds.sources import FileSource
from registry.settings import Indexer
from tests.indexer.feeds.conftest import Fetch


def test_a_file_is_read_where_it_lies(fetched: Fetch, tmp_path: Path) -> None:
    path = tmp_path / "feed.xml"
    path.write_bytes(b"<x/>")
    result = fetched(FileSource(path=str(path)))
    assert result.parts == (path,)
    assert result.digest == hashlib.sha256(b"<x/>").hexdigest()
    assert (result.stamp, result.etag, result.not_modified) == (None, "", False)


def test_a_pattern_gives_the_parts_of_one_export_in_order_of_name(fetched: Fetch, tmp_path: Path) -> None:
    for name in ("feed-2.xml", "feed-1.xml", "other.txt"):
        (tmp_path / name).write_text(name)
    result = fetched(FileSource(path=str(tmp_path / "feed-*.xml")))
    assert [path.name for path in result.parts] == ["feed-1.xml", "feed-2.xml"]
    assert result.digest == hashlib.sha256(b"feed-1.xmlfeed-2.xml").hexdigest()


def test_the_newest_of_several_can_be_picked(fetched: Fetch, tmp_path: Path) -> None:
    for age, name in enumerate(("monday.xml", "sunday.xml")):
        (tmp_path / name).write_text(name)
        os.utime(tmp_path / name, (1_700_000_000 - age, 1_700_000_000 - age))
    result = fetched(FileSource(path=str(tmp_path / "*.xml"), pick="newest", stamp="mtime"))
    assert [path.name for path in result.parts] == ["monday.xml"]
    assert result.stamp == "2023-11-14T22:13:20Z"


def test_the_same_bytes_are_not_modified(fetched: Fetch, tmp_path: Path) -> None:
    path = tmp_path / "feed.xml"
    path.write_bytes(b"<x/>")
    first = fetched(FileSource(path=str(path)))
    again = fetched(FileSource(path=str(path)), Previous(etag="", digest=first.digest))
    assert again.not_modified
    path.write_bytes(b"<y/>")
    assert not fetched(FileSource(path=str(path)), Previous(etag="", digest=first.digest)).not_modified


def test_a_compressed_file_is_unpacked_for_this_user_only(fetched: Fetch, tmp_path: Path) -> None:
    (tmp_path / "feed.xml.gz").write_bytes(gzip.compress(b"<x>") + gzip.compress(b"</x>"))
    result = fetched(FileSource(path=str(tmp_path / "feed.xml.gz")))
    assert result.parts[0].read_bytes() == b"<x></x>"
    assert result.parts[0].stat().st_mode & 0o777 == 0o600
    assert result.parts[0].parent.stat().st_mode & 0o777 == 0o700


def test_a_compressed_file_cut_short_is_refused(fetched: Fetch, tmp_path: Path) -> None:
    (tmp_path / "feed.xml.gz").write_bytes(gzip.compress(b"<x>" * 1000)[:-9])
    with pytest.raises(TruncatedFeedError, match="ends in the middle"):
        fetched(FileSource(path=str(tmp_path / "feed.xml.gz")))


def test_a_file_that_only_claims_to_be_compressed_is_refused(fetched: Fetch, tmp_path: Path) -> None:
    (tmp_path / "feed.xml.gz").write_bytes(b"<x/>")
    with pytest.raises(TruncatedFeedError, match="no gzip"):
        fetched(FileSource(path=str(tmp_path / "feed.xml.gz")))


def test_an_absent_file_is_told_of(fetched: Fetch, tmp_path: Path) -> None:
    with pytest.raises(FeedUnavailableError, match=r"No file matches .* Put the authority's file there"):
        fetched(FileSource(path=str(tmp_path / "*.xml")))


def test_a_feed_above_the_limit_is_refused(fetched: Fetch, settings: Indexer, tmp_path: Path) -> None:
    (tmp_path / "feed.xml").write_bytes(b"x" * 11)
    small = replace(settings, max_feed_bytes=10)
    with pytest.raises(FeedTooLargeError, match=r"indexer\.max_feed_bytes"):
        fetched(FileSource(path=str(tmp_path / "feed.xml")), settings=small)
    no_limit = replace(settings, max_feed_bytes=0)
    assert fetched(FileSource(path=str(tmp_path / "feed.xml")), settings=no_limit).digest


def test_a_compression_bomb_meets_the_limit(fetched: Fetch, settings: Indexer, tmp_path: Path) -> None:
    (tmp_path / "feed.xml.gz").write_bytes(gzip.compress(b"\0" * 50_000_000))
    with pytest.raises(FeedTooLargeError):
        fetched(
            FileSource(path=str(tmp_path / "feed.xml.gz")),
            settings=replace(settings, max_feed_bytes=1_000_000),
        )
