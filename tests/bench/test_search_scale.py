"""The search of a large register, small: every figure comes out beside the engine's own, and the report tells each goal."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.bench import search_scale, search_scale_report
from tests.bench.asking import Loads
from tests.bench.client import Load
from tests.bench.limits import Limits
from tests.bench.search_questions import MIX
from tests.bench.search_scale import Searched, Timing

PEOPLE = 400
LIMITS = Limits(requests=40, seconds=0.3, clients=2)


@pytest.fixture(scope="module")
def measured() -> Searched:
    (one,) = search_scale.measure([PEOPLE], LIMITS, lambda _line: None, ("small",))
    return one


def test_every_kind_is_asked_and_finds_somebody(measured: Searched) -> None:
    assert measured.people == pytest.approx(PEOPLE, rel=0.1)
    assert measured.documents >= measured.people
    assert {kind: asked for kind, (asked, _, _) in measured.by_kind.items()} == {
        kind: 2 * times for kind, times in MIX.items()
    }
    for kind in ("full name", "swapped order", "licence number", "name and birth date"):
        asked, found, slow = measured.by_kind[kind]
        assert asked == found, kind
        assert slow > 0


def test_the_service_is_measured_beside_its_engine(measured: Searched) -> None:
    for timing in (measured.service, measured.service_by_engine, measured.engine, measured.suggestions):
        for percentiles in (timing.one, timing.many):
            assert 0 < percentiles[0] <= percentiles[1] <= percentiles[2]
        assert timing.per_second > 0
    # How many are asked in so short a time, and of which kind, is up to the machine.
    assert 0 < measured.service_by_engine.asked <= measured.service.asked
    assert measured.ratio == measured.service_by_engine.many[1] / measured.engine.many[1]


def test_what_is_answered_without_the_engine_is_not_timed_beside_it() -> None:
    load = Load(
        latencies_ms=[5.0, 1.0, 7.0],
        seconds=1.0,
        statuses={"200": 3},
        bodies=[],
        reconnects=0,
        places=[0, 1, 2],
    )
    timed = search_scale._timing(Loads(load, load, 1), [True, False, True])
    assert (timed.asked, timed.one[0]) == (2, 7.0)
    every = search_scale._timing(Loads(load, load, 1))
    assert (every.asked, every.one[0]) == (3, 5.0)


def test_the_report_tells_every_figure_and_leaves_the_rest_alone(measured: Searched, tmp_path: Path) -> None:
    report = tmp_path / "benchmarks.md"
    report.write_text("# Speed\n\nsomething\n\n## How it is measured\n\nso\n", "utf-8")
    search_scale_report.put(report, [measured], [PEOPLE])
    search_scale_report.put(report, [measured], [PEOPLE])
    text = report.read_text("utf-8")
    assert text.count("## Searching a large register") == 1
    assert (
        text.index("something") < text.index("Searching a large") < text.index("## How it is measured\n\nso")
    )
    assert "python -m tests.bench --only search --search 400" in text
    assert "| engine alone | 2 |" in text
    assert "(the goal is meant for 1,000,000 people)" in text
    assert "/tmp" not in text
    assert search_scale_report.kept(report).startswith("<!-- search: begin -->")


def _judged(one: Searched, small: Searched) -> list[str]:
    return list(search_scale_report.judged([small, one]))


@pytest.mark.parametrize(("slower", "told"), [(0.99, "reached"), (1.01, "**missed**")])
@pytest.mark.parametrize(
    ("house", "goals"),
    [
        (
            "small",
            ("times the engine's own", "ms with 8 clients", "suggestions p95", "times that of 100,000"),
        ),
        ("large", ("times the engine's own", "ms with one client", "requests/s", "suggestions p95")),
    ],
)
def test_goals_are_told_as_reached_or_missed(
    measured: Searched, house: str, goals: tuple[str, ...], slower: float, told: str
) -> None:
    many = search_scale_report.MANY_GOAL_MS * slower
    service = Timing(
        (1.0, search_scale_report.ONE_GOAL_MS * slower, 90.0),
        (1.0, many, 90.0),
        search_scale_report.RATE_GOAL / slower,
        100,
    )
    engine_ms = many / (search_scale_report.RATIO_GOAL * slower)
    before_ms = many / (search_scale_report.GROWTH_GOAL * slower)
    one = replace(
        measured,
        house=house,
        asked=1_000_000,
        clients=8,
        service=service,
        service_by_engine=service,
        engine=replace(measured.engine, many=(1.0, engine_ms, 90.0)),
        suggestions=replace(
            measured.suggestions, one=(1.0, search_scale_report.SUGGEST_GOAL_MS * slower, 90.0)
        ),
    )
    small = replace(one, asked=100_000, service=replace(service, many=(1.0, before_ms, 90.0)))
    lines = _judged(one, small)
    for goal in goals:
        (line,) = [line for line in lines if goal in line]
        assert line.startswith(f"- {told}: "), line


def test_ten_times_as_many_people_are_compared_with_the_fewest(measured: Searched) -> None:
    alone = list(search_scale_report.judged([measured]))
    assert not any("times that of" in line for line in alone)
    larger = replace(measured, asked=10 * PEOPLE)
    both = _judged(larger, measured)
    assert any("1.00 times that of 400 people" in line for line in both)
