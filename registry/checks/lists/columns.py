"""Which column of a staff list tells what: recognised by its header (config/checks/columns.toml), or as the sender says."""

import re
import tomllib
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from pathlib import Path

from registry.checks.lists.errors import ListColumnsError
from registry.checks.lists.fields import FIELDS, Field
from registry.checks.lists.reading import Row, Table
from registry.errors import SettingsError
from registry.identifiers import mask_personal_numbers
from registry.settings import CONFIG

FILE = CONFIG / "checks" / "columns.toml"
_PARENTHESES = re.compile(r"\([^)]*\)|\[[^]]*\]")
_PLACE = re.compile(r"#([1-9][0-9]{0,3})\Z")
# Columns named in an error, and how much of each.
_TOLD, _TOLD_LENGTH = 20, 40
Columns = dict[Field, int]


@dataclass(frozen=True, slots=True)
class Recognised:
    """What the headers say.

    Attributes:
        row: the header's row number as in the spreadsheet; 0 where the list has none, so that every row is about somebody.
        headers: as they stand, a personal identity number masked; "" for columns beside the last header.
        columns: the columns of what was recognised, by field, from 0.
        unknown: headers that were not recognised and are not read.
        twice: fields that several columns may tell, with these columns.
        problem: why the list can't be run as it is; "" when it can.
    """

    row: int
    headers: tuple[str, ...]
    columns: Columns
    unknown: tuple[str, ...]
    twice: Mapping[Field, tuple[int, ...]]
    problem: str


