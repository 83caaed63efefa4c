"""A question about a person, and the same prepared for comparing with many candidates."""

import re
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from registry.identifiers import fold_number
from registry.matching.kinds import Kind, kind_of, nothing_in_common
from registry.matching.units import Unit, units

T = TypeVar("T")
Role = Literal["given", "middle", "family", "any"]
# Words of one name that are compared; the longest real names have some ten. Bounds the time of a question.
MAX_UNITS = 12
# Recorded words remembered for a question; the words of a page of candidates are some hundred.
_REMEMBERED = 4096

_ISO_LENGTH = len("2019-05-03")
_DATE = re.compile(r"(\d{4})(?:-?(\d{2})(?:-?(\d{2}))?)?\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Question:
    """Who is asked about; everything may be left out.

    Attributes:
        name: the whole name as people write it, in any order; not read where `given` or `family` is there.
        given: given names, all that are known.
        family: family names.
        birth_date: a partial date, `2019`, `2019-05` or `2019-05-03` (or without hyphens). It need not be a day of the
            calendar: a slip of the pen often makes one that is not.
        profession: a code of the vocabulary.
        county: as the register writes it.
        licence_number: as written; folded here.
    """

    name: str = ""
    given: str = ""
    family: str = ""
    birth_date: str | None = None
    profession: str = ""
    county: str = ""
    licence_number: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question prepared: its words, and what they have been found to be like so far.

    Attributes:
        units: the words of the name, given names first where it is known which they are.
        roles: of each word; all `any` where one box holds the name, or only one of two is filled in.
        apart: given and family names were told apart.
        born: digits of the birth date: none, 4, 6 or 8.
        number: folded licence number.
        county: folded.
        likes: what each recorded word is to the question.
        laid: recorded names already laid beside the question, see `registry.matching.features`.
    """

    question: Question
    units: tuple[Unit, ...]
    roles: tuple[Role, ...]
    apart: bool
    born: str
    number: str
    county: str
    likes: "Likes" = field(repr=False)
    laid: dict[Any, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class Like:
    """What a recorded word is to a question; one object for all words that are the same to it.

    Attributes:
        pairs: (position, kind) of the asked words it is like at all.
        joinable: it begins with an asked word that it is not, or the other way around, and so may be part of it.
    """

    pairs: tuple[tuple[int, Kind], ...]
    joinable: bool
    particle: bool


class Likes(dict[Unit, Like]):
    """What each recorded word is to a question, found out when first wanted."""

    def __init__(self, units: tuple[Unit, ...]) -> None:
        super().__init__()
        self._units = units
        self._shared: dict[tuple[object, ...], Like] = {}

    def __missing__(self, other: Unit) -> Like:
        if len(self) >= _REMEMBERED:
            self.clear()
        found = []
        joinable = False
        key, first = other.key, other.key[:1]
        for i, one in enumerate(self._units):
            kind = Kind.DIFFERENT if nothing_in_common(one, other) else kind_of(one, other)
            if kind:
                found.append((i, kind))
            if (
                one.key[:1] == first
                and kind < Kind.TYPED
                and (one.key.startswith(key) or key.startswith(one.key))
            ):
                joinable = True
        like = Like(tuple(found), joinable, other.particle)
        self[other] = shared = self._shared.setdefault((*found, joinable, other.particle), like)
        return shared


def asked(question: Question) -> Asked:
    """Prepare a question.

    Raises:
        ValueError: the birth date is none; the message says what was expected.
    """
    given, family = units(question.given), units(question.family)
    everything = given + family if given or family else units(question.name)
    roles: list[Role] = ["any"] * len(everything)
    apart = bool(given and family)
    if apart:
        roles = ["given" if i < len(given) else "family" for i in range(len(everything))]
    everything = ends(everything)
    return Asked(
        question,
        everything,
        ends(tuple(roles)),
        apart,
        digits(question.birth_date),
        fold_number(question.licence_number),
        fold_county(question.county),
        Likes(everything),
    )


def ends(words: tuple[T, ...]) -> tuple[T, ...]:
    """Return at most `MAX_UNITS` of what stands for the words of a name: both ends, its first given and last family names."""
    half = MAX_UNITS // 2
    return words if len(words) <= MAX_UNITS else words[:half] + words[-half:]


def digits(partial: str | None) -> str:
    """Return the digits of a partial date, `yyyy`, `yyyymm` or `yyyymmdd`; none for no date.

    Raises:
        ValueError: it is no such date.
    """
    if not partial:
        return ""
    if len(partial) == _ISO_LENGTH and partial[4] == partial[7] == "-":
        # As all dates of the register are; the expression takes five times as long.
        plain = partial[:4] + partial[5:7] + partial[8:]
        if plain.isascii() and plain.isdecimal():
            return plain
    found = _DATE.match(partial.strip())
    if not found:
        raise ValueError("expected a birth date as YYYY, YYYY-MM or YYYY-MM-DD")
    return "".join(part for part in found.groups() if part)


def fold_county(county: str) -> str:
    """Fold a county for comparing: case, spaces and the word "län" don't tell ("Uppsala län" is "Uppsala")."""
    return " ".join(word for word in county.casefold().split() if word not in {"län", "county"})
