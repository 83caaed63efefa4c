"""What the registry has known of a person's licences, from when to when, and what held on a day as known then.

Two times: when a fact held in the world, as far as the authority dates it, and when this registry knew it. The second is
told by runs: a version is known from the moment its run began (`feed_run.started_at`) until, but not at, the moment the
run began that said otherwise: the interval is half-open. Runs count in the order of their ids, whatever the clocks of the
machines said; a version that another replaced at the same moment was known at no moment, and the later one is what was
known then. A run that is rolled back appends versions like any other, so history needs no case for it; the versions it
had brought are marked `undone`.

A run commits all it has found as it ends, so that answers have told a version since `told_from`, minutes after `known_from`.

Whose licences they are is today's knowledge: when records have been joined, both histories are the person's.

None of this is on the hot path: answers about today read `records.read`, which never joins the versions.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from itertools import groupby
from operator import itemgetter
from typing import Literal

import msgspec
import sqlalchemy as sa

from registry.dates import earliest, latest
from registry.records import tables as t
from registry.records.facts import LicenceFacts, RestrictionFacts, Status
from registry.records.read import Licence
from registry.records.rows import ByKeys, Row, instant

# Where a day lies to what a pair of partial dates says: `perhaps` where they leave it open, or nothing is known.
Term = Literal["not-begun", "in-force", "ended", "perhaps"]
# What a later version says of a restriction: nothing (it lists none of its kind), that the same decision is dated otherwise,
# or perhaps that: it lists one of another first day, which may be another decision.
Told = Literal["nothing", "otherwise", "perhaps"]

# Where in a row of `_VERSIONS` stands when its run began.
_BEGAN = 8
_DECODER = msgspec.json.Decoder(LicenceFacts)
_FROM, _TO, _UNDONE = (t.feed_run.alias(name) for name in ("run_from", "run_to", "undone"))
_VERSIONS = ByKeys(
    t.licence.c.practitioner_id,
    sa.select(
        t.licence_version.c.licence_id,
        t.licence.c.practitioner_id,
        t.licence.c.feed_id,
        t.licence.c.authority_id,
        t.licence.c.source_record_id,
        t.licence_version.c.known_from_run_id,
        t.licence_version.c.gone,
        t.licence_version.c.facts,
        _FROM.c.started_at,
        _FROM.c.finished_at,
        _FROM.c.stamp,
        _FROM.c.undone_run_id,
        _UNDONE.c.finished_at,
        _TO.c.started_at,
    )
    .join(t.licence, t.licence.c.id == t.licence_version.c.licence_id)
    .join(_FROM, _FROM.c.id == t.licence_version.c.known_from_run_id)
    .outerjoin(_UNDONE, _UNDONE.c.id == _FROM.c.undone_run_id)
    .outerjoin(_TO, _TO.c.id == t.licence_version.c.known_to_run_id)
    # One run may close a version and append another; the row's own number then tells which came later.
    .order_by(t.licence_version.c.licence_id, t.licence_version.c.known_from_run_id, t.licence_version.c.id),
)


@dataclass(frozen=True, slots=True)
class LicenceVersion:
    """What was known of one licence for some time.

    Attributes:
        run_id: the run that brought it.
        known_from, known_to: the half-open interval [from, to) in which it was known (UTC); to None = still.
        gone: the feed no longer held the licence; `facts` are the last known.
        undone: the run that brought it has been rolled back: it should not have been known.
        told_from: when the run that brought it had ended (UTC): answers have told it since then.
        undone_at: when it had been rolled back (UTC).
        stamp: the feed's own "as of" of the run (RFC 3339), where it gives one.
        source_record_id: the record it was read from.
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
    told_from: datetime | None = None
    undone_at: datetime | None = None
    stamp: str | None = None
    source_record_id: int = 0

    @property
    def first_told(self) -> datetime:
        """Since when answers have told it."""
        return self.known_from if self.told_from is None else max(self.known_from, self.told_from)

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
        dated: the version whose dates say of the day whether the licence had begun and not ended.
        after: the version that came after `stood`, of those known at the moment; None: `stood` is `known`, or is None.
        term: whether the licence had begun and not ended, by its dates.
        status: the authority's status, which carries no date: that of `stood`; None when nothing stood.
        restrictions: those in force on the day. The latest word counts: a restriction that has since been dated
            otherwise counts by its new dates, one that is no longer listed by those it was last listed with. So one that
            was made known afterwards and has been lifted since still counts for the days that its dates cover, also when
            another of its kind has come later. Where the next version lists one of its kind with another first day, that
            may be the same one or a new one: the older counts too, but is not certain.
        learnt_at: when the registry learnt the last of what counts for the day (UTC): the beginning of `stood`, or later.
    """

    known: LicenceVersion
    stood: LicenceVersion | None
    dated: LicenceVersion
    after: LicenceVersion | None
    term: Term
    status: Status | None
    restrictions: tuple[HeldRestriction, ...]
    learnt_at: datetime


def licence_history(connection: sa.Connection, practitioner_id: int) -> list[LicenceVersion]:
    """Read every version of every licence of a person, by licence, then in the order in which they were known."""
    return histories(connection, [practitioner_id]).get(practitioner_id, [])


def histories(connection: sa.Connection, ids: Sequence[int]) -> dict[int, list[LicenceVersion]]:
    """Read the history of many people in one statement, each as `licence_history`; people without any are left out."""
    found: dict[int, list[LicenceVersion]] = {}
    for _, some in groupby(_VERSIONS.rows(connection, ids), key=itemgetter(0)):
        rows = list(some)
        found.setdefault(rows[0][1], []).extend(_in_order(rows))
    return found


def _in_order(rows: Sequence[Row]) -> Iterator[LicenceVersion]:
    """Give the versions of one licence, each ending where the next begins."""
    moments: list[datetime] = []
    for row in rows:
        began = instant(row[_BEGAN])
        # A machine whose clock is behind must not make two versions known at once.
        moments.append(max(began, moments[-1]) if moments else began)
    for number, row in enumerate(rows):
        (
            licence_id,
            _,
            feed_id,
            authority_id,
            record,
            run_id,
            gone,
            facts,
            _,
            ended,
            stamp,
            undone,
            back,
            to,
        ) = row
        if number + 1 < len(rows):
            known_to: datetime | None = moments[number + 1]
        else:
            known_to = max(instant(to), moments[number]) if to else None
        yield LicenceVersion(
            licence_id=licence_id,
            feed_id=feed_id,
            authority_id=authority_id,
            run_id=run_id,
            known_from=moments[number],
            known_to=known_to,
            gone=bool(gone),
            undone=undone is not None,
            facts=_DECODER.decode(facts),
            told_from=instant(ended) if ended else None,
            undone_at=instant(back) if back else None,
            stamp=stamp,
            source_record_id=record,
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
        known: the moment of knowledge, None for now: what was told later is not looked at, nor what had been rolled back.
        zone: where the days of moments are counted (`service.time_zone`).
    """
    found = []
    for _, some in groupby(versions, lambda version: version.licence_id):
        everything = list(some)
        by_then = [each for each in everything if _counts(each, known)]
        if by_then and not (by_then[-1] is everything[-1] and _is_closed(by_then[-1], known)):
            found.append(_held(by_then, on, zone))
    return found


