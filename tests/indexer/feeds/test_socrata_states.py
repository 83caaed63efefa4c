"""The oddities of Colorado's, Connecticut's and Illinois's data sets, each by name. The people are made up."""

import csv
import io
from pathlib import Path

import msgspec
import orjson
import pytest
from msgspec.structs import replace

from indexer.feeds import BadRow, FeedDescriptor, SourceRow, load_feed
from indexer.feeds.options import SocrataOptions
from indexer.feeds.socrata_columns import Columns, fold_column
from indexer.normalize.errors import BadRecordError
from indexer.normalize.of_feed import Normalizer
from registry.records.facts import LicenceFacts, PersonFacts
from registry.settings import CONFIG
from registry.vocabulary import load_vocabulary
from tests.indexer.feeds.test_socrata_rows import read

FEEDS: dict[str, FeedDescriptor] = {
    name: load_feed(CONFIG / "feeds" / f"{name}.toml") for name in ("colorado", "connecticut", "illinois")
}
NORMALIZERS = {name: Normalizer(feed, load_vocabulary()) for name, feed in FEEDS.items()}
COLORADO = {
    "lastname": "Sampleson",
    "firstname": "Dana",
    "middlename": "Q",
    "licensetype": "RN",
    "licensenumber": "1234",
    "licensefirstissuedate": "2005-06-03T00:00:00.000",
    "licenselastreneweddate": "2025-10-01T00:00:00.000",
    "licenseexpirationdate": "2027-09-30T00:00:00.000",
    "licensestatusdescription": "Active",
}
CASE = {
    "casenumber": "2019-77",
    "programaction": "CLS Letter of Admonition",
    "disciplineeffectivedate": "2019-05-02T00:00:00.000",
}
CONNECTICUT = {
    "credentialid": "900001",
    "name": "DANA Q SAMPLESON",
    "type": "INDIVIDUAL",
    "fullcredentialcode": "10.012345",
    "credential": "REGISTERED NURSE",
    "status": "ACTIVE",
    "statusreason": "CURRENT",
    "issuedate": "2005-06-03T00:00:00.000",
    "effectivedate": "2025-10-01T00:00:00.000",
    "expirationdate": "2027-09-30T00:00:00.000",
}
ILLINOIS = {
    "description": "REGISTERED PROFESSIONAL NURSE",
    "license_number": "041900001",
    "license_status": "ACTIVE",
    "business": "N",
    "first_name": "DANA",
    "middle": "Q",
    "last_name": "SAMPLESON",
    "original_issue_date": "06/03/2005",
    "effective_date": "10/01/2025",
    "expiration_date": "09/30/2027",
    "ever_disciplined": "N",
    "case_number": "None",
    "action": "None",
    "discipline_start_date": "None",
    "discipline_end_date": "None",
    "discipline_reason": "None",
}
Row = dict[str, str]


def options(name: str, **changes: object) -> SocrataOptions:
    shipped = FEEDS[name].options
    assert isinstance(shipped, SocrataOptions)
    return replace(shipped, **changes)


def from_json(folder: Path, name: str, *rows: Row) -> list[SourceRow | BadRow]:
    (folder / "page.json").write_bytes(orjson.dumps(list(rows)))
    return read([folder / "page.json"], options(name), 100_000)


def from_csv(folder: Path, name: str, *rows: Row) -> list[SourceRow | BadRow]:
    columns = options(name).columns
    named = (*msgspec.structs.astuple(columns), *options(name).cases)
    needed = {column for column in named if column and isinstance(column, str)}
    header = sorted({*needed, *(column for row in rows for column in row)})
    text = io.StringIO()
    csv.DictWriter(text, header, restval="", lineterminator="\n").writeheader()
    csv.DictWriter(text, header, restval="", lineterminator="\n").writerows(rows)
    (folder / "rows.csv").write_text(text.getvalue(), "utf-8")
    return read([folder / "rows.csv"], options(name, export="csv"), 100_000)


