"""The search form: what was typed, and the address that shows it. Names only, never a personal identity number."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from werkzeug.datastructures import MultiDict

from registry.search.filters import FILTERS

_FIRST_PAGE = "1"


@dataclass(frozen=True, slots=True)
class SearchTyped:
    """A search as typed: the text of the box, purpose, the values of each filter by its parameter, order and page.

    Attributes:
        sort: as `SearchQuery.sort`; "" for the order that fits what was typed.
    """

    q: str = ""
    purpose: str = ""
    chosen: Mapping[str, Sequence[str]] = field(default_factory=dict)
    sort: str = ""
    page: str = _FIRST_PAGE

    @property
    def filters(self) -> list[tuple[str, str]]:
        """Every filter value with its parameter, for the access log."""
        return [(name, value) for name, values in self.chosen.items() for value in values]

    @property
    def kept(self) -> list[tuple[str, str]]:
        """What a new search from the same form keeps, for hidden fields: filters and order."""
        return [*self.filters, *([("sort", self.sort)] if self.sort else [])]

    def with_text(self, q: str) -> "SearchTyped":
        """Return the search for another text, from its first page."""
        return replace(self, q=q, page=_FIRST_PAGE)

    def with_value(self, name: str, value: str) -> "SearchTyped":
        """Return the search with this value of a filter in place of any other, from its first page."""
        return replace(self, chosen={**self.chosen, name: [value]}, page=_FIRST_PAGE)

    def without_value(self, name: str, value: str) -> "SearchTyped":
        """Return the search without one value, from its first page."""
        rest = [each for each in self.chosen.get(name, ()) if each != value]
        return replace(self, chosen={**self.chosen, name: rest}, page=_FIRST_PAGE)

    def without_filters(self) -> "SearchTyped":
        """Return the search without any filter, from its first page."""
        return replace(self, chosen={}, page=_FIRST_PAGE)

    def sorted_by(self, sort: str) -> "SearchTyped":
        """Return the search in another order, from its first page."""
        return replace(self, sort=sort, page=_FIRST_PAGE)

    def on_page(self, number: int) -> "SearchTyped":
        """Return the same search on another page."""
        return replace(self, page=str(number))

    def query_string(self) -> str:
        """Return the search as the query part of its address."""
        return urlencode(list(self._parameters()))

    def _parameters(self) -> Iterator[tuple[str, str]]:
        yield "q", self.q
        yield "purpose", self.purpose
        yield from self.kept
        if self.page != _FIRST_PAGE:
            yield "page", self.page


def read_search(sent: MultiDict[str, str]) -> SearchTyped:
    """Read a search from a form or an address."""
    chosen = {one.parameter: sent.getlist(one.parameter) for one in FILTERS if one.parameter in sent}
    return SearchTyped(
        q=" ".join(sent.get("q", "").split()),
        purpose=sent.get("purpose", ""),
        chosen=chosen,
        sort=sent.get("sort", ""),
        page=sent.get("page", _FIRST_PAGE),
    )
