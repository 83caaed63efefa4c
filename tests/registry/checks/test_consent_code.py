"""Consent codes as people write them: one way to read each, and a slip of the pen is noticed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.checks.consent_code import ALPHABET, LENGTH, RANDOM, new_code, read_code, written

CODES = st.builds(new_code)


def test_a_code_is_75_random_bits_and_no_two_are_alike() -> None:
    made = {new_code() for _ in range(2000)}
    assert len(made) == 2000
    assert 5 * RANDOM == 75
    # Every character of the alphabet comes at every random place.
    assert all({code[place] for code in made} == set(ALPHABET) for place in range(RANDOM))


def test_a_code_is_written_in_four_groups_of_four() -> None:
    assert [len(group) for group in written(new_code()).split("-")] == [4, 4, 4, 4]


@given(
    code=CODES,
    spelling=st.sampled_from([str.lower, str.upper]),
    gap=st.sampled_from([" ", "-", "", "–", " - "]),
)
def test_a_code_is_read_however_it_is_typed(code: str, spelling: type[str], gap: str) -> None:
    typed = gap.join(written(code).split("-"))
    likes = typed.replace("0", "o").replace("1", "l")
    assert read_code(spelling(f"  {typed} ")) == read_code(spelling(likes)) == code


@given(code=CODES, place=st.integers(0, LENGTH - 1), other=st.sampled_from(ALPHABET))
def test_any_one_wrong_character_is_noticed(code: str, place: int, other: str) -> None:
    wrong = code[:place] + other + code[place + 1 :]
    if wrong != code:
        with pytest.raises(ValueError, match="a character of the consent code is wrong"):
            read_code(wrong)


@given(code=CODES, place=st.integers(0, LENGTH - 2))
def test_two_neighbours_that_changed_places_are_noticed(code: str, place: int) -> None:
    wrong = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
    if wrong != code:
        with pytest.raises(ValueError, match="is wrong"):
            read_code(wrong)


@pytest.mark.parametrize(
    "typed", ["", "ABCD", "0" * 15, "0" * 17, "UUUU-UUUU-UUUU-UUUU", "å" * 16, "\0" * 16]
)
def test_what_is_no_code_says_how_one_looks(typed: str) -> None:
    with pytest.raises(ValueError, match="16 letters and digits in groups of 4") as told:
        read_code(typed)
    assert not typed or typed not in str(told.value)
