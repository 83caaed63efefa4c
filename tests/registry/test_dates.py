from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.dates import agree, earliest, latest, parse_compact, parse_iso, parse_us

DAYS = st.dates(date(1800, 1, 1), date(2200, 12, 31))


@st.composite
def partials(draw: st.DrawFn) -> str:
    length = draw(st.sampled_from([4, 7, 10]))
    return draw(DAYS).isoformat()[:length]


@pytest.mark.parametrize(
    ("text", "partial"),
    [
        ("2019", "2019"),
        ("2019-05", "2019-05"),
        ("2019-05-03", "2019-05-03"),
        (" 2019-05-03 ", "2019-05-03"),
        ("2024-02-29", "2024-02-29"),
        ("1900-01-01T00:00:00", "1900-01-01"),
        ("2027-10-31T00:00:00.000", "2027-10-31"),
        ("2027-10-31T23:30:00+02:00", "2027-10-31"),
        ("2027-10-31 12:00", "2027-10-31"),
    ],
)
def test_iso_dates_keep_the_precision_they_came_with(text: str, partial: str) -> None:
    assert parse_iso(text) == partial


@pytest.mark.parametrize(
    ("text", "partial"),
    [("2019", "2019"), ("201905", "2019-05"), ("20190503", "2019-05-03"), ("2019-05", "2019-05")],
)
def test_compact_dates_may_leave_out_day_and_month(text: str, partial: str) -> None:
    assert parse_compact(text) == partial


@pytest.mark.parametrize(
    ("text", "partial"),
    [
        ("10/31/2027", "2027-10-31"),
        ("1/2/2027", "2027-01-02"),
        ("10/31/2027 12:00:00 AM", "2027-10-31"),
        ("2027", "2027"),
        ("2027-10-31", "2027-10-31"),
    ],
)
def test_american_dates_put_the_month_first(text: str, partial: str) -> None:
    assert parse_us(text) == partial


@pytest.mark.parametrize("parse", [parse_iso, parse_compact, parse_us])
@pytest.mark.parametrize(
    "text",
    [
        "",
        "in May",
        "2019-13",
        "2019-00",
        "2019-02-29",
        "2019-05-32",
        "2019-5-3",
        "19",
        "0019",
        "9999-12-31",
        "2019-05-03x",
        "2019-05-",
        "13/45/2019",
        # Digits of other scripts, which `int` would take but which do not sort.
        "\u0662\u0660\u0661\u0669",
    ],
)
def test_what_is_no_date_is_refused(parse: object, text: str) -> None:
    assert callable(parse)
    with pytest.raises(ValueError, match=r"expected a date|there is no such|the year is outside"):
        parse(text)


@pytest.mark.parametrize(
    ("partial", "first", "last"),
    [
        ("2019", date(2019, 1, 1), date(2019, 12, 31)),
        ("2019-02", date(2019, 2, 1), date(2019, 2, 28)),
        ("2020-02", date(2020, 2, 1), date(2020, 2, 29)),
        ("2019-05-03", date(2019, 5, 3), date(2019, 5, 3)),
    ],
)
def test_a_partial_date_means_each_day_it_leaves_open(partial: str, first: date, last: date) -> None:
    assert (earliest(partial), latest(partial)) == (first, last)


@given(DAYS)
def test_a_whole_day_comes_back_from_every_form(day: date) -> None:
    text = day.isoformat()
    assert parse_iso(text) == text
    assert parse_compact(text.replace("-", "")) == text
    assert parse_us(f"{day.month}/{day.day}/{day.year}") == text
    assert earliest(text) == latest(text) == day


@given(partials())
def test_partial_dates_read_back_as_they_were_written(partial: str) -> None:
    assert parse_iso(partial) == partial
    assert parse_compact(partial.replace("-", "")) == partial
    assert earliest(partial) <= latest(partial)


@given(partials(), partials())
def test_two_dates_agree_exactly_when_some_day_fits_both(one: str, other: str) -> None:
    shared = max(earliest(one), earliest(other)) <= min(latest(one), latest(other))
    assert agree(one, other) == agree(other, one) == shared


@given(partials())
def test_the_day_after_the_last_does_not_agree(partial: str) -> None:
    assert agree(partial, latest(partial).isoformat())
    assert not agree(partial, (latest(partial) + timedelta(days=1)).isoformat())
    assert not agree(partial, (earliest(partial) - timedelta(days=1)).isoformat())
