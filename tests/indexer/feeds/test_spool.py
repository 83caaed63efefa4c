import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from indexer.feeds import FeedChangedError, FeedTooLargeError
from indexer.feeds.spool import Spool


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """Let this process write no file larger than this."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def files(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool", 0, lambda _: None)


def test_no_room_for_the_feed_is_told_of_and_nothing_is_left(files: Spool, tmp_path: Path) -> None:
    with room_for(1000), pytest.raises(FeedTooLargeError, match="Make room"), files.part("feed") as part:
        part.write(b"x" * 2000)
    with room_for(1000), pytest.raises(FeedTooLargeError, match="Make room"), files.scratch() as scratch:
        scratch.write(b"x" * 2000)
    assert list((tmp_path / "spool").iterdir()) == []


def test_a_part_started_again_holds_only_what_came_then(files: Spool) -> None:
    with files.part("feed") as part:
        part.write(b"one\ntwo")
        part.start_again()
        assert (part.size, part.records) == (0, 0)
        part.write(b"three\n")
    fresh = Spool(files.parts[0].parent / "other", 0, lambda _: None)
    with fresh.part("feed") as other:
        other.write(b"three\n")
    assert files.parts[0].read_bytes() == b"three\n"
    assert (part.records, files.digest.digest()) == (1, fresh.digest.digest())


def test_starting_again_never_removes_what_is_not_ours(files: Spool, tmp_path: Path) -> None:
    (theirs := tmp_path / "feed.csv").write_text("theirs")
    files.adopt(theirs)
    with files.part("feed"):
        pass
    ours = files.parts[1]
    files.start_again()
    assert (theirs.exists(), ours.exists(), files.parts) == (True, False, [])


def test_a_file_that_grows_while_it_is_read_is_not_taken(tmp_path: Path) -> None:
    (path := tmp_path / "feed.csv").write_bytes(b"x" * 100)

    def write_on(_size: int) -> None:
        with path.open("ab") as file:
            file.write(b"y") if path.stat().st_size < 200 else None

    with pytest.raises(FeedChangedError, match=r"feed\.csv changed while it was read"):
        Spool(tmp_path / "spool", 0, write_on).adopt(path)


def test_a_scratch_file_is_bounded_and_gone_afterwards(tmp_path: Path) -> None:
    small = Spool(tmp_path / "spool", 10, lambda _: None)
    with small.scratch() as scratch:
        scratch.write(b"x" * 10)
        scratch.start_again()
        scratch.write(b"y" * 10)
        assert scratch.path.read_bytes() == b"y" * 10
        assert scratch.path.stat().st_mode & 0o777 == 0o600
        with pytest.raises(FeedTooLargeError):
            scratch.write(b"z")
    assert not scratch.path.exists()
