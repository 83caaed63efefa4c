"""The one way from a question to a listed answer, for API and pages.

A question is a box, or fields of its own, or both. The engine (or for a number SQL truth) says who may be meant and in what
order; the first of them are compared one by one and put in order; SQL truth says who of them may be listed and what is
shown. Whoever became protected, was merged or is gone since the index was written is neither shown nor counted.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa

from registry import names
from registry.database import reading
from registry.errors import BadRequestError, PersonalNumberInUrlError
from registry.identifiers import fold_number
from registry.matching.match import Match
from registry.matching.notes import Note
from registry.matching.question import Question
from registry.records import listed
from registry.records.index_state import oldest_pending_at
from registry.records.listed import ListedLicence, ListedPerson
from registry.records.read import Feed
from registry.search import suggesting
from registry.search.box import Understood, understand
from registry.search.by_number import search_by_number
from registry.search.port import FacetValue, Hit, SearchPage
from registry.search.query import SearchQuery
from registry.search.tree import Terms, either
from registry.settings import Search
from registry.web import finding_advice
from registry.web.context import Context
from registry.web.finding_advice import (
    ALSO_PROFESSION,
    AS_NAME,
    NUMBER_UNKNOWN,
    Advice,
    Empty,
    number_as_date,
)
from registry.web.finding_order import Compared, Comparer, meant, question_of
from registry.web.personal_numbers import is_personal_number_inside

__all__ = ["Advice", "Empty", "Found", "FoundPerson", "find"]


@dataclass(frozen=True, slots=True)
class FoundPerson:
    """One person of an answer.

    Attributes:
        person: as SQL has them; only who may be listed.
        licences: theirs, in the order in which they became known.
        document: id of the index document through which they were found (`l` and a licence's id, or `p` and theirs).
        match: how well name, number and birth date agree and why; None where nothing of that kind was asked, or past the
            first people, which alone are compared. Its notes may stand in a list: none tells a birth date.
    """

    person: ListedPerson
    licences: tuple[ListedLicence, ...]
    document: str
    match: Match | None


@dataclass(frozen=True, slots=True)
class Found:
    """One page of an answer.

    Attributes:
        people: in order.
        total: how many there are in all, of whom nobody is protected, merged or gone.
        facets: per filter name.
        page, limit: which page this is, and people a page.
        did_you_mean: other words that would find somebody, "" for none.
        understood: what the box was understood as; None where no box was used.
        remarks: where the answer is to another reading than that, which and why.
        query: what was asked in the end.
        number: the licence number that was looked up, "" for none.
        feeds: every feed by id, as of a second ago.
        pending: when the oldest change that the index does not hold yet was made (UTC); None: it holds all.
        empty: what was searched and what to try; only where nobody was found.
    """

    people: tuple[FoundPerson, ...]
    total: int
    total_is_exact: bool
    facets: Mapping[str, tuple[FacetValue, ...]]
    page: int
    limit: int
    did_you_mean: str
    understood: Understood | None
    remarks: tuple[Note, ...]
    query: SearchQuery
    number: str
    feeds: Mapping[str, Feed]
    pending: datetime | None
    empty: Empty | None


@dataclass(frozen=True, slots=True)
class _Reading:
    """One reading of a question.

    Attributes:
        query: what is searched for.
        told: what people are compared with: also what did not narrow the search.
        number: the licence number to look up in SQL truth, "" for none.
        remarks: why it is not the first reading.
    """

    query: SearchQuery
    told: SearchQuery
    number: str = ""
    remarks: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a reading gave.

    Attributes:
        page: of the engine.
        shown: this page's people in order, and how they compare.
        missing: how many the engine gave that may not be listed.
        best: of all who were compared, in order.
    """

    reading: _Reading
    page: SearchPage
    shown: tuple[tuple[ListedPerson, Hit, Compared | None], ...]
    missing: int
    best: tuple[Compared, ...] = ()


def find(ours: Context, query: SearchQuery, *, box: str = "") -> Found:
    """Answer a search.

    Args:
        ours: the app's.
        query: filters, sort, page and limit, and names, number and birth date where they were given apart.
        box: text of the one box; what it holds is added to `query`, where the same is not given apart.

    Raises:
        BadRequestError: the search is not as it must be; says what to change.
        PersonalNumberInUrlError: the box holds a personal identity number, written so that it was not seen before.
        SearchUnavailableError: a search by name while the engine is down.
    """
    understood = _understood(ours, box) if box else None
    with reading(ours.truth).connect() as connection:
        first: _Answer | None = None
        for each in _readings(ours, query, understood):
            answer = _ask(ours, connection, each)
            if answer.shown or answer.page.total > answer.missing:
                return _found(ours, connection, understood, answer)
            first = first or answer
        assert first is not None, "there is always one reading"
        return _found(ours, connection, understood, first)


def _understood(ours: Context, box: str) -> Understood:
    most = ours.settings.search.max_query_length
    if len(box) > most:
        raise BadRequestError(f"The search is too long: write at most {most} characters.")
    understood = understand(box, ours.vocabulary, ours.today())
    if not any((understood.name, understood.birth_date, understood.numbers, understood.professions)):
        # Without a question everybody would be the answer.
        raise BadRequestError("Write a name or a number: the search holds neither a letter nor a digit.")
    for number in understood.numbers:
        # Dots and dashes in odd places hide a personal identity number from those who looked before.
        if is_personal_number_inside(fold_number(number)):
            raise PersonalNumberInUrlError("The search holds what looks like a personal identity number.")
    return understood


def _readings(ours: Context, query: SearchQuery, understood: Understood | None) -> Iterator[_Reading]:
    """Give the ways to read a question, the likeliest first; the first that finds somebody counts."""
    if understood is None:
        yield _Reading(query, query, query.licence_number)
        return
    merged = replace(
        query,
        text=" ".join(part for part in (query.text.strip(), understood.name) if part),
        birth_date=query.birth_date or understood.birth_date,
        # What was chosen counts: the facets show what choosing another value would give.
        profession=query.profession or understood.professions,
    )
    if query.licence_number:
        yield _Reading(merged, merged, query.licence_number)
        return
    as_name = replace(
        merged,
        text=" ".join(part for part in (merged.text, understood.profession_words) if part),
        profession=query.profession,
    )
    if understood.professions and not _asks_more(merged) and _is_borne(ours, understood.profession_words):
        yield _Reading(as_name, as_name, remarks=(ALSO_PROFESSION,))
    for number in understood.numbers:
        # The number says who it is; whether the rest agrees is told, not demanded.
        alone = replace(merged, text="", birth_date="", profession=query.profession, licence_number=number)
        yield _Reading(alone, merged, number)
    if born := understood.short_date:
        dated = replace(merged, birth_date=query.birth_date or born)
        yield _Reading(dated, dated, remarks=(number_as_date(born),))
    if not understood.numbers:
        yield _Reading(merged, merged)
    elif _asks_more(merged) or merged.profession:
        yield _Reading(merged, merged, remarks=(NUMBER_UNKNOWN,))
    if understood.professions:
        yield _Reading(as_name, as_name, remarks=(AS_NAME,))


def _asks_more(query: SearchQuery) -> bool:
    """Tell whether anything is asked beside the profession and what was chosen."""
    return any((query.text.strip(), query.given_name.strip(), query.family_name.strip(), query.birth_date))


def _is_borne(ours: Context, text: str) -> bool:
    """Tell whether anybody bears a word that is also a profession's."""
    found = names.words(text)
    if len(found) != 1:
        return False
    named = either(Terms("names", found[0].typed), Terms("former", found[0].typed))
    return ours.search.tally(None, [named], 1)[0] > 0


def _ask(ours: Context, connection: sa.Connection, reading: _Reading) -> _Answer:
    query, limits = reading.query, ours.settings.search
    question = question_of(reading.told, reading.number)
    early = _window(query, limits)
    window = early if question and not reading.number and _by_relevance(query) else None
    if reading.number:
        page = search_by_number(connection, query, limits, ours.today())
    else:
        wanted = replace(query, page=1, limit=window.size) if window else query
        page = ours.search.search(wanted, ours.today())
        if not page.hits and page.total and query.page > 1:
            # Past the end nobody is shown, but who may not be counted is looked for all the same.
            page, window = ours.search.search(replace(query, page=1), ours.today()), _NOTHING
    people = listed.people(connection, [hit.practitioner_id for hit in page.hits])
    hits = {hit.practitioner_id: hit for hit in page.hits if hit.practitioner_id in people}
    start, stop = (window.start, window.start + window.limit) if window else (0, len(hits))
    compared: dict[int, Compared] = {}
    if question and (reading.number or early):
        some = [people[one] for one in hits][: limits.rescored]
        comparer = _comparer(ours, connection, question, [person.id for person in some])
        compared = comparer.in_order(some, start, stop) if _by_relevance(query) else comparer.as_given(some)
    order = list(dict.fromkeys((*compared, *hits)))
    shown = tuple((people[one], hits[one], compared.get(one)) for one in order[start:stop])
    return _Answer(reading, page, shown, len(page.hits) - len(people), tuple(compared.values()))


@dataclass(frozen=True, slots=True)
class _Window:
    """The first people of an answer, read and put in order together: whole pages, so that nobody stands on two or none."""

    size: int
    start: int
    limit: int


_NOTHING = _Window(0, 0, 0)


def _window(query: SearchQuery, limits: Search) -> _Window | None:
    """Return the window that a page lies in; None for later pages, which are the engine's, and for wrong ones."""
    limit = limits.default_limit if query.limit is None else query.limit
    if not 1 <= limit <= limits.max_limit or query.page < 1:
        return None
    most = min(limits.rescored, limits.max_limit, limits.max_window)
    size = max(most // limit, 1) * limit
    start = (query.page - 1) * limit
    return _Window(size, start, limit) if start < size else None


def _by_relevance(query: SearchQuery) -> bool:
    return query.sort in {"", "relevance"}


def _comparer(ours: Context, connection: sa.Connection, question: Question, ids: Sequence[int]) -> Comparer:
    if not question.licence_number:
        return Comparer(ours.scorer(), question)
    numbers = listed.public_numbers(connection, ids)
    return Comparer(ours.scorer(), question, listed.licences(connection, ids), numbers)


def _found(ours: Context, connection: sa.Connection, understood: Understood | None, answer: _Answer) -> Found:
    reading, page = answer.reading, answer.page
    query, limits = reading.query, ours.settings.search
    licences = listed.licences(connection, [person.id for person, _, _ in answer.shown])
    feeds = ours.feeds.get(connection, (one.feed_id for some in licences.values() for one in some))
    total = max(0, page.total - answer.missing)
    instead = _did_you_mean(ours, answer) if query.page == 1 else ""
    return Found(
        people=tuple(
            FoundPerson(
                person, licences.get(person.id, ()), hit.document, compared.match if compared else None
            )
            for person, hit, compared in answer.shown
        ),
        total=total,
        total_is_exact=page.total_is_exact,
        # With fewer than the engine counted the facets would tell of who is missing.
        facets={} if answer.missing else page.facets,
        page=query.page,
        limit=limits.default_limit if query.limit is None else query.limit,
        did_you_mean=instead,
        understood=understood,
        remarks=reading.remarks,
        query=query,
        number=reading.number,
        feeds=feeds,
        pending=oldest_pending_at(connection),
        empty=None
        if total
        else finding_advice.empty(
            finding_advice.Question(reading.told, reading.number, understood, instead), ours, feeds
        ),
    )


def _did_you_mean(ours: Context, answer: _Answer) -> str:
    text, limits = answer.reading.query.text.strip(), ours.settings.search
    if not text:
        return ""
    if not answer.page.hits:
        return suggesting.did_you_mean(ours.search, ours.names.get(), text, limits)
    return meant(answer.best, ours.names.get(), limits.suggest_min_people)
