"""What a feed's standing records looked like at its last run, so that unchanged rows cost next to nothing.

Each standing record has a fingerprint: 64 bits of a keyed digest of its row as the source wrote it, key included. All
of a feed's fingerprints are held in the order in which the records first came, 17 bytes a record (a national register of ten
million: 170 MB). Sources write their files in the same order every day, so the next row is nearly always the next record:
it is looked for there, then nearby. Rows that are found in neither place are few, and told apart by their key; only
a file in another order makes it worth the time to sort the fingerprints and search them (then 25 bytes a record).

A changed record passes for unchanged only if its new fingerprint happens to be another standing record's: with ten
million records and a million changes, once in two million runs.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterable
from itertools import compress

import orjson
import sqlalchemy as sa

_UNSEEN, _SEEN, _SUPERSEDED = 0, 1, 2
# Turns states into a selector of those not seen.
_NOT_SEEN = bytes([1, 0, 0]) + bytes(253)
# Rows are inserted and left out one by one, or a few together.
_NEARBY = 64
# Share of the records that may be elsewhere before sorting all is cheaper than asking SQL about each; and at least so many.
_ASTRAY_SHARE, _ASTRAY = 1 / 32, 1000
# Sorting takes 40 bytes a fingerprint for a moment; more at once would take more memory than all the rest of a run.
_SORTED_AT_ONCE = 1 << 21

# Many rows are read as two texts, or two byte strings, that the database makes: one by one they would take seconds.
# With the plus SQLite reads the table as it lies. The index on feed and key would give the rows in another order, which then
# have to be sorted: four times as slow.
_COUNT = {
    "sqlite": sa.text("SELECT count(*) FROM source_record WHERE +feed_id = :feed_id AND gone_run_id IS NULL"),
    "postgresql": sa.text(
        "SELECT count(*) FROM source_record WHERE feed_id = :feed_id AND gone_run_id IS NULL"
    ),
}
_NEXT = {
    "sqlite": sa.text(
        "SELECT json_group_array(fingerprint), json_group_array(id) FROM ("
        "SELECT fingerprint, id FROM source_record WHERE +feed_id = :feed_id AND gone_run_id IS NULL"
        " AND fingerprint IS NOT NULL AND id > :after ORDER BY id LIMIT :limit)"
    ),
    "postgresql": sa.text(
        "SELECT string_agg(int8send(fingerprint), ''::bytea ORDER BY id),"
        " string_agg(int8send(id), ''::bytea ORDER BY id) FROM ("
        "SELECT fingerprint, id FROM source_record WHERE feed_id = :feed_id AND gone_run_id IS NULL"
        " AND fingerprint IS NOT NULL AND id > :after ORDER BY id LIMIT :limit) AS following"
    ),
}
_AT_ONCE = 250_000


class Known:
    """The fingerprints of a feed's standing records, and which of them this run has met.

    Attributes:
        unprinted: how many more stand without a fingerprint.
    """

    def __init__(self, fingerprints: "array[int]", ids: "array[int]", unprinted: int = 0) -> None:
        """Take fingerprints and ids of the records, in the order of their ids."""
        self.unprinted = unprinted
        self._fingerprints = fingerprints
        self._ids = ids
        self._states = bytearray(len(ids))
        self._next = 0
        self._astray = int(len(ids) * _ASTRAY_SHARE) + _ASTRAY
        self._sorted: list[array[int]] | None = None
        # The lowest bits of a sorted fingerprint make room for its place.
        self._places = (1 << len(ids).bit_length()) - 1

    def __len__(self) -> int:
        return len(self._ids)

    def news(self, fingerprints: Iterable[int]) -> list[int]:
        """Return the places in a list of fingerprints that no standing record is seen to have, or that come once more.

        The others are met: a standing record looks exactly so. A row in another order than the records' may be told as
        news although its record stands: `meet` it then.
        """
        known, states, place = self._fingerprints, self._states, self._next
        end = len(known)
        found = []
        for index, fingerprint in enumerate(fingerprints):
            if place >= end or known[place] != fingerprint:
                elsewhere = self._elsewhere(fingerprint, place)
                if elsewhere is None:
                    # Most such rows have changed where they stand.
                    found.append(index)
                    place += 1
                    continue
                place = elsewhere
            if states[place]:
                found.append(index)
            else:
                states[place] = _SEEN
            place += 1
        self._next = place
        return found

    def meet(self, record_id: int, fingerprint: int) -> bool:
        """Tell whether a standing record looks so and has not been met yet, and note that it is met now."""
        place = self._place(record_id)
        if place is None or self._states[place] or self._fingerprints[place] != fingerprint:
            return False
        self._states[place] = _SEEN
        return True

    def met(self, record_id: int) -> bool:
        """Tell whether the record has been met unchanged in this run."""
        place = self._place(record_id)
        return place is not None and self._states[place] == _SEEN

    def supersede(self, record_id: int) -> None:
        """Note that the record looks otherwise now: its old row is no longer what stands."""
        place = self._place(record_id)
        if place is not None:
            self._states[place] = _SUPERSEDED

    def unmet(self) -> Iterable[int]:
        """Return the ids of records of which no row was met, changed or not."""
        return compress(self._ids, self._states.translate(_NOT_SEEN))

    def _place(self, record_id: int) -> int | None:
        place = bisect_left(self._ids, record_id)
        return place if place < len(self._ids) and self._ids[place] == record_id else None

    def _elsewhere(self, fingerprint: int, place: int) -> int | None:
        if not self._astray:
            return self._anywhere(fingerprint)
        try:
            return self._fingerprints.index(fingerprint, max(0, place - _NEARBY), place + _NEARBY)
        except ValueError:
            self._astray -= 1
            return None

    def _anywhere(self, fingerprint: int) -> int | None:
        if self._sorted is None:
            self._sorted = self._sort()
        places = self._places
        least = fingerprint & ~places
        for some in self._sorted:
            at = bisect_left(some, least)
            while at < len(some) and some[at] & ~places == least:
                place = some[at] & places
                if self._fingerprints[place] == fingerprint:
                    return place
                at += 1
        return None

    def _sort(self) -> "list[array[int]]":
        """Sort the fingerprints, each with its place in its lowest bits."""
        known, above = self._fingerprints, ~self._places
        return [
            array(
                "q",
                sorted(
                    known[place] & above | place
                    for place in range(first, min(first + _SORTED_AT_ONCE, len(known)))
                ),
            )
            for first in range(0, len(known), _SORTED_AT_ONCE)
        ]


NOTHING_KNOWN = Known(array("q"), array("q"))


def load_known(connection: sa.Connection, feed_id: str) -> Known:
    """Read the fingerprints of a feed's standing records."""
    name = connection.dialect.name
    decode = _integers if name == "postgresql" else _of_json
    standing = connection.execute(_COUNT[name], {"feed_id": feed_id}).scalar_one()
    fingerprints, ids = array("q"), array("q")
    read = _AT_ONCE
    while read == _AT_ONCE:
        asked = {"feed_id": feed_id, "after": ids[-1] if ids else -1, "limit": _AT_ONCE}
        some = connection.execute(_NEXT[name], asked).one()
        fingerprints.extend(decode(some[0]))
        read = len(last := decode(some[1]))
        ids.extend(last)
    return Known(fingerprints, ids, unprinted=standing - len(ids))


def _of_json(text: str) -> "array[int]":
    return array("q", orjson.loads(text))


def _integers(big_endian: bytes | None) -> "array[int]":
    found = array("q", bytes(big_endian or b""))
    found.byteswap()
    return found
