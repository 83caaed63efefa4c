"""The lists that are shipped: the GMC's, Skolverket's and that of a protected title. Their people are invented."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import pytest
from msgspec.structs import replace

from indexer.feeds import (
    BadRow,
    FeedDescriptor,
    Fetched,
    MalformedFeedError,
    SourceRow,
    load_feed,
    one_by_one,
    parse,
)
from indexer.feeds.tabular_options import TabularOptions
from indexer.normalize.of_feed import Normalizer
from registry.identifiers import PERSONAL_IDENTITY_NUMBER
from registry.records.facts import PersonFacts, RestrictionFacts, SpecialtyFacts, Status
from registry.settings import CONFIG, Indexer
from registry.vocabulary import load_vocabulary
from tests.indexer.feeds.workbooks import xlsx

VOCABULARY = load_vocabulary()
GMC = load_feed(CONFIG / "feeds" / "gmc.toml")
TEACHERS = load_feed(CONFIG / "feeds" / "skolverket.toml")
TITLES = load_feed(CONFIG / "feeds" / "protected-titles.toml")


@dataclass
class Reader:
    """Reads a file as a feed's description says."""

    folder: Path
    settings: Indexer

    def rows(self, feed: FeedDescriptor, data: str | bytes) -> list[SourceRow | BadRow]:
        path = self.folder / "list"
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        fetched = Fetched(parts=(path,), stamp=None, etag="", digest="", not_modified=False)
        return [
            row
            for row in one_by_one(parse(feed, fetched, self.settings))
            if isinstance(row, SourceRow | BadRow)
        ]

    def facts(self, feed: FeedDescriptor, data: str | bytes) -> list[PersonFacts]:
        normalizer = Normalizer(feed, VOCABULARY)
        rows = self.rows(feed, data)
        assert all(isinstance(row, SourceRow) for row in rows), rows
        return [normalizer.facts(row.payload) for row in rows if isinstance(row, SourceRow)]


@pytest.fixture
def reader(tmp_path: Path, settings: Indexer) -> Reader:
    return Reader(tmp_path, settings)


DOCTOR = {
    "GMC Ref No": "0123456",
    "Surname": "Chater-Öst",
    "Given Name": "Susan Ann",
    "Gender": "W",
    "Qualification": "MB BCh",
    "Year of Qualification": "1978",
    "Place of Qualification": "National University of Ireland",
    "PR Date": "5071978",
    "FR Date": "8021980",
    "Specialist Register Date": "25022003",
    "GP Register Date": "",
    "Registration Status": "Registered with Licence",
    "ARF Due Date": "1012027",
    **{f"Specialty{n}": "" for n in range(1, 8)},
    "FtP Conditions Exist": "N",
    "FtP Undertakings Exist": "N",
    "Other Names": "Mary",
    "FtP Warnings Exist": "N",
    "Responsible Officer": "Somebody Else",
}


