"""Which files are taken, in which order, and what they are: monthly files, weekly and daily deltas, late arrivals."""

import io
import os
import time
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from indexer.feeds import FeedUnavailableError, Fetched, MalformedFeedError, Previous, fetch
from indexer.feeds.picking import stamp_of_name
from indexer.feeds.sources import FileSource
from registry.settings import Indexer
from tests.indexer.feeds.conftest import Described

DATE = r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)"
GMC = {"pick": "each", "delta": "*_delta_*", "stamp": "name", "stamp_pattern": DATE + r"\.csv$"}


class Box:
    """A folder that an authority fills, and the runs that empty it."""

    def __init__(self, folder: Path, run: Callable[[FileSource, Previous | None], Fetched]) -> None:
        self.folder = folder
        self.run = run
        self.previous: Previous | None = None

    def put(self, *names: str, changed: float | None = None, data: bytes | None = None) -> None:
        for name in names:
            path = self.folder / name
            path.write_bytes(name.encode() if data is None else data)
            if changed is not None:
                os.utime(path, (changed, changed))

    def pull(self, path: str = "*.csv", **keys: Any) -> Fetched:  # noqa: ANN401 - keys of a feed file
        source = FileSource(path=str(self.folder / path), **keys)
        assert not source.problem()
        result = self.run(source, self.previous)
        self.previous = Previous(result.etag, result.digest, result.stamp, result.name)
        return result

    def pulls(self, path: str = "*.csv", **keys: Any) -> list[str]:  # noqa: ANN401 - as above
        """Pull until nothing is left; return what was taken: "+name" = complete, "-name" = delta, "name" = as the mode."""
        taken = []
        while True:
            result = self.pull(path, **keys)
            if result.parts:
                mark = {True: "+", False: "-", None: ""}[result.complete]
                taken.append(mark + result.name)
            if not result.more:
                return taken


@pytest.fixture
def mode() -> str:
    return "snapshot"


@pytest.fixture
def box(feed: Described, settings: Indexer, tmp_path: Path, mode: str) -> Box:
    runs = iter(range(100))

    def run(source: FileSource, previous: Previous | None) -> Fetched:
        described = replace(feed("washington", source), mode=mode)
        return fetch(described, settings, tmp_path / f"spool-{next(runs)}", previous, lambda _: None)

    (folder := tmp_path / "box").mkdir()
    return Box(folder, run)


# --- GMC: a delta a day, the whole register now and then (domain.md 2.3) ---


def test_the_first_pull_starts_at_the_newest_complete_file_and_goes_on_with_its_deltas(box: Box) -> None:
    box.put("lrmp_full_20261101.csv", "lrmp_delta_20261102.csv", "lrmp_full_20261115.csv")
    box.put("lrmp_delta_20261114.csv", "lrmp_delta_20261116.csv", "lrmp_delta_20261117.csv")
    assert box.pulls(**GMC) == [
        "+lrmp_full_20261115.csv",
        "-lrmp_delta_20261116.csv",
        "-lrmp_delta_20261117.csv",
    ]
    assert box.previous
    assert box.previous.stamp == "2026-11-17T00:00:00Z"


def test_each_run_takes_one_file_and_says_that_more_wait(box: Box) -> None:
    box.put("lrmp_full_20261115.csv", "lrmp_delta_20261116.csv")
    first = box.pull(**GMC)
    assert (first.name, first.complete, first.more, first.stamp) == (
        "lrmp_full_20261115.csv",
        True,
        True,
        "2026-11-15T00:00:00Z",
    )
    second = box.pull(**GMC)
    assert (second.name, second.complete, second.more) == ("lrmp_delta_20261116.csv", False, False)
    third = box.pull(**GMC)
    assert (third.not_modified, third.parts, third.name) == (True, (), "lrmp_delta_20261116.csv")


def test_files_that_come_later_are_taken_once(box: Box) -> None:
    box.put("lrmp_full_20261115.csv")
    assert box.pulls(**GMC) == ["+lrmp_full_20261115.csv"]
    box.put("lrmp_delta_20261116.csv")
    assert box.pulls(**GMC) == ["-lrmp_delta_20261116.csv"]
    box.put("lrmp_delta_20261118.csv", "lrmp_full_20261117.csv")
    assert box.pulls(**GMC) == ["+lrmp_full_20261117.csv", "-lrmp_delta_20261118.csv"]
    assert box.pulls(**GMC) == []


def test_a_delta_older_than_the_complete_file_is_skipped_without_a_word(box: Box) -> None:
    box.put("lrmp_full_20261115.csv")
    box.pulls(**GMC)
    box.put("lrmp_delta_20261114.csv")
    result = box.pull(**GMC)
    assert (result.not_modified, result.notes) == (True, ())


