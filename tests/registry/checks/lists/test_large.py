"""A list of 100,000 rows: read and taken in within bounded memory, whatever its form."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from registry.checks.lists.workbook import workbook
from registry.settings import ROOT
from tests.registry.checks.lists.sheets import csv_text

# What reading and sealing may add to a process that already holds the file.
_MOST_MB = 80
_SCRIPT = """
import re, sys
from pathlib import Path
from registry.access.caller import Caller
from registry.checks.desk import open_desk
from registry.checks.lists import handling
from registry.checks.lists.columns import mapped, recognise
from registry.checks.lists.handling import Sent
from registry.checks.lists.reading import read_table
from tests.support.world import World, make_settings

world = World(make_settings(Path(sys.argv[1])))
desk = open_desk(world.settings)
def peak_kb():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])

def send(data):
    table = read_table(data, world.settings.checks.lists)
    found = recognise(table)
    sent = Sent(purpose="employment", headers=found.headers, columns=mapped(found, {}), recognised=found, rows=table.below(found.row))
    return handling.send(desk, Caller("i", "s", organisation="1"), sent, "r").rows

send(Path(sys.argv[3]).read_bytes())
data = Path(sys.argv[2]).read_bytes()
before = peak_kb()
assert send(data) == 100_000
print(peak_kb() - before)
"""


HEADER = ("Rad", "Leg nr", "Namn", "Född", "Avdelning", "Yrke")


def _rows(count: int) -> Iterator[tuple[str, ...]]:
    return (
        (str(i), f"LK-{i:06}", f"Åsa Öberg {i}", "1980-05-03", "Kirurgen", "läkare") for i in range(count)
    )


def _file(path: Path, form: str, count: int) -> str:
    if form == "xlsx":
        path.write_bytes(b"".join(workbook(HEADER, _rows(count))))
    else:
        path.write_text(csv_text(HEADER, *_rows(count)), "utf-8")
    return str(path)


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_a_hundred_thousand_rows_take_bounded_memory(tmp_path: Path, form: str) -> None:
    large, small = _file(tmp_path / "large", form, 100_000), _file(tmp_path / "small", form, 100)
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, str(tmp_path), large, small],
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    added_mb = int(done.stdout.split()[-1]) / 1024
    assert added_mb < _MOST_MB, added_mb
    print(f"{form}: {added_mb:.0f} MiB")  # noqa: T201 - told with -s, and when it fails
