"""Counting people among a few documents of a Tantivy index, exactly, from their columns.

Tantivy gives the numbers of a column for given documents, but not its texts, and of several only the first. Every text
column that is counted therefore has a column of numbers beside it (`coded`), from which this module finds the texts
again; one that holds several texts also has a column of them all as one text (`joined`), and it is these that have codes.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from itertools import repeat
from typing import TYPE_CHECKING

from tantivy import DocAddress, Query

from registry.search import mapping
from registry.search.filters import Facet
from registry.search.tree import Best, Leaf, Node, Range, Sum, Term, leaves

if TYPE_CHECKING:
    from tantivy import Searcher

_CODE_BYTES = 7  # 56 bits: fits the column; two of some thousand words meet with a chance of one in 10**10
_ALL_TEXTS = 100_000
_BETWEEN = "\x1f"  # no text of the authorities holds it (`document.label`)

Numbers = Sequence[int | None]


def coded_fields(told: "mapping.Mapping") -> dict[str, str]:
    """Return the text columns that are counted, each with the name of its column of numbers."""
    return {
        field.name: f"{field.name}_code"
        for field in told.fields.values()
        if field.type == "keyword" and field.indexed and field.columnar
    }


def joined_fields(told: "mapping.Mapping") -> dict[str, str]:
    """Return the text columns that hold several texts, each with the name of the column of them all as one."""
    return {name: f"{name}_joined" for name in coded_fields(told) if told.fields[name].several}


def joined(texts: Iterable[str]) -> str:
    """Return several texts as one."""
    return _BETWEEN.join(sorted(set(texts)))


@lru_cache(maxsize=4096)
def code_of(text: str) -> int:
    """Return the number that stands for a text."""
    return int.from_bytes(blake2b(text.encode(), digest_size=_CODE_BYTES).digest())


class Texts:
    """The texts behind the codes; they never change their code, so what is known once stays known."""

    def __init__(self, told: "mapping.Mapping") -> None:
        self._coded = coded_fields(told)
        self._joined = joined_fields(told)
        self._known: dict[int, str] = {}

    def column(self, field: str) -> str:
        """Return the name of the column of numbers beside a text column; another column's own name."""
        return self._coded.get(field, field)

    def decode(self, searcher: "Searcher", field: str, codes: Iterable[int]) -> dict[int, list[str]]:
        """Return the texts for each code of a field."""
        field = self._joined.get(field, field)
        wanted = set(codes)
        if not wanted <= self._known.keys():
            told = {field: {"terms": {"field": field, "size": _ALL_TEXTS}}}
            buckets = searcher.aggregate(Query.all_query(), told)[field]["buckets"]
            self._known.update({code_of(bucket["key"]): bucket["key"] for bucket in buckets})
        return {code: self._known[code].split(_BETWEEN) for code in wanted}


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
        return Counter(value for value, _ in self._pairs(facet))

    def surplus(self, facet: Facet) -> dict[str, int]:
        """Return per value of a facet how many more documents there are than people."""
        more: Counter[str] = Counter()
        for (value, _), documents in self._pairs(facet).items():
            more[value] += documents - 1
        return more

    def _pairs(self, facet: Facet) -> Counter[tuple[str, int | None]]:
        """Return documents per value and person."""
        if facet.clauses is not None:
            return self._by_clause(facet)
        coded = Counter(zip(self._column(facet.field), self._people, strict=True))
        texts = self._texts.decode(
            self._searcher, facet.field, {code for code, _ in coded if code is not None}
        )
        pairs: Counter[tuple[str, int | None]] = Counter()
        for (code, person), documents in coded.items():
            for text in () if code is None else texts[code]:
                pairs[text, person] += documents
        return pairs

    def _by_clause(self, facet: Facet) -> Counter[tuple[str, int | None]]:
        """Find which conditions each document meets, and for each set of conditions once which clauses."""
        met = {leaf: truths for leaf in _asked(facet) if any(truths := self._met(leaf))}
        asked = tuple(met)
        # What none of the documents meets, most of the conditions, is not looked at for each.
        rows: Iterable[tuple[bool, ...]] = zip(*met.values(), strict=True) if met else repeat(())
        pairs: Counter[tuple[str, int | None]] = Counter()
        for (row, person), documents in Counter(zip(rows, self._people, strict=False)).items():
            for value in _values_of(facet, asked, row):
                pairs[value, person] += documents
        return pairs

    def _met(self, leaf: Leaf) -> list[bool]:
        column = self._column(leaf.field)
        match leaf:
            case Term(_, value) if isinstance(value, str):
                code = code_of(value)
                return [number == code for number in column]
            case Range(_, low, high):
                if column.count(None) == len(column):
                    return []
                least, most = -1 if low is None else low, 1 << 63 if high is None else high
                return [number is not None and least <= number <= most for number in column]
            case _:
                raise TypeError(f"{type(leaf).__name__} can't be read from a column")

    def _column(self, field: str) -> Numbers:
        if field not in self._read:
            name = self._texts.column(field)
            self._read[field] = self._searcher.fast_field_values(name, self._addresses)  # type: ignore[assignment]
        return self._read[field]


@lru_cache(maxsize=16)
def _asked(facet: Facet) -> tuple[Leaf, ...]:
    """Return the conditions that the clauses of a facet are made of."""
    return tuple(sorted(set().union(*map(leaves, (facet.clauses or {}).values())), key=repr))


@lru_cache(maxsize=4096)
def _values_of(facet: Facet, asked: tuple[Leaf, ...], truths: tuple[bool, ...]) -> tuple[str, ...]:
    """Return the values whose clause is met where these conditions hold so, and all others do not."""
    holds = dict.fromkeys(_asked(facet), False)
    holds.update(zip(asked, truths, strict=True))
    return tuple(value for value, clause in (facet.clauses or {}).items() if is_met(clause, holds))


def is_met(node: Node, holds: Mapping[Leaf, bool]) -> bool:
    """Tell whether a clause is met where its conditions hold so."""
    match node:
        case Best(children):
            return any(is_met(child, holds) for child in children)
        case Sum(children, minimum, _, excluded):
            met = sum(is_met(child, holds) for child in children)
            return met >= minimum and not any(is_met(child, holds) for child in excluded)
        case _:
            return holds[node]
