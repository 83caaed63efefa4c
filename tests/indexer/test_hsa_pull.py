"""HSA pulled as it is in service: about the people that HOSP told of, one question each, from the sandbox's HSA."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from indexer.feeds import load_feed
from indexer.feeds.hsa_service import HsaSource
from indexer.feeds.sources import HttpSource
from indexer.pull import Puller, Report
from indexer.sandbox import fixed, hosp, hsa
from indexer.sandbox.hsa import HsaFaults, is_delivered
from indexer.sandbox.model import SwedishPerson
from indexer.sandbox.people import People
from indexer.sandbox.plan import Plan
from indexer.sandbox.server import running
from registry.records import read
from registry.records import tables as t
from registry.settings import CONFIG
from registry.vocabulary import load_vocabulary
from tests.support.world import World

PLAN = Plan(80, seed=4, year=2026)


@dataclass
class Country:
    """A registry with the sandbox's HOSP and HSA behind it."""

    url: str
    world: World
    faults: HsaFaults

    def pull(self, name: str, **source: object) -> Report:
        feed = load_feed(CONFIG / "feeds" / f"{name}.toml")
        if isinstance(feed.source, HsaSource):
            given = {"url": self.url + hsa.CREDENTIALS_PATH, "pause_ms": 0.0, **source}
            feed = replace(feed, source=replace(feed.source, **given))
        else:
            feed = replace(feed, source=HttpSource(url=self.url + hosp.PATH))
        settings = replace(self.world.settings.indexer, retries=0)
        puller = Puller(self.world.engine, self.world.sealer, load_vocabulary(), settings)
        return puller.pull(feed)

    def person(self, number: str) -> read.Practitioner:
        with self.world.engine.connect() as connection:
            (one,) = read.ids_by_personal_number(connection, self.world.sealer, number)
            return read.practitioners(connection, [one])[one]

    def statuses(self, number: str, feed: str = "hsa") -> list[tuple[str, bool]]:
        return [(one.facts.status, one.gone) for one in self.person(number).licences if one.feed_id == feed]


def people() -> list[SwedishPerson]:
    return [person for person in People(PLAN).swedes() if person.number and not person.protected]


@pytest.fixture
def country(small_world: World, tmp_path: Path) -> Iterator[Country]:
    faults = HsaFaults()
    with running(PLAN, tmp_path / "registers", hsa_faults=faults) as url:
        yield Country(url, small_world, faults)


def test_each_person_of_hosp_is_asked_about_and_the_records_meet(country: Country) -> None:
    assert country.pull("hosp").state == "succeeded"
    before = country.world.count(t.practitioner)
    report = country.pull("hsa")
    delivered = [person for person in people() if is_delivered(person)]
    assert (report.state, report.error) == ("succeeded", "")
    assert report.counts.added == len(delivered)
    assert country.world.count(t.practitioner) == before, "every record joined the person it is about"
    assert country.statuses(fixed.REVOKED_PHYSICIAN_NUMBER) == [("revoked", False)]
    assert country.statuses(fixed.ACTIVE_NURSE_NUMBER) == [("active", False)]
    assert country.statuses(fixed.PHYSICIAN_ON_PROBATION_NUMBER) == [("restricted", False)]


def test_no_personal_number_stands_plain_anywhere(country: Country) -> None:
    country.pull("hosp")
    country.faults.set("other-person")
    country.pull("hsa")
    country.faults.set(None)
    country.pull("hsa")
    numbers = [person.number for person in people()]
    with country.world.engine.connect() as connection:
        keys = list(
            connection.scalars(sa.select(t.source_record.c.key).where(t.source_record.c.feed_id == "hsa"))
        )
        for table in t.metadata.sorted_tables:
            told = repr([tuple(row) for row in connection.execute(sa.select(table))])
            assert not [number for number in numbers if number in told], table.name
    assert len(keys) > 20


def test_nobody_is_asked_about_again_until_hsa_has_news(country: Country) -> None:
    country.pull("hosp")
    first = country.pull("hsa")
    country.faults.questions.clear()
    second = country.pull("hsa")
    asked = len(country.faults.questions)
    httpx.post(f"{country.url}/_sandbox/day").raise_for_status()
    third = country.pull("hsa")
    assert (first.state, second.state, third.state) == ("succeeded", "unchanged", "succeeded")
    assert asked == 1
    assert second.stamp == first.stamp
    assert third.counts.changed >= 1
    assert country.statuses(fixed.REVOKED_ON_DAY_1_NUMBER) == [("revoked", False)]


def test_a_service_that_has_forgotten_everybody_changes_nothing_before_a_person_has_looked(
    country: Country,
) -> None:
    country.pull("hosp")
    country.pull("hsa")
    httpx.post(f"{country.url}/_sandbox/day").raise_for_status()
    country.faults.set("empty")
    report = country.pull("hsa")
    assert report.state == "held"
    assert report.counts.removed == 0
    assert country.statuses(fixed.ACTIVE_NURSE_NUMBER) == [("active", False)]


def test_a_service_that_breaks_off_leaves_what_stood(country: Country) -> None:
    country.pull("hosp")
    country.pull("hsa")
    httpx.post(f"{country.url}/_sandbox/day").raise_for_status()
    country.faults.set("soap-fault")
    report = country.pull("hsa", max_failures=2)
    assert report.state == "failed"
    assert "no answer about 2 people in a row" in report.error
    assert country.statuses(fixed.ACTIVE_NURSE_NUMBER) == [("active", False)]
    country.faults.set(None)
    assert country.pull("hsa").state == "succeeded"


def test_an_invented_person_never_enters_a_real_registry(country: Country, tmp_path: Path) -> None:
    listed = tmp_path / "people"
    listed.write_text(f"{hsa.FEIGNED_NUMBER}\n{fixed.ACTIVE_NURSE_NUMBER}\n")
    country.world.settings = replace(
        country.world.settings, indexer=replace(country.world.settings.indexer, refuse_test_people=True)
    )
    report = country.pull("hsa", subjects=str(listed))
    assert report.counts.test_people >= 1
    with country.world.engine.connect() as connection:
        assert read.ids_by_personal_number(connection, country.world.sealer, hsa.FEIGNED_NUMBER) == []
