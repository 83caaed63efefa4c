"""Documents are made from SQL truth, find what must be found, and hold nothing that must not be there."""

from dataclasses import replace

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from registry.identifiers import HOSP_ID, HSA_ID, NPI, PERSONAL_IDENTITY_NUMBER
from registry.names import fold, order_key, sounds, tokens, words
from registry.records.facts import NameFacts
from registry.records.indexed import indexed
from registry.records.read import KnownIdentifier
from registry.search.document import (
    FORMER_SOUND,
    MAX_LABEL,
    document_id,
    document_key,
    documents,
    issued_order,
    label,
    operations,
)
from registry.search.mapping import load_mapping
from tests.registry.search.people import licence, name, person, restriction


def test_each_licence_has_a_document_and_a_person_without_one_has_their_own() -> None:
    first, second = licence("A1"), licence("B2")
    two = person("Eva Ek", first, second, version=9)
    assert [(op.id, op.version) for op in documents(two)] == [(f"l{first.id}", 9), (f"l{second.id}", 9)]
    none = person("Eva Ek", licences=(), version=4)
    (only,) = documents(none)
    assert (only.id, only.version) == (f"p{none.id}", 4)
    assert only.body is not None
    assert not {"status", "profession", "authority"} & only.body.keys()


def test_what_must_leave_the_index_is_deleted_in_the_same_pass() -> None:
    kept, gone = licence("A1"), licence("B2", gone=True)
    someone = person("Eva Ek", kept, gone)
    assert {op.id: op.body is None for op in operations(someone)} == {
        f"l{kept.id}": False, f"l{gone.id}": True, f"p{someone.id}": True,
    }  # fmt: skip
    left = replace(someone, licences=(gone,))
    assert {op.id: op.body is None for op in operations(left)} == {
        f"l{gone.id}": True,
        f"p{someone.id}": False,
    }


def test_a_protected_person_leaves_nothing() -> None:
    someone = person("Eva Ek", licence("A1"), licence("B2"), protected=True, birth_date="1980")
    changes = operations(someone)
    assert len(changes) == 3
    assert all(op.body is None and op.stored == {"key": op.key, "version": 1} for op in changes)
    assert documents(someone) == []


def test_every_document_fits_the_mapping() -> None:
    someone = person(
        "Åsa Östlund",
        licence("A1", valid_from="2001", valid_to="2030-05", restrictions=(restriction("revoked"),)),
        former=["Eva Ek"],
        birth_date="1980-05",
        identifiers=[(NPI, "1205839123")],
    )
    told = load_mapping().fields
    for operation in operations(someone):
        for field, value in operation.stored.items():
            kind = {"keyword": (str, list), "boolean": bool}.get(told[field].type, int)
            assert isinstance(value, kind), field  # type: ignore[arg-type]
        assert orjson.dumps(operation.stored)


def test_a_personal_identity_number_never_gets_into_a_document() -> None:
    number = "198005039870"
    someone = person(
        "Eva Ek",
        licence(number, jurisdiction="SE"),
        licence("800503-9870", jurisdiction="SE"),
        identifiers=[
            (HSA_ID, f"SE{number[2:]}-0001"),
            (HSA_ID, "SE8005039870-0001"),
            (PERSONAL_IDENTITY_NUMBER, number),
            ("http://electronichealth.se/identifier/personnummer", number),
            ("urn:oid:2.16.840.1.113883.4.1", "123-45-6789"),
        ],
        birth_date="1980",
    )
    sealed = KnownIdentifier(PERSONAL_IDENTITY_NUMBER, "official", None, b"198005039870")
    someone = replace(someone, identifiers=(*someone.identifiers, sealed))
    text = orjson.dumps([op.stored for op in operations(someone)]).decode()
    assert "9870" not in text
    assert "6789" not in text
    assert "number" not in text


def test_public_numbers_stand_folded_in_every_document_of_the_person() -> None:
    someone = person(
        "Eva Ek", licence("RN 60.1"), licence(), identifiers=[(NPI, "1205839123"), (HOSP_ID, "4711")]
    )
    bodies = [op.body or {} for op in documents(someone)]
    assert [body["number"] for body in bodies] == [["rn601", "1205839123", "4711"], ["1205839123", "4711"]]


def test_names_go_to_the_fields_of_their_kind() -> None:
    someone = person(name("Åsa / Lind-Öberg"), former=["Eva Ek"])
    (operation,) = documents(someone)
    body = operation.body or {}
    assert body["written"] == ["åsa", "lindöberg", "lind", "öberg", "asa lindoberg"]
    assert body["given"] == ["asa", "aasa"]
    assert body["family"] == ["lindoberg", "lindoeberg", "lind", "oberg", "oeberg"]
    assert body["former"] == ["eva", "ek"]
    assert body["names"] == body["given"] + body["family"]


