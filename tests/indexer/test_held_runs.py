"""Runs that are held: bad news applies, silence and good news wait, approval does what was shown and no more."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from indexer.approve import approve
from indexer.feeds.descriptor import Limits
from registry.errors import BadRequestError
from registry.records import read
from registry.records import tables as t
from registry.records.facts import PersonFacts, RestrictionFacts
from tests.support.facts_feed import FactsFeed, facts_line
from tests.support.world import World, licence, person


@pytest.fixture
def feed(world: World, tmp_path: Path) -> FactsFeed:
    return FactsFeed(world, tmp_path, limits=Limits(floor=2))


def people(count: int, **rest: object) -> dict[str, PersonFacts]:
    return {str(n): person("Ek", f"Liv{n}", licences=[licence(str(n), **rest)]) for n in range(count)}


def states(world: World) -> dict[str, tuple[str, bool, bool]]:
    """Licence number -> status, gone, held."""
    with world.engine.connect() as connection:
        ids = list(connection.scalars(sa.select(t.practitioner.c.id)))
        found = read.practitioners(connection, ids)
    return {
        one.facts.number: (one.facts.status, one.gone, one.held) for p in found.values() for one in p.licences
    }


def without(found: dict[str, PersonFacts], *keys: str) -> dict[str, PersonFacts]:
    return {key: facts for key, facts in found.items() if key not in keys}


@pytest.mark.parametrize("left", [1, 15], ids=["one record", "half the file"])
def test_half_a_file_removes_nobody_until_approved(feed: FactsFeed, left: int) -> None:
    everyone = people(30)
    feed.pull(everyone)
    held = feed.pull(dict(list(everyone.items())[:left]))

    assert (held.state, held.counts.removed, held.counts.withheld) == ("held", 0, 30 - left)
    assert f"{30 - left} of 30 records are absent" in held.held
    marks = states(feed.world)
    assert sum(gone for _, gone, _ in marks.values()) == 0
    assert sum(waits for _, _, waits in marks.values()) == 30 - left

    done = approve(feed.workshop, feed.descriptor, held.run)

    assert (done.counts.removed, done.skipped) == (30 - left, [])
    assert sum(gone for _, gone, _ in states(feed.world).values()) == 30 - left
    assert not any(waits for _, _, waits in states(feed.world).values())


def test_an_approval_never_exceeds_what_was_shown(feed: FactsFeed) -> None:
    everyone = people(30)
    feed.pull(everyone)
    first = feed.pull(without(everyone, "1", "2", "3"))
    second = feed.pull(without(everyone, "3", "4", "5", "6"))

    # What waits now is what the newest file lacks; of the first run nothing does any more.
    with pytest.raises(BadRequestError, match=f"stands under run {second.run}"):
        approve(feed.workshop, feed.descriptor, first.run)
    done = approve(feed.workshop, feed.descriptor, second.run)

    assert done.counts.removed == 4
    assert [number for number, (_, gone, _) in sorted(states(feed.world).items()) if gone] == [
        "3",
        "4",
        "5",
        "6",
    ]


def test_people_who_are_back_in_the_next_file_no_longer_wait(feed: FactsFeed) -> None:
    everyone = people(30)
    feed.pull(everyone)
    held = feed.pull(without(everyone, "1", "2", "3"))
    back = feed.pull(everyone)

    assert (held.state, back.state, back.counts.unchanged) == ("held", "succeeded", 30)
    assert set(states(feed.world).values()) == {("active", False, False)}
    assert feed.world.count(t.held_change) == 0


def test_a_held_run_applies_new_people_and_bad_news_and_nothing_else(feed: FactsFeed) -> None:
    before = people(10, status="suspended") | {
        "a": person("Alm", "Bo", licences=[licence("a")]),
        "b": person("Berg", "Siv", licences=[licence("b")]),
    }
    feed.pull(before)
    relaxed = people(10)  # all ten reinstated at once: a column has moved
    after = relaxed | {
        "a": person("Alm", "Bo", licences=[licence("a", status="revoked")]),
        "b": person(
            "Berg", "Siv", licences=[licence("b", restrictions=(RestrictionFacts(kind="probation"),))]
        ),
        "new": person("Ny", "Eva", licences=[licence("new")]),
    }
    held = feed.pull(after)
    found = states(feed.world)

    assert (held.state, held.counts.added, held.counts.changes_withheld) == ("held", 1, 10)
    assert found["a"] == ("revoked", False, False)
    assert found["b"] == ("active", False, False)
    assert found["new"] == ("active", False, False)
    assert {found[str(n)] for n in range(10)} == {("suspended", False, True)}

    done = approve(feed.workshop, feed.descriptor, held.run)
    assert done.counts.changed == 10
    assert {states(feed.world)[str(n)] for n in range(10)} == {("active", False, False)}
    # What has been approved is what the file says: pulling it again changes nothing.
    assert feed.pull(full=True).counts.unchanged == 13


def test_of_a_record_with_good_and_bad_news_only_the_bad_is_applied(feed: FactsFeed) -> None:
    both = [licence("old", status="suspended"), licence("live")]
    feed.pull(people(10) | {"x": person("Ek", "Liv", licences=both)})
    swapped = [licence("old"), licence("live", status="revoked")]
    changed = people(10, raw_status="other") | {"x": person("Ek", "Liv", licences=swapped)}
    held = feed.pull(changed)

    assert held.state == "held"
    assert states(feed.world)["old"] == ("suspended", False, True)
    assert states(feed.world)["live"] == ("revoked", False, True)
    approve(feed.workshop, feed.descriptor, held.run)
    assert states(feed.world)["old"] == ("active", False, False)


def test_a_person_who_is_hidden_is_hidden_also_by_a_held_run(feed: FactsFeed) -> None:
    feed.pull(people(10))
    hidden = people(10, raw_status="other") | {"3": person("Ek", "Liv3", protected=True)}
    assert feed.pull(hidden).state == "held"

    assert feed.world.count(t.practitioner, t.practitioner.c.protected) == 1
    assert states(feed.world)["3"][0] == "active"  # emptied because hidden: silence, not a revocation


def test_a_dry_approval_changes_nothing(feed: FactsFeed) -> None:
    everyone = people(30)
    feed.pull(everyone)
    held = feed.pull(dict(list(everyone.items())[:10]))
    dry = approve(feed.workshop, feed.descriptor, held.run, dry_run=True)

    assert dry.counts.removed == 20
    assert sum(gone for _, gone, _ in states(feed.world).values()) == 0
    assert approve(feed.workshop, feed.descriptor, held.run).counts.removed == 20


def test_the_same_held_file_again_still_waits_under_its_first_run(feed: FactsFeed) -> None:
    everyone = people(30)
    feed.pull(everyone)
    held = feed.pull(dict(list(everyone.items())[:10]))
    again = feed.pull()

    assert (again.state, again.held) == ("held", held.held)
    assert approve(feed.workshop, feed.descriptor, held.run).counts.removed == 20
    assert feed.pull().state == "unchanged"


def test_too_many_unreadable_rows_hold_a_run_and_very_many_reject_it(feed: FactsFeed) -> None:
    everyone = people(100)
    feed.pull(everyone)
    some: list[dict[str, object]] = [{"key": f"x{n}", "bad": "no date"} for n in range(4)]
    held = feed.pull(without(everyone, "7"), *some)
    many: list[dict[str, object]] = [{"key": f"x{n}", "bad": "no date"} for n in range(40)]
    rejected = feed.pull(without(everyone, "7"), *many)

    assert (held.state, held.counts.withheld) == ("held", 1)
    assert (rejected.state, rejected.counts.removed) == ("failed", 0)


def test_a_record_with_an_unreadable_row_is_doubted_until_the_feed_speaks_clearly(feed: FactsFeed) -> None:
    everyone = people(30)
    feed.pull(everyone)
    feed.pull(without(everyone, "7"), {"key": "7", "bad": "no date"})
    doubted = states(feed.world)["7"]
    feed.pull(everyone)

    assert doubted == ("active", False, True)
    assert states(feed.world)["7"] == ("active", False, False)


def test_two_rows_that_contradict_each_other_leave_the_record_in_doubt(feed: FactsFeed) -> None:
    everyone = people(30)
    feed.pull(everyone)
    revoked = person("Ek", "Liv7", licences=[licence("7", status="revoked")])
    orders: list[Callable[[], object]] = [
        lambda: feed.pull(everyone, facts_line("7", revoked)),
        lambda: feed.pull({"7": revoked} | without(everyone, "7"), facts_line("7", everyone["7"])),
    ]
    for pull in orders:
        report = pull()
        assert report.counts.quarantined == 1  # type: ignore[attr-defined]
        assert states(feed.world)["7"][2], "an answer must not rest on a record that contradicts itself"
    feed.pull(everyone)
    assert states(feed.world)["7"] == ("active", False, False)


def test_a_delta_never_removes_by_absence(feed: FactsFeed) -> None:
    feed.mode = "delta"
    feed.pull(people(30))
    report = feed.pull({"new": person("Ny", "Eva", licences=[licence("new")])})

    assert (report.state, report.counts.removed, report.counts.withheld) == ("succeeded", 0, 0)
    assert feed.world.count(t.source_record, t.source_record.c.gone_run_id.is_(None)) == 31


def test_a_delta_may_say_that_a_record_is_gone_and_too_many_of_them_wait(feed: FactsFeed) -> None:
    feed.mode = "delta"
    feed.pull(people(30))
    one = feed.pull({}, {"key": "3", "gone": True})
    many = feed.pull({}, *({"key": str(n), "gone": True} for n in range(10, 20)))

    assert (one.state, one.counts.removed) == ("succeeded", 1)
    assert (many.state, many.counts.removed, many.counts.withheld) == ("held", 0, 10)


def test_a_feeds_own_limits_go_before_the_general_ones(feed: FactsFeed) -> None:
    feed.limits = Limits(vanished_share=0.5, floor=0)
    feed.pull(people(30))
    assert feed.pull(people(16)).counts.removed == 14


def test_a_dry_run_shows_what_would_change_and_changes_nothing(feed: FactsFeed) -> None:
    feed.pull(people(30))
    changed = people(29) | {"0": person("Ek", "Liv0", licences=[licence("0", status="suspended")])}
    changed["new"] = person("Ny", "Eva", licences=[licence("new")])
    before = states(feed.world), feed.world.count(t.feed_run)
    report = feed.pull(changed, dry_run=True)

    assert (states(feed.world), feed.world.count(t.feed_run)) == before
    assert (report.counts.added, report.counts.changed, report.counts.removed) == (1, 1, 1)
    assert {(e.kind, e.licence, e.text) for e in report.examples} == {
        ("added", "registered-nurse new", "active"),
        ("changed", "registered-nurse 0", "status: active -> suspended"),
        ("removed", "registered-nurse 29", "active"),
    }
    assert feed.pull().counts == report.counts


def test_what_earlier_receipts_tell_of_a_person_goes_when_the_person_is_hidden(feed: FactsFeed) -> None:
    everyone = people(30)
    feed.pull(everyone)
    bad: list[dict[str, object]] = [{"key": key, "bad": "no date"} for key in "78"]
    feed.pull(without(everyone, "7", "8"), *bad)
    feed.pull(everyone | {"7": person("Ek", "Liv7", protected=True)})

    kept = t.quarantined_record
    assert feed.world.count(kept) == 2
    assert feed.world.count(kept, kept.c.key == "7") == 0
    assert feed.world.count(kept, kept.c.key == "8") == 1


def test_names_and_numbers_are_written_only_when_they_change(feed: FactsFeed) -> None:
    def marked() -> list[str]:
        with feed.world.engine.connect() as connection:
            return list(connection.scalars(sa.select(t.practitioner_name.c.text)))

    feed.pull({"a": person("Ek", "Liv", licences=[licence("1")])})
    with feed.world.engine.begin() as connection:
        connection.execute(sa.update(t.practitioner_name).values(text="as it was written"))
    feed.pull({"a": person("Ek", "Liv", licences=[licence("1", status="lapsed")])})
    assert marked() == ["as it was written"]
    feed.pull({"a": person("Alm", "Liv", licences=[licence("1", status="lapsed")])})
    assert marked() == ["Liv Alm"]


def test_that_something_waited_stays_told_when_it_has_been_decided(feed: FactsFeed) -> None:
    everyone = people(30)
    feed.pull(everyone)
    first = feed.pull(dict(list(everyone.items())[:15]))
    back = feed.pull(without(everyone, *(str(n) for n in range(29, 14, -1))) | {"15": everyone["15"]})
    done = approve(feed.workshop, feed.descriptor, back.run)

    with feed.world.engine.connect() as connection:
        rows = connection.execute(sa.select(t.hold.c.run_id, t.hold.c.ended_run_id, t.hold.c.kind))
        told = Counter(tuple(row) for row in rows)
        assert connection.scalar(sa.select(sa.func.count()).select_from(t.held_change)) == 0
    # One came back with the second file; the others went on waiting until it was approved.
    assert told == {(first.run, back.run, "removal"): 1, (first.run, done.run, "removal"): 14}


def test_a_record_that_stays_unreadable_has_one_hold_however_many_runs_see_it(feed: FactsFeed) -> None:
    everyone = people(30)
    feed.pull(everyone)
    for _ in range(10):
        feed.pull(without(everyone, "7"), {"key": "7", "bad": "no date"})
    feed.pull(everyone)
    feed.pull(without(everyone, "7"), {"key": "7", "bad": "no date"})

    with feed.world.engine.connect() as connection:
        holds = sa.select(t.hold.c.kind, t.hold.c.ended_run_id).order_by(t.hold.c.id)
        rows = [tuple(row) for row in connection.execute(holds)]
    assert [kind for kind, _ in rows] == ["unreadable", "unreadable"]
    assert [ended is None for _, ended in rows] == [False, True]


def test_a_record_that_contradicts_itself_in_every_run_has_one_hold(feed: FactsFeed) -> None:
    everyone = people(30)
    revoked = person("Ek", "Liv7", licences=[licence("7", status="revoked")])
    feed.pull(everyone)
    first = feed.pull(everyone, facts_line("7", revoked))
    for _ in range(5):
        feed.pull(everyone, facts_line("7", revoked))
        assert states(feed.world)["7"][2]
    last = feed.pull(everyone)

    with feed.world.engine.connect() as connection:
        rows = connection.execute(sa.select(t.hold.c.kind, t.hold.c.run_id, t.hold.c.ended_run_id))
        assert [tuple(row) for row in rows] == [("conflict", first.run, last.run)]


def test_a_hold_of_another_kind_ends_the_one_before(feed: FactsFeed) -> None:
    everyone = people(30)
    feed.pull(everyone)
    bad = feed.pull(without(everyone, "20"), {"key": "20", "bad": "no date"})
    gone = feed.pull(dict(list(everyone.items())[:15]))

    record = sa.select(t.source_record.c.id).where(t.source_record.c.key == "20").scalar_subquery()
    holds = sa.select(t.hold.c.kind, t.hold.c.run_id, t.hold.c.ended_run_id).order_by(t.hold.c.id)
    with feed.world.engine.connect() as connection:
        told = [tuple(row) for row in connection.execute(holds.where(t.hold.c.source_record_id == record))]
    assert told == [("unreadable", bad.run, gone.run), ("removal", gone.run, None)]


def test_what_waited_at_a_moment_is_found_by_its_kind(feed: FactsFeed) -> None:
    with feed.world.engine.connect() as connection:
        indices = {one["name"]: one["column_names"] for one in sa.inspect(connection).get_indexes("hold")}
    assert indices["ix_hold_kind"] == ["kind", "ended_run_id", "run_id"]
