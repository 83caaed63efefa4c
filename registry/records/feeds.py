"""The feeds, and how their last runs went: now, or as it was known at a moment."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from registry.records import tables as t
from registry.records.rows import as_utc

# Rows that can't be read wait too, but for the feed to say something clear: only these wait for a person.
_OF_A_PERSON = ("removal", "change")
WAITS = sa.exists().where((t.held_change.c.feed_id == t.feed.c.id) & t.held_change.c.kind.in_(_OF_A_PERSON))
_FEEDS = (
    sa.select(
        t.feed,
        t.authority.c.name_sv.label("authority_sv"),
        t.authority.c.name_en.label("authority_en"),
        WAITS.label("held"),
    )
    .join(t.authority, t.authority.c.id == t.feed.c.authority_id)
    .order_by(t.feed.c.id)
)
_RUN, _UNDONE, _ENDED = t.feed_run, t.feed_run.alias("undone"), t.feed_run.alias("ended")


def _last_runs(*where: sa.ColumnElement[bool]) -> sa.Select[Any]:
    return sa.select(_RUN).where(
        _RUN.c.id.in_(sa.select(sa.func.max(_RUN.c.id)).where(*where).group_by(_RUN.c.feed_id))
    )


# Held runs too: all that is bad news for people has been applied, and what waits is marked person by person.
_GOOD = (_RUN.c.kind == "pull") & _RUN.c.state.in_(("succeeded", "unchanged", "held"))
PULL = (_RUN.c.kind == "pull",)
GOOD = (_GOOD, _RUN.c.undone_run_id.is_(None))
_LAST_RUNS = _last_runs(*PULL)
_LAST_GOOD_RUNS = _last_runs(*GOOD)
_AT = sa.bindparam("at", type_=t.Instant)
_LAST_GOOD_RUNS_AT = sa.select(_RUN).where(
    _RUN.c.id.in_(
        sa.select(sa.func.max(_RUN.c.id))
        .outerjoin(_UNDONE, _UNDONE.c.id == _RUN.c.undone_run_id)
        .where(_GOOD, _RUN.c.finished_at <= _AT, _UNDONE.c.id.is_(None) | (_UNDONE.c.finished_at > _AT))
        .group_by(_RUN.c.feed_id)
    )
)
_HELD_AT = (
    sa.select(t.source_record.c.feed_id)
    .distinct()
    .select_from(t.hold)
    .join(t.source_record, t.source_record.c.id == t.hold.c.source_record_id)
    .join(_RUN, _RUN.c.id == t.hold.c.run_id)
    .outerjoin(_ENDED, _ENDED.c.id == t.hold.c.ended_run_id)
    .where(
        t.hold.c.kind.in_(_OF_A_PERSON),
        _RUN.c.finished_at <= _AT,
        _ENDED.c.id.is_(None) | (_ENDED.c.finished_at > _AT),
    )
)
_FIRST_PULLS = (
    sa.select(_RUN.c.feed_id, sa.func.min(_RUN.c.started_at).label("began"))
    .where(_GOOD)
    .group_by(_RUN.c.feed_id)
)
_END = sa.bindparam("end", type_=t.Instant)


def _pulls(moment: sa.ColumnElement[Any], where: sa.ColumnElement[bool]) -> sa.Select[Any]:
    """Select one pull of each feed, of those that were known at a moment and not rolled back by then."""
    return (
        sa.select(_RUN.c.feed_id, moment.label("ended"))
        .outerjoin(_UNDONE, _UNDONE.c.id == _RUN.c.undone_run_id)
        .where(
            _GOOD, where, _RUN.c.finished_at <= _AT, _UNDONE.c.id.is_(None) | (_UNDONE.c.finished_at > _AT)
        )
        .group_by(_RUN.c.feed_id)
    )


_LAST_BEFORE = _pulls(sa.func.max(_RUN.c.finished_at), _RUN.c.finished_at < _END)
_FIRST_AFTER = _pulls(sa.func.min(_RUN.c.finished_at), _RUN.c.finished_at >= _END)


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed and how its last runs went. Times are UTC.

    Attributes:
        held: removals or changes that it has sent wait for a person's decision.
    """

    id: str
    authority_id: str
    authority_name_sv: str
    authority_name_en: str
    name_sv: str
    name_en: str
    completeness: str
    mode: str
    max_age_hours: int
    silence_sv: str
    silence_en: str
    last_success_at: datetime | None
    last_success_stamp: str | None
    last_run_at: datetime | None
    last_run_state: str | None
    held: bool = False

    def fresh(self, now: datetime) -> bool:
        """Tell whether the last successful run is younger than the feed's promise."""
        return self.last_success_at is not None and now - self.last_success_at <= timedelta(
            hours=self.max_age_hours
        )


def feeds(connection: sa.Connection) -> dict[str, Feed]:
    """Read every feed with its last run and last successful run."""
    last = {row.feed_id: row for row in connection.execute(_LAST_RUNS)}
    good = {row.feed_id: row for row in connection.execute(_LAST_GOOD_RUNS)}
    return {row.id: _feed(row, last.get(row.id), good.get(row.id)) for row in connection.execute(_FEEDS)}


def feeds_at(connection: sa.Connection, at: datetime) -> dict[str, Feed]:
    """Read every feed with its last successful run as they were known at a moment.

    What is configured (names, promise, completeness) is as it is today; of runs without success nothing is told.
    """
    moment = as_utc(at)  # as it is stored: SQLite compares text
    good = {row.feed_id: row for row in connection.execute(_LAST_GOOD_RUNS_AT, {"at": moment})}
    held = set(connection.scalars(_HELD_AT, {"at": moment}))
    return {
        row.id: replace(_feed(row, good.get(row.id), good.get(row.id)), held=row.id in held)
        for row in connection.execute(_FEEDS)
    }


def first_pulls(connection: sa.Connection) -> dict[str, datetime]:
    """Tell since when each feed is known: when the first pull that read it began. Feeds never read are left out."""
    return {row.feed_id: as_utc(row.began) for row in connection.execute(_FIRST_PULLS)}


def pulls_around(connection: sa.Connection, end: datetime, known: datetime) -> dict[str, list[datetime]]:
    """Tell when each feed was last read before the end of a day, and first after it: when those pulls ended (UTC).

    Args:
        connection: to SQL truth.
        end: of the day.
        known: the moment of knowledge: later pulls don't count, nor do those that had been rolled back by then.
    """
    found: dict[str, list[datetime]] = {}
    for statement in (_LAST_BEFORE, _FIRST_AFTER):
        for row in connection.execute(statement, {"end": as_utc(end), "at": as_utc(known)}):
            found.setdefault(row.feed_id, []).append(as_utc(row.ended))
    return found


def _feed(row: sa.Row[Any], last: sa.Row[Any] | None, good: sa.Row[Any] | None) -> Feed:
    return Feed(
        id=row.id,
        authority_id=row.authority_id,
        authority_name_sv=row.authority_sv,
        authority_name_en=row.authority_en,
        name_sv=row.name_sv,
        name_en=row.name_en,
        completeness=row.completeness,
        mode=row.mode,
        max_age_hours=row.max_age_hours,
        silence_sv=row.silence_sv,
        silence_en=row.silence_en,
        last_success_at=as_utc(good.finished_at) if good else None,
        last_success_stamp=good.stamp if good else None,
        last_run_at=as_utc(last.started_at) if last else None,
        last_run_state=last.state if last else None,
        held=row.held,
    )
