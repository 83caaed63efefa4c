"""Publishing: waiting changes from the outbox to the search index, once (`publish`) or as they are made (`publish_forever`)."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NoReturn

import sqlalchemy as sa
import structlog
from sqlalchemy.engine import Engine

from indexer.lease import kind
from indexer.publish_round import Progress, Published, Round, Wait
from registry.errors import RegistryError
from registry.records import outbox
from registry.search.port import IndexEngine
from registry.settings import Settings

__all__ = ["Published", "publish", "publish_forever"]

log = structlog.get_logger()
_FULL = "the engine takes no more at the moment"
# Seconds to leave alone an engine that takes no more or can't be reached; doubled each time up to the longest.
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 15.0
# A publisher without work looks so often, in seconds, which index is in use: what a rebuild that was killed has left to be
# queued (`indexer.settling`) must not wait for the next change.
_INDEX_LOOK_S = 10.0


def publish(
    engine: Engine, search: IndexEngine, settings: Settings, progress: Progress, *, wait: Wait = time.sleep
) -> Published:
    """Publish every change that is due; make an index first if there is none.

    What an engine has no room for is tried again `search.opensearch.indexer_retries` times, with growing pauses in which
    nothing is held; what then still is postponed waits in the outbox for the next call.

    Raises:
        SearchUnavailableError: the engine can't be reached or its index was made for other fields; the queue is kept.
    """
    result = Published()
    had_none = search.current_index() is None
    pauses = _pauses()
    for tries_left in reversed(range(settings.search.opensearch.indexer_retries + 1)):
        result.add(Round(engine, search, settings, progress, wait).run())
        if not result.postponed:
            break
        log.warning(_FULL, postponed=result.postponed)
        if tries_left:
            wait(next(pauses))
    if had_none:
        result.made = search.current_index() or ""
    return result


def publish_forever(
    engine: Engine, search: IndexEngine, settings: Settings, *, wait: Wait = time.sleep
) -> NoReturn:
    """Publish changes as they are committed, until an exception ends it: a signal's, or one of `wait`.

    Looks at the outbox every `index.publish_poll_s`. While engine or database can't be used it goes on trying, with pauses
    of up to 15 s.
    """
    pauses = _pauses()
    look_at = 0.0
    while True:
        reason = ""
        try:
            if time.monotonic() >= look_at or _is_due(engine):
                reason = _round(engine, search, settings, wait)
                look_at = time.monotonic() + _INDEX_LOOK_S
        except RegistryError as error:
            reason = error.detail or error.title
        except (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.TimeoutError) as error:
            reason = f"the database can't be used: {kind(error)}"
        if reason:
            pause = next(pauses)
            look_at = 0.0
            log.error("publishing has to wait", reason=reason, pause_s=pause)
        else:
            pause = settings.index.publish_poll_s
            pauses = _pauses()
        wait(pause)


def _round(engine: Engine, search: IndexEngine, settings: Settings, wait: Wait) -> str:
    """Publish what is due; return why some of it has to wait."""
    result = Round(engine, search, settings, lambda _phase, _amount: None, wait).run()
    if result.documents or result.failed:
        log.info("published", **result.as_dict())
    return _FULL if result.postponed else ""


def _is_due(engine: Engine) -> bool:
    with engine.connect() as connection:
        return outbox.is_due(connection, datetime.now(UTC))


def _pauses() -> Iterator[float]:
    pause = _FIRST_PAUSE_S
    while True:
        yield pause
        pause = min(2 * pause, _LONGEST_PAUSE_S)