READ = {"json": from_json, "csv": from_csv}


@pytest.fixture(params=["json", "csv"])
def export(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def facts(name: str, row: SourceRow | BadRow) -> PersonFacts:
    assert isinstance(row, SourceRow)
    return NORMALIZERS[name].facts(row.payload)


def the_licence(name: str, row: Row) -> LicenceFacts:
    record = Columns(options(name)).record((fold_column(column), text) for column, text in row.items())
    (found,) = NORMALIZERS[name].facts(orjson.dumps(record)).licences
    return found


def test_colorado_numbers_are_unique_only_within_a_board(tmp_path: Path, export: str) -> None:
    other = COLORADO | {"lastname": "Mockridge", "licensetype": "LPC"}
    nurse, counselor = READ[export](tmp_path, "colorado", COLORADO, other)
    assert (nurse.key, counselor.key) == ("RN|1234", "LPC|1234")
    assert facts("colorado", nurse).licences[0].profession == "registered-nurse"
    assert facts("colorado", counselor).licences[0].profession == "mental-health-counselor"


def test_colorado_companies_are_passed_over(tmp_path: Path, export: str) -> None:
    company = {
        name: value for name, value in COLORADO.items() if name not in {"lastname", "firstname", "middlename"}
    }
    found = READ[export](tmp_path, "colorado", company | {"entityname": "Sample Plumbing LLC"}, COLORADO)
    assert [(row.row, row.key) for row in found] == [(2, "RN|1234")]


def test_colorado_rows_of_one_licence_s_cases_become_one_record(tmp_path: Path, export: str) -> None:
    second = CASE | {"casenumber": "2011-5", "programaction": "CLS Stipulation"}
    clean = COLORADO | {"licensenumber": "99"}
    rows = (clean, COLORADO | CASE, COLORADO | second)
    disciplined, plain = READ[export](tmp_path, "colorado", *rows)
    assert (disciplined.key, plain.key) == ("RN|1234", "RN|99")
    (restriction,) = facts("colorado", disciplined).licences[0].restrictions
    assert (restriction.kind, restriction.code) == ("unknown", "CLS Stipulation; CLS Letter of Admonition")
    assert facts("colorado", plain).licences[0].restrictions == ()
    # Whichever order they come in.
    turned = READ[export](tmp_path, "colorado", *rows[::-1])[0]
    assert isinstance(turned, SourceRow)
    assert isinstance(disciplined, SourceRow)
    assert turned.payload == disciplined.payload


def test_of_two_rows_about_one_licence_the_one_with_a_case_comes_first(tmp_path: Path, export: str) -> None:
    first, second = READ[export](tmp_path, "colorado", COLORADO, COLORADO | CASE)
    assert first.key == second.key
    assert facts("colorado", first).licences[0].restrictions
    assert not facts("colorado", second).licences[0].restrictions


def test_rows_of_cases_that_differ_in_more_than_the_case_are_not_put_together(tmp_path: Path) -> None:
    other = COLORADO | CASE | {"licensestatusdescription": "Revoked", "casenumber": "3"}
    found = from_json(tmp_path, "colorado", COLORADO | CASE, other)
    assert [facts("colorado", row).licences[0].status for row in found] == ["active", "revoked"]


def test_a_licence_of_very_many_cases_is_a_bad_row(tmp_path: Path) -> None:
    rows = [COLORADO | CASE | {"casenumber": f"{n}", "programaction": "x" * 900} for n in range(120)]
    (bad,) = from_json(tmp_path, "colorado", *rows)
    assert isinstance(bad, BadRow)
    assert (bad.key, bad.reason) == ("RN|1234", "the record is larger than 100000 bytes")


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("Active", "active"),
        ("ACTIVE", "active"),
        ("Active - With Conditions", "restricted"),
        ("Active – With Conditions", "restricted"),
        ("Active - Telehealth ONLY", "restricted"),
        ("Active - Something New", "unknown"),
        ("Suspended due to Child Support", "suspended"),
        ("Voluntary Surrender", "surrendered"),
        ("Beyond 6 Years Expired", "lapsed"),
        ("Transferred to Compact Physician", "unknown"),
    ],
)
def test_a_qualified_active_of_colorado_is_never_plainly_active(word: str, status: str) -> None:
    assert the_licence("colorado", COLORADO | {"licensestatusdescription": word}).status == status


