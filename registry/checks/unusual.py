"""Noticing a caller who asks as nobody does who checks staff: tries numbers or names, or collects people.

Looked for in the evidence of single checks (`[checks.unusual]`): many that found nobody, many different people, licence numbers
one after the other, birth dates tried on one person; and in staff lists, by figures of their own. Whoever is noticed is slowed for a while (`registry.checks.quota`), and it is told: in the log
(`unusual_checks`), in the metrics, and as a row that an officer lists (`registry unusual-checks`) and may close when the reason
was honest. Nobody is shut out: a hospital whose list of numbers is wrong must still be able to ask.

A process looks at a caller again after some checks and some seconds, so what is noticed is noticed soon, not at once.
"""

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from weakref import WeakKeyDictionary

import sqlalchemy as sa
import structlog
from sqlalchemy.engine import Engine

from registry.access.caller import Caller
from registry.checks.owner import caller_key, owner_of
from registry.checks.tables import check_evidence, check_unusual
from registry.checks.writing import one_write
from registry.database import reading
from registry.records.read import as_utc
from registry.settings import Unusual

log = structlog.get_logger()
KINDS = (
    "not-found",
    "people",
    "consecutive",
    "guesses",
    "list-not-found",
    "list-consecutive",
    "list-guesses",
)
# A process looks at a caller after so many checks, and not more often than this.
LOOK_EVERY = 10
LOOK_EVERY_S = 5.0
# Checks that one look reads at most, the newest.
MOST = 5000
# Callers that a process remembers at most.
_MAX_CALLERS = 10_000


@dataclass(frozen=True, slots=True)
class Noticed:
    """Something unusual, as an officer reads it. Times are UTC.

    Attributes:
        kind: `not-found`, `people`, `consecutive` or `guesses`; `list-not-found`, `list-consecutive` or `list-guesses` of a staff list.
        seen, bound: how many there were in the window, and from how many on it is unusual.
        closed_at: an officer found it honest; the caller is slowed no longer.
    """

    id: int
    noticed_at: datetime
    kind: str
    seen: int
    bound: int
    organisation: str
    issuer: str
    subject: str
    client_id: str
    slowed_until: datetime
    closed_at: datetime | None


@dataclass(slots=True)
class _Known:
    """What a process knows of a caller: when it looked, how much was asked since, until when the caller is slowed."""

    looked_at: float
    asked: int = 0
    read_at: float = -1e18
    slowed_until: float = 0.0


class _Memory:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.callers: dict[str, _Known] = {}

    def of(self, key: str, now: float) -> _Known:
        known = self.callers.get(key)
        if known is None:
            if len(self.callers) >= _MAX_CALLERS:
                del self.callers[next(iter(self.callers))]
            known = self.callers[key] = _Known(now)
        return known


_memories: "WeakKeyDictionary[Engine, _Memory]" = WeakKeyDictionary()
os.register_at_fork(after_in_child=_memories.clear)


def _memory(engine: Engine) -> _Memory:
    return _memories.setdefault(engine, _Memory())


_SLOWED = sa.select(sa.func.max(check_unusual.c.slowed_until)).where(
    check_unusual.c.caller == sa.bindparam("caller"),
    check_unusual.c.slowed_until > sa.bindparam("now", type_=check_unusual.c.slowed_until.type),
    check_unusual.c.closed_at.is_(None),
)


def slowed_until(engine: Engine, settings: Unusual, caller: Caller, now: float) -> float:
    """Return until when a caller is slowed, in seconds since 1970; a time that has passed for one who is not.

    Another process or an officer is believed after some seconds.
    """
    bounds = (settings.not_found, settings.people, settings.consecutive, settings.guesses)
    if not any((*bounds, settings.list_not_found, settings.list_consecutive)):
        return 0.0
    key = caller_key(caller)
    memory = _memory(engine)
    with memory.lock:
        known = memory.of(key, now)
        if now - known.read_at < LOOK_EVERY_S:
            return known.slowed_until
    with reading(engine).connect() as connection:
        found = connection.scalar(_SLOWED, {"caller": key, "now": datetime.fromtimestamp(now, UTC)})
    with memory.lock:
        known.read_at = now
        known.slowed_until = as_utc(found).timestamp() if found else 0.0
        return known.slowed_until


