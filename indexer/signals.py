"""SIGTERM and SIGINT as something that can be waited for."""

import contextlib
import os
import signal
from types import FrameType, TracebackType
from typing import Self

_NUMBERS = (signal.SIGTERM, signal.SIGINT)


class StopSignals:
    """Counts SIGTERM and SIGINT instead of dying of them, for the length of the block.

    Can be given to `multiprocessing.connection.wait`: ready when a signal has come since the last look at `count`.
    """

    def __init__(self) -> None:
        self._count = 0

    def __enter__(self) -> Self:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)
        os.set_blocking(self._reader, False)
        self._before = {number: signal.signal(number, self._came) for number in _NUMBERS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        os.close(self._reader)
        os.close(self._writer)

    @property
    def count(self) -> int:
        """How many signals have come."""
        with contextlib.suppress(BlockingIOError):
            while os.read(self._reader, 64):
                pass
        return self._count

    def fileno(self) -> int:
        """Return what to wait for."""
        return self._reader

    def _came(self, _number: int, _frame: FrameType | None) -> None:
        self._count += 1
        with contextlib.suppress(BlockingIOError):
            os.write(self._writer, b"!")
