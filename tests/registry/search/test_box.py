"""One box: what a text is understood as. A complaint becomes a row."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.search.box import Understood, quoted, understand
from registry.search.box_dates import find_dates
from registry.vocabulary import load_vocabulary

TODAY = date(2026, 11, 22)
VOCABULARY = load_vocabulary()


def _understood(text: str) -> Understood:
    return understand(text, VOCABULARY, TODAY)


# text, name, birth date, readings of the number, professions
ROWS: list[tuple[str, str, str, tuple[str, ...], tuple[str, ...]]] = [
    ("", "", "", (), ()),
    ("anna lindqvist", "anna lindqvist", "", (), ()),
    ("Lindqvist, Anna", "Lindqvist, Anna", "", (), ()),
    ("\x00anna\u00a0\tlind\u00adqvist\n1980", "anna lind\u00adqvist", "1980", (), ()),
    # Birth dates
    ("anna 1980-05-03", "anna", "1980-05-03", (), ()),
    ("19800503 anna", "anna", "1980-05-03", (), ()),
    ("anna 1980-05", "anna", "1980-05", (), ()),
    ("anna 1980", "anna", "1980", (), ()),
    ("anna 1980-5-3", "anna", "1980-05-03", (), ()),
    ("anna född 1980", "anna", "1980", (), ()),
    ("anna f. 1980", "anna", "1980", (), ()),
    ("anna, born on 3 May 1980", "anna", "1980-05-03", (), ()),
    ("13/5 1980 anna", "anna", "1980-05-13", (), ()),
    ("13/5/1980", "", "1980-05-13", (), ()),
    ("5/13/1980", "", "1980-05-13", (), ()),
    ("13.5.1980", "", "1980-05-13", (), ()),
    ("5/5/1980", "", "1980-05-05", (), ()),
    ("3 maj 1980", "", "1980-05-03", (), ()),
    ("3:e maj 1980", "", "1980-05-03", (), ()),
    ("May 3rd, 1980", "", "1980-05-03", (), ()),
    ("Lindqvist, Anna, 1980", "Lindqvist, Anna", "1980", (), ()),
    # Two ways to read it: only what is sure
    ("3/5 1980", "", "1980", (), ()),
    ("12.11.1980 bo", "bo", "1980", (), ()),
    # No day of the calendar: what is left of it
    ("1980-02-30 eva", "eva", "1980-02", (), ()),
    ("1980-13-30 eva", "eva", "1980", (), ()),
    # What can't be a birth date is a number
    ("20301301", "", "", ("20301301",), ()),
    ("2030 eva", "eva", "", ("2030",), ()),
    ("1890", "", "", ("1890",), ()),
    ("198005", "", "", ("198005",), ()),
    ("19800230", "", "", ("19800230",), ()),
    # Months are names too
    ("may berg", "may berg", "", (), ()),
    ("maj 1980", "maj", "1980", (), ()),
    # Licence numbers
    ("123456", "", "", ("123456",), ()),
    ("123 456", "", "", ("123 456", "123", "456"), ()),
    ("RN-100.1, Anna", "Anna", "", ("RN-100.1",), ()),
    ("RN60123456", "", "", ("RN60123456",), ()),
    ("RN 60123456 anna", "anna", "", ("RN 60123456", "60123456"), ()),
    ("rn 60123456", "", "", ("rn 60123456", "60123456"), ()),
    ("leg nr 123456", "", "", ("123456",), ()),
    ("licence number: 123456 anna ek", "anna ek", "", ("123456",), ()),
    ("Bo 123456", "Bo", "", ("123456",), ()),
    ("1003000126", "", "", ("1003000126",), ()),
    ("anna 123456 1980", "anna", "1980", ("123456",), ()),
    # Professions, in both languages
    ("doctor", "", "", (), ("physician",)),
    ("läkare anna lindqvist", "anna lindqvist", "", (), ("physician",)),
    ("anna lindqvist, läkare", "anna lindqvist", "", (), ("physician",)),
    ("läkare, Lindqvist, Anna", "Lindqvist, Anna", "", (), ("physician",)),
    ("ssk anna", "anna", "", (), ("registered-nurse",)),
    ("Nurse anna", "anna", "", (), ("registered-nurse",)),
    ("sjuksköterska anna", "anna", "", (), ("registered-nurse",)),
    ("leg. sjuksköterska anna", "anna", "", (), ("registered-nurse",)),
    ("leg läkare anna", "anna", "", (), ("physician",)),
    ("medical doctor anna", "anna", "", (), ("physician",)),
    ("nurse practitioner anna", "anna", "", (), ("advanced-practice-nurse",)),
    ("doctor nurse anna", "anna", "", (), ("physician", "registered-nurse")),
    ("AT-läkare bo", "bo", "", (), ("physician-in-training",)),
    ("okänt yrke", "okänt yrke", "", (), ()),
    # Short ones are names, but for capitals among other words
    ("Thi Do", "Thi Do", "", (), ()),
    ("thi do", "thi do", "", (), ()),
    ("THI DO", "THI DO", "", (), ()),
    ("Thi DO", "Thi", "", (), ("physician",)),
    # Quotes
    ('"Präst"', "Präst", "", (), ()),
    ('"nurse" anna', "nurse anna", "", (), ()),
    ("”Läkare”", "Läkare", "", (), ()),
    ('"1980"', "1980", "", (), ()),
    ('"anna', "anna", "", (), ()),
    # All at once
    ("ssk RN 60123456 Lindqvist, Anna 1980-05-03", "Lindqvist, Anna", "1980-05-03", ("RN 60123456", "60123456"),
     ("registered-nurse",)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "born"),
    [
        ("800503", "1980-05-03"),
        ("anna 800503", "1980-05-03"),
        ("050607", "2005-06-07"),
        # Later than today: of the century before
        ("261123", "1926-11-23"),
        ("800230", ""),
        ("801301", ""),
        ("80050", ""),
        # A label says that it is a number; a date beside it, that it is none
        ("leg nr 800503", ""),
        ("800503 1980", ""),
        ("800503 1", ""),
        ("٨٠٠٥٠٣", ""),
    ],
)
def test_six_digits_may_be_a_birth_date_after_all(text: str, born: str) -> None:
    found = _understood(text)
    assert found.short_date == born
    assert born == "" or found.birth_date == ""


@pytest.mark.parametrize(
    ("text", "could"),
    [
        ("läkare anna", True),
        ("3 maj 1980", True),
        ("leg nr 1", True),
        ("anna 1980", False),
        ("800503", False),
    ],
)
def test_only_what_holds_letters_could_be_a_name_instead(text: str, could: bool) -> None:
    assert _understood(text).reads_letters is could


@pytest.mark.parametrize(("text", "name", "born", "numbers", "professions"), ROWS)
def test_a_text_is_understood(
    text: str, name: str, born: str, numbers: tuple[str, ...], professions: tuple[str, ...]
) -> None:
    found = _understood(text)
    assert (found.name, found.birth_date, found.numbers, found.professions) == (
        name,
        born,
        numbers,
        professions,
    )


def test_however_many_numbers_are_typed_few_are_looked_up() -> None:
    assert _understood(" ".join(map(str, range(20)))).numbers == (
        " ".join(map(str, range(20))),
        "0",
        "1",
        "2",
    )


def test_every_piece_is_told_in_the_order_of_the_text_and_in_both_languages() -> None:
    pieces = _understood("läkare anna 1980-05-03 nr 123456").pieces
    assert [(piece.kind, piece.text, piece.value) for piece in pieces] == [
        ("profession", "läkare", "physician"),
        ("name", "anna", "anna"),
        ("birth-date", "1980-05-03", "1980-05-03"),
        ("number", "nr 123456", "123456"),
    ]
    assert (pieces[0].sv, pieces[0].en) == ("Yrke: Läkare.", "Profession: Physician.")


def test_a_date_that_can_be_read_in_two_ways_says_so() -> None:
    (piece,) = _understood("3/5 1980").pieces
    assert "två sätt" in piece.sv
    assert "two ways" in piece.en


def test_a_day_that_is_not_in_the_calendar_is_said() -> None:
    assert "not in the calendar" in _understood("1980-02-30").pieces[0].en


def test_words_for_professions_are_kept_to_be_looked_for_as_a_name() -> None:
    assert _understood("doctor nurse").profession_words == "doctor nurse"


@pytest.mark.parametrize("text", ["ssk anna 1980", "123456", "doctor", '"anna" 1980'])
def test_what_was_understood_can_be_undone_by_quotes(text: str) -> None:
    literal = _understood(text).literal
    undone = _understood(literal)
    assert literal == quoted(text)
    assert (undone.birth_date, undone.numbers, undone.professions, undone.literal) == ("", (), (), "")
    assert undone.name == " ".join(text.replace('"', " ").split())


def test_a_plain_name_has_nothing_to_undo() -> None:
    assert _understood("anna lindqvist").literal == ""


@given(st.text(max_size=200))
def test_any_text_is_understood_as_something(text: str) -> None:
    found = _understood(text)
    assert all(piece.sv and piece.en for piece in found.pieces)
    assert "\x00" not in found.name
    assert _understood(quoted(text)).birth_date == ""


@given(
    st.lists(
        st.sampled_from(["anna", "1980", "läkare", "123456", ",", '"', "3/5 1980", "RN", "do"]), max_size=8
    )
)
def test_no_letter_of_a_name_is_lost(words: list[str]) -> None:
    found = _understood(" ".join(words))
    assert found.name.count("anna") == words.count("anna")


def test_only_dates_of_the_living_are_found() -> None:
    assert [one.value for one in find_dates("1980-05-03 2030-01-01 1899-12-31 1900", TODAY)] == [
        "1980-05-03",
        "1900",
    ]
