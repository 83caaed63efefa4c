"""Merkle trees as RFC 6962 section 2.1 hashes them: SHA-256, 0x00 before a leaf, 0x01 before two nodes.

Proofs are made of hashes of ranges of leaves `[first, last)`; which ranges is told here, their hashes are computed by whoever
can read the leaves, in one pass. Checking follows the algorithms of RFC 9162 sections 2.1.3.2 and 2.1.4.2.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Self

HASH_BYTES = 32
Range = tuple[int, int]


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of a leaf."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node from those of its two halves."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """The right edge of a tree: all that is needed to put further leaves in and to tell the root.

    Attributes:
        size: leaves so far.
    """

    __slots__ = ("_peaks", "size")

    def __init__(self) -> None:
        self.size = 0
        # Roots of the complete trees that the leaves fall into, the largest (leftmost) first: one for each 1 in `size`.
        self._peaks: list[bytes] = []

    def append(self, leaf: bytes) -> None:
        """Put in the hash of the next leaf."""
        count, peaks = self.size, self._peaks
        while count & 1:
            leaf = node_hash(peaks.pop(), leaf)
            count >>= 1
        peaks.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        """Return the root; of no leaves, the hash of nothing."""
        if not self._peaks:
            return hashlib.sha256(b"").digest()
        *rest, root = self._peaks
        for peak in reversed(rest):
            root = node_hash(peak, root)
        return root

    def dump(self) -> bytes:
        """Return the edge as bytes; with the size it can be loaded again."""
        return b"".join(self._peaks)

    @classmethod
    def load(cls, size: int, dumped: bytes) -> Self:
        """Return the edge of a tree of `size` leaves.

        Raises:
            ValueError: these are not the bytes of such a tree.
        """
        if size < 0 or len(dumped) != size.bit_count() * HASH_BYTES:
            raise ValueError("not the edge of a tree of this size")
        edge = cls()
        edge.size = size
        edge._peaks = [dumped[at : at + HASH_BYTES] for at in range(0, len(dumped), HASH_BYTES)]
        return edge


def _left_half(count: int) -> int:
    """Return the largest power of two below `count`, which is at least 2."""
    return 1 << (count - 1).bit_length() - 1


def inclusion_ranges(position: int, size: int) -> list[Range]:
    """Return the ranges whose hashes prove the leaf at `position` in a tree of `size`, from the leaf to the root.

    Raises:
        ValueError: the tree has no such leaf.
    """
    if not 0 <= position < size:
        raise ValueError("the tree has no such leaf")
    ranges = []
    first, last = 0, size
    while last - first > 1:
        middle = first + _left_half(last - first)
        if position < middle:
            ranges.append((middle, last))
            last = middle
        else:
            ranges.append((first, middle))
            first = middle
    return ranges[::-1]


def consistency_ranges(old: int, new: int) -> list[Range]:
    """Return the ranges whose hashes prove that a tree of `new` leaves begins with the one of `old`.

    Raises:
        ValueError: not `0 < old <= new`.
    """
    if not 0 < old <= new:
        raise ValueError("the older tree must have leaves, and no more than the newer one")
    ranges: list[Range] = []
    first, last, whole = 0, new, True
    while old < last:
        middle = first + _left_half(last - first)
        if old <= middle:
            ranges.append((middle, last))
            last = middle
        else:
            ranges.append((first, middle))
            first, whole = middle, False
    if not whole:
        ranges.append((first, last))
    return ranges[::-1]


def range_hashes(leaves: Iterable[tuple[int, bytes]], ranges: Sequence[Range]) -> list[bytes]:
    """Return the hashes of ranges that do not overlap, in their order.

    Args:
        leaves: positions and hashes of leaves, every position of the ranges in rising order; others are passed over.

    Raises:
        ValueError: a leaf is missing.
    """
    waiting = sorted(ranges, reverse=True)
    found: dict[Range, bytes] = {}
    edge = Frontier()
    for position, leaf in leaves:
        if not waiting:
            break
        if position < waiting[-1][0]:
            continue
        if position != waiting[-1][0] + edge.size:
            raise ValueError("a leaf is missing")
        edge.append(leaf)
        if position + 1 == waiting[-1][1]:
            found[waiting.pop()] = edge.root()
            edge = Frontier()
    if waiting:
        raise ValueError("a leaf is missing")
    return [found[one] for one in ranges]


def includes(*, leaf: bytes, position: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Tell whether `path` proves that the tree of `size` leaves with `root` has `leaf` at `position`."""
    if not 0 <= position < size:
        return False
    at, end = position, size - 1
    for step in path:
        if end == 0:
            return False
        if at & 1 or at == end:
            leaf = node_hash(step, leaf)
            while at and not at & 1:
                at, end = at >> 1, end >> 1
        else:
            leaf = node_hash(leaf, step)
        at, end = at >> 1, end >> 1
    return end == 0 and leaf == root


def is_continued(*, old: int, old_root: bytes, new: int, new_root: bytes, path: Sequence[bytes]) -> bool:
    """Tell whether `path` proves that the tree of `new` leaves begins with the very leaves of the one of `old`."""
    if not 0 < old <= new:
        return False
    if old == new:
        return not path and old_root == new_root
    steps = list(path) if old & (old - 1) else [old_root, *path]
    if not steps:
        return False
    at, end = old - 1, new - 1
    while at & 1:
        at, end = at >> 1, end >> 1
    before = after = steps[0]
    for step in steps[1:]:
        if end == 0:
            return False
        if at & 1 or at == end:
            before, after = node_hash(step, before), node_hash(step, after)
            while at and not at & 1:
                at, end = at >> 1, end >> 1
        else:
            after = node_hash(after, step)
        at, end = at >> 1, end >> 1
    return end == 0 and before == old_root and after == new_root
