"""Loading large registers, small: every figure comes out beside a floor, and the report tells them. No time is judged."""

import csv
from pathlib import Path

import pytest
from lxml import etree

from registry.identifiers import COORDINATION_NUMBER, personal_system
from tests.bench import bulk_registers, ingest, ingest_report
from tests.bench.ingest import Load

LICENCES = 600


@pytest.fixture(scope="module")
def loads() -> list[Load]:
    return list(ingest.measure([LICENCES], lambda _line: None, databases=("SQLite",)))


def test_every_format_is_loaded_three_times_beside_its_floors(loads: list[Load]) -> None:
    assert [load.form for load in loads] == ["hosp", "washington", "nppes"]
    for load in loads:
        assert load.first.records > 0.8 * LICENCES
        assert load.first.licences == pytest.approx(LICENCES, rel=0.15)
        assert (load.again.written, load.again.rows) == (0, load.first.rows)
        assert 0 < load.later.written < 0.06 * LICENCES
        assert load.load_floor.rows > 3 * load.first.records
        assert min(load.ratios) > 0
        assert load.memory_mb >= load.first.memory_before_mb


def test_the_report_tells_every_load_and_leaves_the_rest_alone(loads: list[Load], tmp_path: Path) -> None:
    report = tmp_path / "benchmarks.md"
    report.write_text("# Speed\n\nsomething\n\n## How it is measured\n\nso\n", "utf-8")
    ingest_report.put(report, loads[:1], [LICENCES])
    ingest_report.put(report, loads, [LICENCES])
    text = report.read_text("utf-8")
    assert text.count("## Loading a large register") == 1
    assert text.index("something") < text.index("Loading a large") < text.index("## How it is measured\n\nso")
    assert "python -m tests.bench --only ingest --ingest 600" in text
    for load in loads:
        assert f"first load: {load.first.records:,} records, {load.first.licences:,} licences" in text
    assert text.count("| SQLite |") == 9
    assert "/tmp" not in text
    assert ingest_report.kept(report).startswith("<!-- loading: begin -->")


def test_a_missed_goal_is_told(loads: list[Load]) -> None:
    told = list(ingest_report._missed(loads))
    slow = [
        load for load in loads if any(r > g for r, g in zip(load.ratios, ingest_report.GOALS, strict=True))
    ]
    assert any("missed" in line for line in told) == bool(slow)
    assert list(ingest_report._missed([])) == ["- reached: every goal (6, 6 and 8 times the floor, 400 MB)"]


def test_registers_are_the_same_every_time_and_two_of_a_hundred_records_change(tmp_path: Path) -> None:
    first = bulk_registers.write("washington", 5000, tmp_path / "a")
    again = bulk_registers.write("washington", 5000, tmp_path / "b")
    later = bulk_registers.write("washington", 5000, tmp_path / "a", later=True)
    before, after = (Path(one.path).read_text("utf-8").splitlines() for one in (first, later))
    assert Path(again.path).read_text("utf-8").splitlines() == before
    assert first.records == len(before) - 1 == 5000
    changed = len(set(before) - set(after)) / len(before)
    assert 0.012 < changed < 0.028
    keys = [{row[0] for row in csv.reader(lines)} for lines in (before, after)]
    assert 0 < len(keys[0] - keys[1]) < 0.003 * len(before)
    assert len(keys[0]) == len(before)


def test_each_person_of_a_large_register_has_a_number_of_their_own(tmp_path: Path) -> None:
    written = bulk_registers.write("hosp", 3000, tmp_path)
    root = etree.parse(written.path).getroot()
    numbers = [element[0].text or "" for element in root.iter("{*}personId")]
    ids = [element[0].text for element in root.iter("{*}hospId")]
    assert len(ids) == len(set(ids)) == written.records
    assert len(numbers) == len(set(numbers)) > 0.98 * written.records
    assert COORDINATION_NUMBER not in {personal_system(number) for number in numbers}
    assert len(list(root.iter("{*}legitimation"))) == written.licences >= 3000