def test_a_delta_that_comes_after_a_newer_one_is_passed_over_and_told_of_once(box: Box) -> None:
    box.put("lrmp_full_20261115.csv", "lrmp_delta_20261118.csv")
    box.pulls(**GMC)
    box.put("lrmp_delta_20261117.csv")
    late = box.pull(**GMC)
    assert late.not_modified
    assert "'lrmp_delta_20261117.csv' came after newer files" in late.notes[0]
    assert box.pull(**GMC).notes == ()
    box.put("lrmp_delta_20261116.csv", "lrmp_delta_20261119.csv")
    taken = box.pull(**GMC)
    assert (taken.name, len(taken.notes)) == ("lrmp_delta_20261119.csv", 1)
    assert "20261116" in taken.notes[0]
    assert "20261117" not in taken.notes[0]


def test_a_late_complete_file_does_not_undo_newer_deltas(box: Box) -> None:
    box.put("lrmp_full_20261101.csv", "lrmp_delta_20261118.csv")
    box.pulls(**GMC)
    box.put("lrmp_full_20261115.csv")
    result = box.pull(**GMC)
    assert result.not_modified
    assert "20261115" in result.notes[0]


def test_a_delta_and_a_complete_file_of_one_day_are_both_taken(box: Box) -> None:
    box.put("lrmp_full_20261115.csv", "lrmp_delta_20261115.csv")
    assert box.pulls(**GMC) == ["+lrmp_full_20261115.csv", "-lrmp_delta_20261115.csv"]
    box.put("lrmp_delta_20261116.csv")
    assert box.pulls(**GMC) == ["-lrmp_delta_20261116.csv"]
    box.put("lrmp_full_20261116.csv")
    assert box.pulls(**GMC) == ["+lrmp_full_20261116.csv"]
    assert box.pulls(**GMC) == []


def test_a_file_put_anew_under_its_name_is_taken_again(box: Box) -> None:
    box.put("lrmp_full_20261115.csv", "lrmp_delta_20261116.csv", changed=1_700_000_000)
    box.pulls(**GMC)
    box.put("lrmp_delta_20261116.csv", data=b"corrected")
    assert box.pulls(**GMC) == ["-lrmp_delta_20261116.csv"]


def test_files_that_are_gone_from_the_source_are_forgotten(box: Box) -> None:
    box.put("lrmp_full_20261115.csv", *(f"lrmp_delta_202611{day}.csv" for day in range(16, 22)))
    box.pulls(**GMC)
    for path in box.folder.glob("*delta*"):
        path.unlink()
    box.put("lrmp_delta_20261122.csv")
    assert box.pulls(**GMC) == ["-lrmp_delta_20261122.csv"]
    assert box.previous
    assert len(orjson.loads(box.previous.etag)["ids"]) == 2


def test_a_register_does_not_begin_with_a_delta(box: Box) -> None:
    box.put("lrmp_delta_20261116.csv", "lrmp_delta_20261117.csv")
    with pytest.raises(FeedUnavailableError, match=r"'lrmp_delta_20261116\.csv', .*only deltas"):
        box.pull(**GMC)
    assert box.pulls(**{**GMC, "delta": "*"}) == ["-lrmp_delta_20261116.csv", "-lrmp_delta_20261117.csv"]


# --- NPPES: the whole register each month, what changed each week, and who was deactivated (domain.md 2.1) ---

NPPES = {
    "pick": "each",
    "members": ("npidata_pfile_*[0-9].csv", "NPPES Deactivated NPI Report *.xlsx"),
    "delta": ("*_Weekly*.zip", "*_Deactivated_*.zip"),
    "stamp": "member",
    "stamp_pattern": (rf"-{DATE}\.csv$", rf"Report {DATE}\.xlsx$"),
}
MONDAY = datetime(2026, 11, 9, 12, tzinfo=UTC).timestamp()
DAY = 86_400


def bundle(*members: str) -> bytes:
    with zipfile.ZipFile(packed := io.BytesIO(), "w") as archive:
        for name in members:
            archive.writestr(name, name)
    return packed.getvalue()


def put_bundle(box: Box, name: str, first: str, last: str, day: float) -> None:
    data = f"npidata_pfile_{first}-{last}.csv"
    members = (
        data,
        data.replace(".csv", "_fileheader.csv"),
        f"othername_pfile_{first}-{last}.csv",
        "Readme.pdf",
    )
    box.put(name, data=bundle(*members), changed=MONDAY + day * DAY)


