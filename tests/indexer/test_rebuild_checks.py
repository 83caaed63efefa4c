"""An index that fails a check is not put in use, whichever the check is, and the message says which."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from indexer.rebuild import RebuildError, back, rebuild
from registry.errors import SearchUnavailableError
from registry.search import IndexEngine
from registry.search.document import Operation
from tests.indexer.disturbed import altering, disturbed, first_licence, people, states, with_index
from tests.indexer.other_versions import other_version
from tests.support.engines import index_of
from tests.support.publishing import found, quiet
from tests.support.world import World

Change = Callable[[Operation, int], Operation | None]


def without(operation: Operation, *fields: str) -> Operation:
    body = {name: value for name, value in (operation.body or {}).items() if name not in fields}
    return Operation(operation.key, operation.version, body)


LIES: dict[str, tuple[str, Change]] = {
    "lost": ("count", lambda one, odd: None if one.key == odd else one),
    "under another key": (
        "sample",
        lambda one, odd: Operation(10**9 * 2, one.version, one.body) if one.key == odd else one,
    ),
    "with another name": (
        "sample",
        lambda one, odd: (
            Operation(one.key, one.version, {**(one.body or {}), "names": ["nobody"]})
            if one.key == odd
            else one
        ),
    ),
    "without a field": (
        "sample",
        lambda one, odd: without(one, "profession") if one.key == odd else one,
    ),
    "of another version": (
        "sample",
        lambda one, odd: Operation(one.key, one.version + 1000, one.body) if one.key == odd else one,
    ),
}


@pytest.mark.parametrize("lie", LIES)
def test_an_index_that_holds_something_else_fails_and_the_one_in_use_stands(
    house: World, index: IndexEngine, lie: str
) -> None:
    house.load(people(5))
    before = rebuild(house.engine, index, house.settings, quiet).index
    check, change = LIES[lie]
    odd = first_licence(house) * 2
    lying = altering(index, lambda one: change(one, odd))

    with pytest.raises(RebuildError, match=f"The {check} check failed for ") as raised:
        rebuild(house.engine, lying, house.settings, quiet)

    assert "The index in use was left as it is." in raised.value.detail
    assert "Ek" not in raised.value.detail
    assert "nobody" not in raised.value.detail
    assert index.current_index() == before
    assert index.indices() == [before]
    assert states(house) == {before: "current"}
    assert found(index, "Berta Ek") == 1


def test_a_first_index_that_fails_leaves_none_in_use(house: World, index: IndexEngine) -> None:
    house.load(people(2))
    losing = altering(index, lambda _: None)

    with pytest.raises(RebuildError, match=r"count check .* it holds 0 documents, SQL has 2"):
        rebuild(house.engine, losing, house.settings, quiet)

    assert index.current_index() is None
    assert index.indices() == []
    assert states(house) == {}


def test_an_index_with_other_fields_fails_the_mapping_check(house: World, index: IndexEngine) -> None:
    house.load(people(2))
    before = rebuild(house.engine, index, house.settings, quiet).index
    with other_version(house, more={"shoe_size": {"type": "integer"}}) as other:

        def give_fields(name: str) -> None:
            index.finish_index(name)
            if house.settings.search.engine == "opensearch":
                other.add_fields(name)
            else:
                folder = Path(house.settings.search.tantivy.path)
                shutil.rmtree(folder / name)
                (folder / other.create_index()).rename(folder / name)

        meddled = disturbed(index, finish_index=give_fields)
        with pytest.raises(RebuildError, match=r"mapping check failed .* not those of config/search/mapping"):
            rebuild(house.engine, meddled, house.settings, quiet)

    assert index.current_index() == before
    assert index.indices() == [before]


def test_only_as_many_people_as_the_setting_says_are_sampled(house: World, index: IndexEngine) -> None:
    house.load(people(9))
    asked: list[int] = []

    def stored(keys: list[int], name: str | None = None) -> dict[int, dict[str, Any]]:
        asked.extend(keys)
        return index.stored(keys, name)

    sampling = disturbed(index, stored=stored)
    rebuild(house.engine, sampling, with_index(house.settings, rebuild_sample=4), quiet)

    # One licence and one deletion each: that nothing is there that must not be, is looked at too.
    assert len({key for key in asked if key % 2}) == 4
    assert len({key for key in asked if not key % 2}) == 4


def test_going_back_compares_every_version(house: World, index: IndexEngine) -> None:
    house.load(people(6))
    former = rebuild(house.engine, index, house.settings, quiet).index
    current = rebuild(house.engine, index, house.settings, quiet).index
    # Damaged so that neither the count nor (but by chance) a sample of one person tells.
    odd = first_licence(house) * 2
    stale = index.stored([odd], former)[odd]
    body = {name: value for name, value in stale.items() if name not in {"key", "version", "check"}}
    index.bulk([Operation(odd, stale["version"] + 5000, body)], former)

    with pytest.raises(RebuildError, match=r"versions check failed .* it differs from SQL"):
        back(house.engine, index, with_index(house.settings, rebuild_sample=1), quiet)

    assert index.current_index() == current
    # Nothing is dropped: nobody knows yet what is wrong with it.
    assert index.indices() == [former, current]


def test_a_build_that_is_continued_over_higher_versions_than_sql_has_fails_and_the_next_begins_anew(
    house: World, index: IndexEngine
) -> None:
    house.load(people(6))

    def fail(*_: object) -> None:
        raise SearchUnavailableError("gone")

    with pytest.raises(SearchUnavailableError):
        rebuild(house.engine, disturbed(index, finish_index=fail), house.settings, quiet)
    (left,) = states(house)
    # As after the database was restored from a backup that is older than this build.
    odd = first_licence(house) * 2
    index.refresh(left)
    ahead = index.stored([odd], left)[odd]
    body = {name: value for name, value in ahead.items() if name not in {"key", "version", "check"}}
    index.bulk([Operation(odd, ahead["version"] + 5000, body)], left)

    with pytest.raises(RebuildError, match="versions check failed"):
        rebuild(house.engine, index, with_index(house.settings, rebuild_sample=1), quiet)

    assert rebuild(house.engine, index, house.settings, quiet).resumed is False
    assert len(index.indices()) == 1


def test_a_second_engine_sees_the_index_that_passed(house: World, index: IndexEngine) -> None:
    house.load(people(3))
    rebuild(house.engine, index, house.settings, quiet)
    other = index_of(house)

    assert found(other, "Hjördis Ek") == 1
    other.close()
