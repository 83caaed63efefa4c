"""The access log measured, small: every figure comes out, what is damaged is named, and the report tells it. No time is judged."""

from pathlib import Path

import msgspec
import pytest

from tests.bench import ledger, ledger_report
from tests.bench.ledger import Ledger

EVENTS = 3000


@pytest.fixture(scope="module")
def measured() -> list[Ledger]:
    return list(ledger.measure([EVENTS], lambda _line: None, ("SQLite",), rounds=2, each=10))


def test_a_log_is_filled_sealed_verified_and_proven(measured: list[Ledger]) -> None:
    (one,) = measured
    assert (one.filled.events, one.filled.people) == (EVENTS, EVENTS // 10 * 27)
    assert one.read is not None
    assert one.read.events == EVENTS
    assert one.read.rows > 0
    assert (one.sealed.events, one.sealed.heads) == (EVENTS, EVENTS // ledger.HEAD_EVENTS)
    assert one.verified.found == []
    assert one.damaged.found == one.expected
    figures = [one.sealed.seconds, one.verified.seconds, one.verified.read_s]
    figures += [one.proven.event_s, one.proven.consistency_s]
    figures += [one.inserted.plain_ms, one.inserted.guarded_ms, one.inserted.sealing_ms]
    assert min(figures) > 0
    assert one.verified.memory_mb >= one.verified.memory_before_mb > 0


def test_the_report_tells_goals_as_reached_or_missed(measured: list[Ledger], tmp_path: Path) -> None:
    path = tmp_path / "benchmarks.md"
    path.write_text("# Speed\n\n## How it is measured\n\nso\n", "utf-8")
    replace = msgspec.structs.replace
    (one,) = measured
    large = replace(one.filled, events=1_000_000)
    good = replace(
        one,
        filled=large,
        verified=replace(one.verified, seconds=31.25),
        inserted=replace(one.inserted, plain_ms=1.0, guarded_ms=1.02),
    )
    bad = replace(
        one,
        verified=replace(one.verified, seconds=75.0),
        inserted=replace(one.inserted, plain_ms=1.0, guarded_ms=1.2),
    )
    ledger_report.put(path, [bad], [EVENTS])
    ledger_report.put(path, [good, bad], [1_000_000, EVENTS])
    text = path.read_text("utf-8")
    assert text.count("## Access log") == 1
    assert text.index("## Access log") < text.index("## How it is measured\n\nso")
    assert "python -m tests.bench --only log --log 1000000 --log 3000" in text
    assert "- reached: SQLite, 1,000,000 events: verified in 31.2 s, at most 60 s wanted\n" in text
    assert "- reached: SQLite, 1,000,000 events: an event is written in 1.02 times" in text
    assert "- **missed**: SQLite, 3,000 events: verified in 75.0 s" in text
    assert "(the goal is meant for 1,000,000)" in text
    assert "- **missed**: SQLite, 3,000 events: an event is written in 1.20 times" in text
    assert "3 of 3 named" in text
    assert ledger_report.kept(path) in text
    assert "/tmp" not in text
