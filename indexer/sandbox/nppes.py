"""The sandbox's NPPES files (V2, 330 columns): monthly, weekly, and the report of deactivated numbers.

Columns and their order from CMS's readme: every value quoted, dates as MM/DD/YYYY, a deactivated number's row emptied
but for its number and date. Names of files as CMS gives them; the bundle holds the files beside the person file too.
"""

import zipfile
from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path
from xml.sax.saxutils import escape

from indexer.sandbox.nppes_people import FIRST_DAY, NppesPeople, NppesPerson, sunday

_OTHER_IDENTIFIERS = 50
_SLOTS = 15
_ADDRESS = (
    "Provider First Line Business {} Address",
    "Provider Second Line Business {} Address",
    "Provider Business {} Address City Name",
    "Provider Business {} Address State Name",
    "Provider Business {} Address Postal Code",
    "Provider Business {} Address Country Code (If outside U.S.)",
    "Provider Business {} Address Telephone Number",
    "Provider Business {} Address Fax Number",
)
HEADER: tuple[str, ...] = (
    "NPI",
    "Entity Type Code",
    "Replacement NPI",
    "Employer Identification Number (EIN)",
    "Provider Organization Name (Legal Business Name)",
    "Provider Last Name (Legal Name)",
    "Provider First Name",
    "Provider Middle Name",
    "Provider Name Prefix Text",
    "Provider Name Suffix Text",
    "Provider Credential Text",
    "Provider Other Organization Name",
    "Provider Other Organization Name Type Code",
    "Provider Other Last Name",
    "Provider Other First Name",
    "Provider Other Middle Name",
    "Provider Other Name Prefix Text",
    "Provider Other Name Suffix Text",
    "Provider Other Credential Text",
    "Provider Other Last Name Type Code",
    *(name.format("Mailing") for name in _ADDRESS),
    *(name.format("Practice Location") for name in _ADDRESS),
    "Provider Enumeration Date",
    "Last Update Date",
    "NPI Deactivation Reason Code",
    "NPI Deactivation Date",
    "NPI Reactivation Date",
    "Provider Sex Code",
    "Authorized Official Last Name",
    "Authorized Official First Name",
    "Authorized Official Middle Name",
    "Authorized Official Title or Position",
    "Authorized Official Telephone Number",
    *(
        name.format(slot)
        for slot in range(1, _SLOTS + 1)
        for name in (
            "Healthcare Provider Taxonomy Code_{}",
            "Provider License Number_{}",
            "Provider License Number State Code_{}",
            "Healthcare Provider Primary Taxonomy Switch_{}",
        )
    ),
    *(
        name.format(slot)
        for slot in range(1, _OTHER_IDENTIFIERS + 1)
        for name in (
            "Other Provider Identifier_{}",
            "Other Provider Identifier Type Code_{}",
            "Other Provider Identifier State_{}",
            "Other Provider Identifier Issuer_{}",
        )
    ),
    "Is Sole Proprietor",
    "Is Organization Subpart",
    "Parent Organization LBN",
    "Parent Organization TIN",
    "Authorized Official Name Prefix Text",
    "Authorized Official Name Suffix Text",
    "Authorized Official Credential Text",
    *(f"Healthcare Provider Taxonomy Group_{slot}" for slot in range(1, _SLOTS + 1)),
    "Certification Date",
)
# The other files of a bundle. The pl file's header is uneven in reality too.
_BESIDE = {
    "othername_pfile": (
        "NPI",
        "Provider Other Organization Name",
        "Provider Other Organization Name Type Code",
    ),
    "pl_pfile": (
        "NPI",
        "Provider Secondary Practice Location Address- Address Line 1",
        "Provider Secondary Practice Location Address-  Address Line 2",
        "Provider Secondary Practice Location Address - City Name",
    ),
    "endpoint_pfile": ("NPI", "Endpoint Type", "Endpoint Type Description", "Endpoint"),
}
REPORT_TITLE = "NPPES Deactivated NPI Records as of {:%b %d %Y}"
REPORT_HEADER = ("NPI", "NPPES Deactivation Date")
_SEPARATOR = '","'
_NONE = _SEPARATOR * 4
_NO_IDENTIFIERS = _SEPARATOR * (4 * _OTHER_IDENTIFIERS)
# After the other identifiers: sole proprietor, then 22 columns that people leave empty.
_TAIL = _SEPARATOR * (len(HEADER) - HEADER.index("Is Sole Proprietor") - 1)
_NO_OFFICIAL = _SEPARATOR * 5
# One organisation after so many people, about as in reality.
_PEOPLE_AN_ORGANISATION = 4
_BATCH = 2000
_YEAR_MONTH_DAY = "%Y%m%d"


def row(person: NppesPerson) -> str:
    """Return a person's line, without a line end."""
    if person.emptied:
        return emptied_row(person)
    other = person.other
    address = (
        person.street,
        "",
        person.city,
        person.state,
        person.postal_code.replace("-", ""),
        "US",
        person.phone,
        "",
    )
    head = (
        person.npi,
        "1",
        person.replacement,
        "",
        "",
        person.last,
        person.first,
        person.middle,
        person.prefix,
        person.suffix,
        person.credential,
        "",
        "",
        other.last if other else "",
        other.first if other else "",
        other.middle if other else "",
        "",
        "",
        "",
        other.code if other else "",
        *address,
        *address,
        _us(person.enumerated),
        _us(person.updated),
        "",
        _us(person.deactivated),
        _us(person.reactivated),
        person.sex,
    )
    slots = [
        f"{code}{_SEPARATOR}{number}{_SEPARATOR}{state}{_SEPARATOR}{'Y' if primary else 'N'}"
        for code, _, number, state, primary in person.taxonomies
    ]
    blank = _NONE * (_SLOTS - len(slots))
    return (
        f'"{_SEPARATOR.join(head)}{_NO_OFFICIAL}{_SEPARATOR}{_SEPARATOR.join(slots)}{blank}{_NO_IDENTIFIERS}'
        f'{_SEPARATOR}N{_TAIL}"'
    )


