"""One page of people from a Tantivy index, in an order that stays: by score and practitioner, or by a column.

Tantivy breaks ties by a document's place in the index, which merges change, so ties are broken here.
"""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from heapq import nsmallest
from itertools import islice
from typing import TYPE_CHECKING

from tantivy import DocAddress, Order, Query

from registry.search.document import document_id
from registry.search.port import Hit
from registry.search.query import Plan
from registry.search.tantivy_counts import count_of
from registry.search.tantivy_dsl import page_query
from registry.search.tree import Best, Leaf, Node, Sum, either

if TYPE_CHECKING:
    from tantivy import Schema, Searcher, SearchResult

# So many of the best documents are put in order. Only searches as wide as a single letter find more in the largest
# registers; which of those with the last, equal score come first is then up to the index.
_MOST_RANKED = 100_000

_People = dict[int, list[DocAddress]]


def ranked(
    searcher: "Searcher", schema: "Schema", query: Query, first: "SearchResult", asked: Plan
) -> list[Hit]:
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
            tied = _tied(searcher, schema, first.hits, asked) if len(hits) >= needed else None
            if tied is None:
                wider = searcher.search(query, limit=min(count, _MOST_RANKED), count=False)
                tied = _by_score(searcher, wider.hits, needed)
            hits = tied
    shown = hits[asked.offset : needed]
    documents = _first(searcher, [addresses for _, _, addresses in shown])
    return [
        Hit(person, score, document) for (score, person, _), document in zip(shown, documents, strict=True)
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


def _tied(
    searcher: "Searcher", schema: "Schema", documents: Sequence[tuple[float, DocAddress]], asked: Plan
) -> _Ranked | None:
    """Rank people of a common name, most of whom are called exactly as asked, without reading all of them.

    Args:
        documents: the best documents; the last of the page's people have the last document's score.

    Returns:
        None: the question is not about one word, whose ways to match tell its score.
    """
    ways = _ways(asked.scored)
    score = documents[-1][0]
    if ways is None:
        return None
    needed = asked.offset + asked.limit
    above = [one for one in documents if one[0] > score]
    better = _by_score(searcher, above, len(above))
    seen = {person for _, person, _ in better}
    # Whoever is met in this way or a better one; those who are met in a better one are known already.
    met = either(*(way for way in ways if way.weight >= score))
    query = page_query(replace(asked, scored=met), schema)
    found = _by_column(searcher, query, needed, "practitioner_id", Order.Asc, seen=seen)
    return [*better, *((score, person, theirs) for _, person, theirs in found)][:needed]


def _ways(scored: Node | None) -> tuple[Leaf, ...] | None:
    """Return the ways in which the only word of a question may match, of which the best gives the score."""
    if isinstance(scored, Sum) and len(scored.children) == 1 and not (scored.bonus or scored.excluded):
        scored = scored.children[0]
    if not isinstance(scored, Best):
        return None
    ways = tuple(one for one in scored.children if not isinstance(one, Best | Sum))
    return ways if len(ways) == len(scored.children) else None


def _by_column(
    searcher: "Searcher",
    query: Query,
    needed: int,
    column: str,
    order: Order,
    *,
    seen: AbstractSet[int] = frozenset(),
) -> _Ranked:
    """Rank people by their first document in the order of a column that no two people share a value of.

    Args:
        seen: people who are left out.
    """
    limit = needed + len(seen)
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
            if person in seen:
                continue
            first, theirs = people.setdefault(person, (value, []))
            if value == first:
                theirs.append(address)
        if len(people) > needed or len(addresses) <= limit:
            return [(0.0, person, theirs) for person, (_, theirs) in islice(people.items(), needed)]
        limit *= 2


def _first(searcher: "Searcher", groups: Sequence[list[DocAddress]]) -> Iterator[str]:
    """Give the first document of each group; all are looked up at once, since each look costs."""
    keys = iter(_numbers(searcher, "key", [address for group in groups for address in group]))
    for group in groups:
        yield document_id(min(islice(keys, len(group))))


def _numbers(searcher: "Searcher", field: str, addresses: list[DocAddress]) -> list[int]:
    return [int(number or 0) for number in searcher.fast_field_values(field, addresses)]
