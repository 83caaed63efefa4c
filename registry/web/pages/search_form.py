"""The search form: what was typed, and the address that shows it. Names only, never a personal identity number."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

from werkzeug.datastructures import MultiDict

from registry.search.filters import FILTERS

_FIRST_PAGE = "1"


@dataclass(frozen=True, slots=True)
class SearchTyped:
    """A search as typed: words, purpose, and the values of each filter by its parameter."""

    q: str = ""
    purpose: str = ""
    chosen: Mapping[str, Sequence[str]] = field(default_factory=dict)
    page: str = _FIRST_PAGE

    @property
    def filters(self) -> list[tuple[str, str]]:
        """Every filter value with its parameter, for hidden fields and addresses."""
        return [(name, value) for name, values in self.chosen.items() for value in values]

    def with_value(self, name: str, value: str) -> "SearchTyped":
        """Return the search with this value of a filter in place of any other, from its first page."""
        return SearchTyped(self.q, self.purpose, {**self.chosen, name: [value]})

    def without_value(self, name: str, value: str) -> "SearchTyped":
        """Return the search without one value, from its first page."""
        rest = [each for each in self.chosen.get(name, ()) if each != value]
        return SearchTyped(self.q, self.purpose, {**self.chosen, name: rest})

    def on_page(self, number: int) -> "SearchTyped":
        """Return the same search on another page."""
        return SearchTyped(self.q, self.purpose, self.chosen, str(number))

    def query_string(self) -> str:
        """Return the search as the query part of its address."""
        return urlencode(list(self._parameters()))

    def _parameters(self) -> Iterator[tuple[str, str]]:
        yield "q", self.q
        yield "purpose", self.purpose
        yield from self.filters
        if self.page != _FIRST_PAGE:
            yield "page", self.page


def read_search(sent: MultiDict[str, str]) -> SearchTyped:
    """Read a search from a form or an address."""
    chosen = {one.parameter: sent.getlist(one.parameter) for one in FILTERS if one.parameter in sent}
    return SearchTyped(
        q=" ".join(sent.get("q", "").split()),
        purpose=sent.get("purpose", ""),
        chosen=chosen,
        page=sent.get("page", _FIRST_PAGE),
    )
