from datetime import date

import pytest

from indexer.normalize.values import twelve_digits
from registry.identifiers import parse_personal_number


@pytest.mark.parametrize(
    ("text", "born_from", "digits"),
    [
        ("19800101-9804", 0, "198001019804"),
        ("198001019804", 0, "198001019804"),
        ("19800101+9804", 0, "198001019804"),
        ("19800101\u20139804", 0, "198001019804"),
        (" 19800101 - 9804", 0, "198001019804"),
        ("800101-9804", 1930, "198001019804"),
        ("8001019804", 1930, "198001019804"),
        ("300101-9804", 1930, "193001019804"),
        ("290101-9804", 1930, "202901019804"),
        ("290101+9804", 1930, "192901019804"),
        ("300101+9804", 1930, "183001019804"),
        ("000101-9804", 1930, "200001019804"),
        ("990101-9804", 1900, "199901019804"),
    ],
)
def test_the_century_of_ten_digits_follows_from_the_feed_file_alone(
    text: str, born_from: int, digits: str
) -> None:
    assert twelve_digits(text, born_from) == digits


@pytest.mark.parametrize(
    ("year", "born"),
    [
        (year, born)
        for year in (1995, 2026, 2029)
        for born in ("19300101", "19991231", "19010305", "19290630")
        if int(born[:4]) <= year
    ],
)
def test_the_century_is_the_one_that_the_day_s_rule_gives(year: int, born: str) -> None:
    """With the window of a list's own year, the pure rule agrees with Skatteverket's, which looks at the clock."""
    nine = f"{born[2:]}980"
    last = next(d for d in "0123456789" if _valid(f"{born}980{d}"))
    sign = "+" if year - int(born[:4]) >= 100 else "-"
    written = f"{born[2:]}{sign}{nine[6:]}{last}"
    today = date(year, 12, 31)
    assert twelve_digits(written, year - 99) == parse_personal_number(written, today=today)


def _valid(digits: str) -> bool:
    try:
        parse_personal_number(digits, today=date(2030, 1, 1))
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("text", ["", "8001019804", "80010198", "abc", "19800101_9804", "1980010\u0661-9804"])
def test_ten_digits_and_other_texts_are_refused_without_a_rule(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected|century") as caught:
        twelve_digits(text)
    assert "9804" not in str(caught.value)
