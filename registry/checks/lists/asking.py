"""A row of a staff list as a question, or what is wrong with it, by row and column."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from registry.checks.lists.columns import Columns
from registry.checks.lists.fields import Field
from registry.checks.lists.values import CellError, birth_date, licence_number, personal_number, unspoilt
from registry.errors import BadRequestError
from registry.identifiers import mask_personal_numbers
from registry.spreadsheet_cells import Spoilt
from registry.verification.question import MAX_NAME, MAX_NUMBER, Question
from registry.vocabulary import UNKNOWN, Vocabulary

MAX_REFERENCE = 200


@dataclass(frozen=True, slots=True)
class RowError:
    """What is wrong with a cell: the column's header as it stands ("" = the row), a stable code, and what to do."""

    column: str
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Frame:
    """What holds for every row of a list.

    Attributes:
        columns: field → column, from 0.
        headers: the list's own, for errors.
        profession, authority: asked about where the row names none.
        authorities: folded id or name → id of each authority.
    """

    columns: Columns
    headers: Sequence[str]
    vocabulary: Vocabulary
    authorities: Mapping[str, str]
    today: date
    on_date: date | None = None
    known_at: datetime | None = None
    profession: str = ""
    authority: str = ""


@dataclass(slots=True, repr=False)
class AskedRow:
    """A row read. Without a repr: it may hold a personal identity number.

    Attributes:
        number: as in the spreadsheet.
        reference: the sender's own, without what may be a personal identity number.
        question: None where errors say why not.
        licence_number: given beside a personal identity number, to compare with what is found.
        zeros_lost: the licence number came as a number, so leading zeros it may have had are gone.
    """

    number: int
    reference: str = ""
    question: Question | None = None
    licence_number: str = ""
    zeros_lost: bool = False
    errors: list[RowError] = field(default_factory=list)


def ask(number: int, cells: Sequence[str], frame: Frame) -> AskedRow:
    """Read a row."""
    return _Row(number, cells, frame).read()


def reference_of(cells: Sequence[str], columns: Columns) -> str:
    """Return the sender's own reference of a row, without what may be a personal identity number."""
    place = columns.get("reference")
    cell = cells[place] if place is not None and place < len(cells) else ""
    # The check does not need it, so a cell that the spreadsheet has lost costs nobody an answer.
    return "" if isinstance(cell, Spoilt) else mask_personal_numbers(cell)[:MAX_REFERENCE]


class _Row:
    def __init__(self, number: int, cells: Sequence[str], frame: Frame) -> None:
        self._cells, self._frame = cells, frame
        self._row = AskedRow(number)

    def read(self) -> AskedRow:
        row, frame = self._row, self._frame
        row.reference = reference_of(self._cells, frame.columns)
        personal = self._of("personalIdentityNumber", lambda cell: personal_number(cell, frame.today)) or ""
        licence, row.zeros_lost = self._of("licenceNumber", self._licence) or ("", False)
        born = self._of("birthDate", lambda cell: birth_date(cell, frame.today)) or ""
        name = self._name()
        given: dict[str, Any] = {
            "name": name,
            "birth_date": born,
            "profession": self._of("profession", self._profession) or frame.profession,
            "authority": self._of("authority", self._authority) or frame.authority,
            "on_date": frame.on_date,
        }
        if frame.known_at is not None:
            given["known_at"] = frame.known_at
        if personal:
            # It says who it is; the licence number is compared with what that person holds.
            row.licence_number = licence
            given["personal_number"] = personal
        elif licence:
            given["licence_number"] = licence
        elif not row.errors and not (name and born):
            self._lacking(name, born)
        if not row.errors:
            row.question = Question(**given)
        return row

    def _cell(self, field: Field) -> str:
        place = self._frame.columns.get(field)
        return self._cells[place] if place is not None and place < len(self._cells) else ""

    def _of(self, field: Field, read: Any) -> Any:  # noqa: ANN401 - as `read` gives it
        cell = self._cell(field)
        if not cell:
            return None
        try:
            return read(cell)
        except CellError as error:
            self._wrong(field, error.code, error.detail)
        except BadRequestError as error:
            self._wrong(field, "not-readable", error.detail)
        return None

    def _text(self, field: Field) -> str:
        return self._of(field, unspoilt) or ""

    def _wrong(self, field: Field | None, code: str, detail: str) -> None:
        place = self._frame.columns.get(field) if field else None
        headers = self._frame.headers
        column: str = field or ""
        if place is not None:
            column = (headers[place] if place < len(headers) else "") or f"#{place + 1}"
        self._row.errors.append(RowError(column, code, detail))

    def _name(self) -> str:
        whole = self._text("name")
        given, family = self._text("givenName"), self._text("familyName")
        if whole.count(",") == 1:
            # Efternamn, Förnamn.
            whole = " ".join(part.strip() for part in reversed(whole.split(",", 1))).strip()
        name = " ".join(each for each in (given, family) if each) if family or not whole else whole
        if len(name) > MAX_NAME:
            self._wrong(
                "name" if whole else "familyName",
                "too-long",
                f"The name may have {MAX_NAME} characters at most.",
            )
            return ""
        if name and mask_personal_numbers(name) != name:
            self._wrong(
                "name" if whole else "familyName",
                "personal-number-in-name",
                "The name holds what may be a personal identity number. Put that in a column of its own.",
            )
            return ""
        return name

    @staticmethod
    def _licence(cell: str) -> tuple[str, bool]:
        number, lost = licence_number(cell)
        if not any(map(str.isalnum, number)) or len(number) > 2 * MAX_NUMBER:
            raise CellError(
                "licence-number",
                f"The licence number must hold a letter or digit and at most {MAX_NUMBER} characters.",
            )
        return number, lost

    def _profession(self, cell: str) -> str:
        code = self._frame.vocabulary.find_profession(unspoilt(cell))
        if code is None or code == UNKNOWN:
            raise CellError(
                "unknown-profession",
                "There is no such profession here. Write its Swedish or English name or its code, or leave the cell empty.",
            )
        return code

    def _authority(self, cell: str) -> str:
        found = self._frame.authorities.get(unspoilt(cell).casefold())
        if found is None:
            raise CellError(
                "unknown-authority",
                "There is no such authority here. Write its id or name as GET /v1/feeds tells them, or leave the cell empty.",
            )
        return found

    def _lacking(self, name: str, born: str) -> None:
        if name:
            self._wrong(
                "birthDate", "missing", "A name alone does not say who it is. Give a birth date, or a number."
            )
        elif born:
            self._wrong(
                "name", "missing", "A birth date alone does not say who it is. Give a name, or a number."
            )
        else:
            self._wrong(
                None,
                "missing",
                "The row names nobody. Give a licence number, a personal identity number, or name and birth date.",
            )
