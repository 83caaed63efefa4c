"""Staff lists as their senders handle them: send, confirm columns, look, cancel, run again, delete.

Only the sender's organisation sees a list (`registry.checks.owner`); for everybody else it does not exist.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any

import msgspec
import sqlalchemy as sa

from registry.access.caller import Caller
from registry.checks import idempotency
from registry.checks.desk import Desk
from registry.checks.idempotency import Claim
from registry.checks.ids import new_id
from registry.checks.lists import sealed
from registry.checks.lists.columns import Columns, Recognised
from registry.checks.lists.ending import CANCELLED, close_rows, numbers_text
from registry.checks.lists.errors import ListStateError, ListTooLargeError, UnreadableListError
from registry.checks.lists.frozen import frozen, frozen_anew
from registry.checks.lists.reading import Row
from registry.checks.lists.tables import staff_list, staff_list_part, staff_list_row
from registry.checks.lists.tracing import trace
from registry.checks.owner import owner_of
from registry.database import writing
from registry.errors import NotFoundError
from registry.identifiers import mask_personal_numbers
from registry.records import bulk
from registry.records.read import as_utc

# States in which something may still happen by itself.
OPEN = ("mapping", "accepted", "running")
MAX_FILE_NAME = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A list as it was sent.

    Attributes:
        rows: below the header; taken once, and sealed as they come.
        headers: as they stand, what may be a personal identity number masked.
        columns: which column tells what; None: not clear yet, it waits for that.
        recognised: what the headers said; None for JSON.
        first: the row that was taken for the header although nothing in it is one that is known: it may be about a person.
    """

    purpose: str
    reference: str = ""
    file_name: str = ""
    profession: str = ""
    authority: str = ""
    on_date: date | None = None
    known_at: datetime | None = None
    headers: Sequence[str]
    columns: Columns | None
    recognised: Recognised | None = None
    first: Row | None = None
    rows: Iterable[Row]


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffList:
    """A list as its sender sees it. Times are UTC.

    Attributes:
        counts: result → rows, of those that are done.
        retryable: rows that could not be checked and can be asked again.
        frame: `columns` (field → column from 0, or None), `headers`, `unknown`, `twice`, `problem`, `fileName`, `profession`,
            `authority`, `onDate`, `knownAt`, `day` (today when it was last begun), `ruleVersion`.
    """

    id: str
    state: str
    purpose: str
    reference: str
    rows: int
    done: int
    counts: Mapping[str, int]
    retryable: int
    error: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    expires_at: datetime
    frame: Mapping[str, Any]

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self.state not in OPEN


def send(
    desk: Desk,
    caller: Caller,
    sent: Sent,
    request_id: str,
    *,
    allow: Callable[[int], object] | None = None,
    held: Claim | None = None,
) -> StaffList:
    """Take a list in. The purpose must have been checked.

    Args:
        allow: called with the number of rows before anything is kept; raises what speaks against it.
        held: the Idempotency-Key that the list ends.

    Raises:
        IdempotencyKeyInUseError: reading it took so long that another request with its key took over.
        ListStateError: too many lists of the organisation are not done yet.
        ListTooLargeError, UnreadableListError: too many rows, or none; and what the rows raise as they are read.
    """
    limits = desk.settings.checks.lists
    list_id, now, waits = new_id("lst"), desk.now(), sent.columns is None
    # Before the work and before the quota is taken; again below, where nobody can come between.
    with desk.access.connect() as connection:
        _check_waiting(connection, caller, limits.max_waiting, now, unconfirmed=waits)
    parts, count = _sealed(desk, list_id, sent.rows)
    if allow is not None:
        allow(count)
    keep = timedelta(hours=limits.mapping_hours) if waits else timedelta(days=limits.keep_days)
    values = {
        "id": list_id,
        "state": "mapping" if waits else "accepted",
        "owner": owner_of(caller),
        "issuer": caller.issuer,
        "subject": caller.subject,
        "client_id": caller.client_id,
        "organisation": caller.organisation,
        "request_id": request_id,
        "purpose": sent.purpose,
        "reference": mask_personal_numbers(sent.reference),
        "frame": sealed.seal_frame(desk.sealer, list_id, _frame(desk, sent)),
        "rows": count,
        "done": 0,
        "counts": "{}",
        "retryable": 0,
        "error": "",
        "created_at": now,
        "expires_at": now + keep,
    }
    with writing(desk.access).begin() as connection:
        if held is not None:
            idempotency.end(connection, held, list_id)
        _check_waiting(connection, caller, limits.max_waiting, now, unconfirmed=waits)
        connection.execute(sa.insert(staff_list).values(values))
        bulk.insert_rows(connection, staff_list_part, ("list_id", "number", "rows", "numbers", "done"), parts)
        return _read(desk, connection, caller, list_id)