def test_monthly_weekly_and_deactivations_make_one_feed(box: Box) -> None:
    """The monthly file's own name has no day: what orders it is inside."""
    october, weekly = (
        "NPPES_Data_Dissemination_October_2026_V2.zip",
        "NPPES_Data_Dissemination_{}_Weekly_V2.zip",
    )
    november = "NPPES_Data_Dissemination_November_2026_V2.zip"
    put_bundle(box, october, "20050523", "20261011", -28)
    put_bundle(box, weekly.format("102626_110126"), "20261026", "20261101", -7)
    put_bundle(box, november, "20050523", "20261108", 0)
    put_bundle(box, weekly.format("110226_110826"), "20261102", "20261108", 0.1)
    deactivated = "NPPES_Deactivated_NPI_Report_111026_V2.zip"
    box.put(deactivated, data=bundle("NPPES Deactivated NPI Report 20261110.xlsx"), changed=MONDAY + DAY)
    put_bundle(box, weekly.format("110926_111526"), "20261109", "20261115", 7)
    assert box.pulls("*.zip", **NPPES) == [
        "+" + november,
        "-" + weekly.format("110226_110826"),
        "-" + deactivated,
        "-" + weekly.format("110926_111526"),
    ]
    assert box.previous
    assert box.previous.stamp == "2026-11-15T00:00:00Z"
    put_bundle(box, weekly.format("101226_101826"), "20261012", "20261018", 8)
    put_bundle(box, weekly.format("111626_112226"), "20261116", "20261122", 9)
    last = box.pull("*.zip", **NPPES)
    assert (last.name, last.more, last.stamp) == (
        weekly.format("111626_112226"),
        False,
        "2026-11-22T00:00:00Z",
    )
    assert [part.name for part in last.parts] == ["00000-npidata_pfile_20261116-20261122.csv"]
    assert "101226_101826_Weekly_V2.zip' is of 2026-10-18" in last.notes[0]


def test_weekly_files_can_be_ordered_by_the_date_in_their_own_names(box: Box) -> None:
    pattern = r"_(?P<month>\d\d)(?P<day>\d\d)(?P<year>\d\d)_Weekly"
    for name in ("NPPES_110226_110826_Weekly.zip", "NPPES_102626_110126_Weekly.zip"):
        box.put(name, data=bundle("npidata_pfile_1-2.csv"))
    taken = box.pulls("*.zip", pick="each", stamp="name", stamp_pattern=pattern, delta="*")
    assert taken == ["-NPPES_102626_110126_Weekly.zip", "-NPPES_110226_110826_Weekly.zip"]


# --- order, stamps, waiting ---


@pytest.mark.parametrize(
    ("pattern", "name", "stamp"),
    [
        (DATE, "x20261109.csv", "2026-11-09T00:00:00Z"),
        (r"(?P<month>\d\d)(?P<day>\d\d)(?P<year>\d\d)", "110926", "2026-11-09T00:00:00Z"),
        (r"(?P<day>\d+)-(?P<month>[A-Za-z]+)-(?P<year>\d{4})", "9-November-2026", "2026-11-09T00:00:00Z"),
        (r"(?P<day>\d+)-(?P<month>[A-Za-z]+)-(?P<year>\d{4})", "9-sep-2026", "2026-09-09T00:00:00Z"),
        (DATE + r"T(?P<hour>\d\d)(?P<minute>\d\d)?", "20261109T23", "2026-11-09T23:00:00Z"),
        (DATE + r"T(?P<hour>\d\d)(?P<minute>\d\d)?", "20261109T2359", "2026-11-09T23:59:00Z"),
        (("no", DATE), "20261109", "2026-11-09T00:00:00Z"),
    ],
)
def test_dates_in_names_are_read(pattern: str | tuple[str, ...], name: str, stamp: str) -> None:
    assert stamp_of_name(pattern, name) == stamp


@pytest.mark.parametrize("name", ["README.csv", "feed-20261350.csv", "feed-2026.csv"])
def test_a_file_without_a_date_is_told_of_not_left_out(box: Box, name: str) -> None:
    """A renamed file would else look like a source that has stopped."""
    box.put("feed-20261109.csv", name)
    with pytest.raises(FeedUnavailableError, match=r"holds no date.*source\.ignore"):
        box.pull(pick="newest", stamp="name", stamp_pattern=DATE)
    assert (
        box.pull(pick="newest", stamp="name", stamp_pattern=DATE, ignore=name).stamp == "2026-11-09T00:00:00Z"
    )


def test_a_date_in_the_future_is_refused(box: Box) -> None:
    box.put("feed-20991109.csv")
    with pytest.raises(MalformedFeedError, match=r"in the future.*source\.stamp_pattern"):
        box.pull(pick="newest", stamp="name", stamp_pattern=DATE)


def test_the_newest_is_the_one_with_the_newest_date_in_its_name(box: Box) -> None:
    """Copies lose their times of change."""
    box.put("feed-20261109.csv", changed=MONDAY)
    box.put("feed-20261102.csv", changed=MONDAY + 5)
    assert box.pull(pick="newest", stamp="name", stamp_pattern=DATE).name == "feed-20261109.csv"
    assert box.pull(pick="newest").name == "feed-20261102.csv"
    assert box.pull(pick="newest", stamp="mtime").stamp == "2026-11-09T12:00:05Z"


