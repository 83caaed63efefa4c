"""The `[options]` of a list in CSV or Excel: everything that differs from list to list is said here, and no code."""

from collections.abc import Iterable
from typing import Literal

import msgspec

from indexer.feeds.options import FormatOptions
from registry.identifiers import PERSONAL_SYSTEMS

DateForm = Literal["iso", "compact", "swedish", "dmy-digits", "dmy", "us", "excel"]
NameOrder = Literal["family, given", "given-family", "family-given"]

# Roles that hold a Swedish personal identity number: never a key or an identifier in plain text.
PERSONAL_ROLES = ("personal_number", "former_personal_number")
DATE_ROLES = ("birth_date", "issued", "valid_from", "valid_to")


class TabularColumns(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which column holds what, by the authority's own header; "" = the list does not say.

    Attributes:
        number: the licence's number.
        personal_number: Swedish personal identity or coordination number; joins the rows of one person.
        former_personal_number: the number that the person had before.
        name: the whole name, read as `name_order` says.
        family, given, middle, prefix, suffix: its parts, where they stand apart.
        former_family: a family name of before.
        other_name: another name of the person, whole.
        birth_date, birth_year: one of them, or both.
        profession, status: the authority's words (see `TabularOptions.profession` for a list of one profession).
        issued, valid_from, valid_to: of the licence; `valid_to` is its last day.
        county: where the person works or lives.
        protected: marks a person with protected identity: any value but those of `TabularOptions.no`.
    """

    number: str = ""
    personal_number: str = ""
    former_personal_number: str = ""
    name: str = ""
    family: str = ""
    given: str = ""
    middle: str = ""
    prefix: str = ""
    suffix: str = ""
    former_family: str = ""
    other_name: str = ""
    birth_date: str = ""
    birth_year: str = ""
    profession: str = ""
    status: str = ""
    issued: str = ""
    valid_from: str = ""
    valid_to: str = ""
    county: str = ""
    protected: str = ""


class SpecialtyColumn(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where a specialty stands.

    Attributes:
        column: its name or code; "" if only a date tells that there is one.
        separator: parts several specialties in one cell; "" = there is one.
        code: the specialty's own word, where `column` is "".
        date: since when.
        system: the code's system, e.g. "urn:oid:1.2.752.116.3.1.9".
    """

    column: str = ""
    separator: str = ""
    code: str = ""
    date: str = ""
    system: str = ""


class RestrictionColumn(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where a restriction stands: any value of the column is one, but those of `TabularOptions.no`.

    Attributes:
        column: the authority's word for it, looked up among the restrictions of the vocabulary.
        code: looked up instead of the cell's word, where the cell only says yes ("FtP Conditions Exist": Y).
        valid_from, valid_to: columns of its first and last day.
    """

    column: str
    code: str = ""
    valid_from: str = ""
    valid_to: str = ""


class TabularOptions(FormatOptions, frozen=True, kw_only=True):
    """A list in CSV or Excel, one licence a row.

    Attributes:
        form: `csv` or `xlsx`.
        delimiter: of CSV; `auto` = the one of comma, semicolon and tab by which the header has the needed columns.
        quotechar: of CSV; "" = values are never quoted.
        final_newline: whether CSV always ends with a newline; if it does, a file without is cut short.
        sheet: of Excel; "" if there is only one.
        header_within: the header is the first of so many rows (blank ones not counted) that has all needed columns;
            what stands above it are titles.
        key: columns that together tell one record from all others, in order; none of them may be empty in a row.
        columns: which column holds what.
        may_lack: columns named here that some of the authority's files do not have.
        also_called: a column's name here -> other names that the authority has used for it.
        leave_out: columns that are neither kept nor compared (what nobody needs, or changes in each export).
        specialties, restrictions: see there.
        identifiers: system (URI) -> column.
        profession: the authority's word for the one profession of the whole list; "" if a column tells.
        status: its word for everyone on the list, e.g. of a list of those who hold a licence; "" if a column tells.
        dates: how dates are written. `iso` 2005-06-03 · `compact` 20050603 · `swedish` either of these ·
            `dmy-digits` 3062005 (no leading zero) · `dmy` 3/6/2005, 03.06.2005 · `us` 6/3/2005 · `excel` serials.
            ISO is always read too, for date cells of Excel come so.
        name_order: of `columns.name`.
        empty: words that stand for an empty cell. None unless named: "NA" is a profession (naprapat).
        no: words that mean no, for restrictions and protected identity.
        totals: a row that begins with one of these words ends the list ("Totalt: 1 200"); it is no record.
        widths: column -> how many characters its values have. In Excel, a number is filled up with the zeros that
            Excel dropped; any other length is quarantined.
        ten_digits_from: the first birth year that a personal identity number of ten digits can mean ("530817-..." with
            1930: 1953; with `+`: in the hundred years before 1930). 0 = ten digits are refused: they leave the
            century open, and which one is meant must not depend on the day the list is read.
    """

    form: Literal["csv", "xlsx"] = "csv"
    delimiter: Literal["auto", ",", ";", "\t", "|"] = "auto"
    quotechar: str = '"'
    final_newline: bool = True
    sheet: str = ""
    header_within: int = 1
    key: tuple[str, ...]
    columns: TabularColumns
    may_lack: tuple[str, ...] = ()
    also_called: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    leave_out: tuple[str, ...] = ()
    specialties: tuple[SpecialtyColumn, ...] = ()
    restrictions: tuple[RestrictionColumn, ...] = ()
    identifiers: dict[str, str] = msgspec.field(default_factory=dict)
    profession: str = ""
    status: str = ""
    dates: DateForm = "iso"
    name_order: NameOrder = "family, given"
    empty: tuple[str, ...] = ()
    no: tuple[str, ...] = ("No", "N", "Nej")
    totals: tuple[str, ...] = ()
    widths: dict[str, int] = msgspec.field(default_factory=dict)
    ten_digits_from: int = 0

    @property
    def personal_keys(self) -> bool:
        """Whether records' keys hold personal identity numbers, so that SQL may hold keyed digests of them only."""
        personal = {getattr(self.columns, role) for role in PERSONAL_ROLES}
        return any(column in personal for column in self.key)

    def named(self) -> list[str]:
        """Return every column that something is read from, in a stable order."""
        columns = msgspec.structs.asdict(self.columns)
        others = (
            *self.key,
            *columns.values(),
            *(name for s in self.specialties for name in (s.column, s.date)),
            *(name for r in self.restrictions for name in (r.column, r.valid_from, r.valid_to)),
            *self.identifiers.values(),
        )
        return list(dict.fromkeys(name for name in others if name))

    def problem(self) -> str:
        """See `FormatOptions.problem`."""
        problems = (*self._problems_of_columns(), *self._problems_of_values())
        return next((text for wrong, text in problems if wrong), super().problem())

    def _problems_of_columns(self) -> Iterable[tuple[bool, str]]:
        columns = self.columns
        unknown = {*self.may_lack, *self.also_called, *self.widths} - set(self.named())
        yield not self.key, "key is empty; name the column that tells one record from all others."
        yield "" in self.key, 'key holds ""; name a column.'
        yield (
            not (columns.name or columns.family),
            "columns.name and columns.family are empty; name one of them.",
        )
        yield (
            bool(columns.name and (columns.family or columns.given)),
            ("columns.name stands beside family or given; name either the whole name or its parts."),
        )
        for role in ("profession", "status"):
            both = bool(getattr(columns, role)) == bool(getattr(self, role))
            yield both, f"{role} is needed once: as columns.{role}, or as options.{role} for the whole list."
        yield (
            bool(unknown),
            f"{min(unknown, default='')!r} is no column that anything is read from; see columns.",
        )
        yield (
            bool(set(self.leave_out) & set(self.named())),
            "leave_out names a column that something is read from.",
        )
        yield (
            bool(set(self.may_lack) & self._decisive()),
            (
                "may_lack names a column that decides whether somebody may practise, or the key: a list without it must "
                "not be read as good news."
            ),
        )
        yield (
            any(not (s.column or (s.code and s.date)) for s in self.specialties),
            ("specialties: an entry needs a column, or a code and a date."),
        )

    def _decisive(self) -> set[str]:
        """Return the columns whose absence would turn bad news into none."""
        columns = self.columns
        restrictions = (name for r in self.restrictions for name in (r.column, r.valid_from, r.valid_to))
        return {
            *self.key,
            columns.profession,
            columns.status,
            columns.valid_to,
            columns.protected,
            *restrictions,
        }

    def _problems_of_values(self) -> Iterable[tuple[bool, str]]:
        yield (
            bool(PERSONAL_SYSTEMS & self.identifiers.keys()),
            ("identifiers names a system of personal identity numbers; use columns.personal_number."),
        )
        yield len(self.quotechar) > 1, "quotechar is one character, or empty."
        yield self.header_within < 1, "header_within is at least 1."
        yield any(width < 1 for width in self.widths.values()), "widths are at least 1."
        century = range(1900, 2001)
        yield (
            bool(self.ten_digits_from) and self.ten_digits_from not in century,
            ("ten_digits_from is a year from 1900 to 2000, or 0."),
        )
        yield self.form == "csv" and bool(self.sheet), 'sheet is of form = "xlsx" only.'