def _counts(version: LicenceVersion, known: datetime | None) -> bool:
    """Tell whether a version had been told at a moment and not been rolled back."""
    if known is None:
        return version.undone_at is None
    return version.first_told <= known and (version.undone_at is None or known < version.undone_at)


def _is_closed(last: LicenceVersion, known: datetime | None) -> bool:
    """Tell whether the last version of all had ended for good, which no run of today's does."""
    return last.known_to is not None and (known is None or last.known_to <= known)


def _held(by_then: Sequence[LicenceVersion], on: date, zone: tzinfo) -> HeldLicence:
    place = next(
        (i for i in reversed(range(len(by_then))) if by_then[i].known_from.astimezone(zone).date() <= on),
        None,
    )
    since = by_then if place is None else by_then[place:]
    stood = None if place is None else since[0]
    dated, term = _term(by_then, on)
    limits = _restrictions(since, stood, on)
    learnt = [since[0].known_from, *(version.known_from for version, _ in limits)]
    if stood is not None and dated.known_from > stood.known_from:
        learnt.append(dated.known_from)
    return HeldLicence(
        known=by_then[-1],
        stood=stood,
        dated=dated,
        after=since[1] if stood is not None and len(since) > 1 else None,
        term=term,
        status=stood.facts.status if stood else None,
        restrictions=tuple(limit for _, limit in limits),
        learnt_at=max(learnt),
    )


