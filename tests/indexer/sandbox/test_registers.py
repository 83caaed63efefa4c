import tracemalloc
from pathlib import Path

import orjson
import pytest
from lxml import etree

from indexer.sandbox import broken, formats, registers
from indexer.sandbox.plan import Plan
from indexer.sandbox.registers import OFFSET, Registers, publish, read

YEAR = 2026


def published(size: int, folder: Path, day: int = 0) -> tuple[Path, Registers]:
    made = publish(Plan(size, seed=3, day=day, year=YEAR), folder)
    return made, read(made)


def test_the_same_plan_gives_the_same_bytes(tmp_path: Path) -> None:
    one, other = published(300, tmp_path / "a")[1], published(300, tmp_path / "b")[1]
    assert one.etags == other.etags
    assert published(300, tmp_path / "a", day=1)[1].etags["hosp.xml"] != one.etags["hosp.xml"]


def test_an_edition_is_written_once(tmp_path: Path) -> None:
    folder, _ = published(60, tmp_path)
    before = (folder / "hosp.xml").stat().st_mtime_ns
    assert published(60, tmp_path)[0] == folder
    assert (folder / "hosp.xml").stat().st_mtime_ns == before


def test_a_failure_in_the_middle_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> str:
        raise OSError("disk full")

    monkeypatch.setattr(formats, "socrata_csv", fail)
    with pytest.raises(OSError, match="disk full"):
        published(60, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("size", [0, 1, 2, 60, 1000])
def test_the_files_hold_what_the_contents_say(size: int, tmp_path: Path) -> None:
    folder, found = published(size, tmp_path)
    root = etree.fromstring((folder / "hosp.xml").read_bytes())
    assert len(root) == found.hosp.rows == found.hosp.people + sum(found.hosp.broken.values())
    rows = orjson.loads(b"[" + (folder / "washington.rows").read_bytes()[1:] + b"]")
    assert len(rows) == found.washington.rows
    assert (folder / "washington.csv").read_text("utf-8").count("\n") == found.washington.rows + 1
    assert (folder / "washington.offsets").stat().st_size == OFFSET.size * (found.washington.rows + 1)
    lines = [line for name in found.ndjson for line in (folder / name).read_bytes().splitlines()]
    assert len(lines) == found.directory.rows == sum(found.lines.values())
    assert found.hosp.people + found.washington.people + found.directory.people == size


def test_a_large_directory_comes_in_several_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registers, "LINES_A_FILE", 10)
    _, found = published(1000, tmp_path)
    assert found.ndjson[:3] == ("practitioner.0.ndjson", "practitioner.1.ndjson", "practitioner.2.ndjson")
    assert found.ndjson[10] == "practitioner.10.ndjson"
    assert list(found.lines.values())[:-1] == [10] * (len(found.lines) - 1)
    assert found.directory.people == 100


def test_broken_rows_of_every_kind_are_few_and_beside_the_good(tmp_path: Path) -> None:
    _, found = published(1000, tmp_path)
    assert set(found.hosp.broken) == set(broken.HOSP)
    assert set(found.washington.broken) == set(broken.WASHINGTON)
    assert set(found.directory.broken) == set(broken.FHIR)
    for content in (found.hosp, found.washington, found.directory):
        assert 0 < sum(content.broken.values()) <= content.people / 10


def test_memory_does_not_grow_with_the_number_of_people(tmp_path: Path) -> None:
    def peak(size: int) -> int:
        tracemalloc.start()
        published(size, tmp_path)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    small = peak(200)
    # Caches of the interpreter aside, ten times the people take the same memory: the buffers of the open files.
    assert peak(2000) < small + 200_000


def test_later_editions_are_published_later_to_the_second(tmp_path: Path) -> None:
    first = published(60, tmp_path)[1]
    folder = publish(Plan(60, seed=3, day=1, year=YEAR), tmp_path, first.published_at)
    assert read(folder).published_at > first.published_at
