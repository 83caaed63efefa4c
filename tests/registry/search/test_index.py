"""The life of an index: made, filled, put in use, replaced, dropped, read through. The same on both engines."""

import threading
from dataclasses import replace
from itertools import pairwise

import pytest

from registry.search import IndexEngine, SearchQuery, open_engine
from registry.search.document import Operation, document_key, documents, licence_key, operations
from registry.search.mapping import load_mapping
from registry.settings import Search
from tests.registry.search.people import TODAY, Register, licence, person


def put(number: int, version: int, **body: object) -> Operation:
    told = {"practitioner_id": number, "siblings": False, "names": ["eva"], "given": ["eva"], **body}
    return Operation(licence_key(number), version, told)


def test_without_an_index_changes_wait_and_nothing_is_in_use(engine: IndexEngine) -> None:
    (outcome,) = engine.bulk([put(1, 1)])
    assert (outcome.state, outcome.settled) == ("retry", False)
    assert "indexer rebuild" in outcome.reason
    assert (engine.current_index(), engine.indices()) == (None, [])


def test_an_index_is_not_searched_before_it_is_in_use(register: Register) -> None:
    before, after = person("Eva Old"), person("Eva New")
    register.publish(before)
    index = register.engine.create_index()
    outcomes = register.engine.bulk(documents(after), index)
    assert [o.state for o in outcomes] == ["done"]
    register.engine.finish_index(index)
    assert register.found("eva") == [before.id]
    register.engine.swap(index, replacing=register.engine.current_index())
    assert register.found("eva") == [after.id]
    assert register.engine.indices() == [register.index, index]
    assert register.engine.current_index() == index


def test_the_name_of_an_index_tells_its_fields_and_its_age(register: Register) -> None:
    names = [register.engine.create_index() for _ in range(3)]
    assert register.engine.indices() == [register.index, *names]
    assert all(f"-licences-{load_mapping().digest}-" in name for name in names)
    assert all(one.rpartition("-")[2] < two.rpartition("-")[2] for one, two in pairwise(names))


def test_what_is_in_use_can_not_be_dropped(register: Register) -> None:
    other = register.engine.create_index()
    with pytest.raises(ValueError, match="in use"):
        register.engine.drop(register.index)
    register.engine.drop(other)
    register.engine.drop(other)
    assert register.engine.indices() == [register.index]


def test_only_an_index_of_the_registry_is_swapped_to_or_dropped(register: Register) -> None:
    for name in ("nothing", "*", "../index", "registry-licences", "registry-licences-0-0", ""):
        with pytest.raises(ValueError, match="index"):
            register.engine.swap(name, replacing=register.index)
        with pytest.raises(ValueError, match="index"):
            register.engine.drop(name)
    assert register.engine.current_index() == register.index


def test_an_index_of_other_fields_is_not_put_in_use(register: Register) -> None:
    other = register.index.replace(load_mapping().digest, "0123456789")
    with pytest.raises(ValueError, match="can't be put in use"):
        register.engine.swap(other, replacing=register.index)


def test_swaps_are_never_seen_half_done(register: Register, settings: Search) -> None:
    someone = person("Eva Ek")
    register.publish(someone)
    wrong: list[object] = []
    asked = 0
    done = threading.Event()
    service = open_engine(settings)

    def ask() -> None:
        nonlocal asked
        other = Register.__new__(Register)
        other.engine = service  # type: ignore[assignment]
        while not done.is_set():
            try:
                found = other.found("eva ek")
            except Exception as error:  # noqa: BLE001 - whatever it is, it is what the test looks for
                found = [error]  # type: ignore[list-item]
            asked += 1
            if found != [someone.id]:
                wrong.append(found)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        for _ in range(6):
            last = register.engine.current_index()
            index = register.engine.create_index()
            register.engine.bulk(documents(someone), index)
            register.engine.finish_index(index)
            register.engine.swap(index, replacing=last)
            assert last is not None
            register.engine.drop(last)
    finally:
        done.set()
        thread.join()
        service.close()
    assert wrong == []
    assert asked >= 6


def test_a_scan_gives_every_document_once_in_key_order_without_deletions(register: Register) -> None:
    people = [person("Eva Ek", licence(), licence(gone=True), version=n) for n in range(5, 30)]
    people.append(person("No Licence", licences=(), version=7))
    people.append(person("Hidden Name", protected=True))
    register.publish(*people)
    found = list(register.engine.scan())
    wanted = {op.id: op.version for one in people for op in documents(one)}
    assert dict(found) == wanted
    assert len(found) == register.engine.count() == 26
    keys = [document_key(identity) for identity, _ in found]
    assert keys == sorted(keys)


