"""Two publishers, updates in random order, a transaction held open (failures F2 and F3): index equals SQL, nothing is skipped."""

import os
import random
import threading
from collections.abc import Iterator

import httpx
import sqlalchemy as sa

from registry.database import writing
from registry.records import tables as t
from registry.records.facts import PersonFacts
from registry.search.document import Operation
from tests.indexer.faults.houses import FaultHouse, people
from tests.support.engines import index_of
from tests.support.waiting import until
from tests.support.world import licence, person

PEOPLE, UPDATES = 1000, 10_000
MOST_A_LOAD = 300
SEED = int(os.environ.get("REGISTRY_TEST_SEED", "1"))
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
# Publishers that take small bites meet each other more often.
SMALL_BITES = {"REGISTRY_INDEXER__PUBLISH_BATCH": "150"}


def update(chance: random.Random, key: str) -> PersonFacts:
    """A person under a new name, now and then without the licence, or hidden, or with a second licence."""
    given = "".join(chance.choices(_LETTERS, k=8)).title()
    number = str(100_000 + int(key))
    fate = chance.random()
    licences = [] if fate < 0.1 else [licence(number)]
    if fate > 0.85:
        licences.append(licence(f"{number}9", key="BM", profession="midwife"))
    return person("Ek", given, licences=licences, protected=0.1 <= fate < 0.15)


def updates(chance: random.Random) -> Iterator[dict[str, PersonFacts]]:
    """Give ten updates of everyone in random order, as loads of random sizes; a load has nobody twice."""
    order = [str(n) for n in range(PEOPLE)] * (UPDATES // PEOPLE)
    chance.shuffle(order)
    while order:
        taken = list(dict.fromkeys(order[: chance.randint(1, MOST_A_LOAD)]))
        for key in taken:
            order.remove(key)
        yield {key: update(chance, key) for key in taken}


def forgotten_by_the_index(house: FaultHouse) -> int:
    """Take one person's document out of the index behind the publishers' backs; return the person's id."""
    licence = t.licence.c
    with house.world.engine.connect() as connection:
        person_id, licence_id = connection.execute(
            sa.select(licence.practitioner_id, licence.id).order_by(licence.id).limit(1)
        ).one()
    name = f"l{licence_id}"
    # With the document's own version: else the engine would raise it, and remember that for a minute.
    same = {"version": house.have()[name]["version"], "version_type": "external_gte"}
    httpx.delete(f"{house.engine_url}/{house.prefix}-licences/_doc/{name}", params=same).raise_for_status()
    return int(person_id)


def test_ten_thousand_updates_in_random_order_through_two_publishers(either: FaultHouse) -> None:
    chance = random.Random(SEED)
    either.load(people(PEOPLE))
    either.run("publish")
    sent = 0
    with either.publisher(**SMALL_BITES) as first, either.publisher(**SMALL_BITES) as second:
        for load in updates(chance):
            either.world.load(load, snapshot=False)
            sent += len(load)
        either.drained()
        # Told at the end of a round, a moment after its last change is in the index. On SQLite they take turns, and whoever
        # has the turn may go on; there only one of them need have worked.
        enough = any if either.small else all
        until(lambda: enough('"event": "published"' in one.text() for one in (first, second)), 60)
        assert first.running
        assert second.running
    assert sent == UPDATES
    either.equal()


def test_what_a_transaction_held_open_wrote_early_is_not_skipped_when_later_ones_are_published(
    large_house: FaultHouse,
) -> None:
    """Its outbox row has a lower id than all that commit before it: a reader of a high-water mark would pass it by."""
    house = large_house
    house.load(people(200))
    house.run("publish")
    lost = forgotten_by_the_index(house)
    with house.publisher() as one, house.publisher() as other:
        with writing(house.world.engine).begin() as held:
            held.execute(sa.insert(t.outbox).values(practitioner_id=lost, created_at=sa.func.now()))
            for round_ in range(5):
                house.load(people(200, f"Siv{_LETTERS[round_]}", 200 * round_ + 200))
            house.drained()
            assert len(house.have()) == len(house.wanted()) - 1
        house.drained()
        assert one.running
        assert other.running
    house.equal(1200)


def test_a_load_held_open_before_its_commit_blocks_no_publisher_and_is_published_after_it(
    either: FaultHouse,
) -> None:
    house = either
    house.load(people(200))
    house.run("publish")
    house.load(people(200, "Siv"))
    later = threading.Thread(target=house.load, args=(people(200, "Åsa", 100),))
    with house.publisher(), house.publisher():
        with house.open_load(people(150, "Eva")):
            # The load that comes later waits for the one that is open: versions are drawn in the order of commits.
            later.start()
            if not house.small:
                house.drained()
            assert not any("eva" in str(one.get("given")) for one in house.have().values())
        later.join()
        house.drained()
    house.equal(300)


def test_a_load_that_is_rolled_back_leaves_no_document(either: FaultHouse) -> None:
    house = either
    house.load(people(50))
    house.run("publish")
    before = house.have()
    with house.publisher():
        with house.open_load(people(100, "Eva"), commit=False):
            pass
        # What is committed after it has been published: so would it have been.
        house.load(people(1, "Siv", 500))
        until(lambda: len(house.have()) == 51)
        house.drained()
    after = house.have()
    assert {key: after[key] for key in before} == before
    house.equal(51)


def test_an_older_change_that_arrives_late_changes_nothing(either: FaultHouse) -> None:
    house = either
    house.load(people(20))
    house.run("publish")
    old = [Operation(int(key[1:]) * 2, one["version"], {**one}) for key, one in house.have().items()]
    house.load(people(20, "Siv"))
    house.run("publish")
    engine = index_of(house.world)
    bare = [
        Operation(
            one.key,
            one.version,
            {k: v for k, v in (one.body or {}).items() if k not in {"key", "version", "check"}},
        )
        for one in old
    ]
    outcomes = engine.bulk(bare)
    engine.close()
    assert {outcome.state for outcome in outcomes} == {"superseded"}
    house.equal(20)
