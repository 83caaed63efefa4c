from pathlib import Path

from tests.bench import lists_report
from tests.bench.lists import Listed
from tests.bench.lists_jobs import Checked


def _listed(asked: int, rate: float, staff_s: float) -> Listed:
    return Listed(
        house="large",
        asked=asked,
        licences=asked,
        versions={"database": "PostgreSQL"},
        checked=[
            Checked(kind="number", rows=1000, seconds=1000 / rate, processor_s=0.2, found=990),
            Checked(kind="name", rows=500, seconds=1.0, processor_s=0.5, found=400),
        ],
        staff_s=staff_s,
        busy_before=0.5,
    )


def test_goals_are_told_as_reached_or_missed(tmp_path: Path) -> None:
    path = tmp_path / "benchmarks.md"
    path.write_text("# Speed\n", "utf-8")
    lists_report.put(path, [_listed(1_000_000, 2500, 12.0), _listed(60_000, 1500, 3.0)], [1_000_000])
    lines = path.read_text("utf-8").splitlines()
    judged = [line for line in lines if line.startswith(("- reached", "- **missed**"))]
    assert [line.partition(":")[0] for line in judged] == [
        "- reached",
        "- reached",
        "- **missed**",
        "- **missed**",
        "- reached",
        "- reached",
    ]
    assert "by licence number 2,500 rows/s, at least 2,000 wanted" in judged[0]
    assert "meant for 1,000,000" in judged[3]
    assert "| by name and birth date | 500 | 500 | 1,000 | 80% |" in lines
    assert any("other programs used up to 50%" in line for line in lines)
    lists_report.put(path, [_listed(60_000, 1500, 3.0)], [60_000])
    assert path.read_text("utf-8").count("## Staff lists") == 1
    assert "1,000,000 licences" not in lists_report.kept(path).partition("### ")[2]
