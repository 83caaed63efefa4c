"""Evidence: what was asked and what was answered, kept so that an organisation can show it later, or ask again.

The answer is kept as the very bytes that were sent, compressed and sealed; the question sealed too, since it may hold a personal
identity number. Both are bound to the evidence's id, so that a value moved to another row does not open. Everything that
tells who was told what, when and why is written in one go: access event, whom it showed, and evidence (PostgreSQL: one
statement; SQLite: one transaction). No answer leaves before that.

Whoever may fetch it is the organisation that asked. Evidence that tells something about a person who is protected now is answered
like evidence that there is not, unless that person had agreed to the very check; what was "not found" then told nobody of
anybody, and stays.
"""

import zlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from registry.access.caller import Caller
from registry.access.log import TURN, not_written, people_of
from registry.access.tables import access_event, access_event_subject
from registry.checks.idempotency import ENDING
from registry.checks.owner import owner_of
from registry.checks.tables import check_evidence, idempotency_key
from registry.database import writing
from registry.prepared import Prepared
from registry.records.read import as_utc
from registry.sealing import Sealer
from registry.struct_types import ready
from registry.verification.question import Question

ANSWER, QUESTION = b"check-answer ", b"check-question "
# An answer shrinks to a third; more effort saves a tenth of that and costs three times as long.
_LEVEL = 1


@ready
class AskedAgain(msgspec.Struct, frozen=True, omit_defaults=True):
    """A question as it is sealed, with all that is needed to ask it again."""

    licence_number: str | None = None
    authority: str | None = None
    personal_number: str | None = None
    name: str | None = None
    birth_date: str | None = None
    profession: str | None = None
    on_date: date | None = None
    known_at: datetime | None = None
    reference: str | None = None

    def question(self) -> Question:
        """Return the question itself."""
        fields = {name: getattr(self, name) for name in Question.__dataclass_fields__}
        return Question(**fields)


@dataclass(frozen=True, slots=True)
class Kept:
    """What a list tells of a piece of evidence. `created_at` is UTC; `reference` has personal identity numbers masked.

    Attributes:
        practitioner_id: whom the answer tells something about; None where it tells nothing of anybody.
        previous_id: the evidence whose question was asked again; None for one that was new.
        consent_id: the consent of a person with a protected identity by which it was answered; None for any other.
    """

    id: str
    event_id: int
    created_at: datetime
    purpose: str
    reference: str
    verdict: str
    outcome: str
    rule_version: str
    practitioner_id: int | None
    previous_id: str | None
    consent_id: str | None

    @property
    def told_of(self) -> int | None:
        """Whom it may not be shown about any more once they are protected; nobody where they had agreed to this check."""
        return None if self.consent_id is not None else self.practitioner_id


@dataclass(frozen=True, slots=True, repr=False)
class Evidence:
    """A piece of evidence opened: the answer's bytes as they were sent, and the question. No repr: it may hold a number."""

    kept: Kept
    body: bytes
    asked: AskedAgain

    @property
    def answer(self) -> dict[str, Any]:
        """The answer as `registry.checks.answer` describes it."""
        value: dict[str, Any] = msgspec.json.decode(self.body)
        return value


def sealed(sealer: Sealer, evidence_id: str, body: bytes, asked: AskedAgain) -> dict[str, bytes]:
    """Return the two sealed columns of a piece of evidence."""
    own = evidence_id.encode()
    return {
        "answer": sealer.seal(zlib.compress(body, _LEVEL), context=ANSWER + own),
        "question": sealer.seal(msgspec.json.encode(asked), context=QUESTION + own),
    }


_LIST_COLUMNS = [check_evidence.c[name] for name in Kept.__dataclass_fields__]
_OF_ANYONE = sa.select(*_LIST_COLUMNS, check_evidence.c.answer, check_evidence.c.question).where(
    check_evidence.c.id == sa.bindparam("id")
)
_OPENED = _OF_ANYONE.where(check_evidence.c.owner == sa.bindparam("owner"))


def find(engine: Engine, sealer: Sealer, caller: Caller, evidence_id: str) -> Evidence | None:
    """Return a piece of evidence of the caller's organisation, None if there is none; whom it is about is not looked at.

    Raises:
        ValueError: it was sealed with another key, or changed.
    """
    with engine.connect() as connection:
        row = connection.execute(_OPENED, {"id": evidence_id, "owner": owner_of(caller)}).one_or_none()
    return None if row is None else _opened(sealer, row)


def find_of_anyone(engine: Engine, sealer: Sealer, evidence_id: str) -> Evidence | None:
    """Return a piece of evidence whoever asked, for the operator only (`registry recompute`); else as `find`."""
    with engine.connect() as connection:
        row = connection.execute(_OF_ANYONE, {"id": evidence_id}).one_or_none()
    return None if row is None else _opened(sealer, row)


def _opened(sealer: Sealer, row: Any) -> Evidence:  # noqa: ANN401 - a row of `_OF_ANYONE`
    own = row.id.encode()
    body = zlib.decompress(sealer.open(row.answer, context=ANSWER + own))
    asked = msgspec.json.decode(sealer.open(row.question, context=QUESTION + own), type=AskedAgain)
    return Evidence(_kept(row), body, asked)


def _kept(row: Any) -> Kept:  # noqa: ANN401 - a row of any width
    values = {name: getattr(row, name) for name in Kept.__dataclass_fields__}
    return Kept(**{**values, "created_at": as_utc(row.created_at)})


