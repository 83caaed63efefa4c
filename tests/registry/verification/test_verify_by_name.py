"""One question by name and birth date: the index finds, SQL tells, and two candidates are never guessed between."""

import pytest

from registry.errors import SearchUnavailableError
from registry.records.facts import NameFacts
from registry.verification.question import Question
from tests.registry.verification.conftest import BORN, NUMBER, Desk, anna
from tests.support.world import licence, person


def namesakes(desk: Desk) -> None:
    desk.load(
        {
            "a": anna(),
            "b": person("Andersson", "Anna", licences=[licence("2")], birth_date="1991-01-01"),
            "c": person("Öberg", "Siv", licences=[licence("3")], birth_date="1970-01-01"),
            "d": person("Öberg", "Siv", licences=[licence("4")], birth_date="1970-01-01"),
            "e": person("Lind", "Eva", licences=[licence("5")], birth_date="1982"),
            "f": person("Karlsson", "Kaj", licences=[licence("6")], birth_date="1960-06-06"),
            "g": person("Karlson", "Kaj", licences=[licence("7")], birth_date="1960-06-06"),
            "h": person("Blom", "Ida", licences=[licence("8")], birth_date="1960-06-07"),
            "i": person("Blom", "Ida", "Sara", licences=[licence("9")], birth_date="1960-06-07"),
        }
    )


@pytest.mark.parametrize(
    ("name", "birth_date", "outcome", "detail"),
    [
        ("Anna Maria Andersson", BORN, "found", "exact"),
        ("Andersson, Anna", BORN, "found", "strong"),
        ("Anna Andersson", "19910101", "found", "exact"),
        ("Anna Andersson", "1985-01-01", "notFound", "not-found"),
        ("Zoe Zetterberg", BORN, "notFound", "not-found"),
        # Two of the same name and day; a likeness; a partial date: never a guess.
        ("Siv Öberg", "1970-01-01", "ambiguous", "ambiguous"),
        ("Siv Oberg", "1970-01-01", "ambiguous", "ambiguous"),
        # Spelt otherwise and sounding the same.
        ("Anna Maria Anderson", BORN, "found", "strong"),
        ("Anna Andersson", "1980", "ambiguous", "uncertain-match"),
        ("Eva Lind", "1982-03-04", "ambiguous", "uncertain-match"),
        # The name as it is written beats one that is a letter off; but not one with more given names.
        ("Kaj Karlsson", "1960-06-06", "found", "exact"),
        ("Ida Blom", "1960-06-07", "ambiguous", "ambiguous"),
        ("Ida Sara Blom", "1960-06-07", "found", "exact"),
    ],
)
def test_by_name_and_birth_date(desk: Desk, name: str, birth_date: str, outcome: str, detail: str) -> None:
    namesakes(desk)
    found = desk.answer(name=name, birth_date=birth_date)
    assert found.outcome == outcome
    if outcome == "found":
        assert found.match is not None
        assert (found.match.level, found.answer) == (detail, "yes")
    else:
        assert (found.answer, found.reasons[0].code, found.practitioner) == ("ask", detail, None)


@pytest.mark.parametrize("blank", [{"licence_number": " "}, {"personal_number": "\t"}])
def test_an_empty_number_beside_a_name_is_no_number(desk: Desk, blank: dict[str, str]) -> None:
    namesakes(desk)
    found = desk.answer(name="Anna Maria Andersson", birth_date=BORN, **blank)
    assert (found.outcome, found.answer) == ("found", "yes")


def test_facts_come_from_sql_when_the_index_lags(desk: Desk) -> None:
    desk.load({"a": anna()})
    desk.world.load({"a": anna(licences=[licence("1001", status="revoked")])})
    found = desk.answer(name="Anna Andersson", birth_date=BORN)
    assert (found.answer, found.reasons[0].code) == ("no", "status-revoked")


def test_by_a_former_name_and_it_is_said(desk: Desk) -> None:
    names = (
        NameFacts(family="Andersson", given=("Anna",)),
        NameFacts(use="former", family="Ek", given=("Anna",)),
    )
    desk.load({"a": anna(names=names)})
    found = desk.answer(name="Anna Ek", birth_date=BORN)
    assert found.match is not None
    assert found.match.level == "strong"
    assert [note.sv for note in found.match.notes][-1] == "Tidigare namn: Anna Ek."


def test_more_candidates_than_can_be_compared_are_ambiguous(desk: Desk) -> None:
    same = {f"k{n}": person("Ek", "Bo", licences=[licence(f"n{n}")], birth_date=BORN) for n in range(4)}
    desk.load(same)
    desk.max_candidates = 3
    answered = desk.ask(Question(name="Bo Ek", birth_date=BORN))
    assert answered.verification.outcome == "ambiguous"
    # Also when those that came say nothing: the one asked for may be among the rest.
    answered = desk.ask(Question(name="Bo Ek Berg", birth_date=BORN))
    assert answered.verification.outcome == "ambiguous"


def test_without_the_engine_numbers_are_answered_and_names_are_unavailable(desk: Desk) -> None:
    desk.world.load({"a": anna()})  # loaded, never published: there is no index
    assert desk.answer(licence_number="1001").answer == "yes"
    assert desk.answer(personal_number=NUMBER).answer == "yes"
    with pytest.raises(SearchUnavailableError):
        desk.answer(name="Anna Andersson", birth_date=BORN)
