"""The search index beside SQL truth: both counts, and what about them a person must know. Judged here for everyone."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from registry.records import expected
from registry.records.allocate import current
from registry.records.index_state import IndexState, read_state
from registry.records.tables import outbox
from registry.search.port import FEWER_FIELDS, NO_INDEX, OTHER_MAPPING, Health
from registry.settings import Index, Settings

# Words for programs (metrics, /readyz): what a person must look at, and what keeps the engine from answering.
PROBLEMS = (
    "changes-late",
    "dead-letters",
    "comparison-differs",
    "comparison-old",
    "count-differs",
    "build-still",
    "other-index",
    "unfinished-index",
)
ENGINE_PROBLEMS = {NO_INDEX: "no-index", OTHER_MAPPING: "other-mapping", FEWER_FIELDS: "fewer-fields"}
UNAVAILABLE = "search-unavailable"


@dataclass(frozen=True, slots=True)
class Counted:
    """The documents on both sides.

    Attributes:
        index: the index in use then.
        expected: how many there should be, by SQL.
        indexed: how many there were; None: the engine could not tell.
        settled: nothing waited or changed while they were counted, so that the two must be equal.
        at: when they were counted (UTC).
    """

    index: str | None
    expected: int
    indexed: int | None
    settled: bool
    at: datetime

    @property
    def differs(self) -> bool:
        """Whether the index has too many or too few."""
        return self.settled and self.indexed is not None and self.indexed != self.expected


@dataclass(frozen=True, slots=True)
class Freshness:
    """How the index stands at one moment.

    Attributes:
        counted: the last count, which may be older; None: there is none.
    """

    now: datetime
    state: IndexState
    health: Health
    counted: Counted | None


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that a person must look at: a word for programs (of `PROBLEMS`), and a sentence that says what to do."""

    code: str
    text: str


def look(engine: Engine, health: Health, counted: Counted | None, now: datetime) -> Freshness:
    """Read how the index stands.

    Args:
        health: what the engine tells of itself.
        counted: the last count there is (`count_both`).

    Raises:
        SQLAlchemyError: SQL can't be asked.
    """
    with engine.connect() as connection:
        return Freshness(now, read_state(connection, now, index=health.index), health, counted)


def count_both(
    engine: Engine,
    health: Callable[[], Health],
    settings: Index,
    *,
    pause: Callable[[float], object] = time.sleep,
) -> Counted:
    """Count the documents in SQL and in the index.

    A difference is looked at once more after a pause: what the engine has confirmed it shows within a second.

    Args:
        health: asks the engine.
        pause: waits so many seconds.

    Raises:
        SQLAlchemyError: SQL can't be asked, or has not answered within `index.count_timeout_s` (PostgreSQL).
    """
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            milliseconds = round(settings.count_timeout_s * 1000)
            connection.exec_driver_sql(f"SET LOCAL statement_timeout = {milliseconds}")
        before = _changes(connection)
        wanted = expected.count(connection)
    told = health()
    settled = _settled(engine, before)
    if settled and told.documents not in {None, wanted}:
        pause(settings.compare_pause_s)
        told = health()
        settled = _settled(engine, before)
    return Counted(told.index, wanted, told.documents, settled, datetime.now(UTC))


def _settled(engine: Engine, before: tuple[int, int | None]) -> bool:
    """Tell whether nothing waited before, and nothing has changed since."""
    with engine.connect() as connection:
        return before[1] is None and before == _changes(connection)


def _changes(connection: sa.Connection) -> tuple[int, int | None]:
    """Return what would be another number if something changed meanwhile, and a change that waits."""
    waiting = sa.select(outbox.c.id).where(~outbox.c.dead).limit(1)
    return current(connection), connection.scalar(waiting)


def engine_problem(health: Health) -> str:
    """Return the word for what keeps the engine from answering, "" if it answers."""
    return "" if health.ok else ENGINE_PROBLEMS.get(health.problem, UNAVAILABLE)


