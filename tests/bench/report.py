"""docs/benchmarks.md: the machine, the command, the figures, where the time goes and what they mean."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path

from tests.bench import (
    index_scale_report,
    ingest_report,
    ledger_report,
    lists_report,
    machine,
    search_scale_report,
)
from tests.bench.figures import Figure, Measured, Share, text_of
from tests.bench.reading import reading

_HEAD = """# Speed

Written by `make bench`; do not edit. Every figure stands beside a floor: the least that the same work can cost on the
same machine and data, measured in the same run. *Times the floor* is how many times that cost it is (1 = no dearer).

    {command}

{machine}

Load generator, service, database and search engine share these cores, so each takes from the others. Processors'
time that other programs used just before each part: {busy}.{warning}
"""
_BUSY = 0.1
_WARNING = (
    " **That is a busy machine: repeat the run on a quiet one before reading anything into the times.**"
)
_HOW = """## How it is measured

- **Data**: the sandbox's synthetic people, made beforehand: half in a HOSP XML file, two fifths in Washington's Socrata
  pages, one tenth in a FHIR bulk export, served over HTTP on the same machine. A few rows are broken on purpose.
- **Small house**: SQLite and Tantivy. **Large house**: PostgreSQL and OpenSearch, both fresh, one node each.
- **Pull**: fetch, parse, compare, normalize, write with history and outbox, one transaction a feed. *Same bytes again,
  every record compared* is the second pull after its ETags and digests were forgotten; it must write nothing, which the
  run checks. Floor: the same records, parsed beforehand, with key, digest and payload, into one table with a primary key.
- **Publish** (outbox to the index in use) and **rebuild** (a new index, checked and swapped): documents about people a
  second, from SQL to searchable. Floor: the same documents made and encoded beforehand, written straight to an index of the
  same mapping, in use for the one and under construction for the other. OpenSearch is warmed up first.
- **Search** and **verify**: over HTTP under gunicorn as `registry serve` starts it, with access tokens of the development
  identity provider, an access event committed for every answer. Searches are for two-part names of people in the registry:
  half exact, a quarter with one wrong letter, a quarter with only the beginning of the surname; with totals and facets. One
  client process keeps its connections open and asks again as soon as it is answered. Floor of a search's time: the same
  query straight to the engine. Floor of a verification's time, and of all requests a second: `/livez`, which does nothing.
- **Memory**: the highest resident size of the process. Floor: the same process before it did anything.
- **Where the time goes**: a timer looks a hundred times a second at which part of the code runs; it waits there for database
  and engine too.
"""


def write(path: Path, measured: Sequence[Measured], sizes: Sequence[int], houses: Sequence[str]) -> None:
    """Write the report of what has been measured so far."""
    arguments = [f"--house {house}" for house in houses]
    command = " ".join(["python -m tests.bench", *map(str, sizes), *arguments])
    busy = ", ".join(
        f"{one.house} {one.people:,}: "
        + ("not known" if one.busy_before is None else f"{one.busy_before:.0%}")
        for one in measured
    )
    warning = _WARNING if any(one.busy_before and one.busy_before > _BUSY for one in measured) else ""
    told = "\n".join(f"- {name}: {value}" for name, value in machine.describe().items())
    parts = [
        _HEAD.format(command=command, machine=told, busy=busy, warning=warning),
        "## What it says\n",
        reading(measured),
    ]
    parts += [_section(one) for one in measured]
    # What other runs have found out about loading large registers, a large index and its search stays.
    others = (ingest_report, index_scale_report, search_scale_report, lists_report, ledger_report)
    parts += [kept for part in others if (kept := part.kept(path))]
    path.write_text("\n".join([*parts, _HOW]), "utf-8")


def _section(one: Measured) -> str:
    parts = [f"## {one.house.capitalize()} house, {one.people:,} people\n"]
    parts.append(", ".join(one.versions.values()) + ".\n")
    parts.append("| what | | measured | floor | times the floor | floor is | |")
    parts.append("|---|---|--:|--:|--:|---|---|")
    parts += map(_row, one.figures)
    parts.append("")
    parts += [f"- {name}: {value}" for name, value in one.facts.items()]
    parts += ["", _shares(one.shares)]
    return "\n".join(parts)


def _row(figure: Figure) -> str:
    cells = (
        figure.group,
        figure.what,
        f"{text_of(figure.value)} {figure.unit}",
        f"{text_of(figure.floor)} {figure.unit}",
        f"{figure.ratio:.1f}",
        figure.floor_what,
        figure.note,
    )
    return f"| {' | '.join(cells)} |"


def _shares(shares: Iterable[Share]) -> str:
    lines = ["Where the time goes:\n"]
    for job, parts in groupby(shares, lambda share: share.job):
        told = ", ".join(f"{part.part} {part.share:.0%}" for part in parts if part.share >= 0.01)
        lines.append(f"- {job}: {told}")
    return "\n".join([*lines, ""])
