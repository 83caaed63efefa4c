"""What looking for the person of a question gives."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from registry.errors import RegistryError
from registry.matching.match import Match
from registry.records.read import Practitioner
from registry.search.port import SearchPage
from registry.search.query import SearchQuery
from registry.verification.ruleset import OutcomeId

Outcome = Literal["found", "notFound", "ambiguous", "mismatch"]
Search = Callable[[SearchQuery, date], SearchPage]
SearchMany = Callable[[Sequence[SearchQuery], date], list[SearchPage | RegistryError]]
# No practitioner has it; read in place of none, so that no hit costs the same statements as a hit.
NOBODY = -1


@dataclass(frozen=True, slots=True)
class Finding:
    """Whom a question is about.

    Attributes:
        reason: outcome to give as the reason; None when the person was found.
        person: only when the outcome is `found`.
        match: how the record answers to the question; None when nothing may be said about anyone. With spellings and dates
            of the record only when the outcome is `found`.
        ids: everyone the question hit, for the access log: also protected persons, and those it may be about.
    """

    outcome: Outcome
    reason: OutcomeId | None
    person: Practitioner | None = None
    match: Match | None = None
    ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Lead:
    """Whom a question by name is about, before that person is read: as `Finding`, with the id of the person."""

    outcome: Outcome
    reason: OutcomeId | None
    person_id: int | None = None
    match: Match | None = None
    ids: tuple[int, ...] = ()

    def finding(self, person: Practitioner | None) -> Finding:
        """Return the finding, with the person as read; None: they are not there any more, or nobody may be told."""
        if self.person_id is not None and person is None:
            return Finding("notFound", "not-found")
        return Finding(self.outcome, self.reason, person, self.match, self.ids)


def visible(people: list[Practitioner]) -> list[Practitioner]:
    """Leave out whom nobody may be told of, before anything is compared."""
    return [person for person in people if person.listed]
