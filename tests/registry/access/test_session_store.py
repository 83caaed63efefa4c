"""The store of sessions on both databases."""

from collections.abc import Iterator

import msgspec
import pytest
import sqlalchemy as sa

from registry.access.session_store import Login, SessionStore, purge_sessions
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


def test_a_persons_sessions_are_listed_and_ended_by_handles_that_open_nothing(
    engine: sa.Engine, each_database: str, clock: Clock
) -> None:
    settings = settings_for(None, each_database)
    store = SessionStore(engine, Sealer(settings.privacy), settings.login, clock)
    anna, other = Login("https://idp.example", "anna"), Login("https://other.example", "anna")
    for number, secret in enumerate(("one", "two", "three")):
        store.insert(secret, {"n": number}, login=anna)
        clock.pass_(60)
    store.insert("hers", {}, login=other)
    found = store.opened_by(anna)
    assert [one.data["n"] for one in found] == [2, 1, 0], "the latest used first"
    assert found[0].handle == store.handle("three")
    assert not {"one", "two", "three"} & {one.handle for one in found}
    assert store.read(found[0].handle) is None
    assert not store.end(anna, store.handle("hers"))
    assert not store.end(other, store.handle("one"))
    assert store.end(anna, store.handle("one"))
    assert not store.end(anna, store.handle("one"))
    assert store.read("one") is None
    assert store.end_others(anna, "three") == 1
    assert [store.read(secret) is not None for secret in ("two", "three", "hers")] == [False, True, True]
    assert store.end_others(anna, "") == 1
    assert store.end_others(anna, "") == 0
    clock.pass_(settings.login.session_idle_minutes * 60)
    assert store.opened_by(other) == [], "an ended one is not told"


def test_a_session_that_does_not_open_can_be_seen_and_ended(
    engine: sa.Engine, each_database: str, clock: Clock
) -> None:
    one, other = (settings_for(None, each_database) for _ in range(2))
    digest = {"digest_key": one.privacy.digest_key}
    stores = [
        SessionStore(engine, Sealer(msgspec.structs.replace(each.privacy, **digest)), each.login, clock)
        for each in (one, other)
    ]
    anna = Login("https://idp.example", "anna")
    stores[0].insert("one", {"a": 1}, login=anna)
    (found,) = stores[1].opened_by(anna)
    assert found.data == {}
    assert stores[1].end(anna, found.handle)
    assert stores[0].read("one") is None
