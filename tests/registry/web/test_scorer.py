"""What questions are compared with: one scorer, made anew when names have been counted anew."""

from datetime import UTC, datetime
from pathlib import Path

from registry.database import writing
from registry.records.name_counts import Counted, replace_all
from registry.web import create_app
from registry.web.context import Context, context
from tests.support.world import World, make_settings


def count(world: World, people: int, minutes: int) -> None:
    """Say that so many people were counted so many minutes past three, all but a few of whom are called Ek."""
    at = datetime(2026, 11, 22, 3, minutes, tzinfo=UTC)
    with writing(world.engine).begin() as connection:
        replace_all(connection, [Counted("family", "ek", people - 3, "Ek")], people, at, keep=10)


def context_of(world: World) -> Context:
    with create_app(world.settings).app_context():
        return context()


def test_the_scorer_knows_how_common_names_are_as_soon_as_they_have_been_counted(tmp_path: Path) -> None:
    world = World(make_settings(tmp_path, REGISTRY_SEARCH__NAME_COUNTS_TTL_S="0.000001"))
    shared = context_of(world)
    first = shared.scorer()
    assert first.counts is None
    assert shared.scorer() is first

    count(world, 1000, 1)
    second = shared.scorer()
    assert second is not first
    assert second.counts is not None
    assert second.counts.share("family", "ek") > 0.9
    assert shared.scorer() is second
    shared.close()
    world.close()


def test_a_handful_of_people_does_not_tell_how_common_a_name_is(tmp_path: Path) -> None:
    world = World(make_settings(tmp_path))
    count(world, 30, 1)
    shared = context_of(world)
    assert shared.scorer().counts is None
    shared.close()
    world.close()
