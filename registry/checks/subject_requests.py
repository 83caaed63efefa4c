"""What people ask for about their own record: a report of a look-up that they don't understand, or a correction (GDPR article 16).

    made = make(desk.access, desk.sealer, settings, practitioner_id=7, about=LookUp(4711), words="...", now=...)
    step(desk.access, desk.sealer, made.id, seen=1, state="explained", words="...", by=("https://idp", "u-1"), now=...)

Each request goes from step to step; steps are added and never changed, and who adds one says how many he has seen, so that of two
who answer at the same time one is told. Texts are sealed: people write whatever they like.
"""

from collections.abc import Collection, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from registry.access.log import TURN
from registry.checks.errors import RequestLimitError, StepRefusedError
from registry.checks.ids import new_id
from registry.checks.tables import subject_request, subject_request_step
from registry.database import writing
from registry.errors import NotFoundError
from registry.records.read import as_utc
from registry.sealing import Sealer
from registry.settings_asking import SubjectRequests

Kind = Literal["look-up", "correction"]
KINDS: tuple[Kind, ...] = get_args(Kind)
State = Literal[
    "received",
    "under-review",
    "forwarded",
    "explained",
    "not-justified",
    "corrected",
    "not-corrected",
    "withdrawn",
]
STATES: tuple[State, ...] = get_args(State)
# What of a record is wrong: who the person is, a licence, or that something is not there.
Fact = Literal["person", "licence", "missing"]
FACTS: tuple[Fact, ...] = get_args(Fact)
# What those who answer may do next. A person may withdraw whatever has not ended.
NEXT: Mapping[Kind, Mapping[State, tuple[State, ...]]] = {
    "look-up": {
        "received": ("under-review", "explained", "not-justified"),
        "under-review": ("explained", "not-justified"),
    },
    "correction": {
        "received": ("forwarded", "corrected", "not-corrected"),
        "forwarded": ("corrected", "not-corrected"),
    },
}
OPEN: tuple[State, ...] = ("received", "under-review", "forwarded")
# Steps at which the person must be told why.
SAYS_WHY: frozenset[State] = frozenset({"explained", "not-justified", "not-corrected"})
# What the sealed texts of a request are bound to, with its id.
WORDS = b"subject-request\0"
# Texts taken away in one transaction: on SQLite nobody else can write meanwhile.
_PART = 1000
_ROW, _STEP = subject_request.c, subject_request_step.c
_TURN = sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:person, 0))")


@dataclass(frozen=True, slots=True)
class LookUp:
    """What a report is about: an event of the access log, which the caller has seen to be about the person."""

    event_id: int


@dataclass(frozen=True, slots=True)
class Wrong:
    """What a correction is about, and the authority that owns the fact."""

    fact: Fact
    authority_id: str
    licence_id: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One step; `at` is UTC, `words` "" where there are none (any more).

    Attributes:
        issuer, subject: who took it; "" for the person themselves.
    """

    number: int
    at: datetime
    state: State
    issuer: str
    subject: str
    words: str


@dataclass(frozen=True, slots=True)
class SubjectRequest:
    """A request with its steps; times are UTC.

    Attributes:
        practitioner_id: whose record.
        event_id: of a report.
        fact, authority_id, licence_id: of a correction.
    """

    id: str
    kind: Kind
    practitioner_id: int
    created_at: datetime
    state: State
    changed_at: datetime
    event_id: int | None
    fact: str
    authority_id: str
    licence_id: int | None
    steps: tuple[Step, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether it waits for an answer."""
        return self.state in OPEN

    @property
    def next(self) -> tuple[State, ...]:
        """What those who answer may do now."""
        return NEXT[self.kind].get(self.state, ())

    def due(self, settings: SubjectRequests) -> datetime:
        """Return until when it is to be answered."""
        return self.created_at + timedelta(days=settings.answer_days)


_COLUMNS = [_ROW[name] for name in SubjectRequest.__dataclass_fields__ if name != "steps"]


def _turn(engine: Engine) -> AbstractContextManager[object]:
    return TURN if engine.dialect.name == "sqlite" else nullcontext()


