"""The lists of `config/names`: read once, when the first name that needs them is looked at."""

import tomllib
from pathlib import Path
from typing import TypeVar

import msgspec

from registry.errors import SettingsError
from registry.names.words import words

T = TypeVar("T", bound=msgspec.Struct)


def read(path: Path, kind: type[T]) -> T:
    """Read one list and check its form.

    Raises:
        SettingsError: names the file, the place in it and the fix.
    """
    try:
        return msgspec.convert(tomllib.loads(path.read_text("utf-8")), kind)
    except OSError as error:
        raise SettingsError(f"{path} can't be read: {error.strerror}. Comparing names needs it.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not valid TOML: {error}") from error
    except msgspec.ValidationError as error:
        message, _, where = str(error).partition(" - at ")
        key = where.strip("`").removeprefix("$.") or "(top level)"
        raise SettingsError(f"{path}: {key}: {message}. The comment in the file tells the form.") from error


def typed_keys(name: str, path: Path) -> tuple[str, ...]:
    """Return the typed keys of a list's entry, which must be one word.

    Raises:
        SettingsError: it is none, or several.
    """
    found = words(name)
    if len(found) != 1:
        raise SettingsError(f"{path}: {name!r} must be one word; write several words as several entries.")
    return found[0].typed
