"""Where SQL truth and the index may differ: by sums over ranges of keys first, then key by key in ranges that differ.

Both sides are read at different moments, so what is found here is a suspicion; `indexer.judging` decides.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy.engine import Engine

from indexer.expected import expected, last_key, snapshot, sums
from indexer.projection import documents_after
from registry.records.expected import count as expected_count
from registry.search.checksum import PRIME
from registry.search.document import Operation, document_key
from registry.search.port import Bucket, IndexEngine

Range = tuple[int | None, int | None]
# Engines add in floating point, exactly up to 2**53: with more documents than this the sum of their checks may be rounded.
_ADDED_EXACTLY = 2**53 // PRIME
# The engines are asked for the content of so many documents at a time.
STORED_AT_ONCE = 1000
# Documents of SQL that are held against the index at a time.
_PIECE = 20_000


@dataclass(frozen=True, slots=True)
class Suspects:
    """What must be read key by key.

    Attributes:
        expected: documents that the index should hold.
        settled: those of them that lie in ranges that agree.
        ranges: smallest and largest keys, in order; None: without an end.
    """

    expected: int
    settled: int
    ranges: list[Range]


def everything(engine: Engine) -> Suspects:
    """Trust no sum."""
    with snapshot(engine) as connection:
        return Suspects(expected_count(connection), 0, [(None, None)])


def suspects(engine: Engine, search: IndexEngine, index: str, most: int) -> Suspects:
    """Compare the sums of at most `most` ranges of keys; those that differ, neighbours as one, must be read.

    SQL is read first: what the index learns meanwhile makes ranges differ that need not, never the other way round.
    """
    last = search.extent(index).last_key
    with snapshot(engine) as connection:
        width = bucket_width(max(last, last_key(connection)), most)
        wanted = sums(connection, width)
    held = search.buckets(width, index)
    empty = Bucket(0, 0, 0)
    ranges: list[Range] = []
    settled, before = 0, None
    for number in sorted(wanted.keys() | held.keys()):
        bucket = wanted.get(number, empty)
        if bucket == held.get(number) and bucket.count <= _ADDED_EXACTLY:
            settled += bucket.count
            continue
        low, high = number * width, number * width + width - 1
        if before == number - 1:
            low = ranges.pop()[0] or 0
        ranges.append((low, high))
        before = number
    return Suspects(sum(bucket.count for bucket in wanted.values()), settled, ranges)


def bucket_width(last: int, most: int) -> int:
    """Return the smallest power of two by which the keys up to `last` are cut into at most `most` ranges."""
    width = 1
    while last // width >= most:
        width *= 2
    return width


def differing(
    engine: Engine, search: IndexEngine, index: str, keys: Range, tell: Callable[[int], None]
) -> Iterator[int]:
    """Yield the keys in a range whose versions differ, in flat memory.

    The index is read in pieces, each of one view: a view that is open while much is judged and repaired would expire.

    Args:
        tell: hears how many documents were looked at, piece by piece.
    """
    low, high = keys
    with snapshot(engine) as connection, closing(expected(connection, low, high)) as wanted:
        while True:
            piece = list(islice(wanted, _PIECE))
            last = len(piece) < _PIECE
            end = high if last else piece[-1][0]
            with closing(_scan(search, index, low, end)) as held:
                yield from _merged(piece, held)
            tell(len(piece))
            if last:
                return
            low = piece[-1][0] + 1


def _scan(
    search: IndexEngine, index: str, low: int | None, high: int | None
) -> Generator[tuple[int, int], None, None]:
    scanned = search.scan(index, low=low, high=high)
    try:
        for identity, version in scanned:
            yield document_key(identity), version
    finally:
        if isinstance(scanned, Generator):
            scanned.close()


def _merged(wanted: Iterable[tuple[int, int]], held: Iterator[tuple[int, int]]) -> Iterator[int]:
    """Walk both sides in the order of their keys."""
    have = next(held, None)
    for key, version in wanted:
        while have is not None and have[0] < key:
            yield have[0]
            have = next(held, None)
        if have != (key, version):
            yield key
        if have is not None and have[0] == key:
            have = next(held, None)
    while have is not None:
        yield have[0]
        have = next(held, None)


def otherwise_told(
    engine: Engine, search: IndexEngine, index: str, batch: int, tell: Callable[[int], None]
) -> Iterator[tuple[int, int]]:
    """Yield key and version of documents that have the right version and not the content that SQL gives them.

    Args:
        batch: practitioners read at a time.
        tell: hears how many documents were looked at.
    """
    last = 0
    while True:
        with snapshot(engine) as connection:
            ids, operations = documents_after(connection, last, batch)
        if not ids:
            return
        last = ids[-1]
        for operation, have in read_back(search, index, operations):
            if have and have["version"] == operation.version and have != operation.stored:
                yield operation.key, operation.version
        tell(len(operations))


def read_back(
    search: IndexEngine, index: str, operations: Sequence[Operation]
) -> Iterator[tuple[Operation, dict[str, Any] | None]]:
    """Yield operations, each with the document that the index holds in its place, None if there is none."""
    for start in range(0, len(operations), STORED_AT_ONCE):
        some = operations[start : start + STORED_AT_ONCE]
        held = search.stored([operation.key for operation in some], index)
        yield from ((operation, held.get(operation.key)) for operation in some)
