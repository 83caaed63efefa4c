"""A candidate: what is compared of a person in the register."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from registry.identifiers import PUBLIC_SYSTEMS, fold_number
from registry.matching.question import Role, digits, ends, fold_county
from registry.matching.units import Unit, units
from registry.records.facts import NameFacts
from registry.records.indexed import IndexedName, IndexedPerson
from registry.records.read import Practitioner

_GIVEN: tuple[Role, ...] = ("given",)
_MIDDLE: tuple[Role, ...] = ("middle",)
_FAMILY: tuple[Role, ...] = ("family",)


class Recorded(NamedTuple):
    """A recorded name as words with their roles."""

    name: NameFacts
    units: tuple[Unit, ...]
    roles: tuple[Role, ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A person of the register as compared with a question.

    Attributes:
        names: official ones first; of equally good ones the first is told.
        birth_date: a partial date.
        professions: codes of the vocabulary, of all licences.
        counties: folded, see `of` and `of_indexed`.
        numbers: folded licence numbers and other public numbers.
        recorded: the names prepared.
        born: digits of the birth date.
    """

    names: tuple[NameFacts, ...]
    birth_date: str | None = None
    professions: frozenset[str] = frozenset()
    counties: frozenset[str] = frozenset()
    numbers: frozenset[str] = frozenset()
    recorded: tuple[Recorded, ...] = field(init=False, repr=False, compare=False)
    born: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # A frozen dataclass sets its derived fields so.
        object.__setattr__(self, "recorded", tuple(map(_recorded, self.names)))
        object.__setattr__(self, "born", _born(self.birth_date))

    @classmethod
    def of(cls, person: Practitioner) -> "Candidate":
        """Make a candidate of a person read from SQL truth."""
        numbers = [one.facts.number for one in person.licences]
        numbers += [one.value for one in person.identifiers if one.value and one.system in PUBLIC_SYSTEMS]
        return cls(
            person.names,
            person.birth_date,
            frozenset(one.facts.profession for one in person.licences),
            _counties([person.county]),
            _numbers(numbers),
        )

    @classmethod
    def of_indexed(cls, person: IndexedPerson, counties: Iterable[str] = ()) -> "Candidate":
        """Make a candidate of a person read for the index."""
        numbers = [one.number for one in person.licences] + [value for _, value in person.numbers]
        return cls(
            tuple(_facts(name) for name in person.names),
            person.birth_date,
            frozenset(one.profession for one in person.licences),
            _counties(counties),
            _numbers(numbers),
        )


def _born(birth_date: str | None) -> str:
    # One faulty record must not keep others from being found; without a date it is never more than possible.
    try:
        return digits(birth_date)
    except ValueError:
        return ""


def _counties(counties: Iterable[str]) -> frozenset[str]:
    return frozenset(filter(None, map(fold_county, counties)))


def _numbers(numbers: Iterable[str]) -> frozenset[str]:
    return frozenset(filter(None, (fold_number(number) for number in numbers if number)))


def _facts(name: IndexedName) -> NameFacts:
    use = name.use if name.use in {"former", "alias"} else "official"
    return NameFacts(
        use=use,  # type: ignore[arg-type]  # narrowed on the line above, which mypy does not see
        text=name.text,
        family=name.family,
        given=tuple(name.given.split()),
        middle=name.middle,
    )


def _recorded(name: NameFacts) -> Recorded:
    given = units(" ".join(name.given))
    middle = units(name.middle) if name.middle else ()
    family = units(name.family)
    if not (given or family):
        given, family = _whole(name)
    roles = _roles(len(given), len(middle), len(family))
    return Recorded(name, ends(given + middle + family), ends(roles))


@lru_cache(maxsize=1024)
def _roles(given: int, middle: int, family: int) -> tuple[Role, ...]:
    return _GIVEN * given + _MIDDLE * middle + _FAMILY * family


def _whole(name: NameFacts) -> tuple[tuple[Unit, ...], tuple[Unit, ...]]:
    """Part a name known only as a whole: by custom the family name stands last, or first before a comma."""
    first, comma, rest = name.display().partition(",")
    if comma and units(rest):
        return units(rest), units(first)
    whole = units(first) if not name.middle else units(name.text)
    start = len(whole) - 1
    # Particles belong to the name they stand before.
    while start > 1 and whole[start - 1].particle:
        start -= 1
    return whole[: max(start, 0)], whole[max(start, 0) :]
