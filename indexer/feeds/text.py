"""Text of a feed, line by line: decoded as declared, never as guessed, and never more than one line in memory.

A byte order mark always wins: it says what the file is, whatever the feed file says. Without one the declared
encoding holds, strictly. Guessing would turn Åsa Öberg into another person the day that a file happens to fit two
encodings (DFE-Digital/get-help-with-tech#1326, Adobe user-sync.py#180).
"""

import codecs
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from indexer.feeds.errors import MalformedFeedError, TruncatedFeedError

Encoding = Literal["utf-8", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "iso-8859-1"]

# The four-byte mark first: it begins like the one of UTF-16.
_MARKS: tuple[tuple[bytes, str], ...] = (
    (codecs.BOM_UTF32_LE, ""),
    (codecs.BOM_UTF32_BE, ""),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CHUNK = 1 << 16
_BLOCK = 1 << 16
_NEWLINES = "\r\n"


class Lines:
    """The lines of one file, each with its own line end (CRLF, LF or CR), as `csv.reader` wants them.

    Use it in a `with` statement and go through it once. A line longer than `limit` comes in pieces, so that a file
    without line ends does not become one line in memory; `cut` then turns True and stays so until the reader, who
    must not take a piece for a record, sets it back. `unfinished` tells that further pieces of the same line follow.

    Args:
        part: the file.
        encoding: as the feed file declares it; a byte order mark wins over it and is not part of the first line.
        limit: the longest line in characters.

    Raises:
        MalformedFeedError: the bytes are not of that encoding (on entering, or when the place is reached).
        TruncatedFeedError: the file ends inside a character.
    """

    def __init__(self, part: Path, encoding: Encoding, limit: int) -> None:
        self.cut = False
        self.unfinished = False
        self.part = part
        self._declared = encoding
        self._limit = limit
        self._block, self._at, self._end = b"", 0, b"\n"

    def __enter__(self) -> Self:
        self._encoding, self._offset = _encoding_of(self.part, self._declared)
        self._by_block = self._encoding == "utf-8"
        self._binary = self.part.open("rb")
        self._binary.seek(self._offset)
        self._file: io.TextIOWrapper | None = None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        (self._file or self._binary).close()

    def __iter__(self) -> Iterator[str]:
        while self._by_block:
            if self._at == len(self._block) and not self._fill():
                break
            start, self._at = self._at, self._block.find(b"\n", self._at) + 1
            yield self.text(self._block[start : self._at])
        if not self._by_block:
            yield from self._carefully()

    def plain(self) -> list[bytes]:
        """Return the next lines up to one that holds a quote, as bytes without line ends; empty lines are left out.

        Gives nothing if the next line holds a quote, and for a file whose lines must be looked at one by one (another encoding than
        UTF-8, other line ends, a line above the limit). It may be called between any two lines of the iteration.
        """
        if not self._by_block or (self._at == len(self._block) and not self._fill()):
            return []
        block, start = self._block, self._at
        quote = block.find(b'"', start)
        end = len(block) if quote < 0 else block.rfind(b"\n", start, quote) + 1
        if end <= start:
            return []
        self._at = end
        lines = block[start:end].split(self._end)
        lines.pop()
        return [line for line in lines if line] if b"" in lines else lines

    def text(self, line: bytes) -> str:
        """Decode a line of `plain`.

        Raises:
            MalformedFeedError: it is not of the file's encoding.
        """
        try:
            return line.decode(self._encoding)
        except UnicodeDecodeError as error:
            raise _undecodable(self.part, self._encoding) from error

    def _fill(self) -> bool:
        """Read the next block of whole lines; False at the end of the file, and where lines need care from there on."""
        self._offset += len(self._block)
        block = self._binary.read(_BLOCK)
        if not block.endswith(b"\n"):
            block += self._binary.readline(self._limit)
        self._block, self._at = b"", 0
        returns, ends = block.count(b"\r"), block.count(b"\n")
        self._by_block = (
            (not block or block.endswith(b"\n"))
            and (not returns or returns == ends == block.count(b"\r\n"))
            and (len(block) <= self._limit or max(map(len, block.split(b"\n"))) < self._limit)
        )
        if not block or not self._by_block:
            return False
        self._block, self._end = block, b"\r\n" if returns else b"\n"
        return True

    def _carefully(self) -> Iterator[str]:
        if self._file is None:
            self._binary.seek(self._offset)
            self._file = io.TextIOWrapper(self._binary, encoding=self._encoding, errors="strict", newline="")
        readline, limit = self._file.readline, self._limit
        try:
            while line := readline(limit):
                if len(line) == limit and line[-1] not in _NEWLINES:
                    yield from self._pieces(readline, line)
                else:
                    yield line
        except UnicodeDecodeError as error:
            raise _undecodable(self.part, self._encoding) from error

    def _pieces(self, readline: Callable[[int], str], piece: str) -> Iterator[str]:
        while piece:
            self.cut, self.unfinished = True, piece[-1] not in _NEWLINES
            yield piece
            if not self.unfinished:
                return
            piece = readline(self._limit)


def check_final_newline(part: Path, encoding: Encoding) -> None:
    """Refuse a file whose last line has no end: its last row may be cut.

    Raises:
        TruncatedFeedError: the file does not end with a newline.
        MalformedFeedError: it can't be of the encoding.
    """
    actual, _ = _encoding_of(part, encoding)
    ends = tuple(newline.encode(actual) for newline in _NEWLINES)
    with part.open("rb") as file:
        size = file.seek(0, io.SEEK_END)
        file.seek(max(0, size - len(ends[0])))
        if file.read() not in ends:
            raise TruncatedFeedError(
                f"{part.name} does not end with a newline, so its last row may be cut. Fetch it again, or set "
                "options.final_newline = false if this export never ends with one."
            )


def _encoding_of(part: Path, declared: Encoding) -> tuple[str, int]:
    """Return how the file is encoded and how long its byte order mark is."""
    with part.open("rb") as file:
        start = file.read(_CHUNK)
    for mark, encoding in _MARKS:
        if start.startswith(mark):
            if not encoding:
                raise MalformedFeedError(f"{part.name} is UTF-32, which no feed may be. Ask for UTF-8.")
            return encoding, len(mark)
    if declared == "utf-16":
        raise MalformedFeedError(
            f"{part.name} has no byte order mark, which UTF-16 needs. Set options.encoding to the file's own: "
            '"utf-16-le" or "utf-16-be", or another if it is no UTF-16.'
        )
    if b"\0" in start and not declared.startswith("utf-16"):
        raise MalformedFeedError(
            f"{part.name} holds a zero byte (at {start.index(0)}), so it is no {declared} text. Set options.encoding "
            '("utf-16-le" if every second byte is zero), or ask the authority for a new file.'
        )
    return declared, 0


def _undecodable(part: Path, encoding: str) -> MalformedFeedError:
    """Find the place again: a text file only knows it within its own buffer."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    with part.open("rb") as file:
        offset, data = 0, b""
        try:
            while data := file.read(_CHUNK):
                waiting = len(_waiting(decoder))
                decoder.decode(data)
                offset += len(data)
            waiting = len(_waiting(decoder))
            decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            place = offset - waiting + error.start
            if not data:
                return TruncatedFeedError(
                    f"{part.name} ends inside a character (byte {place} and on). Fetch it again."
                )
            return MalformedFeedError(
                f"{part.name} is no {encoding} text: byte {place} can't be read as that. Set options.encoding in the "
                'feed file to the encoding of the authority\'s files ("utf-8", "utf-16", "cp1252" or "iso-8859-1"), '
                "or ask the authority for a new file."
            )
    return MalformedFeedError(f"{part.name} changed while it was read. Fetch it again.")


def _waiting(decoder: codecs.IncrementalDecoder) -> bytes:
    return decoder.getstate()[0]
