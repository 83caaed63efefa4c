"""The part of docs/benchmarks.md about the access log; the other parts stay as they are."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tests.bench import machine
from tests.bench.blocks import Block
from tests.bench.days_jobs import DAYS, ORGANISATIONS
from tests.bench.ledger import EACH, HEAD_EVENTS, ROUNDS, Ledger

_BLOCK = Block("ledger")
# Seconds to verify a million events, and how much dearer writing an event may become.
VERIFY_GOAL_S, INSERT_GOAL = 60.0, 1.05
_GOAL_AT = 1_000_000
_HOW = """Written by `make bench` (`{command}`). Of ten events seven show one person, two nobody, one twenty people; a head for every
{head} events. *Verified*: every event against its leaf, every leaf against its head, every head against the next, in a process of
its own. *Read*: the same rows of events and people read in the same way, and nothing done with them. *Damaged*: one byte of an
event changed, one event removed, one person taken from an event; all three must be named. *An event written*: one with one
person, committed, the median of {rounds} rounds of {each}, in turns without the triggers, with them, and with a seal every 0.1 s.
*Four weeks*: another log of as many events in {days} days, of {organisations:,} organisations whose callers ask for anything, read as `/privacy` reads it.
"""


def command(sizes: Sequence[int]) -> str:
    """Return how this part is made."""
    return " ".join(["python -m tests.bench --only log", *(f"--log {size}" for size in sizes)])


def kept(path: Path) -> str:
    """Return this part as it stands in the report, "" if it does not."""
    return _BLOCK.kept(path)


def put(path: Path, measured: Sequence[Ledger], sizes: Sequence[int]) -> None:
    """Write this part into the report, in the place of an older one."""
    _BLOCK.put(path, _section(measured, sizes))


def _section(measured: Sequence[Ledger], sizes: Sequence[int]) -> str:
    how = _HOW.format(
        command=command(sizes),
        head=HEAD_EVENTS,
        rounds=ROUNDS,
        each=EACH,
        days=DAYS,
        organisations=ORGANISATIONS,
    )
    lines = ["## Access log", "", how, *machine.head(one.busy_before for one in measured), ""]
    lines += [*judged(measured), "", *_table(measured), ""]
    return "\n".join(lines)


def judged(measured: Sequence[Ledger]) -> Iterator[str]:
    """Tell each goal as reached or missed."""
    for one in measured:
        where = f"{one.database}, {one.filled.events:,} events"
        aim = "" if one.filled.events >= _GOAL_AT else f" (the goal is meant for {_GOAL_AT:,})"
        yield (
            f"- {_word(one.verified.seconds <= VERIFY_GOAL_S)}: {where}: verified in {one.verified.seconds:.1f} s, at most "
            f"{VERIFY_GOAL_S:g} s wanted{aim}"
        )
        ratio = one.inserted.guarded_ms / one.inserted.plain_ms
        yield (
            f"- {_word(ratio <= INSERT_GOAL)}: {where}: an event is written in {ratio:.2f} times what it costs without triggers, at "
            f"most {INSERT_GOAL:g} wanted"
        )


def _word(good: bool) -> str:
    return "reached" if good else "**missed**"


def _table(measured: Sequence[Ledger]) -> Iterator[str]:
    yield "| | " + " | ".join(f"{one.database}, {one.filled.events:,} events" for one in measured) + " |"
    yield "|---|" + "---:|" * len(measured)
    rows: dict[str, Callable[[Ledger], str]] = {
        "people in them": lambda one: f"{one.filled.people:,}",
        "heads": lambda one: f"{one.sealed.heads:,}",
        "sealed": lambda one: (
            f"{one.sealed.seconds:.1f} s, {one.filled.events / one.sealed.seconds:,.0f} events/s"
        ),
        "verified": lambda one: f"{one.verified.seconds:.1f} s",
        "read": lambda one: f"{one.verified.read_s:.1f} s",
        "damaged and verified": lambda one: (
            f"{one.damaged.seconds:.1f} s, {len(one.damaged.found)} of 3 named"
        ),
        "highest memory of verifying": lambda one: (
            f"{one.verified.memory_mb:.0f} MiB ({one.verified.memory_before_mb:.0f} before)"
        ),
        "proof of an event": lambda one: f"{one.proven.event_s:.2f} s",
        "proof between the first head and the last": lambda one: f"{one.proven.consistency_s:.2f} s",
        "an event written, without triggers": lambda one: f"{one.inserted.plain_ms:.3f} ms",
        "an event written": lambda one: f"{one.inserted.guarded_ms:.3f} ms",
        "an event written beside a seal": lambda one: f"{one.inserted.sealing_ms:.3f} ms",
        "four weeks, from the events": lambda one: f"{one.read.pass_s:.1f} s" if one.read else "",
        "four weeks, counted once by a worker": lambda one: (
            f"{one.read.counting_s:.1f} s, {one.read.rows:,} rows" if one.read else ""
        ),
        "four weeks, from the counts": lambda one: (
            f"{one.read.counts_s:.2f} s, {one.read.counts_s / one.read.pass_s:.2f} of the events"
            if one.read
            else ""
        ),
    }
    for what, told in rows.items():
        yield f"| {what} | " + " | ".join(told(one) for one in measured) + " |"
