"""Finding the one person a question is about, or saying that it can't be told.

Numbers are looked up in SQL and never touch the search engine. For a name the engine finds candidates and SQL tells
who they are. A protected person (like what is left of one merged into another) is dropped as soon as read, before anything
is compared, so that such a hit goes the same way as no hit at all; only the ids for the access log differ.

When is a person known well enough?

- By number: the number leads to one person, and name and birth date do not contradict the record where they
  were given. Where it leads to several (numbers are unique only within a board), authority, profession, name and birth
  date may leave one.
- By name: one candidate is `exact`, and no other is exact or strong; or one is `strong`, and there is no other
  candidate at all. A question with more candidates than the engine may give is never answered about one of them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import sqlalchemy as sa

from registry.identifiers import fold_number
from registry.matching.compare import NOTES, Match, compare, compare_birth_date, explain
from registry.matching.name import compare_name
from registry.records import read
from registry.records.read import Licence, Practitioner
from registry.sealing import Sealer
from registry.search.port import SearchPage
from registry.search.query import SearchQuery
from registry.verification.question import CheckedQuestion
from registry.verification.ruleset import OutcomeId

Outcome = Literal["found", "notFound", "ambiguous", "mismatch"]
Search = Callable[[SearchQuery, date], SearchPage]
# No practitioner has it; read in place of none, so that no hit costs the same statements as a hit.
_NOBODY = -1


@dataclass(frozen=True, slots=True)
class Finding:
    """Whom a question is about.

    Attributes:
        reason: outcome to give as the reason; None when the person was found.
        person: only when the outcome is `found`.
        match: how the record answers to the question; None when nothing may be said about anyone.
        ids: everyone the question hit, for the access log: also protected persons, and those it may be about.
    """

    outcome: Outcome
    reason: OutcomeId | None
    person: Practitioner | None = None
    match: Match | None = None
    ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Identifier:
    """Finds the person a question is about.

    Attributes:
        search: asks the engine; called for names only, may raise SearchUnavailableError.
        max_candidates: people the engine is asked for; more than these leave the question ambiguous.
    """

    connection: sa.Connection
    sealer: Sealer
    search: Search
    max_candidates: int

    def identify(self, question: CheckedQuestion) -> Finding:
        """Find the person.

        Raises:
            SearchUnavailableError: the question needs the engine, which can't be reached.
            BadRequestError: the engine takes no such name.
        """
        if question.personal_number:
            ids = read.ids_by_personal_number(self.connection, self.sealer, question.personal_number)
            return _by_number(self._read(ids), question)
        if question.licence_number:
            ids = read.ids_by_licence_number(self.connection, question.licence_number)
            return _by_number(_of_authority(self._read(ids), question), question)
        return self._by_name(question)

    def _read(self, ids: Sequence[int]) -> list[Practitioner]:
        return list(read.practitioners(self.connection, list(ids) or [_NOBODY]).values())

    def _by_name(self, question: CheckedQuestion) -> Finding:
        query = SearchQuery(
            text=question.name,
            birth_date=question.birth_date or "",
            limit=self.max_candidates,
            facets=False,
        )
        page = self.search(query, question.moment.today)
        people = _visible(self._read([hit.practitioner_id for hit in page.hits]))
        compared = [(compare(question.name, question.birth_date, person), person) for person in people]
        candidates = [(match, person) for match, person in compared if match.level != "none"]
        return _one_of(candidates, complete=page.total <= len(page.hits))


def _visible(people: list[Practitioner]) -> list[Practitioner]:
    return [person for person in people if person.listed]


def _one_of(candidates: list[tuple[Match, Practitioner]], *, complete: bool) -> Finding:
    exact, strong = ([each for each in candidates if each[0].level == level] for level in ("exact", "strong"))
    likely = exact + strong or candidates
    ids = tuple(person.id for _, person in likely) if exact or strong or len(likely) == 1 else ()
    chosen = exact or strong
    alone = len(exact) == 1 and not strong if exact else len(candidates) == 1
    if complete and chosen and alone:
        match, person = chosen[0]
        return Finding("found", None, person, match, ids)
    if not candidates and complete:
        return Finding("notFound", "not-found")
    uncertain = complete and not chosen and len(candidates) == 1
    return Finding("ambiguous", "uncertain-match" if uncertain else "ambiguous", ids=ids)


def _by_number(hit: list[Practitioner], question: CheckedQuestion) -> Finding:
    ids = tuple(person.id for person in hit)
    people = _of_profession(_visible(hit), question)
    if not people:
        return Finding("notFound", "not-found", ids=ids)
    if len(people) > 1:
        return _one_by_number(people, question, ids)
    found, contradiction = _against(people[0], question)
    if contradiction:
        return Finding("mismatch", contradiction, match=found, ids=ids)
    return Finding("found", None, people[0], found, ids)


def _one_by_number(people: list[Practitioner], question: CheckedQuestion, ids: tuple[int, ...]) -> Finding:
    """Choose among several people with one number by name and birth date; a mere likeness is not enough."""
    compared = [(person, *_against(person, question)) for person in people]
    agreeing = [(person, match) for person, match, contradiction in compared if not contradiction]
    if len(agreeing) == 1:
        person, match = agreeing[0]
        if {note.code for note in match.notes} & {"name-same", "name-part", "birth-date-same"}:
            return Finding("found", None, person, match, ids)
    return Finding("ambiguous", "ambiguous", ids=ids)


def _against(person: Practitioner, question: CheckedQuestion) -> tuple[Match, OutcomeId | None]:
    """Compare name and birth date, where given, with the record; return what contradicts it.

    The number says who it is; so the match is `exact`, or `none` when something contradicts it.
    """
    name = compare_name(question.name, person.names) if question.name else None
    born = compare_birth_date(question.birth_date, person.birth_date)
    notes = (NOTES["number-same"], *explain(name, born))
    if name and name.likeness == "different":
        return Match("none", notes), "name-differs"
    if born == "different":
        return Match("none", notes), "birth-date-differs"
    return Match("exact", notes, name.name if name else None), None


def _of_authority(people: list[Practitioner], question: CheckedQuestion) -> list[Practitioner]:
    """Leave those whose licence with the number is from the authority asked about."""
    return [one for one in people if question.authority is None or _meant(one, question)]


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
