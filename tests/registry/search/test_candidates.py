"""Candidates for matching: whoever might be meant is among them, on both engines."""

import msgspec
import pytest

from registry.errors import BadRequestError
from registry.search import SearchQuery
from registry.search.query import plan
from registry.search.tree import Fuzzy, Prefix, leaves
from registry.settings import load_settings
from tests.registry.search.people import TODAY, Register, licence, person

LIMITS = load_settings({}).search
BORN = "1980-05-13"

NEAR = [
    ("as it is", "Anna", "Lindqvist", BORN),
    ("without hyphens", "Anna", "Lindqvist", "19800513"),
    ("spelt by sound", "Anna", "Lindkvist", BORN),
    ("no given name", "", "Lindqvist", BORN),
    ("no family name", "Anna", "", BORN),
    ("another name altogether, the same day", "Xaver", "Zorn", BORN),
    ("no name, the same day", "", "", BORN),
    ("given and family name swapped", "Lindqvist", "Anna", BORN),
    ("two edits in the family name", "Hanna", "Lidmvist", "1980-05-23"),
    ("one edit in a short given name", "Ana", "Xyz", "1980-05-23"),
    ("a wrong digit in the day", "Anna", "Lindqvist", "1980-05-14"),
    ("a wrong digit in the month", "Anna", "Lindqvist", "1980-06-13"),
    ("a wrong digit in the year", "Anna", "Lindqvist", "1930-05-13"),
    ("two digits of the day swapped", "Anna", "Lindqvist", "1980-05-31"),
    ("two digits of the year swapped", "Anna", "Lindqvist", "1908-05-13"),
    ("the month only", "Anna", "Lindqvist", "1980-05"),
    ("the year only", "Anna", "Lindqvist", "1980"),
    ("another day of the month", "Anna", "Lindqvist", "1980-05-29"),
    ("a former name", "Anna", "Berg", "1980-05-14"),
    ("a former name by sound", "Xyz", "Bergh", "1980-05-14"),
    ("an initial", "A", "Lindqvist", "1980-05-14"),
    ("without a birth date", "Anna", "Lindqvist", ""),
]


@pytest.mark.parametrize(("given", "family", "born"), [row[1:] for row in NEAR], ids=[row[0] for row in NEAR])
def test_who_was_born_about_then_is_found_by_any_part_of_the_name(given: str, family: str, born: str) -> None:
    found = plan(
        SearchQuery(given_name=given, family_name=family, birth_date=born, candidates="near"), LIMITS, TODAY
    )
    assert found.limit == LIMITS.candidate_limit
    assert not found.counted


def test_near_finds_everyone_of_the_table_and_no_stranger(register: Register) -> None:
    meant = person("Anna Lindqvist", former=["Anna Berg"], birth_date=BORN)
    stranger = person("Nils Holgersson", birth_date="1962-11-30")
    namesake = person("Anna Lindqvist", birth_date="1962-11-30")
    register.publish(meant, stranger, namesake)
    found = {
        case: register.found(given_name=given, family_name=family, birth_date=born, candidates="near")
        for case, given, family, born in NEAR
    }
    assert [case for case, ids in found.items() if meant.id not in ids] == []
    assert [case for case, ids in found.items() if stranger.id in ids] == []
    assert [case for case, ids in found.items() if namesake.id in ids] == ["without a birth date"]


def test_day_and_month_may_be_swapped(register: Register) -> None:
    meant, other = person("Anna Ek", birth_date="1980-03-04"), person("Anna Ek", birth_date="1980-07-21")
    register.publish(meant, other)
    assert register.found("Anna Ek", birth_date="1980-04-03", candidates="near") == [meant.id]


def test_a_birth_date_known_in_part_agrees_with_a_whole_one(register: Register) -> None:
    year, month = person("Anna Ek", birth_date="1980"), person("Anna Ek", birth_date="1980-05")
    unknown, other = person("Anna Ek"), person("Anna Ek", birth_date="1981")
    register.publish(year, month, unknown, other)
    assert register.found("Anna Ek", birth_date=BORN, candidates="near") == [year.id, month.id]
    assert set(register.found("Anna Ek", birth_date=BORN, candidates="wide")) == {
        year.id, month.id, unknown.id, other.id,
    }  # fmt: skip


def test_wide_lifts_who_was_born_then_and_needs_a_word_of_the_name(register: Register) -> None:
    then, other = person("Anna Ek", birth_date=BORN), person("Anna Ek", birth_date="1950-01-01")
    register.publish(other, then, person("Bo Berg", birth_date=BORN))
    assert register.found("Anna Ek", birth_date=BORN, candidates="wide") == [then.id, other.id]
    assert register.found("Ek", candidates="wide") == [then.id, other.id]
    with pytest.raises(BadRequestError, match="name"):
        register.found(birth_date=BORN, candidates="wide")


def test_a_nickname_and_a_number_find_candidates(register: Register) -> None:
    lisa, other = person("Elisabet Ek", licence("RN123456")), person("Bo Alm", licence("RN654321"))
    register.publish(lisa, other)
    assert register.found(licence_number="RN 123456", candidates="near") == [lisa.id]
    found = register.found("Lisa Ek", licence_number="RN 654321", candidates="wide")
    assert found == [other.id, lisa.id]


