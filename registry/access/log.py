"""The access log: who was shown what about whom, why and when. No answer about a person without a line here.

    check_stated(purpose, settings.access, caller)        # before the work (registry.access.purposes)
    record_access(engine, settings.access, caller, purpose=..., action="verify", question={...}, answer="yes",
                  practitioner_ids=[7], request_id=...)   # before the answer leaves

What a person typed goes into `question` through `loggable()`.
"""

import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, get_args

import msgspec
import sqlalchemy as sa
import structlog
from sqlalchemy.dialects.postgresql import psycopg
from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError

from registry.access.caller import Caller
from registry.access.purposes import check_purpose
from registry.access.tables import access_event, access_event_subject
from registry.database import at_once, fetch, writing
from registry.errors import AccessLogUnavailableError
from registry.identifiers import holds_personal_number, mask_personal_numbers
from registry.settings import Access

log = structlog.get_logger()
Action = Literal["search", "read", "verify", "own-record", "evidence", "subject-request", "timeline"]
ACTIONS: tuple[str, ...] = get_args(Action)
# No practitioner has it: an event that showed nobody has this row, so that one about somebody who is protected, who is named in
# the log and in no answer, costs the same statements and leaves as many rows.
NOBODY = 0


@dataclass(frozen=True, slots=True)
class AccessEvent:
    """One line of the log. `at` is UTC; the question is left out: it may tell about other people."""

    id: int
    at: datetime
    issuer: str
    subject: str
    client_id: str
    organisation: str
    purpose: str
    action: str
    answer: str


def loggable(text: str) -> str:
    """Return what someone typed with everything masked that may be a personal identity number."""
    return mask_personal_numbers(text)


def record_access(
    engine: Engine,
    settings: Access,
    caller: Caller,
    *,
    purpose: str,
    action: Action,
    question: Mapping[str, Any],
    answer: str,
    practitioner_ids: Collection[int],
    request_id: str,
) -> int:
    """Write one access event and the people it showed; return its id. It is committed when this returns.

    Args:
        engine: database of access events.
        settings: section `[access]`.
        caller: who asks.
        purpose: one of `access.purposes`.
        action: what was done.
        question: what was asked, as JSON values, without personal identity numbers.
        answer: the verdict, or the number of hits.
        practitioner_ids: everyone the answer is about, protected people included: they may see who asked.
        request_id: the id that logs and the answer carry.

    Raises:
        BadRequestError: the purpose is none.
        AccessLogUnavailableError: the event could not be written; the answer must not leave.
        ValueError: question or answer hold what may be a personal identity number, or the action is unknown:
            a fault in the calling code.
    """
    event = event_values(
        settings,
        caller,
        purpose=purpose,
        action=action,
        question=question,
        answer=answer,
        request_id=request_id,
    )
    with not_written(request_id):
        return _write(engine, event, people_of(practitioner_ids))


def people_of(practitioner_ids: Collection[int]) -> list[int]:
    """Return the rows that an event has about people: at least one."""
    return sorted(set(practitioner_ids)) or [NOBODY]


@contextmanager
def not_written(request_id: str) -> Iterator[None]:
    """Turn every failure of the database inside into the one answer there is then.

    Raises:
        AccessLogUnavailableError: the event could not be written; the answer must not leave.
    """
    try:
        yield
    except SQLAlchemyError as error:
        # The error's text holds the statement and its values, so only its kind is told, and no traceback.
        reason = type(error).__name__
        log.error("access_event_not_written", reason=reason, request_id=request_id)  # noqa: TRY400 - see above
        raise AccessLogUnavailableError from None


def event_values(
    settings: Access,
    caller: Caller,
    *,
    purpose: str,
    action: Action,
    question: Mapping[str, Any],
    answer: str,
    request_id: str,
) -> dict[str, Any]:
    """Return the columns of one access event of now, for whoever writes it beside something else.

    Raises:
        BadRequestError: the purpose is none.
        ValueError: as `record_access`.
    """
    check_purpose(purpose, settings)
    text = msgspec.json.encode(question, order="sorted").decode()
    # Number and digits are told apart by their neighbours, so look at the plain values, not at the JSON's quotes.
    if action not in ACTIONS or holds_personal_number(text) or holds_personal_number(answer):
        raise ValueError(
            "an access event with an unknown action, or one that may hold a personal identity number"
        )
    return {
        "at": datetime.now(UTC),
        "issuer": caller.issuer,
        "subject": caller.subject,
        "client_id": caller.client_id,
        "organisation": caller.organisation,
        "purpose": purpose,
        "action": action,
        "question": text,
        "answer": answer,
        "request_id": request_id,
    }


