"""Records that a feed no longer holds: told by the feed itself, or absent from a file that holds everything."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

import sqlalchemy as sa

from indexer import held
from indexer.heads import Head, heads_by_key
from registry.records import bulk
from registry.records import tables as t

if TYPE_CHECKING:
    from indexer.load import Load


class Vanished:
    """Collects the gone of one run, and settles them at its end: removed, or put aside by a held run."""

    def __init__(self, load: "Load") -> None:
        self._load = load
        self._told: dict[int, int] = {}

    def told(self, keys: Iterable[str]) -> None:
        """Note records by key that the feed says it no longer holds."""
        heads = heads_by_key(self._load.connection, self._load.feed_id, list(keys))
        for head in heads.values():
            self.add(head)

    def add(self, head: Head) -> None:
        """Note one record that is to go."""
        if not head.gone:
            self._told[head.id] = head.practitioner_id

    def settle(self) -> None:
        """Mark what is gone.

        Raises:
            HoldError: it is so much that the feed itself is in doubt.
        """
        load = self._load
        gone = dict(self._told)
        if load.complete:
            for some in self._absent():
                gone.update(some)
                load.guard.check_vanished(len(gone))
        load.guard.check_vanished(len(gone))
        records = list(gone)
        for start in range(0, len(records), load.settings.batch_rows):
            some_ids = records[start : start + load.settings.batch_rows]
            if load.hold:
                load.put_aside([held.Aside(record, held.REMOVAL) for record in some_ids])
            else:
                held.clear(load.connection, some_ids, load.run_id)
                load.writer().remove({record: gone[record] for record in some_ids})
        if load.hold:
            load.counts.withheld = len(gone)
        else:
            load.counts.removed = len(gone)

    def _absent(self) -> Iterator[dict[int, int]]:
        """Give the standing records of which this run met no row, some at a time."""
        load, record = self._load, t.source_record
        untouched = (
            (record.c.feed_id == load.feed_id)
            & record.c.gone_run_id.is_(None)
            & record.c.checked_run_id.is_distinct_from(load.run_id)
        )
        columns = sa.select(record.c.id, record.c.practitioner_id).where(untouched)
        unmet = iter(load.known.unmet())
        while some := list(islice(unmet, load.settings.batch_rows)):
            rows = load.connection.execute(columns.where(record.c.id.in_(bulk.ids(load.connection, some))))
            yield {row.id: row.practitioner_id for row in rows}
        if load.known.unprinted:
            rows = load.connection.execute(columns.where(record.c.fingerprint.is_(None)))
            yield {row.id: row.practitioner_id for row in rows}
