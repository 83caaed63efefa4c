"""The steps of which rebuilds are made: fill an index, catch up with what changes meanwhile, put it in use, clear up.

Why a rebuild may be killed between any two steps, and why no change is lost whatever else goes on:

- Before an index is made its mark is noted (`registry.records.search_indices`), and it grows only when what is below has
  been confirmed by the engine. People are read after the mark, so the fill holds everyone as they were then or later;
  who has changed since, or was made since, has a version that is not below the mark and is caught up with. A fill that
  is continued by another process keeps the mark of the first.
- Only a rebuild writes an index that is not in use, and there is one rebuild at a time. Old requests of one that was
  killed or had lost its lease may still arrive; they carry the versions they were read with, and a lower version never
  replaces a higher one, nor brings back what a higher one deleted.
- Until the swap the index in use is served by publishers as always. From the swap on they serve the new one, and whoever
  comes first, this rebuild or a publisher, notes it and queues what the former index alone was told (`indexer.settling`).
- The mark of the index that is replaced is raised before the swap, not after: what publishers send after it does not
  reach that index, so after the swap the outbox tells nothing about it any more.
- `IndexEngine.swap` refuses when another index has come into use since this rebuild began. So a rebuild that was frozen,
  was taken for dead and wakes up can at most put its own checked index in use, or none.
- What is dropped is chosen in a transaction that makes sure of the lease at its end, among names that the engine told in
  it, and their rows go in the same transaction: a successor's index can't be among them, nor does a successor count on one. An index without a row is the rest of a rebuild that died between making it and
  its note; an index whose row says that it is being built is continued, or dropped if it does not fit any more.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
import structlog
from sqlalchemy.engine import Engine

from indexer.lease import BusyError, LostLeaseError
from indexer.lock import Guard
from indexer.projection import documents_after, operations_of
from indexer.sending import RebuildError, Sender
from indexer.settling import settle
from registry.database import writing
from registry.errors import SearchUnavailableError
from registry.records import search_indices
from registry.records import tables as t
from registry.records.allocate import current
from registry.records.expected import count as expected_count
from registry.records.search_indices import Known
from registry.search.port import IndexEngine
from registry.settings import Settings

log = structlog.get_logger()
Progress = Callable[..., None]
# Batches after which it is waited until all is confirmed, and noted how far the fill has come.
_NOTED_EVERY = 8
_IS_BUSY = "SQLITE_BUSY"


@contextmanager
def told_when_busy() -> Iterator[None]:
    """Say what to do when SQLite, which has one writer, has had another one for too long.

    Raises:
        BusyError: in place of the database's error.
    """
    try:
        yield
    except sa.exc.OperationalError as error:
        if getattr(error.orig, "sqlite_errorname", "") != _IS_BUSY:
            raise
        raise BusyError(
            "Another process has been writing to the database for too long, probably a large load. What has been built "
            "is kept; run `indexer rebuild` again later, and it goes on from here."
        ) from error


@dataclass
class Builder:
    """What every step needs. `guard` is that of the lock `rebuild`, held by the caller."""

    engine: Engine
    search: IndexEngine
    settings: Settings
    progress: Progress
    guard: Guard

    def begin(self, *, fresh: bool, hidden_below: int = 0) -> tuple[Known, bool]:
        """Return the index to fill, and whether an earlier rebuild has left it unfinished; else it is a new one.

        Args:
            hidden_below: an unfinished one that was begun before this version is not continued.
        """
        left = None if fresh else self._unfinished(hidden_below)
        self.clear_up(keep_building=left)
        if left:
            with self.engine.connect() as connection:
                row = search_indices.known(connection)[left]
            log.info("rebuild: an unfinished index is continued", index=left, filled_to=row.filled_to)
            return row, True
        with self.engine.connect() as connection:
            mark = current(connection)
            count = expected_count(connection)
        name = self.search.create_index(count)
        with self._writing() as connection:
            search_indices.begun(connection, name, mark, datetime.now(UTC))
        log.info("rebuild: index made", index=name, mark=mark, expected=count)
        with self.engine.connect() as connection:
            return search_indices.known(connection)[name], False

    def fill(self, name: str, filled_to: int) -> None:
        """Write everyone whose id is above `filled_to`."""
        batch = self.settings.index.rebuild_batch
        with self.engine.connect() as connection:
            column = t.practitioner.c.id
            total = connection.scalar(sa.select(sa.func.count(column)).where(column > filled_to)) or 0
        people = batches = 0
        with self._sender(name) as sender:
            while True:
                self.still_ours()
                with self.engine.connect() as connection:
                    ids, operations = documents_after(connection, filled_to, batch)
                if not ids:
                    break
                sender.put(operations)
                filled_to, people, batches = ids[-1], people + len(ids), batches + 1
                self.progress("rebuild", people, total)
                if batches % _NOTED_EVERY == 0:
                    sender.settled()
                    self._note(name, filled_to=filled_to)
            sender.settled()
        self._note(name, filled_to=filled_to)
        log.info("rebuild: filled", index=name, people=people)

    def catch_up(self, name: str, mark: int) -> int:
        """Bring everyone who has changed since the mark, until little is left, and return the new mark.

        Raises:
            BusyError: changes come faster than they can be caught up with.
        """
        for _ in range(self.settings.index.rebuild_rounds):
            with self.engine.connect() as connection:
                mark, changed = self.replay(connection, name, mark)
            self._note(name, mark=mark)
            log.info("rebuild: caught up", index=name, mark=mark, people=changed)
            if changed <= self.settings.index.rebuild_batch:
                return mark
        raise BusyError(
            "Changes arrive faster than they can be caught up with. What has been built is kept; run `indexer rebuild` "
            "again when less is being loaded, and it goes on from here."
        )

    def replay(self, connection: sa.Connection, name: str, mark: int) -> tuple[int, int]:
        """Bring everyone whose version is `mark` or later, as `connection` sees them; return the new mark and how many.

        When it returns the engine has confirmed all of them. Memory is flat, also when that is everyone.
        """
        end = current(connection)
        person = t.practitioner.c
        changed = sa.select(person.id).where(person.version >= mark).order_by(person.id)
        changed = changed.limit(self.settings.index.rebuild_batch)
        last = people = 0
        with self._sender(name) as sender:
            while ids := list(connection.scalars(changed.where(person.id > last))):
                self.still_ours()
                found = operations_of(connection, ids)
                sender.put([operation for each in found.values() for operation in each])
                last, people = ids[-1], people + len(ids)
                self.progress("catch up", people)
            sender.settled()
        return end, people

    def put_in_use(
        self, name: str, mark: int, documents: int, *, replacing: str | None, alone: bool = False
    ) -> None:
        """Swap, note it, and clear up; with `alone` the one before is not kept either.

        Raises:
            SwapError: another index has come into use meanwhile; this one is kept.
            RebuildError: it is not there any more.
        """
        mark = self.catch_up(name, mark)
        self.search.refresh(name)
        with self._writing() as connection:
            search_indices.note(connection, name, mark=mark, documents=documents)
            before = search_indices.known(connection).get(replacing or "")
            if before and before.whole:
                confirmed = search_indices.confirmed_below(connection)
                # Asked last: publishers have sent it everything until now.
                if self.search.current_index() == replacing:
                    search_indices.note(connection, before.name, mark=confirmed)
        try:
            self.search.swap(name, replacing=replacing)
        except ValueError as error:
            raise RebuildError(f"{name} is not there any more; run `indexer rebuild` again.") from error
        log.info("rebuild: swapped", index=name, before=replacing, documents=documents)
        settle(self.engine, self.search)
        self._forget_held(name)
        self.clear_up(alone=alone)

    def discard(self, name: str) -> None:
        """Drop an index that failed a check."""
        with self._writing() as connection:
            search_indices.forget(connection, [name])
        self._drop(name)

    def still_ours(self) -> None:
        """Stop early when another process has probably taken over.

        Raises:
            LostLeaseError: see there.
        """
        if self.guard.lost:
            raise LostLeaseError(
                "This rebuild gave no sign of life for too long, and another process may have taken it over. What was "
                "built is kept; `indexer rebuild` goes on from there."
            )

    def _sender(self, name: str) -> Sender:
        return Sender(self.search, name, self.settings.index.rebuild_connections)

    def _note(self, name: str, *, mark: int | None = None, filled_to: int | None = None) -> None:
        with self._writing() as connection:
            search_indices.note(connection, name, mark=mark, filled_to=filled_to)

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        """Write in a transaction that is committed only if this is still the one rebuild.

        Raises:
            LostLeaseError: another process has taken over; nothing was written.
        """
        with writing(self.engine).begin() as connection:
            yield connection
            self.guard.still_mine(connection)

    def _unfinished(self, hidden_below: int) -> str | None:
        there = set(self.search.indices())
        with self.engine.connect() as connection:
            rows = search_indices.known(connection).values()
        left = [
            row.name
            for row in rows
            if row.state == "building" and row.name in there and row.first_mark >= hidden_below
        ]
        return next((name for name in left if self.search.fit(name) == "same"), None)

    def clear_up(self, *, keep_building: str | None = None, alone: bool = False) -> None:
        """Drop what nobody needs: all but the index in use, the one before it (not `alone`), and the one that is being built."""
        with self._writing() as connection:
            there = self.search.indices()
            rows = search_indices.known(connection)
            used = {self.search.current_index(), search_indices.in_use(connection), keep_building}
            before = [row.name for row in rows.values() if row.state == "previous" and row.name in there]
            kept = used if alone else {*used, *before[:1]}
            unneeded = [name for name in rows if name not in kept]
            # Alone: what may hold somebody who is hidden is known of until it is gone, so that a kill here leaves it due.
            search_indices.forget(connection, [] if alone else unneeded)
            dropped = [name for name in there if name not in kept]
        for name in dropped:
            self._drop(name)
        if alone:
            left = self.search.indices()
            with self._writing() as connection:
                search_indices.forget(connection, [name for name in unneeded if name not in left])

    def _drop(self, name: str) -> None:
        """Drop an index. One that can't be dropped now is in the way of nothing, and is at the next rebuild."""
        try:
            self.search.drop(name)
        except (SearchUnavailableError, ValueError):
            log.warning("rebuild: an index could not be dropped", index=name)
        else:
            log.info("rebuild: an index that is not needed was dropped", index=name)

    def _forget_held(self, name: str) -> None:
        """Take out of the outbox what the new index holds already."""
        with self.engine.connect() as connection:
            windows = list(search_indices.windows(connection))
        forgotten = 0
        for window in windows:
            with self._writing() as connection:
                # Under the lock: what `settle` queues for yet another index must not be forgotten here.
                search_indices.lock(connection)
                row = search_indices.known(connection).get(name)
                if row is None or row.state != "current":
                    return
                forgotten += search_indices.forget_held(connection, row.mark, window)
        if forgotten:
            log.info("rebuild: changes that the new index holds need no publishing", changes=forgotten)
