"""Sets of others, from CSV: one file with both sides, or a folder with `register.csv` and `questions.csv`.

Columns, in any order, UTF-8, with a header:

- `id`: unique in its file; not used but to name a bad row.
- `true_id`: who it is; rows of one person carry the same. A question about somebody who is not in the register is welcome:
  it counts among the absent.
- `given`, `family`: as written; either may be empty.
- `birth_date`: YYYY-MM-DD or YYYYMMDD, a year, a year and a month, or empty. What is no day of the calendar is asked as
  it stands where only digits are compared, and without the impossible part where the engine needs a date.
- `side`: `register` or `question` (only where both are in one file).
- `former_given`, `former_family`: an earlier name of a person in the register (optional).
"""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.eval.dating import readable_date
from tests.eval.febrl import SetMissingError
from tests.eval.model import Asked, Entry, EvalSet

REQUIRED = ("id", "true_id", "given", "family", "birth_date")
SIDES = ("register", "question")


def load(path: Path) -> EvalSet:
    """Read a set.

    Raises:
        SetMissingError: a file or column is missing or a row can't be read; the message says which.
    """
    register: dict[str, Entry] = {}
    questions = []
    for where, side, row in _rows(path):
        born = row["birth_date"] or None
        if born and readable_date(born) is None:
            raise SetMissingError(f"{where}: {born} is no date; write 1980-05-03, 1980-05, 1980 or nothing.")
        given, family, person = row["given"], row["family"], row["true_id"]
        if side == "question":
            name = f"{given} {family}".strip()
            questions.append(Asked(person=person, name=name, given=given, family=family, birth_date=born))
        elif person in register:
            raise SetMissingError(
                f"{where}: true_id {person} stands twice in the register; write one row a person."
            )
        else:
            former = (row.get("former_given") or given, row.get("former_family", ""))
            register[person] = Entry(
                person=person,
                given=given,
                family=family,
                birth_date=readable_date(born or ""),
                former=(former,) if row.get("former_given") or former[1] else (),
            )
    if not register or not questions:
        raise SetMissingError(f"{path.name}: both a register and questions are needed.")
    return EvalSet(path.stem, list(register.values()), questions, f"own set {path.name}")


def _rows(path: Path) -> Iterator[tuple[str, str, Mapping[str, str]]]:
    if path.is_dir():
        for file, side in (("register.csv", "register"), ("questions.csv", "question")):
            for where, row in _read(path / file, REQUIRED):
                yield where, side, row
        return
    for where, row in _read(path, (*REQUIRED, "side")):
        if row["side"] not in SIDES:
            raise SetMissingError(f"{where}: side must be one of {', '.join(SIDES)}.")
        yield where, row["side"], row


def _read(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[str, Mapping[str, str]]]:
    if not path.is_file():
        raise SetMissingError(f"{path} is missing.")
    with path.open(encoding="utf-8-sig", newline="") as opened:
        reader = csv.DictReader(opened, skipinitialspace=True)
        lacking = [name for name in columns if name not in (reader.fieldnames or ())]
        if lacking:
            raise SetMissingError(
                f"{path.name} lacks the column {lacking[0]}; it needs {', '.join(columns)}."
            )
        for number, row in enumerate(reader, start=2):
            yield (
                f"{path.name}, line {number}",
                {name: (row.get(name) or "").strip() for name in reader.fieldnames or ()},
            )
