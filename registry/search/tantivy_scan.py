"""Reading a Tantivy index as a whole: documents in order of their keys, and documents by key as they were stored."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from tantivy import FieldType, Order, Query

from registry.search.document import document_id
from registry.search.mapping import Mapping
from registry.search.port import Extent
from registry.search.query import LISTED
from registry.search.ranges import between
from registry.search.tantivy_dsl import build_query

if TYPE_CHECKING:
    from tantivy import Schema, Searcher

_SCAN_PAGE = 10_000


def scan(
    searcher: "Searcher", schema: "Schema", low: int | None, high: int | None
) -> Iterator[tuple[str, int]]:
    """Give id and version of documents about people by key; see `IndexEngine.scan`."""
    listed = build_query(between(low, high), schema)
    last = -1
    while True:
        after = Query.range_query(schema, "key", FieldType.Integer, lower_bound=last + 1)
        query = listed.and_must_match(after)
        found = searcher.search(query, limit=_SCAN_PAGE, count=False, order_by_field="key", order=Order.Asc)
        addresses = [address for _, address in found.hits]
        if not addresses:
            return
        keys = [int(key) for key, _ in found.hits]
        versions = searcher.fast_field_values("version", addresses)
        for key, version in zip(keys, versions, strict=True):
            yield document_id(key), int(version or 0)
        last = keys[-1]


def extent(searcher: "Searcher", schema: "Schema") -> Extent:
    """Tell how far an index reaches; see `IndexEngine.extent`."""
    return Extent(
        last_key=_largest(searcher, "key", build_query(LISTED, schema), -1),
        last_version=_largest(searcher, "version", Query.all_query(), 0),
    )


def _largest(searcher: "Searcher", field: str, query: Query, otherwise: int) -> int:
    """Return the largest value of a field. Sorted, not aggregated: aggregations round large numbers."""
    hits = searcher.search(query, limit=1, count=False, order_by_field=field, order=Order.Desc).hits
    return int(hits[0][0]) if hits else otherwise


def stored(
    searcher: "Searcher", schema: "Schema", mapping: Mapping, keys: Sequence[int]
) -> dict[int, dict[str, Any]]:
    """Return documents about people by key; see `IndexEngine.stored`."""
    found: dict[int, dict[str, Any]] = {}
    for start in range(0, len(keys), _SCAN_PAGE):
        part = list(keys[start : start + _SCAN_PAGE])
        asked = Query.term_set_query(schema, "key", part).and_must_match(build_query(LISTED, schema))
        for _, address in searcher.search(asked, limit=len(part), count=False).hits:
            values = searcher.doc(address).to_dict()
            body: dict[str, Any] = {
                name: told if mapping.fields[name].several else told[0] for name, told in values.items()
            }
            found[body["key"]] = body
    return found
