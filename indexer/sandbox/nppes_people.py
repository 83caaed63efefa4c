"""The people of the sandbox's NPPES: what the bulk files and the registry's API both tell of.

Person `i` on the Sunday of week `w` is a function of the seed, so that files of any size are written in flat memory
and a weekly file holds exactly who is new or changed since the week before.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import NamedTuple

from indexer.sandbox import american_names
from indexer.sandbox import directory_register as register
from indexer.sandbox.draw import Draw, Shuffle, mix
from indexer.sandbox.errors import SandboxError
from indexer.sandbox.identities import NPI_CAPACITY, npi
from indexer.sandbox.model import Provider, Sex

_PERSON, _LIFE, _REPLACED = 31, 32, 33
# NPPES began to give numbers on this day.
FIRST_DAY = date(2005, 5, 23)
# The Sunday of week 0.
SUNDAY = date(2026, 11, 8)
CHANGED_A_WEEK = 0.02
# One newcomer a week for so many people.
PEOPLE_A_NEWCOMER = 500
# Shares of those who come deactivated, and who were and are again in use.
_DEACTIVATED, _REACTIVATED = 0.04, 0.01
_REPLACEMENT = 0.01
_CREDENTIALS = ("MD", "M.D.", "RN", "DO", "PT", "LCSW", "")
_STREETS = ("N MAIN ST", "E BOGARD RD", "W 5TH AVE STE 203", "UNIVERSITY BLVD", "PO BOX")
_MALE = 0.4


class Taxonomy(NamedTuple):
    """One of up to 15 slots."""

    code: str
    text: str
    number: str
    state: str
    primary: bool = False


class OtherName(NamedTuple):
    """A further name; type code 1 former, 2 professional, 5 other."""

    last: str
    first: str
    middle: str
    code: str


class NppesPerson(NamedTuple):
    """One person with an NPI. Dates are ISO, "" for none; an emptied person is deactivated and not reactivated."""

    npi: str
    last: str
    first: str
    middle: str
    prefix: str
    suffix: str
    credential: str
    sex: Sex
    other: OtherName | None
    taxonomies: tuple[Taxonomy, ...]
    street: str
    city: str
    state: str
    postal_code: str
    phone: str
    enumerated: str
    updated: str
    deactivated: str = ""
    reactivated: str = ""
    replacement: str = ""

    @property
    def emptied(self) -> bool:
        """Tell whether NPPES has emptied the record."""
        return bool(self.deactivated) and not self.reactivated


class NppesPeople:
    """The people of one sandbox NPPES.

    Args:
        people: how many there are in week 0, deactivated ones included.
        seed: another seed, other people.

    Raises:
        SandboxError: more people than there are numbers for them.
    """

    def __init__(self, people: int, seed: int = 1) -> None:
        if not 1 <= people <= NPI_CAPACITY // 4:
            raise SandboxError(
                f"NPPES can have 1 to {NPI_CAPACITY // 4} people in the sandbox, not {people}."
            )
        self.people = people
        self._seed = seed
        self._npis = Shuffle(NPI_CAPACITY, seed, _PERSON)

    def ever(self, week: int) -> int:
        """Return how many people have come until the end of a week."""
        return self.people + week * self._newcomers

    @property
    def _newcomers(self) -> int:
        return max(1, self.people // PEOPLE_A_NEWCOMER)

    def in_week(self, week: int) -> Iterator[NppesPerson]:
        """Give everyone as they are at the end of a week."""
        for i in range(self.ever(week)):
            yield self.person(i, week)

    def changed_in(self, week: int) -> Iterator[NppesPerson]:
        """Give who came or changed in a week, from 1."""
        for i in range(self.ever(week)):
            if i >= self.ever(week - 1) or self._lives(i, week):
                yield self.person(i, week)

    def organisation_npi(self, j: int) -> str:
        """Return the number of an organisation; no person has it."""
        return npi(self._npis[NPI_CAPACITY // 2 + j])

    def person(self, i: int, week: int) -> NppesPerson:
        """Return person `i` at the end of a week."""
        person = self._newborn(i)
        came = 0 if i < self.people else (i - self.people) // self._newcomers + 1
        for then in range(came + 1, week + 1):
            if chance := self._lives(i, then):
                person = self._changed(person, Draw(chance), sunday(then))
        return person

    def _lives(self, i: int, week: int) -> int:
        """Return what happens to a person in a week: 0 for nothing, else a seed."""
        chance = mix(self._seed, _LIFE, week, i)
        return chance if chance < CHANGED_A_WEEK * 2**64 else 0

    def _newborn(self, i: int) -> NppesPerson:
        draw = Draw(self._seed, _PERSON, i)
        sex: Sex = "M" if draw.random() < _MALE else "F"
        born = SUNDAY.year - draw.within(25, 70)
        state, city, postal_code, pattern, _ = register.STATES.pick(draw)
        first = american_names.given(draw, sex, born).upper()
        middle = american_names.middle(draw, sex, born).upper()
        enumerated = FIRST_DAY + timedelta(days=draw.within(0, (SUNDAY - FIRST_DAY).days - 400))
        updated = enumerated + timedelta(days=draw.within(0, 390))
        other = None
        if sex == "F" and draw.random() < 0.12:  # noqa: PLR2004 - share with a former or another name
            code = "1" if draw.chance(0.7) else draw.one("25")
            other = OtherName(american_names.surname(draw).upper(), first, middle, code)
        deactivated, reactivated, replacement = self._ended(i, draw, updated)
        return NppesPerson(
            npi=npi(self._npis[i]),
            last=american_names.surname(draw).upper(),
            first=first,
            middle=middle,
            prefix=draw.one(("DR.", "MS.", "MR.", "", "")),
            suffix=american_names.suffix(draw, sex).upper(),
            credential=draw.one(_CREDENTIALS),
            sex=sex,
            other=other,
            taxonomies=_taxonomies(draw, state, pattern),
            street=f"{draw.within(1, 9999)} {draw.one(_STREETS)}",
            city=city.upper(),
            state=state,
            postal_code=postal_code,
            phone=f"555010{draw.within(1000, 9999)}",
            enumerated=enumerated.isoformat(),
            updated=updated.isoformat(),
            deactivated=deactivated,
            reactivated=reactivated,
            replacement=replacement,
        )

    def _ended(self, i: int, draw: Draw, since: date) -> tuple[str, str, str]:
        """Return the dates of deactivation and reactivation and the number that replaces this one."""
        roll = draw.random()
        if roll > _DEACTIVATED + _REACTIVATED:
            return "", "", ""
        day = (since + timedelta(days=1)).isoformat()
        if roll > _DEACTIVATED:
            return day, (since + timedelta(days=9)).isoformat(), ""
        if i and draw.chance(_REPLACEMENT):
            return day, "", npi(self._npis[mix(self._seed, _REPLACED, i) % i])
        return day, "", ""

    def _changed(self, person: NppesPerson, draw: Draw, day: date) -> NppesPerson:
        """Let something happen to a person."""
        moment = (day - timedelta(days=draw.within(0, 6))).isoformat()
        if person.emptied:
            return person._replace(reactivated=moment, updated=moment)
        roll = draw.random()
        if roll < 0.1:  # noqa: PLR2004 - share that is deactivated
            return person._replace(deactivated=moment, reactivated="", updated=moment)
        if roll < 0.3 and person.sex == "F":  # noqa: PLR2004 - share that takes another name
            other = OtherName(person.last, person.first, person.middle, "1")
            return person._replace(last=american_names.surname(draw).upper(), other=other, updated=moment)
        if roll < 0.6 and len(person.taxonomies) < 15:  # noqa: PLR2004 - share with a further licence, of 15 at most
            state, _, _, pattern, _ = register.STATES.pick(draw)
            return person._replace(
                taxonomies=(*person.taxonomies, _taxonomy(draw, state, pattern)), updated=moment
            )
        return person._replace(phone=f"555019{draw.within(1000, 9999)}", updated=moment)


def sunday(week: int) -> date:
    """Return the last day of a week: what a file of that week is made of."""
    return SUNDAY + timedelta(weeks=week)


def _taxonomies(draw: Draw, state: str, pattern: str) -> tuple[Taxonomy, ...]:
    count = 1
    while count < 15 and draw.random() < 0.15:  # noqa: PLR2004 - share with a further one, of 15 at most
        count += 1
    found = [_taxonomy(draw, state, pattern) for _ in range(count)]
    primary = draw.within(0, count - 1)
    found[primary] = found[primary]._replace(primary=True)
    return tuple(found)


def _taxonomy(draw: Draw, state: str, pattern: str) -> Taxonomy:
    code, text, _ = register.TAXONOMY.pick(draw)
    roll = draw.random()
    if roll < 0.1:  # noqa: PLR2004 - share that gives no number
        return Taxonomy(code, text, "", "")
    if roll < 0.101:  # noqa: PLR2004 - share whose number CMS has masked
        return Taxonomy(code, text, "$$$$$$$$$", state)
    digits = str(draw.within(10**11, 10**12 - 1))
    number = "".join(digits[at] if letter == "#" else letter for at, letter in enumerate(pattern))
    return Taxonomy(code, text, number, state)


def of_provider(person: Provider) -> NppesPerson:
    """Return what NPPES has of someone in the FHIR directory: the same number, names and licences."""
    official, *others = person.names
    other = others[0] if others else None
    return NppesPerson(
        npi=person.npi,
        last=official.family.upper(),
        first=official.given[0].upper() if official.given else "",
        middle=" ".join(official.given[1:]).upper(),
        prefix=official.prefix,
        suffix=official.suffix,
        credential="",
        sex=person.sex,
        other=OtherName(
            other.family.upper(),
            " ".join(other.given).upper(),
            "",
            "1" if other.use in ("maiden", "old") else "5",
        )
        if other
        else None,
        taxonomies=tuple(
            Taxonomy(licence.taxonomy, licence.text, licence.number, licence.state, primary=at == 0)
            for at, licence in enumerate(person.qualifications)
        ),
        street="1 N MAIN ST",
        city=person.city.upper(),
        state=person.state,
        postal_code=person.postal_code,
        phone="5550100100",
        enumerated=FIRST_DAY.isoformat(),
        updated=SUNDAY.isoformat(),
    )
