"""The same thirty invented people as each authority would send them, and what can be wrong with such a file."""

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from registry.identifiers import check_digit
from tests.indexer.feeds import hosp_xml_text, nppes_text
from tests.indexer.feeds.hsa_text import number as personal_number
from tests.indexer.feeds.test_shipped_lists import TEACHER, TEACHER_HEADER, doctors
from tests.indexer.feeds.workbooks import xlsx

COUNT = 30
# A name that every encoding of the west can write, and that none can spoil unseen.
FAMILY = "Björk"


@dataclass(frozen=True)
class One:
    """One person: a running number and a family name."""

    place: int
    family: str = FAMILY


EVERYBODY = tuple(map(One, range(COUNT)))


def npi(place: int) -> str:
    """A number with a right check digit that nobody has: those in use begin with 1 or 2."""
    nine = f"9{place:08d}"
    return f"{nine}{check_digit(f'080840{nine}')}"


def hosp(people: Sequence[One], encoding: str = "UTF-8") -> str:
    written = []
    for one in people:
        text = hosp_xml_text.person(str(100_000 + one.place), licences=hosp_xml_text.licence("LK"))
        number = personal_number(f"{1950 + one.place}0101")
        written.append(text.replace(hosp_xml_text.NUMBER, number).replace("Öberg", one.family))
    return hosp_xml_text.document(*written).replace("UTF-8", encoding)


WASHINGTON = (
    *("CredentialNumber", "LastName", "FirstName", "MiddleName", "CredentialType", "Status", "BirthYear"),
    *("CEDueDate", "FirstIssueDate", "LastIssueDate", "ExpirationDate", "ActionTaken"),
)


def washington(people: Sequence[One]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(WASHINGTON)
    kind, dates = "Registered Nurse License", ("", "03/05/2001", "03/05/2024", "03/05/2030")
    for one in people:
        writer.writerow((f"RN{one.place:08d}", one.family, "Anna", "", kind, "ACTIVE", "1980", *dates, "No"))
    return text.getvalue()


def gmc(people: Sequence[One]) -> str:
    return doctors(*({"GMC Ref No": f"{7_000_000 + one.place}", "Surname": one.family} for one in people))


def skolverket(people: Sequence[One]) -> bytes:
    rows: list[list[Any]] = []
    for one in people:
        digits = personal_number(f"{1950 + one.place}0101")
        rows.append([f"{digits[:8]}-{digits[8:]}", one.family, *TEACHER[2:]])
    return xlsx(["Utdrag"], TEACHER_HEADER, *rows, ["Totalt"])


def nppes(people: Sequence[One]) -> str:
    return nppes_text.text(
        *(
            {
                **nppes_text.PERSON,
                "NPI": npi(one.place),
                nppes_text.LAST: one.family,
                **nppes_text.slot(1, "163W00000X", f"RN{one.place}", "GA", "Y"),
            }
            for one in people
        )
    )


def fhir(people: Sequence[One]) -> bytes:
    lines = []
    for one in people:
        number = {"system": "http://example.org/licence", "value": f"RN{one.place}", "state": "GA"}
        code = {"coding": [{"system": "http://nucc.org/provider-taxonomy", "code": "163W00000X"}]}
        lines.append(
            {
                "resourceType": "Practitioner",
                "id": f"p{one.place}",
                "identifier": [{"system": "http://hl7.org/fhir/sid/us-npi", "value": npi(one.place)}],
                "name": [{"family": one.family, "given": ["Anna"]}],
                "qualification": [{"identifier": [number], "code": code}],
            }
        )
    return b"".join(orjson.dumps(line) + b"\n" for line in lines)


@dataclass(frozen=True)
class Shape:
    """A shipped feed and how its file is written; `options` are what reading a file of it needs."""

    feed: str
    write: Callable[[Sequence[One]], str | bytes]
    ending: str
    options: tuple[tuple[str, object], ...] = ()
    removes: bool = True

    def data(self, people: Sequence[One] = EVERYBODY) -> bytes:
        written = self.write(people)
        return written if isinstance(written, bytes) else written.encode()

    def encoded(self, codec: str) -> bytes:
        """Return everybody in another encoding, as the file itself would declare it where it can."""
        if self.feed == "hosp":
            declared = "UTF-8" if codec == "utf-8-sig" else codec.replace("cp1252", "windows-1252")
            return hosp(EVERYBODY, declared).encode(codec)
        written = self.write(EVERYBODY)
        assert isinstance(written, str)
        return written.encode(codec)


# `removes`: whether who is absent is gone; an extract from Skolverket is about whom somebody asked about.
SHAPES = (
    Shape("hosp", hosp, ".xml"),
    Shape("washington", washington, ".csv", (("export", "csv"),)),
    Shape("gmc", gmc, ".csv"),
    Shape("skolverket", skolverket, ".xlsx", removes=False),
    Shape("nppes", nppes, ".csv"),
    Shape("nppes-fhir", fhir, ".ndjson"),
)
