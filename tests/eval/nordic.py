"""The synthetic Nordic set: a register of invented people and questions about them, the same for the same seed."""

import random
from dataclasses import dataclass, replace
from datetime import date, timedelta

from tests.eval.draw import Weighted, source
from tests.eval.errors import Draft
from tests.eval.kinds import spoil
from tests.eval.model import Asked, Entry, EvalSet
from tests.eval.names import MAN, WOMAN, Group, groups

# Ages of people who hold licences: from finished schooling to long after retirement.
_FIRST_YEAR, _LAST_YEAR = 1944, 2003
# Whoever is drawn beside a relative may be a little older or younger, but not a child or a hundred years old.
_OLDEST, _YOUNGEST = date(1940, 1, 1), date(2004, 12, 31)
_GENERATION, _SIBLINGS = (20 * 365, 38 * 365), (330, 3650)  # days between their births
_WOMEN = 0.78  # of licensed staff in Swedish health care, roughly
_MARRIED_NAME = 0.35  # of women bear a name taken at marriage, the former one recorded for some
_FORMER_RECORDED = 0.6
_DOUBLE_FAMILY = 0.07
_OWN_LANGUAGE = 0.7  # of further and changed given names
# Chances that the next person is a relative of an earlier one.
_TWIN, _NAMESAKE, _SIBLING, _SPOUSE = 0.008, 0.005, 0.03, 0.02


@dataclass(frozen=True)
class Person:
    """An invented person.

    Attributes:
        married: a family name that only they themselves know of; "" for most.
    """

    group: Group
    sex: str
    given: tuple[str, ...]
    family: str
    born: date
    former: str = ""
    married: str = ""


def make(people: int, questions: int, seed: int) -> EvalSet:
    """Make a register of `people`, and so many questions, each about somebody else (at most one a person)."""
    chance = source("nordic", "register", seed)
    register = draw_register(people, chance)
    asked = source("nordic", "questions", seed)
    about = sorted(asked.sample(range(len(register)), min(questions, len(register))))
    return EvalSet(
        "nordic",
        [_entry(f"n{number}", person) for number, person in enumerate(register)],
        [_question(f"n{number}", register[number], asked) for number in about],
        "synthetic, own generator (tests/eval/nordic.py)",
        seed,
    )


def draw_register(people: int, chance: random.Random) -> list[Person]:
    """Invent people; some are related to earlier ones."""
    every = Weighted([(group, group.share) for group in groups()])
    made: list[Person] = []
    while len(made) < people:
        relative = chance.random()
        if made and relative < _TWIN + _NAMESAKE + _SIBLING + _SPOUSE:
            made.append(_relative(chance.choice(made), relative, chance))
        else:
            made.append(_person(every.draw(chance), chance))
    return made


def _person(group: Group, chance: random.Random) -> Person:
    sex = WOMAN if chance.random() < _WOMEN else MAN
    born = _birthday(group, chance)
    family = _family(group, sex, chance)
    person = Person(group, sex, _given(group, sex, born.year, chance), family, born)
    if sex == WOMAN and chance.random() < _MARRIED_NAME:
        other = _family(group, sex, chance)
        if other != family:
            return replace(person, former=other if chance.random() < _FORMER_RECORDED else "")
    return replace(person, married=_family(group, sex, chance))


def _relative(of: Person, which: float, chance: random.Random) -> Person:
    sex = chance.choice((WOMAN, MAN))
    if which < _TWIN:
        given = _given(of.group, sex, of.born.year, chance)
        return Person(of.group, sex, given, of.family, of.born)
    if (
        which < _TWIN + _NAMESAKE
    ):  # called as a parent is, a generation apart; further given names are one's own
        born = _apart(of.born, _GENERATION, chance)
        further = _given(of.group, of.sex, born.year, chance)[1:]
        return Person(of.group, of.sex, (of.given[0], *further), of.family, born)
    born = _birthday(of.group, chance)
    if which < _TWIN + _NAMESAKE + _SIBLING:
        born = _apart(of.born, _SIBLINGS, chance)
    return Person(of.group, sex, _given(of.group, sex, born.year, chance), of.family, born)


def _apart(born: date, days: tuple[int, int], chance: random.Random) -> date:
    """Draw a birth date so many days before or after another, of somebody who may hold a licence today."""
    least, most = days
    room = {-1: (born - _OLDEST).days, 1: (_YOUNGEST - born).days}
    side = chance.choice([side for side, there in room.items() if there >= least])
    return born + timedelta(days=side * chance.randint(least, min(most, room[side])))


def _birthday(group: Group, chance: random.Random) -> date:
    year = chance.randint(_FIRST_YEAR, _LAST_YEAR)
    if chance.random() < group.new_year:
        return date(year, 1, 1)
    return date(year, 1, 1) + timedelta(days=chance.randrange(365))


def _given(group: Group, sex: str, year: int, chance: random.Random) -> tuple[str, ...]:
    names = group.given_names(sex, year)
    first = names.draw(chance).recorded(chance)
    if "-" not in first and chance.random() < group.hyphen:
        second = names.draw(chance).recorded(chance)
        first = f"{first}-{second}" if "-" not in second and second != first else first
    if chance.random() >= group.two_given:
        return (first,)
    second = names.draw(chance).recorded(chance)
    return (first,) if second in first else (first, second)


def _family(group: Group, sex: str, chance: random.Random) -> str:
    names = group.family[sex]
    first = names.draw(chance).recorded(chance)
    if chance.random() >= _DOUBLE_FAMILY:
        return first
    second = names.draw(chance).recorded(chance)
    if second == first or " " in first + second:
        return first
    return f"{first}{chance.choice((' ', '-'))}{second}"


def _entry(key: str, person: Person) -> Entry:
    given = " ".join(person.given)
    former = ((given, person.former),) if person.former else ()
    return Entry(
        person=key, given=given, family=person.family, birth_date=person.born.isoformat(), former=former
    )


def _question(key: str, person: Person, chance: random.Random) -> Asked:
    draft = Draft(
        list(person.given),
        person.family,
        person.born.isoformat(),
        former_family=person.former,
        other_family=person.married,
        # Mostly of the same language, sometimes a name adopted from another one.
        other_given=_given(
            person.group if chance.random() < _OWN_LANGUAGE else groups()[0],
            person.sex,
            person.born.year,
            chance,
        )[0],
    )
    errors = spoil(draft, chance)
    given, family = " ".join(draft.given), draft.family
    if draft.swapped:
        given, family = family, given
    return Asked(
        person=key,
        name=f"{given} {family}".strip(),
        given=given,
        family=family,
        birth_date=draft.birth_date,
        errors=errors,
    )
