"""The search indices that SQL truth knows of (table `search_index`), and how their marks and the outbox go together.

The mark of an index is a number M of the counter (`records.allocate`) with this meaning: the index holds everyone whose
version is below M as they are. For the index in use this is about the moment when M was noted; what has come since is in
the index or in the outbox. A version is drawn under a lock that is held until the commit, so that at every moment all that
is committed is below `allocate.current`, and all that will be committed is not.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import sqlalchemy as sa

from registry.records import tables as t
from registry.records.allocate import current
from registry.records.index_tables import search_index as table
from registry.records.rows import as_utc

State = Literal["building", "current", "previous"]
# Changes looked at by one statement that forgets what a new index holds already.
_FORGOTTEN_AT_ONCE = 50_000


@dataclass(frozen=True, slots=True)
class Known:
    """One index, as SQL knows it.

    Attributes:
        mark: see above; 0: nothing is known of what it holds.
        filled_to: practitioners up to this id have been written by the rebuild that is, or was, filling it.
        documents: how many it held when it was found whole; None: it has not been yet.
        first_mark: the counter when it was begun: whoever was hidden below it was never written to it; 0: not known.
        changed_at: when its state changed, or (building) when it was last written to; UTC.
    """

    name: str
    state: State
    mark: int
    filled_to: int
    documents: int | None
    first_mark: int
    changed_at: datetime

    @property
    def whole(self) -> bool:
        """Whether it is known to hold all documents, with all fields, up to its mark."""
        return self.documents is not None


def lock(connection: sa.Connection) -> None:
    """Let nobody else record which index is in use until the transaction ends; one that is writing has that on SQLite."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("LOCK TABLE search_index IN SHARE ROW EXCLUSIVE MODE"))


def known(connection: sa.Connection) -> dict[str, Known]:
    """Return all indices by name, the last to change its state first."""
    rows = connection.execute(sa.select(table).order_by(table.c.changed_at.desc(), table.c.name.desc()))
    return {row.name: _known(row) for row in rows}


def _known(row: sa.Row[Any]) -> Known:
    of_it = (row.state, row.mark, row.filled_to, row.documents, row.first_mark)
    return Known(row.name, *of_it, as_utc(row.changed_at))


def in_use(connection: sa.Connection) -> str | None:
    """Return the index that was recorded as the one in use; the engine's word counts (`indexer.settling.settle`)."""
    name: str | None = connection.scalar(sa.select(table.c.name).where(table.c.state == "current"))
    return name


def begun(connection: sa.Connection, name: str, mark: int, now: datetime) -> None:
    """Record an index that is being built."""
    connection.execute(
        sa.insert(table).values(
            name=name, state="building", mark=mark, first_mark=mark, created_at=now, changed_at=now
        )
    )


def note(
    connection: sa.Connection,
    name: str,
    *,
    mark: int | None = None,
    filled_to: int | None = None,
    documents: int | None = None,
) -> None:
    """Record how far an index has come; what is left out stays. Of one that is being built, also when."""
    told = {"mark": mark, "filled_to": filled_to, "documents": documents}
    values: dict[str, object] = {key: value for key, value in told.items() if value is not None}
    now = sa.literal(datetime.now(UTC), table.c.changed_at.type)
    values["changed_at"] = sa.case((table.c.state == "building", now), else_=table.c.changed_at)
    connection.execute(sa.update(table).where(table.c.name == name).values(values))


def doubt(connection: sa.Connection, name: str) -> None:
    """Record that an index can't be counted on until all of it has been written again."""
    connection.execute(
        sa.update(table).where(table.c.name == name).values(mark=0, filled_to=0, documents=None)
    )


def forget(connection: sa.Connection, names: list[str]) -> None:
    """Remove indices that are not there any more."""
    connection.execute(sa.delete(table).where(table.c.name.in_(names)))


def none_in_use(connection: sa.Connection, now: datetime) -> None:
    """Record that the index in use is so no longer."""
    connection.execute(
        sa.update(table).where(table.c.state == "current").values(state="previous", changed_at=now)
    )


def put_in_use(connection: sa.Connection, name: str, now: datetime) -> None:
    """Record that an index has come into use in place of the one before; one that SQL did not know gets mark 0."""
    none_in_use(connection, now)
    values = {"state": "current", "changed_at": now}
    if not connection.execute(sa.update(table).where(table.c.name == name).values(values)).rowcount:
        connection.execute(sa.insert(table).values(name=name, mark=0, created_at=now, **values))


def confirmed_below(connection: sa.Connection) -> int:
    """Return a mark that the index in use deserves now.

    A change leaves the outbox only after that index has confirmed it, so what is below the counter and not in the outbox
    is in the index. The counter is read first: a change that is committed between the two is at least as high.
    """
    end = current(connection)
    waiting = sa.select(t.outbox.c.practitioner_id)
    lowest = sa.select(sa.func.min(t.practitioner.c.version)).where(t.practitioner.c.id.in_(waiting))
    return min(end, connection.scalar(lowest) or end)


def queue_changed(connection: sa.Connection, mark: int, now: datetime) -> int:
    """Put everyone whose version is `mark` or later into the outbox, and return how many.

    Also those who are there already: that row may be in the hands of a publisher who has sent the change to the index that
    was in use before, and will remove it.
    """
    people = sa.select(t.practitioner.c.id, sa.literal(now, t.outbox.c.created_at.type)).where(
        t.practitioner.c.version >= mark
    )
    made = connection.execute(
        sa.insert(t.outbox).from_select(
            ["practitioner_id", "created_at"], people.order_by(t.practitioner.c.id)
        ),
        execution_options={"preserve_rowcount": True},
    )
    return made.rowcount


def windows(connection: sa.Connection) -> Iterator[tuple[int, int]]:
    """Cut the outbox as it is now into ranges of ids, for `forget_held`."""
    low, high = connection.execute(sa.select(sa.func.min(t.outbox.c.id), sa.func.max(t.outbox.c.id))).one()
    if low is not None:
        for start in range(low, high + 1, _FORGOTTEN_AT_ONCE):
            yield start, min(start + _FORGOTTEN_AT_ONCE - 1, high)


def forget_held(connection: sa.Connection, mark: int, window: tuple[int, int]) -> int:
    """Remove changes, dead letters too, of people whose version is below the mark of the index in use; return how many.

    Rows that a publisher has in hand are left to it. A row of a newer change is never met: its person's version is not
    below the mark, in the same moment as the row itself is seen.
    """
    outbox, person = t.outbox.c, t.practitioner.c
    held = (
        sa.select(outbox.id)
        .join(t.practitioner, person.id == outbox.practitioner_id)
        .where(outbox.id.between(*window) & (person.version < mark) & outbox.document_key.is_(None))
        .with_for_update(of=t.outbox, skip_locked=True)
    )
    return connection.execute(sa.delete(t.outbox).where(outbox.id.in_(held))).rowcount
