"""What the registry has known of a person's licences, from when to when, and what held on a day as known then.

Two times: when a fact held in the world, as far as the authority dates it, and when this registry knew it. The second is
told by runs: a version is known from the moment its run began (`feed_run.started_at`) until, but not at, the moment the
run began that said otherwise: the interval is half-open. Runs count in the order of their ids, whatever the clocks of the
machines said; a version that another replaced at the same moment was known at no moment, and the later one is what was
known then. A run that is rolled back appends versions like any other, so history needs no case for it; the versions it
had brought are marked `undone`.

Whose licences they are is today's knowledge: when records have been joined, both histories are the person's.

None of this is on the hot path: answers about today read `records.read`, which never joins the versions.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from itertools import groupby
from typing import Any, Literal

import msgspec
import sqlalchemy as sa

from registry.dates import earliest, latest
from registry.records import tables as t
from registry.records.facts import LicenceFacts, RestrictionFacts, Status
from registry.records.read import Licence, as_utc

# Where a day lies to what a pair of partial dates says: `perhaps` where they leave it open, or nothing is known.
Term = Literal["not-begun", "in-force", "ended", "perhaps"]

_DECODER = msgspec.json.Decoder(LicenceFacts)
_FROM, _TO = t.feed_run.alias("run_from"), t.feed_run.alias("run_to")
_VERSIONS = (
    sa.select(
        t.licence_version,
        t.licence.c.feed_id,
        t.licence.c.authority_id,
        _FROM.c.started_at.label("known_from"),
        _FROM.c.undone_run_id.label("undone"),
        _TO.c.started_at.label("known_to"),
    )
    .join(t.licence, t.licence.c.id == t.licence_version.c.licence_id)
    .join(_FROM, _FROM.c.id == t.licence_version.c.known_from_run_id)
    .outerjoin(_TO, _TO.c.id == t.licence_version.c.known_to_run_id)
    .where(t.licence.c.practitioner_id == sa.bindparam("practitioner_id"))
    # One run may close a version and append another; the row's own number then tells which came later.
    .order_by(t.licence_version.c.licence_id, t.licence_version.c.known_from_run_id, t.licence_version.c.id)
)


@dataclass(frozen=True, slots=True)
class LicenceVersion:
    """What was known of one licence for some time.

    Attributes:
        run_id: the run that brought it.
        known_from, known_to: the half-open interval [from, to) in which it was known (UTC); to None = still.
        gone: the feed no longer held the licence; `facts` are the last known.
        undone: the run that brought it has been rolled back: it should not have been known.
    """

    licence_id: int
    feed_id: str
    authority_id: str
    run_id: int
    known_from: datetime
    known_to: datetime | None
    gone: bool
    undone: bool
    facts: LicenceFacts

    def known_at(self, moment: datetime) -> bool:
        """Tell whether this was what the registry knew at a moment."""
        return self.known_from <= moment and (self.known_to is None or moment < self.known_to)


@dataclass(frozen=True, slots=True)
class HeldRestriction:
    """A restriction that held on the day; not `certain` where its dates leave that open."""

    facts: RestrictionFacts
    certain: bool


@dataclass(frozen=True, slots=True)
class HeldLicence:
    """What held of one licence on a day, as known at a moment.

    Attributes:
        known: the version known at the moment: it dates the licence and its restrictions.
        stood: the version that stood at the end of the day, of those known at the moment; None when the registry knew
            nothing of the licence then.
        term: whether the licence had begun and not ended, by its dates.
        status: the authority's status, which carries no date: that of `stood`; None when nothing stood.
        restrictions: those in force on the day. The latest word counts: a restriction that has since been dated
            otherwise counts by its new dates, one that is no longer listed by the dates it stood with.
    """

    known: LicenceVersion
    stood: LicenceVersion | None
    term: Term
    status: Status | None
    restrictions: tuple[HeldRestriction, ...]


def licence_history(connection: sa.Connection, practitioner_id: int) -> list[LicenceVersion]:
    """Read every version of every licence of a person, by licence, then in the order in which they were known."""
    rows = connection.execute(_VERSIONS, {"practitioner_id": practitioner_id})
    return [version for _, some in groupby(rows, lambda row: row.licence_id) for version in _in_order(some)]


def _in_order(rows: Iterable[sa.Row[Any]]) -> Iterator[LicenceVersion]:
    """Give the versions of one licence, each ending where the next begins."""
    versions = list(rows)
    moments: list[datetime] = []
    for row in versions:
        began = as_utc(row.known_from)
        # A machine whose clock is behind must not make two versions known at once.
        moments.append(max(began, moments[-1]) if moments else began)
    for number, row in enumerate(versions):
        if number + 1 < len(versions):
            known_to: datetime | None = moments[number + 1]
        else:
            known_to = max(as_utc(row.known_to), moments[number]) if row.known_to else None
        yield LicenceVersion(
            licence_id=row.licence_id,
            feed_id=row.feed_id,
            authority_id=row.authority_id,
            run_id=row.known_from_run_id,
            known_from=moments[number],
            known_to=known_to,
            gone=row.gone,
            undone=row.undone is not None,
            facts=_DECODER.decode(row.facts),
        )


def known_at(connection: sa.Connection, practitioner_id: int, known: datetime) -> list[Licence]:
    """Return a person's licences as the registry knew them at a moment, in the order of their ids.

    Each is `known_since` the beginning of the version that was known then. What waited for review then is not kept, so
    `held` is False.
    """
    return [
        Licence(
            id=version.licence_id,
            facts=version.facts,
            feed_id=version.feed_id,
            authority_id=version.authority_id,
            gone=version.gone,
            known_since=version.known_from,
        )
        for version in licence_history(connection, practitioner_id)
        if version.known_at(known)
    ]


def held_on(
    versions: Sequence[LicenceVersion], on: date, known: datetime | None = None, zone: tzinfo = UTC
) -> list[HeldLicence]:
    """Tell what held on a day as known at a moment, for every licence known then.

    It tells what the authority's words amount to; whether the person might practise is for `registry.verification`.

    Args:
        versions: as `licence_history` gives them.
        on: the day in the world.
        known: the moment of knowledge, None for now: facts that came later are not looked at.
        zone: where the days of moments are counted (`service.time_zone`).
    """
    found = []
    for _, some in groupby(versions, lambda version: version.licence_id):
        by_then = [each for each in some if known is None or each.known_from <= known]
        # Of several that began at the same moment the last counts, so the last of all is what was known.
        ended = by_then[-1].known_to if by_then else None
        if by_then and (ended is None or (known is not None and known < ended)):
            found.append(_held(by_then, on, zone))
    return found


def _held(by_then: Sequence[LicenceVersion], on: date, zone: tzinfo) -> HeldLicence:
    known = by_then[-1]
    stood = next((v for v in reversed(by_then) if v.known_from.astimezone(zone).date() <= on), None)
    return HeldLicence(
        known=known,
        stood=stood,
        term=_term(by_then, on),
        status=stood.facts.status if stood else None,
        restrictions=tuple(_restrictions(known, stood, on)),
    )


def _term(by_then: Sequence[LicenceVersion], on: date) -> Term:
    """Tell whether the licence was in force by its dates.

    A renewal replaces the dates of the term before it; a day before it is judged by the latest term that had begun.
    """
    issued = by_then[-1].facts.issued
    if issued and on < earliest(issued):
        return "not-begun"
    for version in reversed(by_then):
        facts = version.facts
        if not (facts.valid_from and on < earliest(facts.valid_from)):
            return _on(facts.valid_from or facts.issued, facts.valid_to, on)
    return "perhaps"


def _on(first: str | None, last: str | None, day: date) -> Term:
    """Tell where a day lies to a first and a last day, which are partial dates and inclusive; None = open."""
    if first and day < earliest(first):
        return "not-begun"
    if last and day > latest(last):
        return "ended"
    open_start = first is not None and day < latest(first)
    open_end = last is not None and day > earliest(last)
    return "perhaps" if open_start or open_end else "in-force"


def _restrictions(known: LicenceVersion, stood: LicenceVersion | None, on: date) -> Iterator[HeldRestriction]:
    then = stood.facts.restrictions if stood else ()
    for each in known.facts.restrictions:
        where = _on(each.valid_from, each.valid_to, on)
        # Without a first day it held since we knew of it; whether before is not told.
        dated = each.valid_from is not None or any(_same(each, other) for other in then)
        if where in {"in-force", "perhaps"}:
            yield HeldRestriction(each, certain=where == "in-force" and dated)
    for each in then:
        if any(_same(each, other) for other in known.facts.restrictions):
            continue
        where = _on(each.valid_from, each.valid_to, on)
        if where in {"in-force", "perhaps"}:
            yield HeldRestriction(each, certain=where == "in-force")


def _same(one: RestrictionFacts, other: RestrictionFacts) -> bool:
    """Tell whether two versions speak of the same restriction, dated alike or not."""
    return (one.kind, one.code) == (other.kind, other.code)
