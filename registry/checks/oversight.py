"""What a privacy officer looks at, page and API alike: patterns of the access log, refused attempts, and unusual checks.

Nobody who was looked up is named. Looking is told to the process log and is no event of the access log: an event says who was shown
something about whom, for a purpose of `access.purposes`; this shows nobody and has no such purpose, and would count itself.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import structlog
from sqlalchemy.engine import Engine

from registry.access.caller import Caller
from registry.access.patterns import Patterns, patterns
from registry.checks.unusual import Noticed, listed
from registry.settings import Oversight

log = structlog.get_logger()
MOST_UNUSUAL = 100


@dataclass(frozen=True, slots=True)
class Overseen:
    """How the registry was used between two days (UTC).

    Attributes:
        unusual: callers who were noticed in these days, the newest first, at most `MOST_UNUSUAL`.
    """

    patterns: Patterns
    unusual: list[Noticed]


def oversee(engine: Engine, settings: Oversight, caller: Caller, begin: date, end: date) -> Overseen:
    """Tell how the registry was used from `begin` to `end`, both included, and note who looked.

    Args:
        engine: the access database.
        settings: section `[checks.oversight]`.
        caller: who asks.
        begin, end: days (UTC).

    Raises:
        BadRequestError: the days are the wrong way round, or too many.
        TooManyEventsError: they hold more events than are counted at once.
        SQLAlchemyError: the database can't be asked.
    """
    found = patterns(engine, begin, end, most=settings.max_events, from_counts=True)
    since, before = (datetime.combine(day, time(), UTC) for day in (begin, end + timedelta(days=1)))
    with engine.connect() as connection:
        unusual = listed(connection, limit=MOST_UNUSUAL, since=since, before=before)
    log.info(
        "oversight_read",
        issuer=caller.issuer,
        subject=caller.subject,
        client_id=caller.client_id,
        organisation=caller.organisation,
        begin=begin.isoformat(),
        end=end.isoformat(),
    )
    return Overseen(found, unusual)
