"""What the service is asked: names and numbers of people who are in the registry, drawn at random, always the same way."""

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from typing import TypeVar

import sqlalchemy as sa

from registry.database import open_database
from registry.records import tables as t
from registry.sealing import Sealer
from registry.settings import Settings

T = TypeVar("T")
_SEED = 20260101
_IDENTIFIER = b"identifier"
# Of four searches two are exact, one has a wrong letter, one is only begun.
_KINDS = ("exact", "typo", "exact", "prefix")
_LETTERS = "abcdefghijklmnoprstuvwy"
BEGUN = 4
_CHUNK = 500


@dataclass(frozen=True)
class Questions:
    """Searches for two-part names, licence numbers, and personal identity numbers (12 digits)."""

    searches: list[str]
    licence_numbers: list[str]
    personal_numbers: list[str]


def draw(settings: Settings, count: int) -> Questions:
    """Draw `count` questions of each kind about people without a protected identity."""
    chance = random.Random(_SEED)
    engine = open_database(settings.database.url, settings.database, service=False)
    with engine.connect() as connection:
        ids = list(connection.scalars(sa.select(t.practitioner.c.id).where(~t.practitioner.c.protected)))
        chance.shuffle(ids)
        names = _filled(_names(connection, ids), count)
        numbers = _filled(_licence_numbers(connection, ids), count)
        personal = _filled(_personal_numbers(connection, ids, Sealer(settings.privacy)), count)
    engine.dispose()
    searches = [_asked(kind_of(place), *name, chance) for place, name in enumerate(names)]
    return Questions(searches, numbers, personal)


def kind_of(place: int) -> str:
    """Return how the search at this place of `Questions.searches` is written: exact, typo or prefix."""
    return _KINDS[place % len(_KINDS)]


def _filled(found: Iterable[T], count: int) -> list[T]:
    """Take `count`; begin again where there are too few."""
    first = list(islice(found, count))
    return list(islice(cycle(first), count))


def _chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), _CHUNK):
        yield ids[start : start + _CHUNK]


def _names(connection: sa.Connection, ids: Sequence[int]) -> Iterator[tuple[str, str]]:
    table = t.practitioner_name
    for some in _chunks(ids):
        rows = connection.execute(
            sa.select(table.c.given, table.c.family).where(
                table.c.practitioner_id.in_(some), table.c.use == "official"
            )
        )
        yield from ((row.given.split()[0], row.family) for row in rows if row.given and row.family)


def _licence_numbers(connection: sa.Connection, ids: Sequence[int]) -> Iterator[str]:
    table = t.licence
    for some in _chunks(ids):
        yield from connection.scalars(
            sa.select(table.c.number).where(
                table.c.practitioner_id.in_(some), table.c.number != "", table.c.gone_run_id.is_(None)
            )
        )


def _personal_numbers(connection: sa.Connection, ids: Sequence[int], sealer: Sealer) -> Iterator[str]:
    table = t.identifier
    for some in _chunks(ids):
        rows = connection.scalars(
            sa.select(table.c.sealed).where(
                table.c.practitioner_id.in_(some), table.c.sealed.is_not(None), table.c.use == "official"
            )
        )
        yield from (sealer.open(bytes(sealed), context=_IDENTIFIER).decode() for sealed in rows if sealed)


def _asked(kind: str, given: str, family: str, chance: random.Random) -> str:
    match kind:
        case "typo":
            return f"{given} {mistyped(family, chance)}"
        case "prefix":
            return f"{given} {family[:BEGUN]}"
        case _:
            return f"{given} {family}"


def mistyped(family: str, chance: random.Random) -> str:
    """Return a name with one wrong letter; one that is too short to forgive it gets a letter more at its end."""
    place = chance.randrange(1, len(family)) if len(family) >= BEGUN else len(family)
    return f"{family[:place]}{chance.choice(_LETTERS)}{family[place + 1 :]}"
