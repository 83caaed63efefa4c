"""Staff lists as a queue in the access database: who works at which list, and what of it is left.

A list's rows lie in parts. A worker claims a list by a lease, answers one part after the other, and writes each part's
results, its access events and the list's progress in one transaction, which ends with nothing if the lease is no longer
its own. So a worker that is killed at any moment leaves whole parts done and whole parts to do, and nothing is answered
twice. All times of leases are the database's own (PostgreSQL), so the machines' clocks do not matter.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from registry.access.caller import Caller
from registry.checks.lists.ending import GIVEN_UP, ROW_COLUMNS, close_rows, counts_text, numbers_text
from registry.checks.lists.tables import staff_list, staff_list_part, staff_list_row
from registry.database import writing
from registry.errors import RegistryError
from registry.records import bulk
from registry.records.read import as_utc
from registry.sealing import Sealer

_WORKABLE = staff_list.c.state.in_(("accepted", "running"))


_LACKING = "Rows of this list have no result, and what was sent of them is gone. Send the list again, and tell the operator its id."


class LostListError(RegistryError):
    """The list is no longer this worker's: cancelled, deleted, or taken over after a silence. Nothing was kept."""

    slug = "lost-list"
    title = "The staff list is no longer this worker's"


@dataclass(frozen=True, slots=True)
class Claimed:
    """A list that is ours to work at, until the lease ends."""

    id: str
    holder: str
    caller: Caller
    purpose: str
    request_id: str
    frame: bytes
    rows: int
    takeovers: int


@dataclass(frozen=True, slots=True)
class Part:
    """Rows that wait for answers, sealed."""

    number: int
    rows: bytes


@dataclass(frozen=True, slots=True)
class Written:
    """A row's result as it is stored."""

    row: int
    result: str
    practitioner_id: int | None
    detail: bytes


def claim(engine: Engine, holder: str, lease_s: float) -> Claimed | None:
    """Take the list that has waited longest for its turn; None if there is none to work at."""
    with writing(engine).begin() as connection:
        free = sa.or_(staff_list.c.leased_until.is_(None), staff_list.c.leased_until < _now(connection))
        query = (
            sa.select(staff_list)
            .where(_WORKABLE & free)
            .order_by(staff_list.c.turn_at.nulls_first(), staff_list.c.created_at, staff_list.c.id)
            .limit(1)
        )
        if connection.dialect.name == "postgresql":
            query = query.with_for_update(skip_locked=True)
        row = connection.execute(query).first()
        if row is None:
            return None
        connection.execute(
            sa.update(staff_list)
            .where(staff_list.c.id == row.id)
            .values(
                state="running",
                holder=holder,
                leased_until=_now(connection, lease_s),
                turn_at=_now(connection),
                started_at=sa.func.coalesce(staff_list.c.started_at, _now(connection)),
                takeovers=staff_list.c.takeovers + 1,
            )
        )
    caller = Caller(row.issuer, row.subject, client_id=row.client_id, organisation=row.organisation)
    return Claimed(
        row.id, holder, caller, row.purpose, row.request_id, row.frame, row.rows, row.takeovers + 1
    )


def beat(engine: Engine, mine: Claimed, lease_s: float) -> bool:
    """Prolong the lease; False if the list is no longer ours."""
    with writing(engine).begin() as connection:
        values = {"leased_until": _now(connection, lease_s)}
        return connection.execute(sa.update(staff_list).where(_ours(mine)).values(values)).rowcount == 1


def give_back(engine: Engine, mine: Claimed, *, blameless: bool = False) -> None:
    """Let others work at the list. `blameless`: nothing of the list's own was the cause; it does not count as a takeover."""
    with writing(engine).begin() as connection:
        values: dict[str, Any] = {"holder": "", "leased_until": None}
        if blameless:
            before = staff_list.c.takeovers
            values["takeovers"] = sa.case((before > 0, before - 1), else_=0)
        connection.execute(sa.update(staff_list).where(_ours(mine)).values(values))


def others_wait(engine: Engine, mine: Claimed) -> bool:
    """Tell whether another list waits for a worker."""
    with engine.connect() as connection:
        free = sa.or_(staff_list.c.leased_until.is_(None), staff_list.c.leased_until < _now(connection))
        found = sa.select(sa.literal(1)).where(_WORKABLE & free & (staff_list.c.id != mine.id)).limit(1)
        return connection.scalar(found) is not None


def next_part(engine: Engine, mine: Claimed) -> Part | None:
    """Return the first part that is left to do; None when there is none."""
    part = staff_list_part
    with engine.connect() as connection:
        row = connection.execute(
            sa.select(part.c.number, part.c.rows)
            .where((part.c.list_id == mine.id) & part.c.done.is_(sa.false()))
            .order_by(part.c.number)
            .limit(1)
        ).first()
    return Part(row.number, row.rows) if row else None