def fold_header(text: str) -> str:
    """Fold a header for comparing: case, accents, spaces and punctuation don't count."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    return "".join(each for each in letters if each.isalnum())


@lru_cache(maxsize=4)
def load_columns(path: Path = FILE) -> dict[str, Field]:
    """Load the headers that are known: folded header → field.

    Raises:
        SettingsError: names the file and what is wrong.
    """
    try:
        given = tomllib.loads(path.read_text("utf-8"))["columns"]
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError) as error:
        raise SettingsError(f"{path.name} can't be read as the headers of staff lists: {error}") from error
    if set(given) != set(FIELDS):
        raise SettingsError(
            f"{path.name} must have these and only these under [columns]: {', '.join(FIELDS)}."
        )
    known: dict[str, Field] = {}
    for field in FIELDS:
        for word in (field, *given[field]):
            if known.setdefault(fold_header(word), field) != field:
                raise SettingsError(
                    f"{path.name} has the header {word!r} for {field} and {known[fold_header(word)]}; "
                    "it may stand for one of them only."
                )
    return known


def recognise(table: Table, named: Iterable[str] = ()) -> Recognised:
    """Find the header among the first rows, and what its columns tell. Never raises for a header that is not clear.

    Args:
        table: the list.
        named: headers that the sender names, which help to find the row. Where none of the first rows has a header that is
            known or named, and all that is named are places (`#3`), the list has no header.
    """
    known = load_columns()
    given = [each for each in named if each]
    said = {fold_header(each) for each in given}
    width = max(len(cells) for _, cells in table.top)
    row = max(table.top, key=lambda each: (_count(each[1], known, said), -each[0]))
    if (
        given
        and all(map(_PLACE.match, given))
        and not any(_count(each[1], known, set()) for each in table.top)
    ):
        row = (0, [""] * width)
    by_field: dict[Field, list[int]] = defaultdict(list)
    unknown = []
    for place, header in enumerate(row[1]):
        field = _field(header, known)
        if field:
            by_field[field].append(place)
        elif header:
            unknown.append(shown(header))
    columns = {field: places[0] for field, places in by_field.items() if len(places) == 1}
    twice = {field: tuple(places) for field, places in by_field.items() if len(places) > 1}
    headers = (*map(shown, row[1]), *[""] * (width - len(row[1])))
    problem = _problem(columns, twice, headers, found=bool(by_field))
    return Recognised(row[0], headers, columns, tuple(unknown), twice, problem)


def mapped(found: Recognised, given: Mapping[str, str] | Mapping[Field, str]) -> Columns:
    """Return the columns as the sender says; what the sender does not name stays as it was recognised.

    Args:
        found: what the headers say.
        given: field → header as it stands in the list, `#3` for the third column, or "" for none.

    Raises:
        ListColumnsError: says which columns there are and what is missing.
    """
    columns = dict(found.columns)
    for field in given:
        if field not in FIELDS:
            raise ListColumnsError(f"There is no field {shown(field)!r}; fields are: {', '.join(FIELDS)}.")
    for field in (each for each in FIELDS if each in given):
        columns.pop(field, None)
        if given[field]:
            place = _place(field, given[field], found.headers)
            # A column can tell one thing: what the sender says of it wins over what its header seems to say.
            columns = {each: at for each, at in columns.items() if at != place or each in given}
            if place in columns.values():
                raise ListColumnsError(
                    f"Column {given[field]!r} is given for two fields; it can tell one thing only."
                )
            columns[field] = place
    twice = {field: places for field, places in found.twice.items() if field not in given}
    twice = {field: places for field, places in twice.items() if len(set(places) - set(columns.values())) > 1}
    if problem := _problem(columns, twice, found.headers, found=bool(columns or twice)):
        raise ListColumnsError(problem)
    return columns


def _place(field: str, header: str, headers: Sequence[str]) -> int:
    match = _PLACE.match(header)
    if match and int(match[1]) <= len(headers):
        return int(match[1]) - 1
    folded = fold_header(header)
    places = [place for place, each in enumerate(headers) if fold_header(each) == folded]
    if len(places) == 1:
        return places[0]
    many = "There is no" if not places else "There are several"
    raise ListColumnsError(
        f"{many} column {shown(header)!r} for {field}. Columns: {_listed(headers)}. Name one of them as it stands, or by its "
        "place, such as #3."
    )


def _problem(
    columns: Mapping[Field, int], twice: Mapping[Field, Sequence[int]], headers: Sequence[str], *, found: bool
) -> str:
    if not found:
        # The row is not told: without a header it is somebody's record.
        return (
            "No header was recognised in the first rows. Give the list a row of headers, such as Legitimationsnummer or "
            "Personnummer, or Namn and Födelsedatum; or say which column tells what."
        )
    for field, places in twice.items():
        named = ", ".join(f"{headers[place]!r} (#{place + 1})" for place in places)
        return f"Several columns seem to be {field}: {named}. Delete or rename all but one, or say which column it is."
    named_by = columns.keys() & {"name", "familyName"}
    if (
        "licenceNumber" in columns
        or "personalIdentityNumber" in columns
        or (named_by and "birthDate" in columns)
    ):
        return ""
    missing = "birthDate (such as Födelsedatum)" if named_by else "one that says who is meant"
    return (
        f"The list lacks a column: {missing}. It needs licenceNumber (Legitimationsnummer), personalIdentityNumber (Personnummer), "
        f"or name (Namn, or Förnamn and Efternamn) with birthDate (Födelsedatum). Columns: {_listed(headers)}. Rename one, or "
        "say which column tells what."
    )


def _count(cells: Sequence[str], known: Mapping[str, Field], said: set[str]) -> int:
    return len({_field(cell, known) for cell in cells} - {None}) + len(said & set(map(fold_header, cells)))


def _field(header: str, known: Mapping[str, Field]) -> Field | None:
    return known.get(fold_header(header)) or known.get(fold_header(_PARENTHESES.sub("", header)))


def shown(header: str) -> str:
    """Return a header as it may be told: short, and without what may be a personal identity number."""
    return mask_personal_numbers(header)[:_TOLD_LENGTH]


def _listed(headers: Iterable[str]) -> str:
    names = [repr(shown(header)) for header in headers if header]
    return ", ".join(chain(names[:_TOLD], ["…"] if len(names) > _TOLD else [])) or "none"


def rows_below(table: Table, found: Recognised) -> Iterable[Row]:
    """Give the rows about people."""
    return table.below(found.row)
