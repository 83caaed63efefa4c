"""What a parser yields: one record as received, or one bad row that can't be one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from registry.identifiers import mask_personal_numbers

ECHO_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One record of a feed, as received.

    Attributes:
        row: which record of the feed it is, from 1 (header lines don't count), over all its parts.
        key: the record's own key at the authority; the same record has the same key in every run.
        payload: the record in canonical form (JSON, keys sorted, absent and empty values left out), so that the
            same record gives the same bytes whichever way the feed was exported.
    """

    row: int
    key: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that can't be read as a record.

    Attributes:
        row: which record of the feed it is, from 1.
        key: the record's key where it could be read, else "". A record with this key has not vanished from the feed.
        field: the authority's own name of the field that is wrong; "" for the row as a whole.
        reason: what is wrong, one English sentence without personal data.
        echo: enough of the row to find it, without personal identity numbers, at most 200 characters.
        protected: the payload of a record that is marked as of a person with protected identity but lacks the key
            that tells which record it is. The normalizer reads it; whoever its personal identity number belongs to
            must be hidden. Empty for all other rows.
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
