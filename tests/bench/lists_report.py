"""The part of docs/benchmarks.md about staff lists; the other parts stay as they are."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.bench import machine
from tests.bench.blocks import Block
from tests.bench.lists import STAFF, Listed

_BLOCK = Block("lists")
# Rows a second of one worker, and seconds for a whole list; on PostgreSQL, at a million people.
GOALS = {"number": 2000.0, "name": 400.0}
STAFF_GOAL_S = 10.0
_GOALS_AT = 1_000_000
_BUSY = 0.1
_NAMES = {"small": "SQLite and Tantivy", "large": "PostgreSQL and OpenSearch"}
_KINDS = {"number": "by licence number", "name": "by name and birth date"}
_HOW = """Written by `make bench` (`{command}`). The licences are the sandbox's people, as for the large search index. *Rows*: of one
`registry worker`, from the claim of the list to the last commit, with the access event of every row; people drawn at random;
by name with one given name, the family name and the birth date. *A processor second*: of the worker's own process; database
and engine come on top. *From upload to download*: {staff} rows, half by number and half by name and birth date, sent as CSV over
HTTP to the service, checked by a worker that waits for work, asked about every 0.1 s, and the results fetched as CSV.
"""


def command(sizes: Sequence[int]) -> str:
    """Return how this part is made."""
    return " ".join(["python -m tests.bench --only lists", *(f"--lists {size}" for size in sizes)])


def kept(path: Path) -> str:
    """Return this part as it stands in the report, "" if it does not."""
    return _BLOCK.kept(path)


def put(path: Path, measured: Sequence[Listed], sizes: Sequence[int]) -> None:
    """Write this part into the report, in the place of an older one."""
    _BLOCK.put(path, _section(measured, sizes))


def _section(measured: Sequence[Listed], sizes: Sequence[int]) -> str:
    lines = ["## Staff lists", "", _HOW.format(command=command(sizes), staff=f"{STAFF:,}")]
    lines += [f"- {name}: {value}" for name, value in machine.describe().items()]
    busy = [one.busy_before for one in measured if one.busy_before is not None]
    if busy and max(busy) > _BUSY:
        lines.append(
            f"- **busy**: other programs used up to {max(busy):.0%} of the processors just before a part"
        )
    lines += ["", *judged(measured), ""]
    for one in measured:
        lines += [f"### {_NAMES[one.house]}, {one.licences:,} licences", "", *_told(one), ""]
    return "\n".join(lines)


def judged(measured: Sequence[Listed]) -> Iterator[str]:
    """Tell each goal as reached or missed."""
    for one in measured:
        aim = "" if one.asked >= _GOALS_AT else f" (the goal is meant for {_GOALS_AT:,} licences)"
        where = f"{_NAMES[one.house]}, {one.asked:,} licences"
        for each in one.checked:
            rate, goal = each.rows / each.seconds, GOALS[each.kind]
            yield (
                f"- {_word(rate >= goal)}: {where}: {_KINDS[each.kind]} {rate:,.0f} rows/s, at least {goal:,.0f} wanted{aim}"
            )
        yield (
            f"- {_word(one.staff_s <= STAFF_GOAL_S)}: {where}: {STAFF:,} rows from upload to download {one.staff_s:.1f} s, at most "
            f"{STAFF_GOAL_S:g} s wanted{aim}"
        )


def _word(good: bool) -> str:
    return "reached" if good else "**missed**"


def _told(one: Listed) -> Iterator[str]:
    yield "| list | rows | rows/s | rows a processor second | found |"
    yield "|---|---:|---:|---:|---:|"
    for each in one.checked:
        yield (
            f"| {_KINDS[each.kind]} | {each.rows:,} | {each.rows / each.seconds:,.0f} | {each.rows / each.processor_s:,.0f} | "
            f"{each.found / each.rows:.0%} |"
        )
    yield ""
    yield f"- {STAFF:,} rows from upload to download: {one.staff_s:.1f} s"
    yield from (f"- {name}: {value}" for name, value in one.versions.items())
