from typing import Any

import orjson
import pytest

from indexer.feeds.tabular_header import fold_column
from indexer.feeds.tabular_options import DateForm, NameOrder
from indexer.normalize.errors import BadRecordError
from indexer.normalize.table_dates import READERS
from indexer.normalize.tabular import TabularNormalizer, split_name
from registry.identifiers import COORDINATION_NUMBER, PERSONAL_IDENTITY_NUMBER
from registry.records.facts import (
    IdentifierFacts,
    LicenceFacts,
    NameFacts,
    PersonFacts,
    RestrictionFacts,
    SpecialtyFacts,
)
from registry.vocabulary import load_vocabulary
from tests.indexer.feeds.lists import options

VOCABULARY = load_vocabulary()
RECORD = {
    "Nummer": "0012345",
    "Efternamn": "Öberg",
    "Förnamn": "Åsa Märta",
    "Titel": "Lärare",
    "Status": "Giltig",
    "Från": "2005-06-03",
    "Till": "2027-12-31",
}


def read(
    record: dict[str, str] | None = None,
    columns: dict[str, str] | None = None,
    **changes: Any,  # noqa: ANN401 - options as TOML holds them
) -> PersonFacts:
    values = {fold_column(name): text for name, text in {**RECORD, **(record or {})}.items() if text}
    return TabularNormalizer(options(columns, **changes), VOCABULARY).facts(orjson.dumps(values))


def licence(
    record: dict[str, str] | None = None,
    columns: dict[str, str] | None = None,
    **changes: Any,  # noqa: ANN401 - options as TOML holds them
) -> LicenceFacts:
    (found,) = read(record, columns, **changes).licences
    return found


def test_a_row_is_one_person_with_one_licence() -> None:
    assert read() == PersonFacts(
        names=(NameFacts(family="Öberg", given=("Åsa", "Märta")),),
        licences=(
            LicenceFacts(
                key="0012345",
                number="0012345",
                jurisdiction="SE",
                profession="teacher",
                raw_profession="Lärare",
                status="active",
                raw_status="Giltig",
                valid_from="2005-06-03",
                valid_to="2027-12-31",
            ),
        ),
    )


def test_every_column_finds_its_place() -> None:
    columns = {
        "middle": "Mellannamn",
        "prefix": "Titel före",
        "suffix": "Tillägg",
        "former_family": "Tidigare efternamn",
        "other_name": "Annat namn",
        "birth_date": "Född",
        "county": "Län",
        "issued": "Utfärdad",
    }
    facts = read(
        {
            "Mellannamn": "Ek",
            "Titel före": "Dr",
            "Tillägg": "d.y.",
            "Tidigare efternamn": "Lind",
            "Annat namn": "Åsa Bergs",
            "Född": "1980-01-01",
            "Län": "Umeå",
            "Utfärdad": "2005-06-01",
            "Id": "SE-1",
        },
        columns,
        identifiers={"urn:oid:1.2.752.29.4.19": "Id"},
    )
    assert facts.names == (
        NameFacts(family="Öberg", given=("Åsa", "Märta"), middle="Ek", prefix="Dr", suffix="d.y."),
        NameFacts(use="former", family="Lind", given=("Åsa", "Märta"), middle="Ek"),
        NameFacts(use="alias", text="Åsa Bergs"),
    )
    assert (facts.birth_date, facts.county, facts.licences[0].issued) == ("1980-01-01", "Umeå", "2005-06-01")
    assert facts.identifiers == (IdentifierFacts(system="urn:oid:1.2.752.29.4.19", value="SE-1"),)


def test_a_list_of_one_profession_and_status_says_so_once() -> None:
    found = licence(None, {"profession": "", "status": ""}, profession="Förskollärare", status="Legitimerad")
    assert (found.profession, found.raw_profession) == ("preschool-teacher", "Förskollärare")
    assert (found.status, found.raw_status) == ("active", "Legitimerad")


def test_words_that_nobody_mapped_are_kept_and_ask_a_human() -> None:
    found = licence({"Titel": "Trollkarl", "Status": "Kanske"})
    assert (found.profession, found.raw_profession) == ("unknown", "Trollkarl")
    assert (found.status, found.raw_status) == ("unknown", "Kanske")


def test_naprapat_s_code_is_a_profession() -> None:
    assert licence({"Titel": "NA"}, vocabulary="hosp").profession == "naprapath"


def test_a_licence_without_a_number_is_known_by_its_profession() -> None:
    found = licence(None, {"number": ""}, key=["Efternamn"])
    assert (found.key, found.number) == ("Lärare", "")


