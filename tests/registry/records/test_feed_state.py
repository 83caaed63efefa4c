"""How feeds stand: their last pull that ended, what of it is in quarantine, and the runs that wait for a person."""

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from registry.database import writing
from registry.records import tables as t
from registry.records.feed_state import FeedState, HeldRun, feed_states
from tests.support.world import World

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def run(world: World, number: int, state: str, feed: str = "test", **rest: object) -> None:
    values = {"id": number, "feed_id": feed, "started_at": NOW, "finished_at": NOW, "state": state, **rest}
    with writing(world.engine).begin() as connection:
        connection.execute(sa.insert(t.feed_run).values(values))


def quarantine(world: World, run_id: int, rows: int) -> None:
    with writing(world.engine).begin() as connection:
        for row in range(rows):
            connection.execute(
                sa.insert(t.quarantined_record).values(
                    feed_id="test", run_id=run_id, row_number=row, reason="unreadable"
                )
            )


def states(world: World) -> dict[str, FeedState]:
    with world.engine.connect() as connection:
        return {each.feed.id: each for each in feed_states(connection)}


def test_every_feed_is_told_also_one_without_a_run(world: World) -> None:
    world.describe_feed("test")
    world.describe_feed("other")
    run(world, 1, "succeeded")
    quarantine(world, 1, 2)
    found = states(world)
    assert list(found) == ["other", "test"]
    assert (found["other"].last_pull, found["other"].quarantined, found["other"].held) == (None, 0, ())
    assert (found["test"].last_read, found["test"].quarantined) == (1, 2)
    assert found["test"].feed.last_success_at == NOW


@pytest.mark.parametrize(
    ("state", "finished_at", "wrong"),
    [
        ("succeeded", NOW, False),
        ("unchanged", NOW, False),
        ("held", NOW, False),
        ("failed", NOW, True),
        ("abandoned", NOW, False),
        ("abandoned", None, True),
    ],
)
def test_a_pull_went_wrong_when_it_failed_or_died(
    world: World, state: str, finished_at: datetime | None, wrong: bool
) -> None:
    world.describe_feed()
    run(world, 1, "succeeded")
    run(world, 2, state, finished_at=finished_at, error="half a file")
    run(world, 3, "running", finished_at=None)
    run(world, 4, "succeeded", kind="renormalize")
    pull = states(world)["test"].last_pull
    assert pull is not None
    assert (pull.run, pull.state, pull.ended_at, pull.error) == (2, state, finished_at, "half a file")
    assert pull.went_wrong is wrong


def test_quarantine_is_that_of_the_last_run_that_read_anything(world: World) -> None:
    world.describe_feed()
    run(world, 1, "succeeded")
    quarantine(world, 1, 5)
    run(world, 2, "succeeded")
    quarantine(world, 2, 3)
    run(world, 3, "unchanged")
    assert (states(world)["test"].last_read, states(world)["test"].quarantined) == (2, 3)


def test_held_runs_wait_until_they_are_undone_the_newest_first(world: World) -> None:
    world.describe_feed()
    run(world, 1, "held", held_reason="many vanished")
    run(world, 2, "held", held_reason="more vanished")
    assert states(world)["test"].held == (HeldRun(2, "more vanished"), HeldRun(1, "many vanished"))
    run(world, 3, "succeeded", kind="rollback", of_run_id=2)
    with writing(world.engine).begin() as connection:
        connection.execute(sa.update(t.feed_run).where(t.feed_run.c.id == 2).values(undone_run_id=3))
    assert states(world)["test"].held == (HeldRun(1, "many vanished"),)
