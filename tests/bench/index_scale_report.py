"""The part of docs/benchmarks.md about a large search index; the other parts stay as they are."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.bench import machine
from tests.bench.blocks import Block
from tests.bench.figures import text_of
from tests.bench.index_jobs import Indexed
from tests.bench.index_scale import CHANGES, Scaled

_BLOCK = Block("index")
# Documents a second of a rebuild, and the part of the engine's own rate; on a cluster, at a million licences.
RATE_GOAL, SHARE_GOAL = 8000.0, 0.6
# Seconds of a comparison of an unchanged index, and from the commit of a changed licence until a search finds it.
COMPARE_GOAL_S, VISIBLE_GOAL_S = 60.0, 2.0
# How much more memory a job may take than in the first quarter of its time, if its memory is to be called flat.
FLAT = 1.25
# A job that ends sooner tells nothing about that.
_LONG_S = 10.0
_GOALS_AT = 1_000_000
_NAMES = {"small": "SQLite and Tantivy", "large": "PostgreSQL and OpenSearch"}
_HOW = """Written by `make bench` (`{command}`). The licences are the sandbox's people, one in five in a HOSP XML file, the
others in Washington's CSV, loaded by the real pull (not measured). Each job in a process of its own. *First index*: while
everyone waits in the outbox, which it settles; *rebuild*: a new index beside it, filled, checked and swapped, from the start of
the command to the end. *Floor*: the same documents, made and encoded beforehand, straight to an index set up in the same way;
the best of several ways, all in the same run. *Compare*: of the index as it stands after the rebuild; it must find no
difference, before and after the changes, which the run checks. *Visible*: a resident `indexer publish --follow`; {changes} runs
of the real loader with one revoked licence each; from the return of the commit until a search of the service finds the licence
as revoked. *Memory*: resident size of all the job's processes; *early*: highest in the first quarter of the time.
"""


def command(sizes: Sequence[int]) -> str:
    """Return how this part is made."""
    return " ".join(["python -m tests.bench --only index", *(f"--index {size}" for size in sizes)])


def kept(path: Path) -> str:
    """Return this part as it stands in the report, "" if it does not."""
    return _BLOCK.kept(path)


def put(path: Path, measured: Sequence[Scaled], sizes: Sequence[int]) -> None:
    """Write this part into the report, in the place of an older one."""
    _BLOCK.put(path, _section(measured, sizes))


def _section(measured: Sequence[Scaled], sizes: Sequence[int]) -> str:
    lines = ["## A large search index", "", _HOW.format(command=command(sizes), changes=CHANGES)]
    lines += machine.head(one.busy_before for one in measured)
    lines += ["", *judged(measured), ""]
    for one in measured:
        lines += [f"### {_NAMES[one.house]}, {one.licences:,} licences", "", *_told(one), ""]
    return "\n".join(lines)


def judged(measured: Sequence[Scaled]) -> Iterator[str]:
    """Tell each goal as reached or missed."""
    for one in measured:
        for good, text in _goals(one):
            yield f"- {'reached' if good else '**missed**'}: {_NAMES[one.house]}, {one.asked:,} licences: {text}"


def _goals(one: Scaled) -> Iterator[tuple[bool, str]]:
    if one.house == "large":
        aim = "" if one.asked >= _GOALS_AT else f" (the goal is meant for {_GOALS_AT:,} licences)"
        yield (
            one.rate >= RATE_GOAL,
            f"rebuild {one.rate:,.0f} documents/s, at least {RATE_GOAL:,.0f} wanted{aim}",
        )
        yield (
            one.share >= SHARE_GOAL,
            f"rebuild at {one.share:.2f} of the engine's own rate, at least {SHARE_GOAL} wanted{aim}",
        )
    seconds = one.compared.seconds
    yield seconds <= COMPARE_GOAL_S, f"compare {seconds:.1f} s, at most {COMPARE_GOAL_S:.0f} s wanted"
    worst = one.visible.worst
    yield (
        worst <= VISIBLE_GOAL_S,
        f"a change visible after {worst:.2f} s at worst, at most {VISIBLE_GOAL_S:.0f} s wanted",
    )
    for name, job in (("rebuild", one.rebuilt), ("compare", one.compared)):
        if job.seconds < _LONG_S:
            continue
        grown = job.memory_peak_mb / job.memory_early_mb
        yield (
            grown <= FLAT,
            f"memory of {name} {_mb(job.memory_peak_mb)}, {grown:.2f} times its first quarter's, at most {FLAT} wanted",
        )


def _told(one: Scaled) -> Iterator[str]:
    yield f"{', '.join(one.versions.values())}."
    yield ""
    yield "| what | time | documents/s | of the floor | memory before | early | highest |"
    yield "|---|--:|--:|--:|--:|--:|--:|"
    best = one.floor.best[1]
    for name, job in (("first index", one.first), ("rebuild", one.rebuilt)):
        rate = job.documents / job.seconds
        yield f"| {name} | {job.seconds:.1f} s | {text_of(rate)} | {rate / best:.2f} | {_memory(job)} |"
    yield f"| compare | {one.compared.seconds:.1f} s | | | {_memory(one.compared)} |"
    for way, seconds in one.floor.build_s.items():
        yield f"| floor: {way} | {seconds:.1f} s | {text_of(one.floor.documents / seconds)} | | | | |"
    visible = one.visible
    yield ""
    yield (
        f"- a changed licence is found after {visible.median:.2f} s (median of {len(visible.seconds)}), "
        f"{visible.worst:.2f} s at worst; the publisher's highest memory {_mb(visible.memory_mb)}"
    )
    size = one.floor.size_mb * 2**20 / one.floor.documents
    yield f"- {one.floor.documents:,} documents, {size:.0f} bytes each as JSON; two indices {one.index_mb:,.0f} MiB on disk"
    for name, job in (("rebuild", one.rebuilt), ("compare", one.compared)):
        parts = ", ".join(f"{part} {share:.0%}" for part, share in job.shares.items() if share >= 0.01)
        yield f"- where the time of {name} goes: {parts}"


def _memory(job: Indexed) -> str:
    return " | ".join(map(_mb, (job.memory_before_mb, job.memory_early_mb, job.memory_peak_mb)))


def _mb(mebibytes: float) -> str:
    return f"{mebibytes:,.0f} MiB"
