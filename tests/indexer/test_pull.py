"""Pulling the three authorities' feeds over HTTP, in their real formats."""

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from indexer.lock import BusyError, only_one
from registry.database import writing
from registry.records import read
from registry.records import tables as t
from tests.support.authorities import Authorities, authorities
from tests.support.world import KEYS, World

SWEDISH, WASHINGTON, DIRECTORY = "hosp", "washington", "nppes-fhir"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Authorities]:
    with authorities(tmp_path) as found:
        yield found


def everything(world: World) -> dict[str, int]:
    return {table.name: world.count(table) for table in t.metadata.sorted_tables if table.name != "feed_run"}


def runs(world: World) -> list[str]:
    with world.engine.connect() as connection:
        return list(connection.scalars(sa.select(t.feed_run.c.state).order_by(t.feed_run.c.id)))


def test_every_feed_arrives_and_bad_rows_are_told(world: World, served: Authorities) -> None:
    reports = served.pull(world)

    assert {report.state for report in reports.values()} == {"succeeded"}
    for report in reports.values():
        assert report.counts.read == report.counts.added + report.counts.quarantined
        assert report.counts.quarantined > 0
    assert world.count(t.source_record) == sum(report.counts.added for report in reports.values())
    assert world.count(t.quarantined_record) == sum(report.counts.quarantined for report in reports.values())


def test_a_second_pull_adds_nothing_whether_or_not_the_feed_says_so(
    world: World, served: Authorities
) -> None:
    served.pull(world)
    before = everything(world)
    again = served.pull(world)
    compared = served.pull(world, full=True)

    assert {report.state for report in again.values()} == {"unchanged"}
    for report in compared.values():
        assert (report.counts.added, report.counts.changed, report.counts.removed) == (0, 0, 0)
        assert report.counts.unchanged == report.counts.read - report.counts.quarantined
    after = everything(world)
    assert after.pop("quarantined_record") == 2 * before.pop("quarantined_record")
    assert after == before


def test_the_next_day_changes_only_what_changed(small_world: World, tmp_path: Path) -> None:
    with authorities(tmp_path, size=2000) as served:
        served.pull(small_world)
        versions = small_world.count(t.licence_version)
        served.next_day()
        reports = served.pull(small_world)

    changed = sum(
        report.counts.changed + report.counts.added + report.counts.removed for report in reports.values()
    )
    unchanged = sum(report.counts.unchanged for report in reports.values())
    assert 0 < changed < 0.1 * unchanged
    assert 0 < small_world.count(t.licence_version) - versions < 0.2 * versions


@pytest.mark.parametrize("fault", ["truncated", "aborted", "empty", "blank", "wrong-type"])
def test_a_feed_that_answers_badly_changes_nothing(
    small_world: World, served: Authorities, fault: str
) -> None:
    impatient(small_world)
    served.pull(small_world)
    before = everything(small_world)
    served.next_day()
    for authority in ("hosp", "washington", "fhir"):
        served.faults.set(authority, fault)
    reports = served.pull(small_world)
    served.faults.clear()

    assert {report.state for report in reports.values()} == {"failed"}
    assert all(report.error for report in reports.values())
    assert {
        name: count for name, count in everything(small_world).items() if name != "quarantined_record"
    } == {name: count for name, count in before.items() if name != "quarantined_record"}
    assert {report.state for report in served.pull(small_world).values()} == {"succeeded"}


def impatient(world: World) -> None:
    """Do not wait for an authority that will not answer better."""
    indexer = msgspec.structs.replace(world.settings.indexer, retries=0)
    world.settings = msgspec.structs.replace(world.settings, indexer=indexer)


def test_an_older_file_changes_nothing_when_it_arrives_later(small_world: World, served: Authorities) -> None:
    served.pull(small_world, SWEDISH)
    before = everything(small_world)
    with writing(small_world.engine).begin() as connection:
        connection.execute(sa.update(t.feed_run).values(stamp="2999-01-01T00:00:00Z"))
    report = served.pull(small_world, SWEDISH, full=True)[SWEDISH]

    assert report.state == "failed"
    assert "older than the 2999-01-01" in report.error
    assert everything(small_world) == before


def test_a_feed_is_pulled_by_one_process_at_a_time(world: World, served: Authorities) -> None:
    with only_one(world.engine, f"pull:{SWEDISH}"), pytest.raises(BusyError, match="running already"):
        served.pull(world, SWEDISH)

    assert served.pull(world, SWEDISH)[SWEDISH].state == "succeeded"


def test_a_pull_that_is_killed_leaves_the_last_good_state_and_the_next_heals(
    small_world: World, tmp_path: Path
) -> None:
    with authorities(tmp_path, size=4000) as served:
        served.pull(small_world, WASHINGTON)
        before = everything(small_world)
        code = textwrap.dedent(
            """
            import os, signal
            import indexer.load
            write = indexer.load.Writer.write
            def killed(self, changes):
                write(self, changes)
                os.kill(os.getpid(), signal.SIGKILL)
            indexer.load.Writer.write = killed
            from indexer.cli import main
            main(["pull", "hosp"])
            """
        )
        environ = {
            **os.environ,
            **KEYS,
            "REGISTRY_SERVICE__SANDBOX": "true",
            "REGISTRY_DATABASE__URL": small_world.settings.database.url,
            "REGISTRY_FEEDS_DIR": str(tmp_path / "feeds"),
        }
        done = subprocess.run([sys.executable, "-c", code], env=environ, check=False)
        after = everything(small_world)
        healed = served.pull(small_world, SWEDISH)[SWEDISH]

    assert done.returncode == -signal.SIGKILL
    assert {k: v for k, v in after.items() if k not in {"feed", "authority"}} == {
        k: v for k, v in before.items() if k not in {"feed", "authority"}
    }
    assert healed.state == "succeeded"
    assert runs(small_world) == ["succeeded", "abandoned", "succeeded"]


def test_feeds_tell_when_they_last_went_well(small_world: World, served: Authorities) -> None:
    served.pull(small_world, SWEDISH)
    served.pull(small_world, SWEDISH)

    with small_world.engine.connect() as connection:
        feed = read.feeds(connection)[SWEDISH]
    assert feed.last_run_state == "unchanged"
    assert feed.last_success_stamp is not None


def test_two_authorities_records_about_one_person_meet_by_an_exact_number_only(
    small_world: World, served: Authorities
) -> None:
    served.pull(small_world)

    with small_world.engine.connect() as connection:
        shared = connection.scalar(
            sa.select(sa.func.count()).select_from(
                sa.select(t.source_record.c.practitioner_id)
                .group_by(t.source_record.c.practitioner_id)
                .having(sa.func.count(sa.distinct(t.source_record.c.feed_id)) > 1)
                .subquery()
            )
        )
    assert shared is not None
    assert shared >= 1
    assert small_world.count(t.practitioner) < small_world.count(t.source_record)
