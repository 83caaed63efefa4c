"""Approving a held run: exactly what its receipt shows is applied, and nothing that the feed has overtaken since."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from indexer import held
from indexer.change import Change
from indexer.feeds.descriptor import FeedDescriptor
from indexer.heads import heads_by_id
from indexer.load import Load
from indexer.payloads import open_payload
from indexer.workshop import BATCH, Done, Workshop
from registry.errors import BadRequestError
from registry.records import tables as t

_HELD = t.held_change


def approve(workshop: Workshop, feed: FeedDescriptor, run_id: int, *, dry_run: bool = False) -> Done:
    """Apply the removals and changes that wait under a held run.

    What the feed has said anew since then no longer waits under this run, so that an approval can never do more than
    what was shown.

    Raises:
        NotFoundError: no such run.
        BadRequestError: the run is of another feed, or nothing waits under it.
        BusyError: the feed is being pulled.
    """
    with workshop.run(feed, "approve", of=run_id, dry_run=dry_run) as (connection, load, done):
        waiting = (_HELD.c.run_id == run_id) & _HELD.c.kind.in_((held.REMOVAL, held.CHANGE))
        rows = 0
        last = 0
        while some := connection.execute(
            sa.select(_HELD).where(waiting & (_HELD.c.id > last)).order_by(_HELD.c.id).limit(BATCH)
        ).all():
            last = some[-1].id
            rows += len(some)
            _apply(connection, load, done, some)
        if not rows:
            newest = connection.scalar(
                sa.select(sa.func.max(_HELD.c.run_id)).where(_HELD.c.feed_id == feed.id)
            )
            more = f" What waits stands under run {newest}." if newest else ""
            raise BadRequestError(
                f"Nothing waits under run {run_id}: it was approved, or the feed has sent news since.{more}"
            )
    return done


def _apply(connection: sa.Connection, load: Load, done: Done, some: Sequence[Any]) -> None:
    heads = heads_by_id(connection, [row.source_record_id for row in some])
    gone: dict[int, int] = {}
    changes: list[Change] = []
    for row in some:
        head = heads[row.source_record_id]
        if head.gone:
            done.skipped.append(load.shown(head.key))
        elif row.kind == held.REMOVAL:
            gone[head.id] = head.practitioner_id
        else:
            payload = open_payload(load.sealer, bytes(row.payload))
            if facts := load.told(payload):
                changes.append(Change(head.key, facts, bytes(row.digest), payload, row.fingerprint, head))
            else:
                done.skipped.append(load.shown(head.key))
    held.clear(connection, gone, done.run)
    load.writer().remove(gone)
    load.counts.removed += len(gone)
    load.apply(changes)
