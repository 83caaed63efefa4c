"""Every row of the table, and what holds for all of them."""

import pytest

from registry.matching.compare import compare
from registry.matching.score import Scorer
from tests.registry.matching.rows import ROWS, Row
from tests.registry.verification.people import person

# Where the scorer is surer than comparing without a model was, and on what ground. Everywhere else it is no surer.
SURER = {
    "family=sound": "the family name sounds the same and is spelt otherwise; the score says how rare that is",
    "given=sound": "the same of a given name, when the spelling is no name of its own (twins)",
    "family=one-edit": "one letter of the family name, when the spelling is no name of its own",
    "given=one-edit": "one letter of the given name, when the spelling is no name of its own",
    "family=part": "one of several family names, where the score is high enough",
    "family=joined": "particles written together with the name: the same letters in the same order",
    "+particle-open": "a particle left out",
    "initials=extra": "a middle initial that the record has nothing against",
}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.asked} | {row.record} | {row.born}")
def test_row(scorer: Scorer, row: Row) -> None:
    match = scorer.score(row.question(), row.candidate())
    wanted = row.outcomes()
    assert match.level == row.level
    assert {name: match.outcomes.get(name) for name in wanted} == wanted
    assert row.codes() <= {note.code for note in match.notes}


def test_the_table_is_long_enough() -> None:
    assert len(ROWS) >= 120


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.asked} | {row.record} | {row.born}")
def test_no_surer_than_without_a_model_but_on_stated_grounds(scorer: Scorer, row: Row) -> None:
    question, candidate = row.question(), row.candidate()
    name = question.name or f"{question.given} {question.family}"
    day = question.birth_date
    if day and "-" not in day and len(day) == 8:
        day = f"{day[:4]}-{day[4:6]}-{day[6:]}"
    before = compare(name, day, person(names=candidate.names, birth_date=candidate.birth_date)).level
    match = scorer.score(question, candidate)
    if match.level in {"exact", "strong"} and before not in {"exact", "strong"}:
        seen = {f"{name.removesuffix('_name')}={outcome}" for name, outcome in match.outcomes.items()}
        assert SURER.keys() & (seen | {f"+{note.code}" for note in match.notes})


@pytest.mark.parametrize("row", [row for row in ROWS if row.level == "exact"], ids=lambda row: row.asked)
def test_what_is_exact_is_exact_without_counts_too(row: Row) -> None:
    from registry.matching.model import load_model

    assert Scorer(load_model()).score(row.question(), row.candidate()).level == "exact"


@pytest.mark.parametrize(
    "row",
    [row for row in ROWS if "=sound" in row.seen or "=one-edit" in row.seen or row.level == "possible"],
    ids=lambda row: f"{row.asked} | {row.record}",
)
def test_without_counts_a_misspelt_given_name_is_never_more_than_possible(row: Row) -> None:
    from registry.matching.model import load_model

    match = Scorer(load_model()).score(row.question(), row.candidate())
    if match.outcomes["given_name"] in {"sound", "one-edit"}:
        assert match.level in {"possible", "none"}
    assert match.level != "exact"
