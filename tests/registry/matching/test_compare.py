import pytest

from registry.matching.compare import NOTES, compare
from registry.records.facts import NameFacts
from tests.registry.verification.people import person

OFFICIAL = NameFacts(family="Andersson", given=("Anna", "Maria"))
FORMER = NameFacts(use="former", family="Ek", given=("Anna", "Maria"))
ALIAS = NameFacts(use="alias", family="Aster", given=("Anna",))
BORN = "1980-05-03"

# Name and birth date as asked, birth date as recorded: level and the codes of the explanation.
CASES: list[tuple[str, str | None, str | None, str, list[str]]] = [
    ("Anna Maria Andersson", BORN, BORN, "exact", ["name-same", "birth-date-same"]),
    ("Anna Andersson", BORN, BORN, "strong", ["name-part", "birth-date-same"]),
    ("Anna Maria Ek", BORN, BORN, "strong", ["name-same", "name-former", "birth-date-same"]),
    ("Anna Ek", BORN, BORN, "strong", ["name-part", "name-former", "birth-date-same"]),
    ("Anna Aster", BORN, BORN, "strong", ["name-same", "name-alias", "birth-date-same"]),
    ("Anna Anderson", BORN, BORN, "possible", ["name-typo", "birth-date-same"]),
    ("Andersson", BORN, BORN, "possible", ["name-alike", "birth-date-same"]),
    ("Anna Svensson", BORN, BORN, "none", ["name-different", "birth-date-same"]),
    # A name alone is never more than possible; nor with part of a birth date.
    ("Anna Maria Andersson", None, BORN, "possible", ["name-same"]),
    ("Anna Maria Andersson", BORN, None, "possible", ["name-same", "birth-date-unknown"]),
    ("Anna Maria Andersson", BORN, "1980", "possible", ["name-same", "birth-date-open"]),
    ("Anna Maria Andersson", "1980", BORN, "possible", ["name-same", "birth-date-open"]),
    ("Anna Maria Andersson", "1980-05", "1980-05", "possible", ["name-same", "birth-date-open"]),
    # A birth date that differs makes it somebody else.
    ("Anna Maria Andersson", "1980-05-04", BORN, "none", ["name-same", "birth-date-different"]),
    ("Anna Maria Andersson", "1981", BORN, "none", ["name-same", "birth-date-different"]),
    ("Anna Maria Andersson", "1980-06", "1980-05", "none", ["name-same", "birth-date-different"]),
]


@pytest.mark.parametrize(("name", "asked", "recorded", "level", "codes"), CASES)
def test_level_and_explanation(
    name: str, asked: str | None, recorded: str | None, level: str, codes: list[str]
) -> None:
    found = compare(name, asked, person(names=(OFFICIAL, ALIAS, FORMER), birth_date=recorded))
    assert (found.level, [note.code for note in found.notes]) == (level, codes)


def test_the_recorded_name_that_was_compared_is_told() -> None:
    assert compare("Anna Ek", BORN, person(names=(OFFICIAL, FORMER))).name == FORMER


def test_every_note_says_the_same_in_both_languages() -> None:
    assert all(
        note.sv.endswith(".") and note.en.endswith(".") and note.sv != note.en for note in NOTES.values()
    )
