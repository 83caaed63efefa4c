"""Who was refused what, kept as counts by UTC day: attempts that the access log does not have, because they showed nobody.

    refusals.add("insufficient-scope", caller)      # costs no write
    refusals.write()                                # some seconds later, by itself

A process counts in memory and writes at most every `checks.oversight.refusals_every_s` seconds, in one transaction, so that a flood
of refusals costs the database nothing. A process that is killed loses what it had not written. What is counted apart is bounded for each day:
whoever comes beyond that is counted by kind alone, under `OTHERS`.
"""

import atexit
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
import structlog
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError

from registry.access.caller import Caller
from registry.access.forking import begin_anew_in_children
from registry.access.log import TURN
from registry.access.tables import access_refusal
from registry.database import writing
from registry.identifiers import mask_personal_numbers
from registry.settings import Oversight

log = structlog.get_logger()
# Stands for organisation, issuer and client of whoever is not counted apart. No identity provider tells such an organisation.
OTHERS = "*"
_LONGEST = 200
_ROW = access_refusal.c
# Two processes that fill a day's last rows at the same moment would pass its bound: "REFU".
_ONE_AT_A_TIME = sa.text("SELECT pg_advisory_xact_lock(1380271701)")


class _Key(NamedTuple):
    day: date
    kind: str
    organisation: str
    issuer: str
    client_id: str


@dataclass(frozen=True, slots=True)
class Refused:
    """How often somebody was refused something on a day (UTC).

    Attributes:
        kind: slug of the problem that they were answered with.
        organisation, issuer, client_id: as the credential told; "" where it told none, `OTHERS` for all who are not counted apart.
    """

    day: date
    kind: str
    organisation: str
    issuer: str
    client_id: str
    count: int


class Refusals:
    """Counts for one process. Safe to use from many threads.

    Args:
        engine: the access database.
        settings: section `[checks.oversight]`.
        clock: this moment, UTC.
    """

    def __init__(
        self, engine: Engine, settings: Oversight, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._engine = engine
        self._settings = settings
        self._clock = clock
        self.after_fork()
        begin_anew_in_children(self)
        _in_use.add(self)

    def after_fork(self) -> None:
        """Begin anew: what the parent had counted, the parent writes."""
        self._lock = threading.Lock()
        self._counts: dict[_Key, int] = {}
        self._timer: threading.Timer | None = None

    def add(self, kind: str, caller: Caller | None = None, *, issuer: str = "") -> None:
        """Count a refusal; it is written a little later.

        Args:
            kind: slug of the problem.
            caller: who was refused, where that is known.
            issuer: where it is not, the configured issuer that the credential was held against.
        """
        key = _Key(
            self._clock().date(),
            kind,
            _kept(caller.organisation) if caller else "",
            _kept(caller.issuer if caller else issuer),
            _kept(caller.client_id) if caller else "",
        )
        with self._lock:
            self._put(key, 1)
            if self._timer is None:
                self._timer = threading.Timer(self._settings.refusals_every_s, self.write)
                # A process that ends writes by itself and does not wait for this.
                self._timer.daemon = True
                self._timer.start()

    def write(self) -> None:
        """Write what was counted. Where that fails, it is kept and tried again after the next refusal."""
        with self._lock:
            counts, self._counts = self._counts, {}
            if self._timer is not None:
                self._timer.cancel()
            self._timer = None
        if not counts:
            return
        try:
            with _alone(self._engine) as connection:
                _add_up(connection, counts, self._settings.refusal_rows_per_day)
        except SQLAlchemyError as error:
            # The error's text holds the statement and its values.
            log.error("refusals_not_written", reason=type(error).__name__)  # noqa: TRY400 - see above
            with self._lock:
                for key, count in counts.items():
                    self._put(key, count)

    def _put(self, key: _Key, count: int) -> None:
        if key not in self._counts and len(self._counts) >= self._settings.refusal_rows_per_day:
            key = _other(key)
        self._counts[key] = self._counts.get(key, 0) + count


_in_use: "weakref.WeakSet[Refusals]" = weakref.WeakSet()


@atexit.register
def _write_all() -> None:
    """Write what is left as the process ends."""
    for each in list(_in_use):
        each.write()


def refused_between(connection: sa.Connection, begin: date, end: date) -> list[Refused]:
    """Return what was counted from `begin` to `end`, both included."""
    columns = [_ROW[name] for name in Refused.__dataclass_fields__]
    query = sa.select(*columns).where(_ROW.day.between(begin, end)).order_by(*columns[:-1])
    return [Refused(*row) for row in connection.execute(query)]


def _kept(text: str) -> str:
    """Return a name as it is kept: a client's is whatever a provider calls it."""
    return mask_personal_numbers(text)[:_LONGEST]


def _other(key: _Key) -> _Key:
    return _Key(key.day, key.kind, OTHERS, OTHERS, OTHERS)


@contextmanager
def _alone(engine: Engine) -> Iterator[sa.Connection]:
    if engine.dialect.name == "sqlite":
        with TURN, writing(engine).begin() as connection:
            yield connection
    else:
        with engine.begin() as connection:
            connection.execute(_ONE_AT_A_TIME)
            yield connection


def _add_up(connection: sa.Connection, counts: dict[_Key, int], most: int) -> None:
    """Add to the rows that stand; new ones only as far as the day has room."""
    days = sorted({key.day for key in counts})
    standing = sa.select(*(_ROW[name] for name in _Key._fields)).where(
        _ROW.day.in_(days), _ROW.organisation != OTHERS
    )
    known = {_Key(*row) for row in connection.execute(standing)}
    room = {day: most - sum(key.day == day for key in known) for day in days}
    added: dict[_Key, int] = {}
    for key, count in counts.items():
        where = key
        if key.organisation != OTHERS and key not in known:
            where = key if room[key.day] > 0 else _other(key)
            room[key.day] -= 1
        added[where] = added.get(where, 0) + count
    insert: Any = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    made = insert(access_refusal).values([{**key._asdict(), "count": count} for key, count in added.items()])
    connection.execute(
        made.on_conflict_do_update(
            index_elements=[_ROW[name] for name in _Key._fields],
            set_={"count": _ROW["count"] + made.excluded["count"]},
        )
    )