def emptied_row(person: NppesPerson) -> str:
    """Return what NPPES leaves of a deactivated number."""
    at = HEADER.index("NPI Deactivation Date")
    before = f"{_SEPARATOR}{_SEPARATOR}{person.replacement}{_SEPARATOR * (at - 2)}"
    return f'"{person.npi}{before}{_us(person.deactivated)}{_SEPARATOR * (len(HEADER) - at - 1)}"'


def organisation_row(npi: str) -> str:
    """Return an organisation's line: it has a name, a hidden tax number and an official."""
    head = (npi, "2", "", "<UNAVAIL>", f"CLINIC {npi[-4:]} LLC")
    return f'"{_SEPARATOR.join(head)}{_SEPARATOR * (len(HEADER) - len(head))}"'


def write_monthly(folder: Path, people: int, seed: int = 1, *, week: int = 0) -> Path:
    """Write the full person file as of the end of a week; returns its path.

    Args:
        folder: where to, made if need be.
        people: people in week 0, deactivated ones included; organisations come on top.
        seed: another seed, other people.
        week: weeks the registry has lived on: about 2 % of its people change in each.
    """
    register = NppesPeople(people, seed)
    path = folder / f"npidata_pfile_{FIRST_DAY:{_YEAR_MONTH_DAY}}-{sunday(week):{_YEAR_MONTH_DAY}}.csv"
    return _write(path, _with_organisations(register, register.in_week(week)))


def write_weekly(folder: Path, people: int, seed: int = 1, *, week: int = 1) -> Path:
    """Write the person file of what is new or changed in a week, from 1; returns its path. See `write_monthly`."""
    register = NppesPeople(people, seed)
    monday = sunday(week) - timedelta(days=6)
    path = folder / f"npidata_pfile_{monday:{_YEAR_MONTH_DAY}}-{sunday(week):{_YEAR_MONTH_DAY}}.csv"
    return _write(path, map(row, register.changed_in(week)))


def write_deactivations(folder: Path, people: int, seed: int = 1, *, week: int = 0) -> Path:
    """Write the report of deactivated numbers as of the end of a week, as a workbook; returns its path."""
    path = folder / f"NPPES Deactivated NPI Report {sunday(week):{_YEAR_MONTH_DAY}}.xlsx"
    register = NppesPeople(people, seed)
    rows = ((person.npi, _us(person.deactivated)) for person in register.in_week(week) if person.emptied)
    title = REPORT_TITLE.format(sunday(week))
    folder.mkdir(parents=True, exist_ok=True)
    write_workbook(path, [(title,), REPORT_HEADER, *rows])
    return path


def write_bundle(path: Path, person_file: Path) -> Path:
    """Pack a person file as CMS does: beside it headers alone, other files, and documents."""
    span = person_file.stem.removeprefix("npidata_pfile_")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as bundle:
        for name, columns in (("npidata_pfile", HEADER), *_BESIDE.items()):
            bundle.writestr(f"{name}_{span}_FileHeader.csv", _line(columns))
        for name, columns in _BESIDE.items():
            bundle.writestr(f"{name}_{span}.csv", _line(columns) + _line(("9000000007", *columns[1:])))
        bundle.writestr("NPPES_Data_Dissemination_Readme_v.2.pdf", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
        bundle.write(person_file, person_file.name)
    return path


def write_workbook(path: Path, rows: Iterable[tuple[str, ...]]) -> None:
    """Write a workbook of one sheet, all cells text, as the report has them."""
    shared: dict[str, int] = {}
    lines = []
    for number, values in enumerate(rows, 1):
        cells = "".join(
            f'<c r="{"AB"[at]}{number}" t="s"><v>{shared.setdefault(value, len(shared))}</v></c>'
            for at, value in enumerate(values)
        )
        lines.append(f'<row r="{number}">{cells}</row>')
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    form = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{form}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{form}.worksheet+xml"/>'
        f'<Override PartName="/xl/sharedStrings.xml" ContentType="{form}.sharedStrings+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="rId1" Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>'
        '<sheet name="DeactivatedNPIs" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="rId1" Type="{office}/worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="rId2" Type="{office}/sharedStrings" Target="sharedStrings.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{"".join(lines)}</sheetData></worksheet>',
        "xl/sharedStrings.xml": f'<sst xmlns="{main}">'
        + "".join(f"<si><t>{escape(text)}</t></si>" for text in shared)
        + "</sst>",
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as workbook:
        for name, text in parts.items():
            workbook.writestr(name, head + text)


def _with_organisations(register: NppesPeople, people: Iterable[NppesPerson]) -> Iterator[str]:
    for i, person in enumerate(people):
        yield row(person)
        if i % _PEOPLE_AN_ORGANISATION == 0:
            yield organisation_row(register.organisation_npi(i // _PEOPLE_AN_ORGANISATION))


def _write(path: Path, rows: Iterator[str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(_line(HEADER))
        while batch := list(islice(rows, _BATCH)):
            batch.append("")
            file.write("\n".join(batch))
    return path


def _line(values: Iterable[str]) -> str:
    return f'"{_SEPARATOR.join(values)}"\n'


def _us(day: str) -> str:
    return f"{day[5:7]}/{day[8:10]}/{day[:4]}" if day else ""
