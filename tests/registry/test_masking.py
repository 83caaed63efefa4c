"""Every form in which a personal identity number may reach a log, and what must stay readable beside it."""

import json
import re
from datetime import date
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.identifiers import MASK, check_digit
from registry.masking import mask, mask_value

DAYS = st.dates(date(1900, 1, 1), date(2026, 11, 22))


@st.composite
def numbers(draw: st.DrawFn) -> str:
    """Twelve digits of a synthetic personal or coordination number."""
    day = draw(DAYS)
    nine = f"{day:%y%m}{day.day + 60 * draw(st.booleans()):02d}{draw(st.integers(980, 999))}"
    return f"{day.year // 100}{nine}{check_digit(nine)}"


def escaped(form: str) -> list[str]:
    return [
        form,
        quote(form, safe=""),
        "".join(f"%{each:02X}" for each in form.encode()),
        "".join(f"%25{each:02x}" for each in form.encode()),
        "".join(f"\\x{each:02x}" for each in form.encode()),
        "".join(f"\\\\u{ord(each):04x}" for each in form),
        "".join(f"\\U{ord(each):08x}" for each in form),
        "".join(f"&#{ord(each)};" for each in form),
        "".join(f"&#x{ord(each):x};" for each in form),
        "".join(chr(0xFF10 + int(each)) if each.isdigit() else each for each in form),
        "".join(chr(0x0660 + int(each)) if each.isdigit() else each for each in form),
        "\u200b".join(form),
        "\u00ad".join(form),
    ]


def forms(twelve: str) -> list[str]:
    ten = twelve[2:]
    halves = [(twelve[:8], twelve[8:]), (ten[:6], ten[6:])]
    gaps = [
        "",
        "-",
        "+",
        " ",
        "\u2013",
        "\u2212",
        ",",
        ", ",
        ".",
        "/",
        ":",
        "_",
        " - ",
        "\t",
        "\n",
        "\u00a0",
        "', '",
        '", "',
        "%20",
        "\\x20",
        "%2D",
    ]
    plain = [f"{one}{gap}{other}" for one, other in halves for gap in gaps]
    return [
        each for form in plain for each in (escaped(form) if "%" not in form and "\\" not in form else [form])
    ]


def unreadable(text: str, twelve: str) -> bool:
    """Tell whether neither the number nor its last digits stand in a text, in any script."""
    digits = "".join(str(int(each)) for each in text if each.isdecimal())
    return twelve[2:] not in digits and twelve[8:] not in digits


# Some thousand texts an example.
@settings(deadline=None, max_examples=30)
@given(numbers())
def test_every_form_is_masked(twelve: str) -> None:
    for form in forms(twelve):
        for text in (form, f"who: {form}.", f"(<{form}>)"):
            masked = mask(text)
            assert MASK in masked, text
            assert unreadable(masked, twelve), (text, masked)


@given(
    numbers(),
    st.sampled_from(["a{}b", "id{}", "{}z", "0{}0", "7{}", "number={}&next=1", "/people/{}/x", "x_{}_y"]),
)
def test_a_whole_number_is_masked_among_letters_and_digits(twelve: str, around: str) -> None:
    assert twelve not in mask(around.format(twelve))


@given(numbers())
def test_what_stands_around_a_number_stays(twelve: str) -> None:
    assert mask(f"asked by åäö: {twelve}; ended") == f"asked by åäö: {MASK}; ended"
    assert (
        mask(f"caf\u00e9 %C3%A9 {quote(twelve[:8] + ' ' + twelve[8:])} end") == f"caf\u00e9 %C3%A9 {MASK} end"
    )


@given(st.text())
def test_masking_is_done_after_once_and_can_be_written(text: str) -> None:
    masked = mask(text)
    assert masked.encode().decode() == masked
    assert mask(masked) == masked


@given(numbers(), st.text(max_size=20), st.text(max_size=20))
def test_no_text_around_a_parted_number_lets_it_through(twelve: str, before: str, after: str) -> None:
    assert not re.search(r"(?<!\d)" + twelve + r"(?!\d)", mask(f"{before} {twelve} {after}"))


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-23T04:44:29.629849Z",
        "1000000000",
        "1795412742",
        "took 850,709 rows and 9805 bytes",
        "10.11.12.13:49152",
        "127.0.0.1:41103",
        "a3f5c1d2e4b60718293a4b5c6d7e8f90",
        "550e8400-e29b-41d4-a716-446655440000",
        "run 20261",
        "test-13066-283-licences-9f40039d5e",
        "port 8000, pid 43770, 12345678 rows",
        "SE2321000016",
        "2120000142",
        "v1.2.3",
        "åäö",
        "",
    ],
)
def test_what_operators_need_stays_readable(text: str) -> None:
    assert mask(text) == text


@pytest.mark.parametrize(
    "value",
    [0, 1, True, None, 1.5, 1_000_000_000, 1_795_412_742, 20_261_123, -7, float("inf"), float("nan"), 10**30],
)
def test_counts_and_times_stay_numbers(value: object) -> None:
    assert mask_value(value) is value


@given(numbers())
def test_values_of_every_type_are_masked(twelve: str) -> None:
    class Told:
        def __str__(self) -> str:
            return f"told {twelve}"

    ten = twelve[2:]
    value = {
        "text": twelve,
        "bytes": twelve.encode(),
        "array": bytearray(ten.encode()),
        "list": ["a", [twelve, (ten,)]],
        "halves": [twelve[:8], twelve[8:]],
        "numbers": [int(twelve[:8]), twelve[8:]],
        "set": {twelve},
        "object": Told(),
        "error": ValueError(f"no such person: {twelve}"),
        twelve: {f"x {ten[:6]}-{ten[6:]}": 1},
        "int": int(twelve),
    }
    line = json.dumps(mask_value(value))
    assert unreadable(line, twelve), line


def test_a_value_without_a_text_does_not_cost_the_line() -> None:
    class Silent:
        def __str__(self) -> str:
            raise RuntimeError("no")

    assert mask_value(Silent()) == "Silent without a text (RuntimeError)"
