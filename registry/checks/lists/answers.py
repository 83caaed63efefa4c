"""Reading results: a page, all of them, and how many there are of each kind.

Who has become protected since the list was run is not told of: the row is then a row of somebody who was not found, for
good, and the counts follow. That is looked up at every reading, whatever a purge does meanwhile.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from registry.access.caller import Caller
from registry.access.log import record_access
from registry.checks.desk import Desk
from registry.checks.lists import handling, sealed
from registry.checks.lists.errors import ListStateError
from registry.checks.lists.forgetting import forget_protected
from registry.checks.lists.handling import StaffList
from registry.checks.lists.results import Result, Values, given_out, person_missing
from registry.checks.lists.tables import staff_list_row
from registry.checks.purpose import purpose_for
from registry.errors import NotFoundError
from registry.records.hidden import hidden

_CHUNK = 1000
# Rows that one access event tells of: the people of one are written in one statement.
_EVENT_ROWS = 5000
_row = staff_list_row.c


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of results, and how many there are in all of the kinds asked for."""

    rows: list[Values]
    total: int


def current(desk: Desk, caller: Caller, list_id: str) -> StaffList:
    """Return a list whose counts, once it has ended, hold nobody who has become protected.

    While it runs it is asked about often, and every person of it would have to be looked up each time.

    Raises:
        NotFoundError: there is none of the caller's organisation.
    """
    found = handling.read(desk, caller, list_id)
    if found.ended and forget_protected(desk, found.id, found.rows):
        return handling.read(desk, caller, list_id)
    return found


def currently(desk: Desk, caller: Caller, found: Sequence[StaffList]) -> list[StaffList]:
    """Return lists as `current` does; one that was deleted meanwhile is left out."""
    lists = []
    for each in found:
        with suppress(NotFoundError):
            lists.append(
                handling.read(desk, caller, each.id)
                if each.ended and forget_protected(desk, each.id, each.rows)
                else each
            )
    return lists


def page(
    desk: Desk,
    caller: Caller,
    list_id: str,
    *,
    results: Collection[Result] | None,
    limit: int,
    offset: int,
    request_id: str,
) -> Page:
    """Return a page of results in the order of their rows, and log who was shown.

    Args:
        results: the kinds asked for; None for all.

    Raises:
        NotFoundError: there is no such list of the caller's organisation.
        AccessLogUnavailableError: what is shown could not be logged.
    """
    found = handling.read(desk, caller, list_id)
    forget_protected(desk, found.id, found.rows)
    where = _of(list_id, results)
    with desk.access.connect() as connection:
        query = sa.select(staff_list_row).where(where).order_by(_row.row)
        rows = connection.execute(query.limit(limit).offset(offset)).all()
        total = connection.scalar(sa.select(sa.func.count()).select_from(staff_list_row).where(where)) or 0
    shown = _given(desk, list_id, rows)
    _log(desk, caller, found, rows, request_id)
    return Page(shown, total)


def everything(
    desk: Desk, caller: Caller, list_id: str, *, results: Collection[Result] | None = None, request_id: str
) -> tuple[StaffList, Iterator[Values]]:
    """Return a list and its results, read as they are taken, once all who are shown have been logged.

    Raises:
        ListStateError: it has not ended: rows would be missing.
        NotFoundError: there is no such list of the caller's organisation.
        AccessLogUnavailableError: what is shown could not be logged.
    """
    found = handling.read(desk, caller, list_id)
    forget_protected(desk, found.id, found.rows)
    found = handling.read(desk, caller, list_id)
    where = _of(list_id, results)
    if not found.ended:
        raise ListStateError(
            "The list has not ended, so a file would lack rows. Wait until it has, or read the results there are page by page."
        )
    with desk.access.connect() as connection:
        query = sa.select(_row.row, _row.practitioner_id).where(where).order_by(_row.row)
        rows = list(connection.execute(query))
    _log(desk, caller, found, rows, request_id)
    return found, _all(desk, list_id, where)


def _all(desk: Desk, list_id: str, where: sa.ColumnElement[bool]) -> Iterator[Values]:
    after = -1
    while True:
        with desk.access.connect() as connection:
            query = sa.select(staff_list_row).where(where & (_row.row > after)).order_by(_row.row)
            rows = connection.execute(query.limit(_CHUNK)).all()
        yield from _given(desk, list_id, rows)
        if len(rows) < _CHUNK:
            return
        after = rows[-1].row


def _of(list_id: str, results: Collection[Result] | None) -> sa.ColumnElement[bool]:
    mine = _row.list_id == list_id
    return mine if results is None else mine & _row.result.in_(sorted(results))


def _given(desk: Desk, list_id: str, rows: Sequence[Any]) -> list[Values]:
    """Return rows as they are given out. Who is not in the register any more is not told of, but not forgotten either."""
    about = [each.practitioner_id for each in rows if each.practitioner_id is not None]
    with desk.truth.connect() as connection:
        untold = hidden(connection, about)
    found = []
    for each in rows:
        result, detail = each.result, sealed.open_detail(desk.sealer, list_id, each.detail)
        if each.practitioner_id in untold:
            # Protected since a moment ago, or not there: an older copy of the register was restored, say.
            result, detail = "couldNotCheck", person_missing(detail)
        found.append(given_out(each.row, result, detail, desk.rules, desk.vocabulary))
    return found


def _log(desk: Desk, caller: Caller, found: StaffList, rows: Sequence[Any], request_id: str) -> None:
    """Log who was shown to whom: the events of the run name who sent the list, and a colleague may read the results."""
    purpose = purpose_for(desk, caller, found.purpose)
    for start in range(0, len(rows), _EVENT_ROWS):
        some = rows[start : start + _EVENT_ROWS]
        record_access(
            desk.access,
            desk.settings.access,
            caller,
            purpose=purpose,
            action="evidence",
            question={"list": found.id, "rows": [some[0].row, some[-1].row]},
            answer=f"{len(some)} rows",
            practitioner_ids=[each.practitioner_id for each in some if each.practitioner_id is not None],
            request_id=request_id,
        )
