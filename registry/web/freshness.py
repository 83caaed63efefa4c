"""How the index stands, for probes and scrapes, which must not wait while a million rows are counted."""

import threading
import time
from collections.abc import Callable

import structlog
from sqlalchemy.exc import SQLAlchemyError

from registry.database import open_database
from registry.errors import RegistryError
from registry.search.freshness import Counted, count_both
from registry.search.port import Health
from registry.settings import Settings

log = structlog.get_logger()
# A difference, or another index than was counted, is looked at again so soon, in seconds; but not sooner than after so many
# times as long as the count took, so that a large register is not counted all the time.
_LOOKED_AT_AGAIN_S = 30.0
_REST = 20
# How long the end of the app waits for a count that is under way.
_CLOSE_S = 5.0
Pause = Callable[[float], object]


class Counting:
    """The last count of the documents on both sides, made anew in the background when it has grown old.

    One for each process, safe for threads. Nobody waits for a count but who asks to.

    Args:
        count: makes one, with a way to pause that the end of the app interrupts.
        max_age_s: how old it may grow (`index.count_max_age_s`).
        clock: seconds that pass.
    """

    def __init__(
        self, count: Callable[[Pause], Counted], max_age_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._count, self._max_age_s, self._clock = count, max_age_s, clock
        self._begin()

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._last: Counted | None = None
        self._ended_at: float | None = None
        self._took_s = 0.0

    def latest(self, index: str | None = None, *, wait_s: float = 0) -> Counted | None:
        """Return the last count; None: there is none yet.

        Args:
            index: the one in use now; a count of another one is not returned.
            wait_s: how long to wait for the first count of this process.
        """
        with self._lock:
            thread = self._thread
            if thread is None and self._is_due(index) and not self._closing.is_set():
                thread = self._thread = threading.Thread(target=self._run, name="count", daemon=True)
                thread.start()
            last = self._last
        if last is None and thread is not None and wait_s:
            thread.join(wait_s)
            last = self._last
        return last if last and (index is None or last.index == index) else None

    def _is_due(self, index: str | None) -> bool:
        if self._ended_at is None:
            return True
        in_doubt = self._last and (self._last.differs or index not in {None, self._last.index})
        soon = max(_LOOKED_AT_AGAIN_S, _REST * self._took_s)
        return self._clock() - self._ended_at >= (min(soon, self._max_age_s) if in_doubt else self._max_age_s)

    def _run(self) -> None:
        counted, began = None, self._clock()
        try:
            counted = self._count(self._closing.wait)
        except (SQLAlchemyError, RegistryError) as error:
            log.warning("documents could not be counted", error=type(error).__name__)
        finally:
            with self._lock:
                self._last = counted or self._last
                self._ended_at = self._clock()
                self._took_s = self._ended_at - began
                self._thread = None

    def close(self) -> None:
        """Begin no more, and let one that is under way end."""
        self._closing.set()
        if (thread := self._thread) is not None:
            thread.join(_CLOSE_S)

    def after_fork(self) -> None:
        """Forget the parent's count: its thread does not exist in this process."""
        self._begin()


def counting_of(settings: Settings, health: Callable[[], Health]) -> Counting:
    """Return what counts for a service. A connection of its own, so that it takes none from the requests."""

    def count(pause: Pause) -> Counted:
        engine = open_database(settings.database.url, settings.database, service=True)
        try:
            return count_both(engine, health, settings.index, pause=pause)
        finally:
            engine.dispose()

    return Counting(count, settings.index.count_max_age_s)
