"""One page of people from a Tantivy index, in an order that stays: by score and practitioner, or by a column.

Tantivy breaks ties by a document's place in the index, which merges change, so ties are broken here.
"""

from collections.abc import Sequence
from heapq import nsmallest
from itertools import islice
from typing import TYPE_CHECKING

from tantivy import DocAddress, Order, Query

from registry.search.document import document_id
from registry.search.port import Hit
from registry.search.query import Plan
from registry.search.tantivy_counts import count_of

if TYPE_CHECKING:
    from tantivy import Searcher, SearchResult

# So many of the best documents are put in order. Only searches as wide as a single letter find more in the largest
# registers; which of those with the last, equal score come first is then up to the index.
_MOST_RANKED = 100_000

_People = dict[int, list[DocAddress]]


def ranked(searcher: "Searcher", query: Query, first: "SearchResult", asked: Plan) -> list[Hit]:
    """Return the page of people that is asked for, each with the best document about them.

    Args:
        first: the first documents of the query by score.
    """
    needed = asked.offset + asked.limit
    if asked.sort == "name":
        hits = _by_column(searcher, query, needed, "name_order", Order.Asc)
    elif asked.sort == "issued":
        hits = _by_column(searcher, query, needed, "issued", Order.Desc)
    else:
        count = count_of(first)
        hits = _by_score(searcher, first.hits, needed)
        if (len(hits) < needed and count > len(first.hits)) or _is_cut(first.hits, hits, count):
            wider = searcher.search(query, limit=min(count, _MOST_RANKED), count=False)
            hits = _by_score(searcher, wider.hits, needed)
    return [
        Hit(person, score, _first(searcher, addresses))
        for score, person, addresses in hits[asked.offset : needed]
    ]


_Ranked = list[tuple[float, int, list[DocAddress]]]


def _is_cut(documents: Sequence[tuple[float, DocAddress]], hits: _Ranked, count: int) -> bool:
    """Tell whether the last score of the page goes on behind the documents at hand."""
    return bool(hits) and count > len(documents) and documents[-1][0] == hits[-1][0]


def _by_score(searcher: "Searcher", documents: Sequence[tuple[float, DocAddress]], needed: int) -> _Ranked:
    """Rank people by their best document, equals by id; `documents` come by descending score."""
    hits: _Ranked = []
    seen: set[int] = set()
    start = 0
    while start < len(documents) and len(hits) < needed:
        score = documents[start][0]
        end = _end_of(documents, start)
        addresses = [address for _, address in islice(documents, start, end)]
        people = _numbers(searcher, "practitioner_id", addresses)
        best = nsmallest(needed - len(hits), set(people) - seen)
        documents_of: _People = {person: [] for person in best}
        for person, address in zip(people, addresses, strict=True):
            if person in documents_of:
                documents_of[person].append(address)
        seen.update(people)
        hits += [(score, person, documents_of[person]) for person in best]
        start = end
    return hits


def _end_of(documents: Sequence[tuple[float, DocAddress]], start: int) -> int:
    """Return where the documents with the score at `start` end."""
    low, high = start, len(documents)
    score = documents[start][0]
    while low < high:
        middle = (low + high) // 2
        if documents[middle][0] < score:
            high = middle
        else:
            low = middle + 1
    return low


def _by_column(searcher: "Searcher", query: Query, needed: int, column: str, order: Order) -> _Ranked:
    """Rank people by their first document in the order of a column that no two people share a value of."""
    limit = needed
    while True:
        # One more than asked for: the last person's documents may go on behind the limit.
        found = searcher.search(query, limit=limit + 1, count=False, order_by_field=column, order=order)
        addresses = [address for _, address in found.hits]
        people: dict[int, tuple[object, list[DocAddress]]] = {}
        documents = zip(
            _numbers(searcher, "practitioner_id", addresses),
            (value for value, _ in found.hits),
            addresses,
            strict=True,
        )
        for person, value, address in documents:
            first, theirs = people.setdefault(person, (value, []))
            if value == first:
                theirs.append(address)
        if len(people) > needed or len(addresses) <= limit:
            return [(0.0, person, theirs) for person, (_, theirs) in islice(people.items(), needed)]
        limit *= 2


def _first(searcher: "Searcher", addresses: list[DocAddress]) -> str:
    return document_id(min(_numbers(searcher, "key", addresses)))


def _numbers(searcher: "Searcher", field: str, addresses: list[DocAddress]) -> list[int]:
    return [int(number or 0) for number in searcher.fast_field_values(field, addresses)]
