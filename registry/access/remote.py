"""A value that another server owns and may change: kept for a while, fetched again when it is old or lacks something.

Rules, each against a failure met in the wild:

- A value is fresh for `ttl_s`; a key withdrawn by its provider is refused after that plus the time of one fetch.
- A fresh value that lacks what a request wants is fetched again, but when that does not help, not sooner than
  after `cooldown_s`: a flood of unknown key ids costs one fetch a cooldown.
- A failed fetch is not repeated before `cooldown_s`, and never wipes the last value, which serves until it is
  `max_stale_s` old.
- One thread fetches. The others go on with what is known and wait only if that does not serve them.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from registry.access.forking import begin_anew_in_children
from registry.errors import IdentityProviderUnavailableError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Held(Generic[T]):
    value: T
    fetched_at: float


class Remote(Generic[T]):
    """One such value.

    Args:
        fetch: gets the value; raises IdentityProviderUnavailableError when it can't.
        ttl_s, cooldown_s, max_stale_s: seconds, see the module.
        wait_s: how long a thread waits for another thread's fetch, in seconds.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        fetch: Callable[[], T],
        *,
        ttl_s: float,
        cooldown_s: float,
        max_stale_s: float,
        wait_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._ttl_s = ttl_s
        self._cooldown_s = cooldown_s
        self._max_stale_s = max(max_stale_s, ttl_s)
        self._wait_s = wait_s
        self._clock = clock
        self._lock = threading.Lock()  # guards the fields below, never held while fetching
        self._held: _Held[T] | None = None
        self._flight: threading.Event | None = None
        self._failed_at: float | None = None
        self._missed_at: float | None = None
        begin_anew_in_children(self)

    def after_fork(self) -> None:
        """Take over what is known; a fetch that a thread of the parent had begun ends in the parent only."""
        self._lock = threading.Lock()
        self._flight = None

    def get(self, wanted: Callable[[T], bool] = lambda _: True) -> T:
        """Return the value; it may lack what is wanted when a recent fetch did not bring it.

        Raises:
            IdentityProviderUnavailableError: no value is known that may be used, or the known one lacks what is
                wanted and the provider can't be asked.
        """
        # Twice, because a fetch that another thread began earlier may lack what was published since.
        for _ in range(2):
            held = self._held
            if held is not None and self._age(held) < self._ttl_s and wanted(held.value):
                return held.value
            self._refresh(held, wanted)
        held = self._held
        if held is None or self._age(held) >= self._max_stale_s:
            raise IdentityProviderUnavailableError
        if self._failed_at is not None and not wanted(held.value):
            raise IdentityProviderUnavailableError
        return held.value

    def _age(self, held: _Held[T]) -> float:
        return self._clock() - held.fetched_at

    def _refresh(self, seen: _Held[T] | None, wanted: Callable[[T], bool]) -> None:
        with self._lock:
            if self._held is not seen:
                return  # another thread has fetched since we looked
            flight = self._flight
            if flight is None and not self._may_fetch(seen):
                return
            ours = threading.Event()
            self._flight = flight or ours
        if flight is None:
            self._fly(ours, wanted)
        elif seen is None or self._age(seen) >= self._max_stale_s or not wanted(seen.value):
            flight.wait(self._wait_s)

    def _may_fetch(self, seen: _Held[T] | None) -> bool:
        now = self._clock()
        if self._failed_at is not None and now - self._failed_at < self._cooldown_s:
            return False
        if seen is None or self._age(seen) >= self._ttl_s:
            return True
        return self._missed_at is None or now - self._missed_at >= self._cooldown_s

    def _fly(self, flight: threading.Event, wanted: Callable[[T], bool]) -> None:
        started = self._clock()
        # Assume failure until the value is there: whatever goes wrong, the cooldown holds.
        failed_at: float | None = started
        try:
            value = self._fetch()
            self._held = _Held(value, started)
            failed_at = None
            if not wanted(value):
                self._missed_at = started
        except IdentityProviderUnavailableError:
            failed_at = self._clock()
        finally:
            with self._lock:
                self._failed_at = failed_at
                self._flight = None
            flight.set()
