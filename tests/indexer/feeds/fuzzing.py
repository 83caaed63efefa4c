"""What must hold of every parser, whatever bytes it is given."""

import os
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from indexer.feeds import BadRow, FeedError, GoneRow, SourceRow, one_by_one
from indexer.feeds.formats import FORMATS, Normalizes
from indexer.feeds.options import FormatOptions
from indexer.normalize.errors import BadRecordError
from registry.records.facts import PersonFacts
from registry.vocabulary import load_vocabulary

# How many examples a property is tried with: a sample in `make test`, many in `make soak`.
EXAMPLES = 2000 if os.environ.get("REGISTRY_TEST_SOAK") else 60
LIMIT = 65_536


def mutated(*samples: bytes) -> st.SearchStrategy[bytes]:
    """Valid files cut, with bytes replaced, pieces doubled or swapped, and bytes that are no file at all."""
    return st.one_of(st.binary(max_size=2000), st.sampled_from(samples).flatmap(_damaged))


@st.composite
def _damage(draw: st.DrawFn, sample: bytes) -> bytes:
    data = bytearray(sample)
    for _ in range(draw(st.integers(0, 4))):
        if not data:
            break
        start = draw(st.integers(0, len(data) - 1))
        end = min(len(data), start + draw(st.integers(0, 40)))
        kind = draw(st.sampled_from(("cut", "drop", "replace", "double", "insert")))
        if kind == "cut":
            del data[start:]
        elif kind == "drop":
            del data[start:end]
        elif kind == "replace":
            data[start:end] = draw(st.binary(max_size=40))
        elif kind == "double":
            data[start:start] = data[start:end]
        else:
            data[start:start] = draw(
                st.sampled_from(
                    (
                        b"\x00",
                        b"\xff\xfe",
                        b'"',
                        b"<",
                        b"&",
                        b"{",
                        b"\r",
                        b"\xef\xbb\xbf",
                        b"9999999999999999999999",
                    )
                )
            )
    return bytes(data)


def _damaged(sample: bytes) -> st.SearchStrategy[bytes]:
    return _damage(sample)


def assert_holds(
    form: str, options: FormatOptions, folder: Path, data: bytes, name: str = "feed"
) -> dict[str, int]:
    """Parse and normalize `data`: rows, quarantine or one clear error. Returns how many of each."""
    path = folder / name
    path.write_bytes(data)
    found: dict[str, Any] = {"rows": 0, "bad": 0, "gone": 0, "refused": 0}
    normalizer = FORMATS[form].normalizer(options, load_vocabulary())
    try:
        for row in one_by_one(FORMATS[form].parse((path,), options, LIMIT)):
            if isinstance(row, SourceRow):
                found["rows"] += 1
                assert row.key, "a record without a key is a bad row"
                assert row.payload, "a record says something"
                _normalizes(normalizer, row.payload)
            elif isinstance(row, GoneRow):
                found["gone"] += 1
                assert row.key, "a deletion says of what"
            else:
                assert isinstance(row, BadRow), f"a parser yielded {type(row)}"
                found["bad"] += 1
                assert row.reason, "a bad row says why"
                assert len(row.echo) <= 200, "an echo is short"
    except FeedError as refused:
        found["refused"] = 1
        told = refused.detail
    else:
        return found
    assert told, "an error of the feed says what to do"
    return found


def _normalizes(normalizer: Normalizes, payload: bytes) -> None:
    try:
        facts = normalizer.facts(payload)
    except BadRecordError as refused:
        reason = refused.reason
    else:
        assert isinstance(facts, PersonFacts)
        return
    assert reason, "a refusal says why"
