"""The machine, and what this process sees of it through /proc; on other systems less is known."""

import os
import platform
import sqlite3
import time
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

_PROC = Path("/proc")
# Share of the processors that other programs may use before a part is called busy.
_BUSY = 0.1
_LIBRARIES = ("sqlalchemy", "psycopg", "tantivy", "opensearch-py", "flask", "gunicorn", "cryptography")


def describe() -> dict[str, str]:
    """Return what of this machine decides how fast it is; no names."""
    return {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
        **{name: version(name) for name in _LIBRARIES},
    }


def _processor() -> str:
    try:
        lines = (_PROC / "cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def busy_share(seconds: float = 2.0) -> float | None:
    """Watch the processors for a while; return the share of their time that was used, None if it can't be known."""
    before = _times()
    time.sleep(seconds)
    after = _times()
    if not before or not after:
        return None
    total, idle = (after[i] - before[i] for i in (0, 1))
    return 1 - idle / total if total else None


def _times() -> tuple[int, int] | None:
    """Return the processors' time in ticks: all, and idle (waiting for the disk included)."""
    try:
        first = (_PROC / "stat").read_text("utf-8").partition("\n")[0]
    except OSError:
        return None
    ticks = [int(part) for part in first.split()[1:9]]
    return sum(ticks), ticks[3] + ticks[4]


def memory_mb(pid: int | str = "self", *, peak: bool) -> float:
    """Return a process's memory in MiB, as it is or at its highest; 0.0 where the system does not tell.

    Not from `getrusage`: that one's highest value is inherited from the parent.
    """
    name = "VmHWM" if peak else "VmRSS"
    try:
        lines = (_PROC / str(pid) / "status").read_text("utf-8").splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:")), 0.0)


def children(pid: int) -> list[int]:
    """Return the processes that a process has started."""
    try:
        told = (_PROC / str(pid) / "task" / str(pid) / "children").read_text("utf-8")
    except OSError:
        return []
    return [int(child) for child in told.split()]


def size_mb(path: Path) -> float:
    """Return how large a file, or everything in a folder, is, in MiB."""
    files = [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
    return sum(each.stat().st_size for each in files) / 2**20


def head(busy_before: Iterable[float | None]) -> list[str]:
    """Return the lines that tell what was measured on, and whether something else ran just before a part."""
    lines = [f"- {name}: {value}" for name, value in describe().items()]
    busy = [share for share in busy_before if share is not None]
    if busy and max(busy) > _BUSY:
        lines.append(
            f"- **busy**: other programs used up to {max(busy):.0%} of the processors just before a part"
        )
    return lines
