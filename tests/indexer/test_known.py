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
    """Give the record at each place the id of its place, times ten."""
    return Known(array("q", fingerprints), array("q", range(0, 10 * len(fingerprints), 10)))


def meets(found: Known, fingerprint: int, record_id: int) -> bool:
    """Do as a load does: what is news by its looks may still be a standing record when its key is looked up."""
    return not found.news([fingerprint]) or found.meet(record_id, fingerprint)


@st.composite
def files(draw: st.DrawFn) -> tuple[list[int], list[tuple[int, int]]]:
    """Draw standing records and a file of rows (record id, fingerprint): some changed, new, gone, moved and repeated."""
    standing = draw(st.lists(INT64, max_size=200, unique=True))
    rows = [(10 * place, fingerprint) for place, fingerprint in enumerate(standing)]
    if draw(st.booleans()):
        rows = draw(st.permutations(rows))
    rows = [row for row in rows if draw(st.integers(0, 9))]
    other = INT64.filter(lambda fingerprint: fingerprint not in standing)
    for place in draw(st.lists(st.integers(0, max(0, len(rows) - 1)), max_size=20)) if rows else ():
        match draw(st.sampled_from(["changed", "new", "again"])):
            case "changed":
                rows[place] = (rows[place][0], draw(other))
            case "new":
                rows.insert(place, (10_000_001, draw(other)))
            case _:
                rows.insert(draw(st.integers(0, len(rows))), rows[place])
    return standing, rows


@pytest.mark.parametrize("astray", [0, 1000], ids=["searched for", "looked up by key"])
@given(file=files())
def test_exactly_the_rows_that_stand_are_met_and_each_of_them_once(
    file: tuple[list[int], list[tuple[int, int]]], astray: int
) -> None:
    standing, rows = file
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("indexer.known._ASTRAY", astray)
        found = known(standing)
    met: set[int] = set()
    for record_id, fingerprint in rows:
        stands = record_id < 10 * len(standing) and standing[record_id // 10] == fingerprint
        assert meets(found, fingerprint, record_id) == (stands and record_id not in met)
        met |= {record_id} if stands else set()
    assert {number for number in range(0, 10 * len(standing), 10) if found.met(number)} == met
    assert set(found.unmet()) == set(range(0, 10 * len(standing), 10)) - met


def test_rows_in_another_order_are_found_by_searching_once_they_are_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("indexer.known._ASTRAY", 5)
    monkeypatch.setattr("indexer.known._SORTED_AT_ONCE", 300)
    standing = [number * 7919 - 2**40 for number in range(1000)]
    found = known(standing)
    news = found.news(reversed(standing))
    assert len(news) == 5 + 1000 // 32, "these are looked up by key"
    assert not any(found.news([fingerprint]) == [] for fingerprint in (1, 2**63 - 1, -(2**63)))


@pytest.mark.parametrize("fingerprint", [-(2**63), -1, 0, 2**63 - 1])
def test_the_smallest_and_the_largest_are_found(fingerprint: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indexer.known._ASTRAY", 0)
    monkeypatch.setattr("indexer.known._ASTRAY_SHARE", 0)
    others = [number + 5 for number in range(200)]
    assert known([*others, fingerprint]).news([fingerprint]) == []
    assert NOTHING_KNOWN.news([fingerprint]) == [0]


def test_a_superseded_record_is_neither_met_nor_absent() -> None:
    found = known([10, 20, 30])
    found.supersede(10)
    assert not meets(found, 20, 10)
    assert not found.met(10)
    assert list(found.unmet()) == [0, 20]
    found.supersede(99)
    assert list(found.unmet()) == [0, 20]


@pytest.mark.parametrize("at_once", [7, 250_000], ids=["in parts", "at once"])
def test_what_stands_is_read_back_in_order_on_every_database(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr("indexer.known._AT_ONCE", at_once)
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
