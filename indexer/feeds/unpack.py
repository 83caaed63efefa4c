"""Decompressing on the way in, piece by piece, within limits: a small bomb must not become a huge file."""

import zlib
from collections.abc import Iterable, Iterator
from typing import Protocol

from indexer.feeds.errors import FeedTooLargeError, MalformedFeedError, TruncatedFeedError

_GZIP = 16 + zlib.MAX_WBITS
_PIECE = 1 << 16
# So much may come out of whatever came in: a short file of spaces is no bomb.
FREE_BYTES = 16 << 20
# Enough of a document to see that it is a web page.
_BEGINNING = 512


def check_expansion(size_in: int, size_out: int, max_ratio: float) -> None:
    """Refuse what grows too much while it is unpacked; `max_ratio` 0 = no limit.

    Raises:
        FeedTooLargeError: `size_out` bytes out of `size_in` are too many.
    """
    if max_ratio and size_out > FREE_BYTES and size_out > max_ratio * size_in:
        raise FeedTooLargeError(
            f"The feed grows more than {max_ratio:g} times while it is unpacked, as a decompression bomb does. If that is "
            "right, raise indexer.max_expansion_ratio."
        )


class Gunzip:
    """A gzip stream, also of several members, fed piece by piece."""

    def __init__(self, max_ratio: float = 0) -> None:
        self._max_ratio = max_ratio
        self._stream = zlib.decompressobj(_GZIP)
        self._in = 0
        self._out = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Give what these bytes become, in bounded pieces.

        Raises:
            TruncatedFeedError: this is no gzip, or damaged.
            FeedTooLargeError: it grows too much.
        """
        self._in += len(data)
        try:
            while data:
                if self._stream.eof:
                    self._stream = zlib.decompressobj(_GZIP)
                piece = self._stream.decompress(data, _PIECE)
                self._out += len(piece)
                check_expansion(self._in, self._out, self._max_ratio)
                yield piece
                data = self._stream.unused_data if self._stream.eof else self._stream.unconsumed_tail
        except zlib.error as error:
            raise TruncatedFeedError("The compressed feed is damaged or no gzip at all.") from error

    def finish(self) -> None:
        """Make sure that the stream has come to its end.

        Raises:
            TruncatedFeedError: it has not.
        """
        if self._in and not self._stream.eof:
            raise TruncatedFeedError("The compressed feed ends in the middle.")


def gunzip(chunks: Iterable[bytes], max_ratio: float = 0) -> Iterator[bytes]:
    """Decompress a gzip stream, also of several members, piece by piece.

    Raises:
        TruncatedFeedError: it ends in the middle or is no gzip.
        FeedTooLargeError: it grows too much.
    """
    stream = Gunzip(max_ratio)
    for chunk in chunks:
        yield from stream.feed(chunk)
    stream.finish()


class Writable(Protocol):
    """Where bytes end up: a part of the spool, or a scratch file."""

    def write(self, data: bytes) -> None:
        """Append bytes."""

    def start_again(self) -> None:
        """Forget what was written."""


class Inflow:
    """One document or file on its way in.

    Counts what came over the line, so that a transfer that broke off can go on there, and unpacks it into `target`.

    Attributes:
        size: bytes that came over the line so far.
    """

    def __init__(
        self,
        target: Writable,
        *,
        gzip: bool = False,
        max_bytes: int = 0,
        max_ratio: float = 0,
        pages: bool = True,
    ) -> None:
        """Take in a document; `gzip` if it is packed, `pages` if it may be a web page."""
        self._target = target
        self._gzip = gzip
        self._max_bytes = max_bytes
        self._max_ratio = max_ratio
        self._pages = pages
        self.size = 0
        self._layers: list[Gunzip] = []
        self._beginning = b""
        self.begin(encoded=False)

    def begin(self, *, encoded: bool) -> None:
        """Start (again) with the first byte; `encoded` if the line itself is compressed (Content-Encoding)."""
        if self.size:
            self._target.start_again()
        self.size = 0
        self._beginning = b""
        self._layers = [Gunzip(self._max_ratio) for _ in range(int(encoded) + int(self._gzip))]

    def write(self, data: bytes) -> None:
        """Take in the next bytes as they came.

        Raises:
            FeedTooLargeError, TruncatedFeedError: see `Gunzip`; also if more comes than the feed may hold.
            MalformedFeedError: a web page comes instead.
        """
        self.size += len(data)
        if self._max_bytes and self.size > self._max_bytes:
            raise FeedTooLargeError(
                f"The feed is larger than {self._max_bytes} bytes. If that is right, raise indexer.max_feed_bytes."
            )
        self._through(data, 0)

    def _through(self, data: bytes, layer: int) -> None:
        if layer < len(self._layers):
            for piece in self._layers[layer].feed(data):
                self._through(piece, layer + 1)
            return
        if not self._pages and len(self._beginning) < _BEGINNING:
            self._beginning += data[:_BEGINNING]
            refuse_page(self._beginning)
        self._target.write(data)

    def finish(self) -> None:
        """Make sure that what is packed has come to its end.

        Raises:
            TruncatedFeedError: it has not.
        """
        for layer in self._layers:
            layer.finish()


def refuse_page(beginning: bytes) -> None:
    """Refuse a web page by its first bytes.

    Raises:
        MalformedFeedError: this is HTML.
    """
    text = beginning.removeprefix(b"\xef\xbb\xbf").lstrip()[:15].lower()
    if text.startswith((b"<!doctype html", b"<html")):
        raise MalformedFeedError(
            "The source gives a web page instead of the feed; a login or error page often comes with status 200. Open "
            "the address in a browser to see what it says. If the feed really is HTML, name text/html in source.expect."
        )
