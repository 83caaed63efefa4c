"""Staff lists and their results as the templates show them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from flask import url_for

from registry.checks.lists.files import result_of
from registry.checks.lists.handling import StaffList
from registry.checks.lists.results import ATTENTION, RESULTS, Result, Values
from registry.web.pages.common import purpose_label
from registry.web.pages.language import Language
from registry.web.pages.views import Viewer

Mark = Literal["yes", "no", "ask", "absent", "several", "warning"]
# Each result has a shape and a word of its own; the first three also a colour.
MARKS: Mapping[Result, Mark] = {
    "foundYes": "yes",
    "foundNo": "no",
    "foundAsk": "ask",
    "notFound": "absent",
    "ambiguous": "several",
    "couldNotCheck": "warning",
}
KINDS: tuple[Mark, ...] = get_args(Mark)
# Filters of the results beside each result by itself.
ALL, NEEDS_ATTENTION = "all", "attention"


@dataclass(frozen=True, slots=True)
class ListView:
    """A staff list in a few words: `name` is its file's name or its reference, `share` how much is done, 0 to 100."""

    id: str
    url: str
    name: str
    state: str
    facts: tuple[tuple[str, str], ...]
    progress: str
    rows: int
    done: int
    retryable: int
    sent: str
    expires: str
    error: bool


@dataclass(frozen=True, slots=True)
class FilterView:
    """One filter of the results: an icon ("" for none), a word, how many rows, and where it leads."""

    mark: str
    label: str
    count: str
    url: str
    current: bool


@dataclass(frozen=True, slots=True)
class RowErrorView:
    """What is wrong with a cell: its column's header ("" = the row), and what to do; `foreign` where that is English."""

    column: str
    text: str
    foreign: bool


@dataclass(frozen=True, slots=True)
class RowView:
    """What became of a row."""

    number: str
    reference: str
    mark: Mark
    label: str
    name: str
    url: str
    birth_year: str
    day: str
    licences: tuple[str, ...]
    reasons: tuple[str, ...]
    errors: tuple[RowErrorView, ...]


def list_view(found: StaffList, view: Viewer) -> ListView:
    """Write a list."""
    language, frame = view.language, found.frame
    text, number = language.text, language.number
    facts = (
        (text("list.file"), frame["fileName"]),
        (text("check.reference"), found.reference),
        (text("list.id"), found.id),
        (text("check.purpose"), purpose_label(found.purpose, language)),
        (text("list.profession"), _profession(frame["profession"], view)),
        (text("list.authority"), view.authority(frame["authority"]) if frame["authority"] else ""),
        (text("check.on-date"), language.day(frame["onDate"]) if frame["onDate"] else ""),
        (text("list.day"), language.day(frame["day"]) if frame["columns"] is not None else ""),
        (text("list.rules"), frame["ruleVersion"]),
        (text("list.sent"), language.moment(found.created_at, view.zone)),
        (text("list.ended"), language.moment(found.ended_at, view.zone) if found.ended_at else ""),
        (text("list.rows"), number(found.rows)),
        (text("list.expires"), language.moment(found.expires_at, view.zone)),
    )
    return ListView(
        id=found.id,
        url=url_for("pages.staff_list", list_id=found.id),
        name=frame["fileName"] or found.reference or text("list.nameless"),
        state=text(f"list.state-{found.state}"),
        facts=tuple(fact for fact in facts if fact[1]),
        progress=progress_text(found, language),
        rows=found.rows,
        done=found.done,
        retryable=found.retryable,
        sent=language.moment(found.created_at, view.zone),
        expires=language.moment(found.expires_at, view.zone),
        error=found.state == "failed",
    )


def _profession(code: str, view: Viewer) -> str:
    return view.vocabulary.profession_label(code, view.language.code) if code else ""


