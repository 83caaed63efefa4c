"""The order of an answer and what is said of each person, without any engine."""

from itertools import permutations

import pytest

from registry.matching.match import Match
from registry.matching.model import load_model
from registry.matching.question import Question
from registry.matching.score import Scorer
from registry.records.facts import NameFacts
from registry.records.listed import ListedLicence, ListedPerson
from registry.records.name_counts import NameCounts
from registry.search.query import SearchQuery
from registry.web.finding_order import Comparer, meant, question_of

SCORER = Scorer(load_model())
COUNTS = NameCounts(
    100,
    "2026-11-22",
    {"given": {"anna": (50, "Anna")}, "family": {"lindqvist": (40, "Lindqvist")}},
    {"given": ["anna"], "family": ["lindqvist"]},
)


def _person(number: int, given: str, family: str, born: str | None = None, former: str = "") -> ListedPerson:
    names = [NameFacts(given=tuple(given.split()), family=family)]
    if former:
        names.append(NameFacts(use="former", given=tuple(given.split()), family=former))
    return ListedPerson(number, f"p{number}", born, False, "", tuple(names))


def _names(found: dict[int, object], people: list[ListedPerson]) -> list[str]:
    by_id = {person.id: person.name for person in people}
    return [by_id[one] for one in found]


def _asked(name: str, born: str | None = None, number: str = "") -> Comparer:
    return Comparer(SCORER, Question(name=name, birth_date=born, licence_number=number))


# What was asked, and people in the order they must come in.
ROWS = [
    ("lindqvist", ["Eva Lindqvist", "Eva Lindqvister", "Eva Lindkvist", "Eva Lindvist"]),
    ("anna lindqvist", ["Anna Lindqvist", "Anna Lindkvist", "Anna Lindqvisa", "Sven Olsson"]),
    ("anna lindq", ["Anna Lindqvist", "Sven Olsson"]),
    ("anna-karin berg", ["Annakarin Berg", "Anna Karin Borg"]),
    ("anna maria lindqvist", ["Anna Maria Lindqvist", "Anna Maria Lindkvist", "Anna Lindqvist"]),
    ("a lindqvist", ["Anna Lindqvist", "Sven Lindqvist"]),
    ("eva ek", ["Eva Ek", "Ewa Ek"]),
]


@pytest.mark.parametrize(("asked", "names"), ROWS)
def test_exact_comes_before_begun_before_phonetic_before_misspelt(asked: str, names: list[str]) -> None:
    people = [
        _person(number, *name.rsplit(" ", 1)) if name.count(" ") else _person(number, "", name)
        for number, name in enumerate(names, start=1)
    ]
    for some in list(permutations(people))[:24]:
        found = _asked(asked).in_order(list(some), 0, len(people))
        assert _names({**found}, people) == names


def test_equals_stay_as_they_were() -> None:
    people = [_person(number, "Anna", "Lindqvist") for number in (3, 1, 2)]
    assert list(_asked("anna lindqvist").in_order(people, 0, 3)) == [3, 1, 2]


def test_any_part_of_an_answer_has_the_order_of_the_whole() -> None:
    families = ["Lindqvist", "Lindkvist", "Lindqvisa", "Olsson", "Lindqvister"]
    people = [
        _person(number, "Anna", families[number % 5], f"19{50 + number}-01-01") for number in range(1, 26)
    ]
    comparer = _asked("anna lindqvist", "1960-01-01")
    whole = list(comparer.in_order(people, 0, 25))
    for start in range(0, 25, 5):
        found = list(_asked("anna lindqvist", "1960-01-01").in_order(people, start, start + 5))
        assert found[start : start + 5] == whole[start : start + 5]


def _match(comparer: Comparer, person: ListedPerson) -> Match:
    match = comparer.as_given([person])[person.id].match
    assert match is not None
    return match


def test_the_birth_date_puts_namesakes_in_order_and_is_not_told() -> None:
    people = [_person(1, "Anna", "Lindqvist", "1971"), _person(2, "Anna", "Lindqvist", "1980-05-03")]
    comparer = _asked("anna lindqvist", "1980-05-03")
    assert list(comparer.in_order(people, 0, 2)) == [2, 1]
    near = _match(comparer, _person(3, "Anna", "Lindqvist", "1980-05-04"))
    partial = _match(comparer, _person(4, "Anna", "Lindqvist", "1980"))
    texts = [text for match in (near, partial) for note in match.notes for text in (note.sv, note.en)]
    assert texts
    assert not any(digit in text for text in texts for digit in "0123456789")


