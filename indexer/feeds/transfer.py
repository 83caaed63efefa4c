"""Carrying one document over a line that may break: it goes on where it broke off, never from another version."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Timer
from typing import Self

import stamina

from indexer.feeds.errors import FeedChangedError
from indexer.feeds.unpack import Inflow
from registry.settings import Indexer

# Pauses between attempts when the source names none: half a second, growing to a minute, with jitter.
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 60.0
# A leg that brought so much has been worth it: the attempts are counted anew.
_WORTH = 1 << 20
# A document that changes this often while it is read is not read.
_READINGS = 3


class ChangedUnderUsError(Exception):
    """The source now holds another version than the one whose first bytes we have."""


def attempts(settings: Indexer, on: Callable[[Exception], bool | float]) -> Iterator[stamina.Attempt]:
    """Iterate over attempts, each a context manager around one whole request; `on` tells whether to try again."""
    return iter(
        stamina.retry_context(
            on=on,
            attempts=settings.retries + 1,
            timeout=None,
            wait_initial=_FIRST_PAUSE_S,
            wait_max=_LONGEST_PAUSE_S,
        )
    )


def carry(
    leg: Callable[[Inflow], None],
    inflow: Inflow,
    tries: Callable[[], Iterator[stamina.Attempt]],
    passing: tuple[type[Exception], ...],
) -> None:
    """Carry a document in as many legs as it takes.

    Args:
        leg: asks for what comes after `inflow.size` and writes it; returns when the document is whole.
        inflow: where it goes.
        tries: gives the attempts of one leg.
        passing: errors of a line that broke off.

    Raises:
        FeedChangedError: the source changed under us at every reading.
        Exception: whatever the last attempt met.
    """
    furthest = 0

    def whole() -> bool:
        """Try one leg; False = it broke off, but further on than ever before."""
        nonlocal furthest
        for attempt in tries():
            with attempt:
                try:
                    leg(inflow)
                except passing:
                    if inflow.size < furthest + _WORTH:
                        raise
                    furthest = inflow.size
                    return False
        return True

    for _ in range(_READINGS):
        try:
            while not whole():
                pass
        except ChangedUnderUsError:
            continue
        return
    raise FeedChangedError(
        f"The source changed what it gives at each of {_READINGS} readings. Pull again in an hour."
    )


class Deadline:
    """The time that a whole fetching may take, also when bytes keep dripping in.

    Use as a context manager; 0 seconds = no limit.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._ends = time.monotonic() + seconds if seconds else None
        self._timer: Timer | None = None
        self._cut: Callable[[], None] | None = None

    def __enter__(self) -> Self:
        if self._ends is not None:
            self._timer = Timer(max(0.0, self._ends - time.monotonic()), self._expire)
            self._timer.daemon = True
            self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._cut = None
        if self._timer:
            self._timer.cancel()

    @property
    def passed(self) -> bool:
        """Whether the time is over."""
        return self._ends is not None and time.monotonic() >= self._ends

    def allows(self, pause: float) -> bool:
        """Tell whether there is time left after a pause."""
        return self._ends is None or time.monotonic() + pause < self._ends

    def bounded(self, limit: float) -> float:
        """Return a time limit of one step, cut to what is left of the whole."""
        return limit if self._ends is None else min(limit, max(0.0, self._ends - time.monotonic()))

    def line(self, cut: Callable[[], None]) -> None:
        """Name what cuts the line that is in use now, so that a read that waits ends with the time."""
        self._cut = cut
        if self.passed:
            cut()

    def _expire(self) -> None:
        if cut := self._cut:
            cut()


class Pace:
    """At most so many requests a second, and a pause between two."""

    def __init__(self, requests_per_second: float = 0.0, pause_ms: float = 0.0) -> None:
        self._interval = 1 / requests_per_second if requests_per_second else 0.0
        self._pause = pause_ms / 1000
        self._next = 0.0

    @contextmanager
    def request(self) -> Iterator[None]:
        """Wait until a request may start; it ends with the block."""
        self.wait()
        try:
            yield
        finally:
            self._next = max(self._next, time.monotonic() + self._pause)

    def wait(self) -> None:
        """Wait until a request may start."""
        wait = self._next - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        self._next = time.monotonic() + self._interval
