"""The two chains of migrations, on both databases."""

import pytest
import sqlalchemy as sa

from registry import migrate
from registry.access import tables as access_tables
from registry.errors import SettingsError
from registry.records import tables as records_tables
from tests.support.world import World


def table_names(engine: sa.Engine) -> set[str]:
    return set(sa.inspect(engine).get_table_names())


def test_migrations_make_the_tables_that_the_code_has(world: World) -> None:
    migrate.upgrade(world.settings)

    assert migrate.check(world.settings) == []
    assert set(records_tables.metadata.tables) <= table_names(world.engine)
    assert set(access_tables.metadata.tables) <= table_names(world.access_engine)
    migrate.require_current(world.settings)


def test_migrations_can_be_taken_back(world: World) -> None:
    migrate.downgrade(world.settings, "base")

    assert not table_names(world.engine) & set(records_tables.metadata.tables)
    with pytest.raises(SettingsError, match="Run `registry migrate`"):
        migrate.require_current(world.settings)


def test_a_table_the_code_does_not_expect_like_this_is_told(world: World) -> None:
    with world.engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE outbox ADD COLUMN surplus TEXT"))

    assert any("surplus" in line for line in migrate.check(world.settings))


def test_sqlite_keeps_access_events_apart_from_truth(small_world: World) -> None:
    assert "access_event" not in table_names(small_world.engine)
    assert "licence" not in table_names(small_world.access_engine)