def make(
    engine: Engine,
    sealer: Sealer,
    settings: SubjectRequests,
    *,
    practitioner_id: int,
    about: LookUp | Wrong,
    words: str,
    now: datetime,
) -> str:
    """Make a request and return its id; that of the first one where the same look-up was reported before.

    Args:
        engine: the access database.
        sealer: for the text.
        settings: section `[checks.subject_requests]`.
        practitioner_id: whose record.
        about: what it is about.
        words: the person's own, at most `max_text` characters; "" for none.
        now: this moment, UTC.

    Raises:
        RequestLimitError: `max_open` requests of the person wait for an answer.
    """
    request_id = new_id("req")
    values: dict[str, Any] = {"id": request_id, "practitioner_id": practitioner_id}
    if isinstance(about, LookUp):
        values |= {"kind": "look-up", "event_id": about.event_id}
    else:
        values |= {"kind": "correction", "fact": about.fact, "authority_id": about.authority_id}
        values["licence_id"] = about.licence_id
    values |= {"created_at": now, "changed_at": now, "state": "received", "steps": 1}
    mine = _ROW.practitioner_id == practitioner_id
    waiting = sa.select(sa.func.count()).where(mine, _ROW.state.in_(OPEN))
    with _turn(engine), writing(engine).begin() as connection:
        if connection.dialect.name == "postgresql":
            # Requests of one person are made one after another, so that they are counted; SQLite has one writer anyway.
            connection.execute(_TURN, {"person": f"subject_request {practitioner_id}"})
        if isinstance(about, LookUp):
            before = connection.scalar(sa.select(_ROW.id).where(mine, _ROW.event_id == about.event_id))
            if before is not None:
                return str(before)
        if (connection.scalar(waiting) or 0) >= settings.max_open:
            raise RequestLimitError(
                f"{settings.max_open} requests of yours wait for an answer. Wait for one, or withdraw one."
            )
        connection.execute(subject_request.insert().values(values))
        connection.execute(_inserted(sealer, request_id, Step(1, now, "received", "", "", words)))
    return request_id


def step(
    engine: Engine,
    sealer: Sealer,
    request_id: str,
    *,
    seen: int,
    state: State,
    words: str,
    by: tuple[str, str],
    now: datetime,
) -> None:
    """Add a step.

    Args:
        engine: the access database.
        sealer: for the text.
        request_id: whose step it is.
        seen: how many steps the request had when whoever adds this one looked at it.
        state: what becomes of the request.
        words: to the person, or the person's own; "" for none.
        by: issuer and subject of who takes it; two "" for the person themselves.
        now: this moment, UTC.

    Raises:
        NotFoundError: there is no such request.
        StepRefusedError: it can't come to this state from the one it is in, or others have added steps meanwhile.
    """
    with _turn(engine), writing(engine).begin() as connection:
        found = connection.execute(
            sa.select(_ROW.kind, _ROW.state, _ROW.steps).where(_ROW.id == request_id)
        ).one_or_none()
        if found is None:
            raise NotFoundError
        allowed = ("withdrawn",) if by == ("", "") else NEXT[found.kind].get(found.state, ())
        if found.steps != seen or found.state not in OPEN or state not in allowed:
            raise StepRefusedError(
                "The request has come further since you opened it. Read it again, then answer."
            )
        moved = sa.update(subject_request).where(_ROW.id == request_id, _ROW.steps == seen)
        done = connection.execute(moved.values(state=state, steps=seen + 1, changed_at=now))
        if done.rowcount != 1:
            raise StepRefusedError(
                "Somebody else has answered at the same moment. Read the request again, then answer."
            )
        connection.execute(_inserted(sealer, request_id, Step(seen + 1, now, state, *by, words)))


def withdraw(
    engine: Engine, sealer: Sealer, request_id: str, practitioner_ids: Collection[int], now: datetime
) -> bool:
    """Withdraw a request of one of these people; False if it is none of theirs, or has ended."""
    query = sa.select(_ROW.steps).where(_ROW.id == request_id, _ROW.practitioner_id.in_(practitioner_ids))
    with engine.connect() as connection:
        seen = connection.scalar(query)
    if seen is None:
        return False
    try:
        step(engine, sealer, request_id, seen=seen, state="withdrawn", words="", by=("", ""), now=now)
    except StepRefusedError:
        return False
    return True


def _inserted(sealer: Sealer, request_id: str, taken: Step) -> sa.Insert:
    text = taken.words.encode()
    return subject_request_step.insert().values(
        request_id=request_id,
        number=taken.number,
        at=taken.at,
        state=taken.state,
        issuer=taken.issuer,
        subject=taken.subject,
        words=sealer.seal(text, context=WORDS + request_id.encode()) if text else None,
    )


