"""Whether the process is alive, and whether it can answer.

`/livez` touches nothing, so that a database in trouble never makes an orchestrator kill healthy processes. `/readyz` is
503 only when a database does not answer: without search or with a late or held feed most questions can still be answered, and
each answer says what it rests on (failure F20).
"""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
import structlog
from flask import Blueprint
from sqlalchemy.exc import SQLAlchemyError

from registry.access.guard import public
from registry.access.tables import access_event
from registry.errors import RegistryError
from registry.records import outbox
from registry.records import tables as t
from registry.records.read import feeds
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
    checks = {
        "database": _database(lambda: _touch(ours.truth, t.practitioner.c.id)),
        "accessLog": _database(lambda: _touch(ours.access, access_event.c.id)),
    }
    down = any(check["status"] == "down" for check in checks.values())
    if checks["database"]["status"] == "ok":
        checks["index"] = _database(lambda: _index(ours))
        checks["feeds"] = _database(lambda: _feeds(ours))
    checks["search"] = _search(ours)
    degraded = any(check["status"] != "ok" for check in checks.values())
    status = "down" if down else "degraded" if degraded else "ok"
    return {"status": status, "checks": checks}, 503 if down else 200


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


def _search(ours: Context) -> Check:
    try:
        health = ours.search.health()
    except RegistryError as error:
        return {"status": "degraded", "problem": error.slug, "documents": None}
    if not health.ok:
        # The engine's own words are for the operator's log, not for everyone.
        log.warning("search degraded", problem=health.problem)
    return {"status": "ok" if health.ok else "degraded", "documents": health.documents}


def _index(ours: Context) -> Check:
    with ours.truth.connect() as connection:
        waiting = outbox.waiting(connection, ours.now())
    late = (waiting.oldest_s or 0) > ours.settings.web.index_lag_warning_s
    return {
        "status": "degraded" if late or waiting.dead else "ok",
        "pending": waiting.count,
        "oldestPendingSeconds": round(waiting.oldest_s or 0),
        "deadLetters": waiting.dead,
    }


def _feeds(ours: Context) -> Check:
    with ours.truth.connect() as connection:
        known = feeds(connection)
    stale = sorted(feed.id for feed in known.values() if not feed.fresh(ours.now()))
    held = sorted(feed.id for feed in known.values() if feed.held)
    return {"status": "degraded" if stale or held or not known else "ok", "stale": stale, "held": held}
