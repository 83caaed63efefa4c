"""The spool: files that hold a feed between fetching and parsing. Only this user can read them."""

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from indexer.feeds.errors import FeedTooLargeError

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
        while data:
            data = data[os.write(self._descriptor, data) :]

    @property
    def records(self) -> int:
        """Lines written, a last one without a newline too."""
        return self.lines + (self._last != b"\n")


class Spool:
    """The parts of one feed, in order, with one digest (SHA-256) over all their bytes.

    The caller owns the folder and removes it when the run has ended: the files hold records as received.
    """

    def __init__(self, folder: Path, max_bytes: int, progress: Progress) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._size = 0
        self._received = 0
        self._progress = progress
        self.digest = hashlib.sha256()
        self.parts: list[Path] = []
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def check_size(self, more: int) -> None:
        """Refuse a feed that would grow beyond the limit (0 = none)."""
        if self._max_bytes and self._size + more > self._max_bytes:
            raise FeedTooLargeError(
                f"The feed is larger than {self._max_bytes} bytes. If that is right, raise indexer.max_feed_bytes."
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

    def start_again(self) -> None:
        """Forget every part: the source has changed under us."""
        for path in self.parts:
            path.unlink(missing_ok=True)
        self.parts.clear()
        self._size = 0
        self.digest = hashlib.sha256()

    def adopt(self, path: Path) -> None:
        """Take a file where it lies, without a copy; only its digest is computed."""
        with path.open("rb") as file:
            while data := file.read(_CHUNK):
                self._size += len(data)
                self.check_size(0)
                self.digest.update(data)
                self.received(len(data))
        self.parts.append(path)
