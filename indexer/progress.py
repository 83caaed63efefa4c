"""Progress on long work: a bar for a person at a terminal, silence for everyone else."""

import sys
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

_UNITS = {"fetch": "bytes", "load": "rows"}


class Bar:
    """Shows phases with a growing number, and of how many when that is known."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[amount]}"),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            disable=not sys.stderr.isatty(),
            transient=True,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def show(self, phase: str, amount: int, total: int | None = None) -> None:
        """Tell how far a phase has come."""
        if phase not in self._tasks:
            self._tasks[phase] = self._progress.add_task(f"{self._title}: {phase}", total=None, amount="")
        text = f"{amount:,} {_UNITS.get(phase, 'documents')}".replace(",", " ")
        self._progress.update(self._tasks[phase], completed=amount, total=total, amount=text)
