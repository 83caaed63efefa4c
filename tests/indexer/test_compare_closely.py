"""How closely a comparison looks: nothing cancels out, nothing is read without need, and no change of index confuses it."""

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from indexer.differing import bucket_width
from indexer.publish import publish
from indexer.rebuild import rebuild
from registry.database import writing
from registry.errors import SearchUnavailableError, SwapError
from registry.records.allocate import current
from registry.records.tables import metadata
from registry.search import IndexEngine
from registry.search.document import Operation, document_key, licence_key
from tests.indexer.damage import (
    counts,
    filled,
    hasty,
    invent,
    is_right,
    look,
    lose,
    mended,
    move_on,
    owner,
    recorded,
)
from tests.indexer.disturbed import disturbed
from tests.indexer.other_versions import other_version
from tests.support.publishing import people, quiet
from tests.support.world import World, licence, person


class Watched:
    """The real engine, which remembers what was read through it."""

    def __init__(self, engine: IndexEngine) -> None:
        self._engine = engine
        self.scans: list[tuple[int | None, int | None]] = []
        self.keys: list[int] = []
        self.stored_keys: list[int] = []
        self.engine = disturbed(engine, scan=self._scan, stored=self._stored)

    def _scan(
        self, index: str | None = None, *, low: int | None = None, high: int | None = None
    ) -> Iterator[tuple[str, int]]:
        self.scans.append((low, high))
        for identity, version in self._engine.scan(index, low=low, high=high):
            self.keys.append(document_key(identity))
            yield identity, version

    def _stored(self, keys: list[int], index: str | None = None) -> dict[int, dict[str, Any]]:
        self.stored_keys += keys
        return self._engine.stored(keys, index)


@pytest.mark.parametrize(
    ("last", "most", "width"),
    [(0, 1, 1), (1, 1, 2), (7, 8, 1), (8, 8, 2), (2**40, 2000, 2**30), (2**62, 1, 2**63), (15, 4, 4)],
)
def test_keys_are_cut_into_few_ranges_by_a_power_of_two(last: int, most: int, width: int) -> None:
    assert bucket_width(last, most) == width
    assert last // width < most


def test_of_an_index_without_differences_no_key_is_read(house: World, index: IndexEngine) -> None:
    filled(house, index, people(40))
    watched = Watched(index)

    assert not look(house, watched.engine).differs
    assert (watched.scans, watched.stored_keys) == ([], [])


