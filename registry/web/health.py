"""Whether the process is alive, and whether it can answer.

`/livez` touches nothing, so that a database in trouble never makes an orchestrator kill healthy processes. `/readyz` is
503 only when a database does not answer: without search, with a late index or with a late or held feed most questions can still be
answered, and each answer says what it rests on (failure F20).

A probe costs some small statements and one question to the search engine. The documents that there should be are counted
in the background, at most every `index.count_max_age_s`; `countedAt` says when.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
import structlog
from flask import Blueprint
from sqlalchemy.exc import SQLAlchemyError

from registry.access.guard import public
from registry.access.tables import access_event
from registry.checks.lists.queue import figures
from registry.records import tables as t
from registry.records.index_state import Build, Comparison
from registry.records.read import feeds
from registry.search.freshness import Counted, engine_problem, look, problems
from registry.search.port import Health
from registry.web.context import Context, context

log = structlog.get_logger()
Check = dict[str, Any]

blueprint = Blueprint("health", __name__)
public(blueprint, why="orchestrators ask without a credential; it tells states, nothing about any person")


@blueprint.get("/livez")
def livez() -> dict[str, str]:
    """Tell that the process handles requests."""
    return {"status": "ok"}


@blueprint.get("/readyz")
def readyz() -> tuple[dict[str, Any], int]:
    """Tell whether questions can be answered, and what is degraded."""
    ours = context()
    checks = _databases(ours)
    down = any(check["status"] == "down" for check in checks.values())
    health = ours.health()
    if checks["database"]["status"] == "ok":
        checks["index"] = _database(lambda: _index(ours, health))
        checks["feeds"] = _database(lambda: _feeds(ours))
    if checks["accessLog"]["status"] == "ok":
        checks["staffLists"] = _database(lambda: _lists(ours))
    checks["search"] = _search(health)
    degraded = any(check["status"] != "ok" for check in checks.values())
    status = "down" if down else "degraded" if degraded else "ok"
    return {"status": status, "checks": checks}, 503 if down else 200


def answers(ours: Context) -> dict[str, bool]:
    """Tell which databases answer: `records` is SQL truth, `access` holds access log and sessions."""
    checks = _databases(ours)
    return {"records": checks["database"]["status"] == "ok", "access": checks["accessLog"]["status"] == "ok"}


def _databases(ours: Context) -> dict[str, Check]:
    return {
        "database": _database(lambda: _touch(ours.truth, t.practitioner.c.id)),
        "accessLog": _database(lambda: _touch(ours.access, access_event.c.id)),
    }


def _touch(engine: sa.Engine, column: sa.Column[int]) -> Check:
    """Read one row of a table we need: that also shows a schema that was never made."""
    with engine.connect() as connection:
        connection.execute(sa.select(column).limit(1)).first()
    return {"status": "ok"}


def _database(check: Callable[[], Check]) -> Check:
    try:
        return check()
    except SQLAlchemyError as error:
        log.error("health check failed", error=type(error).__name__)  # noqa: TRY400 - a traceback holds SQL
        return {"status": "down"}


def _search(health: Health) -> Check:
    if health.ok:
        return {"status": "ok", "documents": health.documents}
    # The engine's own words are for the operator's log, not for everyone.
    log.warning("search degraded", problem=health.problem)
    return {"status": "degraded", "documents": health.documents, "problem": engine_problem(health)}


def _index(ours: Context, health: Health) -> Check:
    found = look(ours.truth, health, ours.counting.latest(health.index), ours.now())
    state, there = found.state, [problem.code for problem in problems(found, ours.settings)]
    return {
        "status": "degraded" if there else "ok",
        "problems": there,
        "pending": state.waiting.count,
        "oldestPendingSeconds": max(0, round(state.waiting.oldest_s or 0)),
        "deadLetters": state.waiting.dead,
        "name": health.index or (state.in_use.name if state.in_use else None),
        "inUseSince": _moment(state.in_use.since) if state.in_use else None,
        **_count(found.counted, health),
        "comparison": _comparison(state.comparison) if state.comparison else None,
        "building": _build(state.building) if state.building else None,
    }


def _count(counted: Counted | None, health: Health) -> Check:
    return {
        "documents": health.documents,
        "expectedDocuments": counted.expected if counted else None,
        "countedAt": _moment(counted.at) if counted else None,
    }


def _comparison(comparison: Comparison) -> Check:
    return {
        "at": _moment(comparison.at),
        **{kind: getattr(comparison, kind) for kind in ("expected", "missing", "extra", "stale", "repaired")},
    }


def _build(build: Build) -> Check:
    return {
        "since": _moment(build.since),
        "progressAt": _moment(build.progress_at),
        "share": round(build.share, 3),
    }


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _lists(ours: Context) -> Check:
    found = figures(ours.access)
    late = found.idle_s > ours.settings.checks.lists.late_s
    return {
        "status": "degraded" if late else "ok",
        "waiting": found.waiting,
        "oldestSeconds": round(found.oldest_s),
        "idleSeconds": round(found.idle_s),
        "rowsLeft": found.rows_left,
        "failed": found.failed,
    }


def _feeds(ours: Context) -> Check:
    with ours.truth.connect() as connection:
        known = feeds(connection)
    stale = sorted(feed.id for feed in known.values() if not feed.fresh(ours.now()))
    held = sorted(feed.id for feed in known.values() if feed.held)
    return {"status": "degraded" if stale or held or not known else "ok", "stale": stale, "held": held}
