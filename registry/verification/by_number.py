"""Whom a number leads to, and whether name and birth date contradict the record."""

from collections.abc import Callable
from dataclasses import replace

from registry.identifiers import fold_number
from registry.matching import question as matching
from registry.matching.candidate import Candidate
from registry.matching.compare import NOTES, DateLikeness, compare_birth_date, explain
from registry.matching.match import Match
from registry.matching.name import NameMatch, compare_name
from registry.matching.notes import Note, unrevealing
from registry.matching.score import Scorer
from registry.records.read import Licence, Practitioner
from registry.verification.finding import Finding, visible
from registry.verification.question import CheckedQuestion
from registry.verification.ruleset import OutcomeId

# Stands for the number, which may be a personal identity number: it led here, and is not compared again.
_LED_HERE = fold_number("number")
_Likeness = tuple[NameMatch | None, DateLikeness]


def by_number(hit: list[Practitioner], question: CheckedQuestion, scorer: Callable[[], Scorer]) -> Finding:
    """Tell whom the number is about.

    Args:
        hit: everyone who has it, as read from SQL.
        question: as asked.
        scorer: gives what explains how name and birth date agree; called only where one of them was given.
    """
    ids = tuple(person.id for person in hit)
    people = _of_profession(visible(hit), question)
    if not people:
        return Finding("notFound", "not-found", ids=ids)
    person = people[0] if len(people) == 1 else _one_of(people, question)
    if person is None:
        return Finding("ambiguous", "ambiguous", ids=ids)
    likeness = _likeness(person, question)
    if contradiction := _contradiction(likeness):
        notes = (NOTES["number-same"], *explain(*likeness))
        return Finding("mismatch", contradiction, match=Match("none", notes), ids=ids)
    return Finding("found", None, person, _explained(person, question, scorer), ids)


def _one_of(people: list[Practitioner], question: CheckedQuestion) -> Practitioner | None:
    """Choose among several people with one number by name and birth date; a mere likeness is not enough."""
    compared = [(person, _likeness(person, question)) for person in people]
    agreeing = [(person, likeness) for person, likeness in compared if not _contradiction(likeness)]
    if len(agreeing) != 1:
        return None
    person, (name, born) = agreeing[0]
    return person if born == "same" or (name and name.likeness in {"same", "part"}) else None


def _likeness(person: Practitioner, question: CheckedQuestion) -> _Likeness:
    name = compare_name(question.name, person.names) if question.name else None
    return name, compare_birth_date(question.birth_date, person.birth_date)


def _contradiction(likeness: _Likeness) -> OutcomeId | None:
    name, born = likeness
    if name and name.likeness == "different":
        return "name-differs"
    return "birth-date-differs" if born == "different" else None


def _explained(person: Practitioner, question: CheckedQuestion, scorer: Callable[[], Scorer]) -> Match:
    """Explain how a person who may be shown answers to what was given beside the number, which says who it is."""
    if not (question.name or question.birth_date):
        return Match("exact", (NOTES["number-same"],))
    asked = matching.Question(name=question.name, birth_date=question.birth_date, licence_number=_LED_HERE)
    candidate = Candidate(person.names, person.birth_date, numbers=frozenset({_LED_HERE}))
    match = scorer().score(asked, candidate)
    # A year asked about agrees; that must not tell the day.
    return replace(match, notes=tuple(map(_without_date, match.notes)))


def _without_date(note: Note) -> Note:
    return unrevealing([note])[0] if note.code.startswith("birth-date") else note


def of_authority(people: list[Practitioner], question: CheckedQuestion) -> list[Practitioner]:
    """Leave those whose licence with the number is from the authority asked about.

    Somebody with a protected identity stays, whose licences may not have been read: never shown, but they see that somebody asked.
    """
    return [one for one in people if question.authority is None or one.protected or _meant(one, question)]


def _of_profession(people: list[Practitioner], question: CheckedQuestion) -> list[Practitioner]:
    """Of several people with one licence number, leave those it licenses for the profession asked about."""
    if len(people) == 1 or not (question.licence_number and question.profession):
        return people
    licensed = [
        one
        for one in people
        if any(each.facts.profession == question.profession for each in _meant(one, question))
    ]
    return licensed or people


def _meant(person: Practitioner, question: CheckedQuestion) -> list[Licence]:
    """Return the licences a number stands for: those that carry it, or all when it is the person's own (an NPI)."""
    key = fold_number(question.licence_number)
    numbered = [each for each in person.licences if fold_number(each.facts.number) == key]
    return [each for each in numbered or person.licences if question.authority in {None, each.authority_id}]
