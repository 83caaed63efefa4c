"""Whoever is protected sees in the log that somebody asked for them by name; whoever asked learns nothing of it."""

import pytest

from registry.errors import RegistryError
from registry.records.facts import NameFacts
from registry.verification.question import Question
from tests.registry.verification.conftest import BORN, Desk, anna
from tests.support.world import licence, person


def ids_of(desk: Desk, name: str, birth_date: str) -> tuple[int, ...]:
    return desk.ask(Question(name=name, birth_date=birth_date)).ids


def number_of(desk: Desk, licence_number: str) -> int:
    """The id of whoever has a licence."""
    [one] = desk.ask(Question(licence_number=licence_number)).ids
    return one


@pytest.mark.parametrize(
    ("name", "birth_date", "hit"),
    [
        ("Anna Maria Andersson", BORN, True),
        ("Andersson, Anna", BORN, True),
        ("Anna Anderson", BORN, True),
        ("Anna Andersson", BORN[:4], False),
        ("Anna Andersson", "1957-03-04", False),
        ("Bo Karlsson", BORN, False),
        ("Andersson", BORN, False),
    ],
)
def test_a_question_by_name_names_the_protected_person_it_is_likely_about(
    desk: Desk, name: str, birth_date: str, *, hit: bool
) -> None:
    desk.load({"a": anna(protected=True), "b": person("Ek", "Bo", licences=[licence("1002")])})
    asked = desk.ask(Question(name=name, birth_date=birth_date))
    assert asked.verification.outcome == "notFound"
    assert asked.ids == ((number_of(desk, "1001"),) if hit else ())


def test_a_former_name_of_somebody_protected_leads_to_them_too(desk: Desk) -> None:
    names = (
        NameFacts(family="Andersson", given=("Anna",)),
        NameFacts(use="former", family="Lindgren", given=("Anna",)),
    )
    desk.load({"a": anna(protected=True, names=names)})
    assert ids_of(desk, "Anna Lindgren", BORN) == (number_of(desk, "1001"),)


def test_a_namesake_who_is_found_is_told_and_the_protected_person_is_in_the_log_beside_them(
    desk: Desk,
) -> None:
    desk.load({"a": anna(protected=True), "b": anna(licences=[licence("1002")], identifiers=())})
    asked = desk.ask(Question(name="Anna Maria Andersson", birth_date=BORN))
    assert asked.verification.outcome == "found"
    assert asked.ids == (number_of(desk, "1002"), number_of(desk, "1001"))


def test_many_questions_are_told_apart(desk: Desk) -> None:
    """One statement for all of them, and none of the ids lands at another question."""
    desk.load(
        {"a": anna(protected=True), "b": person("Ek", "Bo", licences=[licence("1002")], birth_date=BORN)}
    )
    questions = [
        Question(name="Bo Ek", birth_date=BORN),
        Question(name="Anna Andersson", birth_date=BORN),
        Question(licence_number="1002"),
        Question(name="Nobody Here", birth_date="1944-04-04"),
    ]
    told = []
    for one in desk.ask_many(questions):
        assert not isinstance(one, RegistryError)
        told.append((one.verification.outcome, one.ids))
    anna_id, bo_id = number_of(desk, "1001"), number_of(desk, "1002")
    assert told == [("found", (bo_id,)), ("notFound", (anna_id,)), ("found", (bo_id,)), ("notFound", ())]


def test_whoever_is_not_protected_any_more_is_found_and_named_once(desk: Desk) -> None:
    desk.load({"a": anna(protected=True)})
    desk.load({"a": anna()})
    asked = desk.ask(Question(name="Anna Maria Andersson", birth_date=BORN))
    assert (asked.verification.outcome, asked.ids) == ("found", (number_of(desk, "1001"),))
