"""`/metrics`: how the registry is, for a Prometheus server (`web.metrics`). What each metric means: docs/metrics.md.

Anyone who can reach the service may call it, as `/readyz`: monitoring comes without a credential, and there is nothing in
it to keep from anyone. It tells how many documents, changes, rows and runs there are, how old they are, and in what state
feeds, index and databases are. It names feeds, indices, states and kinds, which are the operator's own words. It never
names a person, a licence, a number, a key or a value of a record, nor what anybody has asked, and the errors and reasons of
runs, which quote what a feed has sent, are not in it. Who would rather not tell even that turns it off, or lets the proxy
in front keep it for the monitoring's own address.

Everything is read when it is asked for, so the workers of a service agree and nothing is gathered in a process; only the
count of the documents that there should be is kept for `index.count_max_age_s` and made in the background.
"""

import structlog
from flask import Blueprint, Response
from sqlalchemy.exc import SQLAlchemyError

from registry.access.guard import public
from registry.access.ledger.lag import unsealed_for
from registry.checks.lists.queue import figures
from registry.checks.subject_requests import late
from registry.checks.unusual import standing
from registry.metrics import CONTENT_TYPE, metrics_text
from registry.records.feed_state import FeedState, feed_states
from registry.search.freshness import Freshness, look
from registry.search.port import Health
from registry.web.context import Context, context
from registry.web.health import answers

log = structlog.get_logger()
# A process that has not counted yet is waited for: less than the ten seconds that a scrape may take by default.
_FIRST_COUNT_S = 5.0

blueprint = Blueprint("metrics", __name__)
public(
    blueprint,
    why="monitoring asks without a credential; it tells states and numbers, nothing about any person",
)


@blueprint.get("/metrics")
def metrics() -> Response:
    """Tell every metric, in the Prometheus text format; what can't be asked is left out, and `..._up` says so."""
    ours = context()
    health = ours.health()
    databases = answers(ours)
    found, feeds = _read(ours, health) if databases["records"] else (None, [])
    databases["records"] = found is not None
    text = metrics_text(found, feeds, ours.settings, health=health, databases=databases, others=_asked(ours))
    return Response(text, content_type=CONTENT_TYPE)


def _asked(ours: Context) -> dict[str, float]:
    """Tell how the access log and the queue of staff lists are; each is left out by itself where it can't be asked."""
    told: dict[str, float] = {}
    for ask in (_of_the_log, _of_callers, _of_requests, _of_lists):
        try:
            told |= ask(ours)
        except (SQLAlchemyError, ArithmeticError, ValueError, TypeError) as error:
            # The last three: a value that somebody has changed in the database must not hide the other metrics.
            log.error("figures of the access database could not be read", error=type(error).__name__)  # noqa: TRY400 - see below
    return told


def _of_the_log(ours: Context) -> dict[str, float]:
    return {"registry_access_log_unsealed_seconds": unsealed_for(ours.access, ours.now())}


def _of_callers(ours: Context) -> dict[str, float]:
    with ours.access.connect() as connection:
        return {"registry_unusual_callers": sum(standing(connection, ours.now()).values())}


def _of_requests(ours: Context) -> dict[str, float]:
    with ours.access.connect() as connection:
        count = late(connection, ours.settings.checks.subject_requests, ours.now())
    return {"registry_subject_requests_late": count}


def _of_lists(ours: Context) -> dict[str, float]:
    found = figures(ours.access)
    return {
        "registry_staff_lists_waiting": found.waiting,
        "registry_staff_lists_oldest_seconds": found.oldest_s,
        "registry_staff_lists_idle_seconds": found.idle_s,
        "registry_staff_lists_rows_left": found.rows_left,
        "registry_staff_lists_rows_done": found.rows_done,
        "registry_staff_lists_failed": found.failed,
    }


def _read(ours: Context, health: Health) -> tuple[Freshness | None, list[FeedState]]:
    counted = ours.counting.latest(health.index, wait_s=_FIRST_COUNT_S)
    try:
        with ours.truth.connect() as connection:
            feeds = feed_states(connection)
        return look(ours.truth, health, counted, ours.now()), feeds
    except SQLAlchemyError as error:
        log.error("metrics could not be read", error=type(error).__name__)  # noqa: TRY400 - a traceback holds SQL
        return None, []