def watch(engine: Engine, settings: Unusual, caller: Caller, now: float) -> Sequence[str]:
    """Count one check of a caller, and look at what the caller has asked when it is time to.

    Returns:
        The kinds that were noticed now.
    """
    memory = _memory(engine)
    with memory.lock:
        known = memory.of(caller_key(caller), now)
        known.asked += 1
        if known.asked < LOOK_EVERY or now - known.looked_at < LOOK_EVERY_S:
            return ()
        known.asked, known.looked_at = 0, now
    return notice(engine, settings, caller, now)


# Outcomes that tell who tries: nobody, or nobody certain.
_MISSES = ("notFound", "ambiguous", "mismatch")


def _reading() -> sa.Select[tuple[int, int, int, int, int]]:
    """Return the statement that counts what a caller has asked.

    All; nobody found or not told who; people; longest row of numbers; most answers that did not agree with one person.
    """
    row = check_evidence.c
    recent = (
        sa.select(row.outcome, row.practitioner_id, row.asked_number)
        .where(
            row.owner == sa.bindparam("owner"),
            row.created_at >= sa.bindparam("since", type_=row.created_at.type),
            row.issuer == sa.bindparam("issuer"),
            row.subject == sa.bindparam("subject"),
            row.client_id == sa.bindparam("client_id"),
        )
        .order_by(row.created_at.desc())
        .limit(MOST)
        .cte("recent")
    )
    numbers = (
        sa.select(recent.c.asked_number).where(recent.c.asked_number.is_not(None)).distinct().cte("numbers")
    )
    # Numbers that follow each other without a gap are all as far from their place in the order.
    islands = sa.select(
        (numbers.c.asked_number - sa.func.row_number().over(order_by=numbers.c.asked_number)).label("island")
    ).cte("islands")
    lengths = (
        sa.select(sa.func.count().label("length"))
        .select_from(islands)
        .group_by(islands.c.island)
        .cte("lengths")
    )
    longest = sa.select(sa.func.coalesce(sa.func.max(lengths.c.length), 0)).scalar_subquery()
    guesses = (
        sa.select(sa.func.count().label("guesses"))
        .select_from(recent)
        .where(recent.c.outcome == "mismatch", recent.c.practitioner_id.is_not(None))
        .group_by(recent.c.practitioner_id)
        .cte("guesses")
    )
    most = sa.select(sa.func.coalesce(sa.func.max(guesses.c.guesses), 0)).scalar_subquery()
    return sa.select(
        sa.func.count(),
        sa.func.count().filter(recent.c.outcome.in_(_MISSES)),
        sa.func.count(recent.c.practitioner_id.distinct()),
        longest,
        most,
    ).select_from(recent)


_COUNTS = _reading()


def notice(engine: Engine, settings: Unusual, caller: Caller, now: float) -> Sequence[str]:
    """Look at what a caller has asked in the window; slow and report what is unusual and not reported yet.

    Args:
        engine: database of what answering writes.
        settings: section `[checks.unusual]`.
        caller: who asked.
        now: seconds since 1970.

    Returns:
        The kinds that were noticed now: `not-found`, `people`, `consecutive`, `guesses`.
    """
    moment = datetime.fromtimestamp(now, UTC)
    asked_by = {"issuer": caller.issuer, "subject": caller.subject, "client_id": caller.client_id}
    since = moment - timedelta(minutes=settings.window_minutes)
    with reading(engine).connect() as connection:
        row = connection.execute(_COUNTS, {"owner": owner_of(caller), "since": since, **asked_by}).one()
    asked, missed, people, in_a_row, guesses = (int(count) for count in row)
    counted = [
        ("not-found", missed if missed >= asked * settings.not_found_share else 0, settings.not_found),
        ("people", people, settings.people),
        ("consecutive", in_a_row, settings.consecutive),
        ("guesses", guesses, settings.guesses),
    ]
    return _over(engine, settings, caller, moment, counted)


@dataclass(frozen=True, slots=True)
class ListFigures:
    """What is looked at of a staff list, so far.

    Attributes:
        rows: answered.
        missed: of these, that found nobody, or nobody certain.
        in_a_row: licence numbers that follow each other without a gap, at most.
        guesses: rows that did not agree with one and the same person, at most.
    """

    rows: int
    missed: int
    in_a_row: int
    guesses: int


