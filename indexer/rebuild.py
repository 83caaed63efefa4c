"""A new index from SQL truth, built beside the one in use and put in its place when it has passed its checks."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from indexer.expected import expected_count
from indexer.lock import only_one
from registry.errors import RegistryError
from registry.records import read
from registry.records import tables as t
from registry.records.allocate import current
from registry.search.document import Operation, documents, operations
from registry.search.port import IndexEngine, Outcome
from registry.settings import Indexer

Progress = Callable[..., None]
# How often the changes made meanwhile are caught up with before a rebuild is given up as hopeless.
_ROUNDS = 10
# How often what the engine has no room for is sent again, and the first pause in seconds (doubled each time).
_TRIES, _PAUSE_S = 6, 1.0


class RebuildError(RegistryError):
    """The new index failed a check; the one in use stands."""

    slug = "rebuild-failed"
    title = "The new index failed a check and was not put in use"


@dataclass
class Rebuilt:
    """The new index and how many documents it holds."""

    index: str
    documents: int

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for `--json`."""
        return asdict(self)


def rebuild(engine: Engine, search: IndexEngine, settings: Indexer, progress: Progress) -> Rebuilt:
    """Build, check and swap.

    Changes that are loaded meanwhile go to the index in use as always, and are caught up with here by their
    versions, before the swap and once more after it.

    Raises:
        RebuildError: a document was refused or a count differs; the new index is dropped.
        BusyError: another process rebuilds.
    """
    with only_one(engine, "rebuild", settings):
        before = search.current_index()
        with engine.connect() as connection:
            mark = current(connection)
        index = search.create_index()
        try:
            _fill(engine, search, settings, index, progress)
            mark = _catch_up(engine, search, settings, index, mark)
            search.finish_index(index)
            mark = _check(engine, search, settings, index, mark)
            search.swap(index)
        except BaseException:
            search.drop(index)
            raise
        _replay(engine, search, settings, index, mark)
        # The previous one is kept, so that an operator can go back; older ones are not.
        for old in search.indices():
            if old not in {index, before}:
                search.drop(old)
        search.refresh(index)
        return Rebuilt(index, search.count(index))


def _fill(engine: Engine, search: IndexEngine, settings: Indexer, index: str, progress: Progress) -> None:
    with engine.connect() as connection:
        total = connection.scalar(sa.select(sa.func.count()).select_from(t.practitioner)) or 0
        people = 0
        for ids in _ids(connection, settings.publish_batch):
            found = read.practitioners(connection, ids)
            send(search, index, [one for person in found.values() for one in documents(person)])
            people += len(ids)
            progress("rebuild", people, total)


def _ids(connection: sa.Connection, batch: int) -> Iterator[list[int]]:
    """Read all practitioners' ids by key: flat memory, and no cursor that must stay open for an hour."""
    column = t.practitioner.c.id
    last = 0
    while ids := list(
        connection.scalars(sa.select(column).where(column > last).order_by(column).limit(batch))
    ):
        yield ids
        last = ids[-1]


def _catch_up(engine: Engine, search: IndexEngine, settings: Indexer, index: str, mark: int) -> int:
    """Replay changes until a round finds none."""
    for _ in range(_ROUNDS):
        new_mark, changed = _replay(engine, search, settings, index, mark)
        if not changed:
            return new_mark
        mark = new_mark
    return mark


def _replay(engine: Engine, search: IndexEngine, settings: Indexer, index: str, mark: int) -> tuple[int, int]:
    """Bring everyone whose version is `mark` or later; versions are drawn in the order of commits (`allocate`)."""
    with engine.connect() as connection:
        new_mark = current(connection)
        table = t.practitioner
        changed = list(connection.scalars(sa.select(table.c.id).where(table.c.version >= mark)))
        for ids in batched_ids(changed, settings.publish_batch):
            found = read.practitioners(connection, ids)
            send(search, index, [one for person in found.values() for one in operations(person)])
    return new_mark, len(changed)


def batched_ids(ids: Sequence[int], size: int) -> Iterator[list[int]]:
    """Cut a list of ids into lists of at most `size`."""
    for start in range(0, len(ids), size):
        yield list(ids[start : start + size])


def _check(engine: Engine, search: IndexEngine, settings: Indexer, index: str, mark: int) -> int:
    """Count documents on both sides; changes that arrive while counting are caught up with first."""
    for _ in range(_ROUNDS):
        search.refresh(index)
        with engine.connect() as connection:
            wanted = expected_count(connection)
        have = search.count(index)
        mark, changed = _replay(engine, search, settings, index, mark)
        if not changed:
            if have != wanted:
                raise RebuildError(f"The new index {index} holds {have} documents, SQL has {wanted}.")
            return mark
    raise RebuildError(
        "Changes arrive faster than they can be caught up with; rebuild when no feed is being pulled."
    )


def send(search: IndexEngine, index: str, wanted: Sequence[Operation]) -> None:
    """Send operations until the engine has taken all.

    Raises:
        RebuildError: one was refused, or the engine had no room for too long.
    """
    waiting = list(wanted)
    pause = _PAUSE_S
    for _ in range(_TRIES):
        outcomes = search.bulk(waiting, index) if waiting else []
        refused = [outcome for outcome in outcomes if outcome.state == "failed"]
        if refused:
            raise RebuildError(_reason(refused))
        waiting = [outcome.operation for outcome in outcomes if outcome.state == "retry"]
        if not waiting:
            return
        time.sleep(pause)
        pause *= 2
    raise RebuildError(f"The engine had no room for {len(waiting)} documents in {_TRIES} tries.")


def _reason(refused: Sequence[Outcome]) -> str:
    first = refused[0]
    return f"{len(refused)} documents were refused, first {first.operation.id}: {first.reason}"
