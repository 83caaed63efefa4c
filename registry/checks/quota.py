"""How much an organisation may ask: counted in the database, so that it holds across workers and machines.

    state = take(desk, caller, "checks")                    # before a check
    take(desk, caller, "list-rows", 1200)                   # before a staff list is taken in

Counting is one atomic upsert of one row for each owner and quota, in fixed windows (the minute, the day in UTC). Every check of an
organisation would wait for that row, so a process takes a hundredth of the limit at a time and spends it by itself: never
more than the limit is answered, and what a process had taken and not spent when its window ended is lost. Once a quota is
used up, a process remembers that until the window ends, and the refusals cost the database nothing.
"""

import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Engine

from registry.access.caller import Caller
from registry.checks.errors import QuotaExceededError
from registry.checks.owner import caller_key, owner_of
from registry.checks.tables import check_quota
from registry.checks.unusual import slowed_until
from registry.checks.writing import one_write
from registry.settings import Checks, Quotas

Kind = Literal["checks", "list-rows"]
_MINUTE, _DAY = 60, 86_400
# A process takes this share of a limit at a time, at most so many.
_SHARE, _MOST = 100, 1000
# Leases remembered by a process at most; the oldest are forgotten, which costs what was left of them.
_MAX_LEASES = 10_000


@dataclass(frozen=True, slots=True)
class QuotaState:
    """A quota as it is after something was taken: for the RateLimit headers.

    Attributes:
        name: `checks-per-minute`, `checks-per-day` or `list-rows-per-day`.
        window_s: length of its window.
        remaining: what is left in it, as far as this process knows.
        reset_s: seconds until the next window begins.
        owner, window: whose it is and when its window began, in seconds since 1970.
    """

    name: str
    limit: int
    window_s: int
    remaining: int
    reset_s: int
    owner: str
    window: int


@dataclass(frozen=True, slots=True)
class Quota:
    """What may be taken.

    Attributes:
        name: of the quota.
        owner: whose it is.
        limit: how much in a window.
        window_s: length of a window in seconds.
        share: a process takes the so many-th part of the limit at a time. The larger the part, the fewer writes, and the more is
            lost where processes have taken what others would need.
    """

    name: str
    owner: str
    limit: int
    window_s: int
    share: int = _SHARE


@dataclass(slots=True)
class _Lease:
    """What this process has taken and not spent of one quota in one window; `used`: what all have taken, as last seen."""

    window: int
    left: int = 0
    used: int = 0
    full: bool = False
    # Each waits for its own row of the database only.
    lock: threading.Lock = field(default_factory=threading.Lock)


def limits_of(settings: Checks, organisation: str) -> Quotas:
    """Return what an organisation may ask: the general quotas, and what `[checks.quotas_of]` says of it."""
    own = settings.quotas_of.get(organisation)
    if own is None:
        return settings.quotas
    return Quotas(
        checks_per_minute=_own(own.checks_per_minute, settings.quotas.checks_per_minute),
        checks_per_day=_own(own.checks_per_day, settings.quotas.checks_per_day),
        list_rows_per_day=_own(own.list_rows_per_day, settings.quotas.list_rows_per_day),
    )


def _own(own: int | None, general: int) -> int:
    return general if own is None else own


def take(
    engine: Engine,
    settings: Checks,
    caller: Caller,
    kind: Kind,
    amount: int = 1,
    *,
    clock: Callable[[], float] = time.time,
) -> tuple[QuotaState, ...]:
    """Take `amount` of what the caller's organisation may ask; all of it or nothing.

    Args:
        engine: database of what answering writes.
        settings: section `[checks]`.
        caller: who asks.
        kind: single checks, or rows of staff lists.
        amount: how many; 0 only asks what is left.
        clock: seconds since 1970.

    Returns:
        The quotas taken from, the shortest window first.

    Raises:
        QuotaExceededError: one of them has not as much left.
        SQLAlchemyError: the database can't be asked.
    """
    counter = _counter(engine)
    now = clock()
    return tuple(
        counter.take(quota, amount, now) for quota in _quotas(engine, settings, caller, kind, now=now)
    )


def take_named(
    engine: Engine,
    name: str,
    owner: str,
    *,
    limit: int,
    window_s: int,
    clock: Callable[[], float] = time.time,
) -> QuotaState:
    """Take 1 of a quota that has a name and an owner of its own, as `take`.

    Raises:
        QuotaExceededError: it is used up.
    """
    return _counter(engine).take(Quota(name, owner, limit, window_s), 1, clock())


def give_back(engine: Engine, taken: Sequence[QuotaState]) -> None:
    """Give back 1 to each quota that `take` returned, for a question that got no answer."""
    for state in taken:
        _counter(engine).give_back(state, 1)


def _quotas(engine: Engine, settings: Checks, caller: Caller, kind: Kind, *, now: float) -> list[Quota]:
    owner, limits = owner_of(caller), limits_of(settings, caller.organisation)
    if kind == "list-rows":
        quotas = [Quota("list-rows-per-day", owner, limits.list_rows_per_day, _DAY)]
    else:
        quotas = [
            Quota("checks-per-minute", owner, limits.checks_per_minute, _MINUTE),
            Quota("checks-per-day", owner, limits.checks_per_day, _DAY),
        ]
    if slowed_until(engine, settings.unusual, caller, now) <= now:
        return quotas
    # Only whoever was noticed is slowed, not the colleagues.
    own, share = caller_key(caller), settings.unusual.slow_share
    slowed = [replace(each, owner=own, limit=max(1, int(each.limit * share))) for each in quotas]
    return [*slowed, *quotas]


