"""Every row of cases.toml, asked of the real parts on each engine."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from tests.eval.asking import Answer, Asker
from tests.eval.house import ENGINES, House, open_house
from tests.eval.matching import Matching
from tests.eval.model import Asked, Entry

LEVELS = ("none", "possible", "strong", "exact")
_PERSON = re.compile(r"(?P<given>.*?) / (?P<family>.*?), ?(?P<born>[\d-]*)(?: \(formerly (?P<former>.+)\))?")


class Case(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One row."""

    why: str
    asked: str
    people: tuple[str, ...]
    first: int
    level: str = ""
    least: str = "none"
    most: str = "exact"
    decision: str = ""

    def entries(self) -> list[Entry]:
        """The people of the case, as the register records them."""
        found = [_PERSON.fullmatch(person) for person in self.people]
        assert all(found), f"{self.why}: people are written 'Given / Family, date (formerly Family)'"
        return [
            Entry(
                person=f"{self.why}/{number}",
                given=one["given"],
                family=one["family"],
                birth_date=one["born"] or None,
                former=((one["given"], one["former"]),) if one["former"] else (),
            )
            for number, one in enumerate(found, start=1)
            if one
        ]

    def question(self) -> Asked:
        """The question; its last part is the birth date if it is digits."""
        name, comma, born = self.asked.rpartition(",")
        dated = bool(comma) and born.strip()[:1].isdecimal()
        return Asked(
            person=f"{self.why}/{self.first}",
            name=(name if dated else self.asked).strip(),
            given="",
            family="",
            birth_date=born.strip() if dated else None,
        )


CASES = msgspec.convert(
    tomllib.loads(Path(__file__).with_name("cases.toml").read_text("utf-8"))["case"], tuple[Case, ...]
)


@dataclass
class Register:
    """The people of all cases in one house."""

    house: House
    asker: Asker


@pytest.fixture(scope="module", params=ENGINES)
def register(request: pytest.FixtureRequest) -> Iterator[Register]:
    url = request.getfixturevalue("opensearch_url") if request.param == "opensearch" else ""
    entries = [entry for case in CASES for entry in case.entries()]
    with open_house(entries, request.param, url, prefix="eval-cases") as house:
        yield Register(house, Asker(house, Matching.of(house.connection)))


def test_there_are_cases_and_each_says_what_it_stands_for() -> None:
    assert len(CASES) >= 40
    assert len({case.why for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=[case.why for case in CASES])
def test_a_case_comes_out_as_its_row_says(register: Register, case: Case) -> None:
    answer = register.asker.ask(case.question())

    assert not answer.refused
    if case.first:
        assert answer.rank is not None, "the right person is not among the candidates"
        assert _among_the_first(answer), [(one.person, one.score, one.level) for one in answer.ranked[:3]]
        level = answer.ranked[answer.rank].level
    else:
        level = answer.level
    assert level == (case.level or level)
    assert LEVELS.index(case.least) <= LEVELS.index(level) <= LEVELS.index(case.most)
    assert answer.decision == (case.decision or answer.decision)


def _among_the_first(answer: Answer) -> bool:
    """Tell whether nobody stands above the right person; two whom nothing tells apart stand in any order."""
    assert answer.rank is not None
    return answer.ranked[answer.rank].score >= answer.ranked[0].score
