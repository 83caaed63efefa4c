"""The two languages of the pages: texts from one TOML file each, dates by CLDR, and choosing between them."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal
from werkzeug.datastructures import LanguageAccept

Code = Literal["sv", "en"]
CODES: tuple[Code, ...] = get_args(Code)
FOLDER = Path(__file__).parent / "translations"
_LOCALES: dict[Code, str] = {"sv": "sv_SE", "en": "en_GB"}
_DAY = "d MMMM y"
_MONTH = "MMMM y"
_MOMENT: dict[Code, str] = {"sv": "d MMMM y 'kl.'\u00a0HH.mm", "en": "d MMMM y 'at'\u00a0HH:mm"}
_YEAR_LENGTH = len("2019")
_MONTH_LENGTH = len("2019-05")


@dataclass(frozen=True, slots=True)
class Language:
    """One language: its texts by dotted key, and how it writes dates and numbers."""

    code: Code
    texts: Mapping[str, str]

    def text(self, key: str, **values: object) -> str:
        """Return the text of `key` with `{name}` filled in.

        Raises:
            KeyError: no such text; a test compares the keys that templates use with the catalogues.
        """
        return self.texts[key].format(**values) if values else self.texts[key]

    def count(self, key: str, number: int, **values: object) -> str:
        """Return `key.one` or `key.other` with `{number}` filled in."""
        form = "one" if number == 1 else "other"
        return self.text(f"{key}.{form}", number=self.number(number), **values)

    def known(self, key: str, otherwise: str) -> str:
        """Return the text of `key`, or `otherwise`: for codes that an operator may add to (purposes)."""
        return self.texts.get(key, otherwise)

    def number(self, value: int) -> str:
        """Write a number with the language's thousands separator."""
        return str(format_decimal(value, locale=_LOCALES[self.code]))

    def day(self, value: date | str) -> str:
        """Write a day, or a partial date as far as it goes: `2019`, `maj 2019`, `3 maj 2019`."""
        if isinstance(value, date):
            return format_date(value, _DAY, locale=_LOCALES[self.code])
        if len(value) == _YEAR_LENGTH:
            return value
        if len(value) == _MONTH_LENGTH:
            return format_date(date.fromisoformat(f"{value}-01"), _MONTH, locale=_LOCALES[self.code])
        return format_date(date.fromisoformat(value), _DAY, locale=_LOCALES[self.code])

    def moment(self, value: datetime, zone: ZoneInfo) -> str:
        """Write a moment to the minute in `zone`."""
        return format_datetime(value, _MOMENT[self.code], tzinfo=zone, locale=_LOCALES[self.code])


@cache
def language(code: Code) -> Language:
    """Return one language, read from its file once."""
    return Language(code, _flat(tomllib.loads((FOLDER / f"{code}.toml").read_text("utf-8"))))


def choose(asked: str | None, remembered: str | None, accepted: LanguageAccept, default: Code) -> Language:
    """Choose: what the link asks for, then what was chosen before, then the browser's wish, then the setting."""
    for wish in (asked, remembered):
        for code in CODES:
            if wish == code:
                return language(code)
    best = accepted.best_match(CODES) if accepted else None
    return language("sv" if best == "sv" else "en" if best == "en" else default)


def _flat(table: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in table.items():
        if isinstance(value, str):
            found[prefix + key] = value
        else:
            found.update(_flat(value, f"{prefix}{key}."))
    return found
