"""Names are taken apart and folded so that people find them however they type them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry import names

TYPED = [
    ("Åsa", ("asa", "aasa")),
    ("Ärlig", ("arlig", "aerlig")),
    ("Östergård", ("ostergard", "oestergaard")),
    ("Østergaard", ("ostergaard", "oestergaard")),
    ("Kjær", ("kjar", "kjaer")),
    ("Müller", ("muller", "mueller")),
    ("Strauß", ("strauss",)),
    ("Renée", ("renee",)),
    ("Þórður", ("thordur",)),
    ("Łukasz", ("lukasz",)),
    ("Đorđe", ("dorde",)),
    ("Núñez", ("nunez",)),
    ("İpek", ("ipek",)),
    ("Иванов", ("ivanov",)),
    ("Γεωργία", ("georgia",)),
    ("Παπαδόπουλος", ("papadopoulos",)),
    ("Ευάγγελος", ("evangelos",)),
    ("Μπάμπης", ("bampis",)),
    ("Ντίνος", ("dinos",)),
    ("Щукин", ("shchukin",)),
    ("Наталья", ("natalya",)),
    ("Ђорђе", ("djordje",)),
    ("Guðrún", ("gudrun",)),
    ("Ærø", ("aro", "aeroe")),
    ("Erdoğan", ("erdogan",)),
    ("Nguyễn", ("nguyen",)),
    ("أحمد", ("hmd",)),
    ("王", ("wang",)),
    ("ANNA", ("anna",)),
    ("Ａｎｎａ", ("anna",)),
    ("A\u030asa", ("asa", "aasa")),
    ("J.", ("j",)),
]


@pytest.mark.parametrize(("name", "keys"), TYPED, ids=[name for name, _ in TYPED])
def test_a_word_has_the_keys_people_type(name: str, keys: tuple[str, ...]) -> None:
    (word,) = names.words(name)
    assert word.typed == keys


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        ("Östergård", "Østergaard", True),
        ("Müller", "Mueller", True),
        ("Muller", "Mueller", False),
        ("Åberg", "Aaberg", True),
        ("Åberg", "Äberg", True),
        ("Ek", "Eek", False),
        ("Sæther", "Säther", True),
        ("Þórður", "Thordur", True),
        ("Þór", "Tor", False),
        ("Γεωργίου", "Georgiou", True),
        ("Al-Hassan", "Hassan", True),
        ("Lind-Berg", "Berg-Lind", True),
        ("O'Brien", "OBrien", True),
    ],
)
def test_two_words_meet_when_they_share_a_typed_key(one: str, other: str, meet: bool) -> None:
    keys = [set(names.tokens(name).typed) for name in (one, other)]
    assert bool(keys[0] & keys[1]) is meet


def test_written_words_keep_the_letters_that_people_keep_apart() -> None:
    assert names.tokens("Åsa ÄNG").written == ("åsa", "äng")
    assert names.tokens("Asa Ang").written == ("asa", "ang")


@pytest.mark.parametrize("joiner", ["-", "‐", "–", "'", "’", "´", "`", "＇"])
def test_a_joined_word_is_known_whole_and_in_parts(joiner: str) -> None:
    assert names.tokens(f"Anna{joiner}Karin").typed == ("annakarin", "anna", "karin")
    assert [word.written for word in names.words(f"Anna{joiner}Karin")] == ["annakarin"]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("von Essen", ["von", "essen"]),
        ("Lind, Eva", ["lind", "eva"]),
        ("O'Brien-Smith", ["obriensmith"]),
        ("Eva (Evis) Ek", ["eva", "evis", "ek"]),
        ("St.John", ["st", "john"]),
        ("Ek\u200b\u00ad", ["ek"]),
        ("Ek\x00Eva\x1f", ["ek", "eva"]),
        ("-'-", []),
        ("", []),
        ("\u0301", []),
        ('*?"\\', []),
        ("\ud800Ek", ["ek"]),
        ("李 小龙", ["李", "小龙"]),
        ("राम कुमार", ["राम", "कुमार"]),
    ],
)
def test_a_name_is_taken_apart_at_everything_that_is_no_letter(name: str, found: list[str]) -> None:
    assert [word.written for word in names.words(name)] == found


def test_a_word_without_end_is_cut() -> None:
    (word,) = names.words("ö" * 5000)
    assert len(word.written) == len(word.typed[0]) == len(word.typed[1]) == names.MAX_WORD


def test_names_are_ordered_as_the_swedish_alphabet_orders_them() -> None:
    ordered = ["Ek", "Lind", "Lind Berg", "Lindberg", "Muller", "Müller", "Zorn", "Åberg", "Äng", "Öberg"]
    keys = [names.order_key(name, "Eva") for name in ordered]
    assert keys == sorted(keys)
    assert names.order_key("Lind", "Åsa") > names.order_key("Lind", "Zita")
    assert names.order_key("", "") == ""


@given(st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    assert names.fold(names.fold(text)) == names.fold(text)


@given(st.text())
def test_every_key_can_be_stored_and_is_bounded(text: str) -> None:
    found = names.tokens(text)
    for key in (*found.written, *found.typed):
        assert 0 < len(key) <= names.MAX_WORD
        assert key.encode()
        assert not any(character.isspace() for character in key)


@given(st.text(alphabet="aåäöeé -'"))
def test_a_name_meets_itself_in_capitals_and_without_accents(text: str) -> None:
    plain = names.fold(text)
    assert names.tokens(text.upper()).typed == names.tokens(text).typed
    assert set(plain.split()) <= set(names.tokens(text).typed)
