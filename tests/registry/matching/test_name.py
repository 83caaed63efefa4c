import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.matching.name import compare_name, one_edit
from registry.records.facts import NameFacts

ANNA = NameFacts(family="Andersson", given=("Anna", "Maria"))
KARIN = NameFacts(family="Öberg", given=("Anna-Karin",))
OBRIEN = NameFacts(family="O'Brien", given=("Siân",))
DOUBLE = NameFacts(family="Berg", middle="Lindqvist", given=("Eva",))
SPANISH = NameFacts(family="García Márquez", given=("Luis",))
WHOLE = NameFacts(text="Erik Johan Lund")
COMMA = NameFacts(text="LUND, ERIK JOHAN")
INITIAL = NameFacts(family="Smith", given=("John", "Q"))

# As asked, as recorded, how alike. A complaint becomes a row.
CASES = [
    ("Anna Maria Andersson", ANNA, "same"),
    ("Andersson, Anna Maria", ANNA, "same"),
    ("ANDERSSON ANNA MARIA", ANNA, "same"),
    ("Anna Andersson", ANNA, "part"),
    ("Maria Andersson", ANNA, "part"),
    ("A. Andersson", ANNA, "part"),
    ("Anna M Andersson", ANNA, "part"),
    ("Anna Maria Anderson", ANNA, "alike"),
    ("Anna Maria Andresson", ANNA, "alike"),
    ("Anna Andersen", ANNA, "different"),
    ("Anna Maria Eva Andersson", ANNA, "alike"),
    ("Andersson", ANNA, "alike"),
    ("Anna", ANNA, "alike"),
    ("Anna Svensson", ANNA, "different"),
    ("Eva Andersson", ANNA, "different"),
    ("M Svensson", ANNA, "different"),
    ("Bo Ek", ANNA, "different"),
    ("Anna-Karin Öberg", KARIN, "same"),
    ("Anna Karin Oberg", KARIN, "same"),
    ("Annakarin Oeberg", KARIN, "same"),
    ("Anna Öberg", KARIN, "part"),
    ("Sian OBrien", OBRIEN, "same"),
    ("Siân O’Brien", OBRIEN, "same"),
    ("Sian O Brien", OBRIEN, "same"),
    ("Eva Lindqvist Berg", DOUBLE, "same"),
    ("Eva Berg", DOUBLE, "part"),
    ("Eva Lindqvist", DOUBLE, "alike"),
    ("Luis Garcia Marquez", SPANISH, "same"),
    ("Luis García", SPANISH, "alike"),
    ("Erik Johan Lund", WHOLE, "same"),
    ("Erik Lund", WHOLE, "part"),
    ("Erik Lund", COMMA, "part"),
    ("Erik Johan", COMMA, "alike"),
    ("John Smith", INITIAL, "part"),
    ("John Quincy Smith", INITIAL, "part"),
    ("John Quincy Smyth", INITIAL, "alike"),
    ("Bo Ek", NameFacts(family="Ek", given=("Bo",)), "same"),
    ("Bo Ax", NameFacts(family="Ek", given=("Bo",)), "different"),
    ("Cher", NameFacts(text="Cher"), "same"),
    ("Cher Bono", NameFacts(text="Cher"), "alike"),
    ("Anna", NameFacts(), "different"),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "recorded", "likeness"), CASES)
def test_likeness(asked: str, recorded: NameFacts, likeness: str) -> None:
    assert compare_name(asked, (recorded,)).likeness == likeness


def test_a_misspelt_word_is_told_apart_from_a_missing_one() -> None:
    assert compare_name("Anna Maria Anderson", (ANNA,)).typo
    assert not compare_name("Andersson", (ANNA,)).typo


def test_the_most_alike_name_counts_and_the_official_one_where_two_are() -> None:
    former = NameFacts(use="former", family="Ek", given=("Anna",))
    assert compare_name("Anna Ek", (ANNA, former)).name == former
    same = NameFacts(use="alias", family="Andersson", given=("Anna", "Maria"))
    assert compare_name("Anna Maria Andersson", (same, ANNA)).name == ANNA


def test_a_person_without_a_name_is_like_nobody() -> None:
    assert compare_name("Anna Ek", ()).likeness == "different"


@pytest.mark.parametrize(
    ("one", "two", "expected"),
    [
        ("andersson", "anderson", True),
        ("anderson", "andersson", True),
        ("andersson", "andresson", True),
        ("andersson", "andarsson", True),
        ("andersson", "anderssen", True),
        ("andersson", "anderzonn", False),
        ("andersson", "andresosn", False),
        ("andersson", "andersson", False),
        ("andersson", "anders", False),
        ("karl", "carl", True),
        ("karl", "karla", True),
        ("asa", "ase", False),
        ("eva", "evas", False),
    ],
)
def test_one_edit(one: str, two: str, expected: bool) -> None:
    assert one_edit(one, two) is expected
    assert one_edit(two, one) is expected


@given(st.text("ab", min_size=4, max_size=8), st.text("ab", min_size=4, max_size=8))
def test_one_edit_agrees_with_trying_every_edit(one: str, two: str) -> None:
    tried = {one[:i] + one[i + 1 :] for i in range(len(one))}
    tried |= {one[:i] + c + one[i:] for i in range(len(one) + 1) for c in "ab"}
    tried |= {one[:i] + c + one[i + 1 :] for i in range(len(one)) for c in "ab"}
    tried |= {one[:i] + one[i + 1] + one[i] + one[i + 2 :] for i in range(len(one) - 1)}
    assert one_edit(one, two) is (two in tried and one != two)
