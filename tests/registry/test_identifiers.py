"""Numbers here are made with the check digit's own rule, birth numbers 980-999, or are Skatteverket's test numbers."""

import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.identifiers import (
    COORDINATION_NUMBER,
    PERSONAL_IDENTITY_NUMBER,
    born,
    check_digit,
    fold_number,
    holds_personal_number,
    mask_personal_numbers,
    may_hold_personal_number,
    names_natural_person,
    organisation_digits,
    parse_personal_number,
    personal_system,
    starts_with_date,
)

TODAY = date(2026, 11, 22)


def number(eight: str, birth_number: int = 980) -> str:
    nine = f"{eight[2:]}{birth_number}"
    return f"{eight}{birth_number}{check_digit(nine)}"


@st.composite
def personal_numbers(draw: st.DrawFn) -> str:
    day = draw(st.dates(date(1890, 1, 1), TODAY))
    coordination = draw(st.booleans())
    eight = f"{day.year}{day.month:02d}{day.day + 60 * coordination:02d}"
    return number(eight, draw(st.integers(980, 999)))


@given(personal_numbers())
def test_twelve_digits_come_back_as_they_are(digits: str) -> None:
    assert parse_personal_number(digits, today=TODAY) == digits
    assert parse_personal_number(f" {digits[:8]}-{digits[8:]} ", today=TODAY) == digits


@given(personal_numbers())
def test_ten_digits_give_the_century_back_that_sign_and_year_tell(digits: str) -> None:
    sign = "+" if TODAY.year - int(digits[:4]) >= 100 else "-"
    assert parse_personal_number(f"{digits[2:8]}{sign}{digits[8:]}", today=TODAY) == digits


@given(personal_numbers(), st.integers(2, 11), st.integers(1, 9))
def test_one_wrong_digit_is_noticed(digits: str, place: int, off: int) -> None:
    wrong = digits[:place] + str((int(digits[place]) + off) % 10) + digits[place + 1 :]
    with pytest.raises(ValueError, match="check digit"):
        parse_personal_number(wrong, today=TODAY)


@given(personal_numbers())
def test_a_message_never_repeats_the_number(digits: str) -> None:
    wrong = digits[:-1] + str((int(digits[-1]) + 1) % 10)
    with pytest.raises(ValueError, match="check digit") as caught:
        parse_personal_number(wrong, today=TODAY)
    assert not re.search(r"\d{4}", str(caught.value))


@pytest.mark.parametrize(
    ("written", "digits"),
    [
        # Coordination number in the law's own example; month and day unknown in Skatteverket's test numbers.
        ("701063-2391", "197010632391"),
        ("191500882392", "191500882392"),
        ("191500722390", "191500722390"),
        # A dash as word processors write it.
        ("701063\u20132391", "197010632391"),
    ],
)
def test_published_numbers_are_read(written: str, digits: str) -> None:
    assert parse_personal_number(written, today=TODAY) == digits


def test_plus_holds_for_the_whole_year_of_the_hundredth_birthday() -> None:
    late = number("19261231")
    assert parse_personal_number(f"{late[2:8]}+{late[8:]}", today=TODAY) == late