def test_a_former_name_says_so() -> None:
    match = _match(_asked("anna berg"), _person(1, "Anna", "Lindqvist", former="Berg"))
    assert match.name is not None
    assert match.name.use == "former"
    assert "former-name" in {note.code for note in match.notes}


def test_both_spellings_are_told() -> None:
    match = _match(_asked("anna lindkvist"), _person(1, "Anna", "Lindqvist"))
    assert any("lindkvist/Lindqvist" in note.en for note in match.notes)


def test_a_name_that_is_begun_may_be_the_one() -> None:
    match = _match(_asked("anna lindq"), _person(1, "Anna", "Lindqvist"))
    assert (match.level, [note.code for note in match.notes]) == ("possible", ["name-begins"])


def test_whoever_has_another_name_is_hardly_meant() -> None:
    match = _match(_asked("anna lindqvist"), _person(1, "Sven", "Olsson"))
    assert (match.level, match.notes) == ("none", ())


def test_a_number_is_compared_with_licences_and_other_public_numbers() -> None:
    person = _person(1, "Anna", "Lindqvist")
    licence = ListedLicence(
        1, "RN-100.1", "", "physician", "", "", "active", "", None, None, None, "f", "a", False, ()
    )  # fmt: skip
    question = Question(name="karl holm", licence_number="rn1001")
    by_licence = _match(Comparer(SCORER, question, {1: (licence,)}), person)
    by_other = _match(Comparer(SCORER, question, None, {1: ["RN 1001"]}), person)
    assert {note.code for note in by_licence.notes} >= {"number-same"}
    assert by_licence.notes == by_other.notes
    assert "number-different" in _match_codes(Comparer(SCORER, question, None, {1: ["7"]}), person)


def _match_codes(comparer: Comparer, person: ListedPerson) -> set[str]:
    match = _match(comparer, person)
    return {note.code for note in match.notes} | {
        f"number-{outcome}" for name, outcome, _ in match.features if name == "licence_number"
    }


def test_what_was_meant_is_told_when_several_bear_it() -> None:
    people = [_person(1, "Anna", "Lindqvist"), _person(2, "Anna", "Lindqvist"), _person(3, "Anna", "Lind")]
    best = list(_asked("anna linqvist").in_order(people, 0, 3).values())
    assert meant(best, COUNTS, 2) == "Anna Lindqvist"
    assert meant(best, COUNTS, 3) == ""
    assert meant([], COUNTS, 1) == ""


def test_nothing_else_was_meant_when_somebody_was_found_as_asked() -> None:
    people = [
        _person(1, "Anna", "Lindkvist"),
        _person(2, "Anna", "Lindqvist"),
        _person(3, "Anna", "Lindqvist"),
    ]
    best = list(_asked("anna lindkvist").in_order(people, 0, 3).values())
    assert meant(best, COUNTS, 2) == ""


@pytest.mark.parametrize(
    ("query", "number", "question"),
    [
        (SearchQuery(), "", None),
        (SearchQuery(birth_date="1980"), "", None),
        (SearchQuery(text="-"), "", None),
        (SearchQuery(text="anna ek"), "", Question(name="anna ek")),
        (SearchQuery(text="Ek, Anna"), "", Question(given=" Anna", family="Ek")),
        (SearchQuery(text="Ek,"), "", Question(name="Ek,")),
        (SearchQuery(given_name="Anna", family_name="Ek"), "", Question(given="Anna", family="Ek")),
        (SearchQuery(text="Ek", given_name="Anna"), "", Question(name="Anna Ek")),
        (SearchQuery(), "7", Question(licence_number="7")),
        (SearchQuery(text="Ek", birth_date="1980"), "", Question(name="Ek", birth_date="1980")),
    ],
)
def test_people_are_compared_with_names_and_numbers_only(
    query: SearchQuery, number: str, question: Question | None
) -> None:
    assert question_of(query, number) == question
