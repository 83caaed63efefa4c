"""The part of docs/benchmarks.md about loading large registers; the other parts stay as they are."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.bench import machine
from tests.bench.blocks import Block
from tests.bench.figures import text_of
from tests.bench.ingest import Load
from tests.bench.ingest_jobs import Ingested

_BLOCK = Block("loading")
# How many times its floor each pull may cost, and the memory in MB that it may take.
GOALS = (6.0, 6.0, 8.0)
MEMORY_GOAL_MB = 400
_SECONDS = 60
_NAMES = {
    "hosp": "HOSP, person XML",
    "washington": "Washington, Socrata CSV",
    "nppes": "NPPES, CSV of 330 columns",
}
_WHAT = ("first load", "unchanged again", "2 % changed")
_HOW = """Written by `make bench` (`{command}`). Each pull, and each floor, in a process of its own, on files that lie on this
machine. *First load* is everything from the digest over the file to the commit and the refreshed statistics; floor: the very
rows that it left, made beforehand, copied into staging tables and from there inserted into the same tables with the same
indexes and constraints, in one transaction. *Unchanged again* compares every record of the same file and must write nothing,
which the run checks; *2 % changed* is the next day's file. Floor of both: one pass of the parser alone over the file (the best
of three). People are the sandbox's; NPPES counts the licences that its people give.
"""


def command(sizes: Sequence[int]) -> str:
    """Return how this part is made."""
    return " ".join(["python -m tests.bench --only ingest", *(f"--ingest {size}" for size in sizes)])


def kept(path: Path) -> str:
    """Return this part as it stands in the report, "" if it does not."""
    return _BLOCK.kept(path)


def put(path: Path, loads: Sequence[Load], sizes: Sequence[int]) -> None:
    """Write this part into the report, in the place of an older one."""
    _BLOCK.put(path, _section(loads, sizes))


def _section(loads: Sequence[Load], sizes: Sequence[int]) -> str:
    lines = ["## Loading a large register", "", _HOW.format(command=command(sizes))]
    lines += machine.head(load.busy_before for load in loads)
    lines += ["", *_missed(loads), ""]
    for size in sizes:
        found = [load for load in loads if load.asked == size]
        if found:
            lines += [f"### {size:,} licences", "", *_table(found), "", *_shares(found), ""]
    return "\n".join(lines)


def _missed(loads: Sequence[Load]) -> Iterator[str]:
    """Tell which goals were missed, or that none was."""
    missed = [
        f"- **missed**: {_NAMES[load.form]}, {load.database}, {load.asked:,} licences: {what} {ratio:.1f} times its "
        f"floor, at most {goal:.0f} wanted"
        for load in loads
        for what, ratio, goal in zip(_WHAT, load.ratios, GOALS, strict=True)
        if ratio > goal
    ]
    missed += [
        f"- **missed**: {_NAMES[load.form]}, {load.database}, {load.asked:,} licences: {_mb(load.memory_mb):,.0f} MB, at most "
        f"{MEMORY_GOAL_MB} wanted"
        for load in loads
        if _mb(load.memory_mb) > MEMORY_GOAL_MB
    ]
    goals = f"{GOALS[0]:.0f}, {GOALS[1]:.0f} and {GOALS[2]:.0f} times the floor, {MEMORY_GOAL_MB} MB"
    yield from missed or [f"- reached: every goal ({goals})"]


def _table(loads: Sequence[Load]) -> Iterator[str]:
    yield "| register | database | | time | rows/s | floor | times the floor | goal | highest memory |"
    yield "|---|---|---|--:|--:|--:|--:|--:|--:|"
    for load in loads:
        floors = (load.load_floor.seconds, load.read_floor.seconds, load.read_floor.seconds)
        pulls = (load.first, load.again, load.later)
        for what, pull, floor, ratio, goal in zip(_WHAT, pulls, floors, load.ratios, GOALS, strict=True):
            cells = (
                _NAMES[load.form],
                load.database,
                _told(what, pull),
                _time(pull.seconds),
                text_of(pull.rows / pull.seconds),
                _time(floor),
                f"{ratio:.1f}" if ratio <= goal else f"**{ratio:.1f}**",
                f"{goal:.0f}",
                f"{_mb(pull.memory_mb):,.0f} MB",
            )
            yield f"| {' | '.join(cells)} |"


def _told(what: str, pull: Ingested) -> str:
    if what == _WHAT[0]:
        return f"{what}: {pull.records:,} records, {pull.licences:,} licences"
    return f"{what}: {pull.written:,} written" if pull.written else what


def _shares(loads: Sequence[Load]) -> Iterator[str]:
    yield "Where the time goes:"
    yield ""
    for load in loads:
        for what, pull in zip(_WHAT, (load.first, load.again, load.later), strict=True):
            parts = ", ".join(f"{part} {share:.0%}" for part, share in pull.shares.items() if share >= 0.01)
            yield f"- {_NAMES[load.form]}, {load.database}, {what}: {parts}"


def _time(seconds: float) -> str:
    return f"{seconds / 60:.1f} min" if seconds > 10 * _SECONDS else f"{seconds:.1f} s"


def _mb(mebibytes: float) -> float:
    return mebibytes * 1.048576
