"""What looking for the person of a question gives."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Literal

from registry.matching.match import Match
from registry.records.read import Practitioner
from registry.search.port import SearchPage
from registry.search.query import SearchQuery
from registry.verification.ruleset import OutcomeId

Outcome = Literal["found", "notFound", "ambiguous", "mismatch"]
Search = Callable[[SearchQuery, date], SearchPage]


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


def visible(people: list[Practitioner]) -> list[Practitioner]:
    """Leave out whom nobody may be told of, before anything is compared."""
    return [person for person in people if person.listed]