@pytest.mark.parametrize("kind", ["LPCX", "PSYC", "ELC"])
def test_a_kind_of_licence_that_nobody_mapped_is_unknown(kind: str) -> None:
    found = the_licence("colorado", COLORADO | {"licensetype": kind})
    assert (found.profession, found.raw_profession) == ("unknown", kind)


@pytest.mark.parametrize(
    ("whole", "given", "middle", "family", "suffix"),
    [
        ("DANA Q SAMPLESON", ("DANA",), "Q", "SAMPLESON", ""),
        ("DANA SAMPLESON", ("DANA",), "", "SAMPLESON", ""),
        ("DANA Q R SAMPLESON", ("DANA",), "Q R", "SAMPLESON", ""),
        ("DANA Q SAMPLESON JR", ("DANA",), "Q", "SAMPLESON", "JR"),
        ("DANA SAMPLESON III", ("DANA",), "", "SAMPLESON", "III"),
        ("DANA SAMPLESON, JR.", ("DANA",), "", "SAMPLESON", "JR."),
        ("SAMPLESON, DANA Q", ("DANA", "Q"), "", "SAMPLESON", ""),
        # Two words: the second is the family name even if it looks like a suffix.
        ("DANA V", ("DANA",), "", "V", ""),
        ("SAMPLESON", (), "", "SAMPLESON", ""),
    ],
)
def test_connecticut_writes_the_whole_name_in_one_column(
    whole: str, given: tuple[str, ...], middle: str, family: str, suffix: str
) -> None:
    (name,) = NORMALIZERS["connecticut"].facts(orjson.dumps(CONNECTICUT | {"name": whole})).names
    assert (name.given, name.middle, name.family, name.suffix) == (given, middle, family, suffix)
    assert (name.text, name.display()) == (whole, whole)


def test_a_whole_name_may_begin_with_the_family_name() -> None:
    feed = replace(FEEDS["connecticut"], options=options("connecticut", name_order="family-given"))
    row = orjson.dumps(CONNECTICUT | {"name": "SAMPLESON DANA Q"})
    (name,) = Normalizer(feed, load_vocabulary()).facts(row).names
    assert (name.given, name.middle, name.family) == (("DANA",), "Q", "SAMPLESON")


def test_a_whole_name_that_is_empty_or_lost_is_refused() -> None:
    for lost in ({"name": ""}, {"name": "DANA SAMPL\ufffdSON"}):
        with pytest.raises(BadRecordError) as caught:
            NORMALIZERS["connecticut"].facts(orjson.dumps(CONNECTICUT | lost))
        assert caught.value.field == "name"


@pytest.mark.parametrize(
    ("word", "reason", "status"),
    [
        ("ACTIVE", "CURRENT", "active"),
        ("ACTIVE", "", "active"),
        ("ACTIVE IN RENEWAL", "CURRENT", "active"),
        ("ACTIVE", "SOMETHING NEW", "unknown"),
        ("ACTIVE", "PROBATION", "restricted"),
        ("INACTIVE", "LAPSED DUE TO NON-RENEWAL", "lapsed"),
        ("INACTIVE", "LAPSED DUE TO NON–RENEWAL", "lapsed"),
        ("INACTIVE", "REVOKED", "revoked"),
        ("INACTIVE", "SOMETHING NEW", "lapsed"),
        ("PENDING", "PENDING", "unknown"),
        ("", "CURRENT", "unknown"),
    ],
)
def test_connecticut_s_status_is_read_with_its_reason(word: str, reason: str, status: str) -> None:
    row = {
        name: value
        for name, value in (CONNECTICUT | {"status": word, "statusreason": reason}).items()
        if value
    }
    found = the_licence("connecticut", row)
    assert found.status == status
    assert found.raw_status == ": ".join(part for part in (word, reason) if part)


