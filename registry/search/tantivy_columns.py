"""Counting people among a few documents of a Tantivy index, exactly, from their columns.

Tantivy gives the numbers of a column for given documents, but not its texts. Every text column that is counted
therefore has a column of numbers beside it (`coded`), from which this module finds the texts again.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING

from tantivy import DocAddress, Query

from registry.search import mapping
from registry.search.filters import Facet
from registry.search.tree import Best, Leaf, Node, Range, Sum, Term, leaves

if TYPE_CHECKING:
    from tantivy import Searcher

_CODE_BYTES = 7  # 56 bits: fits the column; two of some thousand words meet with a chance of one in 10**10
_ALL_TEXTS = 100_000

Numbers = Sequence[int | None]


def coded_fields(told: "mapping.Mapping") -> dict[str, str]:
    """Return the text columns that are counted, each with the name of its column of numbers."""
    return {
        field.name: f"{field.name}_code"
        for field in told.fields.values()
        if field.type == "keyword" and field.indexed and field.columnar
    }


@lru_cache(maxsize=4096)
def code_of(text: str) -> int:
    """Return the number that stands for a text."""
    return int.from_bytes(blake2b(text.encode(), digest_size=_CODE_BYTES).digest())


class Texts:
    """The texts behind the codes; they never change their code, so what is known once stays known."""

    def __init__(self, coded: Mapping[str, str]) -> None:
        self._coded = coded
        self._known: dict[int, str] = {}

    def column(self, field: str) -> str:
        """Return the name of the column of numbers beside a text column; another column's own name."""
        return self._coded.get(field, field)

    def decode(self, searcher: "Searcher", field: str, codes: Iterable[int]) -> dict[int, str]:
        """Return the text for each code of a field."""
        wanted = set(codes)
        if not wanted <= self._known.keys():
            told = {field: {"terms": {"field": field, "size": _ALL_TEXTS}}}
            buckets = searcher.aggregate(Query.all_query(), told)[field]["buckets"]
            self._known.update({code_of(bucket["key"]): bucket["key"] for bucket in buckets})
        return {code: self._known[code] for code in wanted}


class Columns:
    """The columns of some documents."""

    def __init__(self, searcher: "Searcher", texts: Texts, addresses: list[DocAddress]) -> None:
        self._searcher = searcher
        self._texts = texts
        self._addresses = addresses
        self._read: dict[str, Numbers] = {}
        self._people = self._column("practitioner_id")

    def people(self) -> int:
        """Return how many people the documents are about."""
        return len(set(self._people))

    def count(self, facet: Facet) -> dict[str, int]:
        """Return people per value of a facet."""
        if facet.clauses is not None:
            return self._by_clause(facet.clauses)
        codes = self._column(facet.field)
        pairs = {(code, person) for code, person in zip(codes, self._people, strict=True) if code is not None}
        counts = Counter(code for code, _ in pairs)
        texts = self._texts.decode(self._searcher, facet.field, counts)
        return {texts[code]: count for code, count in counts.items()}

    def _by_clause(self, clauses: Mapping[str, Node]) -> dict[str, int]:
        """Find which conditions each document meets, and for each set of conditions once which clauses."""
        asked = sorted(set().union(*map(leaves, clauses.values())), key=repr)
        met = zip(*(self._met(leaf) for leaf in asked), strict=True)
        known: dict[tuple[bool, ...], list[str]] = {}
        pairs: set[tuple[str, int | None]] = set()
        for truths, person in zip(met, self._people, strict=True):
            values = known.get(truths)
            if values is None:
                holds = dict(zip(asked, truths, strict=True))
                values = [value for value, clause in clauses.items() if _is_met(clause, holds)]
                known[truths] = values
            pairs.update((value, person) for value in values)
        return Counter(value for value, _ in pairs)

    def _met(self, leaf: Leaf) -> list[bool]:
        column = self._column(leaf.field)
        match leaf:
            case Term(_, value) if isinstance(value, str):
                code = code_of(value)
                return [number == code for number in column]
            case Range(_, low, high):
                least, most = -1 if low is None else low, 1 << 63 if high is None else high
                return [number is not None and least <= number <= most for number in column]
            case _:
                raise TypeError(f"{type(leaf).__name__} can't be read from a column")

    def _column(self, field: str) -> Numbers:
        if field not in self._read:
            name = self._texts.column(field)
            self._read[field] = self._searcher.fast_field_values(name, self._addresses)  # type: ignore[assignment]
        return self._read[field]


def _is_met(node: Node, holds: Mapping[Leaf, bool]) -> bool:
    match node:
        case Best(children):
            return any(_is_met(child, holds) for child in children)
        case Sum(children, minimum, _, excluded):
            met = sum(_is_met(child, holds) for child in children)
            return met >= minimum and not any(_is_met(child, holds) for child in excluded)
        case _:
            return holds[node]
