"""How much memory a job takes while it runs: its own process and those it starts, together."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.bench.machine import children, memory_mb

_EVERY_S = 0.25
# The part of a job's time after which it has taken what it needs, if its memory is flat.
_EARLY = 0.25


@dataclass
class MemoryWatch:
    """Resident sizes in MiB, from a first look to a last one."""

    looks: list[float] = field(default_factory=list)

    @property
    def before_mb(self) -> float:
        """The size before the work began."""
        return self.looks[0]

    @property
    def early_mb(self) -> float:
        """The highest size in the first quarter of the time."""
        return max(self.looks[: max(1, int(len(self.looks) * _EARLY))])

    @property
    def peak_mb(self) -> float:
        """The highest size."""
        return max(self.looks)

    def look(self) -> None:
        """Take note of the size now."""
        family = [os.getpid()]
        for pid in family:
            family += children(pid)
        self.looks.append(sum(memory_mb(pid, peak=False) for pid in family))


@contextmanager
def memory_watched() -> Iterator[MemoryWatch]:
    """Watch this process and its children for the length of the block."""
    watch, ended = MemoryWatch(), threading.Event()
    watch.look()

    def keep_looking() -> None:
        while not ended.wait(_EVERY_S):
            watch.look()

    thread = threading.Thread(target=keep_looking, daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        ended.set()
        thread.join()
        watch.look()