def test_connecticut_firms_are_passed_over(tmp_path: Path, export: str) -> None:
    firm = CONNECTICUT | {"credentialid": "1", "type": "BUSINESS", "name": "SAMPLE CARE LLC"}
    (found,) = READ[export](tmp_path, "connecticut", firm, CONNECTICUT)
    assert (found.row, found.key) == (2, "900001")
    licence = facts("connecticut", found).licences[0]
    assert (licence.number, licence.profession) == ("10.012345", "registered-nurse")


def test_illinois_writes_dates_as_text(tmp_path: Path, export: str) -> None:
    (row,) = READ[export](tmp_path, "illinois", ILLINOIS)
    licence = facts("illinois", row).licences[0]
    assert (licence.issued, licence.valid_from, licence.valid_to) == (
        "2005-06-03",
        "2025-10-01",
        "2027-09-30",
    )
    assert (licence.number, licence.profession, licence.status) == ("041900001", "registered-nurse", "active")


def test_illinois_writes_none_where_nothing_stands_but_a_person_may_be_called_so(
    tmp_path: Path, export: str
) -> None:
    (row,) = READ[export](tmp_path, "illinois", ILLINOIS | {"last_name": "NONE", "expiration_date": "None"})
    person = facts("illinois", row)
    assert person.names[0].family == "NONE"
    assert (person.licences[0].valid_to, person.licences[0].restrictions) == (None, ())


@pytest.mark.parametrize("disciplined", ["Y", "YES", "?"])
def test_who_was_ever_disciplined_in_illinois_is_no_plain_yes(disciplined: str) -> None:
    found = the_licence("illinois", ILLINOIS | {"ever_disciplined": disciplined, "action": ""})
    (restriction,) = found.restrictions
    assert (restriction.kind, restriction.text) == ("unknown", f"ever_disciplined: {disciplined}")
    assert found.status == "active"


def test_illinois_tells_what_was_done_beside_that_something_was(tmp_path: Path, export: str) -> None:
    case = {
        "ever_disciplined": "Y",
        "case_number": "2019-1",
        "action": "REPRIMAND",
        "discipline_reason": "late",
    }
    other = case | {"case_number": "2020-2", "action": "PROBATION"}
    (row,) = READ[export](tmp_path, "illinois", ILLINOIS | case, ILLINOIS | other)
    texts = [restriction.text for restriction in facts("illinois", row).licences[0].restrictions]
    assert texts == ["ever_disciplined: Y", "action: REPRIMAND; PROBATION"]


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("ACTIVE", "active"),
        ("ACTIVE CHAPERONE REQUIRED", "restricted"),
        ("PROBATION", "restricted"),
        ("NOT RENEWED", "lapsed"),
        ("REVOKED CHAPERONE REQUIRED", "revoked"),
        ("RELINQUISH", "surrendered"),
        ("NON SUFFICIENT FUND CHECK", "unknown"),
    ],
)
def test_statuses_of_illinois(word: str, status: str) -> None:
    assert the_licence("illinois", ILLINOIS | {"license_status": word}).status == status


def test_illinois_firms_are_passed_over(tmp_path: Path, export: str) -> None:
    firm = ILLINOIS | {"license_number": "1", "business": "Y", "business_name": "SAMPLE SC"}
    (found,) = READ[export](tmp_path, "illinois", firm, ILLINOIS)
    assert found.key == "041900001"
