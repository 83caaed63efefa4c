"""The filters of a search: one definition each gives parsing, clause, facet, label and API parameter.

A new filter is one entry in `FILTERS`, an attribute of `SearchQuery` with its name, and, unless the documents
hold the field already, a field in `config/search/mapping.json` and `document.py`.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from registry.errors import BadRequestError
from registry.search.document import MAX_LABEL
from registry.search.status import STATUSES, in_status
from registry.search.tree import Node, Term, either

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
# An authority's own word, as `document.label` leaves it. It only ever becomes the value of a term.
_WORD = re.compile(rf"[^\x00-\x1f\x7f\ud800-\udfff]{{1,{MAX_LABEL}}}\Z")
_MOST_VALUES = 50


@dataclass(frozen=True, slots=True, eq=False)
class Facet:
    """What is counted under a filter: the `size` commonest values of a field, or one clause a value.

    Made once a day (`facets`), and equal to itself only, so that what is made of it can be remembered.
    """

    name: str
    size: int
    field: str = ""
    clauses: Mapping[str, Node] | None = None


@dataclass(frozen=True, slots=True)
class Filter:
    """One filter.

    Attributes:
        name: attribute of `SearchQuery`, and key of its facet in `SearchPage.facets`.
        parameter: name of the API parameter; it may be given several times, any of the values then matches.
        label_sv, label_en: heading in the pages.
        field: the documents' field that holds the values as they are; "" if a clause decides.
        values: the allowed values; empty if any code is.
        free: values are words of the authorities, which are their own labels; else codes, which have labels elsewhere.
        clause: licences that have the value on the day (as yyyymmdd).
    """

    name: str
    parameter: str
    label_sv: str
    label_en: str
    clause: Callable[[str, int], Node]
    field: str = ""
    values: tuple[str, ...] = ()
    free: bool = False

    def parse(self, given: Iterable[str]) -> tuple[str, ...]:
        """Check the values of a request and drop doubles.

        Raises:
            BadRequestError: too many values, or one that is not allowed.
        """
        values = tuple(dict.fromkeys(value.strip() for value in given if value.strip()))
        if len(values) > _MOST_VALUES:
            raise BadRequestError(f"{self.parameter} may be given at most {_MOST_VALUES} times.")
        for value in values:
            if self.values and value not in self.values:
                raise BadRequestError(f"{self.parameter} must be one of: {', '.join(self.values)}.")
            if self.free and not _WORD.match(value):
                raise BadRequestError(
                    f"{self.parameter} must be a word of at most {MAX_LABEL} characters, as the facets list them."
                )
            if not (self.free or _CODE.match(value)):
                raise BadRequestError(
                    f"{self.parameter} must be a code of letters, digits, dots and hyphens, as the facets list them."
                )
        return values

    def node(self, values: Iterable[str], day: int) -> Node:
        """Return the licences that have any of the values."""
        return either(*(self.clause(value, day) for value in values))

    def facet(self, day: int, size: int) -> Facet:
        """Return what to count under this filter, for at most `size` values."""
        if self.field:
            return Facet(self.name, size, field=self.field)
        return Facet(self.name, size, clauses={value: self.clause(value, day) for value in self.values})


def _field_filter(name: str, label_sv: str, label_en: str, *, free: bool = False) -> Filter:
    return Filter(
        name=name,
        parameter=name,
        label_sv=label_sv,
        label_en=label_en,
        clause=lambda value, _day: Term(name, value),
        field=name,
        free=free,
    )


FILTERS: tuple[Filter, ...] = (
    _field_filter("profession", "Yrke", "Profession"),
    Filter(
        name="status",
        parameter="status",
        label_sv="Status",
        label_en="Status",
        clause=in_status,
        values=STATUSES,
    ),
    _field_filter("authority", "Myndighet", "Authority"),
    _field_filter("specialty", "Specialitet", "Specialty", free=True),
    _field_filter("county", "Län", "County", free=True),
)


@lru_cache(maxsize=16)
def facets(day: int, size: int) -> tuple[Facet, ...]:
    """Return what to count under every filter on a day (as yyyymmdd), for at most `size` values each."""
    return tuple(one.facet(day, size) for one in FILTERS)
