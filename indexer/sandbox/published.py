"""The day that the sandbox authorities stand at, and the files of that day."""

import shutil
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from threading import Lock

from indexer.sandbox.plan import Plan
from indexer.sandbox.registers import Registers, publish, read


@dataclass(frozen=True)
class Edition:
    """One day's registers."""

    plan: Plan
    folder: Path
    registers: Registers


class Published:
    """Holds the current edition; moving to another day makes that day's files first.

    Args:
        plan: what to begin with.
        parent: folder for the editions; one that is there already is used as it is.
    """

    def __init__(self, plan: Plan, parent: Path) -> None:
        self._parent = parent
        self._lock = Lock()
        self.now = self._edition(plan, None)

    def move_to(self, day: int) -> Edition:
        """Make `day` the current one and return its edition. Of the days before, one is kept: pulls may run on it.

        Raises:
            SandboxError: there is no such day (see `Plan`).
        """
        with self._lock:
            before = self.now
            self.now = self._edition(replace(before.plan, day=day), before.registers.published_at)
            for folder in self._parent.glob("size-*"):
                if folder not in {before.folder, self.now.folder}:
                    shutil.rmtree(folder, ignore_errors=True)
            return self.now

    def next_day(self) -> Edition:
        """Move to the day after the current one."""
        return self.move_to(self.now.plan.day + 1)

    def _edition(self, plan: Plan, after: datetime | None) -> Edition:
        folder = publish(plan, self._parent, after)
        return Edition(plan, folder, read(folder))
