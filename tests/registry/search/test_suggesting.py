"""Suggestions while typing and "did you mean": names that several people share, on both engines."""

from dataclasses import replace

import pytest

from registry.records.name_counts import Counted, Kind, NameCounts
from registry.records.read import Practitioner
from registry.search import SearchQuery
from registry.search.nearest import nearest
from registry.search.suggesting import Suggest, did_you_mean, search, suggest
from registry.settings import load_settings
from tests.registry.search.people import TODAY, Register, licence, person

LIMITS = load_settings({}).search
SHARED = ["Anna Lindberg", "Anna Lindqvist", "Annika Berg", "Åsa Öberg", "Lindor Ek"]


def counts_of(*counted: tuple[Kind, str, int, str]) -> NameCounts:
    """Frequencies as they are read."""
    of: dict[Kind, dict[str, tuple[int, str]]] = {"given": {}, "family": {}}
    for kind, key, people, display in counted:
        one = Counted(kind, key, people, display)
        of[one.kind][one.key] = one.people, one.display
    return NameCounts(100, "now", of, {kind: sorted(known) for kind, known in of.items()})


COUNTS = counts_of(
    ("given", "anna", 6, "Anna"),
    ("given", "annika", 2, "Annika"),
    ("given", "asa", 2, "Åsa"),
    ("given", "aasa", 2, "Åsa"),
    ("given", "lindor", 2, "Lindor"),
    ("family", "lindberg", 3, "Lindberg"),
    ("family", "lindqvist", 2, "Lindqvist"),
    ("family", "lindgone", 9, "Lindgone"),
    ("family", "berg", 2, "Berg"),
    ("family", "oberg", 2, "Öberg"),
    ("family", "oeberg", 2, "Öberg"),
    ("family", "ek", 2, "Ek"),
    ("family", "sjoberg", 5, "Sjöberg"),
)


@pytest.fixture
def filled(register: Register) -> Register:
    """Two people of each name, a third Anna Lindberg, one of a rarer name, and a protected person."""
    people: list[Practitioner] = [person(text) for text in SHARED for _ in range(2)]
    people += [person("Anna Lindberg", licence(), licence()), person("Anna Sjöberg", licence(), licence())]
    register.publish(*people, person("Bo Sjöberg", protected=True))
    return register


def suggested(register: Register, text: str, **rest: int) -> list[str]:
    found = suggest(register.engine, COUNTS, Suggest(text=text, **rest), LIMITS)
    return [one.text for one in found]


def test_the_last_word_is_completed_to_names_that_several_people_bear(filled: Register) -> None:
    assert suggested(filled, "anna lind") == ["Anna Lindberg", "Anna Lindqvist"]
    assert suggested(filled, "lind") == ["Lindberg", "Lindqvist", "Lindor"]
    assert suggested(filled, "an") == ["Anna", "Annika"]
    assert suggested(filled, "åsa ö") == []
    assert suggested(filled, "åsa öb") == suggested(filled, "asa ob") == ["Åsa Öberg"]
    assert suggested(filled, "lindberg an") == ["Lindberg Anna"]


def test_a_suggestion_says_what_kind_of_name_it_is_and_how_many_bear_it(filled: Register) -> None:
    (first, second) = suggest(filled.engine, COUNTS, Suggest(text="anna lind"), LIMITS)
    assert (first.kind, first.people) == ("family", 3)
    assert (second.kind, second.people) == ("family", 2)


def test_a_single_person_is_never_suggested_however_many_licences_they_hold(filled: Register) -> None:
    assert suggested(filled, "anna sj") == []
    assert suggested(filled, "sjo") == []
    assert did_you_mean(filled.engine, COUNTS, "Anna Sjöbergg", LIMITS) == ""


def test_who_becomes_protected_is_gone_from_suggestions_at_once(register: Register) -> None:
    one, other = person("Anna Lindqvist"), person("Anna Lindqvist", version=1)
    register.publish(one, other)
    assert suggested(register, "anna lindq") == ["Anna Lindqvist"]
    hidden = person("Anna Lindqvist")
    register.publish(hidden)
    register.publish(replace(other, protected=True, version=2), replace(hidden, protected=True, version=2))
    assert suggested(register, "anna lindq") == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "  ",
        "?",
        "RN 60123",
        "anna 1",
        "x" * 201,
        "a b c d e f g h i",
        "anna lind ",
        "zz",
        "\ud800",
        "*",
        "anna*\x00",
    ],
)
def test_what_can_not_be_completed_has_no_suggestions_and_is_no_error(filled: Register, text: str) -> None:
    assert all(one == "Anna" for one in suggested(filled, text))


def test_suggestions_are_few(filled: Register) -> None:
    assert suggested(filled, "lind", limit=1) == ["Lindberg"]
    assert len(suggested(filled, "lind", limit=100)) == 3
    assert suggested(filled, "lind", limit=0) == ["Lindberg", "Lindqvist", "Lindor"]


MEANT = [
    ("Anna Lindqvst", "Anna Lindqvist"),
    ("Ana Lindberg", "Anna Lindberg"),
    ("anan lindberg", "Anna Lindberg"),
    ("Lnidberg", "Lindberg"),
    ("Aasa Obreg", "Åsa Öberg"),
    ("Lindxxist Anna", "Lindqvist Anna"),
    ("Anna Lindqvist", ""),
    ("Anna Xyzzy", ""),
    ("Anna 123", ""),
    ("Bo", ""),
]


@pytest.mark.parametrize(("asked", "meant"), MEANT)
def test_the_nearest_names_that_find_somebody_are_meant(filled: Register, asked: str, meant: str) -> None:
    assert did_you_mean(filled.engine, COUNTS, asked, LIMITS) == meant


def test_a_search_says_what_may_be_meant_only_where_nobody_was_found_as_asked(filled: Register) -> None:
    def meant(text: str, **rest: object) -> str:
        asked = SearchQuery(text=text, **rest)  # type: ignore[arg-type]
        return search(filled.engine, COUNTS, asked, LIMITS, TODAY).did_you_mean

    assert meant("Ana Lindberg") == "Anna Lindberg"
    assert meant("Anna Lindqmist") == "Anna Lindqvist"
    assert meant("Anna Lindqvist") == ""
    assert meant("Anna Lindq") == ""
    assert meant("Ana Lindberg", candidates="wide") == ""


def test_names_two_edits_away_count_only_where_none_is_nearer() -> None:
    assert nearest("lindbrg", COUNTS) == [(1, "lindberg")]
    assert nearest("lindbqrgg", COUNTS) == [(2, "lindberg")]
    assert nearest("an", COUNTS) == nearest("a" * 25, COUNTS) == nearest("anna-", COUNTS) == []
    assert all(off == 1 for off, _ in nearest("annna", COUNTS))
