"""How many people bear a name: counted from SQL truth, kept in a table, read by a process now and then."""

from datetime import UTC, datetime

import pytest

from registry.database import writing
from registry.names import words
from registry.records.facts import NameFacts, PersonFacts
from registry.records.name_counting import count_names
from registry.records.name_counts import Counted, NameCounts, NameCountsCache, read, replace_all
from tests.support.world import World, licence, person

NOW = datetime(2026, 5, 20, 12, tzinfo=UTC)
PEOPLE: dict[str, PersonFacts] = {
    "1": person("Lindqvist", "Anna", licences=[licence("1")]),
    "2": person("Lindqvist", "Anna", licences=[licence("2")]),
    "3": person("LINDQVIST", "Åsa", licences=[licence("3")]),
    "4": person("Lind-Ek", "Åsa", licences=[licence("4")]),
    "5": person("Ek", "Asa", licences=[licence("5")]),
    "6": person("Ek", "Bo", licences=[licence("6")], protected=True),
    "7": PersonFacts(
        names=(
            NameFacts(family="Rar", given=("Anna", "Maria"), middle="Ek"),
            NameFacts(use="former", family="Lindqvist", given=("Anna",)),
        ),
        licences=(licence("7"),),
    ),
}


@pytest.fixture
def counts(world: World) -> NameCounts:
    """The frequencies of a small register."""
    world.load(PEOPLE)
    with world.engine.connect() as connection:
        counted, people = count_names(connection)
    with writing(world.engine).begin() as connection:
        replace_all(connection, counted, people, NOW, keep=100)
    with world.engine.connect() as connection:
        return read(connection)


def test_people_are_counted_by_official_name_and_protected_ones_are_not(counts: NameCounts) -> None:
    assert counts.people == 6
    assert counts.share("family", "lindqvist") == 3 / 6
    assert counts.share("given", "anna") == 3 / 6
    # A hyphenated name counts in its parts, a middle name as both kinds.
    assert counts.share("family", "ek") == 3 / 6
    assert counts.bearers("bo") == 0


def test_a_name_that_one_person_bears_is_not_listed_and_rarer_than_every_listed_one(
    counts: NameCounts,
) -> None:
    least = min(counts.share("family", key) for key in ("lindqvist", "ek"))
    for key in ("rar", "nobody", "lind"):
        assert 0 < counts.share("family", key) < least
        assert counts.bearers(key) == 0


def test_keys_keep_the_spelling_that_most_people_have(counts: NameCounts) -> None:
    assert counts.display("family", "lindqvist") == "Lindqvist"
    assert counts.display("given", "asa") == "Åsa"
    assert counts.display("given", "aasa") == "Åsa"
    assert counts.any_display("ek") == "Ek"
    assert counts.display("family", "nobody") == "nobody"
    (typed,) = words("åsa")
    assert counts.written(typed) == "Åsa"
    (unknown,) = words("zlatan")
    assert counts.written(unknown) == "Zlatan"


def test_beginnings_are_completed_by_the_commonest_names(counts: NameCounts) -> None:
    assert counts.starting("given", "a", 2) == [("anna", 3), ("aasa", 2)] or counts.starting("given", "a", 2)[0] == (
        "anna", 3,
    )  # fmt: skip
    assert counts.starting("family", "lindq", 5) == [("lindqvist", 3)]
    assert counts.starting("family", "x", 5) == []


def test_without_a_count_nothing_is_known(world: World) -> None:
    with world.engine.connect() as connection:
        found = read(connection)
    assert (found.people, found.share("given", "anna"), found.bearers("anna")) == (0, 0.0, 0)


def test_only_the_commonest_are_kept_and_a_new_count_replaces_the_old(world: World) -> None:
    counted = [Counted("given", f"n{number}", number, f"N{number}") for number in range(2, 10)]
    for keep, listed in ((100, 8), (3, 3)):
        with writing(world.engine).begin() as connection:
            assert replace_all(connection, counted, 50, NOW, keep=keep) == listed
    with world.engine.connect() as connection:
        found = read(connection)
    assert [key for key, _ in found.starting("given", "n", 50)] == ["n9", "n8", "n7"]
    assert found.share("given", "n2") == 7 / 2 / 50


def test_a_process_reads_again_when_names_were_counted_anew(world: World) -> None:
    cache = NameCountsCache(world.engine, ttl_s=1e-9)
    still = NameCountsCache(world.engine, ttl_s=3600)
    assert cache.get().people == still.get().people == 0
    with writing(world.engine).begin() as connection:
        replace_all(connection, [], 7, NOW, keep=1)
    known = cache.get()
    assert known.people == 7
    assert cache.get() is known
    assert still.get().people == 0
