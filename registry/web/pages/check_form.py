"""The form that checks a licence: reading what was typed, and saying what is wrong with it."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, get_args

from registry.checks.consent_code import read_code
from registry.dates import parse_compact
from registry.identifiers import holds_personal_number, parse_personal_number

Way = Literal["personal-number", "licence-number", "name"]
WAYS: tuple[Way, ...] = get_args(Way)
MAX_LENGTH = 200


@dataclass(frozen=True, slots=True)
class FormError:
    """Something wrong with one field: the field's id on the page and the key of the text that says what to do."""

    field: str
    key: str


@dataclass(frozen=True, slots=True)
class Typed:
    """What stands in the fields, to be shown again. The personal identity number never is."""

    way: Way = "personal-number"
    licence_number: str = ""
    given: str = ""
    family: str = ""
    birth_date: str = ""
    profession: str = ""
    authority: str = ""
    purpose: str = ""
    on_date: str = ""
    known_on: str = ""
    reference: str = ""
    consent_code: str = ""
    personal_number: Literal[""] = ""


@dataclass(frozen=True, slots=True)
class Question:
    """A question that can be asked: exactly one way is filled.

    Attributes:
        personal_number: 12 digits.
        birth_date: partial date.
        on_date: None for today, or the day of `known_on`.
        known_on: the day whose knowledge is asked for; None for what is known now.
        reference: the organisation's own; "" for none.
        consent_code: given by a person with a protected identity; None for none.
    """

    purpose: str
    profession: str | None = None
    authority: str | None = None
    on_date: date | None = None
    personal_number: str | None = field(default=None, repr=False)
    licence_number: str | None = None
    name: str = ""
    birth_date: str | None = None
    known_on: date | None = None
    reference: str = ""
    consent_code: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Choices:
    """What the form's selects offer: codes of professions, ids of authorities, purposes."""

    profession: Collection[str]
    authority: Collection[str]
    purpose: Collection[str]


@dataclass(frozen=True, slots=True)
class CheckForm:
    """The form as sent: what was typed, what is wrong, and the question if nothing is."""

    typed: Typed
    errors: tuple[FormError, ...]
    question: Question | None


def read_check_form(fields: Mapping[str, str], choices: Choices, today: date) -> CheckForm:
    """Read the form. Only the fields of the chosen way are looked at."""
    return _Reader(fields, choices, today).read()