@pytest.mark.parametrize(
    ("text", "order", "name"),
    [
        (
            "Öberg, Åsa Märta",
            "family, given",
            NameFacts(family="Öberg", given=("Åsa", "Märta"), text="Åsa Märta Öberg"),
        ),
        ("von Ek, Bo", "family, given", NameFacts(family="von Ek", given=("Bo",), text="Bo von Ek")),
        ("Öberg,", "family, given", NameFacts(family="Öberg", text="Öberg")),
        ("Åsa Öberg", "family, given", NameFacts(text="Åsa Öberg")),
        (
            "Åsa Märta Öberg",
            "given-family",
            NameFacts(family="Öberg", given=("Åsa", "Märta"), text="Åsa Märta Öberg"),
        ),
        (
            "Öberg Åsa Märta",
            "family-given",
            NameFacts(family="Öberg", given=("Åsa", "Märta"), text="Åsa Märta Öberg"),
        ),
        ("Öberg", "given-family", NameFacts(text="Öberg")),
        ("", "family-given", None),
    ],
)
def test_a_whole_name_is_read_in_the_order_the_list_has(
    text: str,
    order: NameOrder,
    name: NameFacts | None,
) -> None:
    assert split_name(text, order) == name


def test_a_whole_name_stands_for_its_parts() -> None:
    facts = read({"Namn": "Öberg, Åsa"}, {"name": "Namn", "family": "", "given": ""})
    assert facts.names == (NameFacts(family="Öberg", given=("Åsa",), text="Åsa Öberg"),)


def test_the_birth_year_stands_in_for_a_birth_date_that_is_missing() -> None:
    columns = {"birth_date": "Född", "birth_year": "År"}
    assert read({"Född": "1980-02-03", "År": "1980"}, columns).birth_date == "1980-02-03"
    assert read({"År": "1980"}, columns).birth_date == "1980"


@pytest.mark.parametrize(
    ("form", "text", "day"),
    [
        ("iso", "2005-06-03", "2005-06-03"),
        ("iso", "2005-06", "2005-06"),
        ("compact", "20050603", "2005-06-03"),
        ("swedish", "20050603", "2005-06-03"),
        ("swedish", "2005-06-03", "2005-06-03"),
        ("dmy-digits", "5071978", "1978-07-05"),
        ("dmy-digits", "25022003", "2003-02-25"),
        ("dmy", "5/7/1978", "1978-07-05"),
        ("dmy", "05.07.1978", "1978-07-05"),
        ("dmy", "5-7-1978 00:00", "1978-07-05"),
        ("us", "7/5/1978", "1978-07-05"),
        ("excel", "38506", "2005-06-03"),
        ("excel", "38506.5", "2005-06-03"),
        *((form, "2005-06-03", "2005-06-03") for form in READERS),
    ],
)
def test_dates_are_read_in_the_form_that_the_feed_file_names(form: DateForm, text: str, day: str) -> None:
    assert READERS[form](text) == day
    assert licence({"Från": text, "Till": ""}, dates=form).valid_from == day


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("iso", "20050603"),
        ("iso", "5/7/1978"),
        ("compact", "200506"),
        ("compact", "20051332"),
        ("dmy-digits", "507197"),
        ("dmy-digits", "31022003"),
        ("dmy-digits", "25132003"),
        ("dmy", "13/25/1978"),
        ("us", "25/7/1978"),
        ("excel", "60"),
        ("excel", "20050603"),
        ("iso", "\u0662\u0660\u0660\u0665-06-03"),
        ("dmy-digits", "someday"),
    ],
)
def test_a_date_of_another_form_is_refused(form: DateForm, text: str) -> None:
    with pytest.raises(BadRecordError) as caught:
        licence({"Från": text}, dates=form)
    assert caught.value.field == "Från"
    assert text not in caught.value.reason


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("iso", "9999-12-31"),
        ("compact", "99991231"),
        ("dmy-digits", "31129999"),
        ("dmy", "31/12/9999"),
        ("us", "12/31/9999"),
        ("excel", "2958465"),
    ],
)
def test_the_year_9999_is_no_end(form: str, text: str) -> None:
    assert licence({"Från": "", "Till": text}, dates=form).valid_to is None


@pytest.mark.parametrize(
    ("number", "system"),
    [("19800101-9804", PERSONAL_IDENTITY_NUMBER), ("19800161-9801", COORDINATION_NUMBER)],
)
def test_a_personal_number_tells_itself_which_kind_it_is(number: str, system: str) -> None:
    facts = read(
        {"Pnr": number, "Förra": "19700101-9806"},
        {"personal_number": "Pnr", "former_personal_number": "Förra"},
    )
    assert facts.identifiers == (
        IdentifierFacts(system=system, value=number.replace("-", "")),
        IdentifierFacts(system=PERSONAL_IDENTITY_NUMBER, value="197001019806", use="old"),
    )


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        ("19800101-9803", "check digit"),
        ("19801301-9800", "does not start with a date"),
        ("800101-9804", "century"),
        ("1980-01-01", "expected YYYYMMDD-NNNN"),
    ],
)
def test_a_wrong_personal_number_is_quarantined_and_not_told(number: str, reason: str) -> None:
    with pytest.raises(BadRecordError) as caught:
        read({"Pnr": number}, {"personal_number": "Pnr"})
    assert caught.value.field == "Pnr"
    assert reason in caught.value.reason
    assert number not in caught.value.reason


