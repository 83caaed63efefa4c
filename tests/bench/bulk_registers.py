"""Registers of any size, written fast: the sandbox's people as patterns, with numbers and family names of their own.

A register has two states: the first, and a later one in which two of a hundred records are others, a few of them gone
and as many new. The same seed gives the same files, byte for byte.
"""

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from random import Random

import msgspec
from msgspec.structs import replace

from indexer.sandbox import american_names, changes, formats, nppes, swedish_names
from indexer.sandbox.draw import Draw
from indexer.sandbox.identities import CAPACITY, HOSP_ID_FROM, PersonalNumbers, personal_number
from indexer.sandbox.people import People
from indexer.sandbox.plan import Plan

CHANGED = 0.02
# Of the changed: a twenty-fifth is gone, and as many are new.
_GONE = CHANGED / 25
_PATTERNS = 4000
_SURNAMES = 3000
_BATCH = 2000
_YEAR = 2026
# What stands in a pattern where each record has its own; no person of the sandbox is called or numbered so.
_HOSP_ID, _NUMBER, _BORN, _FAMILY = "777777777", "181111119999", "1811-11-11", "Qqfamilyqq"
_CREDENTIAL = "QQ63999999"
# Credentials in use have not reached 62000000, the sandbox's begin at 68000000.
_CREDENTIAL_FROM = 63_000_000
# What nobody chooses: made in the sandbox for so many people and licences.
_NPPES_LICENCES_A_PERSON = 1.17


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """One state of a register: its file, records and licences, and the file's size in MiB."""

    path: str
    records: int
    licences: int
    size_mb: float


class _Pattern(msgspec.Struct, frozen=True):
    """A record's text with a mark where its own values go ("%(number)s"), and how many licences it has."""

    text: str
    licences: int


def _pattern(text: str, marks: dict[str, str], licences: int) -> _Pattern:
    text = text.replace("%", "%%")
    for mark, name in marks.items():
        text = text.replace(mark, f"%({name})s")
    return _Pattern(text, licences)


def _hosp_patterns(seed: int) -> list[tuple[_Pattern, _Pattern]]:
    """Give each pattern as it is first and as it is later."""
    marks = {_HOSP_ID: "hosp", _NUMBER: "number", _BORN.replace("-", ""): "born", _FAMILY: "family"}
    people = People(Plan(2 * _PATTERNS, seed, year=_YEAR))
    found = []
    for i in range(_PATTERNS):
        person = people.newborn_swedes[i]
        number = _NUMBER if person.number else ""
        person = replace(
            person, hosp_id=int(_HOSP_ID), number=number, former_number="", born=_BORN, family=_FAMILY
        )
        first = formats.hosp_person(person)
        draw, later = Draw(seed, i), first
        while later == first:
            changed = changes.swede(draw, person, _YEAR)
            later = formats.hosp_person(changed) if changed else first
            licences = len(changed.licences) if changed else 0
        found.append(
            (_pattern(first, marks, len(person.licences)), _pattern(later, marks, licences))
            if not person.protected
            else (_pattern(first, marks, 0), _pattern(later, marks, 0))
        )
    return found


def _washington_patterns(seed: int) -> list[tuple[_Pattern, _Pattern]]:
    marks = {_CREDENTIAL: "number", _FAMILY: "family"}
    people = People(Plan(2 * _PATTERNS, seed, year=_YEAR))
    found = []
    for i in range(_PATTERNS):
        person = people.newborn_washingtonians[i]
        credential = replace(person.credentials[0], number=_CREDENTIAL)
        person = replace(person, family=_FAMILY, credentials=(credential,))
        first = formats.socrata_csv(formats.washington_row(person, credential))
        draw, later = Draw(seed, i), first
        while later == first:
            changed = changes.washingtonian(draw, person, _YEAR)
            if changed:
                later = formats.socrata_csv(formats.washington_row(changed, changed.credentials[0]))
        found.append((_pattern(first, marks, 1), _pattern(later, marks, 1)))
    return found


def _records(
    patterns: list[tuple[_Pattern, _Pattern]],
    values: Callable[[int, Random], dict[str, str]],
    licences: int,
    seed: int,
    *,
    later: bool,
) -> Iterator[tuple[str, int]]:
    """Give records and how many licences each has, until there are so many licences."""
    chance, fate = Random(seed), Random(seed + 1)
    given = i = 0
    while given < licences:
        first, second = patterns[int(chance.random() * len(patterns))]
        own, roll = values(i, chance), fate.random()
        new = roll >= 1 - _GONE
        given += 0 if new else first.licences
        i += 1
        if (new and not later) or (later and roll < _GONE):
            continue
        pattern = second if later and roll < CHANGED else first
        yield pattern.text % own, pattern.licences


def write(form: str, licences: int, folder: Path, seed: int = 1, *, later: bool = False) -> Written:
    """Write a state of a register of about so many licences: `hosp`, `washington` (CSV) or `nppes` (CSV)."""
    folder.mkdir(parents=True, exist_ok=True)
    if form == "nppes":
        return _nppes(licences, folder, seed, later=later)
    path = folder / f"{form}-{'later' if later else 'first'}.{'xml' if form == 'hosp' else 'csv'}"
    if form == "hosp":
        head, foot = formats.HOSP_HEAD, formats.HOSP_FOOT
        patterns, values = _hosp_patterns(seed), _hosp_values(seed)
    else:
        head, foot = ",".join(formats.WASHINGTON_COLUMNS.values()) + "\n", ""
        patterns, values = _washington_patterns(seed), _washington_values(seed)
    records, kept = 0, 0
    stream = _records(patterns, values, licences, seed, later=later)
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(head)
        while batch := list(islice(stream, _BATCH)):
            file.write("".join([text for text, _ in batch]))
            records += len(batch)
            kept += sum(count for _, count in batch)
        file.write(foot)
    return Written(path=str(path), records=records, licences=kept, size_mb=path.stat().st_size / 2**20)


def _hosp_values(seed: int) -> Callable[[int, Random], dict[str, str]]:
    numbers = PersonalNumbers(CAPACITY, frozenset(), seed)
    draw = Draw(seed, 1)
    surnames = [swedish_names.surname(draw) for _ in range(_SURNAMES)]

    def values(i: int, chance: Random) -> dict[str, str]:
        born, birth_number = numbers[i % CAPACITY]
        return {
            "hosp": str(HOSP_ID_FROM + i),
            # There are not enough personal identity numbers for tests; who comes after them has a coordination number.
            "number": personal_number(born, birth_number, coordination=i >= CAPACITY),
            "born": f"{born.year}{born.month:02}{born.day:02}",
            "family": surnames[int(chance.random() * _SURNAMES)],
        }

    return values


def _washington_values(seed: int) -> Callable[[int, Random], dict[str, str]]:
    draw = Draw(seed, 2)
    surnames = [american_names.surname(draw) for _ in range(_SURNAMES)]

    def values(i: int, chance: Random) -> dict[str, str]:
        return {
            "number": f"RN{_CREDENTIAL_FROM + i}",
            "family": surnames[int(chance.random() * _SURNAMES)],
        }

    return values


def _nppes(licences: int, folder: Path, seed: int, *, later: bool) -> Written:
    people = max(1, int(licences / _NPPES_LICENCES_A_PERSON))
    path = nppes.write_monthly(folder, people, seed, week=1 if later else 0)
    return Written(path=str(path), records=people, licences=licences, size_mb=path.stat().st_size / 2**20)
