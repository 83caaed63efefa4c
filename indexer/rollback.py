"""Rolling back a run: what it changed is put back by a new run. Nothing is erased; history shows both."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from indexer import held, joins, runs
from indexer.change import Change
from indexer.feeds.descriptor import FeedDescriptor
from indexer.heads import Head, heads_by_id
from indexer.load import Load
from indexer.payloads import open_payload
from indexer.workshop import BATCH, Done, Workshop
from registry.errors import BadRequestError
from registry.records import bulk
from registry.records import tables as t

_VERSION, _RECORD, _LICENCE, _JOIN = (
    t.source_record_version,
    t.source_record,
    t.licence,
    t.practitioner_join,
)


def roll_back(workshop: Workshop, feed: FeedDescriptor, run_id: int, *, dry_run: bool = False) -> Done:
    """Undo one run of a feed.

    Records that have changed again since are left as they are and listed. Whom the run hid as protected stays hidden.
    The next pull reads every record of the feed again; exactly the same file is refused.

    Raises:
        NotFoundError: no such run.
        BadRequestError: it is of another feed, changed nothing, has been rolled back, or a later run has read the whole
            register.
        BusyError: the feed is being pulled.
    """
    with workshop.run(feed, "rollback", of=run_id, dry_run=dry_run) as (connection, load, done):
        run = runs.get(connection, run_id)
        if run.undone_run_id is not None:
            raise BadRequestError(f"Run {run_id} has been rolled back already, by run {run.undone_run_id}.")
        if run.kind not in ("pull", "approve") or run.state not in runs.GOOD:
            raise BadRequestError(
                f"Run {run_id} ({run.kind}, {run.state}) left nothing that could be rolled back."
            )
        _refuse_overtaken(connection, run)
        _Undoing(connection, load, done, run_id).undo()
        # What found the same bytes again since is undone with it: it proves nothing any more.
        same = (t.feed_run.c.id == run_id) | (
            (t.feed_run.c.id > run_id)
            & (t.feed_run.c.feed_id == feed.id)
            & (t.feed_run.c.state == "unchanged")
            & (t.feed_run.c.content_digest == run.content_digest)
        )
        connection.execute(sa.update(t.feed_run).where(same).values(undone_run_id=done.run))
    return done


def _refuse_overtaken(connection: sa.Connection, run: Any) -> None:  # noqa: ANN401 - a row of feed_run
    """Refuse to undo what a later whole file has confirmed: every record that still stands so stands from there."""
    table = t.feed_run
    later = connection.scalar(
        sa.select(sa.func.max(table.c.id)).where(
            (table.c.feed_id == run.feed_id)
            & (table.c.id > run.id)
            & (table.c.kind == "pull")
            & table.c.state.in_(("succeeded", "held"))
            & table.c.complete
            & table.c.undone_run_id.is_(None)
        )
    )
    if later:
        raise BadRequestError(
            f"Run {later} has read the whole register since, and what stands it has confirmed. "
            f"Roll back the newest first: indexer rollback {later}"
        )


class _Undoing:
    def __init__(self, connection: sa.Connection, load: Load, done: Done, run_id: int) -> None:
        self._connection = connection
        self._load = load
        self._done = done
        self._run_id = run_id

    def undo(self) -> None:
        self._part()
        touched = sorted(self._touched())
        for start in range(0, len(touched), BATCH):
            self._records(touched[start : start + BATCH])
        held_by_it = sa.select(_RECORD.c.id).where(_RECORD.c.held_run_id == self._run_id)
        held.clear(self._connection, self._connection.scalars(held_by_it), self._done.run)

    def _part(self) -> None:
        """Undo the joins that the run made. No barrier: the right file may join them again."""
        ids = self._connection.scalars(
            sa.select(_JOIN.c.id)
            .where((_JOIN.c.run_id == self._run_id) & _JOIN.c.undone_run_id.is_(None))
            .order_by(_JOIN.c.id.desc())
        ).all()
        for join_id in ids:
            try:
                joins.undo(
                    self._connection,
                    join_id,
                    run_id=self._done.run,
                    now=self._load.now,
                    reason=f"rollback of run {self._run_id}",
                )
            except BadRequestError:
                # Undone with another record of the same join, or not to be parted any more.
                continue

    def _touched(self) -> set[int]:
        """Return the records that the run brought, removed, or changed in part."""
        brought = sa.select(_VERSION.c.source_record_id).where(_VERSION.c.run_id == self._run_id)
        removed = sa.select(_RECORD.c.id).where(_RECORD.c.gone_run_id == self._run_id)
        in_part = sa.select(_LICENCE.c.source_record_id).where(_LICENCE.c.run_id == self._run_id)
        returned = sa.select(_RECORD.c.id).where(_RECORD.c.run_id == self._run_id)
        return {
            one for query in (brought, removed, in_part, returned) for one in self._connection.scalars(query)
        }

    def _records(self, ids: Sequence[int]) -> None:
        heads = heads_by_id(self._connection, ids)
        before = self._before(ids)
        brought = set(
            self._connection.scalars(
                sa.select(_VERSION.c.source_record_id).where(
                    (_VERSION.c.run_id == self._run_id)
                    & _VERSION.c.source_record_id.in_(bulk.ids(self._connection, ids))
                )
            )
        )
        were_gone, gone_since = self._gone_before(ids), self._gone_since(ids)
        remove: dict[int, int] = {}
        changes: list[Change] = []
        for head in heads.values():
            if head.run_id > self._run_id or head.id in gone_since:
                self._skip(head)
            elif self._was_not_there(head, brought, before, were_gone):
                remove[head.id] = head.practitioner_id
            elif change := self._restored(head, before.get(head.id)):
                changes.append(change)
            else:
                self._skip(head)
        self._load.apply(changes)
        self._load.writer().remove(remove)
        self._load.counts.removed += len(remove)

    def _was_not_there(
        self, head: Head, brought: set[int], before: dict[int, Any], were_gone: set[int]
    ) -> bool:
        """Tell whether the record did not stand before the run: it was new, or it came back."""
        came = head.run_id == self._run_id
        return (head.id in brought and head.id not in before) or (
            came and (head.id not in brought or head.id in were_gone)
        )

    def _skip(self, head: Head) -> None:
        self._done.skipped.append(self._load.shown(head.key))

    def _restored(self, head: Head, version: Any) -> Change | None:  # noqa: ANN401 - a row
        if version is None:
            return None
        payload = open_payload(self._load.sealer, bytes(version.payload))
        facts = self._load.told(payload)
        if facts is None:
            return None
        # No fingerprint: whatever the feed says next about it is read.
        return Change(head.key, facts, bytes(version.digest), payload, None, head)

    def _before(self, ids: Sequence[int]) -> dict[int, Any]:
        """Return what the records said before the run: their newest version of an earlier one."""
        newest = (
            sa.select(sa.func.max(_VERSION.c.id))
            .where(_VERSION.c.source_record_id.in_(bulk.ids(self._connection, ids)))
            .where(_VERSION.c.run_id < self._run_id)
            .group_by(_VERSION.c.source_record_id)
        )
        rows = self._connection.execute(sa.select(_VERSION).where(_VERSION.c.id.in_(newest)))
        return {row.source_record_id: row for row in rows}

    def _gone_before(self, ids: Sequence[int]) -> set[int]:
        """Return the records that came back with the run: their licences were known as gone until then."""
        version = t.licence_version
        return set(
            self._connection.scalars(
                sa.select(_LICENCE.c.source_record_id)
                .join(version, version.c.licence_id == _LICENCE.c.id)
                .where(_LICENCE.c.source_record_id.in_(bulk.ids(self._connection, ids)))
                .where((version.c.known_to_run_id == self._run_id) & version.c.gone)
            )
        )

    def _gone_since(self, ids: Sequence[int]) -> set[int]:
        return set(
            self._connection.scalars(
                sa.select(_RECORD.c.id).where(
                    _RECORD.c.id.in_(bulk.ids(self._connection, ids)) & (_RECORD.c.gone_run_id > self._run_id)
                )
            )
        )
