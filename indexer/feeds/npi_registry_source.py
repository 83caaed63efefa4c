"""What the NPI Registry is asked for, and how a question that it can't answer whole is split.

Rules from CMS's help page of the API (version 2.1): at most 200 results a page, at most 1,000 skipped; a trailing `*`
after two characters at least; several criteria narrow each other. So no question gives more than 1,200 results.
"""

from collections.abc import Iterator, Mapping
from itertools import product
from string import ascii_uppercase, digits

from indexer.feeds.sources import WebSource
from registry.identifiers import holds_personal_number

MAX_PAGE = 200
MAX_SKIP = 1000
WILDCARD = "*"
PEOPLE = "NPI-1"
_SHORTEST_PREFIX = 2
_POSTAL_DIGITS = 5
# Longest name in NPPES (V2).
_NAME_LENGTH = 35
_CRITERIA = frozenset(
    {
        "number",
        "enumeration_type",
        "taxonomy_description",
        "name_purpose",
        "first_name",
        "use_first_name_alias",
        "last_name",
        "organization_name",
        "address_purpose",
        "city",
        "state",
        "postal_code",
        "country_code",
    }
)
# What a name goes on with. A space is never the last character before the wildcard: servers trim it.
_LETTERS = ascii_uppercase + "'-."

Query = Mapping[str, str]


class NpiRegistrySource(WebSource, frozen=True, kw_only=True):
    """The NPI Registry's API, version 2.1.

    Attributes:
        url: of the API.
        queries: what to ask for, one table of search keys each; only people (NPI-1) are asked for.
        numbers_file: file with NPIs to ask for too, one a line; "" = none.
        page_size: results a page, at most 200.
        max_requests: a pull that needs more fails: a question that wide is one for the bulk files.
    """

    url: str = "https://npiregistry.cms.hhs.gov/api/"
    queries: tuple[dict[str, str], ...] = ()
    numbers_file: str = ""
    page_size: int = MAX_PAGE
    max_requests: int = 5000
    pause_ms: float = 100.0

    def problem(self) -> str:
        """See `Source.problem`."""
        if not self.queries and not self.numbers_file:
            return "queries is empty; write what to ask for, or name a file of NPIs in numbers_file."
        if not 1 <= self.page_size <= MAX_PAGE:
            return f"page_size is {self.page_size}; write 1 to {MAX_PAGE}, the API's own bound."
        if self.max_requests < 1:
            return "max_requests is less than 1."
        for query in self.queries:
            if problem := _query_problem(query):
                return f"queries: {problem}"
        return super().problem()


def _query_problem(query: Query) -> str:
    if unknown := sorted(set(query) - _CRITERIA):
        return f"{unknown[0]!r} is no search key; there are {', '.join(sorted(_CRITERIA))}."
    if not query.keys() - {"enumeration_type"}:
        return "a query needs a search key besides enumeration_type."
    if query.get("enumeration_type", PEOPLE) != PEOPLE or "organization_name" in query:
        return "only people are asked for: leave out enumeration_type and organization_name."
    return next(filter(None, (_value_problem(key, value) for key, value in query.items())), "")


def _value_problem(key: str, value: str) -> str:
    if not value.strip():
        return f"{key} is empty."
    letters = len(value.strip(f" {WILDCARD}"))
    if WILDCARD in value[:-1] or (value.endswith(WILDCARD) and letters < _SHORTEST_PREFIX):
        return f"{key} is {value!r}; a * stands only at the end, after two characters at least."
    if key != "number" and holds_personal_number(value):
        return f"{key} looks like a personal identity number, which must not be sent in an address."
    return ""


def whole(query: Query) -> dict[str, str]:
    """Return a query as it is sent: people only. A number needs nothing more."""
    return dict(query) if set(query) == {"number"} else {"enumeration_type": PEOPLE, **query}


def described(query: Query) -> str:
    """Write a query for a message."""
    return ", ".join(f"{key}={value}" for key, value in query.items())


def split(query: Query) -> list[dict[str, str]]:
    """Return narrower queries that together find what this one does; none if there is no way to narrow it.

    By last name, letter by letter; a name that many share then by first name, and those by postal code. Names that
    begin otherwise than with A-Z and postal codes with letters are not found so.
    """
    for key in ("last_name", "first_name"):
        value = query.get(key, "")
        if not value or (value.endswith(WILDCARD) and len(value) <= _NAME_LENGTH):
            exact = {"use_first_name_alias": "False"} if key == "first_name" else {}
            return [{**exact, **query, key: name} for name in _names(value.removesuffix(WILDCARD))]
    value = query.get("postal_code", "")
    if not value or value.endswith(WILDCARD):
        return [{**query, "postal_code": code} for code in _postal_codes(value.removesuffix(WILDCARD))]
    return []


def _names(prefix: str) -> Iterator[str]:
    """Give the prefix as a whole name, and one letter more of it, also after a space."""
    starts = [prefix] if prefix else list(ascii_uppercase)
    for start in starts:
        yield start
        for letter in _LETTERS:
            yield f"{start}{letter}{WILDCARD}"
        for letter in ascii_uppercase:
            yield f"{start} {letter}{WILDCARD}"


def _postal_codes(prefix: str) -> Iterator[str]:
    starts = [prefix] if prefix else digits
    for start, digit in product(starts, digits):
        code = f"{start}{digit}"
        yield code if len(code) >= _POSTAL_DIGITS else f"{code}{WILDCARD}"