def test_without_plus_a_day_that_has_not_come_lies_a_century_back() -> None:
    late = number("19261231")
    assert parse_personal_number(late[2:], today=TODAY) == late


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "write the personal identity number"),
        ("19800101", "write the personal identity number"),
        ("98240301AA06", "write the personal identity number"),
        ("99" + number("19800101")[2:], "write the personal identity number"),
        ("\u0661" * 12, "write the personal identity number"),
        (number("19801301"), "does not start with a date"),
        (number("19800230"), "does not start with a date"),
        (number("19800000"), "does not start with a date"),
        (number("19800001"), "does not start with a date"),
        (number("19801392"), "does not start with a date"),
        (number("20261123"), "has not come"),
        (number("20271001"), "has not come"),
    ],
)
def test_what_is_no_number_is_refused_with_the_reason(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        parse_personal_number(text, today=TODAY)


@pytest.mark.parametrize(
    ("digits", "system", "day"),
    [
        (number("19800101"), PERSONAL_IDENTITY_NUMBER, date(1980, 1, 1)),
        (number("19800161"), COORDINATION_NUMBER, date(1980, 1, 1)),
        (number("19800191"), COORDINATION_NUMBER, date(1980, 1, 31)),
        (number("19800060"), COORDINATION_NUMBER, None),
    ],
)
def test_the_day_tells_a_coordination_number(digits: str, system: str, day: date | None) -> None:
    assert personal_system(digits) == system
    assert born(digits) == day
    assert starts_with_date(digits)


@given(personal_numbers(), st.sampled_from(["{}", "born {}.", "<id>{}</id>", '"{}"', "x{}y", "a/{}/b"]))
def test_every_number_in_a_text_is_noticed_and_masked(digits: str, text: str) -> None:
    for written in (digits, digits[2:], f"{digits[:8]}-{digits[8:]}", f"{digits[2:8]}+{digits[8:]}"):
        held = text.format(written)
        assert holds_personal_number(held)
        masked = mask_personal_numbers(held)
        assert not holds_personal_number(masked)
        assert digits[8:] not in masked


@pytest.mark.parametrize("dash", [" - ", "\u2010", "\u2013", "\u2014", "\u2212", " "])
def test_numbers_are_noticed_with_any_dash(dash: str) -> None:
    assert holds_personal_number(f"800101{dash}9804")


@pytest.mark.parametrize("text", ["RN60574617", "12637", "2026-11-22", "+46 8 123 45 67", "1234567890123456"])
def test_other_numbers_are_left_alone(text: str) -> None:
    assert not holds_personal_number(text)
    assert mask_personal_numbers(text) == text


@pytest.mark.parametrize(
    ("one", "other"),
    [("MD 18839", "md18839"), ("0101-234-567", "0101 234.567"), ("A/12–3", "a123")],
)
def test_spelling_does_not_tell_licence_numbers_apart(one: str, other: str) -> None:
    assert fold_number(one) == fold_number(other)


def test_leading_zeros_tell_licence_numbers_apart() -> None:
    assert fold_number("0123") != fold_number("123")


@given(st.text(max_size=30))
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold_number(fold_number(text)) == fold_number(text)


ORGANISATION_FORMS = [
    "{0}",
    "{1}-{2}",
    "16{0}",
    "16{1}-{2}",
    "SE{0}01",
    "se {1}-{2} 01",
    "0007:{0}",
    "{1} {2}",
    "{1}\u2013{2}",
    " {1}.{2} ",
    "{1}\u200b{2}",
    "{1},{2}",
]


@given(st.from_regex(r"[0-9]{10}", fullmatch=True), st.sampled_from(ORGANISATION_FORMS))
def test_an_organisation_number_is_the_same_however_it_is_written(digits: str, form: str) -> None:
    assert organisation_digits(form.format(digits, digits[:6], digits[6:])) == digits


@pytest.mark.parametrize(
    "text", ["", "12345", "17" + "2120000142", "SE2120000142", "SE2120000142-1003", "kommunen"]
)
def test_what_is_no_organisation_number_has_no_digits(text: str) -> None:
    assert organisation_digits(text) == ""


@given(personal_numbers(), st.sampled_from([*ORGANISATION_FORMS, "19{0}"]))
def test_a_sole_traders_number_is_known_as_a_persons(digits: str, form: str) -> None:
    ten = organisation_digits(form.format(digits[2:], digits[2:8], digits[8:]))
    assert ten == digits[2:]
    assert names_natural_person(ten)


def test_a_legal_persons_number_is_nobodys() -> None:
    assert not any(names_natural_person(number) for number in ("2120000142", "5560000000", "8020000000", ""))


@given(personal_numbers(), st.sampled_from(["id {0}", "x{1}y{2}", "{1}_{2}-7", "no/{1}/{2}"]))
def test_a_number_hidden_in_another_id_is_seen(digits: str, form: str) -> None:
    assert may_hold_personal_number(form.format(digits, digits[:8], digits[8:]))


@pytest.mark.parametrize("text", ["SE2321000016-1003", "region-12", "https://id.example/orgs/4711", ""])
def test_other_ids_hold_none(text: str) -> None:
    assert not may_hold_personal_number(text)
