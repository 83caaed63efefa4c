"""What a parser yields: one record as received, the word that a record is gone, or one bad row."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import orjson

from registry.identifiers import mask_personal_numbers

ECHO_CHARACTERS = 200


class SourceRow(msgspec.Struct, frozen=True, gc=False):
    """One record of a feed, as received.

    Most rows of most runs say what they said before. The loader sees that from `raw` alone, so what costs time
    (reading dates, sorting keys) waits in `make` until `payload` is asked for.

    Attributes:
        row: which record of the feed it is, from 1 (header lines don't count), over all its parts.
        key: the record's own key at the authority; the same record has the same key in every run.
        raw: everything that the record says, its key included, in whatever bytes the parser has at hand. The same bytes
            mean the same record; other bytes may still turn out to say the same.
        source: what `make` needs; None when `raw` already is the payload.
        make: builds the payload from `source`. Pure, and must not fail: what can't be read is a BadRow.
    """

    row: int
    key: str
    raw: bytes
    source: Any = None
    make: Callable[[Any], bytes] | None = None

    @property
    def payload(self) -> bytes:
        """The record in canonical form (JSON, keys sorted, absent and empty values left out).

        The same record gives the same bytes whichever way the feed was exported.
        """
        return self.raw if self.make is None else self.make(self.source)


class UnreadRows(msgspec.Struct, frozen=True, gc=False):
    """Rows of a feed that nobody has looked at yet: most of them say what they said before, which `raw` alone tells.

    Attributes:
        first: which record of the feed the first of them is.
        raw: of each row everything that it says, as `SourceRow.raw`.
        make: reads the row of that number from its `raw`. Raises MalformedFeedError if it is no text at all.
    """

    first: int
    raw: list[bytes]
    make: "Callable[[int, bytes], SourceRow | BadRow]"

    def row(self, place: int) -> "SourceRow | BadRow":
        """Read the row at a place of `raw`."""
        return self.make(self.first + place, self.raw[place])


class GoneRow(msgspec.Struct, frozen=True, gc=False):
    """A feed's own word that it no longer holds a record (a DELETE entry of a FHIR history).

    Attributes:
        row: which record of the feed it is, from 1.
        key: the record's key.
    """

    row: int
    key: str


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that can't be read as a record.

    Attributes:
        row: which record of the feed it is, from 1.
        key: the record's key where it could be read, else "". A record with this key has not vanished from the feed.
        field: the authority's own name of the field that is wrong; "" for the row as a whole.
        reason: what is wrong, one English sentence without personal data.
        echo: enough of the row to find it, without personal identity numbers, at most 200 characters.
        protected: what the row says, where it is, or may be, marked as of a person with protected identity. If the
            normalizer reads it so, the person of its key, and whoever its personal identity number belongs to, is
            hidden. Empty for all other rows.
    """

    row: int
    key: str
    field: str
    reason: str
    echo: str
    protected: bytes = b""


def canonical(record: Mapping[str, Any]) -> bytes:
    """Return a record's canonical bytes.

    Raises:
        TypeError: the record holds what JSON can't (a number beyond 64 bits, broken text).
    """
    return orjson.dumps(record, option=orjson.OPT_SORT_KEYS)


def echo(text: str) -> str:
    """Cut a row's text for the quarantine: personal identity numbers masked first, then at most 200 characters."""
    return mask_personal_numbers(" ".join(text.split()))[:ECHO_CHARACTERS]


Row = SourceRow | GoneRow | BadRow
# What a parser yields.
Parsed = Row | UnreadRows


def one_by_one(parsed: Iterable[Parsed]) -> Iterator[Row]:
    """Yield every row by itself, for those who look at all of them."""
    for one in parsed:
        if isinstance(one, UnreadRows):
            yield from map(one.row, range(len(one.raw)))
        else:
            yield one


def batches(parsed: Iterable[Parsed], size: int) -> Iterator[list[UnreadRows | list[Row]]]:
    """Yield what a parser yields in their order, some `size` rows at a time; rows that come by themselves in lists."""
    batch: list[UnreadRows | list[Row]] = []
    alone: list[Row] = []
    left = size
    for one in parsed:
        if isinstance(one, UnreadRows):
            batch += [alone, one] if alone else [one]
            alone = []
            left -= len(one.raw)
        else:
            alone.append(one)
            left -= 1
        if left <= 0:
            yield [*batch, alone] if alone else batch
            batch, alone, left = [], [], size
    if batch or alone:
        yield [*batch, alone] if alone else batch
