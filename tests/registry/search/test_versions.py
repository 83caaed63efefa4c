"""A newer fact is never lost to an older one, whatever the order: the same on both engines."""

import random
import threading

from registry.search import IndexEngine, open_engine
from registry.search.document import Operation, licence_key
from registry.settings import Search
from tests.registry.search.people import Register


def put(number: int, version: int) -> Operation:
    return Operation(
        licence_key(number),
        version,
        {"practitioner_id": number, "siblings": False, "names": [f"v{version}"], "given": [f"v{version}"]},
    )


def delete(number: int, version: int) -> Operation:
    return Operation(licence_key(number), version, None)


# What the index holds, what comes then, what becomes of it, and the version that stays.
CASES = [
    (put(1, 5), put(1, 6), "done", 6),
    (put(2, 5), put(2, 5), "done", 5),
    (put(3, 5), put(3, 4), "superseded", 5),
    (put(4, 5), delete(4, 6), "done", None),
    (put(5, 5), delete(5, 4), "superseded", 5),
    (delete(6, 5), put(6, 6), "done", 6),
    (delete(7, 5), put(7, 4), "superseded", None),
    (delete(8, 5), delete(8, 4), "superseded", None),
]


def test_the_higher_version_wins(register: Register) -> None:
    assert {o.state for o in register.engine.bulk([first for first, *_ in CASES])} == {"done"}
    outcomes = register.engine.bulk([then for _, then, *_ in CASES])
    assert [o.state for o in outcomes] == [state for *_, state, _ in CASES]
    assert all(o.settled for o in outcomes)
    register.engine.refresh()
    assert list(register.engine.scan()) == [(then.id, kept) for _, then, _, kept in CASES if kept]


def test_within_one_bulk_the_higher_version_wins_too(register: Register) -> None:
    changes = [put(1, 3), put(1, 2), delete(2, 9), put(2, 8), put(3, 1), put(3, 2)]
    assert [o.state for o in register.engine.bulk(changes)] == [
        "done", "superseded", "done", "superseded", "done", "done",
    ]  # fmt: skip
    register.engine.refresh()
    assert list(register.engine.scan()) == [("l1", 3), ("l3", 2)]


def test_an_old_change_does_not_bring_back_what_a_newer_one_deleted_after_a_restart(
    register: Register, settings: Search
) -> None:
    register.engine.bulk([put(1, 5)])
    register.engine.bulk([delete(1, 6)])
    register.engine.close()
    again = open_engine(settings, indexer=True)
    (outcome,) = again.bulk([put(1, 5)])
    again.refresh()
    assert (outcome.state, list(again.scan())) == ("superseded", [])
    again.close()


def test_two_publishers_in_random_order_end_with_the_newest_of_each(
    register: Register, settings: Search
) -> None:
    shuffled = random.Random(7)
    people, versions = 40, 12
    changes = [
        put(number, version) if (number + version) % 3 else delete(number, version)
        for number in range(people)
        for version in range(1, versions + 1)
    ]
    shuffled.shuffle(changes)
    engines: list[IndexEngine] = [register.engine, open_engine(settings, indexer=True)]
    unsettled: list[object] = []

    def send(engine: IndexEngine, mine: list[Operation]) -> None:
        for start in range(0, len(mine), 24):
            unsettled.extend(o for o in engine.bulk(mine[start : start + 24]) if not o.settled)

    threads = [
        threading.Thread(target=send, args=(engine, changes[half::2])) for half, engine in enumerate(engines)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    register.engine.refresh()
    assert unsettled == []
    left = [(f"l{number}", versions) for number in range(people) if (number + versions) % 3]
    assert list(register.engine.scan()) == left
    engines[1].close()
