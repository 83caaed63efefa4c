"""The engine gone during loads: SQL truth goes on without it, and the index follows by itself when it is back."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import tantivy

from registry.records.index_tables import search_index
from tests.indexer.faults.houses import FaultHouse, large, people, small
from tests.services.opensearch import OpenSearchServer
from tests.support.engines import index_of
from tests.support.fault_proxy import Fault, FaultProxy
from tests.support.waiting import until

SOAK = bool(os.environ.get("REGISTRY_TEST_SOAK"))
# How long the engine is gone at least, in seconds, and how many loads are committed meanwhile at least.
OUTAGE_S, LOADS = (60.0, 30) if SOAK else (4.0, 3)
PEOPLE, CHANGED = 600, 200
# A load that waits longer than this for any lock fails. The publisher's patience with the engine is longer.
LOCK_PATIENCE_MS, ENGINE_PATIENCE_S = 1000, 3
_GIVEN = "abcdefghijklmnopqrstuvwxyz"


def impatient(house: FaultHouse) -> None:
    """Let no load of this process wait for anybody."""
    statement = (
        f"PRAGMA busy_timeout={LOCK_PATIENCE_MS}" if house.small else f"SET lock_timeout={LOCK_PATIENCE_MS}"
    )

    @sa.event.listens_for(house.world.engine, "connect")
    def _set(connection: Any, _record: object) -> None:  # noqa: ANN401 - a DBAPI connection
        connection.execute(statement)
        connection.commit()

    house.world.engine.dispose()


def load_through(house: FaultHouse, outage: Callable[[], bool]) -> int:
    """Load changes and new people while the engine is gone; return how many loads were committed in that time."""
    ends, loads = time.monotonic() + OUTAGE_S, 0
    while loads < LOADS or time.monotonic() < ends:
        given = f"Siv{_GIVEN[loads % len(_GIVEN)]}"
        house.load({**people(CHANGED, given), **people(1, given, PEOPLE + loads)})
        assert outage()
        loads += 1
        time.sleep(OUTAGE_S / LOADS / 4)
    return loads


@contextmanager
def gone(server: OpenSearchServer, how: str) -> Iterator[Callable[[], bool]]:
    """Have the engine stopped, killed or frozen for the length of the block."""
    {"stopped": server.stop, "killed": server.kill, "frozen": server.pause}[how]()
    try:
        yield lambda: how == "frozen" or not server.running
    finally:
        server.resume()
        server.start()


@pytest.mark.soak
@pytest.mark.parametrize("how", ["stopped", "killed", "frozen"] if SOAK else ["killed", "frozen"])
def test_loads_go_on_while_the_engine_is_gone_and_the_backlog_drains_by_itself(
    tmp_path: Path,
    fresh_postgres_database: Callable[[], str],
    stoppable_opensearch: OpenSearchServer,
    opensearch_prefix: str,
    how: str,
) -> None:
    server = stoppable_opensearch
    patience = f"{ENGINE_PATIENCE_S}"
    house = large(
        tmp_path,
        fresh_postgres_database,
        server.url,
        opensearch_prefix,
        REGISTRY_SEARCH__OPENSEARCH__INDEXER_TIMEOUT_S=patience,
    )
    with closing(house):
        impatient(house)
        house.load(people(PEOPLE))
        house.run("publish")
        with house.publisher() as publisher:
            with gone(server, how) as is_gone:
                loads = load_through(house, is_gone)
                assert house.waiting() == loads * (CHANGED + 1)
                assert publisher.running
            house.drained()
            assert publisher.running
        house.equal(PEOPLE + loads)


def test_loads_go_on_while_the_folder_is_written_to_by_another_and_the_backlog_drains_by_itself(
    tmp_path: Path,
) -> None:
    with closing(small(tmp_path)) as house:
        impatient(house)
        house.load(people(PEOPLE))
        house.run("publish")
        with house.publisher() as publisher:
            with written_by_another(house):
                loads = load_through(house, lambda: True)
                assert house.waiting() == loads * (CHANGED + 1)
                assert publisher.running
            house.drained()
            assert publisher.running
        house.equal(PEOPLE + loads)


@contextmanager
def written_by_another(house: FaultHouse) -> Iterator[None]:
    """Hold the lock that lets one process at a time write to the index in use."""
    engine = index_of(house.world)
    index = tantivy.Index.open(str(house.folder / "index" / str(engine.current_index())))
    engine.close()
    writer = index.writer(15_000_000, 1)
    try:
        yield
    finally:
        writer.rollback()
        del writer


def test_an_engine_that_dies_in_the_middle_of_a_rebuild_leaves_no_hole(
    tmp_path: Path,
    fresh_postgres_database: Callable[[], str],
    stoppable_opensearch: OpenSearchServer,
    opensearch_prefix: str,
) -> None:
    """What it had confirmed before is there after it, and the rebuild, or the next one, writes the rest."""
    server = stoppable_opensearch
    with ExitStack() as stack:
        proxy = stack.enter_context(FaultProxy(server.url))
        house = large(
            tmp_path,
            fresh_postgres_database,
            server.url,
            opensearch_prefix,
            proxy,
            REGISTRY_INDEX__REBUILD_BATCH="50",
        )
        stack.callback(house.close)
        house.load(people(PEOPLE))
        house.run("publish")
        house.load(people(4000, "Siv", PEOPLE))
        # So slow that there is a middle.
        with proxy.faults(Fault("delay", seconds=0.1)), house.process("rebuild") as rebuilding:
            until(lambda: filled_to(house) > 0)
            server.kill()
            assert rebuilding.poll() is None
            server.start()
            _, errors = rebuilding.communicate(timeout=300)
        if rebuilding.returncode:
            assert "Error:" in errors
            house.run("rebuild")
        house.run("publish")
        house.equal(PEOPLE + 4000)


def filled_to(house: FaultHouse) -> int:
    """Return how far a rebuild under way has come, as it has noted."""
    index = search_index.c
    with house.world.engine.connect() as connection:
        return connection.scalar(sa.select(index.filled_to).where(index.state == "building")) or 0


def test_a_publisher_that_starts_before_its_engine_waits_for_it(
    proxied: FaultHouse, proxy: FaultProxy
) -> None:
    proxied.load(people(50))
    with proxied.publisher() as publisher:
        with proxy.faults(Fault("cut", path="")):
            # Machines start in any order: the first rounds find no engine, a later one does.
            until(lambda: len(proxy.seen()) >= 3)
            assert publisher.running
        proxied.drained()
    proxied.equal(50)
