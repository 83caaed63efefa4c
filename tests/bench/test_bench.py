"""The measurement itself, small: every figure comes out with a floor, and the report tells them. No time is judged."""

from pathlib import Path

import pytest

from tests.bench.figures import Figure, Measured, percentile, text_of
from tests.bench.limits import Limits
from tests.bench.reading import reading
from tests.bench.report import write
from tests.bench.run import measure

FEEDS = ("hosp", "nppes-fhir", "washington", "all feeds")
ASKED = ("p50, one client", "p95, one client", "p50, 2 clients", "p95, 2 clients", "2 clients")
EXPECTED = {
    **dict.fromkeys(("first pull", "same bytes again, every record compared"), FEEDS),
    **dict.fromkeys(("publish", "rebuild"), ("all",)),
    **dict.fromkeys(
        ("search by name", "verify by licence number", "verify by personal identity number"), ASKED
    ),
    "memory": ("indexer, highest while pulling", "gunicorn worker, highest"),
}


@pytest.fixture(scope="module")
def measured() -> Measured:
    limits = Limits(requests=8, seconds=0.3, clients=2)
    (one,) = measure(200, ("small",), limits, lambda _line: None)
    return one


def test_every_figure_is_measured_beside_a_floor(measured: Measured) -> None:
    rows = {(figure.group, figure.what): figure for figure in measured.figures}
    assert set(rows) == {(group, what) for group, parts in EXPECTED.items() for what in parts}
    for row, figure in rows.items():
        assert figure.value > 0, row
        assert figure.floor > 0, row
        assert figure.floor_what, row


def test_whoever_is_in_the_registry_is_found(measured: Measured) -> None:
    assert measured.facts["found by name"].startswith("exact 4 of 4")
    assert "notFound" not in measured.facts["verified by licence number"]
    assert measured.facts["verified by personal identity number"] == "8 found"


def test_the_report_tells_every_figure_and_no_path(measured: Measured, tmp_path: Path) -> None:
    report = tmp_path / "benchmarks.md"
    write(report, [measured], (200,), ("small",))
    text = report.read_text("utf-8")
    assert "python -m tests.bench 200 --house small" in text
    assert "Small house, 200 people" in text
    for figure in measured.figures:
        assert f"| {figure.group} | {figure.what} | {text_of(figure.value)} {figure.unit} |" in text
    assert str(Path.home()) not in text
    assert "/tmp" not in text


@pytest.mark.parametrize(
    ("unit", "value", "floor", "ratio"),
    [("rows/s", 50.0, 200.0, 4.0), ("ms", 50.0, 200.0, 0.25), ("MiB", 30.0, 10.0, 3.0)],
)
def test_a_ratio_says_how_many_times_the_floor_it_costs(
    unit: str, value: float, floor: float, ratio: float
) -> None:
    figure = Figure(group="g", what="w", value=value, unit=unit, floor=floor, floor_what="f")
    assert figure.ratio == ratio


def test_a_percentile_is_one_of_the_values() -> None:
    values = [float(value) for value in range(100, 0, -1)]
    assert [percentile(values, percent) for percent in (50, 95, 100)] == [51.0, 96.0, 100.0]
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)


@pytest.mark.parametrize(
    ("rate", "floor", "told"),
    [(1_699.0, 2_000.0, ["missed", "reached"]), (1_701.0, 9_000.0, ["reached", "missed"])],
)
def test_yardsticks_are_told_as_reached_or_missed(rate: float, floor: float, told: list[str]) -> None:
    figure = Figure(
        group="rebuild", what="all", value=rate, unit="documents/s", floor=floor, floor_what="bare _bulk"
    )
    one = Measured(
        house="large", people=1, versions={}, figures=[figure], shares=[], facts={}, busy_before=None
    )
    lines = [line for line in reading([one]).splitlines() if line.startswith("- ")]
    assert [word for line in lines for word in ("missed", "reached") if word in line] == told