def find(connection: sa.Connection, sealer: Sealer, request_id: str, kind: Kind) -> SubjectRequest:
    """Return one request.

    Raises:
        NotFoundError: there is none of this kind with this id.
    """
    query = sa.select(*_COLUMNS).where(_ROW.id == request_id, _ROW.kind == kind)
    for found in _with_steps(connection, sealer, connection.execute(query)):
        return found
    raise NotFoundError


def of_people(
    connection: sa.Connection, sealer: Sealer, practitioner_ids: Collection[int]
) -> list[SubjectRequest]:
    """Return what people have asked for, the newest first."""
    query = sa.select(*_COLUMNS).where(_ROW.practitioner_id.in_(sorted(practitioner_ids)))
    rows = connection.execute(query.order_by(_ROW.created_at.desc(), _ROW.id))
    return _with_steps(connection, sealer, rows)


def listed(
    connection: sa.Connection, kind: Kind, *, waiting: bool, limit: int, after: tuple[datetime, str] | None
) -> list[SubjectRequest]:
    """Return requests without their steps: those that wait the oldest first, those that have ended the latest made first.

    Args:
        connection: to the access database.
        kind: which.
        waiting: those that wait for an answer; else those that have ended.
        limit: at most so many.
        after: `created_at` and id of the last one of the page before.
    """
    states = _ROW.state.in_(OPEN) if waiting else _ROW.state.not_in(OPEN)
    query = sa.select(*_COLUMNS).where(_ROW.kind == kind, states).limit(limit)
    place = sa.tuple_(_ROW.created_at, _ROW.id)
    if after is not None:
        mark = sa.tuple_(sa.literal(after[0], _ROW.created_at.type), sa.literal(after[1]))
        query = query.where(place > mark if waiting else place < mark)
    order = (_ROW.created_at, _ROW.id) if waiting else (_ROW.created_at.desc(), _ROW.id.desc())
    return [_request(row) for row in connection.execute(query.order_by(*order))]


def late(connection: sa.Connection, settings: SubjectRequests, now: datetime) -> int:
    """Return how many requests were to be answered before `now` and wait."""
    made = now - timedelta(days=settings.answer_days)
    waiting = _ROW.kind.in_(KINDS) & _ROW.state.in_(OPEN) & (_ROW.created_at < made)
    return connection.scalar(sa.select(sa.func.count()).select_from(subject_request).where(waiting)) or 0


def forget(engine: Engine, settings: SubjectRequests, now: datetime) -> int:
    """Take away the texts of requests that ended longer ago than `keep_days`; return how many texts."""
    old = now - timedelta(days=settings.keep_days)
    ended = sa.select(_ROW.id).where(_ROW.state.not_in(OPEN), _ROW.changed_at < old)
    key = sa.tuple_(_STEP.request_id, _STEP.number)
    some = (
        sa.select(_STEP.request_id, _STEP.number)
        .where(_STEP.words.is_not(None), _STEP.request_id.in_(ended))
        .limit(_PART)
    )
    gone = 0
    while True:
        with writing(engine).begin() as connection:
            part = connection.execute(
                sa.update(subject_request_step).where(key.in_(some)).values(words=None)
            ).rowcount
        gone += part
        if not part:
            return gone


def _with_steps(
    connection: sa.Connection, sealer: Sealer, rows: Iterable[sa.Row[Any]]
) -> list[SubjectRequest]:
    found = [_request(row) for row in rows]
    steps: dict[str, list[Step]] = {each.id: [] for each in found}
    query = (
        sa.select(subject_request_step)
        .where(_STEP.request_id.in_(list(steps)))
        .order_by(_STEP.request_id, _STEP.number)
    )
    for row in connection.execute(query) if found else ():
        sealed = None if row.words is None else bytes(row.words)
        words = (
            "" if sealed is None else sealer.open(sealed, context=WORDS + row.request_id.encode()).decode()
        )
        steps[row.request_id].append(
            Step(row.number, as_utc(row.at), row.state, row.issuer, row.subject, words)
        )
    return [replace(each, steps=tuple(steps[each.id])) for each in found]


def _request(row: sa.Row[Any]) -> SubjectRequest:
    values: list[Any] = [as_utc(value) if isinstance(value, datetime) else value for value in row]
    return SubjectRequest(*values)
