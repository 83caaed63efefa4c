"""`registry worker`: takes staff lists from the queue and answers them. Any number may run, on any machine."""

import contextlib
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from threading import Event

import structlog
from sqlalchemy.exc import SQLAlchemyError

from registry.access.days import count_days
from registry.checks.desk import Desk
from registry.checks.lists import queue
from registry.checks.lists.down import is_down
from registry.checks.lists.forgetting import Sweep
from registry.checks.lists.queue import Claimed, LostListError
from registry.checks.lists.work import Run

log = structlog.get_logger()
# Pauses after a database or a list that made trouble, in seconds: doubled each time.
_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 30.0
# Seconds between two looks of a worker at what has expired, and at who has become protected.
_TIDY_EVERY_S = 600.0
# Days of the access log that are counted between two lists: a day of a national register takes a second.
_DAYS_AT_ONCE = 10
_GIVEN_UP = (
    "The registry's workers could not get on with this list. What is done is kept. Send the rest again; if that fails too, tell "
    "the operator the id of the list."
)


@dataclass
class Worker:
    """Works until `stop` is set; safe to kill at any moment.

    Attributes:
        stop: set it to end: the part under way is finished and the list is given back.
        rows: answered so far.
    """

    desk: Desk
    stop: Event = field(default_factory=Event)
    rows: int = 0

    def __post_init__(self) -> None:
        self._limits = self.desk.settings.checks.lists
        self._holder = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(8)}"
        self._pause_s = _PAUSE_S
        self._tidy_at = 0.0
        self._sweep = Sweep(self.desk)

    def run(self, *, once: bool = False) -> int:
        """Work at lists; return how many rows were answered.

        Args:
            once: end when there is no list to work at, instead of waiting for one.
        """
        while not self.stop.is_set():
            if not once:
                self._tidy()
            try:
                mine = queue.claim(self.desk.access, self._holder, self._limits.lease_timeout_s)
            except SQLAlchemyError as error:
                self._trouble("the queue of staff lists does not answer", error)
                continue
            if mine is not None:
                self._work(mine)
            elif once:
                break
            else:
                self.stop.wait(self._limits.poll_s)
        return self.rows

    def _tidy(self) -> None:
        """Delete what has expired, and forget who has become protected, now and then between two lists."""
        if time.monotonic() < self._tidy_at:
            return
        self._tidy_at = time.monotonic() + _TIDY_EVERY_S
        try:
            if gone := queue.purge(self.desk.access, self.desk.now()):
                log.info("expired staff lists deleted", lists=gone)
        except SQLAlchemyError as error:
            log.warning("expired staff lists could not be deleted", error=type(error).__name__)
        try:
            if days := count_days(self.desk.access, self.desk.now(), self.stop, most=_DAYS_AT_ONCE):
                log.info("days of the access log counted", days=days)
        except SQLAlchemyError as error:
            # A privacy officer reads the events themselves until then.
            log.warning("days of the access log could not be counted", error=type(error).__name__)
        try:
            if rows := self._sweep.run(self.stop):
                log.info("staff lists have forgotten who is protected now", rows=rows)
        except (SQLAlchemyError, ValueError) as error:
            # Nobody is shown who is protected, whatever a list still holds; it is tried again.
            log.warning("staff lists could not forget who is protected", error=type(error).__name__)

    def _work(self, mine: Claimed) -> None:
        if mine.takeovers > self._limits.max_takeovers:
            log.error("a staff list is given up", list=mine.id, takeovers=mine.takeovers)
            self._give_up(mine)
            return
        try:
            with self._beating(mine):
                self._parts(mine)
            self._pause_s = _PAUSE_S
        except LostListError:
            log.info("a staff list was cancelled or taken over", list=mine.id)
        except SQLAlchemyError as error:
            # A database that is down is nobody's fault but its own; anything else may be this list's.
            self._return(mine, blameless=is_down(error))
            self._trouble("a staff list waits for a database", error, mine)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one list, the others are worked at
            self._return(mine)
            self._trouble("a staff list could not be worked at", error, mine)

    def _give_up(self, mine: Claimed) -> None:
        try:
            queue.fail(self.desk.access, self.desk.sealer, mine, _GIVEN_UP, self._limits.keep_days)
        except LostListError:
            log.info("a staff list was cancelled or taken over", list=mine.id)
        except SQLAlchemyError as error:
            # It is given up again when the lease has ended.
            self._return(mine, blameless=True)
            self._trouble("a staff list could not be given up", error, mine)

    def _parts(self, mine: Claimed) -> None:
        run, ends_at = Run(self.desk, mine, self.stop), time.monotonic() + self._limits.turn_s
        began, rows = time.monotonic(), 0
        while not self.stop.is_set():
            part = queue.next_part(self.desk.access, mine)
            if part is None:
                complete = queue.finish(self.desk.access, mine, self._limits.keep_days)
                (log.info if complete else log.error)(
                    "a staff list is done" if complete else "rows of a staff list have no result",
                    list=mine.id,
                    rows=rows,
                    seconds=round(time.monotonic() - began, 1),
                )
                return
            answered = run.part(part)
            rows += answered
            self.rows += answered
            if time.monotonic() > ends_at and queue.others_wait(self.desk.access, mine):
                break
        queue.give_back(self.desk.access, mine, blameless=True)

    @contextlib.contextmanager
    def _beating(self, mine: Claimed) -> Iterator[None]:
        """Say now and then that we are alive, so that nobody takes the list over while a part takes long."""
        ended = Event()

        def beat() -> None:
            while not ended.wait(self._limits.lease_heartbeat_s):
                try:
                    if not queue.beat(self.desk.access, mine, self._limits.lease_timeout_s):
                        return
                except SQLAlchemyError as error:
                    log.warning("no heartbeat could be written", list=mine.id, error=type(error).__name__)

        thread = threading.Thread(target=beat, name=f"heartbeat {mine.id}", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _return(self, mine: Claimed, *, blameless: bool = False) -> None:
        # What can't be given back is free again when its lease ends.
        with contextlib.suppress(SQLAlchemyError):
            queue.give_back(self.desk.access, mine, blameless=blameless)

    def _trouble(self, what: str, error: Exception, mine: Claimed | None = None) -> None:
        # Only the kind: an error's own words may hold values.
        log.error(what, list=mine.id if mine else None, error=type(error).__name__)
        self.stop.wait(self._pause_s)
        self._pause_s = min(self._pause_s * 2, _LONGEST_PAUSE_S)
