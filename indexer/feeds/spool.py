"""The spool: files that hold a feed between fetching and parsing. Only this user can read them."""

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from indexer.feeds.errors import FeedChangedError, FeedTooLargeError

Progress = Callable[[int], None]
"""Called now and then with the number of bytes that have come so far."""

_CHUNK = 1 << 20
_ONLY_ME = 0o600


class Part:
    """One file being written."""

    def __init__(self, descriptor: int, spool: "Spool") -> None:
        self._descriptor = descriptor
        self._spool = spool
        self.digest = spool.digest.copy()
        self.size = 0
        self.lines = 0
        self._last = b"\n"

    def write(self, data: bytes) -> None:
        """Append bytes.

        Raises:
            FeedTooLargeError: the feed as a whole is larger than allowed.
        """
        self.size += len(data)
        self._spool.check_size(self.size)
        self._spool.received(len(data))
        self.digest.update(data)
        self.lines += data.count(b"\n")
        if data:
            self._last = data[-1:]
        _write(self._descriptor, data)

    def start_again(self) -> None:
        """Forget what was written."""
        os.ftruncate(self._descriptor, 0)
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        self.digest = self._spool.digest.copy()
        self.size = self.lines = 0
        self._last = b"\n"

    @property
    def records(self) -> int:
        """Lines written, a last one without a newline too."""
        return self.lines + (self._last != b"\n")


class Scratch:
    """A file that is unpacked and then removed; it belongs to no digest.

    Attributes:
        path: where it lies; only this user can read it.
    """

    def __init__(self, path: Path, descriptor: int, spool: "Spool") -> None:
        self.path = path
        self._descriptor = descriptor
        self._spool = spool
        self._size = 0

    def write(self, data: bytes) -> None:
        """Append bytes.

        Raises:
            FeedTooLargeError: the feed as a whole is larger than allowed.
        """
        self._size += len(data)
        self._spool.check_size(self._size)
        self._spool.received(len(data))
        _write(self._descriptor, data)

    def start_again(self) -> None:
        """Forget what was written."""
        os.ftruncate(self._descriptor, 0)
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        self._size = 0


def _write(descriptor: int, data: bytes) -> None:
    try:
        while data:
            data = data[os.write(descriptor, data) :]
    except OSError as error:
        raise FeedTooLargeError(
            f"The feed can't be written to the temporary folder: {error.strerror}. Make room there, or set TMPDIR."
        ) from error


class Spool:
    """The parts of one feed, in order, with one digest (SHA-256) over all their bytes.

    The caller owns the folder and removes it when the run has ended: the files hold records as received.

    Attributes:
        max_bytes: the limit for all parts together; 0 = none.
        digest: over all parts so far.
        parts: the files, in order.
    """

    def __init__(self, folder: Path, max_bytes: int, progress: Progress) -> None:
        self._folder = folder
        self.max_bytes = max_bytes
        self._size = 0
        self._received = 0
        self._progress = progress
        self.digest = hashlib.sha256()
        self.parts: list[Path] = []
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def check_size(self, more: int) -> None:
        """Refuse a feed that would grow beyond the limit (0 = none)."""
        if self.max_bytes and self._size + more > self.max_bytes:
            raise FeedTooLargeError(
                f"The feed is larger than {self.max_bytes} bytes. If that is right, raise indexer.max_feed_bytes."
            )

    def received(self, size: int) -> None:
        """Tell how far the fetching has come, pieces that were sent twice included."""
        self._received += size
        self._progress(self._received)

    @contextmanager
    def part(self, name: str) -> Iterator[Part]:
        """Write one file; on an error it is removed and counts for nothing, so that it can be tried again."""
        path = self._folder / f"{len(self.parts):05d}-{name}"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, _ONLY_ME)
        part = Part(descriptor, self)
        try:
            yield part
        except BaseException:
            os.close(descriptor)
            path.unlink(missing_ok=True)
            raise
        os.close(descriptor)
        self._size += part.size
        self.digest = part.digest
        self.parts.append(path)

    @contextmanager
    def scratch(self) -> Iterator[Scratch]:
        """Write a file that is gone afterwards."""
        path = self._folder / "scratch"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, _ONLY_ME)
        try:
            yield Scratch(path, descriptor, self)
        finally:
            os.close(descriptor)
            path.unlink(missing_ok=True)

    def start_again(self) -> None:
        """Forget every part: the source has changed under us."""
        for path in self.parts:
            if path.parent == self._folder:  # what was adopted isn't ours to remove
                path.unlink(missing_ok=True)
        self.parts.clear()
        self._size = 0
        self.digest = hashlib.sha256()

    def adopt(self, path: Path) -> None:
        """Take a file where it lies, without a copy; only its digest is computed.

        Raises:
            FeedChangedError: it was changed meanwhile.
        """
        with path.open("rb") as file:
            before = os.fstat(file.fileno())
            while data := file.read(_CHUNK):
                self._size += len(data)
                self.check_size(0)
                self.digest.update(data)
                self.received(len(data))
            after = os.fstat(file.fileno())
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise FeedChangedError(
                f"{path.name} changed while it was read. Pull again when it is whole, or set source.settle_s."
            )
        self.parts.append(path)