def notice_list(
    engine: Engine, settings: Unusual, caller: Caller, figures: ListFigures, now: float
) -> Sequence[str]:
    """Look at a staff list of a caller; slow and report what is unusual and not reported yet.

    Returns:
        The kinds that were noticed now: `list-not-found`, `list-consecutive`, `list-guesses`.
    """
    many = figures.missed >= figures.rows * settings.not_found_share
    counted = [
        ("list-not-found", figures.missed if many else 0, settings.list_not_found),
        ("list-consecutive", figures.in_a_row, settings.list_consecutive),
        ("list-guesses", figures.guesses, settings.guesses),
    ]
    return _over(engine, settings, caller, datetime.fromtimestamp(now, UTC), counted)


def _over(
    engine: Engine,
    settings: Unusual,
    caller: Caller,
    moment: datetime,
    counted: Sequence[tuple[str, int, int]],
) -> Sequence[str]:
    """Report what reaches its bound, of (kind, seen, bound); a bound of 0 switches a kind off."""
    return [
        kind
        for kind, seen, bound in counted
        if bound
        and seen >= bound
        and _report(engine, settings, caller, moment, kind=kind, seen=seen, bound=bound)
    ]


def _report(
    engine: Engine, settings: Unusual, caller: Caller, moment: datetime, *, kind: str, seen: int, bound: int
) -> bool:
    """Write a row unless there is one of the kind for this caller that still counts; also one that an officer closed."""
    until = moment + timedelta(minutes=settings.slow_minutes)
    row: dict[str, Any] = {
        "noticed_at": moment,
        "kind": kind,
        "seen": seen,
        "bound": bound,
        "organisation": caller.organisation,
        "issuer": caller.issuer,
        "subject": caller.subject,
        "client_id": caller.client_id,
        "caller": caller_key(caller),
        "slowed_until": until,
    }
    one = check_unusual.c
    standing = sa.exists().where(one.caller == row["caller"], one.kind == kind, one.slowed_until > moment)
    columns = [sa.literal(value, one[name].type).label(name) for name, value in row.items()]
    made = check_unusual.insert().from_select(list(row), sa.select(*columns).where(~standing))
    with one_write(engine) as connection:
        written = connection.execute(made.returning(one.id)).scalar() is not None
    if written:
        memory = _memory(engine)
        with memory.lock:
            memory.of(row["caller"], 0.0).read_at = -1e18
        log.warning(
            "unusual_checks",
            kind=kind,
            seen=seen,
            bound=bound,
            organisation=caller.organisation,
            client_id=caller.client_id,
            subject=caller.subject,
            slowed_until=until.isoformat(timespec="seconds"),
        )
    return written


def listed(
    connection: sa.Connection,
    *,
    limit: int = 100,
    since: datetime | None = None,
    before: datetime | None = None,
) -> list[Noticed]:
    """Return what was noticed, the newest first; only from `since` and before `before` if they are given."""
    query = sa.select(check_unusual).order_by(check_unusual.c.id.desc()).limit(limit)
    if since is not None:
        query = query.where(check_unusual.c.noticed_at >= since)
    if before is not None:
        query = query.where(check_unusual.c.noticed_at < before)
    return [
        Noticed(
            id=row.id,
            noticed_at=as_utc(row.noticed_at),
            kind=row.kind,
            seen=row.seen,
            bound=row.bound,
            organisation=row.organisation,
            issuer=row.issuer,
            subject=row.subject,
            client_id=row.client_id,
            slowed_until=as_utc(row.slowed_until),
            closed_at=as_utc(row.closed_at) if row.closed_at else None,
        )
        for row in connection.execute(query)
    ]


def close(connection: sa.Connection, noticed_id: int, now: datetime) -> bool:
    """Mark something as found honest: the caller is slowed for it no longer. False if there is no such open row.

    Two workers may have noticed it at the same moment: every open row of the kind for this caller is closed.
    """
    one = check_unusual.c
    row = connection.execute(
        sa.select(one.caller, one.kind).where(one.id == noticed_id, one.closed_at.is_(None))
    ).one_or_none()
    if row is None:
        return False
    same = (one.caller == row.caller) & (one.kind == row.kind) & one.closed_at.is_(None)
    return connection.execute(check_unusual.update().where(same).values(closed_at=now)).rowcount > 0


def standing(connection: sa.Connection, now: datetime) -> dict[str, int]:
    """Return how many callers are slowed now, by kind; for the metrics."""
    one = check_unusual.c
    query = (
        sa.select(one.kind, sa.func.count())
        .where(one.slowed_until > now, one.closed_at.is_(None))
        .group_by(one.kind)
    )
    return {str(kind): int(count) for kind, count in connection.execute(query)}
