"""What a feed's standing records looked like at its last run, so that unchanged rows cost next to nothing.

Each standing record has a fingerprint: 64 bits of a keyed digest of its row as the source wrote it, key included. All
of a feed's fingerprints are held in two sorted arrays, 17 bytes a record (a national register of ten million: 170 MB),
and looked up by bisection. A changed record passes for unchanged only if its new fingerprint happens to be another
standing record's: with ten million records and a million changes, once in two million runs.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterable
from itertools import compress
from typing import TypeAlias

import orjson
import sqlalchemy as sa

_ROWS = 50_000
_FINGERPRINT_BITS = 64
# Bits that are left to search.
_LAST_BITS = 4
_UNSEEN, _SEEN, _SUPERSEDED = 0, 1, 2
# Turns states into a selector of those not seen.
_NOT_SEEN = bytes([1, 0, 0]) + bytes(253)

_OF_FEED = "FROM source_record WHERE feed_id = :feed_id AND gone_run_id IS NULL"
_STANDING = _OF_FEED + " AND fingerprint IS NOT NULL"
_COUNT = sa.text("SELECT count(*), count(fingerprint) " + _OF_FEED)
_ORDERED = sa.text("SELECT fingerprint, id " + _STANDING + " ORDER BY fingerprint")
_SORTED = "(SELECT fingerprint, id " + _STANDING + " ORDER BY fingerprint)"
_IN_TWO_TEXTS = "SELECT json_group_array(fingerprint), json_group_array(id) FROM "
_AS_JSON = sa.text(_IN_TWO_TEXTS + _SORTED)
_IN_TWO_BYTE_STRINGS = (
    "SELECT string_agg(int8send(fingerprint), ''::bytea), string_agg(int8send(id), ''::bytea) FROM "
)
_PACKED = sa.text(_IN_TWO_BYTE_STRINGS + _SORTED + " AS sorted")
# Enough to sort two million fingerprints without a file.
_SORTING_MEMORY = sa.text("SET LOCAL work_mem = '128MB'")
_USUAL_MEMORY = sa.text("SET LOCAL work_mem TO DEFAULT")
# Records that SQLite puts into one text; more would take more memory than all the rest of a run.
_MOST_AT_ONCE = 2_000_000


class Known:
    """The fingerprints of a feed's standing records, and which of them this run has met.

    Attributes:
        unprinted: how many more stand without a fingerprint.
    """

    def __init__(self, fingerprints: "array[int]", ids: "array[int]", unprinted: int = 0) -> None:
        self.unprinted = unprinted
        self._fingerprints = fingerprints
        self._ids = ids
        self._states = bytearray(len(ids))
        # Where the fingerprints with given first bits begin: leaves a dozen to search instead of all, which would
        # cost a cache miss a step.
        bits = max(1, len(ids).bit_length() - _LAST_BITS)
        self._shift = _FINGERPRINT_BITS - bits
        self._half = 1 << bits >> 1
        self._starts = array(
            "q", (bisect_left(fingerprints, (n - self._half) << self._shift) for n in range(1 << bits))
        )
        self._starts.append(len(ids))

    def __len__(self) -> int:
        return len(self._ids)

    def news(self, fingerprints: Iterable[int]) -> list[int]:
        """Return the places in a list of fingerprints that no standing record has, or that come once more.

        The others are met: a standing record looks exactly so.
        """
        shift, half, starts = self._shift, self._half, self._starts
        known, states = self._fingerprints, self._states
        found = []
        for index, fingerprint in enumerate(fingerprints):
            bucket = (fingerprint >> shift) + half
            end = starts[bucket + 1]
            place = bisect_left(known, fingerprint, starts[bucket], end)
            if place == end or known[place] != fingerprint or states[place]:
                found.append(index)
            else:
                states[place] = _SEEN
        return found

    def met(self, fingerprint: int | None) -> bool:
        """Tell whether the record that looked so has been met unchanged in this run."""
        place = self._place(fingerprint)
        return place is not None and self._states[place] == _SEEN

    def supersede(self, fingerprint: int | None) -> None:
        """Note that the record that looked so looks otherwise now: its old row is no longer what stands."""
        place = self._place(fingerprint)
        if place is not None:
            self._states[place] = _SUPERSEDED

    def unmet(self) -> Iterable[int]:
        """Return the ids of records of which no row was met, changed or not."""
        return compress(self._ids, self._states.translate(_NOT_SEEN))

    def _place(self, fingerprint: int | None) -> int | None:
        if fingerprint is None:
            return None
        place = bisect_left(self._fingerprints, fingerprint)
        return place if place < len(self._states) and self._fingerprints[place] == fingerprint else None


NOTHING_KNOWN = Known(array("q"), array("q"))


def load_known(connection: sa.Connection, feed_id: str) -> Known:
    """Read the fingerprints of a feed's standing records."""
    standing, printed = connection.execute(_COUNT, {"feed_id": feed_id}).one()
    read = _from_postgresql if connection.dialect.name == "postgresql" else _from_sqlite
    return Known(*read(connection, feed_id, printed), unprinted=standing - printed)


_Arrays: TypeAlias = "tuple[array[int], array[int]]"


def _from_sqlite(connection: sa.Connection, feed_id: str, count: int) -> _Arrays:
    """Let the database put all into two JSON texts: a million rows one by one would take seconds."""
    if count > _MOST_AT_ONCE:
        return _one_by_one(connection, feed_id)
    row = connection.execute(_AS_JSON, {"feed_id": feed_id}).one()
    return array("q", orjson.loads(row[0])), array("q", orjson.loads(row[1]))


def _one_by_one(connection: sa.Connection, feed_id: str) -> _Arrays:
    fingerprints, ids = array("q"), array("q")
    rows = connection.execution_options(yield_per=_ROWS).execute(_ORDERED, {"feed_id": feed_id})
    for some in rows.partitions(_ROWS):
        first, second = zip(*some, strict=True)
        fingerprints.extend(first)
        ids.extend(second)
    return fingerprints, ids


def _from_postgresql(connection: sa.Connection, feed_id: str, _count: int) -> _Arrays:
    """Let the server put all into two byte strings: a million rows one by one would take seconds."""
    connection.execute(_SORTING_MEMORY)
    row = connection.execute(_PACKED, {"feed_id": feed_id}).one()
    connection.execute(_USUAL_MEMORY)
    return _integers(row[0]), _integers(row[1])


def _integers(big_endian: bytes | None) -> "array[int]":
    found = array("q", bytes(big_endian or b""))
    found.byteswap()
    return found
