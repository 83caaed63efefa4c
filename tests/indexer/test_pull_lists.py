"""Lists in Excel and CSV pulled by the real loader. The people are invented; their numbers are Skatteverket's test numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from indexer.feeds import FeedDescriptor, load_feed
from indexer.feeds.sources import FileSource
from indexer.pull import Puller, Report
from registry.records import read
from registry.records import tables as t
from registry.settings import CONFIG
from registry.vocabulary import load_vocabulary
from tests.indexer.feeds.test_shipped_lists import DOCTOR, TEACHER, TEACHER_HEADER, doctors
from tests.indexer.feeds.workbooks import xlsx
from tests.support.world import World

NUMBER = "198001019804"
TITLE = ["Utdrag ur lärar- och förskollärarregistret"]


@dataclass
class Office:
    """A registry, and the folder where someone puts lists."""

    world: World
    folder: Path

    def pull(self, name: str, data: bytes) -> Report:
        path = self.folder / f"{name}-{len(list(self.folder.iterdir()))}"
        path.write_bytes(data)
        shipped = load_feed(CONFIG / "feeds" / f"{name}.toml")
        feed: FeedDescriptor = replace(shipped, source=FileSource(path=str(path)))
        return Puller(
            self.world.engine, self.world.sealer, load_vocabulary(), self.world.settings.indexer
        ).pull(feed)

    def person(self, number: str = NUMBER) -> read.Practitioner:
        with self.world.engine.connect() as connection:
            (one,) = read.ids_by_personal_number(connection, self.world.sealer, number)
            return read.practitioners(connection, [one])[one]

    def everything(self) -> str:
        """Return all that stands in any table."""
        with self.world.engine.connect() as connection:
            return "\n".join(
                repr(tuple(row))
                for table in t.metadata.sorted_tables
                for row in connection.execute(sa.select(table))
            )


@pytest.fixture
def office(small_world: World, tmp_path: Path) -> Office:
    folder = tmp_path / "lists"
    folder.mkdir()
    return Office(small_world, folder)


def teachers(*rows: Sequence[object]) -> bytes:
    return xlsx(TITLE, TEACHER_HEADER, *rows, ["Totalt"])


PRESCHOOL = [*TEACHER[:3], "Förskollärarlegitimation", *TEACHER[4:]]


def test_the_rows_of_one_person_meet_by_the_personal_number(office: Office) -> None:
    report = office.pull("skolverket", teachers(TEACHER, PRESCHOOL))
    assert (report.state, report.error, report.counts.added) == ("succeeded", "", 2)
    assert office.world.count(t.practitioner) == 1
    professions = sorted(licence.facts.profession for licence in office.person().licences)
    assert professions == ["preschool-teacher", "teacher"]


def test_no_personal_number_stands_plain_in_any_table(office: Office) -> None:
    broken = ["19800101-9803", *TEACHER[1:]]
    report = office.pull("skolverket", teachers(TEACHER, broken, [None, *TEACHER[1:]]))
    assert (report.counts.added, report.counts.quarantined) == (1, 2)
    everything = office.everything()
    assert "Öberg" in everything
    assert not any(
        number in everything for number in ("19800101", "198001019804", "800101-980", "8001019804", "9803")
    )


def test_a_list_that_says_the_same_changes_nothing(office: Office) -> None:
    office.pull("skolverket", teachers(TEACHER, PRESCHOOL))
    before = office.world.count(t.source_record_version)
    # The same list with its columns turned round, and the number without its hyphen.
    plain = [NUMBER, *TEACHER[1:]]
    turned = xlsx(TEACHER_HEADER[::-1], plain[::-1], PRESCHOOL[::-1])
    report = office.pull("skolverket", turned)
    assert report.state in {"succeeded", "unchanged"}
    assert (report.counts.added, report.counts.removed) == (0, 0)
    assert len(office.person().licences) == 2
    assert office.world.count(t.source_record_version) - before <= 1


def test_an_extract_about_others_takes_nobody_away(office: Office) -> None:
    office.pull("skolverket", teachers(TEACHER, PRESCHOOL))
    other = ["19700101-9806", "Lind", "Bo", *TEACHER[3:]]
    report = office.pull("skolverket", teachers(other))
    assert (report.counts.added, report.counts.removed) == (1, 0)
    assert not any(licence.gone for licence in office.person().licences)


def test_a_changed_status_is_found_whatever_else_stands_still(office: Office) -> None:
    assert office.pull("gmc", doctors({}, {"GMC Ref No": "7654321"}).encode()).counts.added == 2
    report = office.pull(
        "gmc", doctors({}, {"GMC Ref No": "7654321", "Registration Status": "Suspended"}).encode()
    )
    assert (report.counts.changed, report.counts.unchanged) == (1, 1)
    with office.world.engine.connect() as connection:
        rows = connection.execute(sa.select(t.licence.c.number, t.licence.c.status)).all()
    assert {row.number: row.status for row in rows} == {
        DOCTOR["GMC Ref No"]: "active",
        "7654321": "suspended",
    }