def find_many(
    connection: sa.Connection,
    caller: Caller,
    *,
    reference: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int,
    offset: int = 0,
) -> list[Kept]:
    """Return evidence of the caller's organisation, the newest first.

    Args:
        connection: to the access database.
        caller: who asks.
        reference: only what was asked with this reference, masked as it is kept.
        since, until: only what was asked at or after the first and before the second moment.
        limit, offset: which part of it.
    """
    row = check_evidence.c
    query = sa.select(*_LIST_COLUMNS).where(row.owner == owner_of(caller))
    if reference is not None:
        query = query.where(row.reference == reference)
    if since is not None:
        query = query.where(row.created_at >= since)
    if until is not None:
        query = query.where(row.created_at < until)
    query = query.order_by(row.created_at.desc(), row.event_id.desc()).limit(limit).offset(offset)
    return [_kept(one) for one in connection.execute(query)]


def keep(
    engine: Engine,
    event: Mapping[str, Any],
    practitioner_ids: Collection[int],
    evidence: Mapping[str, Any],
    ends: tuple[bytes, str] | None = None,
    *,
    also: Callable[[sa.Connection], None] | None = None,
) -> bool:
    """Write an access event, whom it showed, and the evidence; committed when this returns.

    Args:
        engine: the access database.
        event: columns of the event (`registry.access.log.event_values`).
        practitioner_ids: everyone the answer is about, protected people included: they may see who asked.
        evidence: columns of `check_evidence`, all but `event_id` and those that the event has too.
        ends: digest and holder of the Idempotency-Key that the answer ends.
        also: something more to write in the same transaction; what it raises undoes everything.

    Returns:
        False if the key is no longer the holder's; then nothing was written.

    Raises:
        AccessLogUnavailableError: it could not be written; the answer must not leave.
    """
    ids = people_of(practitioner_ids)
    values = {
        **{f"event_{name}": value for name, value in event.items()},
        **{f"kept_{name}": value for name, value in evidence.items()},
    }
    if ends:
        values |= {"key_digest": ends[0], "key_holder": ends[1]}
    with not_written(event["request_id"]):
        if engine.dialect.name != "sqlite":
            statement = _ENDING if ends else _KEEPING
            if also is None:
                return statement.row(engine, {**values, "ids": ids}) is not None
            with engine.begin() as connection:
                if statement.row(connection, {**values, "ids": ids}) is None:
                    return False
                also(connection)
                return True
        with TURN, writing(engine).begin() as connection:
            if not _keep_step_by_step(connection, values, ids, ending=ends is not None):
                return False
            if also is not None:
                also(connection)
            return True


_EVENT_COLUMNS = [column.name for column in access_event.c if column.name != "id"]
# What an event has too is written from the same values.
_SHARED = {"organisation": "organisation", "issuer": "issuer", "subject": "subject", "client_id": "client_id"}
_SHARED |= {"created_at": "at", "purpose": "purpose"}
_KEPT_COLUMNS = [c.name for c in check_evidence.c if c.name not in {"event_id", *_SHARED}]


def _bound(table: sa.Table, column: str, prefix: str) -> sa.BindParameter[Any]:
    return sa.bindparam(f"{prefix}_{column}", None, type_=table.c[column].type)


_EVENT_VALUES = [_bound(access_event, name, "event") for name in _EVENT_COLUMNS]
_KEPT_NAMES = ["event_id", *_SHARED, *_KEPT_COLUMNS]
_KEPT_VALUES = [
    *(_bound(access_event, name, "event") for name in _SHARED.values()),
    *(_bound(check_evidence, name, "kept") for name in _KEPT_COLUMNS),
]


def _at_once(*, ending: bool) -> sa.Select[Any]:
    """Return the one statement that writes everything (PostgreSQL); with `ending`, only if the key is still held."""
    source = sa.select(*_EVENT_VALUES)
    if ending:
        ended = ENDING.returning(idempotency_key.c.digest).cte("ended")
        source = source.select_from(ended)
    event = (
        access_event.insert().from_select(_EVENT_COLUMNS, source).returning(access_event.c.id).cte("event")
    )
    people = sa.select(event.c.id, sa.func.unnest(sa.bindparam("ids", None, type_=sa.ARRAY(sa.BigInteger))))
    shown = access_event_subject.insert().from_select(["event_id", "practitioner_id"], people).cte("shown")
    kept = check_evidence.insert().from_select(_KEPT_NAMES, sa.select(event.c.id, *_KEPT_VALUES)).cte("kept")
    return sa.select(event.c.id).add_cte(shown, kept)


_KEEPING, _ENDING = Prepared(_at_once(ending=False)), Prepared(_at_once(ending=True))
_ONE_EVENT = (
    access_event.insert()
    .values(dict(zip(_EVENT_COLUMNS, _EVENT_VALUES, strict=True)))
    .returning(access_event.c.id)
)
_ONE_SHOWN = access_event_subject.insert()
_ONE_KEPT = check_evidence.insert().values(
    dict(
        zip(
            _KEPT_NAMES,
            [sa.bindparam("event_id", type_=sa.BigInteger), *_KEPT_VALUES],
            strict=True,
        )
    )
)


def _keep_step_by_step(
    connection: sa.Connection, values: Mapping[str, Any], ids: list[int], *, ending: bool
) -> bool:
    """Write everything in the transaction of `connection` (SQLite)."""
    if ending and connection.execute(ENDING, values).rowcount == 0:
        return False
    event_id = int(connection.execute(_ONE_EVENT, values).scalar_one())
    connection.execute(_ONE_SHOWN, [{"event_id": event_id, "practitioner_id": one} for one in ids])
    connection.execute(_ONE_KEPT, {**values, "event_id": event_id})
    return True