def test_a_scan_may_be_left_early_and_reads_any_index(register: Register) -> None:
    index = register.engine.create_index()
    register.engine.bulk([put(n, 1) for n in range(1, 4)], index)
    register.engine.refresh(index)
    scan = register.engine.scan(index)
    assert next(scan) == ("l1", 1)
    scan.close()  # type: ignore[attr-defined]
    assert list(register.engine.scan(register.index)) == []
    assert register.engine.count(index) == 3


def test_health_tells_index_and_documents(register: Register) -> None:
    register.publish(person("Eva Ek", licence(), licence()))
    health = register.engine.health()
    assert (health.ok, health.index, health.documents, health.problem) == (True, register.index, 2, "")


def test_health_without_an_index_says_what_to_do(engine: IndexEngine) -> None:
    health = engine.health()
    assert (health.ok, health.index) == (False, None)
    assert "indexer rebuild" in health.problem


def test_bad_documents_are_named_and_the_others_go_on(register: Register) -> None:
    bad: list[dict[str, object]] = [
        {"surprise": 1},
        {"valid_to": "soon"},
        {"siblings": "maybe"},
        {"practitioner_id": "Eva Ek"},
    ]
    changes = [put(1, 1), *(put(n, 1, **body) for n, body in enumerate(bad, start=2)), put(9, 1)]
    outcomes = register.engine.bulk(changes)
    register.engine.refresh()
    assert [o.state for o in outcomes] == ["done", "failed", "failed", "failed", "failed", "done"]
    assert [field in o.reason for o, body in zip(outcomes[1:], bad, strict=False) for field in body] == [
        True
    ] * 4
    assert not any("Eva" in o.reason or "soon" in o.reason for o in outcomes)
    assert [identity for identity, _ in register.engine.scan()] == ["l1", "l9"]


def test_a_bulk_larger_than_a_request_is_taken_in_pieces(register: Register, settings: Search) -> None:
    changes = [put(n, 1, written=[f"{n:060}"]) for n in range(1, 3001)]
    outcomes = register.engine.bulk(changes)
    register.engine.refresh()
    assert {o.state for o in outcomes} == {"done"}
    assert [o.operation for o in outcomes] == changes
    assert register.engine.count() == 3000


def test_protection_removes_every_trace_of_a_person(register: Register) -> None:
    one = licence("AB123456")
    someone = person("Eva Ek", one, licence(), birth_date="1980", version=1)
    register.publish(someone)
    register.publish(replace(someone, protected=True, version=2))
    for asked in (
        SearchQuery(text="Eva Ek"),
        SearchQuery(licence_number="AB123456"),
        SearchQuery(birth_date="1980"),
        SearchQuery(),
    ):
        page = register.engine.search(asked, TODAY)
        assert (page.hits, page.total) == ((), 0)
        assert all(values == () for values in page.facets.values())
    assert list(register.engine.scan()) == []
    assert all(op.stored.keys() == {"key", "version"} for op in operations(replace(someone, protected=True)))


# Documents that no engine takes, whatever made them so.
IMPOSSIBLE: list[dict[str, object]] = [
    {"names": ["\ud800"]},
    {"valid_to": 2**31},
    {"practitioner_id": 2**63},
    {"practitioner_id": 10**30},
    {"siblings": [1]},
    {"names": [{"a": 1}]},
    {"valid_from": 1.5},
    {"profession": {"a": "b"}},
    {"a": {"b": {"c": "d"}}},
    {"": "x"},
    {"_id": "l1"},
]


@pytest.mark.parametrize("body", IMPOSSIBLE, ids=[ascii(body) for body in IMPOSSIBLE])
def test_an_impossible_document_is_refused_alone_and_leaves_what_was_there(
    register: Register, body: dict[str, object]
) -> None:
    assert [o.state for o in register.engine.bulk([put(5, 1)])] == ["done"]
    outcomes = register.engine.bulk([put(4, 2), put(5, 2, **body), put(6, 2)])
    assert [o.state for o in outcomes] == ["done", "failed", "done"]
    register.engine.refresh()
    assert list(register.engine.scan()) == [("l4", 2), ("l5", 1), ("l6", 2)]
