"""NPPES files of a few rows."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from indexer.feeds import BadRow, SourceRow
from indexer.feeds.nppes_csv import parse
from indexer.feeds.nppes_layout import NppesOptions
from indexer.sandbox.nppes import HEADER

OPTIONS = NppesOptions(vocabulary="nucc")
LIMIT = 65_536
# Numbers with right check digits that nobody has: those in use begin with 1 or 2.
NPIS = ("9000000007", "9000000015", "9000000023", "9000000031")
LAST, FIRST, MIDDLE = "Provider Last Name (Legal Name)", "Provider First Name", "Provider Middle Name"
ENTITY, DEACTIVATED, REACTIVATED = "Entity Type Code", "NPI Deactivation Date", "NPI Reactivation Date"
PERSON = {"NPI": NPIS[0], ENTITY: "1", LAST: "KETCHAM", FIRST: "JENNIFER ANNE", MIDDLE: "TENORIO"}


def slot(
    number: int, code: str = "", licence: str = "", state: str = "", primary: str = "N"
) -> dict[str, str]:
    """One of the 15 taxonomies."""
    return {
        f"Healthcare Provider Taxonomy Code_{number}": code,
        f"Provider License Number_{number}": licence,
        f"Provider License Number State Code_{number}": state,
        f"Healthcare Provider Primary Taxonomy Switch_{number}": primary,
    }


def quoted(values: Iterable[str]) -> str:
    return ",".join(f'"{value}"' for value in values)


def line(row: Mapping[str, str], header: Iterable[str] = HEADER) -> str:
    return quoted(row.get(name, "") for name in header)


def text(*rows: Mapping[str, str], header: tuple[str, ...] = HEADER, end: str = "\n") -> str:
    return "".join(f"{written}{end}" for written in (quoted(header), *(line(row, header) for row in rows)))


def read(folder: Path, *files: str | bytes, options: NppesOptions = OPTIONS) -> list[SourceRow | BadRow]:
    """Parse files given by their content."""
    parts = []
    for number, content in enumerate(files):
        part = folder / f"{number:05d}-npidata_pfile_20050523-20261108.csv"
        part.write_bytes(content if isinstance(content, bytes) else content.encode())
        parts.append(part)
    return list(parse(parts, options, LIMIT))


def read_one(folder: Path, *files: str | bytes) -> SourceRow:
    (row,) = read(folder, *files)
    assert isinstance(row, SourceRow), row
    return row
