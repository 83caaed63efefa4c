"""Where a run of the tests writes."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.services.scratch import MEMORY_BYTES, ROOM_BYTES, folder


@pytest.fixture(autouse=True)
def _nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TMPDIR", raising=False)


def with_room(monkeypatch: pytest.MonkeyPatch, room: int, flags: int = 0) -> None:
    told = os.statvfs("/")
    values = [*told[:8], flags, told[9], told.f_fsid]
    values[1], values[4] = 1, room
    monkeypatch.setattr(os, "statvfs", lambda _path: os.statvfs_result(values))


def test_a_run_writes_in_memory_where_there_is_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_room(monkeypatch, ROOM_BYTES)
    assert folder(tmp_path, memory_bytes=MEMORY_BYTES) == tmp_path


@pytest.mark.parametrize(
    ("room", "flags", "memory"),
    [
        (ROOM_BYTES - 1, 0, MEMORY_BYTES),
        (ROOM_BYTES, os.ST_NOEXEC, MEMORY_BYTES),
        (ROOM_BYTES, 0, MEMORY_BYTES - 1),
    ],
    ids=["little room", "no programs", "little memory"],
)
def test_else_it_writes_where_temporary_files_stand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int, flags: int, memory: int
) -> None:
    with_room(monkeypatch, room, flags)
    assert folder(tmp_path, memory_bytes=memory) == Path(tempfile.gettempdir())
    assert folder(tmp_path / "none", memory_bytes=MEMORY_BYTES) == Path(tempfile.gettempdir())


def test_whoever_names_a_folder_gets_it(tmp_path: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "tests.services.scratch"],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == str(tmp_path)
