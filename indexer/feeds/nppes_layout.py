"""The files of an NPPES bundle told apart by their header, and what a row of each says.

Column names and values as in CMS, "NPPES Data Dissemination - Readme" (V2, 330 columns) and in the title lines of
"NPPES Deactivated NPI Report". Columns are found by name: letters and digits count, their order and everything else
in the header does not.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from indexer.feeds.errors import MalformedFeedError
from indexer.feeds.options import FormatOptions
from indexer.feeds.rows import canonical
from indexer.feeds.text import Encoding
from registry.dates import parse_us

SLOTS = 15
SEPARATOR = '","'
# What a record is read from. A person file without one of them would give half a record, and that would look like news.
KEY, ENTITY = "npi", "entitytypecode"
DEACTIVATED, REACTIVATED = "npideactivationdate", "npireactivationdate"
LAST, ORGANISATION = "providerlastnamelegalname", "providerorganizationnamelegalbusinessname"
REPLACEMENT = "replacementnpi"
NAME_COLUMNS = (
    LAST,
    "providerfirstname",
    "providermiddlename",
    "providernameprefixtext",
    "providernamesuffixtext",
    "providerotherlastname",
    "providerotherfirstname",
    "providerothermiddlename",
    "providerothernameprefixtext",
    "providerothernamesuffixtext",
    "providerotherlastnametypecode",
)
SLOT_COLUMNS = tuple(
    (
        f"healthcareprovidertaxonomycode{slot}",
        f"providerlicensenumber{slot}",
        f"providerlicensenumberstatecode{slot}",
        f"healthcareproviderprimarytaxonomyswitch{slot}",
    )
    for slot in range(1, SLOTS + 1)
)
_NEEDED = (
    KEY,
    ENTITY,
    REPLACEMENT,
    DEACTIVATED,
    REACTIVATED,
    *NAME_COLUMNS,
    *(column for slot in SLOT_COLUMNS for column in slot),
)
# Names that a column has or has had besides the one of the readme.
_RENAMED = {
    "providergendercode": "providersexcode",
    "providerlastname": LAST,
    "providerorganizationname": ORGANISATION,
    "nppesdeactivationdate": DEACTIVATED,
    "deactivationdate": DEACTIVATED,
}
_DATES = frozenset(
    {DEACTIVATED, REACTIVATED, "providerenumerationdate", "lastupdatedate", "certificationdate"}
)
# Numbers that CMS hides (SSN as $, ITIN as *, EIN as _), what it suppresses, and dashes that stand for nothing.
_MASKED = re.compile(r"(?:\$+|\*+|_+|-+|<UNAVAIL>)\Z")
_MASKS = frozenset("$*_-<")
_REMEMBERED_DATES = 65_536
_DIGEST = 8


class NpiOptions(FormatOptions, frozen=True, kw_only=True):
    """What the NPPES formats have in common.

    Attributes:
        jurisdiction_prefix: put before the state of a licence ("US-" makes "US-NE" of "NE").
    """

    jurisdiction_prefix: str = "US-"


class NppesOptions(NpiOptions, frozen=True, kw_only=True):
    """The NPPES files.

    Attributes:
        encoding: of files without a byte order mark.
    """

    encoding: Encoding = "utf-8"


def fold_header(name: str) -> str:
    """Fold a column's name: `Provider Gender Code` and `Provider  Sex-Code` are one."""
    folded = "".join(c for c in name.casefold() if c.isalnum())
    return _RENAMED.get(folded, folded)


def is_masked(value: str) -> bool:
    """Tell whether a value only says that there is none to see."""
    return value[:1] in _MASKS and _MASKED.match(value) is not None


@lru_cache(_REMEMBERED_DATES)
def _date(text: str) -> str:
    """Write a date as ISO; what is none stays as it is and is told of by the normalizer."""
    try:
        return parse_us(text)
    except ValueError:
        return text


def emptied(npi: str, date: str, others: Mapping[str, str] | None = None) -> bytes:
    """Return the payload of a deactivated NPI: the same from the weekly file as from the monthly report."""
    return canonical({**(others or {}), KEY: npi, DEACTIVATED: _date(date.strip())})


class PersonLayout:
    """The header of one person file (`npidata_pfile_...csv`).

    Attributes:
        width: how many columns each row has.
        digest: stands for the header in a record's `raw`: under another header the same bytes say something else.
        places: where the NPI and the entity type stand.
    """

    def __init__(self, columns: Sequence[str], part: str) -> None:
        missing = [column for column in _NEEDED if column not in columns]
        if missing:
            raise MalformedFeedError(
                f"{part} has no column {missing[0]!r} in its header (written without spaces and signs). CMS may have "
                "renamed it; the file is not read without it."
            )
        self.width = len(columns)
        self.columns = columns
        self.digest = hashlib.sha256(SEPARATOR.join(columns).encode()).digest()[:_DIGEST]
        self.places = (columns.index(KEY), columns.index(ENTITY))

    def record(self, values: Sequence[str]) -> dict[str, str]:
        """Return what a row says, without empty and masked values."""
        found: dict[str, str] = {}
        # Nearly all of the 330 values are empty.
        said = [pair for pair in zip(self.columns, values, strict=True) if pair[1]]
        for column, value in said:
            if (text := value.strip()) and not is_masked(text):
                found[column] = _date(text) if column in _DATES else text
        return found

    def of_values(self, values: Sequence[str]) -> bytes:
        """Return the payload of a row."""
        return canonical(self.record(values))

    def of_line(self, inner: bytes) -> bytes:
        """Return the payload of a row of quoted values, given without its first and last quote."""
        return self.of_values(inner.decode("utf-8", "replace").split(SEPARATOR))


class DeactivationLayout:
    """The header of one deactivation report: two columns, an NPI and a date.

    Attributes:
        width: how many columns each row has.
        places: where the NPI and the date stand.
    """

    def __init__(self, columns: Sequence[str]) -> None:
        self.width = len(columns)
        self.places = (columns.index(KEY), columns.index(DEACTIVATED))


def layout_of(header: Sequence[str], part: str) -> PersonLayout | DeactivationLayout | None:
    """Return the layout that a header begins, or None for a file of the bundle that says nothing of persons.

    Those are other names and endpoints of organisations, further addresses, and files that only hold a header.

    Raises:
        MalformedFeedError: the header is of none of the NPPES files, lacks a column or has one twice.
    """
    columns = [fold_header(name) for name in header]
    twice = {column for column in columns if columns.count(column) > 1 and column}
    if twice:
        raise MalformedFeedError(f"{part} has the column {min(twice)!r} twice in its header.")
    if KEY in columns and ENTITY in columns:
        return PersonLayout(columns, part)
    if KEY in columns and DEACTIVATED in columns:
        return DeactivationLayout(columns)
    if KEY in columns and any(
        column in ("endpointtype", "providerotherorganizationname")
        or column.startswith("providersecondarypracticelocation")
        for column in columns
    ):
        return None
    raise MalformedFeedError(
        f"{part} begins like none of the NPPES files: neither as a person file (columns NPI and Entity Type Code) nor "
        "as a deactivation report (NPI and NPPES Deactivation Date). See what the source gives."
    )
