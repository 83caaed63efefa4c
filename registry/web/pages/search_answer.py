"""The answer to a search as the page shows it: who was found and why, how it was understood, and what else to try."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import ceil

from flask import url_for

from registry.matching.notes import Note
from registry.records.read import Practitioner
from registry.search.box import Piece
from registry.search.filters import FILTERS, Filter
from registry.search.query import SORTS
from registry.vocabulary import STATUSES
from registry.web.context import context
from registry.web.finding import Advice, Found, FoundPerson
from registry.web.pages.common import Today
from registry.web.pages.match_view import MatchView, match_view
from registry.web.pages.search_form import SearchTyped
from registry.web.pages.views import LicenceView, SourceView, Viewer

# Values of a filter that stand open; more make the filters longer than the answer.
_SHOWN, _FEW = 8, 2


@dataclass(frozen=True, slots=True)
class PersonFound:
    """One person of the list: enough to tell namesakes apart, and why they are in it; no more."""

    name: str
    url: str
    birth_year: str
    other_names: tuple[str, ...]
    match: MatchView | None
    licences: list[LicenceView]


@dataclass(frozen=True, slots=True)
class ValueView:
    """One value of a filter or an order, and where choosing it (or taking it away) leads; `current`: it is chosen."""

    label: str
    url: str
    count: str = ""
    current: bool = False


@dataclass(frozen=True, slots=True)
class FacetView:
    """The values of one filter that can be chosen, the commonest first; `more`: those that stand folded."""

    label: str
    values: tuple[ValueView, ...]
    more: tuple[ValueView, ...]


@dataclass(frozen=True, slots=True)
class AdviceView:
    """What to try; `url` leads to it where it is a search."""

    text: str
    url: str


@dataclass(frozen=True, slots=True)
class EmptyView:
    """About an answer with nobody in it: what was searched, how fresh that is and what to try."""

    searched: tuple[str, ...]
    advice: tuple[AdviceView, ...]
    sources: tuple[SourceView, ...]


@dataclass(frozen=True, slots=True)
class AnswerView:
    """One page of an answer.

    Attributes:
        understood: how the box was understood, "" where all of it is a name.
        as_name_url: where the same is searched as a name, "" where it is.
        meant, meant_url: other words that would find somebody; "" for none.
        waiting: since when changes have not reached the index, "" for none.
    """

    heading: str
    understood: str
    as_name_url: str
    remarks: tuple[str, ...]
    meant: str
    meant_url: str
    people: list[PersonFound]
    sorts: list[ValueView]
    chosen: list[ValueView]
    facets: list[FacetView]
    page: str
    pages: str
    previous_url: str
    next_url: str
    cut_off: bool
    waiting: str
    empty: EmptyView | None


class Writer:
    """Writes one answer in the reader's language.

    Args:
        typed: the search as typed.
        found: its answer.
        people: those of them who may be shown, as read in full.
        today: judges their licences.
    """

    def __init__(
        self, typed: SearchTyped, found: Found, people: Mapping[int, Practitioner], today: Today
    ) -> None:
        self._typed = typed
        self._found = found
        self._people = people
        self._today = today
        self._view = today.view
        self._language = today.view.language

    def answer(self) -> AnswerView:
        """Write it."""
        found, typed, language, limits = self._found, self._typed, self._language, context().settings.search
        total = max(0, found.total - (len(found.people) - len(self._people)))
        last = max(1, ceil(min(total, limits.max_window) / found.limit))
        about = language.text("search.hits.about", number=language.number(total))
        understood = found.understood
        return AnswerView(
            heading=language.count("search.hits", total) if found.total_is_exact else about,
            understood=self._understood(),
            as_name_url=search_url(typed.with_text(understood.literal))
            if understood and understood.reads_letters
            else "",
            remarks=tuple(map(self._say, found.remarks)),
            meant=found.did_you_mean,
            meant_url=search_url(typed.with_text(found.did_you_mean)) if found.did_you_mean else "",
            people=[self._person(each) for each in found.people if each.person.id in self._people],
            sorts=list(self._sorts()) if total > 1 else [],
            chosen=list(self._chosen()),
            facets=list(self._facets()),
            page=language.number(found.page),
            pages=language.number(last),
            previous_url=search_url(typed.on_page(found.page - 1)) if found.page > 1 else "",
            next_url=search_url(typed.on_page(found.page + 1)) if found.page < last else "",
            cut_off=total > limits.max_window and found.page == last,
            waiting=language.moment(found.pending, self._view.zone) if found.pending else "",
            empty=self._empty(),
        )

    def _say(self, text: Note | Piece | Advice) -> str:
        return text.sv if self._language.code == "sv" else text.en

    def _understood(self) -> str:
        """Tell how the box was understood, where it is not just a name."""
        understood = self._found.understood
        if understood is None or not understood.literal:
            return ""
        return ", ".join(_inside(self._say(piece).removesuffix(".")) for piece in understood.pieces)

    def _person(self, each: FoundPerson) -> PersonFound:
        person = self._people[each.person.id]
        text = self._language.text
        return PersonFound(
            name=self._view.name(person),
            url=url_for("pages.practitioner", public_id=person.public_id, purpose=self._typed.purpose),
            birth_year=(person.birth_date or "")[:4],
            other_names=tuple(
                text("person.former", name=name.display()) if name.use == "former" else name.display()
                for name in person.names[1:]
            ),
            match=match_view(each.match, self._language),
            licences=self._today.licences(person),
        )

    def _sorts(self) -> Iterator[ValueView]:
        named = self._found.query.text or self._found.number
        now = self._found.query.sort or ("relevance" if named else "name")
        for sort in SORTS:
            if named or sort != "relevance":
                url = search_url(self._typed.sorted_by(sort))
                yield ValueView(self._language.text(f"search.sort-{sort}"), url, current=sort == now)

    def _chosen(self) -> Iterator[ValueView]:
        for one in FILTERS:
            for value in self._typed.chosen.get(one.parameter, ()):
                url = search_url(self._typed.without_value(one.parameter, value))
                yield ValueView(filter_label(one, value, self._view), url)

    def _facets(self) -> Iterator[FacetView]:
        swedish = self._language.code == "sv"
        for one in FILTERS:
            # A profession that the box was understood as is chosen too.
            taken = {*self._typed.chosen.get(one.parameter, ()), *getattr(self._found.query, one.name)}
            values = tuple(
                ValueView(
                    filter_label(one, each.value, self._view),
                    search_url(self._typed.with_value(one.parameter, each.value)),
                    self._language.number(each.count),
                )
                for each in self._found.facets.get(one.name, ())
                if each.count and each.value not in taken
            )
            if values:
                # A line or two are not worth folding.
                shown = len(values) if len(values) <= _SHOWN + _FEW else _SHOWN
                label = one.label_sv if swedish else one.label_en
                yield FacetView(label, values[:shown], values[shown:])

    def _empty(self) -> EmptyView | None:
        empty = self._found.empty
        if empty is None:
            return None
        return EmptyView(
            searched=tuple(self._say(each) for each in empty.searched),
            advice=tuple(
                AdviceView(self._say(each), self._advice_url(each))
                for each in empty.advice
                # That stands above the answer.
                if each.code != "did-you-mean"
            ),
            sources=self._view.sources(),
        )

    def _advice_url(self, advice: Advice) -> str:
        match advice.code:
            case "without-filters":
                # Without words a search is by its filters.
                return search_url(self._typed.without_filters()) if self._typed.q else ""
            case "check-by-number":
                return url_for("pages_public.start")
        return search_url(self._typed.with_text(advice.q)) if advice.q else ""


def search_url(typed: SearchTyped) -> str:
    """Return the address of a search."""
    return f"{url_for('pages.search')}?{typed.query_string()}"


def filter_label(one: Filter, value: str, view: Viewer) -> str:
    """Return a filter value in the reader's words; the code itself where there are none."""
    words, code = view.vocabulary, view.language.code
    match one.name:
        case "profession":
            return words.profession_label(value, code)
        case "status":
            return next((words.status_label(s, code) for s in STATUSES if s == value), value)
        case "authority":
            return view.authority(value)
    return value


def _inside(sentence: str) -> str:
    """Return a sentence as it stands inside another."""
    return sentence if sentence[1:2].isupper() else sentence[:1].lower() + sentence[1:]
