"""Whom of the protected a question by name is about, so that they see in their log that somebody asked. Nobody else learns of it.

They are in no index, so names do not lead to them. Both levels that say who it is demand the same whole birth date, so SQL truth is
asked who of them was born on the day, and their names are compared as anyone's are. The answer is not touched: it is found without them.
"""

from collections.abc import Mapping

import sqlalchemy as sa

from registry.matching.candidate import Candidate
from registry.records.facts import NameFacts
from registry.records.hidden import Unlisted, protected_born_on
from registry.verification.by_name import LIKELY, ByName


def unlisted(connection: sa.Connection, looking: Mapping[int, ByName]) -> dict[int, tuple[int, ...]]:
    """Return, for each question by its place, the ids of the protected people who are likely meant: for the access log only.

    Args:
        connection: to SQL truth.
        looking: questions by name; those without a whole birth date are likely about nobody.
    """
    days = {place: one.question.birth_date or "" if one.has_day else "" for place, one in looking.items()}
    born = protected_born_on(connection, set(days.values()))
    return {
        place: tuple(
            person
            for person, candidate in _candidates(one, born.get(days[place], []))
            if one.scorer.score(one.asked, candidate).level in LIKELY and person is not None
        )
        for place, one in looking.items()
    }


def _candidates(one: ByName, people: list[Unlisted]) -> list[tuple[int | None, Candidate]]:
    """Return whom to compare: where nobody was born on the day a made-up one, so that there is always something to compare."""
    found: list[tuple[int | None, Candidate]] = [
        (each.id, Candidate(each.names, each.birth_date)) for each in people
    ]
    if not found:
        *given, family = one.question.name.split() or [""]
        name = NameFacts(family=family, given=tuple(given))
        found.append((None, Candidate((name,), one.question.birth_date)))
    return found