@pytest.mark.parametrize(("mode", "taken"), [("snapshot", ["b.csv"]), ("delta", ["a.csv", "b.csv"])])
def test_without_a_delta_pattern_the_mode_of_the_feed_counts(box: Box, taken: list[str]) -> None:
    """Of whole registers the newest is enough; of deltas none may be left out."""
    box.put("a.csv", "b.csv")
    assert box.pulls(pick="each") == taken
    box.put("d.csv", "c.csv")
    assert box.pulls(pick="each") == ["c.csv", "d.csv"]


def test_without_dates_order_is_that_of_times_of_change(box: Box) -> None:
    for number, name in enumerate(("c.csv", "a.csv", "b.csv")):
        box.put(name, changed=MONDAY + number * 0.5)  # also within one second
    assert box.pulls(pick="each", stamp="mtime", delta="*") == ["-c.csv", "-a.csv", "-b.csv"]


@pytest.mark.parametrize("name", [".feed.csv", "x.csv.part", "x.csv.tmp", "x.csv.filepart"])
def test_files_being_written_are_not_taken(box: Box, name: str) -> None:
    box.put("feed.csv", name)
    assert [part.name for part in box.pull("*").parts] == ["feed.csv"]


def waiting(box: Box, kind: str, *names: str) -> dict[str, Any]:
    """Put files that are not ready yet, by one or the other sign of it."""
    if kind == "settle":
        box.put(*names, changed=time.time() + 3600)
        return {"settle_s": 60.0}
    box.put(*(f"{path.name}.done" for path in box.folder.glob("*.csv")), data=b"")
    box.put(*names)
    return {"done_suffix": ".done"}


@pytest.mark.parametrize("kind", ["settle", "marker"])
def test_what_comes_after_a_file_that_waits_waits_with_it(box: Box, kind: str) -> None:
    box.put("lrmp_full_20261115.csv", "lrmp_delta_20261116.csv", "lrmp_delta_20261118.csv", changed=MONDAY)
    keys = GMC | waiting(box, kind, "lrmp_delta_20261117.csv")
    assert box.pulls(**keys) == ["+lrmp_full_20261115.csv", "-lrmp_delta_20261116.csv"]
    box.put("lrmp_delta_20261117.csv", changed=MONDAY)
    box.put("lrmp_delta_20261117.csv.done", "lrmp_delta_20261118.csv.done")
    assert box.pulls(**keys) == ["-lrmp_delta_20261117.csv", "-lrmp_delta_20261118.csv"]


@pytest.mark.parametrize("kind", ["settle", "marker"])
def test_parts_of_one_export_wait_for_the_last(box: Box, kind: str) -> None:
    box.put("feed-1.csv", changed=MONDAY)
    keys = waiting(box, kind, "feed-2.csv")
    with pytest.raises(FeedUnavailableError, match=r"'feed-2\.csv' may still be being written"):
        box.pull(**keys)
    box.put("feed-2.csv", changed=MONDAY)
    box.put("feed-2.csv.done")
    assert len(box.pull(**keys).parts) == 2


@pytest.mark.parametrize("kind", ["settle", "marker"])
def test_the_newest_that_is_ready_is_taken(box: Box, kind: str) -> None:
    box.put("feed-1.csv", changed=MONDAY)
    keys = waiting(box, kind, "feed-2.csv") | {"pick": "newest"}
    assert box.pull(**keys).name == "feed-1.csv"
    (box.folder / "feed-1.csv").unlink()
    with pytest.raises(FeedUnavailableError, match="may still be being written"):
        box.pull(**keys)


def test_several_patterns_make_one_list(box: Box) -> None:
    box.put("b.csv", "a.txt", "c.xml")
    source = FileSource(path=(str(box.folder / "*.csv"), str(box.folder / "*.txt")))
    assert [part.name for part in box.run(source, None).parts] == ["a.txt", "b.csv"]


@pytest.mark.parametrize("pattern", ["*_delta_*", "**/box/*_delta_*.csv"])
def test_deltas_may_be_named_by_name_or_by_path(box: Box, pattern: str) -> None:
    """A pattern that matches nothing would make a whole register of a delta."""
    box.put("lrmp_full_20261115.csv", "lrmp_delta_20261116.csv")
    assert box.pulls(**GMC | {"delta": pattern}) == ["+lrmp_full_20261115.csv", "-lrmp_delta_20261116.csv"]


def test_a_zip_that_does_not_hold_what_is_looked_for_stops_the_feed(box: Box) -> None:
    box.put("NPPES_Data_Dissemination_November_2026_V2.zip", data=bundle("readme.txt"))
    with pytest.raises(MalformedFeedError, match=r"source\.members"):
        box.pull("*.zip", **NPPES)
