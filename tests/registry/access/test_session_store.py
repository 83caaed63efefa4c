"""The store of sessions on both databases."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from registry.access.session_store import SessionStore, purge_sessions
from registry.access.tables import metadata, web_session
from registry.database import open_database
from registry.sealing import Sealer
from tests.registry.access.conftest import Clock
from tests.registry.access.harness import settings_for


@pytest.fixture
def engine(each_database: str) -> Iterator[sa.Engine]:
    engine = open_database(each_database, settings_for(None, each_database).database, service=True)
    metadata.create_all(engine)
    yield engine
    engine.dispose()


def test_a_session_lives_from_insert_to_delete(engine: sa.Engine, each_database: str, clock: Clock) -> None:
    settings = settings_for(None, each_database)
    store = SessionStore(engine, Sealer(settings.privacy), settings.login, clock)
    store.insert("one", {"a": 1})
    clock.pass_(120)
    store.update("one", {"a": [1, {"b": "å"}]})
    found = store.read("one")
    assert found is not None
    assert found.data == {"a": [1, {"b": "å"}]}
    assert (found.used_at - found.created_at).total_seconds() == 120
    clock.pass_(120)
    store.touch("one", found)
    store.insert("two", {"a": 2}, replaces="one")
    assert store.read("one") is None
    clock.pass_(settings.login.session_idle_minutes * 60)
    assert store.read("two") is None
    store.insert("three", {})
    assert purge_sessions(engine, settings.login, now=store.now()) == 1
    store.delete("three")
    with engine.connect() as connection:
        assert connection.execute(sa.select(web_session)).all() == []


def test_contents_sealed_with_another_key_do_not_open(
    engine: sa.Engine, each_database: str, clock: Clock
) -> None:
    one, other = (settings_for(None, each_database) for _ in range(2))
    SessionStore(engine, Sealer(one.privacy), one.login, clock).insert("id", {"a": 1})
    assert SessionStore(engine, Sealer(other.privacy), other.login, clock).read("id") is None
