"""What the registry has known of a person's licences, as their own page shows it."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from registry.records.history import LicenceVersion
from registry.web.pages.views import RestrictionView, Viewer


@dataclass(frozen=True, slots=True)
class VersionView:
    """What was known for some time."""

    known: str
    status: str
    raw_status: str
    number: str
    period: str
    restrictions: tuple[RestrictionView, ...]
    gone: bool
    undone: bool


@dataclass(frozen=True, slots=True)
class HistoryView:
    """One licence and what was known of it, the newest first."""

    profession: str
    authority: str
    versions: tuple[VersionView, ...]


def history_views(versions: Iterable[LicenceVersion], view: Viewer) -> list[HistoryView]:
    """Write the history of each licence."""
    found = []
    for _, some in groupby(versions, lambda version: version.licence_id):
        newest_first = list(some)[::-1]
        found.append(
            HistoryView(
                profession=view.profession(newest_first[0].facts),
                authority=view.authority(newest_first[0].authority_id),
                versions=tuple(_version(each, view) for each in newest_first),
            )
        )
    return found


def _version(one: LicenceVersion, view: Viewer) -> VersionView:
    language, facts = view.language, one.facts
    start = language.moment(one.known_from, view.zone)
    known = (
        language.text("history.known", start=start, end=language.moment(one.known_to, view.zone))
        if one.known_to
        else language.text("history.known-still", start=start)
    )
    return VersionView(
        known=known,
        status=view.vocabulary.status_label(facts.status, language.code),
        raw_status=facts.raw_status,
        number=facts.number,
        period=view.period(facts.valid_from or facts.issued, facts.valid_to),
        restrictions=tuple(view.restriction(each) for each in facts.restrictions),
        gone=one.gone,
        undone=one.undone,
    )
