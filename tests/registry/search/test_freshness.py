"""The index beside SQL: counts that can be trusted, and what a person is told."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from registry.database import writing
from registry.records import tables as t
from registry.records.allocate import allocate
from registry.records.index_state import Build, Comparison, IndexState, InUse
from registry.records.outbox import Waiting
from registry.search import IndexEngine
from registry.search.document import Operation
from registry.search.freshness import (
    PROBLEMS,
    Counted,
    Freshness,
    count_both,
    engine_problem,
    look,
    problems,
)
from registry.search.port import FEWER_FIELDS, NO_INDEX, OTHER_MAPPING, Health
from registry.settings import load_settings
from tests.support.publishing import licence_keys, people, publish_all
from tests.support.world import KEYS, World, make_settings

SETTINGS = load_settings({**KEYS, "REGISTRY_SERVICE__SANDBOX": "true"})
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)

# --- counting ---------------------------------------------------------------------------------------------------------


class Pauses:
    """Does something in place of waiting, and remembers how long it should have been."""

    def __init__(self, instead: Callable[[], object] = lambda: None) -> None:
        self.taken: list[float] = []
        self._instead = instead

    def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)
        self._instead()


def count(world: World, index: IndexEngine, pause: Pauses) -> Counted:
    return count_both(world.engine, index.health, world.settings.index, pause=pause)


def test_both_sides_agree_when_all_is_published_and_visible(house: World, index: IndexEngine) -> None:
    house.load(people(5))
    publish_all(house, index)
    index.refresh()
    pause = Pauses()
    counted = count(house, index, pause)
    assert (counted.index, counted.expected, counted.indexed) == (index.current_index(), 5, 5)
    assert (counted.settled, counted.differs, pause.taken) == (True, False, [])


def test_what_is_confirmed_and_not_visible_yet_is_no_difference(house: World, index: IndexEngine) -> None:
    house.load(people(5))
    publish_all(house, index)
    index.refresh()
    house.load(people(6), snapshot=False)
    publish_all(house, index)
    pause = Pauses(index.refresh)
    counted = count(house, index, pause)
    assert (counted.expected, counted.indexed, counted.differs) == (6, 6, False)
    assert set(pause.taken) <= {house.settings.index.compare_pause_s}


def test_a_lost_document_is_a_difference(house: World, index: IndexEngine) -> None:
    house.load(people(5))
    publish_all(house, index)
    index.bulk([Operation(licence_keys(house)[0], 10**9, None)])
    index.refresh()
    pause = Pauses()
    counted = count(house, index, pause)
    assert (counted.expected, counted.indexed, counted.settled, counted.differs) == (5, 4, True, True)
    assert pause.taken == [house.settings.index.compare_pause_s]


def test_while_changes_wait_nothing_is_said_about_a_difference(house: World, index: IndexEngine) -> None:
    house.load(people(5))
    publish_all(house, index)
    house.load(people(6), snapshot=False)
    index.refresh()
    counted = count(house, index, Pauses())
    assert (counted.expected, counted.indexed, counted.settled, counted.differs) == (6, 5, False, False)
    # A change that was given up does not wait: what is missing is missing.
    with writing(house.engine).begin() as connection:
        connection.execute(sa.update(t.outbox).values(dead=True))
    assert count(house, index, Pauses()).differs


def test_what_changes_while_it_is_counted_is_not_judged(small_world: World) -> None:
    def health() -> Health:
        with writing(small_world.engine).begin() as connection:
            allocate(connection, 1)
        return Health("i", 3, "")

    counted = count_both(small_world.engine, health, small_world.settings.index, pause=Pauses())
    assert (counted.expected, counted.indexed, counted.settled, counted.differs) == (0, 3, False, False)


def test_an_engine_that_cant_tell_leaves_the_count_of_sql(small_world: World) -> None:
    small_world.load(people(2))
    with writing(small_world.engine).begin() as connection:
        connection.execute(sa.delete(t.outbox))
    counted = count_both(small_world.engine, lambda: Health(None, None, NO_INDEX), small_world.settings.index)
    assert (counted.expected, counted.indexed, counted.settled, counted.differs) == (2, None, True, False)


def test_a_count_that_takes_too_long_is_given_up(
    fresh_postgres_database: Callable[[], str], tmp_path: Path
) -> None:
    world = World(make_settings(tmp_path, fresh_postgres_database()))
    hasty = msgspec.structs.replace(world.settings.index, count_timeout_s=0.05)
    with writing(world.engine).begin() as connection:
        connection.execute(sa.text("LOCK TABLE licence IN ACCESS EXCLUSIVE MODE"))
        with pytest.raises(sa.exc.OperationalError, match="statement timeout"):
            count_both(world.engine, lambda: Health(None, None, ""), hasty)
    # The limit holds for that count alone.
    with world.engine.connect() as connection:
        assert connection.scalar(sa.text("SHOW statement_timeout")) == "0"
    world.close()


def test_a_look_tells_all_sides_of_one_moment(house: World, index: IndexEngine) -> None:
    house.load(people(3))
    publish_all(house, index)
    index.refresh()
    counted = count(house, index, Pauses())
    found = look(house.engine, index.health(), counted, datetime.now(UTC))
    assert found.health.documents == counted.expected == 3
    assert found.state.in_use is not None
    assert (found.state.in_use.name, found.state.in_use.documents) == (index.current_index(), 3)
    assert found.state.waiting.count == 0
    assert problems(found, house.settings) == []


# --- what a person is told ----------------------------------------------------------------------------------------------

QUIET = IndexState(Waiting(0, None, 0), InUse("now", NOW - DAY, 10), "before", None, None)
COMPARED = Comparison(NOW - DAY, 9.0, expected=10, missing=0, extra=0, stale=0, repaired=0)
WELL = Freshness(NOW, QUIET, Health("now", 10, ""), Counted("now", 10, 10, settled=True, at=NOW))


def standing(
    *,
    counted: Counted | None = WELL.counted,
    health: Health = WELL.health,
    **state: Any,  # noqa: ANN401 - fields of IndexState
) -> Freshness:
    return replace(WELL, state=replace(QUIET, **state), health=health, counted=counted)


def compared(**found: Any) -> Freshness:  # noqa: ANN401 - fields of Comparison
    return standing(comparison=replace(COMPARED, **found))


def build(minutes: float) -> Freshness:
    return standing(building=Build("next", NOW - DAY, NOW - minutes * MINUTE, 0.4))


CASES: list[tuple[Freshness, str, str]] = [
    (WELL, "", ""),
    (replace(WELL, counted=None), "", ""),
    (standing(waiting=Waiting(9, 300.0, 0)), "", ""),
    (
        standing(waiting=Waiting(9, 301.0, 0)),
        "changes-late",
        "9 changes wait to be published, the oldest for 5 minutes",
    ),
    (
        standing(waiting=Waiting(1, 86_400.0, 0)),
        "changes-late",
        "1 change waits to be published, the oldest for 24 hours",
    ),
    (
        standing(waiting=Waiting(0, None, 1)),
        "dead-letters",
        "1 change could not be published and was given up",
    ),
    (
        standing(waiting=Waiting(0, None, 2)),
        "dead-letters",
        "2 changes could not be published and were given up",
    ),
    (compared(), "", ""),
    (compared(missing=1), "comparison-differs", "found 1 missing, 0 extra and 0 stale documents"),
    (
        compared(extra=2, stale=1, repaired=2),
        "comparison-differs",
        "2026-11-21 12:00 UTC found 0 missing, 2 extra",
    ),
    (compared(extra=2, stale=1, repaired=3), "", ""),
    (compared(at=NOW - 2 * DAY), "", ""),
    (
        compared(at=NOW - 2 * DAY - MINUTE),
        "comparison-old",
        "last compared with SQL 2026-11-20 11:59 UTC; at most 48 hours",
    ),
    (standing(in_use=InUse("now", NOW - 3 * DAY, 10)), "comparison-old", "never been compared"),
    (
        standing(counted=Counted("now", 10, 9, settled=True, at=NOW)),
        "count-differs",
        "holds 9 documents, SQL says 10",
    ),
    (standing(counted=Counted("now", 10, 9, settled=False, at=NOW)), "", ""),
    (standing(counted=Counted("before", 10, 9, settled=True, at=NOW)), "", ""),
    (build(29), "", ""),
    (
        build(31),
        "build-still",
        "a rebuild began 2026-11-21 12:00 UTC and has not got on since 2026-11-22 11:29 UTC",
    ),
    (
        standing(health=Health("other", 10, "")),
        "other-index",
        "the engine uses other, SQL took now to be in use",
    ),
    (standing(in_use=None), "", ""),
    (
        standing(in_use=InUse("now", NOW - DAY, None)),
        "unfinished-index",
        "now is in use and was not made here",
    ),
    (standing(in_use=InUse("now", NOW - 2 * DAY, None), comparison=COMPARED), "", ""),
    (
        standing(in_use=InUse("now", NOW, None), comparison=COMPARED),
        "unfinished-index",
        "`indexer compare --repair`",
    ),
]


@pytest.mark.parametrize(("found", "code", "says"), CASES)
def test_what_needs_a_person_is_told_and_nothing_else(found: Freshness, code: str, says: str) -> None:
    told = problems(found, SETTINGS)
    assert [problem.code for problem in told] == ([code] if code else [])
    assert all(says in problem.text for problem in told)


def test_every_problem_is_shown_by_a_case() -> None:
    assert {code for _, code, _ in CASES if code} == set(PROBLEMS)


def test_all_that_is_wrong_is_told_at_once() -> None:
    found = standing(
        waiting=Waiting(1, 400.0, 1),
        comparison=replace(COMPARED, at=NOW - 9 * DAY, missing=1),
        counted=Counted("now", 10, 9, settled=True, at=NOW),
        building=Build("next", NOW - DAY, NOW - DAY, 0.4),
        in_use=InUse("now", NOW - DAY, None),
    )
    told = [problem.code for problem in problems(found, SETTINGS)]
    assert told == [code for code in PROBLEMS if code != "other-index"]


def test_a_registry_that_is_not_to_be_compared_is_not_told_that_it_was_not() -> None:
    never = msgspec.structs.replace(
        SETTINGS, index=msgspec.structs.replace(SETTINGS.index, compare_max_age_hours=0)
    )
    assert problems(standing(in_use=InUse("now", NOW - 900 * DAY, 10)), never) == []


@pytest.mark.parametrize(
    ("problem", "code"),
    [
        ("", ""),
        (NO_INDEX, "no-index"),
        (OTHER_MAPPING, "other-mapping"),
        (FEWER_FIELDS, "fewer-fields"),
        ("connection refused by search-1.internal", "search-unavailable"),
    ],
)
def test_the_engines_trouble_has_a_word_that_gives_nothing_away(problem: str, code: str) -> None:
    assert engine_problem(Health(None, None, problem)) == code