def _sealed(desk: Desk, list_id: str, rows: Iterable[Row]) -> tuple[list[tuple[Any, ...]], int]:
    """Seal rows in parts, so that only one part stands plain in memory; return the parts and how many rows they have."""
    limits = desk.settings.checks.lists
    parts: list[tuple[Any, ...]] = []
    count, left = 0, iter(rows)
    while some := list(islice(left, limits.part_rows)):
        count += len(some)
        if count > limits.max_rows:
            raise ListTooLargeError(f"The list may have {limits.max_rows} rows at most. Send it in parts.")
        numbers = numbers_text(number for number, _ in some)
        parts.append((list_id, len(parts), sealed.seal_rows(desk.sealer, list_id, some), numbers, False))
    if not count:
        raise UnreadableListError("The list has no rows about anybody. It needs one for each person.")
    return parts, count


def _frame(desk: Desk, sent: Sent) -> dict[str, Any]:
    found = sent.recognised
    return {
        "columns": sent.columns,
        "headers": list(sent.headers),
        "unknown": list(found.unknown) if found else [],
        "recognised": dict(found.columns) if found else {},
        "twice": {field: list(places) for field, places in found.twice.items()} if found else {},
        "problem": found.problem if found else "",
        "first": sealed.plain_row(sent.first) if sent.first else None,
        "fileName": mask_personal_numbers(sent.file_name)[:MAX_FILE_NAME],
        "profession": sent.profession,
        "authority": sent.authority,
        "onDate": sent.on_date.isoformat() if sent.on_date else None,
        "knownAt": sent.known_at.isoformat() if sent.known_at else None,
        **frozen(desk, sent.on_date, sent.known_at),
    }


def _check_waiting(
    connection: sa.Connection, caller: Caller, most: int, now: datetime, *, unconfirmed: bool
) -> None:
    # Lists whose columns nobody has confirmed cost no work, so they are counted apart: pages that were left do not keep the
    # organisation from sending. A list is counted among those that wait for a worker when it is confirmed.
    states = ("mapping",) if unconfirmed else ("accepted", "running")
    live = _owned(caller) & (staff_list.c.expires_at > now)
    open_lists = sa.select(sa.func.count()).where(live & staff_list.c.state.in_(states))
    if (connection.scalar(open_lists) or 0) >= most:
        raise ListStateError(
            f"{most} lists of your organisation are not done yet, which is as many as may be. Wait for one, or cancel one."
        )


def read(desk: Desk, caller: Caller, list_id: str) -> StaffList:
    """Return a list.

    Raises:
        NotFoundError: there is none of the caller's organisation.
    """
    with desk.access.connect() as connection:
        return _read(desk, connection, caller, list_id)


def page(desk: Desk, caller: Caller, *, limit: int, offset: int) -> tuple[list[StaffList], int]:
    """Return lists of the caller's organisation, the newest first, and how many there are."""
    mine = _owned(caller)
    query = sa.select(staff_list).where(mine).order_by(staff_list.c.created_at.desc(), staff_list.c.id)
    with desk.access.connect() as connection:
        found = [_list(desk, row) for row in connection.execute(query.limit(limit).offset(offset))]
        total = connection.scalar(sa.select(sa.func.count()).select_from(staff_list).where(mine)) or 0
    return found, total


def confirm(desk: Desk, caller: Caller, list_id: str, columns: Columns, *, request_id: str = "") -> StaffList:
    """Say which column tells what, and let the list be run.

    Args:
        columns: checked (`columns.mapped`).

    Raises:
        NotFoundError: there is none of the caller's organisation.
        ListStateError: it does not wait for its columns, or too many lists of the organisation are not done yet.
    """
    limits, now = desk.settings.checks.lists, desk.now()
    keep = timedelta(days=limits.keep_days)
    with writing(desk.access).begin() as connection:
        found = _locked(desk, connection, caller, list_id)
        _must_be(found, "mapping")
        _check_waiting(connection, caller, limits.max_waiting, now, unconfirmed=False)
        frame = {
            **found.frame,
            "columns": columns,
            "problem": "",
            "first": None,
            **frozen_anew(desk, found.frame),
        }
        values = {
            "state": "accepted",
            "frame": sealed.seal_frame(desk.sealer, list_id, frame),
            "expires_at": now + keep,
        }
        connection.execute(sa.update(staff_list).where(staff_list.c.id == list_id).values(values))
        trace(desk, connection, caller, found, did="confirm", request_id=request_id)
        return _read(desk, connection, caller, list_id)


