"""What the search of a large register is asked: a mix of the ways in which people and systems ask, always the same way.

Everything goes into the one box, as people type it.
"""

import random
from collections.abc import Iterator, Sequence
from itertools import cycle, islice

import msgspec
import sqlalchemy as sa

from registry.database import open_database
from registry.records import tables as t
from registry.records.index_tables import name_count
from registry.settings import load_settings
from tests.bench.questions import BEGUN, mistyped

_SEED = 20260102
_CHUNK = 500
# Names that are asked for alone: of so many of the commonest, and of so many of the rarest that are counted.
_COMMON, _RARE = 20, 200
# Of twenty questions so many are of each kind.
MIX = {
    "full name": 6,
    "one typo": 3,
    "name and birth date": 3,
    "beginning": 2,
    "swapped order": 2,
    "licence number": 2,
    "common family name": 1,
    "rare family name": 1,
}
BY_NUMBER = "licence number"


class Questions(msgspec.Struct, frozen=True, kw_only=True):
    """Texts for the box, their kinds, and beginnings of names as they are typed."""

    texts: list[str]
    kinds: list[str]
    beginnings: list[str]
    people: int


class _Person(msgspec.Struct, frozen=True):
    """Someone who is in the register, as the questions need them."""

    given: str
    family: str
    birth_date: str
    number: str


def draw(count: int) -> Questions:
    """Draw `count` questions about people without a protected identity (job of a worker)."""
    settings = load_settings()
    chance = random.Random(_SEED)
    engine = open_database(settings.database.url, settings.database, service=False)
    with engine.connect() as connection:
        ids = list(connection.scalars(sa.select(t.practitioner.c.id).where(~t.practitioner.c.protected)))
        people = len(ids)
        chance.shuffle(ids)
        drawn = list(islice(_people(connection, ids), count))
        born = list(
            islice(
                (one for one in _people(connection, ids) if len(one.birth_date) == len("YYYY-MM-DD")), count
            )
        )
        common, rare = _family_names(connection)
    engine.dispose()
    kinds = _kinds(count, chance)
    dated, common_names, rare_names = cycle(born or drawn), cycle(common), cycle(rare)
    texts = []
    for kind, person in zip(kinds, cycle(drawn)):
        match kind:
            case "name and birth date":
                who = next(dated)
                texts.append(f"{who.given} {who.family} {who.birth_date}".strip())
            case "common family name":
                texts.append(next(common_names))
            case "rare family name":
                texts.append(next(rare_names))
            case _:
                texts.append(_asked(kind, person, chance))
    beginnings = [_begun(person, chance) for person in islice(cycle(drawn), count)]
    return Questions(texts=texts, kinds=kinds, beginnings=beginnings, people=people)


def _kinds(count: int, chance: random.Random) -> list[str]:
    """Return the kinds in a random order, in which each has its share from the first score on."""
    found: list[str] = []
    while len(found) < count:
        score = [kind for kind, times in MIX.items() for _ in range(times)]
        chance.shuffle(score)
        found += score
    return found[:count]


def _asked(kind: str, person: _Person, chance: random.Random) -> str:
    given, family = person.given, person.family
    match kind:
        case "one typo":
            return f"{given} {mistyped(family, chance)}"
        case "beginning":
            return f"{given} {family[:BEGUN]}"
        case "swapped order":
            return f"{family} {given}"
        case "licence number":
            return person.number
        case _:
            return f"{given} {family}"


def _begun(person: _Person, chance: random.Random) -> str:
    """Return what stands in the box after some letters."""
    if chance.random() < 1 / 2:
        return person.given[: chance.randint(2, 4)]
    return f"{person.given} {person.family[: chance.randint(2, 4)]}"


def _people(connection: sa.Connection, ids: Sequence[int]) -> Iterator[_Person]:
    name, licence = t.practitioner_name.c, t.licence.c
    for start in range(0, len(ids), _CHUNK):
        some = ids[start : start + _CHUNK]
        rows = connection.execute(
            sa.select(name.given, name.family, t.practitioner.c.birth_date, licence.number)
            .join(t.practitioner, t.practitioner.c.id == name.practitioner_id)
            .join(t.licence, licence.practitioner_id == name.practitioner_id)
            .where(
                name.practitioner_id.in_(some),
                name.use == "official",
                licence.number != "",
                licence.gone_run_id.is_(None),
            )
            .order_by(name.practitioner_id, licence.id)
        )
        for row in rows:
            if row.given and row.family:
                yield _Person(row.given.split()[0], row.family, row.birth_date or "", row.number)


def _family_names(connection: sa.Connection) -> tuple[list[str], list[str]]:
    """Return common and rare family names, by the counts that the rebuild left."""
    names = name_count.c
    asked = sa.select(names.display).where(names.kind == "family")
    common = list(connection.scalars(asked.order_by(names.people.desc(), names.key).limit(_COMMON)))
    rare = list(connection.scalars(asked.order_by(names.people, names.key).limit(_RARE)))
    return common, rare
