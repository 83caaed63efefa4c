"""The examples of docs/matching.md are what the code does, and its figures are of the model that the file holds."""

from collections.abc import Iterator
from datetime import date

import pytest

from registry.matching.kinds import kind_of
from registry.matching.units import units
from registry.search.box import understand
from registry.settings import ROOT
from registry.vocabulary import load_vocabulary

TEXT = (ROOT / "docs" / "matching.md").read_text("utf-8")


def rows(head: str) -> Iterator[list[str]]:
    """Give the cells of the table under a head."""
    _, found, after = TEXT.partition(f"\n{head}\n")
    assert found, f"no table {head}"
    for line in after.splitlines()[1:]:
        if not line.startswith("|"):
            return
        yield [cell.strip() for cell in line.strip("|").split("|")]


@pytest.mark.parametrize(("asked", "recorded", "kind"), list(rows("| asked | recorded | likeness |")))
def test_two_words_are_alike_as_the_page_says(asked: str, recorded: str, kind: str) -> None:
    (one,), (two,) = units(asked), units(recorded)

    assert kind_of(one, two).outcome == kind


@pytest.mark.parametrize(("typed", "understood"), list(rows("| typed | understood |")))
def test_the_box_understands_what_the_page_says(typed: str, understood: str) -> None:
    found = understand(typed.strip("`"), load_vocabulary(), date(2026, 5, 20))

    assert ", ".join(f"{piece.kind} {piece.value}" for piece in found.pieces) == understood


def test_every_set_of_the_first_table_has_a_section() -> None:
    sets = list(rows("| set | engine | recall@1 | recall@10 | recall at ≤ 1 % | recall at ≤ 0.1 % |"))

    assert sets
    for name, engine, *_ in sets:
        assert f"### {name} on {engine}\n" in TEXT
