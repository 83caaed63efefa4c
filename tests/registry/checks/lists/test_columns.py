"""Headers in Swedish and English, in any order; what is not clear is told, never guessed."""

from pathlib import Path

import pytest

from registry.checks.lists.columns import fold_header, load_columns, mapped, recognise
from registry.checks.lists.errors import ListColumnsError
from registry.checks.lists.fields import FIELDS
from registry.checks.lists.reading import read_table
from registry.errors import SettingsError
from tests.registry.checks.lists.sheets import LIMITS, columns_of, csv_text, read


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ("Legitimationsnummer", "licenceNumber"),
        ("leg. nr", "licenceNumber"),
        ("Leg-Nr.", "licenceNumber"),
        ("LICENSE NO", "licenceNumber"),
        ("NPI", "licenceNumber"),
        ("Personnummer (ÅÅÅÅMMDD-NNNN)", "personalIdentityNumber"),
        ("Pers.nr", "personalIdentityNumber"),
        ("Person- och samordningsnummer", "personalIdentityNumber"),
        ("Personal identity number", "personalIdentityNumber"),
        ("Förnamn", "givenName"),
        ("First name", "givenName"),
        ("Efternamn", "familyName"),
        ("SURNAME", "familyName"),
        ("Namn", "name"),
        ("För- och efternamn", "name"),
        ("Full Name", "name"),
        ("Födelsedatum", "birthDate"),
        ("fodelsedatum", "birthDate"),
        ("Date of birth [YYYY-MM-DD]", "birthDate"),
        ("DOB", "birthDate"),
        ("Yrke", "profession"),
        ("Job title", "profession"),
        ("Myndighet", "authority"),
        ("Issuing authority", "authority"),
        ("Anst.nr", "reference"),
        ("Employee_ID", "reference"),
        ("birthDate", "birthDate"),
    ],
)
def test_headers_are_recognised_without_regard_to_how_they_are_written(header: str, field: str) -> None:
    found, _ = read(csv_text(["Avdelning", header, "Ort"], ["4", "x", "y"]).encode())
    assert found.columns == {field: 1}
    assert found.unknown == ("Avdelning", "Ort")


def test_every_known_header_stands_for_one_thing() -> None:
    known = load_columns()
    assert set(known.values()) == set(FIELDS)
    assert len(known) > 100
    assert "nummer" not in known
    assert all(fold_header(word) == word for word in known)


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        (["Förnamn", "Efternamn"], "birthDate"),
        (["Namn", "Yrke"], "birthDate"),
        (["Födelsedatum", "Yrke"], "one that says who is meant"),
        (["Anställningsnummer", "Avdelning"], "one that says who is meant"),
        (
            ["Personnummer", "Persnr"],
            "Several columns seem to be personalIdentityNumber: 'Personnummer' (#1), 'Persnr' (#2)",
        ),
        (["Kolumn1", "Kolumn2"], "No header was recognised"),
    ],
)
def test_what_is_missing_or_twice_is_told(headers: list[str], told: str) -> None:
    with pytest.raises(ListColumnsError, match=r".") as raised:
        columns_of(csv_text(headers, ["x"] * len(headers)).encode())
    assert told in raised.value.detail


def test_without_a_header_no_cell_is_told() -> None:
    found, _ = read(csv_text(["19800503-9808", "Anna"], ["19900101-9802", "Bo"]).encode())
    assert "Anna" not in found.problem
    assert "19800503" not in str(found.headers)


@pytest.mark.parametrize(
    ("given", "columns"),
    [
        ({"licenceNumber": "Kod"}, {"licenceNumber": 1, "name": 0}),
        ({"licenceNumber": "#2"}, {"licenceNumber": 1, "name": 0}),
        ({"licenceNumber": "kod "}, {"licenceNumber": 1, "name": 0}),
        ({"licenceNumber": "Kod", "name": ""}, {"licenceNumber": 1}),
        ({"reference": "Namn", "licenceNumber": "Kod"}, {"reference": 0, "licenceNumber": 1}),
    ],
)
def test_the_sender_may_say_which_column_tells_what(given: dict[str, str], columns: dict[str, int]) -> None:
    assert columns_of(csv_text(["Namn", "Kod"], ["Anna", "RN-1"]).encode(), **given) == columns