def cancel(desk: Desk, caller: Caller, list_id: str, *, request_id: str = "") -> StaffList:
    """Stop a list. What is done stays until it expires; the other rows could not be checked, and their upload is deleted.

    Raises:
        NotFoundError: there is none of the caller's organisation.
        ListStateError: it has ended already.
    """
    with writing(desk.access).begin() as connection:
        found = _locked(desk, connection, caller, list_id)
        if found.state != "cancelled":
            _must_be(found, *OPEN)
            values = {
                "state": "cancelled",
                "frame": sealed.seal_frame(desk.sealer, list_id, {**found.frame, "first": None}),
                "ended_at": desk.now(),
                "retryable": 0,
                "holder": "",
                "leased_until": None,
            }
            connection.execute(sa.update(staff_list).where(staff_list.c.id == list_id).values(values))
            close_rows(connection, desk.sealer, list_id, CANCELLED)
            trace(desk, connection, caller, found, did="cancel", request_id=request_id)
            connection.execute(sa.delete(staff_list_part).where(staff_list_part.c.list_id == list_id))
        return _read(desk, connection, caller, list_id)


def resume(desk: Desk, caller: Caller, list_id: str, *, request_id: str = "") -> StaffList:
    """Ask again those rows, and only those, that could not be asked.

    Raises:
        NotFoundError: there is none of the caller's organisation.
        ListStateError: it has not ended, or there is no row to ask again.
    """
    with writing(desk.access).begin() as connection:
        found = _locked(desk, connection, caller, list_id)
        _must_be(found, "done", "failed")
        if not found.retryable:
            raise ListStateError(
                "No row of the list can be asked again: rows with errors of their own must be mended in a new list."
            )
        part = staff_list_part
        mine = part.c.list_id == list_id
        rows = [
            number
            for kept in connection.scalars(sa.select(part.c.rows).where(mine))
            for number, _ in sealed.open_rows(desk.sealer, list_id, kept)
        ]
        again = (staff_list_row.c.list_id == list_id) & staff_list_row.c.row.in_(bulk.ids(connection, rows))
        gone = connection.execute(sa.delete(staff_list_row).where(again)).rowcount
        connection.execute(sa.update(part).where(mine).values(done=False))
        counts = {**found.counts, "couldNotCheck": found.counts.get("couldNotCheck", 0) - gone}
        values = {
            "state": "accepted",
            # Rows answered before keep their own day.
            "frame": sealed.seal_frame(
                desk.sealer, list_id, {**found.frame, **frozen_anew(desk, found.frame)}
            ),
            "done": found.done - gone,
            "counts": msgspec.json.encode({key: n for key, n in sorted(counts.items()) if n}).decode(),
            "retryable": 0,
            "takeovers": 0,
            "ended_at": None,
            "error": "",
        }
        connection.execute(sa.update(staff_list).where(staff_list.c.id == list_id).values(values))
        trace(desk, connection, caller, found, did="resume", request_id=request_id)
        return _read(desk, connection, caller, list_id)


def delete(desk: Desk, caller: Caller, list_id: str, *, request_id: str = "") -> None:
    """Delete a list with all that belongs to it, whatever its state.

    Raises:
        NotFoundError: there is none of the caller's organisation.
    """
    with writing(desk.access).begin() as connection:
        found = _locked(desk, connection, caller, list_id)
        trace(desk, connection, caller, found, did="delete", request_id=request_id)
        connection.execute(sa.delete(staff_list).where(staff_list.c.id == list_id))


def _owned(caller: Caller) -> sa.ColumnElement[bool]:
    return staff_list.c.owner == owner_of(caller)


def _read(desk: Desk, connection: sa.Connection, caller: Caller, list_id: str) -> StaffList:
    row = connection.execute(
        sa.select(staff_list).where(_owned(caller) & (staff_list.c.id == list_id))
    ).first()
    if row is None or as_utc(row.expires_at) < datetime.now(UTC):
        raise NotFoundError
    return _list(desk, row)


def _locked(desk: Desk, connection: sa.Connection, caller: Caller, list_id: str) -> StaffList:
    mine = _owned(caller) & (staff_list.c.id == list_id)
    connection.execute(sa.select(staff_list.c.id).where(mine).with_for_update())
    return _read(desk, connection, caller, list_id)


def _list(desk: Desk, row: sa.Row[Any]) -> StaffList:
    return StaffList(
        id=row.id,
        state=row.state,
        purpose=row.purpose,
        reference=row.reference,
        rows=row.rows,
        done=row.done,
        counts=msgspec.json.decode(row.counts, type=dict[str, int]),
        retryable=row.retryable,
        error=row.error,
        created_at=as_utc(row.created_at),
        started_at=as_utc(row.started_at) if row.started_at else None,
        ended_at=as_utc(row.ended_at) if row.ended_at else None,
        expires_at=as_utc(row.expires_at),
        frame=sealed.open_frame(desk.sealer, row.id, row.frame),
    )


def _must_be(found: StaffList, *states: str) -> None:
    if found.state not in states:
        raise ListStateError(
            f"The list is {found.state}; this can be done with one that is {' or '.join(states)}."
        )
