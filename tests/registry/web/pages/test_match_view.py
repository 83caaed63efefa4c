from typing import Literal

import pytest

from registry.matching.match import Level, Match
from registry.matching.notes import NOTES, REVEALING, Note, spelt
from registry.web.pages.language import language
from registry.web.pages.match_view import MatchView, match_view

SAME_DAY, SAME_NAME, NUMBER = (NOTES[code] for code in ("birth-date-same", "name-same", "number-same"))
FORMER = spelt("former-name", "", "Anna Ek")
SPELT = spelt("family-spelling", "Lindkvist", "Lindqvist")


@pytest.mark.parametrize(
    ("level", "notes", "mark"),
    [
        ("exact", (SAME_DAY, SAME_NAME), "exact"),
        ("exact", (SAME_DAY, spelt("family-typed", "Oberg", "Öberg")), "exact"),
        ("exact", (NUMBER,), "exact"),
        # A name alone that agrees is no more than possible, and still the very name.
        ("possible", (SAME_NAME,), "exact"),
        ("strong", (SAME_DAY, SPELT), "near"),
        # The number says who it is; the name is not quite the recorded one.
        ("exact", (NUMBER, SPELT), "near"),
        # It leads to a record of somebody else's name, which must not look like a hit.
        ("none", (NUMBER, spelt("family-different", "Ek", "Lindqvist")), "unlike"),
        ("none", (NUMBER, NOTES["birth-date-different"]), "unlike"),
        ("none", (SPELT,), "like"),
        ("possible", (SPELT,), "like"),
        ("strong", (SAME_DAY, SAME_NAME, FORMER), "former"),
        ("possible", (SAME_NAME, FORMER, spelt("further-fewer", "", "Eva")), "former"),
        ("possible", (SPELT, FORMER), "like"),
        ("possible", (SAME_NAME, spelt("other-name", "", "Anna Ek")), "other"),
        # Only shorter than the record: near where the birth date agrees, else a part.
        ("strong", (SAME_DAY, spelt("further-fewer", "", "Eva")), "near"),
        ("possible", (REVEALING["given-missing"],), "part"),
        ("possible", (REVEALING["given-missing"], SPELT), "like"),
    ],
)
def test_the_mark_says_how_well_all_that_was_asked_agrees(
    level: Level, notes: tuple[Note, ...], mark: str
) -> None:
    view = match_view(Match(level, notes), language("sv"))
    assert view is not None
    assert view.mark == mark


@pytest.mark.parametrize(
    ("code", "label", "said"),
    [
        ("sv", "Nära träff", "Född samma dag; efternamn stavat annorlunda: Lindkvist/Lindqvist."),
        ("en", "Close match", "Born on the same day; family name spelt differently: Lindkvist/Lindqvist."),
    ],
)
def test_why_is_said_in_one_sentence(code: Literal["sv", "en"], label: str, said: str) -> None:
    view = match_view(Match("strong", (SAME_DAY, SPELT)), language(code))
    assert view == MatchView("near", label, said)


def test_where_nothing_was_compared_nothing_is_said() -> None:
    assert match_view(None, language("sv")) is None
    assert match_view(Match("none", ()), language("sv")) is None


def test_no_note_that_tells_how_something_differs_counts_as_agreeing() -> None:
    typed = {"family-typed", "family-joined", "given-typed", "given-joined"}
    for code, note in REVEALING.items():
        view = match_view(Match("possible", (note,)), language("sv"))
        assert view is not None
        assert (view.mark == "exact") == (code in typed), code