# SQLite waits for its write lock by sleeping and trying again, so threads that queue here first wait far less.
TURN = threading.Lock()
# Statements are built once: an event is written at every answer. The people come as one parameter.
_EVENT = access_event.insert().returning(access_event.c.id)
_SUBJECT = ("event_id", "practitioner_id")
_SHOWN_SQLITE = access_event_subject.insert().from_select(
    _SUBJECT,
    sa.select(
        sa.bindparam("event_id", type_=sa.BigInteger),
        sa.func.json_each(sa.bindparam("ids", type_=sa.JSON))
        .table_valued(sa.column("value", sa.BigInteger))
        .c.value,
    ),
)


def _both() -> str:
    """Return the statement that writes an event and whom it showed in one journey to the database (PostgreSQL)."""
    values: dict[str, Any] = {
        column.name: sa.bindparam(column.name) for column in access_event.c if column.name != "id"
    }
    event = access_event.insert().values(values).returning(access_event.c.id).cte("event")
    ids = sa.func.unnest(sa.bindparam("ids", type_=sa.ARRAY(sa.BigInteger)))
    shown = access_event_subject.insert().from_select(_SUBJECT, sa.select(event.c.id, ids)).cte("shown")
    # A dialect of the driver that the service uses, whose form of parameters it has.
    driver: sa.Dialect = psycopg.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy's
    return str(sa.select(event.c.id).add_cte(shown).compile(dialect=driver))


_BOTH_POSTGRESQL = _both()


def _write(engine: Engine, event: Mapping[str, Any], practitioner_ids: list[int]) -> int:
    if engine.dialect.name != "sqlite":
        with at_once(engine).connect() as connection:
            written = fetch(connection, _BOTH_POSTGRESQL, {**event, "ids": practitioner_ids})
            return int(written[0][0])
    with TURN, writing(engine).begin() as connection:
        event_id = int(connection.execute(_EVENT, event).scalar_one())
        connection.execute(_SHOWN_SQLITE, {"event_id": event_id, "ids": practitioner_ids})
    return event_id


def events_about(
    connection: sa.Connection, practitioner_ids: Collection[int], limit: int, *, before: int | None = None
) -> list[AccessEvent]:
    """Return who was shown something about a person, the latest first.

    Args:
        connection: to the database of access events.
        practitioner_ids: the person, under every id.
        limit: events returned at most.
        before: only those written before the event of this id: where a page ended.
    """
    about = sa.select(access_event_subject.c.event_id).where(
        access_event_subject.c.practitioner_id.in_(sorted(practitioner_ids))
    )
    if before is not None:
        about = about.where(access_event_subject.c.event_id < before)
    # The few rows about one person first: the log is long.
    newest = about.distinct().order_by(access_event_subject.c.event_id.desc()).limit(limit).subquery()
    query = (
        sa.select(*(access_event.c[name] for name in AccessEvent.__dataclass_fields__))
        .join(newest, newest.c.event_id == access_event.c.id)
        .order_by(access_event.c.id.desc())
    )
    return [AccessEvent(row.id, _utc(row.at), *row[2:]) for row in connection.execute(query)]


def event_by_id(connection: sa.Connection, event_id: int) -> AccessEvent | None:
    """Return one event, whomever it showed."""
    columns = [access_event.c[name] for name in AccessEvent.__dataclass_fields__]
    row = connection.execute(sa.select(*columns).where(access_event.c.id == event_id)).one_or_none()
    return None if row is None else AccessEvent(row.id, _utc(row.at), *row[2:])


def _utc(value: datetime) -> datetime:
    """SQLite gives times back without their zone; all are written in UTC."""
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
