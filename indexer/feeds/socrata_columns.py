"""What a feed file says of a Socrata dataset's columns, and how values become text."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache, partial
from typing import Any

import msgspec
import orjson

from indexer.feeds.errors import MalformedFeedError
from indexer.feeds.options import SocrataOptions
from registry.dates import parse_compact, parse_us

# Distinct dates seen at a time; a register of millions repeats some ten thousands.
_REMEMBERED_DATES = 65_536
_REMEMBERED_NAMES = 1024
# Roles of columns (see SocrataColumns) without which a row says nothing, and those that a whole register may lack.
_ALWAYS = ("number", "profession", "status", "family", "name")
_MAY_BE_EMPTY = frozenset({"middle", "suffix", "status_reason"})
_MANY_ROWS = 1000
_DIGEST_BYTES = 16


@lru_cache(_REMEMBERED_NAMES)
def fold_column(name: str) -> str:
    """Fold a column name: `Credential Number`, `CredentialNumber` and `credential_number` are one."""
    return "".join(c for c in name.casefold() if c.isalnum())


@lru_cache(_REMEMBERED_DATES)
def canonical_date(text: str) -> str:
    """Write a date as ISO whichever way it came; what is no date stays as it is and is told of later."""
    for read in (parse_compact, parse_us):
        try:
            return read(text)
        except ValueError:
            continue
    return text


def text_of(value: object) -> str:
    """Write a JSON value as the CSV export would.

    Raises:
        TypeError: it is nested deeper than JSON can be written.
    """
    if isinstance(value, str):
        return value.strip()
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


class Columns:
    """The columns of one feed, by folded name, and which of the needed ones have come so far.

    Attributes:
        key: columns that together tell one record from all others.
        cases: columns that tell of one case about a licence (see `SocrataOptions.cases`).
        empty: words that mean that nothing stands there, folded for comparing.
        plain_key: whether the key is one column's text as it stands.
        only: column and the words of it that make a row a record; no words = any value at all.
        header: columns that a CSV header must have.
        unseen: needed columns that no row has had a value in yet.
        rows: how many rows have been read.
    """

    def __init__(self, options: SocrataOptions) -> None:
        columns = options.columns
        self.key = tuple(fold_column(name) for name in options.key)
        self.cases = tuple(fold_column(name) for name in options.cases)
        self.only = tuple(
            (fold_column(name), frozenset(word.casefold() for word in words))
            for name, words in options.only.items()
        )
        self.empty = frozenset(word.casefold() for word in options.empty)
        names = (columns.family, columns.given, columns.middle, columns.suffix, columns.name)
        self._names = frozenset(fold_column(name) for name in names if name)
        dates = (columns.birth_date, columns.issued, columns.valid_from, columns.valid_to, *options.dates)
        self._dates = frozenset(fold_column(name) for name in dates if name)
        mapped = {
            role: fold_column(name)
            for role, name in msgspec.structs.asdict(columns).items()
            if name and role != "more_actions"
        }
        more = {fold_column(name) for name in columns.more_actions}
        self.header = {*self.key, *self.cases, *mapped.values(), *more, *(name for name, _ in self.only)}
        # JSON leaves empty values out, so a column that never comes may be empty or renamed. In a few rows some may
        # well be empty; in many, none but parts of names.
        self._always = {*self.key, *(mapped[role] for role in _ALWAYS if role in mapped)}
        self._in_many = self._always | {
            column for role, column in mapped.items() if role not in _MAY_BE_EMPTY
        }
        # Whether the key is one column's text as it stands.
        self.plain_key = len(self.key) == 1 and not self.empty and not self._dates & set(self.key)
        self.unseen = set(self._in_many)
        self.rows = 0

    def reading(self, *more: object) -> bytes:
        """Return a digest of all that decides how a row is read, so that another reading is never taken for the same."""
        told = orjson.dumps([self.key, sorted(self._dates), sorted(self.empty), sorted(self._names), *more])
        return hashlib.blake2b(told, digest_size=_DIGEST_BYTES).digest()

    def record(self, pairs: Iterable[tuple[str, Any]]) -> dict[str, str]:
        """Return a row, given as folded column name and value, as a record: dates as ISO, empty values left out."""
        record: dict[str, str] = {}
        for column, value in pairs:
            text = self.clean(column, text_of(value))
            # A column without a name can't be told from one that the feed does not have.
            if text and column:
                record[column] = text
        return record

    def cleaner(self, column: str) -> Callable[[str], str] | None:
        """Return what makes a column's text that of the record, or None where it stands as it is."""
        if self.empty and column not in self._names:
            return partial(self.clean, column)
        return canonical_date if column in self._dates else None

    def clean(self, column: str, text: str) -> str:
        """Return a column's text as the record has it."""
        if text and column in self._dates:
            text = canonical_date(text)
        if self.empty and text.casefold() in self.empty and column not in self._names:
            return ""
        return text

    def is_chosen(self, value: Callable[[str], str], *, cased: bool) -> bool:
        """Tell whether a row is a record (`only`) that tells of a case, or does not, as asked.

        Args:
            value: gives the row's text in a column, "" where it has none.
            cased: which of the two; without `cases` no row tells of any.
        """
        for column, words in self.only:
            word = self.clean(column, value(column)).casefold()
            if not word or (words and word not in words):
                return False
        return not self.cases or cased == any(self.clean(column, value(column)) for column in self.cases)

    def see(self, record: Mapping[str, str]) -> None:
        """Note which needed columns a record has."""
        self.unseen -= record.keys()

    def key_of(self, record: Mapping[str, str]) -> str:
        """Return the record's key; empty if the record has none of its columns."""
        key = "|".join([record.get(column, "") for column in self.key])
        return key if key.strip("|") else ""

    def check(self) -> None:
        """Refuse a feed in which a needed column never came.

        Read without it, nobody would have, say, an end date any more, and that would look like news.

        Raises:
            MalformedFeedError: names the column.
        """
        missing = self.unseen & (self._in_many if self.rows >= _MANY_ROWS else self._always)
        if self.rows and missing:
            raise MalformedFeedError(
                f"No row has the column {min(missing)!r}. The source may have renamed it: "
                "see options.columns in the feed file."
            )
