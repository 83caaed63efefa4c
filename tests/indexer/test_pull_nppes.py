"""NPPES from its three kinds of file and from its API, through the real loader into SQL truth."""

import os
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from indexer.feeds import FeedDescriptor, load_feed
from indexer.feeds.npi_registry_source import NpiRegistrySource
from indexer.pull import Puller, Report
from indexer.sandbox.npi_registry import NpiRegistry, running
from indexer.sandbox.nppes import write_bundle, write_deactivations, write_monthly, write_weekly
from indexer.sandbox.nppes_people import NppesPeople, sunday
from registry.records import tables as t
from registry.settings import CONFIG
from registry.vocabulary import load_vocabulary
from tests.indexer.feeds.nppes_text import ENTITY, FIRST, LAST, NPIS, slot, text
from tests.support.world import World

SIZE = 300


@dataclass
class Folder:
    """Where CMS's files are put, and the shipped feed that reads them."""

    path: Path
    world: World
    files: int = 0

    def put(self, name: str, *members: Path) -> None:
        """Put a zip file there, each newer than the one before."""
        self.files += 1
        target = self.path / name
        if len(members) == 1 and members[0].suffix == ".csv":
            write_bundle(target, members[0])
        else:
            with zipfile.ZipFile(target, "w") as packed:
                for member in members:
                    packed.write(member, member.name)
        os.utime(target, (1_790_000_000 + self.files, 1_790_000_000 + self.files))

    def monthly(self, week: int = 0) -> None:
        path = write_monthly(self.path / "w", SIZE, week=week)
        self.put(f"NPPES_Data_Dissemination_{sunday(week):%B_%Y}_V2.zip", path)

    def weekly(self, week: int) -> None:
        path = write_weekly(self.path / "w", SIZE, week=week)
        self.put(
            f"NPPES_Data_Dissemination_{sunday(week - 1):%m%d%y}_{sunday(week):%m%d%y}_Weekly_V2.zip", path
        )

    def report(self, week: int) -> None:
        path = write_deactivations(self.path / "w", SIZE, week=week)
        self.put(f"NPPES_Deactivated_NPI_Report_{sunday(week):%m%d%y}_V2.zip", path)

    def person_file(self, name: str, day: str, *rows: dict[str, str]) -> None:
        member = self.path / f"npidata_pfile_20050523-{day}.csv"
        member.write_text(text(*rows))
        self.put(name, member)

    @property
    def feed(self) -> FeedDescriptor:
        feed = load_feed(CONFIG / "feeds" / "nppes.toml")
        patterns = tuple(str(self.path / Path(pattern).name) for pattern in feed.source.path)  # type: ignore[attr-defined]
        return replace(feed, source=replace(feed.source, path=patterns, settle_s=0.0))

    def pull(self) -> list[Report]:
        return puller(self.world).pull_all(self.feed)


def puller(world: World) -> Puller:
    return Puller(
        engine=world.engine,
        sealer=world.sealer,
        vocabulary=load_vocabulary(),
        settings=world.settings.indexer,
    )


@pytest.fixture
def folder(small_world: World, tmp_path: Path) -> Folder:
    path = tmp_path / "nppes"
    path.mkdir()
    return Folder(path, small_world)


def state(world: World) -> list[tuple[object, ...]]:
    """Every licence as it stands: number of the person, key, status and last day."""
    with world.engine.connect() as connection:
        record, licence = t.source_record, t.licence
        return sorted(
            tuple(row)
            for row in connection.execute(
                sa.select(
                    record.c.key, licence.c.key, licence.c.status, licence.c.raw_status, licence.c.valid_to
                ).join_from(record, licence, licence.c.source_record_id == record.c.id)
            )
        )


def test_the_full_file_the_weekly_ones_and_the_report_follow_each_other(folder: Folder) -> None:
    folder.monthly()
    folder.report(0)
    folder.weekly(1)
    folder.weekly(2)
    reports = folder.pull()
    assert [(report.state, report.error) for report in reports] == [("succeeded", "")] * 4
    first, report, *weekly = (report.counts for report in reports)
    assert first.added == SIZE
    # All but replaced numbers, whose new number the report does not tell.
    assert report.unchanged >= report.read - 2
    assert all(0 < week.added + week.changed < SIZE * 0.1 for week in weekly)
    assert all(counts.removed == 0 for counts in (report, *weekly))
    before = state(folder.world)

    folder.monthly(2)
    (full,) = folder.pull()
    assert full.counts.added == full.counts.removed == 0
    assert full.counts.changed <= 2
    assert state(folder.world) == before