def test_the_sender_may_choose_among_several() -> None:
    data = csv_text(["Personnummer", "Persnr", "Namn"], ["", "800503-9808", "x"]).encode()
    assert columns_of(data, personalIdentityNumber="Persnr") == {"personalIdentityNumber": 1, "name": 2}
    assert columns_of(data, personalIdentityNumber="#1", reference="#2") == {
        "personalIdentityNumber": 0,
        "reference": 1,
        "name": 2,
    }


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"nonsense": "Kod"}, "There is no field 'nonsense'"),
        ({"licenceNumber": "Missing"}, "There is no column 'Missing'"),
        ({"licenceNumber": "#5"}, "There is no column '#5'"),
        ({"licenceNumber": "Kod", "reference": "Kod"}, "given for two fields"),
        ({"licenceNumber": "X"}, "There are several column 'X'"),
        ({"reference": "Kod"}, "lacks a column"),
    ],
)
def test_what_the_sender_says_is_checked(given: dict[str, str], told: str) -> None:
    with pytest.raises(ListColumnsError) as raised:
        columns_of(csv_text(["Namn", "Kod", "X", "x"], ["a", "b", "c", "d"]).encode(), **given)
    assert told in raised.value.detail


def test_the_header_that_the_sender_names_is_found_below_a_title() -> None:
    data = csv_text(["Personal"], ["Kod", "Annat"], ["RN-1", "x"]).encode()
    table = read_table(data, LIMITS)
    found = recognise(table, ["Kod"])
    assert (found.row, mapped(found, {"licenceNumber": "Kod"})) == (2, {"licenceNumber": 0})


@pytest.mark.parametrize(
    "text",
    ["no toml [", "[other]\n", '[columns]\nname = ["a"]\n', None],
)
def test_a_table_of_headers_that_is_wrong_stops_the_start(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "columns.toml"
    if text is not None:
        path.write_text(text, "utf-8")
    with pytest.raises(SettingsError, match=r"columns\.toml"):
        load_columns(path)


def test_one_header_for_two_things_stops_the_start(tmp_path: Path) -> None:
    path = tmp_path / "columns.toml"
    lines = "\n".join(f'{field} = ["same"]' for field in FIELDS)
    path.write_text(f"[columns]\n{lines}\n", "utf-8")
    with pytest.raises(SettingsError, match="may stand for one of them only"):
        load_columns(path)


def test_a_list_without_headers_loses_nobody_where_columns_are_given_by_place() -> None:
    table = read_table(csv_text(["1001", "Anna"], ["1002", "Bo"], ["1003", "Eva", "x"]).encode(), LIMITS)
    given = {"licenceNumber": "#1", "reference": "#3", "name": ""}
    found = recognise(table, given.values())
    assert mapped(found, given) == {"licenceNumber": 0, "reference": 2}
    assert (found.row, found.headers, found.unknown) == (0, ("", "", ""), ())
    assert [number for number, _ in table.below(found.row)] == [1, 2, 3]


@pytest.mark.parametrize(
    ("header", "given"),
    [
        # A header that is known, or that the sender names, is a header.
        (["Kod", "Namn"], {"licenceNumber": "#1"}),
        (["Kod", "Annat"], {"licenceNumber": "Kod", "reference": "#2"}),
    ],
)
def test_a_header_that_is_one_is_no_row(header: list[str], given: dict[str, str]) -> None:
    table = read_table(csv_text(header, ["1001", "Anna"]).encode(), LIMITS)
    found = recognise(table, given.values())
    assert found.row == 1
    assert [number for number, _ in table.below(found.row)] == [2]


def test_a_column_beside_the_last_header_can_be_given_by_place() -> None:
    table = read_table(csv_text(["Namn"], ["Anna", "RN-1"]).encode(), LIMITS)
    found = recognise(table, ["#2"])
    assert found.headers == ("Namn", "")
    assert mapped(found, {"licenceNumber": "#2"}) == {"licenceNumber": 1, "name": 0}
