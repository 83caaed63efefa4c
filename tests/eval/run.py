"""One set on one engine: asked with everybody in the register, and with either half of them withheld."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import structlog

from registry.matching.model import Model
from tests.eval.asking import Answer, Asker
from tests.eval.draw import source
from tests.eval.house import open_house
from tests.eval.matching import Matching
from tests.eval.model import Asked, Entry, EvalSet

Say = Callable[[str], None]
_TOLD_EVERY = 1000


@dataclass
class Evaluated:
    """All answers of one set on one engine.

    Attributes:
        full: with everybody in the register.
        present, absent: with half of the register withheld, once each half: every question is asked twice, once
            while the person is in the register and once while not. A set's own absent people are among the absent.
    """

    set: EvalSet
    engine: str
    full: list[Answer] = field(default_factory=list)
    present: list[Answer] = field(default_factory=list)
    absent: list[Answer] = field(default_factory=list)


def evaluate(
    set_: EvalSet,
    engine: str,
    seed: int,
    say: Say,
    *,
    url: str = "",
    parts: bool = False,
    model: Model | None = None,
    only_absent: bool = False,
) -> Evaluated:
    """Ask every question of a set three times, or only the absent people's, once.

    Args:
        url: of a running OpenSearch, where that is the engine.
        parts: ask given and family name apart.
        model: the shipped one if None.
    """
    made = Evaluated(set_, engine)
    known = {entry.person for entry in set_.register}
    everyone = [question for question in set_.questions if question.person in known]

    def asked(entries: Sequence[Entry], questions: Sequence[Asked], what: str) -> Iterator[Answer]:
        with open_house(entries, engine, url) as house:
            asker = Asker(house, Matching.of(house.connection, model), parts)
            for number, answer in enumerate(asker.ask_all(questions), start=1):
                if number % _TOLD_EVERY == 0:
                    say(f"  {set_.name} on {engine}, {what}: {number:,} of {len(questions):,} questions")
                yield answer

    if not only_absent:
        made.full = list(asked(set_.register, everyone, "everybody"))
    for what, entries in zip(("one half", "other half"), halves(set_.register, seed), strict=True):
        there = {entry.person for entry in entries}
        questions = [q for q in set_.questions if not (only_absent and q.person in there)]
        for answer in asked(entries, questions, what):
            (made.present if answer.question.person in there else made.absent).append(answer)
    return made


def quiet() -> None:
    """Log warnings only; for commands, whose output is their own."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))


def halves(register: Sequence[Entry], seed: int) -> tuple[list[Entry], list[Entry]]:
    """Part a register by chance into two halves, each in the register's order."""
    people = sorted({entry.person for entry in register})
    source("halves", seed).shuffle(people)
    first = set(people[: len(people) // 2])
    return (
        [entry for entry in register if entry.person in first],
        [entry for entry in register if entry.person not in first],
    )