def progress_text(found: StaffList, language: Language) -> str:
    """Say how far a list has come."""
    if found.state == "accepted" and not found.done:
        return language.text("list.waits")
    done = found.done
    if found.state in {"cancelled", "failed"}:
        # Rows that were left have their result too, which is that they were not checked.
        done -= found.counts.get("couldNotCheck", 0)
    return language.text("list.progress", done=language.number(done), rows=language.number(found.rows))


def wanted(show: str, found: StaffList) -> tuple[str, list[Result] | None]:
    """Return which filter is chosen, and the results it lets through (None: all).

    What needs attention comes first, where there is anything; a filter that there is not is as if none were chosen.
    """
    if by_name := next((each for each in RESULTS if _name(each) == show), None):
        return show, [by_name]
    if show == ALL or (show != NEEDS_ATTENTION and not _sum(found, ATTENTION)):
        return ALL, None
    return NEEDS_ATTENTION, list(ATTENTION)


def filters(found: StaffList, chosen: str, language: Language) -> list[FilterView]:
    """Write the filters with their counts; what no row has is left out, but for the two that are always there."""
    text = language.text
    several = [
        (NEEDS_ATTENTION, "", text("list.attention"), _sum(found, ATTENTION)),
        (ALL, "", text("list.all"), _sum(found, RESULTS)),
    ]
    several += [
        (_name(each), MARKS[each], text(f"list.result-{MARKS[each]}"), count)
        for each in RESULTS
        if (count := found.counts.get(each, 0))
    ]
    return [
        FilterView(mark, label, language.number(count), results_url(found.id, name), name == chosen)
        for name, mark, label, count in several
    ]


def results_url(list_id: str, show: str, number: int = 1) -> str:
    """Return the address of a page of results."""
    return url_for("pages.staff_list", list_id=list_id, show=show, page=number if number > 1 else None)


def counts(found: StaffList, language: Language) -> list[tuple[Mark, str, str]]:
    """Write how many rows have which result, all six of them: icon, word, count."""
    return [
        (MARKS[each], language.text(f"list.result-{MARKS[each]}"), language.number(found.counts.get(each, 0)))
        for each in RESULTS
    ]


def row_view(row: Values, purpose: str, language: Language, *, linked: bool) -> RowView:
    """Write a row of results.

    Args:
        row: as `registry.checks.lists.results` describes it.
        purpose: of the list, for the page of the person.
        language: to write in.
        linked: the reader may open the page of a person.
    """
    mark = MARKS[result_of(row)]
    person = row["practitioner"] or {}
    url = ""
    if person and linked:
        url = url_for("pages.practitioner", public_id=person["id"], purpose=purpose)
    return RowView(
        number=language.number(row["row"]),
        reference=row["reference"],
        mark=mark,
        label=language.text(f"list.result-{mark}"),
        name=(person.get("name") or language.text("person.nameless")) if person else "",
        url=url,
        birth_year=person.get("birthYear") or "",
        day=language.day(row["onDate"]) if row["onDate"] else "",
        licences=tuple(_licence(each, language) for each in row["licences"]),
        reasons=tuple(dict.fromkeys(each["text"][language.code] for each in row["reasons"])),
        errors=tuple(_error(each, language) for each in row["errors"]),
    )


def _licence(licence: Mapping[str, Any], language: Language) -> str:
    parts = (licence["profession"]["name"][language.code], licence["number"])
    return ", ".join(part for part in parts if part)


def _error(error: Mapping[str, str], language: Language) -> RowErrorView:
    own = language.known(f"row-error.{error['code']}", "")
    return RowErrorView(_column(error["column"], language), own or error["detail"], foreign=not own)


def _column(column: str, language: Language) -> str:
    """Write a column: its header as it stands, or our word for what it tells where it has none."""
    return language.known(f"field.{column}", column)


def _name(result: Result) -> str:
    return MARKS[result]


def _sum(found: StaffList, results: tuple[Result, ...]) -> int:
    return sum(found.counts.get(each, 0) for each in results)
