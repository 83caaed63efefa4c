"""A real FHIR server as a feed: everything once, then what has changed, deletions and all, on each database."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from indexer.feeds import FeedDescriptor, load_feed
from indexer.feeds.fhir_sources import FhirHistorySource, FhirSearchSource
from indexer.feeds.options import FhirOptions
from indexer.pull import Puller, Report
from registry.identifiers import HSA_ID
from registry.records import read
from registry.records import tables as t
from registry.settings import CONFIG
from registry.vocabulary import load_vocabulary
from tests.services.fhir_server import FhirServer
from tests.support.world import World

HOSP = "urn:oid:1.2.752.116.3.1.3"
SIZE = 12
PAGE = 5


class Nurses:
    """The server as its operator and the registry see it."""

    def __init__(self, server: FhirServer, world: World) -> None:
        self.url = server.url
        self._world = world

    def put(self, key: str, family: str = "Doe", *, active: bool = True, **more: Any) -> None:  # noqa: ANN401
        """Write a nurse."""
        resource = {
            "resourceType": "Practitioner",
            "id": key,
            "active": active,
            "identifier": [{"system": HSA_ID, "value": f"SE1-{key}"}],
            "name": [{"use": "official", "family": family, "given": ["Åsa"]}],
            "qualification": [{"code": {"coding": [{"system": HOSP, "code": "SJ"}]}}],
            **more,
        }
        self._ask("PUT", f"Practitioner/{key}", resource)

    def put_role(self, key: str) -> None:
        """Write what a nurse does where."""
        practitioner = {"reference": f"Practitioner/{key}"}
        resource = {"resourceType": "PractitionerRole", "id": key, "practitioner": practitioner}
        self._ask("PUT", f"PractitionerRole/{key}", resource)

    def delete(self, key: str) -> None:
        self._ask("DELETE", f"Practitioner/{key}", None)

    def _ask(self, method: str, path: str, resource: dict[str, Any] | None) -> None:
        headers = {"Content-Type": "application/fhir+json"}
        httpx.request(
            method, f"{self.url}/{path}", json=resource, headers=headers, trust_env=False
        ).raise_for_status()
        # The server's times are in milliseconds; what happens next happens later.
        time.sleep(0.002)

    def pull(self, feed: FeedDescriptor, *, full: bool = False) -> Report:
        puller = Puller(
            engine=self._world.engine,
            sealer=self._world.sealer,
            vocabulary=load_vocabulary(),
            settings=self._world.settings.indexer,
            full=full,
        )
        report = puller.pull(feed)
        time.sleep(0.002)
        return report

    def known(self) -> dict[str, tuple[str, str, bool]]:
        """Return family name, status and whether the record is gone, by the record's key."""
        record = t.source_record
        with self._world.engine.connect() as connection:
            keys = {row.practitioner_id: row.key for row in connection.execute(record.select())}
            people = read.practitioners(connection, list(keys))
        found: dict[str, tuple[str, str, bool]] = {}
        for number, person in people.items():
            (licence,) = person.licences
            found[keys[number]] = (person.names[0].family, licence.facts.status, licence.gone)
        return found

    def versions(self) -> int:
        """Count what the registry has written about licences, ever."""
        return self._world.count(t.licence_version)


@pytest.fixture
def directory(fhir_server: FhirServer, world: World) -> Nurses:
    """A dozen nurses, and a role that is no nurse."""
    return filled(Nurses(fhir_server, world))


@pytest.fixture
def small_directory(fhir_server: FhirServer, small_world: World) -> Nurses:
    """The same before a registry on SQLite only: for what does not depend on the database."""
    return filled(Nurses(fhir_server, small_world))


def filled(directory: Nurses) -> Nurses:
    for number in range(1, SIZE + 1):
        directory.put(f"p{number}", f"Family{number}")
    directory.put_role("p1")
    return directory


def shipped(**options: object) -> FeedDescriptor:
    feed = load_feed(CONFIG / "feeds" / "fhir-directory.toml")
    assert isinstance(feed.source, FhirHistorySource)
    assert isinstance(feed.options, FhirOptions)
    return replace(feed, options=replace(feed.options, status_from="active", **options))


def by_history(directory: Nurses, **keys: object) -> FeedDescriptor:
    """The shipped feed file with this server's address; two pulls don't overlap, so that what is read can be counted."""
    feed = shipped()
    source = {"url": f"{directory.url}/Practitioner", "page_size": PAGE, "overlap_s": 0.0, **keys}
    return replace(feed, source=replace(feed.source, **source))


def by_search(directory: Nurses, **keys: object) -> FeedDescriptor:
    source = FhirSearchSource(url=f"{directory.url}/Practitioner", page_size=PAGE, overlap_s=0.0)
    return replace(shipped(), source=replace(source, **keys))


Make = Callable[..., FeedDescriptor]


@pytest.mark.parametrize("make", [by_history, by_search])
def test_a_first_pull_reads_every_practitioner_and_no_role(small_directory: Nurses, make: Make) -> None:
    report = small_directory.pull(make(small_directory))
    assert (report.state, report.counts.read, report.counts.added) == ("succeeded", SIZE, SIZE), report
    known = small_directory.known()
    assert len(known) == SIZE
    assert known["p7"] == ("Family7", "active", False)
    assert report.stamp