def test_a_number_of_another_width_has_lost_its_zeros() -> None:
    with pytest.raises(BadRecordError, match="7 characters were expected, 5 came; leading zeros"):
        read({"Nummer": "12345"}, widths={"Nummer": 7})
    assert licence(widths={"Nummer": 7}).number == "0012345"


@pytest.mark.parametrize(
    ("spec", "record", "specialties"),
    [
        ({"column": "Ämne"}, {"Ämne": "Matematik; 7-9"}, (("Matematik; 7-9", None),)),
        (
            {"column": "Ämne", "separator": ";", "date": "Sedan"},
            {"Ämne": "Matematik; Fysik;;", "Sedan": "2010-01-02"},
            (("Matematik", "2010-01-02"), ("Fysik", "2010-01-02")),
        ),
        ({"code": "GP Register", "date": "Sedan"}, {"Sedan": "2010-01-02"}, (("GP Register", "2010-01-02"),)),
        ({"code": "GP Register", "date": "Sedan"}, {"Sedan": "someday"}, (("GP Register", None),)),
        ({"code": "GP Register", "date": "Sedan"}, {}, ()),
        ({"column": "Ämne"}, {}, ()),
    ],
)
def test_specialties(
    spec: dict[str, str], record: dict[str, str], specialties: tuple[tuple[str, str | None], ...]
) -> None:
    expected = tuple(
        SpecialtyFacts(code=word, text=word, system="urn:x", valid_from=since) for word, since in specialties
    )
    assert licence(record, specialties=[{**spec, "system": "urn:x"}]).specialties == expected


@pytest.mark.parametrize("word", ["Nej", "nej", " NEJ.", "No", "N", ""])
def test_no_is_no_restriction(word: str) -> None:
    assert licence({"Beslut": word.strip()}, restrictions=[{"column": "Beslut"}]).restrictions == ()


@pytest.mark.parametrize(
    ("word", "kind"), [("Prövotid", "probation"), ("Återkallelse", "revoked"), ("Något annat", "unknown")]
)
def test_any_other_word_is_a_restriction(word: str, kind: Any) -> None:  # noqa: ANN401 - a value of RestrictionKind
    spec = {"column": "Beslut", "valid_from": "Beslutat", "valid_to": "Slut"}
    found = licence({"Beslut": word, "Beslutat": "2024-01-01", "Slut": "2027-01-01"}, restrictions=[spec])
    assert found.restrictions == (
        RestrictionFacts(
            kind=kind, code=word, text=f"Beslut: {word}", valid_from="2024-01-01", valid_to="2027-01-01"
        ),
    )


def test_a_column_that_only_says_yes_has_its_code_in_the_feed_file() -> None:
    (found,) = licence(
        {"Prövotid finns": "J"}, restrictions=[{"column": "Prövotid finns", "code": "Prövotid"}]
    ).restrictions
    assert (found.kind, found.code, found.text) == ("probation", "Prövotid", "Prövotid finns: J")


BAD = {
    "Från": "someday",
    "Till": "someday",
    "Född": "someday",
    "Pnr": "800101",
    "Nummer": "1",
    "Efternamn": "\ufffdberg",
}
COLUMNS = {"birth_date": "Född", "personal_number": "Pnr", "protected": "Skyddad"}


@pytest.mark.parametrize(
    "news",
    [
        {"Status": "Återkallad"},
        {"Status": "Avliden"},
        {"Beslut": "Prövotid"},
        {"Skyddad": "Ja"},
        {"Skyddad": "?"},
    ],
)
@pytest.mark.parametrize("field", [*BAD, "alla", "namn"])
def test_bad_news_is_not_held_back_by_anything_that_can_not_be_read(news: dict[str, str], field: str) -> None:
    spoilt = {"alla": BAD, "namn": {"Efternamn": "", "Förnamn": ""}}.get(field, {field: BAD.get(field, "")})
    facts = read(
        {**spoilt, **news},
        COLUMNS,
        restrictions=[{"column": "Beslut"}],
        widths={"Nummer": 7},
        key=["Förnamn"],
    )
    assert facts.protected is ("Skyddad" in news)
    assert facts.deceased is (news.get("Status") == "Avliden")
    assert facts.licences[0].raw_status == news.get("Status", "Giltig")


@pytest.mark.parametrize("field", [*BAD, "namn"])
def test_good_news_is_held_back_by_it(field: str) -> None:
    spoilt = {"Efternamn": "", "Förnamn": ""} if field == "namn" else {field: BAD[field]}
    with pytest.raises(BadRecordError):
        read(spoilt, COLUMNS, widths={"Nummer": 7}, key=["Förnamn"])


def test_facts_do_not_depend_on_anything_but_the_record() -> None:
    assert read() == read()
    assert read({"Pnr": "800101-9804"}, COLUMNS, ten_digits_from=1930).identifiers[0].value == "198001019804"