def test_a_person_with_several_licences_is_one_candidate_within_the_limit(register: Register) -> None:
    people = [person("Anna Ek", licence(), licence(), birth_date=BORN) for _ in range(6)]
    register.publish(*people)
    page = register.search("Anna Ek", birth_date=BORN, candidates="near", limit=4)
    assert [hit.practitioner_id for hit in page.hits] == [one.id for one in people[:4]]
    assert (page.total, page.total_is_exact, page.facets) == (4, False, {})
    assert register.search("Anna Ek", candidates="wide", limit=50).total_is_exact


def test_candidates_with_many_licences_keep_nobody_out(register: Register) -> None:
    many = [person("Anna Ek", *(licence() for _ in range(5)), birth_date=BORN) for _ in range(3)]
    one, other = person("Anna Ek"), person("Bo Ek")
    register.publish(other, one, *many)
    found = register.found("Anna Ek", birth_date=BORN, candidates="wide", limit=4)
    assert found == [*(each.id for each in many), one.id]
    assert register.found("Anna Ek", birth_date=BORN, candidates="wide", limit=5)[-1] == other.id


def test_filters_hold_for_candidates_and_protected_people_are_none(register: Register) -> None:
    midwife = person("Anna Ek", licence(profession="midwife"), birth_date=BORN)
    protected = person("Anna Ek", licence(profession="midwife"), birth_date=BORN, protected=True)
    register.publish(midwife, protected, person("Anna Ek", birth_date=BORN))
    assert register.found("Anna Ek", birth_date=BORN, candidates="near", profession=("midwife",)) == [
        midwife.id
    ]


@pytest.mark.parametrize("found", ["near", "wide"])
def test_the_largest_question_for_candidates_is_bounded(found: str) -> None:
    text = " ".join(f"Ö{letter}deläggningen{letter}" for letter in "abcdefghijklmnopqrs")[:200]
    asked = plan(SearchQuery(text=text, birth_date=BORN, candidates=found), LIMITS, TODAY)  # type: ignore[arg-type]
    assert asked.scored is not None
    used = leaves(asked.scored)
    assert len(used) <= 80
    assert sum(isinstance(leaf, Fuzzy) for leaf in used) <= 3 * LIMITS.candidate_words
    few = msgspec.structs.replace(LIMITS, candidate_words=1)
    asked = plan(SearchQuery(text=text, birth_date=BORN, candidates=found), few, TODAY)  # type: ignore[arg-type]
    assert asked.scored is not None
    assert sum(isinstance(leaf, Fuzzy) for leaf in leaves(asked.scored)) <= 3


def test_initials_and_particles_alone_do_not_make_everyone_a_candidate() -> None:
    asked = plan(SearchQuery(text="A B von Lind", candidates="wide"), LIMITS, TODAY)
    assert asked.scored is not None
    needed = asked.scored.children  # type: ignore[union-attr]
    assert len(needed) == 1
    assert not any(isinstance(leaf, Prefix) for child in needed for leaf in leaves(child))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"candidates": "all"}, "near"),
        ({"candidates": "near"}, "name"),
        ({"candidates": "wide"}, "name"),
        ({"candidates": "wide", "text": "?!"}, "name"),
        ({"candidates": "near", "birth_date": "1980"}, "name"),
        ({"candidates": "near", "birth_date": "19805", "text": "Eva"}, "birth date"),
        ({"candidates": "near", "text": "a" * 201}, "too long"),
        ({"candidates": "near", "text": "Eva", "limit": 101}, "limit"),
        ({"candidates": "near", "text": "Eva", "limit": 0}, "limit"),
    ],
    ids=str,
)
def test_what_can_not_be_asked_is_refused_with_words_that_help(asked: dict[str, object], said: str) -> None:
    with pytest.raises(BadRequestError, match=said):
        plan(SearchQuery(**asked), LIMITS, TODAY)  # type: ignore[arg-type]


def test_of_a_day_are_all_who_were_born_then_and_who_may_have_been_and_share_a_word(
    register: Register,
) -> None:
    then = [person(name, birth_date=BORN) for name in ("Anna Lindqvist", "Nils Holgersson", "Xu Li")]
    perhaps = [person("Anna Berg", birth_date="1980"), person("Siv Lindkvist", birth_date="1980-05")]
    others = [
        person("Nils Ek", birth_date="1980"),
        person("Anna Lindqvist", birth_date="1980-05-31"),
        person("Anna Lindqvist", birth_date="1981"),
        person("Anna Lindqvist"),
    ]
    register.publish(*then, *perhaps, *others)
    found = register.found("Anna Lindqvist", birth_date=BORN, candidates="day")
    assert set(found) == {one.id for one in [*then, *perhaps]}


@pytest.mark.parametrize("born", ["", "1980-05", "1980"])
def test_of_a_day_needs_a_whole_birth_date(born: str) -> None:
    with pytest.raises(BadRequestError, match="whole birth date"):
        plan(SearchQuery(text="anna", birth_date=born, candidates="day"), LIMITS, TODAY)