def problems(found: Freshness, settings: Settings) -> list[Problem]:
    """Return what a person must look at, in the order of `PROBLEMS`. That the engine does not answer is told elsewhere."""
    return [
        *_of_the_queue(found, settings),
        *_of_the_comparison(found, settings.index),
        *_of_the_index(found, settings.index),
    ]


def _of_the_queue(found: Freshness, settings: Settings) -> Iterator[Problem]:
    waiting = found.state.waiting
    if (waiting.oldest_s or 0) > settings.web.index_lag_warning_s:
        yield Problem(
            "changes-late",
            f"{waiting.count} {'change waits' if waiting.count == 1 else 'changes wait'} to be published, the oldest for "
            f"{_duration(waiting.oldest_s)}: is `indexer run` or `indexer publish --follow` running?",
        )
    if waiting.dead:
        yield Problem(
            "dead-letters",
            f"{waiting.dead} {'change' if waiting.dead == 1 else 'changes'} could not be published and "
            f"{'was' if waiting.dead == 1 else 'were'} given up: see `indexer dead-letters list`",
        )


def _of_the_comparison(found: Freshness, settings: Index) -> Iterator[Problem]:
    comparison, in_use = found.state.comparison, found.state.in_use
    if comparison and comparison.open:
        yield Problem(
            "comparison-differs",
            f"the comparison of {_moment(comparison.at)} found {comparison.missing} missing, {comparison.extra} extra and "
            f"{comparison.stale} stale documents: run `indexer compare --repair`, then `indexer publish`",
        )
    since = comparison.at if comparison else in_use.since if in_use else None
    longest = timedelta(hours=settings.compare_max_age_hours)
    if since and longest and found.now - since > longest:
        last = (
            f"the index was last compared with SQL {_moment(since)}"
            if comparison
            else f"the index is in use since {_moment(since)} and has never been compared with SQL"
        )
        yield Problem(
            "comparison-old",
            f"{last}; at most {settings.compare_max_age_hours:g} hours are wanted (index.compare_max_age_hours): run "
            "`indexer compare`",
        )


def _of_the_index(found: Freshness, settings: Index) -> Iterator[Problem]:
    counted, in_use, building = found.counted, found.state.in_use, found.state.building
    name = found.health.index
    if counted and counted.differs and counted.index == name:
        yield Problem(
            "count-differs",
            f"the index holds {counted.indexed} documents, SQL says {counted.expected}, and no change waits: run "
            "`indexer compare --repair`, then `indexer publish`",
        )
    if building and found.now - building.progress_at > timedelta(minutes=settings.build_still_minutes):
        yield Problem(
            "build-still",
            f"a rebuild began {_moment(building.since)} and has not got on since {_moment(building.progress_at)}: "
            "`indexer rebuild` goes on with it, unless it is running still",
        )
    if name and in_use and name != in_use.name:
        yield Problem(
            "other-index",
            f"the engine uses {name}, SQL took {in_use.name} to be in use: run `indexer publish`, which settles it",
        )
    elif in_use and in_use.documents is None and not _compared_clean(found.state):
        yield Problem(
            "unfinished-index",
            f"{in_use.name} is in use and was not made here, or is being written again: unless a rebuild is running, run "
            "`indexer compare --repair`, then `indexer publish`",
        )


def _compared_clean(state: IndexState) -> bool:
    """Whether an index has been compared since it came into use, and nothing was left to be mended."""
    comparison, in_use = state.comparison, state.in_use
    return (
        comparison is not None
        and in_use is not None
        and comparison.at >= in_use.since
        and not comparison.open
    )


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _duration(seconds: float | None) -> str:
    minutes = round((seconds or 0) / 60)
    return f"{minutes} minutes" if minutes < 120 else f"{round(minutes / 60)} hours"  # noqa: PLR2004 - two hours
