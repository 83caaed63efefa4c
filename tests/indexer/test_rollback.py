"""A run rolled back: what it changed is put back by another run, and history keeps both."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from indexer.approve import approve
from indexer.rollback import roll_back
from registry.errors import BadRequestError, NotFoundError
from registry.identifiers import PERSONAL_IDENTITY_NUMBER
from registry.records import read
from registry.records import tables as t
from registry.records.facts import IdentifierFacts, PersonFacts
from tests.support.facts_feed import FactsFeed
from tests.support.world import World, licence, person


@pytest.fixture
def feed(world: World, tmp_path: Path) -> FactsFeed:
    return FactsFeed(world, tmp_path)


def standing(world: World) -> dict[str, str]:
    """Licence number -> status, of licences that stand."""
    with world.engine.connect() as connection:
        found = read.practitioners(connection, list(connection.scalars(sa.select(t.practitioner.c.id))))
    return {one.facts.number: one.facts.status for p in found.values() for one in p.licences if not one.gone}


def people(*numbers: str, **rest: object) -> dict[str, PersonFacts]:
    return {n: person("Ek", f"Liv{n}", licences=[licence(n, **rest)]) for n in numbers}


def test_everything_a_run_did_is_put_back_and_history_keeps_both(feed: FactsFeed) -> None:
    feed.pull(people("1", "2", "3"), day=1)
    bad = feed.pull(people("1") | people("2", status="lapsed") | people("9"), day=2)
    assert standing(feed.world) == {"1": "active", "2": "lapsed", "9": "active"}

    done = roll_back(feed.workshop, feed.descriptor, bad.run)

    assert standing(feed.world) == {"1": "active", "2": "active", "3": "active"}
    assert (done.counts.changed + done.counts.added, done.counts.removed, done.skipped) == (2, 1, [])
    versions = feed.world.count(t.licence_version)
    assert versions == 3 + 3 + 3, "three at first, three by the bad run, three by its rollback"


def test_the_same_file_is_refused_afterwards_and_a_mended_one_is_read_whole(feed: FactsFeed) -> None:
    feed.pull(people("1", "2"), day=1)
    bad = feed.pull(people("1", "2", status="lapsed"), day=5)
    roll_back(feed.workshop, feed.descriptor, bad.run)

    same = feed.pull()
    assert same.state == "failed"
    assert f"what run {bad.run} brought, which has been rolled back" in same.error
    # Mended, and stamped between the good file and the bad one: the bad one's stamp no longer counts.
    mended = feed.pull(people("1") | people("2", status="suspended"), day=3)
    assert (mended.state, mended.counts.changed) == ("succeeded", 1)
    assert standing(feed.world) == {"1": "active", "2": "suspended"}


def test_a_file_rolled_back_by_mistake_can_be_loaded_again(feed: FactsFeed) -> None:
    feed.pull(people("1"))
    right = feed.pull(people("1", status="lapsed"))
    roll_back(feed.workshop, feed.descriptor, right.run)

    assert feed.pull(again=True).counts.changed == 1
    assert standing(feed.world) == {"1": "lapsed"}


def test_people_changed_since_are_skipped_and_listed(feed: FactsFeed) -> None:
    feed.mode = "delta"
    feed.pull(people("1", "2", "3"))
    bad = feed.pull(people("1", "2", "3", status="lapsed"))
    feed.pull(people("1", status="revoked"), {"key": "3", "gone": True})

    done = roll_back(feed.workshop, feed.descriptor, bad.run)

    assert sorted(done.skipped) == ["1", "3"]
    assert standing(feed.world) == {"1": "revoked", "2": "active"}


def test_what_a_later_whole_file_has_confirmed_is_not_undone(feed: FactsFeed) -> None:
    first = feed.pull(people("1", "2"))
    second = feed.pull(people("1", "2", "3"))
    with pytest.raises(BadRequestError, match=f"indexer rollback {second.run}"):
        roll_back(feed.workshop, feed.descriptor, first.run)
    assert standing(feed.world) == {"1": "active", "2": "active", "3": "active"}

    roll_back(feed.workshop, feed.descriptor, second.run)
    roll_back(feed.workshop, feed.descriptor, first.run)
    assert standing(feed.world) == {}


def test_a_later_pull_of_the_same_bytes_is_undone_with_the_run(feed: FactsFeed) -> None:
    feed.pull(people("1"))
    bad = feed.pull(people("1", status="lapsed"))
    assert feed.pull().state == "unchanged"
    roll_back(feed.workshop, feed.descriptor, bad.run)

    # Neither believed to be what stands, nor loaded once more: the feed's age counts from the good run.
    assert feed.pull().state == "failed"
    with feed.world.engine.connect() as connection:
        known = read.feeds(connection)["test"]
    assert known.last_run_state == "failed"
    assert standing(feed.world) == {"1": "active"}


def test_an_approval_rolled_back_waits_again(feed: FactsFeed) -> None:
    everyone = people(*map(str, range(30)))
    feed.pull(everyone)
    held = feed.pull(people("1", "2"))
    approved = approve(feed.workshop, feed.descriptor, held.run)
    roll_back(feed.workshop, feed.descriptor, approved.run)
    assert len(standing(feed.world)) == 30

    again = feed.pull()
    assert (again.state, again.counts.withheld) == ("held", 28)


def test_a_record_that_had_come_back_is_gone_again(feed: FactsFeed) -> None:
    feed.pull(people("1", "2"))
    feed.pull(people("1"))
    back = feed.pull(people("1", "2"))
    roll_back(feed.workshop, feed.descriptor, back.run)

    assert standing(feed.world) == {"1": "active"}


def test_joins_of_the_run_are_undone_and_may_be_made_again(feed: FactsFeed, tmp_path: Path) -> None:
    number = (IdentifierFacts(system=PERSONAL_IDENTITY_NUMBER, value="199001019802"),)
    feed.pull({"a": person("Ek", "Liv", identifiers=number, licences=[licence("1")])})
    other = FactsFeed(feed.world, tmp_path, id="other")
    bad = other.pull({"x": person("Alm", "Bo", identifiers=number, licences=[licence("2")])})
    assert feed.world.count(t.practitioner) == 1

    roll_back(other.workshop, other.descriptor, bad.run)
    assert standing(feed.world) == {"1": "active"}
    other.pull(again=True)

    join = t.practitioner_join
    assert feed.world.count(join, join.c.undone_run_id.is_not(None)) == 1
    assert feed.world.count(join, join.c.undone_run_id.is_(None)) == 1


def test_a_dry_rollback_changes_nothing(feed: FactsFeed) -> None:
    feed.pull(people("1"))
    bad = feed.pull(people("1", status="lapsed"))
    done = roll_back(feed.workshop, feed.descriptor, bad.run, dry_run=True)

    assert done.counts.changed == 1
    assert standing(feed.world) == {"1": "lapsed"}
    assert feed.world.count(t.feed_run, t.feed_run.c.undone_run_id.is_not(None)) == 0


def test_what_cant_be_rolled_back_says_why(feed: FactsFeed, tmp_path: Path) -> None:
    good = feed.pull(people("1"))
    bad = feed.pull(people("1", status="lapsed"))
    feed.path.unlink()
    failed = feed.pull()
    other = FactsFeed(feed.world, tmp_path, id="other")
    other.pull(people("2"))
    roll_back(feed.workshop, feed.descriptor, bad.run)

    for run, why in ((bad.run, "already"), (failed.run, "left nothing")):
        with pytest.raises(BadRequestError, match=why):
            roll_back(feed.workshop, feed.descriptor, run)
    with pytest.raises(BadRequestError, match="not of the feed"):
        roll_back(other.workshop, other.descriptor, good.run)
    with pytest.raises(NotFoundError):
        roll_back(feed.workshop, feed.descriptor, 999_999)


def test_in_a_row_of_files_the_bad_one_is_passed_over_and_the_next_one_taken(
    world: World, tmp_path: Path
) -> None:
    feed = FactsFeed(world, tmp_path, mode="delta", source={"pick": "each", "delta": "*"})
    for day, found in enumerate((people("1"), people("2"), people("3", status="lapsed")), start=1):
        feed.write(found, day=day, name=f"test-{day}.ndjson")
    reports = feed.puller().pull_all(feed.descriptor)
    assert [(r.source, r.state) for r in reports] == [
        (f"test-{day}.ndjson", "succeeded") for day in (1, 2, 3)
    ]

    roll_back(feed.workshop, feed.descriptor, reports[-1].run)
    nothing = feed.pull()
    assert nothing.state == "failed"
    assert "nothing newer than what has been rolled back" in nothing.error
    feed.write(people("3"), day=4, name="test-4.ndjson")
    (mended,) = feed.puller().pull_all(feed.descriptor)

    assert (mended.source, mended.state) == ("test-4.ndjson", "succeeded")
    assert standing(world) == {"1": "active", "2": "active", "3": "active"}
    # Nothing of a row of files is ever taken twice, also when all is to be compared.
    assert feed.pull(full=True).state == "unchanged"
