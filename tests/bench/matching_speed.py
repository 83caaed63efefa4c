"""How many pairs of a question and a candidate the scorer compares in a second, on one core."""

import random
from dataclasses import dataclass
from time import process_time

from registry.matching.candidate import Candidate
from registry.matching.model import load_model
from registry.matching.question import Question
from registry.matching.score import Scorer
from registry.records.facts import NameFacts

CANDIDATES = 50
# The promise (issue: scoring); also checked by `python -m tests.bench.matching_speed`.
LEAST_PAIRS_PER_SECOND = 20_000

_STARTS = [
    "lind",
    "berg",
    "ek",
    "sjö",
    "ny",
    "söder",
    "väster",
    "öster",
    "norr",
    "sund",
    "strand",
    "hag",
    "alm",
    "björk",
    "gran",
    "holm",
    "ros",
    "sten",
    "ström",
    "vik",
    "dal",
]
_ENDS = [
    "qvist",
    "kvist",
    "berg",
    "man",
    "ström",
    "gren",
    "lund",
    "dahl",
    "holm",
    "mark",
    "stedt",
    "vall",
    "blad",
    "hult",
    "rud",
    "fors",
    "gård",
    "näs",
    "skog",
    "ås",
    "ell",
]
_FATHERS = [
    "anders",
    "johan",
    "karl",
    "nils",
    "erik",
    "lars",
    "ola",
    "per",
    "sven",
    "gustaf",
    "jon",
    "jöns",
    "måns",
    "mats",
    "knut",
    "håkan",
    "axel",
    "arvid",
    "tor",
]
_GIVEN = [
    "anna",
    "eva",
    "maria",
    "karin",
    "kristina",
    "lena",
    "kerstin",
    "sara",
    "emma",
    "ingrid",
    "marie",
    "malin",
    "jenny",
    "birgitta",
    "annika",
    "ulla",
    "åsa",
    "gunilla",
    "lars",
    "mikael",
    "anders",
    "johan",
    "erik",
    "per",
    "karl",
    "peter",
    "thomas",
    "jan",
    "daniel",
    "fredrik",
    "bo",
    "sven",
    "björn",
    "göran",
    "håkan",
    "åke",
    "mohammed",
    "ali",
    "fatima",
    "zeynep",
    "ivan",
    "olga",
    "piotr",
    "agnieszka",
    "juan",
    "lucía",
    "minh",
    "thuy",
    "jürgen",
    "søren",
    "guðrún",
    "siân",
]


@dataclass(frozen=True)
class Page:
    """A question and what a search engine would find for it: people who share a word, or nearly, with it."""

    question: Question
    people: list[tuple[tuple[NameFacts, ...], str]]


def pages(count: int, seed: int = 6) -> list[Page]:
    """Make questions with their candidates: one or two names each, families of one name, and slips."""
    chance = random.Random(seed)
    surnames = [a + b for a in _STARTS for b in _ENDS] + [f"{father}sson" for father in _FATHERS]
    return [_page(chance, surnames) for _ in range(count)]


def _page(chance: random.Random, surnames: list[str]) -> Page:
    family, given = chance.choice(surnames), chance.choice(_GIVEN)
    people = [_person(chance, surnames, family, given) for _ in range(CANDIDATES)]
    asked = family if chance.random() < 0.7 else _slip(chance, family)
    name = f"{given} {chance.choice(_GIVEN)} {asked}" if chance.random() < 0.3 else f"{given} {asked}"
    return Page(Question(name=name.title(), birth_date=_date(chance)), people)


def _person(
    chance: random.Random, surnames: list[str], family: str, given: str
) -> tuple[tuple[NameFacts, ...], str]:
    others = chance.choices(_GIVEN, k=chance.choice((0, 1, 1, 2)))
    alike = chance.random()
    own = family if alike < 0.5 else _slip(chance, family) if alike < 0.7 else chance.choice(surnames)
    first = chance.choice(_GIVEN) if alike < 0.4 else given
    names = [NameFacts(family=own.title(), given=(first.title(), *(other.title() for other in others)))]
    if chance.random() < 0.5:
        former = NameFacts(use="former", family=chance.choice(surnames).title(), given=names[0].given)
        names.append(former)
    return tuple(names), _date(chance)


def _slip(chance: random.Random, word: str) -> str:
    at = chance.randrange(len(word))
    return word[:at] + chance.choice(("", word[at] * 2, chance.choice("aeinrst"))) + word[at + 1 :]


def _date(chance: random.Random) -> str:
    return f"{chance.randint(1950, 2003)}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}"


class Shares:
    """How common names are: some figure for every name, as a table would give it."""

    def __init__(self) -> None:
        self._known: dict[str, float] = {}

    def share(self, kind: str, key: str) -> float:  # noqa: ARG002 - the protocol's
        """Return a share between 1 in 100,000 and 1 in 50."""
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = 1e-5 + (sum(key.encode()) % 97) / 5000
        return found


def pairs_per_second(count: int = 200, rounds: int = 3) -> float:
    """Return how many pairs one core compares in a second: candidates made, scored and ranked.

    Processor time of the best round, so that what else the machine does counts little.
    """
    asked, scorer = pages(count), Scorer(load_model(), Shares())
    best = 0.0
    for _ in range(rounds):
        start = process_time()
        for page in asked:
            scorer.rank(page.question, [Candidate(names, born) for names, born in page.people])
        best = max(best, count * CANDIDATES / (process_time() - start))
    return best


if __name__ == "__main__":
    print(f"{pairs_per_second():,.0f} pairs/s, promised {LEAST_PAIRS_PER_SECOND:,}")  # noqa: T201 - a command
