"""Reading published sets and sets of others."""

from pathlib import Path

import pytest

from tests.eval import febrl, own_set
from tests.eval.dating import readable_date
from tests.eval.febrl import SetMissingError
from tests.eval.model import Asked, Entry

HEAD = "rec_id, given_name, surname, date_of_birth, soc_sec_id\n"
COLUMNS = "id,true_id,given,family,birth_date,side,former_family\n"


def test_a_febrl_file_is_parted_into_originals_and_duplicates(tmp_path: Path) -> None:
    rows = "rec-1-org, ann, lee, 19800503, 1\nrec-1-dup-0, anne, , 19809903, 1\nrec-2-org, , may, , 2\n"
    (tmp_path / "dataset1.csv").write_text(HEAD + rows, "utf-8")

    made = febrl.load("febrl1", tmp_path)

    assert made.register == [
        Entry(person="1", given="ann", family="lee", birth_date="1980-05-03"),
        Entry(person="2", given="", family="may", birth_date=None),
    ]
    assert made.questions == [Asked(person="1", name="anne", given="anne", family="", birth_date="19809903")]


def test_a_missing_febrl_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SetMissingError, match="make eval"):
        febrl.load("febrl4", tmp_path)


def test_what_is_possible_of_a_date_is_kept() -> None:
    found = [
        readable_date(text) for text in ("19800503", "1980-05-03", "19800599", "19809903", "1980", "", "x")
    ]

    assert found == ["1980-05-03", "1980-05-03", "1980-05", "1980", "1980", None, None]


def test_an_own_set_is_read_from_one_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    rows = (
        "1,p1,Eva,Berg,1980-05-03,register,Dahl\n2,p1,Ewa,Berg,1980-05-03,question,\n3,p9,Bo,Ek,,question,\n"
    )
    path.write_text(COLUMNS + rows, "utf-8-sig")

    made = own_set.load(path)

    assert made.name == "mine"
    assert made.register == [
        Entry(person="p1", given="Eva", family="Berg", birth_date="1980-05-03", former=(("Eva", "Dahl"),))
    ]
    assert [question.name for question in made.questions] == ["Ewa Berg", "Bo Ek"]


def test_an_own_set_is_read_from_a_folder(tmp_path: Path) -> None:
    head = "id,true_id,given,family,birth_date\n"
    (tmp_path / "register.csv").write_text(f"{head}1,p1,Eva,Berg,1980-05-03\n", "utf-8")
    (tmp_path / "questions.csv").write_text(f"{head}1,p1,Eva,Bergh,1980\n", "utf-8")

    made = own_set.load(tmp_path)

    assert len(made.register) == len(made.questions) == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("id,true_id,given,family\n", "lacks the column birth_date"),
        (f"{COLUMNS}1,p1,Eva,Berg,1980-05-03,left,\n", "line 2: side must be"),
        (f"{COLUMNS}1,p1,Eva,Berg,May 3,register,\n", "line 2: May 3 is no date"),
        (f"{COLUMNS}1,p1,Eva,Berg,,register,\n2,p1,Eva,Berg,,register,\n", "line 3: true_id p1"),
        (f"{COLUMNS}1,p1,Eva,Berg,,register,\n", "both a register and questions"),
    ],
)
def test_a_bad_own_set_says_what_is_wrong_and_where(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(text, "utf-8")

    with pytest.raises(SetMissingError, match=told):
        own_set.load(path)


def test_a_missing_own_set_is_named(tmp_path: Path) -> None:
    with pytest.raises(SetMissingError, match="missing"):
        own_set.load(tmp_path / "nothing.csv")