def test_the_history_tells_of_changes_deletions_and_returns(directory: Nurses) -> None:
    feed = by_history(directory)
    directory.pull(feed)

    directory.put("p2", "Gift", active=False)
    report = directory.pull(feed)
    assert (report.state, report.counts.read, report.counts.changed) == ("succeeded", 1, 1), report
    assert directory.known()["p2"] == ("Gift", "lapsed", False)

    directory.delete("p3")
    report = directory.pull(feed)
    assert (report.state, report.counts.removed) == ("succeeded", 1), report
    known = directory.known()
    assert known["p3"] == ("Family3", "active", True)
    assert sum(gone for _, _, gone in known.values()) == 1

    directory.put("p3", "Family3")
    report = directory.pull(feed)
    assert (report.state, report.counts.read) == ("succeeded", 1), report
    assert directory.known()["p3"] == ("Family3", "active", False)
    assert len(directory.known()) == SIZE


def test_of_two_changes_between_two_pulls_the_last_counts(small_directory: Nurses) -> None:
    feed = by_history(small_directory, page_size=1)
    small_directory.pull(feed)
    small_directory.put("p4", "First")
    small_directory.put("p4", "Second")
    report = small_directory.pull(feed)
    assert (report.counts.read, report.counts.changed, report.counts.duplicates) == (1, 1, 0), report
    assert small_directory.known()["p4"][0] == "Second"


def test_one_made_and_deleted_between_two_pulls_leaves_nothing(small_directory: Nurses) -> None:
    feed = by_history(small_directory)
    small_directory.pull(feed)
    before = small_directory.versions()
    small_directory.put("new", "Brief")
    small_directory.delete("new")
    small_directory.delete("p5")
    small_directory.put("p5", "Family5")
    report = small_directory.pull(feed)
    assert report.state in ("succeeded", "unchanged"), report
    assert (report.counts.added, report.counts.removed) == (0, 0)
    assert set(small_directory.known()) == {f"p{number}" for number in range(1, SIZE + 1)}
    assert small_directory.known()["p5"] == ("Family5", "active", False)
    assert small_directory.versions() == before


def test_a_pull_with_nothing_new_transfers_and_writes_nothing(directory: Nurses) -> None:
    feed = by_history(directory)
    directory.pull(feed)
    before = directory.versions()
    for _ in range(2):
        report = directory.pull(feed)
        assert (report.state in ("succeeded", "unchanged"), report.counts.read) == (True, 0), report
    assert directory.versions() == before
    directory.put("p6", "Late")
    assert directory.pull(feed).counts.read == 1
    assert directory.known()["p6"][0] == "Late"


def test_what_is_read_twice_for_safety_is_written_once(small_directory: Nurses) -> None:
    feed = by_history(small_directory, overlap_s=3600.0)
    small_directory.pull(feed)
    small_directory.put("p8", "Changed")
    small_directory.pull(feed)
    before = small_directory.versions()
    report = small_directory.pull(feed)
    assert report.state in ("succeeded", "unchanged"), report
    assert (report.counts.changed, report.counts.added, report.counts.removed) == (0, 0, 0)
    assert small_directory.versions() == before
    assert len(small_directory.known()) == SIZE


@pytest.mark.parametrize("make", [by_history, by_search])
def test_a_full_read_finds_what_no_history_told(directory: Nurses, make: Make) -> None:
    """A server may have lost its history, or have none: what a whole read no longer holds is gone."""
    feed = make(directory)
    directory.pull(feed)
    directory.delete("p9")
    report = directory.pull(feed, full=True)
    assert (report.state, report.counts.read, report.counts.removed) == ("succeeded", SIZE - 1, 1), report
    assert directory.known()["p9"][2] is True


def test_a_search_for_changes_transfers_only_those_and_deletes_nothing(small_directory: Nurses) -> None:
    feed = by_search(small_directory, changes_only=True)
    small_directory.pull(feed)
    small_directory.put("p10", "Changed")
    small_directory.delete("p11")
    report = small_directory.pull(feed)
    assert (report.state, report.counts.read, report.counts.removed) == ("succeeded", 1, 0), report
    known = small_directory.known()
    assert (known["p10"][0], known["p11"][2]) == ("Changed", False)
    assert (
        small_directory.pull(replace(feed, source=replace(feed.source, changes_only=False))).counts.removed
        == 1
    )


def test_an_old_identifier_of_another_record_joins_the_two(directory: Nurses, world: World) -> None:
    """As registers write a merged duplicate: one record is deleted, the other names its number as old."""
    feed = by_history(directory)
    directory.pull(feed)
    numbers = [{"system": HSA_ID, "value": "SE1-p1"}, {"use": "old", "system": HSA_ID, "value": "SE1-p2"}]
    directory.put("p1", "Family1", identifier=numbers)
    directory.delete("p2")
    assert directory.pull(feed).state == "succeeded"
    assert world.count(t.practitioner, t.practitioner.c.merged_into_id.is_not(None)) == 1
    assert world.count(t.practitioner_join) == 1


def test_the_shipped_feed_file_believes_no_status(small_directory: Nurses) -> None:
    options = load_feed(CONFIG / "feeds" / "fhir-directory.toml").options
    small_directory.pull(replace(by_history(small_directory), options=options))
    assert {status for _, status, _ in small_directory.known().values()} == {"unknown"}


def test_a_server_that_is_gone_leaves_what_stands(small_directory: Nurses, tmp_path: Path) -> None:
    feed = by_history(small_directory)
    small_directory.pull(feed)
    report = small_directory.pull(
        replace(feed, source=replace(feed.source, url=f"{small_directory.url}/no/Practitioner"))
    )
    assert (report.state, report.counts.removed) == ("failed", 0)
    assert len(small_directory.known()) == SIZE
