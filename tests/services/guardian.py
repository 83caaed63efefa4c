"""A small process that outlives a crashed test run and clears up after it.

It is started beside each server (see `workspace.py`) with a pipe as its standard input, and told there, a
line at a time, which process groups to end and which folder to remove. When the pipe closes, because the
starter said goodbye or because it died in whatever way (Ctrl-C, kill -9, a crash), it does so. An exit
handler in the starter would miss the last two. Standard library only: it runs outside the environment.
"""

import contextlib
import os
import shutil
import signal
import sys
import time
from pathlib import Path

FOLDER_PREFIX = "registry-"  # nothing else is ever removed, whatever the pipe says
_PATIENCE_SECONDS = 5.0
_POLL_SECONDS = 0.05


def _ended(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


def end_group(group: int, first_signal: int) -> None:
    """Send `first_signal` to a process group, then SIGKILL if it is still there after five seconds."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, first_signal)
        os.killpg(group, signal.SIGCONT)  # a paused process only acts on a signal once it goes on
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            if _ended(group):
                return
            time.sleep(_POLL_SECONDS)
        os.killpg(group, signal.SIGKILL)


def remove_folder(folder: Path) -> None:
    """Remove a run's folder; files that a dying server still writes are tried again for a moment."""
    if not folder.name.startswith(FOLDER_PREFIX):
        return
    for _ in range(20):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(_POLL_SECONDS)


def main() -> None:
    """Read `watch GROUP SIGNAL`, `forget GROUP` and `folder PATH` until the pipe closes, then clear up."""
    groups: dict[int, int] = {}
    folder: Path | None = None
    for line in sys.stdin:
        word, _, rest = line.rstrip("\n").partition(" ")
        if word == "watch":
            group, _, first_signal = rest.partition(" ")
            groups[int(group)] = int(first_signal)
        elif word == "forget":
            groups.pop(int(rest), None)
        elif word == "folder":
            folder = Path(rest)
    for group, first_signal in groups.items():
        end_group(group, first_signal)
    if folder is not None:
        remove_folder(folder)


if __name__ == "__main__":
    main()
