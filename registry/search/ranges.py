"""Documents added up by ranges of keys: the aggregation, which both engines take alike, and how its answer is read."""

from typing import Any

from registry.search.port import Bucket
from registry.search.query import LISTED
from registry.search.tree import Node, Range, every


def between(low: int | None, high: int | None) -> Node:
    """Return the documents about people whose keys lie from `low` to `high`, both included."""
    return LISTED if low is None and high is None else every(LISTED, Range("key", low, high))


def histogram(width: int) -> dict[str, Any]:
    """Return the aggregation for ranges of `width` keys.

    Engines add in floating point: exact below 2**53. A larger sum may come out wrong, and then differs from an exact one.

    Raises:
        ValueError: the width is below 1.
    """
    if width < 1:
        raise ValueError(f"a range of keys is at least 1 wide, not {width}")
    return {
        "histogram": {"field": "key", "interval": width, "min_doc_count": 1},
        "aggs": {"checks": {"sum": {"field": "check"}}, "versions": {"sum": {"field": "version"}}},
    }


def read_histogram(told: dict[str, Any], width: int) -> dict[int, Bucket]:
    """Read what `histogram` gives, by `key // width`."""
    return {
        round(bucket["key"] / width): Bucket(
            count=int(bucket["doc_count"]),
            checks=round(bucket["checks"]["value"]),
            versions=round(bucket["versions"]["value"]),
        )
        for bucket in told["buckets"]
    }
