from array import array
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.known import NOTHING_KNOWN, Known, load_known
from tests.support.facts_feed import FactsFeed
from tests.support.world import World, licence, person

INT64 = st.integers(-(2**63), 2**63 - 1)


def known(fingerprints: list[int]) -> Known:
    ordered = sorted(fingerprints)
    return Known(array("q", ordered), array("q", range(len(ordered))))


def meets(found: Known, fingerprint: int) -> bool:
    return not found.news([fingerprint])


@given(st.sets(INT64, max_size=300), st.sets(INT64, max_size=50))
def test_exactly_the_known_are_met_and_each_of_them_once(standing: set[int], others: set[int]) -> None:
    found = known(list(standing))
    for fingerprint in standing | others:
        assert meets(found, fingerprint) == (fingerprint in standing)
        assert not meets(found, fingerprint), "a second row that looks so is a repeat, not another record"
        assert found.met(fingerprint) == (fingerprint in standing)
    assert list(found.unmet()) == []


@pytest.mark.parametrize("fingerprint", [-(2**63), -1, 0, 2**63 - 1])
def test_the_smallest_and_the_largest_are_found(fingerprint: int) -> None:
    assert meets(known([fingerprint]), fingerprint)
    assert not meets(NOTHING_KNOWN, fingerprint)


def test_a_superseded_record_is_neither_met_nor_absent() -> None:
    found = known([10, 20, 30])
    found.supersede(20)
    assert not meets(found, 20)
    assert not found.met(20)
    assert list(found.unmet()) == [0, 2]
    found.supersede(None)
    found.supersede(99)
    assert list(found.unmet()) == [0, 2]


@pytest.mark.parametrize("at_once", [0, 2_000_000], ids=["one by one", "at once"])
def test_what_stands_is_read_back_sorted_on_every_database(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr("indexer.known._MOST_AT_ONCE", at_once)
    feed = FactsFeed(world, tmp_path)
    everyone = {str(n): person("Ek", f"Liv{n}", licences=[licence(str(n))]) for n in range(100)}
    feed.pull(everyone)
    feed.pull({key: facts for key, facts in everyone.items() if key != "7"})
    with world.engine.connect() as connection:
        found = load_known(connection, "test")
        other = load_known(connection, "nobody")

    assert (len(found), len(other)) == (99, 0)
    unmet = list(found.unmet())
    assert len(set(unmet)) == 99
