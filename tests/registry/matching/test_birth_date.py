import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.matching.birth_date import BIRTH_DATE_OUTCOMES, birth_date_outcome, compare_partial
from registry.matching.question import digits


@pytest.mark.parametrize(
    ("asked", "recorded", "outcome"),
    [
        ("1980-05-03", "1980-05-03", "same"),
        ("19800503", "1980-05-03", "same"),
        (None, "1980-05-03", "not-asked"),
        ("", None, "not-asked"),
        ("1980-05-03", None, "unknown"),
        ("1980", "1980-05-03", "part-year"),
        ("1980-05-03", "1980-05", "part-month"),
        ("1980-05", "1980-05", "part-month"),
        ("1980", "1980", "part-year"),
        ("1980-03-05", "1980-05-03", "swapped"),
        ("1980-05-04", "1980-05-03", "slip"),
        ("1980-05-30", "1980-05-03", "slip"),
        ("1980-06-03", "1980-05-03", "slip"),
        ("1990-05-03", "1980-05-03", "slip"),
        ("1890-05-03", "1980-05-03", "slip"),
        ("1908-05-03", "1980-05-03", "slip"),
        ("1980-45-03", "1980-05-03", "slip"),
        ("1980-05-19", "1980-05-03", "month"),
        ("1976-05-03", "1980-05-03", "day"),
        ("1980-11-28", "1980-05-03", "year"),
        ("1980-06", "1980-05-03", "year"),
        ("1987-11-28", "1980-05-03", "decade"),
        ("1987", "1980-05-03", "decade"),
        ("1991-11-28", "1980-05-03", "different"),
        ("1975", "1980", "different"),
    ],
)
def test_outcome(asked: str | None, recorded: str | None, outcome: str) -> None:
    assert compare_partial(asked, recorded) == outcome


@pytest.mark.parametrize(
    "text", ["80-05-03", "1980-5-3", "3 May 1980", "1980-", "１９８０-05-03", "198005"[:5]]
)
def test_what_is_no_date_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="YYYY-MM-DD"):
        digits(text)


DATES = st.dates().map(lambda day: f"{day:%Y%m%d}".zfill(8))


@given(DATES, DATES)
def test_the_same_either_way(one: str, two: str) -> None:
    found = birth_date_outcome(one, two)
    assert found == birth_date_outcome(two, one)
    assert found in BIRTH_DATE_OUTCOMES
    assert (found == "same") is (one == two)


@given(DATES, st.integers(0, 7), st.sampled_from("0123456789"))
def test_one_digit_off_is_a_slip(date: str, position: int, digit: str) -> None:
    slipped = date[:position] + digit + date[position + 1 :]
    expected = {"same"} if slipped == date else {"slip", "swapped"}
    assert birth_date_outcome(slipped, date) in expected


@given(DATES, st.integers(0, 6))
def test_two_neighbouring_digits_swapped_are_a_slip(date: str, position: int) -> None:
    swapped = date[:position] + date[position + 1] + date[position] + date[position + 2 :]
    assert birth_date_outcome(swapped, date) in {"same", "slip", "swapped"}