class Counter:
    """Counts for one process and database. Safe to use from many threads, not from a forked process: make another there."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._leases: dict[tuple[str, str], _Lease] = {}

    def take(self, quota: Quota, amount: int, now: float) -> QuotaState:
        """Take some of a quota, all of it or nothing; 0 only asks what is left.

        Raises:
            QuotaExceededError: there is not as much left.
            SQLAlchemyError: the database can't be asked.
        """
        window = int(now) // quota.window_s * quota.window_s
        reset = window + quota.window_s - int(now)
        with self._lock:
            lease = self._lease(quota, window)
        with lease.lock:
            if not (amount or lease.used):
                lease.used = _used(self._engine, quota, window)  # only asked how much is left
            if lease.left < amount and not self._fetch(quota, lease, amount):
                remaining = max(0, quota.limit - lease.used + lease.left)
                raise QuotaExceededError(
                    quota.name, retry_after_s=reset, limit=quota.limit, remaining=min(remaining, amount - 1)
                )
            lease.left -= amount
            remaining = max(0, quota.limit - lease.used + lease.left)
        return QuotaState(quota.name, quota.limit, quota.window_s, remaining, reset, quota.owner, window)

    def give_back(self, state: QuotaState, amount: int) -> None:
        """Put back into the process's own lease what was taken for nothing; a window that has ended needs nothing back."""
        with self._lock:
            lease = self._leases.get((state.owner, state.name))
        if lease is not None and lease.window == state.window:
            with lease.lock:
                lease.left += amount

    def is_used_up(self, quota: Quota, now: float) -> bool:
        """Tell whether this process has seen that nothing of a quota is left; asks nobody."""
        with self._lock:
            lease = self._leases.get((quota.owner, quota.name))
        window = int(now) // quota.window_s * quota.window_s
        return lease is not None and lease.window == window and lease.full and not lease.left

    def _lease(self, quota: Quota, window: int) -> _Lease:
        key = (quota.owner, quota.name)
        lease = self._leases.get(key)
        if lease is None or lease.window != window:
            self._leases.pop(key, None)
            if len(self._leases) >= _MAX_LEASES:
                del self._leases[next(iter(self._leases))]
            lease = self._leases[key] = _Lease(window)
        return lease

    def _fetch(self, quota: Quota, lease: _Lease, amount: int) -> bool:
        """Get more from the database: a piece of the limit, or if that is too much what is needed."""
        if lease.full and lease.left < amount:
            return False
        missing = amount - lease.left
        piece = max(missing, min(quota.limit // quota.share, _MOST))
        for wanted in (piece, missing) if piece > missing else (missing,):
            if (used := _add(self._engine, quota, lease.window, wanted)) is not None:
                lease.used, lease.left = used, lease.left + wanted
                return True
        lease.used = _used(self._engine, quota, lease.window)
        # One more would be refused to anybody now; a larger amount says nothing about a smaller one.
        lease.full = lease.used >= quota.limit
        return False


_counters: "WeakKeyDictionary[Engine, Counter]" = WeakKeyDictionary()
_counters_lock = threading.Lock()


def _counter(engine: Engine) -> Counter:
    counter = _counters.get(engine)
    if counter is None:
        with _counters_lock:
            counter = _counters.setdefault(engine, Counter(engine))
    return counter


def _after_fork() -> None:
    """Begin anew: a forked process has taken nothing itself, and the lock may be held by a thread that it does not have."""
    global _counters_lock  # noqa: PLW0603 - see above
    _counters_lock = threading.Lock()
    _counters.clear()


os.register_at_fork(after_in_child=_after_fork)


def _adding(insert: Any) -> Any:  # noqa: ANN401 - the insert of either database, which have no type in common
    """Return the statement that adds to a quota unless that would pass the limit; then it returns no row.

    A clock that is a little behind counts into the newer window that another machine has begun. A window that begins more than its
    own length after ours was begun by a clock that is wrong: it does not count, or nobody could ask until it had come.
    """
    row = check_quota.c
    made = insert(check_quota).values(
        owner=sa.bindparam("owner"),
        kind=sa.bindparam("kind"),
        window_start=sa.bindparam("window"),
        used=sa.bindparam("amount"),
    )
    newer = sa.or_(
        made.excluded.window_start > row.window_start,
        row.window_start > made.excluded.window_start + sa.bindparam("window_s", type_=sa.BigInteger),
    )
    after = sa.case((newer, made.excluded.used), else_=row.used + made.excluded.used)
    window = sa.case((newer, made.excluded.window_start), else_=row.window_start)
    return made.on_conflict_do_update(
        index_elements=[row.owner, row.kind],
        set_={"used": after, "window_start": window},
        where=after <= sa.bindparam("limit", type_=sa.BigInteger),
    ).returning(row.used)


_ADD = {"postgresql": _adding(postgresql.insert), "sqlite": _adding(sqlite.insert)}
_USED = sa.select(check_quota.c.used).where(
    check_quota.c.owner == sa.bindparam("owner"),
    check_quota.c.kind == sa.bindparam("kind"),
    check_quota.c.window_start.between(sa.bindparam("window"), sa.bindparam("newest")),
)


def _add(engine: Engine, quota: Quota, window: int, amount: int) -> int | None:
    if amount > quota.limit:
        return None
    values = {
        "owner": quota.owner,
        "kind": quota.name,
        "window": window,
        "amount": amount,
        "limit": quota.limit,
        "window_s": quota.window_s,
    }
    with one_write(engine) as connection:
        used: int | None = connection.scalar(_ADD[engine.dialect.name], values)
        return used


def _used(engine: Engine, quota: Quota, window: int) -> int:
    with engine.connect() as connection:
        values = {
            "owner": quota.owner,
            "kind": quota.name,
            "window": window,
            "newest": window + quota.window_s,
        }
        return int(connection.scalar(_USED, values) or 0)
