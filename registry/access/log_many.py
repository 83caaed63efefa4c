"""Many access events at once, inside the caller's transaction: what a part of a staff list was told."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from registry.access.caller import Caller
from registry.access.log import ACTIONS, people_of
from registry.access.tables import access_event, access_event_subject
from registry.identifiers import holds_personal_number
from registry.records import bulk

_COLUMNS = (
    "id",
    "at",
    "issuer",
    "subject",
    "client_id",
    "organisation",
    "purpose",
    "action",
    "question",
    "answer",
    "request_id",
)
_SEQUENCE = sa.text(
    "SELECT nextval(pg_get_serial_sequence('access_event', 'id')) FROM generate_series(1, :count)"
)
_LAST = sa.text("SELECT seq FROM sqlite_sequence WHERE name = 'access_event'")


@dataclass(frozen=True, slots=True)
class Event:
    """One event: what was asked as JSON, the answer, and everyone the answer is about."""

    question: str
    answer: str
    practitioner_ids: Sequence[int]


def record_many(
    connection: sa.Connection,
    caller: Caller,
    events: Sequence[Event],
    *,
    purpose: str,
    action: str,
    request_id: str,
) -> None:
    """Write events and the people they showed; they are committed with the caller's transaction.

    Args:
        connection: a write transaction on the database of access events.
        caller: who asked.
        events: in order.
        purpose, action, request_id: as for `registry.access.log.record_access`.

    Raises:
        ValueError: an event may hold a personal identity number, or the action is unknown: a fault in the calling code.
        SQLAlchemyError: they could not be written; the answers must not leave.
    """
    if not events:
        return
    if action not in ACTIONS or any(
        holds_personal_number(each.question) or holds_personal_number(each.answer) for each in events
    ):
        raise ValueError(
            "access events with an unknown action, or ones that may hold a personal identity number"
        )
    ids = _ids(connection, len(events))
    at = datetime.now(UTC)
    who = (caller.issuer, caller.subject, caller.client_id, caller.organisation, purpose, action)
    rows = [
        (id_, at, *who, each.question, each.answer, request_id) for id_, each in zip(ids, events, strict=True)
    ]
    bulk.insert_rows(connection, access_event, _COLUMNS, rows)
    shown = [
        (id_, person)
        for id_, each in zip(ids, events, strict=True)
        for person in people_of(each.practitioner_ids)
    ]
    bulk.insert_rows(connection, access_event_subject, ("event_id", "practitioner_id"), shown)


def _ids(connection: sa.Connection, count: int) -> Sequence[int]:
    """Draw ids. SQLite: nobody else writes meanwhile, and its own counter follows the ids that are written."""
    if connection.dialect.name == "postgresql":
        return connection.scalars(_SEQUENCE, {"count": count}).all()
    last = connection.scalar(_LAST) or 0
    return range(last + 1, last + count + 1)
