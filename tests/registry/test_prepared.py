"""Statements run by the driver itself: part of a transaction or one by themselves, and SQLAlchemy's errors."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from registry.database import open_database
from registry.prepared import Prepared
from tests.support.world import make_settings

_TABLE = sa.Table(
    "kept", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True), sa.Column("word", sa.Text)
)
_PUT = Prepared(
    _TABLE.insert()
    .values(id=sa.bindparam("number", None, type_=sa.Integer), word="constant")
    .returning(_TABLE.c.word)
)


@pytest.fixture
def engine(postgres_url: str, tmp_path: object) -> Iterator[sa.Engine]:
    from pathlib import Path

    settings = make_settings(Path(str(tmp_path)), postgres_url, REGISTRY_DATABASE__POOL_SIZE="1")
    made = open_database(postgres_url, settings.database, service=True)
    _TABLE.create(made)
    yield made
    made.dispose()


def _count(engine: sa.Engine) -> int:
    with engine.connect() as connection:
        return int(connection.scalar(sa.select(sa.func.count()).select_from(_TABLE)) or 0)


def test_a_statement_by_itself_is_durable_when_it_returns(engine: sa.Engine) -> None:
    assert _PUT.row(engine, {"number": 1}) == ("constant",)
    assert _count(engine) == 1


def test_the_connection_is_given_back_as_it_was(engine: sa.Engine) -> None:
    _PUT.row(engine, {"number": 1})
    with engine.connect() as connection:
        connection.execute(_TABLE.insert().values(id=2))
        connection.rollback()
    assert _count(engine) == 1


def test_on_a_connection_it_is_part_of_the_transaction(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        _PUT.row(connection, {"number": 1})
        connection.rollback()
    assert _count(engine) == 0


def test_no_row_is_none(engine: sa.Engine) -> None:
    nothing = Prepared(sa.select(_TABLE.c.word).where(_TABLE.c.id == sa.bindparam("number", None)))
    assert nothing.row(engine, {"number": 1}) is None


def test_errors_are_sqlalchemys_and_tell_no_values(engine: sa.Engine) -> None:
    _PUT.row(engine, {"number": 1})
    with pytest.raises(sa.exc.IntegrityError) as refused:
        _PUT.row(engine, {"number": 1})
    assert "constant" not in str(refused.value)
    with engine.connect() as connection, pytest.raises(sa.exc.IntegrityError):
        _PUT.row(connection, {"number": 1})
    assert _PUT.row(engine, {"number": 2}) == ("constant",), "the connection is usable"


@pytest.fixture
def killer(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection that ends the others of the same database."""
    mine = sa.create_engine(engine.url)
    with mine.connect() as connection:
        yield connection
    mine.dispose()


_END = sa.text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE pid <> pg_backend_pid() AND datname = current_database()"
)


def test_a_connection_that_is_gone_is_told_and_replaced(engine: sa.Engine, killer: sa.Connection) -> None:
    with engine.connect() as mine:
        mine.execute(sa.text("SELECT 1"))
        killer.execute(_END)
        with pytest.raises(sa.exc.OperationalError) as gone:
            _PUT.row(mine, {"number": 1})
    assert gone.value.connection_invalidated
    assert _PUT.row(engine, {"number": 2}) == ("constant",)


def test_a_connection_that_dies_in_the_pool_is_told_once_at_most(
    engine: sa.Engine, killer: sa.Connection
) -> None:
    _PUT.row(engine, {"number": 1})
    killer.execute(_END)
    failed = 0
    for number in (2, 3):
        try:
            _PUT.row(engine, {"number": number})
        except sa.exc.OperationalError:
            failed += 1
    assert failed <= 1
    assert _count(engine) == 3 - failed