def test_names_are_held_by_their_sound_too_former_ones_apart() -> None:
    (operation,) = documents(person(name("Åsa / Lind-Öberg"), former=["Eva Lindqvist"]))
    held = (operation.body or {})["sound"]
    spelt = {text: keys(text) for text in ("Åsa", "Lind-Öberg", "Lind", "Öberg", "Lindkvist")}
    for text in ("Åsa", "Lind-Öberg", "Lind", "Öberg"):
        assert spelt[text] <= set(held), text
    assert not spelt["Lindkvist"] & set(held)
    assert {FORMER_SOUND + key for key in spelt["Lindkvist"]} <= set(held)


def keys(text: str) -> set[str]:
    """The sounds of a word."""
    (word,) = words(text)
    return set(sounds(word))


@pytest.mark.parametrize(
    ("given", "told"),
    [("1980-05-03", ["19800503"]), ("1980-05", ["198005"]), ("1980", ["1980"]), (None, None)],
)
def test_a_birth_date_is_held_as_far_as_it_is_known(given: str | None, told: list[str] | None) -> None:
    (operation,) = documents(person("Eva Ek", birth_date=given))
    assert (operation.body or {}).get("born") == told


def test_county_and_specialties_are_the_authoritys_words_on_one_line() -> None:
    one = licence(
        specialties=[{"code": "0105", "text": " Barn- och\tungdomskirurgi "}, {"code": "X9"}, {"code": "X9"}]
    )
    two = licence()
    first, second = (op.body or {} for op in documents(person("Eva Ek", one, two, county="Skåne  län\n")))
    assert first["specialty"] == ["Barn- och ungdomskirurgi", "X9"]
    assert "specialty" not in second
    assert first["county"] == second["county"] == "Skåne län"
    assert "county" not in (documents(person("Eva Ek"))[0].body or {})
    assert len(label("x" * 5000)) == MAX_LABEL
    assert label("A\u030angermanland") == "Ångermanland"


def test_the_order_by_issue_date_is_one_number_without_doubles() -> None:
    newest, older = issued_order(20200101, 7), issued_order(20191231, 3)
    assert newest > older > issued_order(20191231, 4) > issued_order(0, 1) > issued_order(0, 2**36)
    assert 0 <= issued_order(0, 2**40) < issued_order(9999_12_31, 1) < 2**63
    given_, begun, none = licence(issued="2019-05"), licence(valid_from="2018"), licence()
    someone = person("Eva Ek", given_, begun, none)
    bodies = [op.body or {} for op in documents(someone)]
    days = (20190501, 20180101, 0)
    assert [body["issued"] for body in bodies] == [issued_order(day, someone.id) for day in days]


@pytest.mark.parametrize(
    "named",
    [
        "Karl Carl Karl",
        "Berg Berg",
        "Åsa Aasa",
        "Anna-Anna Anna",
        "Carl Karl",
        "Ann Berg Ann / Berg Lind-Berg",
    ],
)
def test_no_key_stands_twice_in_a_field(named: str) -> None:
    twice = (name(named), name(named), name(named, "former"), name(named, "former"))
    (made,) = documents(replace(person(named), names=twice))
    assert made.body is not None
    lists = {field: held for field, held in made.body.items() if isinstance(held, list)}
    assert {"written", "given", "family", "names", "former"} <= lists.keys()
    assert [field for field, held in lists.items() if len(set(held)) < len(held)] == []


def test_a_middle_name_counts_as_given_and_as_family_name() -> None:
    (operation,) = documents(person(NameFacts(given=("Eva",), middle="Berg", family="Ek")))
    body = operation.body or {}
    assert (body["given"], body["family"]) == (["eva", "berg"], ["berg", "ek"])


def test_partial_dates_never_shorten_a_licence_nor_a_restriction() -> None:
    one = licence(
        valid_from="2001",
        valid_to="2030-02",
        restrictions=(
            restriction("probation", "2003-05", "2004"),
            restriction("conditions", "2006-01-01", "2006-06"),
            restriction("suspended", None, "2002"),
            restriction("revoked", "2007"),
        ),
    )
    (operation,) = documents(person("Eva Ek", one, birth_date="1980-02"))
    body = operation.body or {}
    dates = {field: value for field, value in body.items() if field.endswith(("_from", "_to"))}
    assert dates == {
        "birth_from": 19800201,
        "birth_to": 19800229,
        "valid_from": 20010101,
        "valid_to": 20300228,
        "restricted_from": 20030501,
        "restricted_to": 20060630,
        "suspended_from": 0,
        "suspended_to": 20021231,
        "revoked_from": 20070101,
        "revoked_to": 99991231,
    }