def test_only_the_ranges_that_differ_are_read(house: World, index: IndexEngine) -> None:
    right = filled(house, index, people(40))
    first, *_, last = sorted(right)
    lose(index, right[first], right[last])
    watched = Watched(index)

    assert counts(look(house, watched.engine, settings=hasty(house, compare_buckets=16))) == (2, 0, 0)
    (low, high), (second_low, second_high) = watched.scans
    width = bucket_width(last, 16)
    assert (low, high) == (first // width * width, first // width * width + width - 1)
    assert (second_low, second_high) == (last // width * width, last // width * width + width - 1)
    assert len(watched.keys) < 20
    assert sorted(watched.stored_keys) == [first, last]


def test_large_registers_are_read_in_pieces_with_the_same_result(
    house: World, index: IndexEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (
        "differing._PIECE",
        "differing.STORED_AT_ONCE",
        "judging.STORED_AT_ONCE",
        "judging._AT_ONCE",
        "repairing._AT_ONCE",
        "repairing._IN_MEMORY",
    ):
        monkeypatch.setattr(f"indexer.{name}", 3)
    two = [licence(str(n), key=str(n)) for n in range(2)]
    right = filled(house, index, people(9) | {"two": person("Ask", "Siv", licences=two)})
    keys = sorted(right)
    lose(index, *(right[key] for key in (*keys[:4], keys[6], *keys[-2:])))
    invent(index, keys[2] - 1, keys[5] + 2**21, keys[-1] + 2, keys[-1] + 4)
    falsified = right[keys[7]]
    index.bulk([Operation(keys[7], falsified.version, {**(falsified.body or {}), "name_order": "z"})])
    watched = Watched(index)

    found = look(house, watched.engine, full=True, repair=True)

    assert (counts(found), found.repaired) == ((7, 4, 1), 12)
    assert [low for low, _ in watched.scans] == [None, keys[2] + 1, keys[5] + 1, keys[8] + 1]
    assert [high for _, high in watched.scans] == [keys[2], keys[5], keys[8], None]
    publish(house.engine, index, house.settings, quiet)
    assert not look(house, index, full=True).differs
    assert is_right(house, index)


def test_neighbouring_ranges_that_differ_are_read_as_one(house: World, index: IndexEngine) -> None:
    right = filled(house, index, people(40))
    lose(index, *right.values())
    watched = Watched(index)

    found = look(house, watched.engine, settings=hasty(house, compare_buckets=16))

    assert counts(found) == (40, 0, 0)
    assert len(watched.scans) == 1
    assert len(found.examples["missing"]) == 20


def test_differences_that_cancel_each_other_out_in_one_range_are_found(
    house: World, index: IndexEngine
) -> None:
    right = filled(house, index, people(6))
    one, other, *rest = sorted(right)
    move_on(house, [owner(house, other)])
    with house.engine.connect() as connection:
        by = current(connection) - 1 - right[other].version
    index.bulk([Operation(one, right[one].version + by, right[one].body)])
    # And one document too many for one too few.
    lose(index, right[rest[0]])
    invent(index, rest[0] + 2 * 10**6, version=right[rest[0]].version)

    found = look(house, index, settings=hasty(house, compare_buckets=1))

    assert counts(found) == (1, 1, 2)


def test_keys_far_beyond_those_of_sql_are_found_with_few_ranges(house: World, index: IndexEngine) -> None:
    filled(house, index, people(5))
    far = [licence_key(2**61), licence_key(2**30), licence_key(2**30 + 1)]
    invent(index, *far)

    found = look(house, index, settings=hasty(house, compare_buckets=4))

    assert counts(found) == (0, 3, 0)
    assert not mended(house, index).differs
    assert is_right(house, index)


def backup(world: World) -> dict[str, list[dict[str, Any]]]:
    with world.engine.connect() as connection:
        return {
            table.name: [dict(row) for row in connection.execute(sa.select(table)).mappings()]
            for table in metadata.sorted_tables
        }


def restore(world: World, rows: dict[str, list[dict[str, Any]]]) -> None:
    with writing(world.engine).begin() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(sa.delete(table))
        for table in metadata.sorted_tables:
            if rows[table.name]:
                connection.execute(sa.insert(table), rows[table.name])


@pytest.mark.parametrize("goes_on", [False, True], ids=["at once", "after more loads"])
def test_an_index_ahead_of_a_database_restored_from_an_older_backup_is_brought_to_equality(
    house: World, index: IndexEngine, goes_on: bool
) -> None:
    everybody = people(8)
    filled(house, index, everybody)
    old = backup(house)
    lost_future = {
        **everybody,
        "0": person("Ek", "Changed", licences=[licence("1000")]),
        "1": person("Ek", "Liv1"),
        "2": person("Ek", "Liv2", licences=[licence("1002")], protected=True),
        "new": person("Ask", "Siv", licences=[licence("1", key="a"), licence("2", key="b")]),
    }
    house.load(lost_future)
    publish(house.engine, index, house.settings, quiet)
    restore(house, old)
    if goes_on:
        # These draw numbers that the index knows already from what is lost, and it refuses some of them.
        house.load(everybody | {"0": person("Ek", "Other", licences=[licence("1000")])})
        house.load(everybody | {"3": person("Ek", "Liv3", protected=True), "late": person("Alm", "Eva")})
        publish(house.engine, index, house.settings, quiet)

    found = look(house, index, repair=True)

    assert found.differs
    assert goes_on or found.ahead > 0
    publish(house.engine, index, house.settings, quiet)
    after = look(house, index, full=True)
    assert (after.differs, after.ahead, after.pending) == (False, 0, 0)
    assert is_right(house, index)
    # What comes now is newer than all that the index remembers.
    house.load(
        everybody | {"1": person("Ek", "Liv1"), "2": person("Ek", "Newest", licences=[licence("1002")])}
    )
    publish(house.engine, index, house.settings, quiet)
    assert is_right(house, index)


def test_an_index_ahead_is_told_even_when_no_document_differs(house: World, index: IndexEngine) -> None:
    right = filled(house, index, people(3))
    with house.engine.connect() as connection:
        drawn = current(connection)
    index.bulk([Operation(max(right) + 2, drawn + 7, None)])

    found = look(house, index)

    assert (counts(found), found.ahead, found.differs) == ((0, 0, 0), 7, True)
    assert look(house, index, repair=True).mended
    assert not look(house, index).differs
    with house.engine.connect() as connection:
        assert current(connection) == drawn + 8


@pytest.mark.parametrize("rebuilds", [1, 2])
def test_a_comparison_begins_anew_when_another_index_is_put_in_use(
    house: World, index: IndexEngine, rebuilds: int
) -> None:
    filled(house, index, people(5))
    made: list[str] = []
    first = index.current_index()

    def buckets(width: int, name: str | None = None) -> object:
        while len(made) < rebuilds:
            made.append(rebuild(house.engine, index, house.settings, quiet).index)
            house.load(people(5, given=f"Siv{len(made)}x"))
            publish(house.engine, index, house.settings, quiet)
        return index.buckets(width, name)

    found = look(house, disturbed(index, buckets=buckets))

    assert found.index == index.current_index() == made[-1] != first
    assert not found.differs
    assert recorded(house) == [(5, 0, 0, 0, 0)]


def test_a_comparison_gives_up_when_indices_change_all_the_time(house: World, index: IndexEngine) -> None:
    filled(house, index, people(2))

    def buckets(width: int, name: str | None = None) -> object:
        rebuild(house.engine, index, house.settings, quiet)
        return index.buckets(width, name)

    with pytest.raises(SwapError, match="when no rebuild is running"):
        look(house, disturbed(index, buckets=buckets))
    assert recorded(house) == []


def test_an_engine_that_fails_is_no_difference(house: World, index: IndexEngine) -> None:
    right = filled(house, index, people(2))
    lose(index, right[min(right)])

    def stored(*_: object) -> object:
        raise SearchUnavailableError("gone")

    with pytest.raises(SearchUnavailableError, match="gone"):
        look(house, disturbed(index, stored=stored), repair=True)
    assert recorded(house) == []


def test_an_index_for_fewer_fields_is_compared_by_keys_and_one_for_others_is_not(
    house: World, index: IndexEngine
) -> None:
    right = filled(house, index, people(4))
    lose(index, right[min(right)])
    with other_version(house, more={"hair": {"type": "long"}}) as newer:
        name = newer.current_index()
        assert name is not None
        if newer.fit(name) == "fewer":
            assert counts(look(house, newer)) == (1, 0, 0)
        else:
            with pytest.raises(SearchUnavailableError, match="indexer rebuild"):
                look(house, newer)
    with (
        other_version(house, without="check") as older,
        pytest.raises(SearchUnavailableError, match="indexer rebuild"),
    ):
        look(house, older)
