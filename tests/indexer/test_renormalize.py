"""Replaying stored source records after the reading of them changed."""

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from indexer import renormalize as replaying
from indexer.renormalize import renormalize
from registry.records import read
from registry.records import tables as t
from registry.records.facts import PersonFacts
from tests.support.facts_feed import FactsFeed
from tests.support.world import FactsNormalizer, World, licence, person


@pytest.fixture
def feed(world: World, tmp_path: Path) -> FactsFeed:
    return FactsFeed(world, tmp_path)


@pytest.fixture
def better(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A normalizer that has learnt new words: what is put in here changes professions."""
    words: dict[str, str] = {}
    original = FactsNormalizer.facts

    def facts(self: FactsNormalizer, payload: bytes) -> PersonFacts:
        import msgspec

        found = original(self, payload)
        changed = tuple(
            msgspec.structs.replace(one, profession=words.get(one.profession, one.profession))
            for one in found.licences
        )
        return msgspec.structs.replace(found, licences=changed)

    monkeypatch.setattr(FactsNormalizer, "facts", facts)
    return words


def people(count: int, **rest: object) -> dict[str, PersonFacts]:
    return {
        str(n): person(
            "Ek", f"Liv{n}", licences=[licence(str(n), profession="unknown" if n % 2 else "physician")]
        )
        for n in range(count)
    }


def replay(feed: FactsFeed) -> Any:  # noqa: ANN401
    return renormalize(feed.workshop, feed.descriptor, lambda _phase, _rows: None)


def professions(world: World) -> dict[str, str]:
    with world.engine.connect() as connection:
        found = read.practitioners(connection, list(connection.scalars(sa.select(t.practitioner.c.id))))
    return {one.facts.number: one.facts.profession for p in found.values() for one in p.licences}


def test_without_a_change_nothing_is_written(feed: FactsFeed) -> None:
    feed.pull(people(10))
    before = feed.world.count(t.licence_version), feed.world.count(t.outbox)
    done = replay(feed)

    assert (done.counts.read, done.counts.unchanged, done.counts.reread) == (10, 10, 0)
    assert (feed.world.count(t.licence_version), feed.world.count(t.outbox)) == before


def test_a_new_word_changes_those_it_is_about_and_nobody_else(
    feed: FactsFeed, better: dict[str, str]
) -> None:
    feed.pull(people(10))
    outbox = feed.world.count(t.outbox)
    better["unknown"] = "midwife"
    done = replay(feed)

    assert (done.counts.reread, done.counts.unchanged) == (5, 5)
    assert professions(feed.world) == {str(n): "midwife" if n % 2 else "physician" for n in range(10)}
    assert feed.world.count(t.licence_version) == 15
    assert feed.world.count(t.outbox) == outbox + 5
    # The feed itself has not changed: the same rows are still known.
    assert feed.pull(full=True).counts.unchanged == 10
    assert feed.world.count(t.licence_version) == 15


def test_records_that_are_gone_or_wait_are_left_as_they_were_known(
    feed: FactsFeed, better: dict[str, str]
) -> None:
    everyone = people(10)
    feed.pull(everyone)
    feed.pull({key: facts for key, facts in everyone.items() if key != "1"})
    feed.pull(
        {key: facts for key, facts in everyone.items() if key not in "13"}, {"key": "3", "bad": "no date"}
    )
    better["unknown"] = "midwife"
    done = replay(feed)

    assert done.counts.read == 8
    found = professions(feed.world)
    assert (found["1"], found["3"], found["5"]) == ("unknown", "unknown", "midwife")


def test_a_record_that_the_new_reading_refuses_stays_and_is_told_of(
    feed: FactsFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    from indexer.normalize.errors import BadRecordError

    feed.pull(people(3))
    original = FactsNormalizer.facts

    def strict(self: FactsNormalizer, payload: bytes) -> PersonFacts:
        if b'"Liv2"' in payload:
            raise BadRecordError("given", "no such name")
        return original(self, payload)

    monkeypatch.setattr(FactsNormalizer, "facts", strict)
    done = replay(feed)

    assert (done.counts.quarantined, done.counts.unchanged) == (1, 2)
    assert len(professions(feed.world)) == 3
    assert feed.world.count(t.quarantined_record, t.quarantined_record.c.run_id == done.run) == 1


def test_an_interrupted_replay_goes_on_where_it_was(
    feed: FactsFeed, better: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replaying, "BATCH", 4)
    feed.pull(people(10))
    better["unknown"] = "midwife"

    class KilledError(Exception):
        pass

    def killed(_phase: str, rows: int) -> None:
        if rows >= 4:
            raise KilledError

    with pytest.raises(KilledError):
        renormalize(feed.workshop, feed.descriptor, killed)
    half = professions(feed.world)
    first = feed.world.count(t.feed_run, t.feed_run.c.kind == "renormalize")
    done = replay(feed)

    assert sum(word == "midwife" for word in half.values()) == 2
    assert (done.counts.read, done.counts.reread, first) == (10, 5, 1)
    assert feed.world.count(t.feed_run, t.feed_run.c.kind == "renormalize") == 1
    assert professions(feed.world) == {str(n): "midwife" if n % 2 else "physician" for n in range(10)}
    assert feed.world.count(t.licence_version) == 15, "nothing was written twice"


def test_after_yet_another_change_an_interrupted_replay_begins_anew(
    feed: FactsFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed.pull(people(3))
    monkeypatch.setattr(replaying, "reading_digest", lambda _feed: b"one")

    def killed(_phase: str, _rows: int) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        renormalize(feed.workshop, feed.descriptor, killed)
    monkeypatch.setattr(replaying, "reading_digest", lambda _feed: b"two")
    done = replay(feed)

    states = [t.feed_run.c.kind == "renormalize", t.feed_run.c.state == "abandoned"]
    assert (done.counts.read, feed.world.count(t.feed_run, *states)) == (3, 1)


def test_the_digest_of_the_reading_follows_options_and_code(feed: FactsFeed) -> None:
    import msgspec

    from indexer.feeds.options import FormatOptions

    one = replaying.reading_digest(feed.descriptor)
    other = msgspec.structs.replace(feed.descriptor, options=FormatOptions(vocabulary="nucc"))
    assert replaying.reading_digest(feed.descriptor) == one
    assert replaying.reading_digest(other) != one
