"""One short write to the access database, as a transaction by itself."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from registry.access.log import TURN
from registry.database import at_once, writing


@contextmanager
def one_write(engine: Engine) -> Iterator[sa.Connection]:
    """Give a connection for one statement that writes; it is durable when the block ends."""
    if engine.dialect.name == "sqlite":
        with TURN, writing(engine).begin() as connection:
            yield connection
    else:
        with at_once(engine).connect() as connection:
            yield connection
