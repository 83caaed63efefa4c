"""Rows of a large CSV file as bytes, line by line; the odd ones through `csv.reader`, without losing the next row."""

import csv
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

from indexer.feeds.errors import TruncatedFeedError
from indexer.feeds.text import Encoding, Lines

_MARK = b"\xef\xbb\xbf"
_MARKS_16 = (b"\xff\xfe", b"\xfe\xff")
_START = 1 << 16
# A value that goes on over more lines than this is a quote that was never closed.
_MAX_LINES = 50
# How a row of NPPES begins: an NPI in the first column. A line that does is never part of the row before.
_BEGINNING = re.compile(rb'"?[0-9]{10}"?,')


@dataclass(frozen=True, slots=True)
class Spoilt:
    """A row that can't be split into values. `text` is its first line."""

    reason: str
    text: str


class LineReader:
    """The lines of one file in UTF-8 with their line ends, whatever the file's own encoding.

    UTF-8, the usual case, is not decoded: a letter that is none spoils its row, not the file. A line longer than the
    limit comes as a piece without line end; `cut` tells that it does.

    Raises:
        MalformedFeedError: the file is not of the encoding.
    """

    def __init__(self, part: Path, encoding: Encoding, limit: int) -> None:
        self.part = part
        self.cut = False
        self._encoding = encoding
        self._limit = limit
        self._ahead: list[bytes] = []

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            file = stack.enter_context(self.part.open("rb"))
            start = file.read(_START)
            file.seek(len(_MARK) if start.startswith(_MARK) else 0)
            if self._plain(start):
                self._next = self._bytes(file)
            else:
                lines = stack.enter_context(Lines(self.part, self._encoding, self._limit))
                self._next = self._texts(lines)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _plain(self, start: bytes) -> bool:
        """Tell whether the bytes can be read as they are: UTF-8, and lines that end with LF."""
        if start.startswith(_MARK):
            return not _lone_returns(start)
        return self._encoding == "utf-8" and not start.startswith(_MARKS_16) and not _lone_returns(start)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._ahead:
            return self._ahead.pop()
        return next(self._next)

    def _bytes(self, file: BinaryIO) -> Iterator[bytes]:
        readline, limit = file.readline, self._limit + 1
        while line := readline(limit):
            if len(line) == limit and line[-1:] != b"\n":
                self.cut = True
                piece = line
                while piece and piece[-1:] != b"\n":
                    piece = readline(limit)
            yield line

    def _texts(self, lines: Lines) -> Iterator[bytes]:
        first = True
        for line in lines:
            if lines.cut:
                # Pieces of one line: the first stands for it.
                if first:
                    self.cut = True
                    yield line.encode()
                first = line[-1] in "\r\n"
                lines.cut = not first
                continue
            yield line.encode()

    def fields(self, line: bytes) -> list[str] | Spoilt:
        """Split a row, with the lines that it goes on in, into values.

        Raises:
            TruncatedFeedError: the file ends within the row.
        """
        lines = [line.decode("utf-8", "replace")]
        size = len(line)
        if self._was_cut():
            return Spoilt(f"the row is longer than {self._limit} bytes", lines[0])
        while True:
            try:
                values = next(csv.reader(lines, strict=True), [])
            except csv.Error as error:
                if "unexpected end of data" not in str(error):
                    return Spoilt(f"the row can't be split into columns ({error})", lines[0])
            else:
                self._check_end(line)
                return values
            more = next(self, None)
            if more is None:
                raise TruncatedFeedError(f"{self.part.name} ends inside a quoted value. Fetch it again.")
            size += len(more)
            if _BEGINNING.match(more) or self.cut or len(lines) == _MAX_LINES or size > self._limit:
                self._ahead.append(more)
                return Spoilt("a quoted value does not end", lines[0])
            line = more
            lines.append(line.decode("utf-8", "replace"))

    def _was_cut(self) -> bool:
        """Tell whether a line was cut, once."""
        cut, self.cut = self.cut, False
        return cut

    def _check_end(self, line: bytes) -> None:
        """Refuse a last line that ends with neither a line end nor a quote: its last value may be cut."""
        if line[-1:] not in b'\r\n"':
            raise TruncatedFeedError(
                f"{self.part.name} ends without a line end, so its last row may be cut. Fetch it again, or end the "
                "last line if the file is whole."
            )


def _lone_returns(start: bytes) -> bool:
    """Tell whether lines end with CR alone."""
    return start.count(b"\r") > start.count(b"\r\n") + start.endswith(b"\r")
