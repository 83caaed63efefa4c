"""How it stands: feeds, queue, quarantine and index; for a person, for monitoring, and as metrics."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from indexer.feeds.descriptor import FeedDescriptor
from registry.errors import NotFoundError
from registry.metrics import metrics_text
from registry.records import tables as t
from registry.records.feed_state import FeedState, feed_states
from registry.search.freshness import Freshness, count_both, look
from registry.search.freshness import problems as index_problems
from registry.search.port import SearchEngine
from registry.settings import Settings


@dataclass(frozen=True, slots=True)
class Standing:
    """Everything between feeds and index at one moment."""

    now: datetime
    feeds: Sequence[FeedState]
    index: Freshness


def standing(engine: Engine, search: SearchEngine, settings: Settings) -> Standing:
    """Read how everything stands; the documents that the index should hold are counted in SQL.

    Raises:
        SQLAlchemyError: SQL can't be asked. (An engine that can't be asked is part of the answer.)
    """
    health = search.health()
    counted = count_both(engine, search.health, settings.index) if health.index else None
    now = datetime.now(UTC)
    with engine.connect() as connection:
        feeds = feed_states(connection)
    return Standing(now, feeds, look(engine, health, counted, now))


def people(engine: Engine) -> int:
    """Count the practitioners in SQL."""
    with engine.connect() as connection:
        merged = t.practitioner.c.merged_into_id
        return connection.scalar(sa.select(sa.func.count()).where(merged.is_(None))) or 0


def quarantine(engine: Engine, feed_id: str) -> list[dict[str, Any]]:
    """Return the rows that the feed's last run could not load.

    Raises:
        NotFoundError: there has been no such feed.
    """
    table = t.quarantined_record
    with engine.connect() as connection:
        known = {each.feed.id: each.last_read for each in feed_states(connection)}
        if feed_id not in known:
            raise NotFoundError(
                f"{feed_id} has never been pulled. Known feeds: {', '.join(known) or 'none yet'}."
            )
        last = known[feed_id]
        rows = connection.execute(sa.select(table).where(table.c.run_id == last).order_by(table.c.row_number))
        return [
            {"row": r.row_number, "key": r.key, "field": r.field, "reason": r.reason, "echo": r.echo}
            for r in rows
        ]


def problems(found: Standing, settings: Settings, *, described: Iterable[FeedDescriptor] = ()) -> list[str]:
    """Return what a person must look at, a sentence each; empty when all is well.

    Feeds older than their promise, pulls that failed, runs that wait for approval; a search engine that does not
    answer; changes that wait too long or were given up; an index that differs from SQL, or has not been compared for too
    long; a rebuild that does not get on.

    Args:
        described: feeds of the feeds folder; those with a schedule that have never been pulled are told too.
    """
    known = {each.feed.id for each in found.feeds}
    told = [
        f"{feed.id} has a schedule and has never been pulled"
        for feed in described
        if feed.schedule.every_minutes and feed.id not in known
    ]
    for each in found.feeds:
        told += _of_a_feed(each, found.now)
    if not found.index.health.ok:
        told.append(f"search by name does not work: {found.index.health.problem}")
    return told + [problem.text for problem in index_problems(found.index, settings)]


def _of_a_feed(state: FeedState, now: datetime) -> Iterator[str]:
    feed, pull = state.feed, state.last_pull
    if not feed.fresh(now):
        last = (
            f"its last good run ended {feed.last_success_at:%Y-%m-%d %H:%M} UTC"
            if feed.last_success_at
            else "it has had no good run"
        )
        yield f"{feed.id} is STALE: {last}, promised is one every {feed.max_age_hours} hours"
    if pull and pull.went_wrong:
        yield f"{feed.id}: the last pull (run {pull.run}) {pull.state}: {pull.error}"
    if state.held:
        held = state.held[0]
        yield (
            f"{feed.id}: run {held.run} is held: {held.reason}. Look at it; if it is right: indexer approve {held.run}"
        )


def metrics(found: Standing, settings: Settings) -> str:
    """Return everything as metrics (see `registry.metrics`)."""
    health = found.index.health
    return metrics_text(found.index, found.feeds, settings, health=health, databases={"records": True})


def as_dict(found: Standing, practitioners: int) -> dict[str, Any]:
    """Return a status as plain values."""
    waiting = found.index.state.waiting
    return {
        "feeds": [_feed(each, found.now) for each in found.feeds],
        "practitioners": practitioners,
        "outbox": {"waiting": waiting.count, "oldestSeconds": waiting.oldest_s, "deadLetters": waiting.dead},
        "index": _index(found.index),
    }


def _feed(state: FeedState, now: datetime) -> dict[str, Any]:
    feed = state.feed
    return {
        "feed": feed.id,
        "lastSuccess": feed.last_success_at,
        "stamp": feed.last_success_stamp,
        "fresh": feed.fresh(now),
        "lastRun": feed.last_run_state,
        "quarantined": state.quarantined,
        "heldRuns": [each.run for each in state.held],
    }


def _index(found: Freshness) -> dict[str, Any]:
    state, health, counted = found.state, found.health, found.counted
    return {
        "name": health.index,
        "documents": health.documents or 0,
        "expectedDocuments": counted.expected if counted else None,
        "available": health.ok,
        "problem": health.problem or None,
        "inUseSince": state.in_use.since if state.in_use else None,
        "previous": state.previous,
        "comparison": asdict(state.comparison) if state.comparison else None,
        "building": asdict(state.building) if state.building else None,
    }


def as_text(found: Standing, practitioners: int) -> str:
    """Return a status as lines for a person."""
    waiting = found.index.state.waiting
    lines = [_feed_line(each, found.now) for each in found.feeds]
    lines.append(f"{practitioners} practitioners in SQL")
    lines.append(
        f"{waiting.count} changes wait to be published (oldest {waiting.oldest_s or 0:.0f} s), {waiting.dead} dead letters"
    )
    return "\n".join([*lines, *_index_lines(found.index)])


def _feed_line(state: FeedState, now: datetime) -> str:
    feed = state.feed
    held = f", {len(state.held)} held" if state.held else ""
    return (
        f"{feed.id:<20} {'fresh' if feed.fresh(now) else 'STALE':<6} last success {feed.last_success_at or 'never'}, "
        f"last run {feed.last_run_state or 'none'}, {state.quarantined} in quarantine{held}"
    )


def _index_lines(found: Freshness) -> Iterator[str]:
    state, health = found.state, found.health
    holds = f"{health.documents or 0} documents"
    if found.counted:
        holds += f", SQL says {found.counted.expected}"
    since = f"; in use since {_moment(state.in_use.since)}" if state.in_use else ""
    yield f"index {health.index or 'none'}: {holds}{since}"
    if health.problem:
        yield f"search by name does not work: {health.problem}"
    if comparison := state.comparison:
        yield (
            f"compared with SQL {_moment(comparison.at)}: {comparison.missing} missing, {comparison.extra} extra, "
            f"{comparison.stale} stale, {comparison.repaired} repaired"
        )
    if building := state.building:
        yield (
            f"index {building.name} is being built since {_moment(building.since)}: {building.share:.0%} filled, got on "
            f"last {_moment(building.progress_at)}"
        )


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
