"""The form that sends a staff list: reading what was sent, and saying what is wrong with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from itertools import chain

from werkzeug.datastructures import FileStorage

from registry.checks.lists.columns import recognise, rows_below
from registry.checks.lists.errors import ListColumnsError, ListTooLargeError, UnreadableListError
from registry.checks.lists.handling import Sent
from registry.checks.lists.reading import form_of, read_table
from registry.dates import parse_compact
from registry.errors import RegistryError
from registry.identifiers import holds_personal_number
from registry.settings import StaffLists
from registry.web.pages.check_form import MAX_LENGTH, Choices, FormError


@dataclass(frozen=True, slots=True)
class ListTyped:
    """What stands in the fields, to be shown again. A browser never shows a file again."""

    purpose: str = ""
    reference: str = ""
    profession: str = ""
    authority: str = ""
    on_date: str = ""


@dataclass(frozen=True, slots=True)
class ListForm:
    """The form as sent: what was typed, what is wrong, and the list if nothing is. It waits for its columns."""

    typed: ListTyped
    errors: tuple[FormError, ...]
    sent: Sent | None


def read_list_form(
    fields: Mapping[str, str], file: FileStorage | None, choices: Choices, limits: StaffLists, today: date
) -> ListForm:
    """Read the form, and its file as far as its first rows."""
    typed = _typed(fields)
    errors = list(_wrong(fields, typed, choices, today))
    sent = None
    try:
        sent = _sent(file, typed, limits)
    except _FileError as error:
        errors.insert(0, FormError("file", error.key))
    return ListForm(typed, tuple(errors), None if errors else sent)


class _FileError(Exception):
    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def _typed(fields: Mapping[str, str]) -> ListTyped:
    names = {each: each.replace("_", "-") for each in ListTyped.__dataclass_fields__}
    texts = {each: " ".join(fields.get(name, "").split()) for each, name in names.items()}
    return ListTyped(
        **{each: "" if holds_personal_number(text) else text[:MAX_LENGTH] for each, text in texts.items()}
    )


def _wrong(fields: Mapping[str, str], typed: ListTyped, choices: Choices, today: date) -> list[FormError]:
    errors = []
    if typed.purpose not in choices.purpose:
        errors.append(FormError("purpose", "wrong.purpose"))
    reference = fields.get("reference", "")
    if holds_personal_number(reference):
        errors.append(FormError("reference", "wrong.reference-personal"))
    elif len(reference) > MAX_LENGTH:
        errors.append(FormError("reference", "wrong.too-long"))
    if typed.profession and typed.profession not in choices.profession:
        errors.append(FormError("profession", "wrong.profession"))
    if typed.authority and typed.authority not in choices.authority:
        errors.append(FormError("authority", "wrong.authority"))
    if fields.get("on-date", "").strip():
        try:
            late = date.fromisoformat(parse_compact(typed.on_date)) > today
        except ValueError:
            errors.append(FormError("on-date", "wrong.on-date"))
        else:
            errors += [FormError("on-date", "wrong.on-date-future")] if late else []
    return errors


def _sent(file: FileStorage | None, typed: ListTyped, limits: StaffLists) -> Sent:
    data = file.read() if file else b""
    if file is None or not file.filename:
        raise _FileError("wrong.file-missing")
    if not data.strip():
        raise _FileError("wrong.file-empty")
    try:
        form_of(data)
    except UnreadableListError:
        raise _FileError("wrong.file-old-excel") from None
    try:
        table = read_table(data, limits)
        found = recognise(table)
        rows = iter(rows_below(table, found))
        first = next(rows, None)
    except RegistryError as error:
        raise _FileError(file_error(error)) from None
    if first is None:
        raise _FileError("wrong.file-empty")
    return Sent(
        purpose=typed.purpose,
        reference=typed.reference,
        profession=typed.profession,
        authority=typed.authority,
        on_date=_day(typed.on_date),
        file_name=file.filename,
        headers=found.headers,
        # A person always confirms what the columns tell.
        columns=None,
        recognised=found,
        # Without any header that is known the first row may be about a person: whoever confirms the columns says so.
        first=None if found.columns or found.twice else table.top[0],
        # Read as they are kept, so that a large list never stands whole in memory.
        rows=chain([first], rows),
    )


def file_error(error: RegistryError) -> str:
    """Return the key of what is wrong with a file; rows further down are only read as the list is taken in.

    Raises:
        RegistryError: it is not about the file.
    """
    match error:
        case ListTooLargeError():
            return "wrong.file-too-large"
        case ListColumnsError():
            return "wrong.file-empty"
        case UnreadableListError():
            return "wrong.file-unreadable"
    raise error


def _day(text: str) -> date | None:
    """Return the day for every row; None where there is none, or where the form says what is wrong with it."""
    try:
        return date.fromisoformat(parse_compact(text)) if text else None
    except ValueError:
        return None