def doctors(*changes: dict[str, str], drop: tuple[str, ...] = ()) -> str:
    text = io.StringIO()
    header = [name for name in DOCTOR if name not in drop]
    writer = csv.DictWriter(text, header, extrasaction="ignore", quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(DOCTOR | change for change in changes)
    return text.getvalue()


def test_a_doctor_of_the_gmc(reader: Reader) -> None:
    (facts,) = reader.facts(GMC, doctors({"Specialty1": "Cardiology"}))
    (name,) = facts.names
    (licence,) = facts.licences
    assert (name.family, name.given, name.middle) == ("Chater-Öst", ("Susan", "Ann"), "Mary")
    assert (licence.key, licence.number, licence.jurisdiction) == ("0123456", "0123456", "GB")
    assert (licence.profession, licence.status, licence.raw_status) == (
        "physician",
        "active",
        "Registered with Licence",
    )
    assert (licence.issued, licence.valid_to) == ("1980-02-08", None)
    assert licence.specialties == (
        SpecialtyFacts(code="Specialist Register", text="Specialist Register", valid_from="2003-02-25"),
        SpecialtyFacts(code="Cardiology", text="Cardiology"),
    )
    assert licence.restrictions == ()


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("Registered with Licence", "active"),
        ("REGISTERED WITH LICENCE", "active"),
        ("Registered without a Licence", "lapsed"),
        ("Provisionally registered with Licence", "restricted"),
        ("Provisionally registered without a Licence", "lapsed"),
        ("Temporary registration with Licence", "restricted"),
        ("Temporary registration without a Licence", "lapsed"),
        ("Suspended", "suspended"),
        ("Not Registered - Administrative Reason", "lapsed"),
        ("Not Registered – Provisional registration expired", "lapsed"),
        ("Not Registered - Having relinquished registration", "surrendered"),
        ("Not Registered - Deceased", "deceased"),
        ("Not Registered - Erased after Fitness to Practise panel hearing", "revoked"),
        ("Not Registered – Erased for false declaration", "revoked"),
        ("Not Registered – Erased for fraudulent application", "revoked"),
        ("Registered", "unknown"),
        ("Registered with Licence (emergency)", "unknown"),
        ("Not Registered", "unknown"),
        ("", "unknown"),
    ],
)
def test_only_a_licence_to_practise_is_active(reader: Reader, word: str, status: Status) -> None:
    (facts,) = reader.facts(GMC, doctors({"Registration Status": word}))
    assert facts.licences[0].status == status
    assert facts.deceased is (status == "deceased")


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        ("FtP Conditions Exist", "conditions"),
        ("FtP Undertakings Exist", "conditions"),
        ("FtP Warnings Exist", "unknown"),
    ],
)
def test_conditions_stand_beside_a_licence(reader: Reader, column: str, kind: str) -> None:
    (facts,) = reader.facts(GMC, doctors({column: "Y"}))
    (found,) = facts.licences[0].restrictions
    assert isinstance(found, RestrictionFacts)
    assert (found.kind, found.text) == (kind, f"{column}: Y")


@pytest.mark.parametrize(
    "column", ["FtP Conditions Exist", "FtP Warnings Exist", "Registration Status", "GMC Ref No"]
)
def test_a_file_without_a_column_that_decides_is_refused(reader: Reader, column: str) -> None:
    with pytest.raises(MalformedFeedError, match=f"no column '{column}'"):
        reader.rows(GMC, doctors({}, drop=(column,)))


def test_a_file_without_specialties_is_read(reader: Reader) -> None:
    older = doctors({}, drop=tuple(f"Specialty{n}" for n in range(1, 8)))
    assert reader.facts(GMC, older) == reader.facts(GMC, doctors({}))


def test_what_nobody_needs_is_not_kept(reader: Reader) -> None:
    (row,) = reader.rows(GMC, doctors({}))
    assert isinstance(row, SourceRow)
    assert b"Somebody Else" not in row.payload
    assert b"gender" not in row.payload


def test_a_number_that_lost_its_zeros_is_quarantined(reader: Reader) -> None:
    (row,) = reader.rows(GMC, doctors({"GMC Ref No": "123456"}))
    assert isinstance(row, SourceRow)
    with pytest.raises(Exception, match="7 characters were expected, 6 came"):
        Normalizer(GMC, VOCABULARY).facts(row.payload)


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_the_gmc_s_file_in_every_encoding(reader: Reader, codec: str) -> None:
    assert isinstance(GMC.options, TabularOptions)
    declared = replace(GMC.options, encoding="cp1252" if codec == "cp1252" else "utf-8")
    found = reader.facts(replace(GMC, options=declared), doctors({}).encode(codec))
    assert found == reader.facts(GMC, doctors({}))


TEACHER_HEADER = [
    "Personnummer", "Efternamn", "Förnamn", "Typ av legitimation", "Status", "Legitimationsdatum",
    "Skyddade personuppgifter", "Behörigheter", "Beslut", "Beslutsdatum", "Beslut till och med", "Anmärkning",
]  # fmt: skip
TEACHER = [
    "19800101-9804", "Öberg", "Åsa Märta", "Lärarlegitimation", "Legitimerad", 20150301, "Nej",
    "Matematik 7-9; Fysik 7-9", "-", None, None, "hemligt skäl",
]  # fmt: skip


