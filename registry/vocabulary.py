"""The vocabulary: our words for professions, statuses and restrictions, and how each authority's words map to them.

`config/vocabulary/professions.toml` and `terms.toml` hold our own words with labels in Swedish and English; every
other file there holds one source system's words. A word that no file knows maps to `unknown` and so asks a human:
it never drops a person and never becomes a yes. The authority's own word always stands beside ours.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Literal, TypeVar, get_args

import msgspec

from registry.errors import SettingsError
from registry.records.facts import RestrictionKind, Status
from registry.settings import CONFIG

Language = Literal["sv", "en"]
UNKNOWN = "unknown"
STATUSES: tuple[Status, ...] = get_args(Status)
RESTRICTION_KINDS: tuple[RestrictionKind, ...] = get_args(RestrictionKind)

_CODE = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*\Z")
_OWN_FILES = ("professions.toml", "terms.toml")
# Different words of one feed, not rows: the real feeds have some hundred; the bound is for a feed gone wrong.
_REMEMBERED_WORDS = 8192

T = TypeVar("T", bound=msgspec.Struct)


class Label(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A word to show, in Swedish and English."""

    sv: str
    en: str

    def in_language(self, language: Language) -> str:
        """Return the word in one language."""
        return self.sv if language == "sv" else self.en


class Profession(msgspec.Struct, frozen=True, kw_only=True):
    """One profession in our words. `synonyms` are other words people type for it, in either language."""

    code: str
    label: Label
    synonyms: tuple[str, ...] = ()


