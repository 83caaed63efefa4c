"""Where a run of the tests writes: `python -m tests.services.scratch` prints the folder, for TMPDIR.

Thousands of tests make databases of hundreds of files each. In memory that takes a tenth of the time it takes on a disk, so a run
writes there if it has room; else where temporary files stand anyway.
"""

import os
import tempfile
from pathlib import Path

IN_MEMORY = Path("/dev/shm")
# A run leaves 2 GB behind until its end, a soak more; its services take 2 GB of memory a process.
ROOM_BYTES = 8 << 30
MEMORY_BYTES = 16 << 30


def folder(in_memory: Path = IN_MEMORY, *, memory_bytes: int | None = None) -> Path:
    """Return the folder for temporary files.

    Args:
        in_memory: a folder of a file system in memory, used if it has room and programs may be run in it (OpenSearch unpacks some).
        memory_bytes: memory that is free; read from the machine unless given.
    """
    free = _free_memory() if memory_bytes is None else memory_bytes
    if "TMPDIR" not in os.environ and free >= MEMORY_BYTES and in_memory.is_dir():
        told = os.statvfs(in_memory)
        if told.f_bavail * told.f_frsize >= ROOM_BYTES and not told.f_flag & os.ST_NOEXEC:
            return in_memory
    return Path(tempfile.gettempdir())


def _free_memory() -> int:
    try:
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable:")), 0)


if __name__ == "__main__":
    print(folder())  # noqa: T201 -- the answer of the command