class _Reader:
    def __init__(self, fields: Mapping[str, str], choices: Choices, today: date) -> None:
        self._fields = fields
        self._choices = choices
        self._today = today
        self._errors: list[FormError] = []

    def read(self) -> CheckForm:
        wish = self._text("way")
        way = next((each for each in WAYS if each == wish), None)
        if way is None:
            self._wrong("way", "wrong.way")
        readers: dict[Way | None, Callable[[], dict[str, str]]] = {
            "personal-number": self._by_personal_number,
            "licence-number": self._by_licence_number,
            "name": self._by_name,
        }
        who = readers.get(way, dict)()
        profession, authority = self._choice("profession"), self._choice("authority")
        purpose, reference = self._choice("purpose"), self._reference()
        code = self._consent_code()
        on_date, known_on = self._day("on-date"), self._day("known-on")
        if on_date and known_on and on_date > known_on:
            self._wrong("on-date", "wrong.on-date-late")
        errors = tuple(self._errors)
        question = None
        if not errors:
            question = Question(
                purpose=purpose,
                profession=profession or None,
                authority=authority or None,
                on_date=on_date,
                known_on=known_on,
                reference=reference,
                consent_code=code or None,
                **who,
            )
        return CheckForm(self._typed(way), errors, question)

    def _typed(self, way: Way | None) -> Typed:
        return Typed(
            way=way or "personal-number",
            licence_number=self._again("licence-number"),
            given=self._again("given"),
            family=self._again("family"),
            birth_date=self._again("birth-date"),
            profession=self._again("profession"),
            authority=self._again("authority"),
            purpose=self._again("purpose"),
            on_date=self._again("on-date"),
            known_on=self._again("known-on"),
            reference=self._again("reference"),
            consent_code=self._again("consent-code"),
        )

    def _again(self, name: str) -> str:
        """Return a field's text for showing it again; nothing where it may be a personal identity number."""
        text = self._text(name)
        # Licence numbers of ten digits are common, and one in twenty looks like a date with four more.
        number = name == "licence-number"
        personal = is_plainly_personal(text, self._today) if number else holds_personal_number(text)
        return "" if personal else text[:MAX_LENGTH]

    def _text(self, name: str) -> str:
        return " ".join(self._fields.get(name, "").split())

    def _wrong(self, name: str, key: str) -> None:
        self._errors.append(FormError(name, key))

    def _needed(self, name: str) -> str:
        text = self._text(name)
        if not text:
            self._wrong(name, f"wrong.{name}-missing")
        elif len(text) > MAX_LENGTH:
            self._wrong(name, "wrong.too-long")
        return text

    def _by_personal_number(self) -> dict[str, str]:
        text = self._needed("personal-number")
        try:
            return {"personal_number": parse_personal_number(text, today=self._today)} if text else {}
        except ValueError:
            self._wrong("personal-number", "wrong.personal-number")
            return {}

    def _by_licence_number(self) -> dict[str, str]:
        text = self._needed("licence-number")
        # Ten plain digits may be a licence number; with a century or a sign it is a personal identity number.
        if is_plainly_personal(text, self._today):
            self._wrong("licence-number", "wrong.licence-number-personal")
        return {"licence_number": text}

    def _by_name(self) -> dict[str, str]:
        given, family = self._needed("given"), self._needed("family")
        for name, text in (("given", given), ("family", family)):
            if holds_personal_number(text):
                self._wrong(name, "wrong.name-personal")
        who = {"name": f"{given} {family}"}
        text = self._needed("birth-date")
        try:
            return who if not text else {**who, "birth_date": _birth_date(text, self._today)}
        except ValueError:
            self._wrong("birth-date", "wrong.birth-date")
            return who

    def _choice(self, name: Literal["profession", "authority", "purpose"]) -> str:
        text = self._text(name)
        if text not in getattr(self._choices, name) and (text or name == "purpose"):
            self._wrong(name, f"wrong.{name}")
        return text

    def _reference(self) -> str:
        text = self._text("reference")
        if holds_personal_number(text):
            self._wrong("reference", "wrong.reference-personal")
        elif len(text) > MAX_LENGTH:
            self._wrong("reference", "wrong.too-long")
        return text

    def _consent_code(self) -> str:
        text = self._text("consent-code")
        try:
            return read_code(text) if text else ""
        except ValueError:
            self._wrong("consent-code", "wrong.consent-code")
            return ""

    def _day(self, name: Literal["on-date", "known-on"]) -> date | None:
        """Read a day that is not after today."""
        text = self._text(name)
        if not text:
            return None
        try:
            day = date.fromisoformat(parse_compact(text))
        except ValueError:
            self._wrong(name, "wrong.on-date")
            return None
        if day > self._today:
            self._wrong(name, "wrong.on-date-future")
        return day


def is_plainly_personal(text: str, today: date) -> bool:
    """Tell whether `text` is a personal identity number and written as nothing else is: with a century or a sign."""
    compact = "".join(text.split())
    if compact.isdigit() and len(compact) != 12:  # noqa: PLR2004 - digits with the century
        return False
    try:
        parse_personal_number(compact, today=today)
    except ValueError:
        return False
    return True


def _birth_date(text: str, today: date) -> str:
    """Return a whole birth date.

    Raises:
        ValueError: no date, only a part of one, or in the future.
    """
    day = date.fromisoformat(parse_compact(text))
    if day > today:
        raise ValueError("the birth date is in the future")
    return day.isoformat()
