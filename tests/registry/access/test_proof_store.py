"""Used proofs on each database: the first use counts, of however many at once, and nothing is kept for ever."""

import multiprocessing
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from registry.access.proof_store import ProofStore
from registry.access.tables import dpop_proof, metadata
from registry.database import open_database
from registry.settings import load_settings
from tests.registry.access.conftest import Clock

DIGEST = b"d" * 32


def _open(url: str) -> sa.Engine:
    return open_database(url, load_settings({}).database, service=True)


@pytest.fixture
def engine(each_database: str) -> Iterator[sa.Engine]:
    engine = _open(each_database)
    metadata.create_all(engine)
    yield engine
    engine.dispose()


def test_a_proof_counts_once(engine: sa.Engine) -> None:
    one, other = ProofStore(engine), ProofStore(engine)
    until = time.time() + 60
    assert one.use_once(DIGEST, until)
    assert not one.use_once(DIGEST, until)
    assert not other.use_once(DIGEST, until)
    assert other.use_once(b"e" * 32, until)


def test_of_many_threads_one_wins(engine: sa.Engine) -> None:
    store, until = ProofStore(engine), time.time() + 60
    with ThreadPoolExecutor(6) as threads:
        assert sum(threads.map(lambda _: store.use_once(DIGEST, until), range(30))) == 1


def _use(url: str, until: float) -> int:
    engine = _open(url)
    try:
        store = ProofStore(engine)
        return sum(store.use_once(bytes([n]) * 32, until) for n in range(50))
    finally:
        engine.dispose()


def test_of_several_processes_one_wins(engine: sa.Engine, each_database: str) -> None:
    until = time.time() + 60
    with ProcessPoolExecutor(3, mp_context=multiprocessing.get_context("spawn")) as workers:
        won = workers.map(_use, [each_database] * 3, [until] * 3)
        assert sum(won) == 50


def test_what_is_too_old_to_come_again_is_cleared_away(engine: sa.Engine, clock: Clock) -> None:
    store = ProofStore(engine, clock)
    for n in range(5):
        store.use_once(bytes([n]) * 32, clock() + 30 + n)
    clock.pass_(61)
    assert store.use_once(b"m" * 32, clock() + 360)
    with engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(dpop_proof)) == 6, (
            "another worker's clock may be behind"
        )
    clock.pass_(335)
    assert store.use_once(b"m" * 32, clock() + 60) is False
    assert store.use_once(b"n" * 32, clock() + 60)
    with engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(dpop_proof)) == 2


def test_without_its_table_nothing_is_taken_for_new(database: str) -> None:
    engine = _open(database)
    with pytest.raises(sa.exc.SQLAlchemyError):
        ProofStore(engine).use_once(DIGEST, time.time())
    engine.dispose()