class SourceWords(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One source system's words (the shape of a file in `config/vocabulary`).

    Attributes:
        system: name that feed files use in `options.vocabulary`.
        profession_suffixes: words that say what kind of paper it is, not which profession ("license"); taken off
            the end of a profession word before it is looked up, if the whole word is not listed.
        professions: the authority's word or code -> our code.
        profession_prefixes: start of a code -> our code, longest first; only for systems whose codes are built so.
        statuses: the authority's word -> our status.
        restrictions: the authority's code or word -> our kind.
    """

    system: str
    profession_suffixes: tuple[str, ...] = ()
    professions: dict[str, str] = {}
    profession_prefixes: dict[str, str] = {}
    statuses: dict[str, Status] = {}
    restrictions: dict[str, RestrictionKind] = {}


class _ProfessionEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    sv: str
    en: str
    synonyms: tuple[str, ...] = ()


class _Professions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    professions: dict[str, _ProfessionEntry]


class _Terms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    statuses: dict[Status, Label]
    restrictions: dict[RestrictionKind, Label]


def fold_word(word: str) -> str:
    """Fold a word for comparing: case, accents' encoding, punctuation and kinds of dash and space don't tell.

    `&` is read as "and", so that "Physician & Surgeon" is "Physician And Surgeon".
    """
    text = unicodedata.normalize("NFKC", word).casefold().replace("&", " and ")
    return " ".join("".join(c if c.isalnum() else " " for c in text).split())


class _System:
    """One source system, folded and ready to look up."""

    def __init__(self, words: SourceWords, path: Path) -> None:
        self._professions = _folded(words.professions, path, "professions")
        self._statuses = _folded(words.statuses, path, "statuses")
        self._restrictions = _folded(words.restrictions, path, "restrictions")
        prefixes = _folded(words.profession_prefixes, path, "profession_prefixes")
        self._prefixes = sorted(prefixes.items(), key=lambda item: -len(item[0]))
        self._suffixes = sorted((fold_word(s) for s in words.profession_suffixes), key=lambda s: -len(s))
        self.profession = lru_cache(_REMEMBERED_WORDS)(self._profession)
        self.status = lru_cache(_REMEMBERED_WORDS)(self._status)
        self.restriction = lru_cache(_REMEMBERED_WORDS)(self._restriction)

    def _profession(self, raw: str) -> str:
        word = fold_word(raw)
        for form in self._forms(word):
            if form in self._professions:
                return self._professions[form]
        for prefix, code in self._prefixes:
            if word.startswith(prefix):
                return code
        return UNKNOWN

    def _forms(self, word: str) -> Iterator[str]:
        """Give the word as it is, then with one suffix after the other taken off."""
        yield word
        shorter = self._without_suffix(word)
        while shorter != word:
            word = shorter
            yield word
            shorter = self._without_suffix(word)

    def _without_suffix(self, word: str) -> str:
        for suffix in self._suffixes:
            if word.endswith(f" {suffix}"):
                return word[: -len(suffix) - 1]
        return word

    def _status(self, raw: str) -> Status:
        return self._statuses.get(fold_word(raw), "unknown")

    def _restriction(self, code: str) -> RestrictionKind:
        return self._restrictions.get(fold_word(code), "unknown")


class Vocabulary:
    """All words. Load with `load_vocabulary()`; never changed afterwards."""

    def __init__(
        self,
        professions: Mapping[str, Profession],
        statuses: Mapping[Status, Label],
        restrictions: Mapping[RestrictionKind, Label],
        systems: Mapping[str, _System],
    ) -> None:
        self.professions = professions
        self._statuses = statuses
        self._restrictions = restrictions
        self._systems = systems
        self._by_word = _words_of(professions)

    @property
    def systems(self) -> frozenset[str]:
        """Names of the source systems that feeds can refer to."""
        return frozenset(self._systems)

    def profession(self, system: str, raw: str) -> str:
        """Return our code for the authority's word or code; "unknown" if no file maps it."""
        return self._systems[system].profession(raw)

    def status(self, system: str, raw: str) -> Status:
        """Return our status for the authority's word; "unknown" if no file maps it."""
        return self._systems[system].status(raw)

    def restriction(self, system: str, code: str) -> RestrictionKind:
        """Return our kind for the authority's restriction code; "unknown" if no file maps it."""
        return self._systems[system].restriction(code)

    def find_profession(self, text: str) -> str | None:
        """Return our code for what a person typed (code, label or synonym in either language), or None."""
        return self._by_word.get(fold_word(text))

    def profession_label(self, code: str, language: Language) -> str:
        """Return the profession's name; the code itself where it is not in this version of the vocabulary."""
        profession = self.professions.get(code)
        return profession.label.in_language(language) if profession else code

    def status_label(self, status: Status, language: Language) -> str:
        """Return the status's name."""
        return self._statuses[status].in_language(language)

    def restriction_label(self, kind: RestrictionKind, language: Language) -> str:
        """Return the restriction kind's name."""
        return self._restrictions[kind].in_language(language)


def load_vocabulary(directory: Path = CONFIG / "vocabulary") -> Vocabulary:
    """Load and check every file of a vocabulary folder.

    Raises:
        SettingsError: names the file, the key and the fix.
    """
    professions = {
        code: Profession(code=code, label=Label(entry.sv, entry.en), synonyms=entry.synonyms)
        for code, entry in _read(directory / "professions.toml", _Professions).professions.items()
    }
    _check_codes(professions, directory / "professions.toml")
    terms = _read(directory / "terms.toml", _Terms)
    _check_complete(terms, directory / "terms.toml")
    systems: dict[str, _System] = {}
    for path in sorted(directory.glob("*.toml")):
        if path.name in _OWN_FILES:
            continue
        words = _read(path, SourceWords)
        _check_words(words, professions, path)
        if words.system in systems:
            raise SettingsError(f'{path}: system = "{words.system}" stands in another file too; rename one.')
        systems[words.system] = _System(words, path)
    return Vocabulary(professions, terms.statuses, terms.restrictions, systems)


def _read(path: Path, kind: type[T]) -> T:
    try:
        return msgspec.convert(tomllib.loads(path.read_text("utf-8")), kind)
    except OSError as error:
        raise SettingsError(f"{path} can't be read: {error.strerror}. The vocabulary needs it.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not valid TOML: {error}") from error
    except msgspec.ValidationError as error:
        message, _, where = str(error).partition(" - at ")
        key = where.strip("`").removeprefix("$.") or "(top level)"
        raise SettingsError(f"{path}: {key}: {message}. See the other files there for the form.") from error


def _check_codes(professions: Mapping[str, Profession], path: Path) -> None:
    for code in professions:
        if not _CODE.match(code):
            raise SettingsError(f"{path}: {code!r} is no profession code; use lower-case words and hyphens.")
    if UNKNOWN not in professions:
        raise SettingsError(f"{path}: the profession {UNKNOWN!r} is missing; unmapped words need it.")


def _check_complete(terms: _Terms, path: Path) -> None:
    for table, needed, given in (
        ("statuses", STATUSES, set(terms.statuses)),
        ("restrictions", RESTRICTION_KINDS, set(terms.restrictions)),
    ):
        if missing := [word for word in needed if word not in given]:
            raise SettingsError(f"{path}: {table}.{missing[0]} is missing; write sv and en for it.")


def _check_words(words: SourceWords, professions: Mapping[str, Profession], path: Path) -> None:
    for table in ("professions", "profession_prefixes"):
        for raw, code in getattr(words, table).items():
            if code not in professions:
                raise SettingsError(
                    f"{path}: {table}.{raw!r} names {code!r}, which professions.toml does not have; add it there."
                )


V = TypeVar("V")


def _folded(table: Mapping[str, V], path: Path, name: str) -> dict[str, V]:
    folded: dict[str, V] = {}
    for raw, value in table.items():
        word = fold_word(raw)
        if folded.get(word, value) != value:
            raise SettingsError(f"{path}: {name}.{raw!r} stands twice with different meanings; keep one.")
        folded[word] = value
    return folded


def _words_of(professions: Mapping[str, Profession]) -> dict[str, str]:
    """Map every code, label and synonym to its code; the first file entry wins where two share a word."""
    words: dict[str, str] = {}
    for code, profession in professions.items():
        for text in (code, profession.label.sv, profession.label.en, *profession.synonyms):
            words.setdefault(fold_word(text), code)
    return words
