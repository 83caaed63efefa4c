"""Test and dummy people never enter a register, whatever feed they come with."""

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from indexer.load import Counts
from indexer.testpeople import EVERYBODY, TestPeople, load_test_people
from registry.errors import SettingsError
from registry.identifiers import COORDINATION_NUMBER, NPI, PERSONAL_IDENTITY_NUMBER
from registry.records import tables as t
from registry.records.facts import IdentifierFacts, PersonFacts
from registry.settings import load_settings
from tests.support.facts_feed import FactsFeed
from tests.support.world import KEYS, World, licence, person

PUBLISHED = load_test_people(load_settings(KEYS).indexer)


def known_by(system: str, value: str) -> PersonFacts:
    return person("Ek", "Liv", identifiers=[IdentifierFacts(system=system, value=value)])


@pytest.mark.parametrize(
    ("facts", "refused"),
    [
        (known_by(PERSONAL_IDENTITY_NUMBER, "199001019802"), True),
        (known_by(PERSONAL_IDENTITY_NUMBER, "199001019901"), True),
        (known_by(PERSONAL_IDENTITY_NUMBER, "199001019703"), False),
        (known_by(PERSONAL_IDENTITY_NUMBER, "191212121212"), True),
        (known_by(COORDINATION_NUMBER, "199001619804"), True),
        (known_by(NPI, "199001019802"), False),
        (person("Dansk", "Test", licences=[licence("09YM8")]), True),
        (person("Dansk", "Riktig", licences=[licence("09YM7")]), False),
        (person("Ek", "Liv", feigned=True), True),
        (person("Ek", "Liv"), False),
    ],
)
def test_published_test_numbers_and_the_authoritys_own_mark_are_known(
    facts: PersonFacts, refused: bool
) -> None:
    assert bool(PUBLISHED.reason(facts, "key")) == refused
    assert EVERYBODY.reason(facts, "key") == ""


def test_a_records_own_key_may_be_listed() -> None:
    import re

    listed = TestPeople((("key", re.compile("TEST.*"), "a test record"),))
    assert listed.reason(person("Ek", "Liv"), "TEST-1") == "a test record"
    assert listed.reason(person("Ek", "Liv"), "1-TEST") == ""


def test_a_sandbox_consists_of_such_people() -> None:
    assert load_test_people(load_settings({**KEYS, "REGISTRY_SERVICE__SANDBOX": "true"}).indexer) is EVERYBODY


def test_a_wrong_list_says_what_an_entry_holds(tmp_path: Path) -> None:
    from indexer.testpeople import _read

    (tmp_path / "list.toml").write_text("[[people]]\nsystem = 'key'\npattern = '('\nwhy = 'x'\n")
    with pytest.raises(SettingsError, match="system, pattern and why"):
        _read(tmp_path / "list.toml")


def test_they_are_refused_listed_in_the_receipt_and_removed_if_they_had_come_in(
    world: World, tmp_path: Path
) -> None:
    feed = FactsFeed(world, tmp_path)
    real = {str(n): person("Ek", f"Liv{n}", licences=[licence(str(n))]) for n in range(5)}
    dummy = known_by(PERSONAL_IDENTITY_NUMBER, "199001019802")
    feed.pull(real | {"dummy": dummy})  # while the list was off
    assert world.count(t.practitioner) == 6

    settings = msgspec.structs.replace(world.settings.indexer, refuse_test_people=True)
    strict = replace(feed.puller(reread=True), settings=settings)
    report = strict.pull(feed.descriptor)

    assert (report.counts.test_people, report.counts.removed, report.counts.quarantined) == (1, 1, 0)
    kept = t.quarantined_record
    assert world.count(kept, (kept.c.kind == "test-person") & (kept.c.key == "dummy")) == 1
    assert world.count(t.source_record, t.source_record.c.gone_run_id.is_(None)) == 5
    assert strict.pull(feed.descriptor).counts == Counts(read=6, unchanged=5, added=0, test_people=1)