def commit_part(
    engine: Engine,
    mine: Claimed,
    part: Part,
    results: Sequence[Written],
    *,
    kept: tuple[Sequence[int], bytes] | None,
    lease_s: float,
    log: Callable[[sa.Connection], None],
) -> None:
    """Write what became of a part, in one transaction.

    Args:
        results: a result for each of its rows.
        kept: the numbers of the rows that could not be asked, and these rows sealed; None for none.
        lease_s: the lease is prolonged too.
        log: writes the rows' access events.

    Raises:
        LostListError: the list is not ours any more; nothing was written.
    """
    counted = Counter(each.result for each in results)
    with writing(engine).begin() as connection:
        row = _locked(connection, mine)
        counts = Counter(msgspec.json.decode(row.counts, type=dict[str, int]))
        counts.update(counted)
        connection.execute(
            sa.update(staff_list)
            .where(staff_list.c.id == mine.id)
            .values(
                done=staff_list.c.done + len(results),
                counts=counts_text(counts),
                retryable=staff_list.c.retryable + (len(kept[0]) if kept else 0),
                leased_until=_now(connection, lease_s),
                takeovers=0,
            )
        )
        rows = [(mine.id, each.row, each.result, each.practitioner_id, each.detail) for each in results]
        bulk.insert_rows(connection, staff_list_row, ROW_COLUMNS, rows)
        log(connection)
        this = (staff_list_part.c.list_id == mine.id) & (staff_list_part.c.number == part.number)
        if kept:
            values = {"rows": kept[1], "numbers": numbers_text(kept[0]), "done": True}
            connection.execute(sa.update(staff_list_part).where(this).values(values))
        else:
            connection.execute(sa.delete(staff_list_part).where(this))


def finish(engine: Engine, mine: Claimed, keep_days: int) -> bool:
    """Note that every row has its result; False where some have none: the list is then one that failed.

    Raises:
        LostListError: the list is not ours any more.
    """
    with writing(engine).begin() as connection:
        row = _locked(connection, mine)
        complete: bool = row.done == row.rows
        _end(connection, mine, "done" if complete else "failed", "" if complete else _LACKING, keep_days)
    return complete


def fail(engine: Engine, sealer: Sealer, mine: Claimed, error: str, keep_days: int) -> None:
    """Give a list up; `error` says why, for the sender. Rows that are left could not be checked, and their upload is deleted.

    Raises:
        LostListError: the list is not ours any more.
    """
    with writing(engine).begin() as connection:
        _locked(connection, mine)
        close_rows(connection, sealer, mine.id, GIVEN_UP)
        _end(connection, mine, "failed", error, keep_days)


def _end(connection: sa.Connection, mine: Claimed, state: str, error: str, keep_days: int) -> None:
    now = datetime.now(UTC)
    values = {
        "state": state,
        "error": error,
        "ended_at": now,
        "expires_at": now + timedelta(days=keep_days),
        "holder": "",
        "leased_until": None,
    }
    connection.execute(sa.update(staff_list).where(staff_list.c.id == mine.id).values(values))


def _locked(connection: sa.Connection, mine: Claimed) -> Any:  # noqa: ANN401 - a row of three columns
    """Lock the list until the transaction ends, so that nobody takes it between this check and the commit."""
    query = sa.select(staff_list.c.counts, staff_list.c.done, staff_list.c.rows).where(_ours(mine))
    row = connection.execute(query.with_for_update()).first()
    if row is None:
        raise LostListError
    return row


def _ours(mine: Claimed) -> sa.ColumnElement[bool]:
    return (
        (staff_list.c.id == mine.id)
        & (staff_list.c.holder == mine.holder)
        & (staff_list.c.state == "running")
    )


def _now(connection: sa.Connection, after_s: float = 0.0) -> Any:  # noqa: ANN401 - a value or an expression
    """Return this moment, or one so many seconds later, by the database's clock where it has one."""
    if connection.dialect.name == "postgresql":
        now = sa.func.clock_timestamp()
        return now + sa.func.make_interval(0, 0, 0, 0, 0, 0, after_s) if after_s else now
    return datetime.now(UTC) + timedelta(seconds=after_s)


def purge(engine: Engine, now: datetime) -> int:
    """Delete lists whose time is over, with all that belongs to them; return how many.

    One after the other: a hundred large ones would take longer than a statement of the service may.
    """
    with engine.connect() as connection:
        over = connection.scalars(sa.select(staff_list.c.id).where(staff_list.c.expires_at < now)).all()
    gone = 0
    for list_id in over:
        this = (staff_list.c.id == list_id) & (staff_list.c.expires_at < now)
        with writing(engine).begin() as connection:
            gone += connection.execute(sa.delete(staff_list).where(this)).rowcount
    return gone


@dataclass(frozen=True, slots=True)
class Figures:
    """How the queue is, for operators; nothing about anybody.

    Attributes:
        waiting: lists that are accepted or running.
        oldest_s: age of the oldest of these; 0 if there is none.
        idle_s: how long the one that waits longest for a worker has not been worked at; 0 if none waits.
        rows_left: rows of them that have no result yet.
        rows_done: rows with a result, of all lists that are kept.
        failed: lists that were given up, and are kept.
    """

    waiting: int
    oldest_s: float
    idle_s: float
    rows_left: int
    rows_done: int
    failed: int


def figures(engine: Engine) -> Figures:
    """Read how the queue is, in one statement."""
    table = staff_list.c
    with engine.connect() as connection:
        free = sa.or_(table.leased_until.is_(None), table.leased_until < _now(connection))
        row = connection.execute(
            sa.select(
                sa.func.count().filter(_WORKABLE).label("waiting"),
                sa.func.min(table.created_at).filter(_WORKABLE).label("oldest"),
                sa.func.min(sa.func.coalesce(table.turn_at, table.created_at))
                .filter(_WORKABLE & free)
                .label("idle"),
                sa.func.sum(table.rows - table.done).filter(_WORKABLE).label("left"),
                sa.func.sum(table.done).label("done"),
                sa.func.count().filter(table.state == "failed").label("failed"),
            )
        ).one()
    return Figures(
        waiting=row.waiting,
        oldest_s=_age_s(row.oldest),
        idle_s=_age_s(row.idle),
        rows_left=row.left or 0,
        rows_done=row.done or 0,
        failed=row.failed,
    )


def _age_s(moment: datetime | None) -> float:
    return max(0.0, (datetime.now(UTC) - as_utc(moment)).total_seconds()) if moment else 0.0
