"""Test and dummy people: known by their published numbers, or marked by the authority itself. They never enter."""

import re
import tomllib
from functools import lru_cache
from pathlib import Path

import msgspec

from registry.errors import SettingsError
from registry.records.facts import PersonFacts
from registry.settings import CONFIG, Indexer

_LICENCE, _KEY = "licence", "key"


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    system: str
    pattern: str
    why: str


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    people: list[_Entry] = []


class TestPeople:
    """Tells whether a record is about someone who does not exist. Without entries nobody is refused."""

    __test__ = False  # not a test class, whatever its name looks like

    def __init__(
        self, entries: "tuple[tuple[str, re.Pattern[str], str], ...]" = (), *, feigned: bool = False
    ) -> None:
        self._entries: dict[str, list[tuple[re.Pattern[str], str]]] = {}
        for system, pattern, why in entries:
            self._entries.setdefault(system, []).append((pattern, why))
        self._feigned = feigned

    def reason(self, facts: PersonFacts, key: str) -> str:
        """Return why the record is about nobody, or ""."""
        if facts.feigned and self._feigned:
            return "the authority marks the person as invented, for tests"
        if not self._entries:
            return ""
        numbers = [(i.system, i.value) for i in facts.identifiers]
        numbers += [(_LICENCE, licence.number) for licence in facts.licences]
        numbers.append((_KEY, key))
        for system, number in numbers:
            for pattern, why in self._entries.get(system, ()):
                if pattern.fullmatch(number):
                    return why
        return ""


EVERYBODY = TestPeople()


def load_test_people(settings: Indexer) -> TestPeople:
    """Return the published list, or one that lets everybody in where the settings say so.

    Raises:
        SettingsError: `config/test-people.toml` is not as it must be.
    """
    return _read(CONFIG / "test-people.toml") if settings.refuse_test_people else EVERYBODY


@lru_cache
def _read(path: Path) -> TestPeople:
    try:
        file = msgspec.convert(tomllib.loads(path.read_text("utf-8")), _File)
        entries = tuple((one.system, re.compile(one.pattern, re.ASCII), one.why) for one in file.people)
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError, re.error) as error:
        raise SettingsError(f"{path}: {error}. Each [[people]] has system, pattern and why.") from error
    return TestPeople(entries, feigned=True)