def _term(by_then: Sequence[LicenceVersion], on: date) -> tuple[LicenceVersion, Term]:
    """Tell whether the licence was in force by its dates, and which version tells.

    A renewal replaces the dates of the term before it; a day before it is judged by the latest term that had begun.
    """
    issued = by_then[-1].facts.issued
    if issued and on < earliest(issued):
        return by_then[-1], "not-begun"
    for version in reversed(by_then):
        facts = version.facts
        if not (facts.valid_from and on < earliest(facts.valid_from)):
            return version, _on(facts.valid_from or facts.issued, facts.valid_to, on)
    return by_then[-1], "perhaps"


def _on(first: str | None, last: str | None, day: date) -> Term:
    """Tell where a day lies to a first and a last day, which are partial dates and inclusive; None = open."""
    if first and day < earliest(first):
        return "not-begun"
    if last and day > latest(last):
        return "ended"
    open_start = first is not None and day < latest(first)
    open_end = last is not None and day > earliest(last)
    return "perhaps" if open_start or open_end else "in-force"


def _restrictions(
    since: Sequence[LicenceVersion], stood: LicenceVersion | None, on: date
) -> list[tuple[LicenceVersion, HeldRestriction]]:
    """Return the restrictions in force on a day, each with the version that dates it.

    Args:
        since: what was known from the day on, the version that stood then first.
        stood: that version; None: nothing stood.
        on: the day.
    """
    found: dict[RestrictionFacts, tuple[LicenceVersion, HeldRestriction]] = {}
    newer: Sequence[RestrictionFacts] = ()
    for place in reversed(range(len(since))):
        version = since[place]
        for each in version.facts.restrictions:
            where = _on(each.valid_from, each.valid_to, on)
            told = _told_of(each, newer, on)
            if where not in {"in-force", "perhaps"} or told == "otherwise":
                continue
            # Without a first day it held since we knew of it; whether before is not told.
            dated = each.valid_from is not None or (
                stood is not None and _listed_through(each, since[:place])
            )
            certain = where == "in-force" and dated and told == "nothing"
            # The same words twice: what is certain of one of them counts.
            if each not in found or (certain and not found[each][1].certain):
                found[each] = version, HeldRestriction(each, certain=certain)
        newer = version.facts.restrictions
    return list(found.values())


def _told_of(each: RestrictionFacts, newer: Sequence[RestrictionFacts], on: date) -> Told:
    """Tell what the next version says of a restriction.

    Another first day may date the same decision anew, or be a new decision after one that is no longer listed: words do
    not tell these apart. A version between them that lists neither does: then the older one counts by its own dates.
    """
    same = [one for one in newer if _same(one) == _same(each)]
    if not same:
        return "nothing"
    if each.valid_from is not None and any(one.valid_from == each.valid_from for one in same):
        return "otherwise"
    covered = any(_on(one.valid_from, one.valid_to, on) in {"in-force", "perhaps"} for one in same)
    return "otherwise" if covered else "perhaps"


def _listed_through(each: RestrictionFacts, before: Sequence[LicenceVersion]) -> bool:
    """Tell whether every version since the day listed a restriction: then it is the one that stood."""
    return all(_same(each) in map(_same, version.facts.restrictions) for version in before)


def _same(one: RestrictionFacts) -> tuple[str, str]:
    """Return what two versions of the same restriction have in common, dated alike or not."""
    return one.kind, one.code
