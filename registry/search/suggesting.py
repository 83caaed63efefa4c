"""Suggestions while typing, and "did you mean": names that people in the index share, never a single person's.

Both are answered without an access-log line, since they are no search. So they must tell nothing that a search is logged
for: a name is only ever suggested when at least `search.suggest_min_people` people in the index bear all of its words
together, at the moment of asking. The frequencies in SQL (`registry.records.name_counts`) only say what to try and how it
is spelt; the index, in which no protected person stands, says whether it is shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from registry import names
from registry.names import Word
from registry.records.name_counts import KINDS, Kind, NameCounts
from registry.search.nearest import nearest
from registry.search.port import SearchEngine, SearchPage
from registry.search.query import SearchQuery
from registry.search.tree import Node, Terms, every
from registry.search.wording import IN_ORDER, SOUND, WHOLE, WRITTEN
from registry.settings import Search

# People counted exactly; beyond, documents do to tell which name is the commoner one.
_COUNTED = 50
_SHORTEST = 2  # letters of the last word; one begins a tenth of the register


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggest:
    """What has been typed so far.

    Attributes:
        text: as in `SearchQuery.text`; its last word is completed.
        limit: None for `search.suggest_limit`, which is the most there are.
    """

    text: str
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What might be meant.

    Attributes:
        text: all the words, as most people write them.
        kind: what the last word is: "given" or "family".
        people: how many bear it; beyond some tens a few more than there are.
    """

    text: str
    kind: Kind
    people: int


def suggest(
    engine: SearchEngine, counts: NameCounts, asked: Suggest, limits: Search
) -> tuple[Suggestion, ...]:
    """Complete the last word: the names that most people bear come first.

    Whatever is typed, it is looked up at most `search.suggest_tried` times in one request; what can't be a name (too
    long, too many words, digits) has no suggestions and is no error.

    Raises:
        SearchUnavailableError: as `SearchEngine.search`.
    """
    words = _words(asked.text, limits)
    if not words or not asked.text[-1:].strip() or len(words[-1].typed[0]) < _SHORTEST:
        return ()
    *before, last = words
    limit = min(asked.limit or limits.suggest_limit, limits.suggest_limit)
    begins = {
        (kind, key): people
        for kind in KINDS
        for start in last.typed
        for key, people in counts.starting(kind, start, limits.suggest_tried)
    }
    tried = sorted(begins, key=lambda one: (-begins[one], one))[: limits.suggest_tried]
    base = every(*map(_bears, before)) if before else None
    found = engine.tally(base, [Terms(kind, (key,)) for kind, key in tried], _COUNTED)
    shown: dict[str, Suggestion] = {}
    start_text = "".join(f"{counts.written(word)} " for word in before)
    for (kind, key), people in sorted(zip(tried, found, strict=True), key=lambda one: (-one[1], one[0])):
        if people >= max(1, limits.suggest_min_people):
            text = start_text + counts.display(kind, key)
            shown.setdefault(text, Suggestion(text, kind, people))
    return tuple(shown.values())[: max(0, limit)]


def search(
    engine: SearchEngine, counts: NameCounts, query: SearchQuery, limits: Search, today: date
) -> SearchPage:
    """Search, and where nobody was found as asked, say what else might have been meant.

    Raises:
        BadRequestError, SearchUnavailableError: as `SearchEngine.search`.
    """
    page = engine.search(query, today)
    text = query.text.strip()
    if not text or query.page > 1 or query.candidates or not _only_alike(page, text):
        return page
    return replace(page, did_you_mean=did_you_mean(engine, counts, text, limits))


def did_you_mean(engine: SearchEngine, counts: NameCounts, text: str, limits: Search) -> str:
    """Return the nearest words that at least `search.suggest_min_people` people bear together, "" if there are none."""
    words = _words(text, limits)
    if not words or not counts.people:
        return ""
    choices = [_choices(word, counts) for word in words]
    tried = _combined(choices, limits.suggest_tried)
    if not tried:
        return ""
    found = engine.tally(None, [every(*(Terms("names", (key,)) for key in keys)) for keys in tried], _COUNTED)
    for keys, people in zip(tried, found, strict=True):
        if people >= max(1, limits.suggest_min_people):
            return " ".join(counts.any_display(key) for key in keys)
    return ""


def _words(text: str, limits: Search) -> tuple[Word, ...]:
    if len(text) > limits.max_query_length:
        return ()
    found = names.words(text.strip())
    is_name = len(found) <= limits.max_query_terms and not any(
        letter.isdigit() for word in found for letter in word.written
    )
    return found if is_name else ()


def _bears(word: Word) -> Node:
    return Terms("names", word.typed)


def _only_alike(page: SearchPage, text: str) -> bool:
    """Tell whether nobody was found by the words as they stand, or their beginnings."""
    # No more than this is reached with a word that only sounds so. Less may be as asked too (three words of a former name);
    # then every word is borne by people, and nothing else is meant.
    most = WRITTEN * (len(names.words(text)) - 1) + SOUND + IN_ORDER * 2 + WHOLE
    return not page.hits or 0 < page.hits[0].score <= most


def _choices(word: Word, counts: NameCounts) -> list[tuple[int, str]]:
    """Return what a word might be, each with how far off it is; a word that people bear stays as it is."""
    for key in word.typed:
        if counts.bearers(key):
            return [(0, key)]
    return nearest(word.typed[0], counts)


def _combined(choices: Sequence[Sequence[tuple[int, str]]], most: int) -> list[tuple[str, ...]]:
    """Return whole names by how far they are off, at most so many at each step; none if nothing differs."""
    found: list[tuple[int, tuple[str, ...]]] = [(0, ())]
    for some in choices:
        longer = [(off + further, (*keys, key)) for off, keys in found for further, key in some]
        found = sorted(longer, key=lambda one: one[0])[:most]
    return [keys for off, keys in found if off]