def test_a_damaged_record_stays_a_small_document() -> None:
    words = " ".join(f"name{n}" for n in range(5000))
    someone = person(NameFacts(text=words), licence("9" * 5000), former=[words])
    (operation,) = documents(someone)
    assert len(orjson.dumps(operation.stored)) < 10_000
    assert "number" not in (operation.body or {})


# Letters of several alphabets, marks that combine, joiners, and what is no part of a word.
_NAME = st.text("aBeéÖøßÞ'’-–. \t\u00a0\u00ad\u0301\u030a/1ЖβΣς李ﬁ", max_size=24)


@given(given_name=_NAME, family=_NAME)
@example(given_name="Anna Karin  Eva-Lisa", family="von Öhlen O'Brien")
@example(given_name="e \u0301a", family="/ '")
@example(given_name="", family="ΟΔΟΣ ΣΑΣ")
def test_the_keys_of_a_name_are_those_of_the_name_as_a_whole(given_name: str, family: str) -> None:
    facts = NameFacts(given=tuple(given_name.split()), family=family)
    someone = person(facts, licence("A1"))
    (operation,) = documents(someone)
    body = operation.body or {}
    if not (facts.given or facts.family):
        return
    given_keys, family_keys = tokens(" ".join(facts.given)), tokens(family)
    whole = fold(f"{' '.join(facts.given)} {family}")
    for field, wanted in (
        ("written", given_keys.written + family_keys.written + ((whole,) if " " in whole else ())),
        ("given", given_keys.typed),
        ("family", family_keys.typed),
        ("names", given_keys.typed + family_keys.typed),
    ):
        assert body.get(field, []) == list(dict.fromkeys(wanted))[:64]
    order = order_key(family, " ".join(facts.given))[:60] or "~"
    assert body["name_order"] == f"{order} {someone.id:012x}"


def test_the_documents_of_one_person_are_alike_but_for_the_licence() -> None:
    someone = person(
        "Eva Ek",
        licence("A1", restrictions=(restriction("revoked"),)),
        licence("", valid_to="2030"),
        identifiers=[(NPI, "1205839123")],
        birth_date="1980",
    )
    first, second = (operation.body or {} for operation in documents(someone))
    assert (first["number"], second["number"]) == (["a1", "1205839123"], ["1205839123"])
    assert set(first) - set(second) == {"revoked_from", "revoked_to"}
    assert set(second) - set(first) == {"valid_to"}
    same = set(first) & set(second) - {"number"}
    assert {field: first[field] for field in same} == {field: second[field] for field in same}


def test_a_person_read_for_the_index_alone_gives_the_same_operations() -> None:
    for someone in (
        person("Eva Ek", licence("A1"), licence("B2", gone=True), former=["Eva Alm"], birth_date="1980"),
        person("Eva Ek", licence("A1"), protected=True),
        person("Eva Ek", licences=(), identifiers=[(NPI, "1205839123"), ("urn:other", "1")]),
        person("Eva Ek", licence("A1", status="restricted"), deceased=True),
    ):
        assert operations(indexed(someone)) == operations(someone)
        assert documents(indexed(someone)) == documents(someone)


@pytest.mark.parametrize(
    ("status", "told"), [("active", "deceased"), ("restricted", "deceased"), ("revoked", "revoked")]
)
def test_the_dead_hold_no_live_licence(status: str, told: str) -> None:
    (operation,) = documents(person("Eva Ek", licence("A1", status=status), deceased=True))
    assert (operation.body or {})["status"] == told


def test_someone_known_by_a_number_only_is_found_by_it_and_by_no_name() -> None:
    someone = replace(person("Eva Ek", licence("A1"), identifiers=[(NPI, "1205839123")]), names=())
    (operation,) = documents(someone)
    body = operation.body or {}
    assert body["number"] == ["a1", "1205839123"]
    assert not {"written", "given", "family", "former", "names"} & body.keys()
    assert body["name_order"].startswith("~ ")


def test_a_person_without_a_name_sorts_last() -> None:
    (nameless,) = documents(person(NameFacts()))
    (last,) = documents(person("Bo Öööö"))
    assert (nameless.body or {})["name_order"] > (last.body or {})["name_order"]


def test_document_ids_and_keys_are_each_others_reverse() -> None:
    for identity in ("l1", "p1", "l0", "p123456789012"):
        assert document_id(document_key(identity)) == identity
    for wrong in ("", "x1", "l", "l-1", "1"):
        with pytest.raises(ValueError, match="no document id"):
            document_key(wrong)
