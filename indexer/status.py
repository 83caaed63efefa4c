"""How it stands: feeds, queue, quarantine and index."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from indexer.feeds.descriptor import FeedDescriptor
from registry.errors import SearchUnavailableError
from registry.records import outbox, read
from registry.records import tables as t
from registry.search.port import IndexEngine


def status(engine: Engine, search: IndexEngine) -> dict[str, Any]:
    """Return the state of everything between feed and index as plain values."""
    now = datetime.now(UTC)
    with engine.connect() as connection:
        feeds = [
            {
                "feed": feed.id,
                "lastSuccess": feed.last_success_at,
                "stamp": feed.last_success_stamp,
                "fresh": feed.fresh(now),
                "lastRun": feed.last_run_state,
                "quarantined": _quarantined(connection, feed.id),
            }
            for feed in read.feeds(connection).values()
        ]
        waiting = outbox.waiting(connection, now)
        people = connection.scalar(
            sa.select(sa.func.count()).where(t.practitioner.c.merged_into_id.is_(None))
        )
    return {
        "feeds": feeds,
        "practitioners": people,
        "outbox": {"waiting": waiting.count, "oldestSeconds": waiting.oldest_s, "deadLetters": waiting.dead},
        "index": _index(search),
    }


def _index(search: IndexEngine) -> dict[str, Any]:
    try:
        name = search.current_index()
        return {"name": name, "documents": search.count(name) if name else 0, "available": name is not None}
    except SearchUnavailableError as error:
        return {"name": None, "documents": 0, "available": False, "error": error.detail or error.title}


def _last_run(connection: sa.Connection, feed_id: str) -> int | None:
    run = t.feed_run
    last: int | None = connection.scalar(
        sa.select(sa.func.max(run.c.id)).where((run.c.feed_id == feed_id) & (run.c.state != "unchanged"))
    )
    return last


def _quarantined(connection: sa.Connection, feed_id: str) -> int:
    table = t.quarantined_record
    last = _last_run(connection, feed_id)
    return connection.scalar(sa.select(sa.func.count()).select_from(table).where(table.c.run_id == last)) or 0


def quarantine(engine: Engine, feed_id: str) -> list[dict[str, Any]]:
    """Return the rows that the feed's last run could not load."""
    table = t.quarantined_record
    with engine.connect() as connection:
        rows = connection.execute(
            sa.select(table)
            .where(table.c.run_id == _last_run(connection, feed_id))
            .order_by(table.c.row_number)
        )
        return [
            {"row": r.row_number, "key": r.key, "field": r.field, "reason": r.reason, "echo": r.echo}
            for r in rows
        ]


def problems(
    engine: Engine, now: datetime | None = None, *, feeds: Iterable[FeedDescriptor] = ()
) -> list[str]:
    """Return what a person must look at, a sentence each; empty when all is well.

    With `feeds` (those of the feeds folder) also scheduled ones that have never been pulled.

    Feeds older than their promise, pulls that failed, runs that wait for approval, changes given up by the publisher.
    """
    now = now or datetime.now(UTC)
    found = []
    with engine.connect() as connection:
        known = read.feeds(connection)
        found += [
            f"{feed.id} has a schedule and has never been pulled"
            for feed in feeds
            if feed.schedule.every_minutes and feed.id not in known
        ]
        for feed in known.values():
            if not feed.fresh(now):
                last = (
                    f"its last good run ended {feed.last_success_at:%Y-%m-%d %H:%M} UTC"
                    if feed.last_success_at
                    else "it has had no good run"
                )
                found.append(f"{feed.id} is STALE: {last}, promised is one every {feed.max_age_hours} hours")
            found += _troubles(connection, feed.id)
        dead = outbox.waiting(connection, now).dead
    if dead:
        changes = "1 change" if dead == 1 else f"{dead} changes"
        found.append(
            f"{changes} could not be published and was given up; see outbox.error, then `indexer rebuild`"
        )
    return found


def _troubles(connection: sa.Connection, feed_id: str) -> list[str]:
    run = t.feed_run.c
    pulls = (
        sa.select(t.feed_run)
        .where((run.feed_id == feed_id) & (run.kind == "pull"))
        .order_by(run.id.desc())
        .limit(1)
    )
    found = []
    last = connection.execute(pulls.where(run.state != "running")).first()
    # One without an end died; one that was stopped by the operator has one.
    if last and (last.state == "failed" or (last.state == "abandoned" and last.finished_at is None)):
        found.append(f"{feed_id}: the last pull (run {last.id}) {last.state}: {last.error}")
    if held := connection.execute(pulls.where((run.state == "held") & run.undone_run_id.is_(None))).first():
        found.append(
            f"{feed_id}: run {held.id} is held: {held.held_reason}. Look at it; if it is right: indexer approve {held.id}"
        )
    return found


def as_text(found: dict[str, Any]) -> str:
    """Return a status as lines for a person."""
    lines = [
        f"{f['feed']:<20} {'fresh' if f['fresh'] else 'STALE':<6} last success {f['lastSuccess'] or 'never'}, "
        f"last run {f['lastRun'] or 'none'}, {f['quarantined']} in quarantine"
        for f in found["feeds"]
    ]
    queue, index = found["outbox"], found["index"]
    lines.append(f"{found['practitioners']} practitioners in SQL")
    lines.append(
        f"{queue['waiting']} changes wait to be published (oldest {queue['oldestSeconds'] or 0:.0f} s), "
        f"{queue['deadLetters']} dead letters"
    )
    lines.append(f"index {index['name'] or 'none'}: {index['documents']} documents")
    return "\n".join(lines)
