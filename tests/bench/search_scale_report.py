"""The part of docs/benchmarks.md about the search of a large register; the other parts stay as they are."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.bench import machine
from tests.bench.blocks import Block
from tests.bench.figures import text_of
from tests.bench.search_questions import MIX
from tests.bench.search_scale import Searched, Timing

_BLOCK = Block("search")
# How many times the engine's own 95th percentile, with several clients at once.
RATIO_GOAL = 1.5
# 95th percentiles in ms: of one client (OpenSearch), of several (Tantivy), of suggestions; and answers a second (OpenSearch).
ONE_GOAL_MS, MANY_GOAL_MS, SUGGEST_GOAL_MS, RATE_GOAL = 25.0, 30.0, 20.0, 120.0
# How much slower ten times as many people may be.
GROWTH_GOAL = 1.6
_GOALS_AT = 1_000_000
_NAMES = {"small": "SQLite and Tantivy", "large": "PostgreSQL and OpenSearch"}
_HOW = """Written by `make bench` (`{command}`). The people are the sandbox's, one in five in a HOSP XML file, the others in
Washington's CSV, loaded by the real pull, their index and the counts of their names made by a real rebuild (not measured).
*Service*: the API's search over HTTP under gunicorn, as `registry serve` starts it, with an access token and an access event
for every answer, twenty people a page, with the facets {facets}. Of twenty questions, all in the one box: {mix}.
*Engine alone*: in the same run the very requests that the service sends for these questions (recorded from it, facets, totals
and second looks included), straight to the engine from as many clients; the embedded engine is asked in as many processes as
the service has workers. The ratio is of the questions that ask the engine: numbers are answered from SQL truth.
"""


def command(sizes: Sequence[int]) -> str:
    """Return how this part is made."""
    return " ".join(["python -m tests.bench --only search", *(f"--search {size}" for size in sizes)])


def kept(path: Path) -> str:
    """Return this part as it stands in the report, "" if it does not."""
    return _BLOCK.kept(path)


def put(path: Path, measured: Sequence[Searched], sizes: Sequence[int]) -> None:
    """Write this part into the report, in the place of an older one."""
    _BLOCK.put(path, _section(measured, sizes))


def _section(measured: Sequence[Searched], sizes: Sequence[int]) -> str:
    mix = ", ".join(f"{times} {kind}" for kind, times in MIX.items())
    facets = ", ".join(measured[0].facets)
    how = _HOW.format(command=command(sizes), mix=mix, facets=facets)
    lines = ["## Searching a large register", "", how]
    lines += machine.head(one.busy_before for one in measured)
    lines += ["", *judged(measured), ""]
    for one in measured:
        lines += [f"### {_NAMES[one.house]}, {one.people:,} people", "", *_told(one), ""]
    return "\n".join(lines)


def judged(measured: Sequence[Searched]) -> Iterator[str]:
    """Tell each goal as reached or missed, of the largest register of each house."""
    for house in dict.fromkeys(one.house for one in measured):
        theirs = sorted((one for one in measured if one.house == house), key=lambda one: one.asked)
        for good, text in _goals(theirs[0], theirs[-1]):
            yield f"- {'reached' if good else '**missed**'}: {_NAMES[house]}, {theirs[-1].asked:,} people: {text}"


def _goals(small: Searched, one: Searched) -> Iterator[tuple[bool, str]]:
    aim = "" if one.asked >= _GOALS_AT else f" (the goal is meant for {_GOALS_AT:,} people)"
    several = f"{one.clients} clients"
    yield (
        one.ratio <= RATIO_GOAL,
        f"p95 {one.ratio:.2f} times the engine's own with {several}, at most {RATIO_GOAL} wanted{aim}",
    )
    if one.house == "large":
        alone, rate = one.service.one[1], one.service.per_second
        yield (
            alone <= ONE_GOAL_MS,
            f"p95 {text_of(alone)} ms with one client, at most {ONE_GOAL_MS:.0f} ms wanted{aim}",
        )
        yield (
            rate >= RATE_GOAL,
            f"{text_of(rate)} requests/s with {several}, at least {RATE_GOAL:.0f} wanted{aim}",
        )
    else:
        many = one.service.many[1]
        yield (
            many <= MANY_GOAL_MS,
            f"p95 {text_of(many)} ms with {several}, at most {MANY_GOAL_MS:.0f} ms wanted{aim}",
        )
    suggest = one.suggestions.one[1]
    yield (
        suggest <= SUGGEST_GOAL_MS,
        f"suggestions p95 {text_of(suggest)} ms, at most {SUGGEST_GOAL_MS:.0f} ms wanted{aim}",
    )
    if small is not one:
        grown = one.service.many[1] / small.service.many[1]
        yield (
            grown <= GROWTH_GOAL,
            f"p95 with {several} {grown:.2f} times that of {small.asked:,} people, at most {GROWTH_GOAL} wanted",
        )


def _told(one: Searched) -> Iterator[str]:
    yield f"{', '.join(one.versions.values())}; {one.documents:,} documents."
    yield ""
    yield "| what | clients | p50 | p95 | p99 | a second |"
    yield "|---|--:|--:|--:|--:|--:|"
    rows = {
        "service, all questions": one.service,
        "service, questions to the engine": one.service_by_engine,
        "engine alone": one.engine,
        "suggestions": one.suggestions,
    }
    for what, timing in rows.items():
        yield from _rows(what, timing, one.clients, told_rate=timing is not one.service_by_engine)
    yield ""
    yield "| question, one client | asked | found somebody | p95 |"
    yield "|---|--:|--:|--:|"
    for kind, (asked, found, slow) in one.by_kind.items():
        yield f"| {kind} | {asked} | {found} | {text_of(slow)} ms |"


def _rows(what: str, timing: Timing, clients: int, *, told_rate: bool) -> Iterator[str]:
    def cells(milliseconds: Sequence[float]) -> str:
        return " | ".join(f"{text_of(ms)} ms" for ms in milliseconds)

    rate = text_of(timing.per_second) if told_rate else ""
    yield f"| {what} | 1 | {cells(timing.one)} | |"
    yield f"| {what} | {clients} | {cells(timing.many)} | {rate} |"