def teachers(*rows: list[object]) -> bytes:
    return xlsx(["Utdrag ur lärar- och förskollärarregistret"], [], TEACHER_HEADER, *rows, ["Totalt: 2"])


def test_a_teacher_and_her_two_licences(reader: Reader) -> None:
    second = [
        *TEACHER[:3],
        "Förskollärarlegitimation",
        *TEACHER[4:7],
        None,
        "Prövotid",
        "2024-01-01",
        "2027-01-01",
        None,
    ]
    rows = reader.rows(TEACHERS, teachers(list(TEACHER), second))
    assert [row.key for row in rows] == [
        "198001019804|Lärarlegitimation",
        "198001019804|Förskollärarlegitimation",
    ]
    assert TEACHERS.options.personal_keys
    assert b"hemligt" not in b"".join(row.payload for row in rows if isinstance(row, SourceRow))
    one, two = reader.facts(TEACHERS, teachers(list(TEACHER), second))
    assert one.identifiers == two.identifiers
    assert [(i.system, i.value) for i in one.identifiers] == [(PERSONAL_IDENTITY_NUMBER, "198001019804")]
    (teacher,), (preschool,) = one.licences, two.licences
    assert (teacher.profession, teacher.status, teacher.issued) == ("teacher", "active", "2015-03-01")
    assert [specialty.text for specialty in teacher.specialties] == ["Matematik 7-9", "Fysik 7-9"]
    assert teacher.restrictions == ()
    assert preschool.profession == "preschool-teacher"
    assert [(r.kind, r.valid_from, r.valid_to) for r in preschool.restrictions] == [
        ("probation", "2024-01-01", "2027-01-01")
    ]


@pytest.mark.parametrize(("mark", "hidden"), [("Ja", True), ("Nej", False), ("J", True), (None, False)])
def test_a_teacher_with_protected_identity_is_hidden(
    reader: Reader,
    mark: str | None,
    hidden: bool,
) -> None:
    (facts,) = reader.facts(TEACHERS, teachers([*TEACHER[:6], mark, *TEACHER[7:]]))
    assert facts.protected is hidden


def test_an_extract_says_nothing_about_those_it_leaves_out() -> None:
    assert TEACHERS.mode == "delta"
    assert "säger därför ingenting" in TEACHERS.silence_sv


TITLE_LIST = """\
Personnummer;Namn;Diarienummer;Beslutsdatum;Skyddade personuppgifter
19800101-9804;Öberg, Åsa Märta;7.1-12345/2026;2026-02-03;
19700101-9806;Lind, Bo;7.1-12346/2026;20260204;Ja
Totalt;2;;;
"""


def test_a_protected_title_is_told_as_what_it_is(reader: Reader) -> None:
    one, two = reader.facts(TITLES, TITLE_LIST)
    (licence,) = one.licences
    assert (licence.profession, licence.raw_profession, licence.status) == (
        "assistant-nurse",
        "undersköterska",
        "active",
    )
    assert (licence.number, licence.issued, licence.raw_status) == (
        "7.1-12345/2026",
        "2026-02-03",
        "har bevis",
    )
    assert one.names[0].display() == "Åsa Märta Öberg"
    assert (one.protected, two.protected) == (False, True)
    assert "ingen legitimation" in TITLES.silence_sv
    assert "not a licence" in TITLES.silence_en


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_the_list_of_titles_may_come_as_excel_saves_it_anywhere(
    reader: Reader, delimiter: str, newline: str
) -> None:
    rows = [line.split(";") for line in TITLE_LIST.splitlines()]
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator=newline).writerows(rows)
    assert reader.facts(TITLES, text.getvalue()) == reader.facts(TITLES, TITLE_LIST)
