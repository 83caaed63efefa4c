"""The header of a list: which column stands where, and what a row under it says."""

import csv
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from hashlib import blake2b
from itertools import islice
from operator import itemgetter
from typing import NoReturn

from indexer.feeds.errors import MalformedFeedError
from indexer.feeds.rows import canonical, echo
from indexer.feeds.tabular_options import PERSONAL_ROLES, TabularOptions
from indexer.normalize.garbled import garbled

# Stands between the fields of a row's raw bytes; a row that holds it itself is refused.
SEPARATOR = "\x1f"
_DIGEST_BYTES = 8
_TOLD_COLUMNS = 60
_REMEMBERED_NAMES = 1024


@lru_cache(_REMEMBERED_NAMES)
def fold_column(name: str) -> str:
    """Fold a column's name: case, spaces and punctuation don't tell two apart (`GMC Ref No.`, `gmc_ref_no`)."""
    text = unicodedata.normalize("NFKC", name).casefold()
    return "".join(c for c in text if c.isalnum()) or text.strip()


class Broken:
    """A row that could not be split into fields."""

    def __init__(self, reason: str) -> None:
        self.reason = reason


class Header:
    """One file's header.

    Attributes:
        width: number of columns.
        digest: of the folded header; the raw bytes of rows begin with it, for the same fields mean something else under
            another header.
        places: folded column name -> place.
        key: places of the key's columns.
        personal: which of these hold personal identity numbers.
        plain_key: the place of the one column that is the key, where nothing else of a row has to be looked at: no
            personal identity number, no column without a name, no cells of Excel, which may be spoilt.
        unnamed: places of columns without a name.
        compared: takes the fields out of a row that make up its raw bytes; None = all of them.
        gaps: separators in these.
        empty: texts that stand for an empty cell.
        needed: places of the columns that something is read from.
        widths: (place, characters) of columns of fixed width.
        names: the authority's own names.
    """

    def __init__(self, names: Sequence[str], folded: Sequence[str], options: TabularOptions) -> None:
        self.names = [name.strip() for name in names]
        self.width = len(names)
        self.places = {name: place for place, name in enumerate(folded) if name}
        self.digest = blake2b(SEPARATOR.join(folded).encode(), digest_size=_DIGEST_BYTES).digest()
        self.key = [self.places[fold_column(name)] for name in options.key]
        personal = {getattr(options.columns, role) for role in PERSONAL_ROLES}
        self.personal = frozenset(self.places[fold_column(name)] for name in options.key if name in personal)
        self.unnamed = [place for place, name in enumerate(folded) if not name]
        left_out = {fold_column(name) for name in options.leave_out}
        self._kept = [(place, name) for name, place in self.places.items() if name not in left_out]
        some = [place for place, _ in self._kept]
        self.compared = itemgetter(*some) if left_out and len(some) > 1 else None
        self.gaps = len(some) - 1 if self.compared else self.width - 1
        plain = len(self.key) == 1 and not self.personal and not self.unnamed
        self.plain_key = self.key[0] if plain else None
        self.needed = [self.places[name] for name in map(fold_column, options.named()) if name in self.places]
        self.widths = [
            (self.places[name], width)
            for name, width in ((fold_column(column), width) for column, width in options.widths.items())
            if name in self.places
        ]
        self.empty = frozenset({"", *options.empty})

    def value(self, row: Sequence[str], place: int) -> str:
        """Return a field without the space around it; "" for a word that stands for an empty cell."""
        text = row[place].strip()
        return "" if text in self.empty else text

    def payload(self, row: Sequence[str]) -> bytes:
        """Return the record in canonical form."""
        empty = self.empty
        fields = ((name, row[place].strip()) for place, name in self._kept)
        return canonical({name: text for name, text in fields if text not in empty})


class Finder:
    """Finds the header among the first rows of a file."""

    def __init__(self, options: TabularOptions) -> None:
        self._options = options
        self._called = {
            fold_column(other): fold_column(name)
            for name, others in options.also_called.items()
            for other in others
        }
        may_lack = {fold_column(name) for name in options.may_lack}
        self.needed = {
            fold_column(name): name for name in options.named() if fold_column(name) not in may_lack
        }
        self.closest: tuple[int, Sequence[str]] = (0, ())

    def find(self, rows: Iterable[Sequence[str] | Broken]) -> Header | None:
        """Return the header, having taken the rows up to it; None if none of the first is one."""
        some = (row for row in rows if isinstance(row, Broken) or any(row))
        for row in islice(some, self._options.header_within):
            if isinstance(row, Broken):
                continue
            folded = [self._fold(name) for name in row]
            found = len(self.needed.keys() & set(folded))
            if found > self.closest[0]:
                self.closest = (found, row)
            if found == len(self.needed):
                return Header(row, folded, self._options)
        return None

    def check(self, header: Header, part: str) -> None:
        """Refuse a header with two columns of one name, for which of them holds what.

        Raises:
            MalformedFeedError: names the column and lists what was found.
        """
        if len(header.places) + len(header.unnamed) < header.width:
            folded = [self._fold(name) for name in header.names]
            twice = next(name for name in folded if name and folded.count(name) > 1)
            raise MalformedFeedError(
                f"{part} has two columns that are called {twice!r} but for case, spaces and punctuation. "
                f"Found: {_told(header.names)}."
            )

    def refuse(self, part: str) -> NoReturn:
        """Say what is missing.

        Raises:
            MalformedFeedError: always; lists the columns of the row that comes closest to a header.
        """
        found, row = self.closest
        where = (
            "the first row"
            if self._options.header_within == 1
            else (f"one of the first {self._options.header_within} rows (options.header_within)")
        )
        if not found:
            # The row is not told: where the header is missing it is somebody's record.
            raise MalformedFeedError(
                f"{part} has no header in {where} with any of the columns {_told(list(self.needed.values()))}. See "
                "options.columns, delimiter, encoding and sheet in the feed file, or ask the authority for the header."
            )
        missing = self.needed.keys() - {self._fold(name) for name in row}
        raise MalformedFeedError(
            f"{part} has no column {_told([self.needed[name] for name in sorted(missing)])} in its header. Found: "
            f"{_told(row)}. {_advice(row)}"
        )

    def _fold(self, name: str) -> str:
        folded = fold_column(name)
        return self._called.get(folded, folded)


def _advice(row: Sequence[str]) -> str:
    if any(map(garbled, row)):
        return "Its letters are garbled: see options.encoding in the feed file."
    return "The authority may have renamed it: see options.columns and also_called in the feed file."


def _told(names: Sequence[str]) -> str:
    more = len(names) - _TOLD_COLUMNS
    told = ", ".join(repr(echo(name)[:_TOLD_COLUMNS]) for name in names[:_TOLD_COLUMNS])
    return f"{told} and {more} more" if more > 0 else told


def csv_dialect(delimiter: str, quotechar: str) -> dict[str, object]:
    """Return how `csv.reader` shall read."""
    if not quotechar:
        return {"delimiter": delimiter, "quoting": csv.QUOTE_NONE, "strict": True}
    return {"delimiter": delimiter, "quotechar": quotechar, "strict": True}
