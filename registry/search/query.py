"""A search as it is asked, and the one place where it is checked and becomes a `Plan` for any engine."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from math import inf
from typing import Literal, get_args

from registry import dates, names
from registry.errors import BadRequestError
from registry.identifiers import fold_number
from registry.search import candidates, wording
from registry.search.filters import FILTERS, Facet, facets
from registry.search.status import as_day
from registry.search.tree import Node, Range, Sum, Term, either, every, two_edits, without
from registry.settings import Search

Sort = Literal["relevance", "name", "issued"]
Candidates = Literal["", "day", "near", "wide"]
SORTS: tuple[str, ...] = get_args(Sort)
CANDIDATES: tuple[str, ...] = get_args(Candidates)
# A birth date that fits lifts a person above namesakes whose birth date nobody knows, and above people who are called just as
# asked when the own name is only spelt otherwise: more than a word as written is worth over one with a typing error.
_BORN_THEN = 65
# With more words the differences between their best spellings add up to more than one that is only begun lacks.
_MOST_SURE = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchQuery:
    """A search as a person or a system asks it. Nothing is checked before `plan` (the engines call it).

    Attributes:
        text: one box: names in any order, "family, given", a licence number, or both mixed.
        given_name, family_name: names where the asker knows which is which; swapped ones are found, lower.
        licence_number: the licence number or another public number (NPI, HSA-id), exact but for case, spaces,
            dots, dashes and slashes. Which of a person's licences matched is told by `Hit.document`.
        birth_date: `YYYY`, `YYYY-MM` or `YYYY-MM-DD` (also without hyphens). People who were certainly born at
            another time are left out. People whose birth date no authority gave stay in when something
            else was asked too, after those who fit.
        profession, status, authority: any of the values; all of the filters, on one and the same licence. `status`
            is as of the day the search is made, see `registry.search.status`.
        specialty: as `profession`; the authority's own words for it.
        county: the same, where the person works or lives, as the authority says.
        sort: "relevance", "name", "issued" (the newest licence first, people without a date last), or "": relevance
            where there is any, else name.
        page, limit: pages are counted from 1; `limit` people a page, None for the setting's default.
        facets: False saves their cost where nobody looks at them.
        candidates: for matching, not for lists (`registry.search.candidates`): "day" demands a whole birth date and gives who
            was born on that day, with those of a partly known date whose name has a word as asked; "near" demands a birth date that agrees or
            nearly does, "wide" does not. One page, ordered by relevance, without facets; `total` says no more than how
            many were found within `limit`. `limit` None: `search.candidate_limit`.
    """

    text: str = ""
    given_name: str = ""
    family_name: str = ""
    licence_number: str = ""
    birth_date: str = ""
    profession: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    authority: tuple[str, ...] = ()
    specialty: tuple[str, ...] = ()
    county: tuple[str, ...] = ()
    sort: str = ""
    page: int = 1
    limit: int | None = None
    facets: bool = True
    candidates: Candidates = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """A checked search, ready for any engine.

    Attributes:
        scored: gives matches their score; None if nothing scores.
        wider: what to score by instead where what `scored` finds does not do (`does`); None: nothing else. Words two edits
            away are dear to find and come last, so they are looked for only then.
        required: further conditions that are always needed.
        chosen: the condition of each filter in use. A facet counts with all of them but its own, so that
            it shows what choosing another value would give.
        facets: what to count.
        sort: "relevance" (score, then practitioner id), "name" (Swedish alphabet, then id), or "issued" (the newest
            of a person's licences that match, then id).
        offset, limit: which practitioners of the ordered answer are asked for.
        page: the page they make up.
        counted: whether anyone looks at the total; candidates are not counted.
        enough: so many people do.
        sure: a person with this score does: called as asked, word for word, and born on the very day.
    """

    scored: Node | None
    required: tuple[Node, ...]
    chosen: Mapping[str, Node]
    facets: tuple[Facet, ...]
    sort: Sort
    offset: int
    limit: int
    page: int
    counted: bool = True
    wider: Node | None = None
    enough: int = 0
    sure: float = inf

    def does(self, people: int, best: float) -> bool:
        """Tell whether an answer does, so that `wider` is not asked.

        Args:
            people: how many were found.
            best: the first one's score; 0 where they are not in the order of their scores.
        """
        return self.wider is None or people >= self.enough or (self.offset == 0 and best >= self.sure)

    @property
    def widened(self) -> "Plan":
        """The same with `wider` in place of `scored`."""
        return replace(self, scored=self.wider, wider=None)


def plan(query: SearchQuery, limits: Search, today: date) -> Plan:
    """Check a search against the limits and turn it into a plan.

    Raises:
        BadRequestError: something is too long, too deep, unknown or empty; `detail` says what to change.
    """
    if query.candidates:
        return _candidates(query, limits, as_day(today))
    limit = _limit(query, limits)
    offset = (query.page - 1) * limit
    day = as_day(today)
    scored = _scored(query, limits)
    required: tuple[Node, ...] = ()
    if query.birth_date.strip():
        scored, required = _born(query.birth_date, scored)
    elif scored is None:
        required = (LISTED,)
    dear = two_edits(scored) if scored is not None else frozenset()
    return Plan(
        scored=without(scored, dear) if scored is not None and dear else scored,
        wider=scored if dear else None,
        enough=limits.two_typos_below,
        sure=_sure(query),
        required=required,
        chosen=_chosen(query, day),
        facets=facets(day, limits.facet_size) if query.facets else (),
        sort=_sort(query.sort, scored),
        offset=offset,
        limit=limit,
        page=query.page,
    )


def _candidates(query: SearchQuery, limits: Search, day: int) -> Plan:
    if query.candidates not in CANDIDATES:
        raise BadRequestError('candidates must be "day", "near" or "wide".')
    limit = limits.candidate_limit if query.limit is None else query.limit
    if not 1 <= limit <= limits.candidate_limit:
        raise BadRequestError(f"limit must be between 1 and {limits.candidate_limit} for candidates.")
    asked = (("given", query.given_name), ("family", query.family_name), ("any", query.text))
    born = _partial(query.birth_date).replace("-", "") if query.birth_date.strip() else ""
    number = [_number(query.licence_number, limits)] if query.licence_number.strip() else []
    by_name = []
    if not number or any(names.words(text) for _, text in asked):
        find = {"day": candidates.day, "near": candidates.near, "wide": candidates.wide}[query.candidates]
        by_name = [find(asked, born, limits)]
    return Plan(
        scored=either(*number, *by_name),
        required=(),
        chosen=_chosen(query, day),
        facets=(),
        sort="relevance",
        offset=0,
        limit=limit,
        page=1,
        counted=False,
    )


def _sure(query: SearchQuery) -> float:
    """Return the least score of who bears all the words as written or typed, today or once, and was born on that day.

    Less never adds up to it, of so few words: one that is only begun, or missing, costs more than the best spelling of all others
    brings.
    """
    born = _partial(query.birth_date) if query.birth_date.strip() else ""
    if query.licence_number.strip() or len(born) < len("YYYY-MM-DD"):
        return inf
    found = names.words(f"{query.given_name} {query.text} {query.family_name}")
    count = sum(max(1, len(word.parts)) for word in found)
    # Both ends of the birth date count.
    return wording.TYPED * count + 2 * _BORN_THEN if count <= _MOST_SURE else inf


# Every document about somebody; leaves out what only remembers a deletion.
LISTED = Range("practitioner_id", low=0)


def _limit(query: SearchQuery, limits: Search) -> int:
    limit = limits.default_limit if query.limit is None else query.limit
    if not 1 <= limit <= limits.max_limit:
        raise BadRequestError(f"limit must be between 1 and {limits.max_limit}.")
    if query.page < 1:
        raise BadRequestError("page must be 1 or more.")
    if query.page * limit > limits.max_window:
        raise BadRequestError(
            f"Only the first {limits.max_window} people of an answer can be paged through; "
            "narrow the search with a filter or another name instead."
        )
    return limit


def _sort(sort: str, scored: Node | None) -> Sort:
    match sort:
        case "":
            return "name" if scored is None else "relevance"
        case "relevance" | "name" | "issued":
            return sort
        case _:
            raise BadRequestError(f"sort must be one of: {', '.join(SORTS)}.")


def _chosen(query: SearchQuery, day: int) -> dict[str, Node]:
    chosen = {}
    for one in FILTERS:
        if values := one.parse(getattr(query, one.name)):
            chosen[one.name] = one.node(values, day)
    return chosen


def _scored(query: SearchQuery, limits: Search) -> Node | None:
    asked: list[Node] = []
    used = 0
    for role, name in (("any", query.text), ("given", query.given_name), ("family", query.family_name)):
        if text := name.strip():
            used += _checked_words(text, limits, used)
            asked.append(wording.text_node(text, limits) if role == "any" else _name(text, role, limits))
    if query.licence_number.strip():
        asked.append(_number(query.licence_number, limits))
    if not asked:
        return None
    if query.given_name.strip() and query.family_name.strip():
        found = (*names.words(query.given_name), *names.words(query.family_name))
        return Sum(tuple(asked), len(asked), bonus=(wording.whole_name(found, wording.WHOLE),))
    return asked[0] if len(asked) == 1 else every(*asked)


def _name(text: str, role: str, limits: Search) -> Node:
    return wording.name_node(names.words(text), "given" if role == "given" else "family", limits)


def _checked_words(text: str, limits: Search, used: int) -> int:
    if len(text) > limits.max_query_length:
        raise BadRequestError(f"The search is too long: write at most {limits.max_query_length} characters.")
    count = sum(max(1, len(word.parts)) for word in names.words(text))
    if not count:
        raise BadRequestError("Write a name or a number: the search holds neither a letter nor a digit.")
    if used + count > limits.max_query_terms:
        raise BadRequestError(f"The search has too many words: write at most {limits.max_query_terms}.")
    return count


def _number(text: str, limits: Search) -> Term:
    folded = fold_number(text)
    if not any(map(str.isalnum, folded)):
        raise BadRequestError(
            "The licence number holds neither a letter nor a digit; write it as on the licence."
        )
    if len(folded) > min(limits.max_query_length, names.MAX_WORD):
        raise BadRequestError(f"The licence number is too long: write at most {names.MAX_WORD} characters.")
    return Term("number", folded, wording.NUMBER)


def _born(text: str, scored: Node | None) -> tuple[Node | None, tuple[Node, ...]]:
    """Leave out who was certainly born at another time, and lift who was certainly or possibly born then."""
    partial = _partial(text)
    first, last = as_day(dates.earliest(partial)), as_day(dates.latest(partial))
    fits = (
        Range("birth_from", high=last, weight=_BORN_THEN),
        Range("birth_to", low=first, weight=_BORN_THEN),
    )
    if scored is None:
        return None, (every(*fits),)
    elsewhen = (Range("birth_from", low=last + 1), Range("birth_to", high=first - 1))
    return Sum((scored,), 1, bonus=(every(*fits),)), (Sum((), 0, excluded=elsewhen),)


def _partial(text: str) -> str:
    try:
        return dates.parse_compact(text)
    except ValueError as error:
        raise BadRequestError(f"The birth date can't be read: {error}.") from error