def test_unpacked_files_are_put_in_order_by_their_names(folder: Folder) -> None:
    """As docs/feeds.md shows it: the full file is the one that begins in 2005."""
    for path in (
        write_weekly(folder.path, SIZE, week=2),
        write_deactivations(folder.path, SIZE, week=1),
        write_weekly(folder.path, SIZE, week=1),
        write_monthly(folder.path, SIZE),
    ):
        assert path.exists()
    source = replace(
        folder.feed.source,
        path=(
            str(folder.path / "npidata_pfile_*[0-9].csv"),
            str(folder.path / "*Deactivated NPI Report*.xlsx"),
        ),
        delta=("npidata_pfile_20[!0]*", "*Deactivated NPI Report*"),
        stamp="name",
        unpack="no",
        members=(),
    )
    reports = puller(folder.world).pull_all(replace(folder.feed, source=source))
    assert [(report.state, report.error) for report in reports] == [("succeeded", "")] * 4
    assert [report.stamp for report in reports] == [
        f"{sunday(week):%Y-%m-%d}T00:00:00Z" for week in (0, 1, 1, 2)
    ]
    assert [report.counts.removed for report in reports] == [0] * 4


def test_a_weekly_file_never_removes_anyone(folder: Folder) -> None:
    folder.monthly()
    folder.pull()
    standing = folder.world.count(t.source_record, t.source_record.c.gone_run_id.is_(None))
    folder.weekly(1)
    (report,) = folder.pull()
    assert report.counts.read < standing
    assert folder.world.count(t.source_record, t.source_record.c.gone_run_id.is_(None)) >= standing


PERSON = {"NPI": NPIS[0], ENTITY: "1", LAST: "KETCHAM", FIRST: "JENNIFER", **slot(1, "163W00000X", "7", "GA")}


def test_a_deactivated_number_keeps_its_history_and_is_shown_as_such(folder: Folder) -> None:
    """F18: all that is left is the number and the day; who the person was is known from before."""
    folder.person_file("NPPES_Data_Dissemination_May_2026_V2.zip", "20260510", PERSON)
    folder.pull()
    folder.person_file(
        "NPPES_Data_Dissemination_051126_051726_Weekly_V2.zip",
        "20260517",
        {"NPI": NPIS[0], "NPI Deactivation Date": "05/12/2026"},
    )
    (report,) = folder.pull()
    assert (report.state, report.counts.changed) == ("succeeded", 1)
    assert state(folder.world) == [(NPIS[0], "US-GA|7", "lapsed", "NPI deactivated 2026-05-12", "2026-05-12")]
    with folder.world.engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(t.licence_version)) == 2
        names = connection.scalars(sa.select(t.practitioner_name.c.family)).all()
    assert list(names) == ["KETCHAM"]

    folder.person_file(
        "NPPES_Data_Dissemination_051826_052426_Weekly_V2.zip",
        "20260524",
        {**PERSON, "NPI Deactivation Date": "05/12/2026", "NPI Reactivation Date": "05/20/2026"},
    )
    (report,) = folder.pull()
    assert report.state == "succeeded"
    assert [(row[2], row[4]) for row in state(folder.world)] == [("unknown", None)]


def test_a_replaced_number_leads_to_the_person_under_the_new_one(folder: Folder) -> None:
    new = {**PERSON, "NPI": NPIS[1]}
    old = {"NPI": NPIS[0], "NPI Deactivation Date": "05/12/2026", "Replacement NPI": NPIS[1]}
    folder.person_file("NPPES_Data_Dissemination_May_2026_V2.zip", "20260510", new, old)
    (report,) = folder.pull()
    assert (report.state, report.counts.added) == ("succeeded", 2)
    with folder.world.engine.connect() as connection:
        people = connection.scalars(sa.select(t.source_record.c.practitioner_id)).all()
    assert len(people) == 2
    assert len(set(people)) == 1


def test_the_registry_s_answers_join_the_files_on_the_number(folder: Folder) -> None:
    folder.monthly()
    folder.pull()
    people = folder.world.count(t.practitioner)
    registry = NpiRegistry(list(NppesPeople(SIZE).in_week(0)))
    shipped = load_feed(CONFIG / "feeds" / "npi-registry.toml")
    with running(registry) as url:
        source = NpiRegistrySource(url=url, queries=({"state": "NE", "country_code": "US"},), pause_ms=0)
        report = puller(folder.world).pull(replace(shipped, source=source))
    assert report.state == "succeeded"
    assert report.counts.added > 3
    assert folder.world.count(t.practitioner) == people

    with running(NpiRegistry([])) as url:
        report = puller(folder.world).pull(replace(shipped, source=replace(source, url=url)))
    assert report.counts.removed == 0
    assert report.state == "succeeded"
